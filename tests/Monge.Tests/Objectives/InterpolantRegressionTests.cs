using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;

namespace Monge.Tests.Objectives;

/// <summary>
/// Between Gaussians the fields are linear, a network of zeros makes them exactly, and three nodes of Gauss-Hermite quadrature for each end and the noise make
/// the expectations of a regression exactly.
/// </summary>
public sealed class InterpolantRegressionTests
{
    private const double BaseMean = 0.4, BaseDeviation = 1.3, DataMean = -0.7, DataDeviation = 0.6;
    private static readonly (double Node, double Weight)[] s_hermite = [(-Math.Sqrt(3), 1.0 / 6), (0, 2.0 / 3), (Math.Sqrt(3), 1.0 / 6)];

    public static TheoryData<string, InterpolantKind, LearnedFields> Cases => new()
    {
        { "trigonometric", InterpolantKind.TwoSided, LearnedFields.Velocity },
        { "linear-latent", InterpolantKind.TwoSided, LearnedFields.VelocityScore },
        { "linear-latent", InterpolantKind.TwoSided, LearnedFields.VelocityDenoiser },
        { "trigonometric-latent", InterpolantKind.TwoSided, LearnedFields.InterpolantVelocityScore },
        { "encoder-decoder", InterpolantKind.TwoSided, LearnedFields.InterpolantVelocityDenoiser },
        { "linear", InterpolantKind.OneSided, LearnedFields.Velocity },
        { "linear-latent", InterpolantKind.OneSided, LearnedFields.Denoiser },
        { "variance-preserving", InterpolantKind.OneSided, LearnedFields.Score },
        { "linear-latent", InterpolantKind.Mirror, LearnedFields.Velocity },
        { "linear-latent", InterpolantKind.Mirror, LearnedFields.Denoiser },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Exact_fields_minimise_the_regression(string schedule, InterpolantKind kind, LearnedFields learn)
    {
        var fields = Fields(schedule, kind, learn);
        var (t, pair) = (Expr.Input("t"), new InterpolantPair(Expr.Input("x0", 1), Expr.Input("x1", 1), Expr.Input("z", 1)));
        var x = InterpolantRegression.Position(fields.Interpolant, t, pair);
        var (first, second) = fields.Learned(x, t);
        var (firstTarget, secondTarget) = InterpolantRegression.Targets(fields.Interpolant, learn, t, pair);
        var gaps = new[] { first - firstTarget, second is null ? Expr.Constant([0], 1) : second - secondTarget! };

        // At the minimum the error is orthogonal to every function of the position; all linear ones are tried.
        (string, Expr)[] outputs = [.. gaps.SelectMany((gap, k) => new[] { ($"constant{k}", gap[0]), ($"linear{k}", gap[0] * x[0]) })];
        foreach (var time in new[] { 0.1, 0.45, 0.9 })
        {
            Assert.All(Expectations(kind, time, outputs), mean => Assert.Equal(0, mean, 1e-12));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Velocity_and_score_are_those_of_Gaussians(string schedule, InterpolantKind kind, LearnedFields learn)
    {
        var fields = Fields(schedule, kind, learn);
        var start = kind == InterpolantKind.TwoSided ? GaussianMixtureLaw.Isotropic([1], [[BaseMean]], [BaseDeviation * BaseDeviation]) : null;
        var law = new MixtureInterpolant(fields.Interpolant, start, GaussianMixtureLaw.Isotropic([1], [[DataMean]], [DataDeviation * DataDeviation]));
        var (x, t) = (Expr.Input("x", 1), Expr.Input("t"));
        List<(string, Expr)> gaps = [("velocity", (fields.Velocity(x, t) - law.Velocity.Apply(x, t))[0])];
        if (fields.HasScore)
        {
            gaps.Add(("score", (fields.Score(x, t) - law.Score.Apply(x, t))[0]));
        }

        var inputs = new Dictionary<string, double[]> { ["x"] = [-2, 0.3, 1.7, 0.1], ["t"] = [0.02, 0.3, 0.6, 0.97] };
        var values = ReferenceInterpreter.Evaluate(new TracedProgram(null, [.. gaps]), 4, inputs, []);
        Assert.All(values.Values.SelectMany(v => v), gap => Assert.Equal(0, gap, 1e-11));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_loss_is_half_the_squared_residual_less_what_no_field_changes(string schedule, InterpolantKind kind, LearnedFields learn)
    {
        var fields = Fields(schedule, kind, learn);
        var (t, pair) = (Expr.Input("t"), new InterpolantPair(Expr.Input("x0", 1), Expr.Input("x1", 1), Expr.Input("z", 1)));
        var (first, second) = InterpolantRegression.Targets(fields.Interpolant, learn, t, pair);
        var targets = first.SquaredNorm() + (second is null ? 0 : second.SquaredNorm());
        var opposite = InterpolantRegression.Loss(fields, t, pair.WithOppositeNoise(fields.Interpolant));
        var loss = InterpolantRegression.Loss(fields, t, pair);
        var gaps = new[]
        {
            ("half", loss + (0.5 * targets) - (0.5 * InterpolantRegression.SquaredResidual(fields, t, pair))),
            ("both", InterpolantRegression.Loss(fields, t, pair, antithetic: true) - (0.5 * (loss + opposite))),
        };
        Assert.All(Expectations(kind, 0.3, gaps), mean => Assert.Equal(0, mean, 1e-12));
    }

    [Fact]
    public void Times_drawn_by_importance_keep_integrals()
    {
        const int n = 2048;
        var (t, weight) = RegressionTimes.Trace(TimeLaw.Importance, margin: 0);
        var (times, values) = (new RegressionTimes(TimeLaw.Importance, n), new NdArray<float>(n));
        using var run = new CompiledProgram<float>(new TracedProgram(null, ("value", weight! * (3 * t).Sin()))) { ["value"] = values };
        times.Bind(run);
        double[] spread = [.. Enumerable.Range(0, RegressionTimes.Bins).Select(k => k < 4 ? 50.0 : 0.1)];
        for (var step = 0; step < 3; step++)
        {
            times.Draw(spread, seed: 5, step);
            run.Run(n);
            Assert.Equal((1 - Math.Cos(3)) / 3, values.Span.ToArray().Average(), 2e-3);
        }

        // Residuals that are large late draw the times there in the end.
        for (var step = 0; step < 2000; step++)
        {
            times.Observe(spread, [.. Enumerable.Range(0, n).Select(i => i < n / 2 ? 0f : 9f)]);
            times.Draw(spread, seed: 5, step);
        }

        Assert.True(spread[^1] > 100 * spread[0], $"{spread[^1]} {spread[0]}");
    }

    private static InterpolantFields Fields(string schedule, InterpolantKind kind, LearnedFields learn)
    {
        var isTwoSided = kind == InterpolantKind.TwoSided;
        var moments = new EndMoments([isTwoSided ? BaseMean : 0], isTwoSided ? BaseDeviation * BaseDeviation : 1, [DataMean], DataDeviation * DataDeviation, 0);
        Func<Expr, Expr, Expr> Zeros(string name, int inputs, int outputs) => (_, _) => Expr.Constant(0).BroadcastTo(new Shape([outputs]));
        return new InterpolantFields(new Interpolant(InterpolantSchedules.Get(schedule), kind), learn, moments, Zeros, margin: 0);
    }

    private static IEnumerable<double> Expectations(InterpolantKind kind, double time, (string, Expr)[] outputs)
    {
        var nodes = (from a in s_hermite from b in s_hermite from c in s_hermite select (a, b, c)).ToArray();
        var isTwoSided = kind == InterpolantKind.TwoSided;
        var inputs = new Dictionary<string, double[]>
        {
            ["x0"] = [.. nodes.Select(n => isTwoSided ? BaseMean + (BaseDeviation * n.a.Node) : n.a.Node)],
            ["x1"] = [.. nodes.Select(n => DataMean + (DataDeviation * n.b.Node))],
            ["z"] = [.. nodes.Select(n => n.c.Node)],
            ["t"] = [.. nodes.Select(_ => time)],
        };
        var values = ReferenceInterpreter.Evaluate(new TracedProgram(null, outputs), nodes.Length, inputs, []);
        double[] weights = [.. nodes.Select(n => n.a.Weight * n.b.Weight * n.c.Weight)];
        return values.Values.Select(v => v.Length == 1 ? v[0] : v.Zip(weights, (value, weight) => value * weight).Sum());
    }
}
