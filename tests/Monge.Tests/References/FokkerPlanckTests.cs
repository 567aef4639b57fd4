using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;
using Monge.References;

namespace Monge.Tests.References;

public sealed class FokkerPlanckTests
{
    private static readonly ExecutionOptions s_one = new() { Threads = 1 };

    [Theory]
    [InlineData(0)]
    [InlineData(0.4)]
    public void AnOrnsteinUhlenbeckLawStaysGaussian(double diffusion)
    {
        // dX = -X dt + sqrt(2 eps) dW from N(1, 0.3): mean e^-t, variance eps + (0.3 - eps) e^-2t.
        using var solver = new FokkerPlanckLine(new FormulaField(1, (x, _) => -x), -6, 6, 600, s_one);
        double[] density = [.. solver.Grid.Select(x => Normal(x, 1, 0.3))];
        solver.Advance(density, 0, 0.5, 2000, diffusion);
        var (mean, variance) = (Math.Exp(-0.5), diffusion + ((0.3 - diffusion) * Math.Exp(-1)));
        Assert.All(Enumerable.Range(0, density.Length), i => Assert.Equal(Normal(solver.Grid[i], mean, variance), density[i], 1e-7));
        Assert.Equal(1, density.Sum() * solver.Spacing, 1e-10);
        var slopes = solver.Derivative([.. solver.Grid.Select(x => Normal(x, 0, 0.5))]);
        Assert.All(Enumerable.Range(0, slopes.Length), i => Assert.Equal(-solver.Grid[i] / 0.5 * Normal(solver.Grid[i], 0, 0.5), slopes[i], 1e-7));
    }

    [Fact]
    public void StepsThatWouldBeUnstableAreRefused()
    {
        using var solver = new FokkerPlanckLine(new FormulaField(1, (x, _) => -x), -6, 6, 600, s_one);
        var message = Assert.Throws<ArgumentException>(() => solver.Advance([.. solver.Grid.Select(x => Normal(x, 0, 1))], 0, 1, 100, 1)).Message;
        Assert.Contains("steps or more", message);
        Assert.Throws<ArgumentException>(() => new FokkerPlanckLine(new FormulaField(2, (x, _) => -x), -1, 1, 100, s_one));
    }

    [Fact]
    public void FeynmanKacGivesTheDensityWithItsError()
    {
        var law = new MixtureInterpolant(
            new Interpolant(InterpolantSchedules.TrigonometricWithLatent()),
            GaussianMixtureLaw.Standard(2),
            new GaussianMixtureLaw([0.4, 0.6], [[1, 1], [-1, 0]], [new[,] { { 0.5, 0.2 }, { 0.2, 0.4 } }, new[,] { { 0.3, 0 }, { 0, 0.6 } }]));
        using var formula = new FeynmanKacDensity(null, law.Drift(_ => 0.4), law.Start.LogDensity, 700, s_one);
        double[] at = [1, 1, -1, 0, 0, 0, 0.5, -1];
        foreach (var seed in (ulong[])[1, 2, 3])
        {
            var estimates = formula.Evaluate(null, NdArray<double>.From(at, 4, 2), 5000, 60, (_, _) => 0.4, new DrawKey(seed));
            for (var i = 0; i < estimates.Length; i++)
            {
                Assert.InRange(estimates[i].StandardError, 1e-4, 0.2);
                Assert.Equal(law.Data.LogDensity(at.AsSpan(2 * i, 2)), estimates[i].LogDensity, 4 * estimates[i].StandardError);
            }
        }
    }

    private static double Normal(double x, double mean, double variance) =>
        Math.Exp(-0.5 * (x - mean) * (x - mean) / variance) / Math.Sqrt(2 * Math.PI * variance);
}
