using System.Globalization;
using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Tests.Measures.Laws;

/// <summary>
/// The log densities against values of 50 digits (log-densities.csv), in both precisions on the tile machine and in the interpreter. Errors are relative to the
/// largest term of the formula: 1e-13 in double, 1e-6 (about eight units in the last place) in single precision.
/// </summary>
public sealed class LogDensityTests
{
    private const double Double = 1e-13;
    private const double Single = 1e-6;

    private static readonly Dictionary<string, Func<Expr[], Expr>> s_laws = new()
    {
        ["normal"] = a => LogDensities.Normal(a[0], a[1], a[2]),
        ["std_normal"] = a => LogDensities.StandardNormal(a[0]),
        ["lognormal"] = a => LogDensities.LogNormal(a[0], a[1], a[2]),
        ["gamma"] = a => LogDensities.Gamma(a[0], a[1], a[2]),
        ["inv_gamma"] = a => LogDensities.InverseGamma(a[0], a[1], a[2]),
        ["exponential"] = a => LogDensities.Exponential(a[0], a[1]),
        ["chi_square"] = a => LogDensities.ChiSquared(a[0], a[1]),
        ["beta"] = a => LogDensities.Beta(a[0], a[1], a[2]),
        ["student_t"] = a => LogDensities.StudentT(a[0], a[1], a[2], a[3]),
        ["cauchy"] = a => LogDensities.Cauchy(a[0], a[1], a[2]),
        ["half_normal"] = a => LogDensities.HalfNormal(a[0], a[1]),
        ["half_cauchy"] = a => LogDensities.HalfCauchy(a[0], a[1]),
        ["half_student_t"] = a => LogDensities.HalfStudentT(a[0], a[1], a[2]),
        ["double_exponential"] = a => LogDensities.Laplace(a[0], a[1], a[2]),
        ["logistic"] = a => LogDensities.Logistic(a[0], a[1], a[2]),
        ["gumbel"] = a => LogDensities.Gumbel(a[0], a[1], a[2]),
        ["weibull"] = a => LogDensities.Weibull(a[0], a[1], a[2]),
        ["pareto"] = a => LogDensities.Pareto(a[0], a[1], a[2]),
        ["uniform"] = a => LogDensities.Uniform(a[0], a[1], a[2]),
        ["von_mises"] = a => LogDensities.VonMises(a[0], a[1], a[2]),
        ["bernoulli"] = a => LogDensities.Bernoulli(a[0], a[1]),
        ["bernoulli_logit"] = a => LogDensities.BernoulliLogit(a[0], a[1]),
        ["binomial"] = a => LogDensities.Binomial(a[0], a[1], a[2]),
        ["binomial_logit"] = a => LogDensities.BinomialLogit(a[0], a[1], a[2]),
        ["poisson"] = a => LogDensities.Poisson(a[0], a[1]),
        ["poisson_log"] = a => LogDensities.PoissonLog(a[0], a[1]),
        ["neg_binomial_2"] = a => LogDensities.NegativeBinomial(a[0], a[1], a[2]),
        ["neg_binomial_2_log"] = a => LogDensities.NegativeBinomialLog(a[0], a[1], a[2]),
        ["geometric"] = a => LogDensities.Geometric(a[0], a[1]),
        ["beta_binomial"] = a => LogDensities.BetaBinomial(a[0], a[1], a[2], a[3]),
    };

    private static readonly ILookup<string, Row> s_rows = Table().ToLookup(r => r.Law);

    public static TheoryData<string> Laws => [.. s_laws.Keys];

    private sealed record Row(string Law, double[] Arguments, double Value, double[] Derivatives, double Scale);

