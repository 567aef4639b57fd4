using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Tests.Fields;

public class SelectingDriftTests
{
    private const int Samples = 60;

    private static readonly double[][] s_means = [[3, -1, 0.5], [-2, 2, 1], [0, 0, -4]];

    [Fact]
    public void TheExactDriftOfAMixtureOfStudentsIsOneOfThem()
    {
        var exact = PathLibrary.StudentMixture(s_means).ExactDrift!;
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var drift = new SelectingDrift(parameters, initializer, 3, _ => 2, 3);
        var (x, t) = (Expr.Input("x", 3), Expr.Input("t"));
        var (value, divergence) = drift.WithDivergence(x, t);
        var (expected, exactDivergence) = exact.WithDivergence(x, t);
        var random = new RandomStream(5);
        double[] positions = [.. Enumerable.Range(0, 3 * Samples).Select(_ => 3 * random.NextNormal())];
        double[] times = [.. Enumerable.Range(0, Samples).Select(_ => random.NextDouble())];

        // Velocities, equal weights, beta = 3/2 and gamma = 1/4: with k = 2 the logarithms are those of (2 + y^2)^(-3/2).
        double[] vector = [.. s_means.SelectMany(m => m), 0, 0, 0, Math.Log(1.5), Math.Log(0.25)];
        var values = ReferenceInterpreter.Evaluate(
            new TracedProgram(
                parameters, ("difference", (value - expected).SquaredNorm()), ("divergence", divergence - exactDivergence), ("size", expected.SquaredNorm())),
            Samples, new Dictionary<string, double[]> { ["x"] = positions, ["t"] = times }, vector);
        Assert.True(values["size"].Max() > 1);
        Assert.All(values["difference"], v => Assert.Equal(0, v, 1e-18));
        Assert.All(values["divergence"], v => Assert.Equal(0, v, 1e-9));
    }
}
