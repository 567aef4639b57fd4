using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Tests.Methods.Generation;

/// <summary>
/// A law of people whose probabilities and density are known: age (whole, 18 to 90), children (0 to 7), job (5 words) and income (zero, or log-normal), each of
/// which depends on those before it.
/// </summary>
internal static class PeopleLaw
{
    private const int Youngest = 18;
    private const int Oldest = 90;
    private static readonly double[] s_ages = Normalised([.. Enumerable.Range(Youngest, Oldest - Youngest + 1).Select(age =>
        (0.6 / 10 * Math.Exp(-0.5 * Math.Pow((age - 35) / 10.0, 2))) + (0.4 / 12 * Math.Exp(-0.5 * Math.Pow((age - 62) / 12.0, 2))))]);

    public static string[] Jobs { get; } = ["clerk", "engineer", "farmer", "nurse", "retired"];

    public static DataTable Draw(int rows, ulong seed)
    {
        var random = new RandomStream(seed, 999);
        var (age, children, job, income) = (new double[rows], new double[rows], new string[rows], new double[rows]);
        for (var i = 0; i < rows; i++)
        {
            age[i] = Youngest + random.NextCategorical(s_ages);
            var j = random.NextCategorical(Job(age[i]));
            var k = random.NextCategorical(Children(age[i], j));
            var (mean, deviation) = Amount(age[i], j, k);
            (job[i], children[i]) = (Jobs[j], k);
            income[i] = random.NextDouble() < Zero(j, k) ? 0 : Math.Exp(mean + (deviation * random.NextNormal()));
        }

        return DataTable.Of("people", [new("age", age, null), new("children", children, null), new("job", null, job), new("income", income, null)]);
    }

    /// <summary>The log likelihood of each row.</summary>
    public static double[] LogLikelihood(DataTable table)
    {
        var (age, children, income, jobs) = (table.Column("age"), table.Column("children"), table.Column("income"), table.Labels("job"));
        return [.. Enumerable.Range(0, table.Rows).Select(i =>
        {
            var (j, k) = (Array.IndexOf(Jobs, jobs[i]), (int)children[i]);
            var (zero, (mean, deviation)) = (Zero(j, k), Amount(age[i], j, k));
            var place = (Math.Log(income[i]) - mean) / deviation;
            return Math.Log(s_ages[(int)age[i] - Youngest]) + Math.Log(Job(age[i])[j]) + Math.Log(Children(age[i], j)[k]) + (income[i] == 0 ? Math.Log(zero)
                : Math.Log(1 - zero) - (0.5 * place * place) - Math.Log(deviation * income[i] * Math.Sqrt(2 * Math.PI)));
        })];
    }

    private static double[] Job(double age)
    {
        var a = (age - 45) / 15;
        return Normalised([.. new[] { 0.2, 0.3 - (0.6 * a), -0.5 + (0.2 * a), 0.5 - (0.3 * a), -3 + (2.5 * a) }.Select(Math.Exp)]);
    }

    private static double[] Children(double age, int job)
    {
        var rate = Math.Exp(0.5 + (0.6 * Math.Tanh((age - 30) / 10)) + new[] { 0, -0.3, 0.5, 0.1, 0.2 }[job]);
        var terms = new double[8];
        terms[0] = 1;
        for (var k = 1; k < terms.Length; k++)
        {
            terms[k] = terms[k - 1] * rate / k;
        }

        return Normalised(terms);
    }

    private static double Zero(int job, int children) => 1 / (1 + Math.Exp(2 - (job == 4 ? 1.5 : 0) + (job == 1 ? 0.3 : 0) - (0.25 * children)));

    private static (double Mean, double Deviation) Amount(double age, int job, int children) => (
        10 + new[] { 0, 0.4, -0.3, 0.1, -0.5 }[job] + (0.02 * (age - 45)) - (0.0005 * (age - 45) * (age - 45)) - (0.05 * children), job == 2 ? 0.5 : 0.4);

    private static double[] Normalised(double[] terms)
    {
        var sum = terms.Sum();
        return Array.ConvertAll(terms, term => term / sum);
    }
}