    private static IEnumerable<Row> Table()
    {
        static double[] Numbers(string text) => [.. text.Split(' ').Select(v => double.Parse(v, CultureInfo.InvariantCulture))];
        using var stream = typeof(LogDensityTests).Assembly.GetManifestResourceStream("log-densities.csv")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#'))
            {
                var parts = line.Split(',');
                yield return new Row(parts[0], Numbers(parts[1]), Numbers(parts[2])[0], Numbers(parts[3]), Numbers(parts[4])[0]);
            }
        }
    }

    private static TracedProgram Program(string law, int arguments)
    {
        var a = Expr.Input("a", arguments);
        var value = s_laws[law]([.. Enumerable.Range(0, arguments).Select(i => a[i])]);
        return new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, a)));
    }

    [Fact]
    public void TheTableHasEveryLaw() => Assert.Equal(s_laws.Keys.Order(), s_rows.Select(g => g.Key).Order());

    [Theory]
    [MemberData(nameof(Laws))]
    public void ValuesAndGradientsAreThoseOfTheTable(string law)
    {
        Row[] rows = [.. s_rows[law]];
        var size = rows[0].Arguments.Length;
        var program = Program(law, size);
        double[] arguments = [.. rows.SelectMany(r => r.Arguments)];
        var inputs = new Dictionary<string, double[]> { ["a"] = arguments };
        var outputs = ReferenceInterpreter.Evaluate(program, rows.Length, inputs, []);
        Compare(rows, outputs["value"], outputs["gradient"], Double, "interpreter");
        Compare(rows, Run<double>(program, arguments, rows.Length, "value"), Run<double>(program, arguments, rows.Length, "gradient"), Double, "double");
        Compare(rows, Run<float>(program, arguments, rows.Length, "value"), Run<float>(program, arguments, rows.Length, "gradient"), Single, "single");
    }

    private static double[] Run<T>(TracedProgram program, double[] arguments, int rows, string output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var run = new CompiledProgram<T>(program, new ExecutionOptions { Threads = 1 });
        var size = arguments.Length / rows;
        var a = run["a"] = new NdArray<T>(rows, size);
        Numbers.Copy(arguments, a.Span);
        (run["value"], run["gradient"]) = (new NdArray<T>(rows), new NdArray<T>(rows, size));
        run.Run(rows);
        return Numbers.Doubles<T>(run[output].Span);
    }

    private static void Compare(Row[] rows, double[] values, double[] gradients, double tolerance, string where)
    {
        var size = rows[0].Arguments.Length;
        for (var i = 0; i < rows.Length; i++)
        {
            var row = rows[i];
            var place = $"{where}: {row.Law}({string.Join(", ", row.Arguments)})";
            Assert.True(
                Math.Abs(values[i] - row.Value) <= tolerance * Math.Max(row.Scale, 1), $"{place} is {values[i]:r}, not {row.Value:r} (scale {row.Scale}).");
            for (var k = 0; k < size; k++)
            {
                // Counts are data: no derivative is promised.
                if (row.Derivatives[k] == 0 && IsCount(row.Law, k))
                {
                    continue;
                }

                var (found, expected) = (gradients[(i * size) + k], row.Derivatives[k]);
                var terms = Math.Max(row.Scale, 1) + (IsCount(row.Law, 0) ? row.Arguments[0] : 0);
                var scale = Math.Max(Math.Abs(expected), terms / Math.Max(Math.Abs(row.Arguments[k]), 1e-30));
                Assert.True(Math.Abs(found - expected) <= 10 * tolerance * scale, $"{place}: derivative {k} is {found:r}, not {expected:r} (scale {scale}).");
            }
        }
    }

    private static bool IsCount(string law, int argument) => argument == 0
        ? law is "bernoulli" or "bernoulli_logit" or "poisson" or "poisson_log" or "neg_binomial_2" or "neg_binomial_2_log" or "geometric" || IsCount(law, 1)
        : argument == 1 && law is "binomial" or "binomial_logit" or "beta_binomial";

    [Fact]
    public void OutsideOfABoundedLawTheDensityIsZero()
    {
        Expr[] values =
        [
            LogDensities.Exponential(-1, 2), LogDensities.HalfNormal(-1, 2), LogDensities.HalfCauchy(-1, 2), LogDensities.HalfStudentT(-1, 3, 2),
            LogDensities.Uniform(3, 0, 2), LogDensities.Uniform(-1, 0, 2), LogDensities.Pareto(1, 2, 3),
        ];
        Assert.All(values, v => Assert.Equal(double.NegativeInfinity, Number(v)));
    }

    private static double Number(Expr value) =>
        ReferenceInterpreter.Evaluate(new TracedProgram(null, ("value", value)), 1, new Dictionary<string, double[]>(), [])["value"][0];

    private static Expr Vector(params double[] values) => Expr.Constant(values, values.Length);

    [Fact]
    public void ProbabilitiesOfClassesAddUpToOne()
    {
        var (logits, cutpoints) = (Vector(0.3, -700, 900, 2), Vector(-1, 0.5, 40));
        foreach (var location in new[] { -800, -2, 0.25, 30, 800 })
        {
            Assert.Equal(1, Number(LogDensities.OrderedLogistic([0, 1, 2, 3], location, cutpoints).Exp().Sum()), 1e-14);
        }

        Assert.Equal(1, Number(LogDensities.CategoricalLogit([0, 1, 2, 3], logits).Exp().Sum()), 1e-14);
        Assert.Equal(-1600, Number(LogDensities.CategoricalLogit([1], logits)[0]), 1e-10);

        // Far out the middle class loses e^-(location - cut) and keeps log(1 - e^-gap).
        Assert.Equal(0.5 - 800 + Math.Log(1 - Math.Exp(-1.5)), Number(LogDensities.OrderedLogistic([1], 800, cutpoints)[0]), 1e-10);
        Assert.Contains("observation 1 is 4", Assert.Throws<ArgumentException>(() => LogDensities.CategoricalLogit([0, 4], logits)).Message);
    }

    [Fact]
    public void LawsOfSeveralClassesContainThoseOfTwo()
    {
        var p = Vector(0.2, 0.8);
        Assert.Equal(Number(LogDensities.Binomial(3, 10, 0.2)), Number(LogDensities.Multinomial(Vector(3, 7), p)), 1e-13);
        Assert.Equal(Number(LogDensities.Beta(0.2, 2.5, 0.7)), Number(LogDensities.Dirichlet(p, Vector(2.5, 0.7))), 1e-13);
        Assert.Equal(
            Number(LogDensities.BernoulliLogit(1, 1.3)), Number(LogDensities.CategoricalLogit([0, 1], Expr.Constant([0, 1.3, 0, 1.3], 2, 2))[1]), 1e-14);
        Assert.Equal(Number(LogDensities.BernoulliLogit(0, -0.7)), Number(LogDensities.OrderedLogistic([0], -0.7, Vector(0))[0]), 1e-14);
    }

    [Fact]
    public void NormalLawsOfVectorsAreProductsInTheirOwnAxes()
    {
        var (x, mean, factor) = (Vector(0.3, 1.5), Vector(1, -1), Expr.Constant([2, 0, 0.5, 1.5], 2, 2));

        // L z = x - mean gives z = (-0.35, 1.7833...); the inverse covariance's factor is found from its two entries by hand.
        var second = (2.5 + 0.175) / 1.5;
        var expected = Number(LogDensities.StandardNormal(-0.35) + LogDensities.StandardNormal(second)) - Math.Log(3);
        Assert.Equal(expected, Number(LogDensities.MultivariateNormalCholesky(x, mean, factor)), 1e-13);
        var precision = Expr.MatrixProduct(factor, factor.Transpose()).InversePositiveDefinite().Cholesky();
        Assert.Equal(expected, Number(LogDensities.MultivariateNormalPrecision(x, mean, precision)), 1e-13);
    }
}
