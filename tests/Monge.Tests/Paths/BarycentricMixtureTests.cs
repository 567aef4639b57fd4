using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Tests.Paths;

public sealed class BarycentricMixtureTests
{
    private static readonly GaussianMixtureLaw s_full = new(
        [0.3, 0.7], [[1.5, -1], [-2, 0.5]], [new[,] { { 0.6, 0.2 }, { 0.2, 0.3 } }, new[,] { { 0.25, -0.15 }, { -0.15, 0.8 } }]);

    private static readonly GaussianMixtureLaw s_isotropic = GaussianMixtureLaw.Isotropic([0.5, 0.5], [[-1, 0], [1, 0.3]], [0.2, 0.4]);

    public static TheoryData<bool> Cases => [true, false];

    private static BarycentricMixture Law(bool full) => new(GaussianMixtureLaw.Standard(2), s_isotropic, full ? s_full : s_isotropic);

    private static Expr Inner(Expr t)
    {
        var shares = Expr.Vector(0.2 + t, 1.1 - t, 0.3 + (3 * t * (1 - t)));
        return shares / shares.Sum();
    }

    private static Dictionary<string, double[]> Evaluate(ParameterSet? parameters, double[] values, params (string, Expr)[] outputs)
    {
        var random = new RandomStream(5, 700);
        double[] positions = [.. Enumerable.Range(0, 60).Select(_ => 2 * random.NextNormal())];
        double[] times = [.. Enumerable.Range(0, 30).Select(k => (k + 0.5) / 30)];
        return ReferenceInterpreter.Evaluate(
            new TracedProgram(parameters, outputs), 30, new Dictionary<string, double[]> { ["x"] = positions, ["t"] = times }, values);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void DensityAndVelocityAlongAPathSolveTheContinuityEquation(bool full)
    {
        var law = Law(full);
        var path = new SimplexPath(3, Inner);
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var weights = path.Weights(t);
        var log = law.LogDensity(x, weights);
        var (velocity, divergence) = law.Velocity(path).WithDivergence(x, t);
        var means = law.Means(x, weights);
        var score = law.Score(x, weights);
        var values = Evaluate(
            null,
            [],
            ("residual", Derivative.Gradient(log, t) + divergence + Expr.Dot(velocity, score)),
            ("score", (score - Derivative.Gradient(log, x)).Abs().Maximum()),
            ("fromNoise", (score + (means[0] / weights[0])).Abs().Maximum()),
            ("identity", (BarycentricInterpolant.At(weights, means) - x).Abs().Maximum()));
        Assert.All(values.Values.SelectMany(v => v), gap => Assert.Equal(0, gap, 1e-11));
    }

    [Fact]
    public void AnEdgeIsTheLinearInterpolant()
    {
        var law = Law(true);
        var linear = new MixtureInterpolant(new Interpolant(InterpolantSchedules.Linear), s_isotropic, s_full);
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var values = Evaluate(null, [], ("gap", (law.Velocity(SimplexPath.Edge(3, 1, 2)).Apply(x, t) - linear.Velocity.Apply(x, t)).Abs().Maximum()));
        Assert.All(values["gap"], gap => Assert.Equal(0, gap, 1e-10));
    }

    [Fact]
    public void ParametrisedPathsLeadFromVertexToVertexWithinTheSimplex()
    {
        double[] coefficients = [0.3, -0.5, 0.8, 1, 0.2, -0.4];
        Assert.Equal(6, SimplexPath.CoefficientCount(3, 3));
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var traced = SimplexPath.Parametrised(parameters, initializer, "path", 3, 1, 2, 3);
        var path = SimplexPath.WithValues(3, 1, 2, 3, coefficients);
        var t = Expr.Input("t");
        var x = Expr.Input("x", 2);
        var values = Evaluate(
            parameters, coefficients, ("gap", (traced.Weights(t) - path.Weights(t)).Abs().Maximum() + (0 * x[0])), ("rates", path.Rates(t).Sum().Abs()),
            ("least", path.Weights(t) * 1), ("sum", path.Weights(t).Sum() - 1));
        Assert.All(values["gap"].Concat(values["rates"]).Concat(values["sum"]), gap => Assert.Equal(0, gap, 1e-12));
        Assert.All(values["least"], weight => Assert.InRange(weight, 0, 1));
        double[] Ends(double time) => ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("a", path.Weights(t))), 1, new Dictionary<string, double[]> { ["t"] = [time] }, [])["a"];
        Assert.All(Ends(0).Zip([0.0, 1, 0]), pair => Assert.Equal(pair.Second, pair.First, 1e-15));
        Assert.All(Ends(1).Zip([0.0, 0, 1]), pair => Assert.Equal(pair.Second, pair.First, 1e-15));
        Assert.Throws<ArgumentException>(() => SimplexPath.Edge(3, 1, 1));
    }

    [Fact]
    public void AHeadAtItsVertexReturnsThePosition()
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new BarycentricNetwork(parameters, initializer, 2, 3, 8, 2);
        var values = new double[parameters.Count];
        var random = new RandomStream(1, 700);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextNormal();
        }

        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var outputs = Evaluate(
            parameters, values, ("gap", (network.Heads(x, Expr.Constant([0, 1, 0], 3))[1] - x).Abs().Maximum()),
            ("other", (network.Heads(x, Inner(t))[1] - x).Abs().Maximum()));
        Assert.All(outputs["gap"], gap => Assert.Equal(0, gap, 1e-12));
        Assert.Contains(outputs["other"], gap => gap > 0.1);
    }

    [Fact]
    public void UniformWeightsHaveTheMomentsOfDirichletsLaw()
    {
        const int Samples = 20_000;
        var weights = BarycentricInterpolant.UniformWeights(3, 700);
        var values = ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("a", weights)), Samples, new Dictionary<string, double[]>(), [], new DrawKey(1))["a"];
        for (var k = 0; k < 3; k++)
        {
            double[] one = [.. Enumerable.Range(0, Samples).Select(i => values[(3 * i) + k])];
            Assert.Equal(1.0 / 3, one.Average(), 5 * Math.Sqrt(1.0 / 18 / Samples));
            Assert.Equal(1.0 / 6, one.Average(a => a * a), 0.006);
        }
    }
}
