#!/usr/bin/env dotnet
// Fits 5,000 rows of a law whose probabilities and density are known (age, children, job, income), at defaults, and compares with rows held out:
//   dotnet run -c Release examples/people.cs -- [SEED]
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using System.Diagnostics;
using System.Globalization;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var seed = args.Length > 0 ? ulong.Parse(args[0], CultureInfo.InvariantCulture) : 1;
const int HeldOut = 5000;
var (rows, held) = (PeopleLaw.Draw(5000, seed), PeopleLaw.Draw(HeldOut, seed + 1000));
var types = ColumnTypeRule.Find(rows);
Console.WriteLine(string.Join("; ", types.All.Select(t => $"{t.Name} {t}")));
var clock = Stopwatch.StartNew();
var model = new TableModel(new InterpolantFit(FlowData.From(rows, types)).Run(new Run { Seed = seed }));
Console.WriteLine($"fit: {clock.Elapsed.TotalSeconds:F1} s");

// 1. The log-likelihood of rows held out beside that of the law.
var law = model.LogDensity(held);
var (mine, truth) = (law.Sum, PeopleLaw.LogLikelihood(held));
var (difference, error) = MeanOfRows.Of([.. mine.Zip(truth, (a, b) => a - b)]);
Console.WriteLine($"log-likelihood of {HeldOut} rows held out: {mine.Average():F4} nats a row, of the law {truth.Average():F4}");
Console.WriteLine($"difference: {difference:F4} +- {error:F4}");

// 2. Wholeness and shares; an error is that of the rows drawn, of those held out and of those of the fit.
const int Drawn = 20_000;
var drawn = model.Generate(Drawn, new FlowSettings { Seed = seed });
double[] whole = [.. drawn.Column("age"), .. drawn.Column("children")];
var children = drawn.Column("children");
Console.WriteLine($"whole: {whole.Count(v => v == Math.Floor(v))} of {whole.Length}; children from {children.Min()} to {children.Max()}");
List<(string Name, Func<DataTable, double[]> Of)> shares =
[
    .. PeopleLaw.Jobs.Select(job => (job, (Func<DataTable, double[]>)(t => [.. t.Labels("job").Select(j => j == job ? 1.0 : 0)]))),
    .. Enumerable.Range(0, 8).Select(k => ($"{k} children", (Func<DataTable, double[]>)(t => [.. t.Column("children").Select(v => v == k ? 1.0 : 0)]))),
    ("no income", t => [.. t.Column("income").Select(v => v == 0 ? 1.0 : 0)]),
];
var beyond = 0;
foreach (var (name, of) in shares)
{
    var (a, b, c) = (of(drawn).Average(), of(held).Average(), of(rows).Average());
    var spread = Math.Sqrt(b * (1 - b) * ((1.0 / Drawn) + (1.0 / HeldOut) + (1.0 / rows.Rows)));
    beyond += Math.Abs(a - b) > 2 * spread ? 1 : 0;
    Console.WriteLine($"{name,-12} drawn {a:F4}, held out {b:F4}: {(a - b) / spread,5:F1} errors (rows of the fit {c:F4})");
}

Console.WriteLine($"{beyond} of {shares.Count} shares differ by more than 2 errors, where chance alone makes {0.0455 * shares.Count:F1}");

// 3. The classifier, which sees words one by one, and wholeness and ties.
double[] Numbers(DataTable table) => DataTable.Of("numbers",
[
    .. new[] { "age", "children", "income" }.Select(name => new TableColumn(name, table.Column(name), null)),
    .. PeopleLaw.Jobs.Select(job => new TableColumn(job, [.. table.Labels("job").Select(j => j == job ? 1.0 : 0)], null)),
]).Values;
var compared = TwoSampleTable.Compute(Numbers(drawn), Numbers(held), 8, new TwoSampleOptions { Seed = seed });
Console.WriteLine(compared.Classifier);

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
