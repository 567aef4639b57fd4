using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Tests.Dynamics;

public class ReverseTransportSdeTests
{
    private const double LogZ = 0.7;
    private const double Mean = 0.8;
    private const double Scale = 0.6;
    private const int Particles = 6000;
    private const int Steps = 8;

    private static readonly AnnealingPath s_path =
        new(1, x => LogZ - (0.5 * ((x - Mean) / Scale).SquaredNorm()) - (0.5 * Math.Log(2 * Math.PI * Scale * Scale)));
    private static readonly FormulaField s_drift = new(1, (x, t) => (0.3 * (2 * x).Sin()) + (0.8 * t));
    private static readonly TimeGrid s_grid = new(0, Steps, Steps, (_, _) => 0.5);

    private static double LogTarget(double x) => LogZ - (0.5 * Math.Pow((x - Mean) / Scale, 2)) - (0.5 * Math.Log(2 * Math.PI * Scale * Scale));

    private static double LogBase(double x) => (-0.5 * x * x) - (0.5 * Math.Log(2 * Math.PI));

    private static double[] Backward(SdeScheme scheme, ulong seed)
    {
        using var sde = TransportSde.Backward<double>(s_path, null, s_drift, scheme, Particles, 3);
        var random = new RandomStream(seed, 9);
        double[] exact = [.. Enumerable.Range(0, Particles).Select(_ => Mean + (Scale * random.NextNormal()))];
        sde.StartFrom(null, exact);
        sde.Advance(null, Particles, s_grid, new DrawKey(seed));
        return [.. exact.Select((x, i) => LogTarget(x) - LogBase(sde.Positions[i]) + sde["gain"][i])];
    }

    private static double[] Forward(SdeScheme scheme, ulong seed)
    {
        using var sde = TransportSde.Forward<double>(s_path, null, s_drift, scheme, Particles, 1, 2);
        sde.Start(null, Particles, new DrawKey(seed));
        var start = sde.Positions.Span[..Particles].ToArray();
        sde.Advance(null, Particles, s_grid, new DrawKey(seed));
        return [.. start.Select((x, i) => LogTarget(sde.Positions[i]) - LogBase(x) + sde["gain"][i])];
    }

    // E over backward paths of 1/w is 1/Z, whatever the drift and the steps: the two path laws have the densities w apart.
    [Theory]
    [InlineData(SdeScheme.EulerMaruyama, 1)]
    [InlineData(SdeScheme.EulerMaruyama, 2)]
    [InlineData(SdeScheme.Heun, 1)]
    [InlineData(SdeScheme.Heun, 2)]
    public void TheMeanInverseWeightOfBackwardPathsIsTheInverseNormaliser(SdeScheme scheme, ulong seed)
    {
        double[] inverse = Array.ConvertAll(Backward(scheme, seed), w => Math.Exp(LogZ - w));
        var mean = inverse.Average();
        var error = Math.Sqrt(inverse.Sum(w => (w - mean) * (w - mean)) / Particles / (Particles - 1));
        Assert.InRange(error, 1e-4, 0.05);
        Assert.True(Math.Abs(mean - 1) < 4 * error, $"Z E 1/w = {mean} +- {error}");
    }

    [Theory]
    [InlineData(SdeScheme.EulerMaruyama, 1)]
    [InlineData(SdeScheme.Heun, 2)]
    public void BothPathLawsAgreeOnTheEffectiveSampleSizeAndBoundTheNormaliser(SdeScheme scheme, ulong seed)
    {
        var reverse = ImportanceWeights.FromLogWeights(Forward(scheme, seed));
        var forward = ForwardWeights.FromLogWeights(Backward(scheme, seed), LogZ);
        Assert.InRange(forward.EffectiveSampleFraction, 0.2, 0.95);
        Assert.Equal(reverse.EffectiveSampleFraction, forward.EffectiveSampleFraction, 0.08);
        Assert.True(forward.Eubo - LogZ > 4 * forward.EuboError, $"EUBO {forward.Eubo} +- {forward.EuboError}");
        Assert.True(LogZ - reverse.Elbo > 4 * reverse.ElboError, $"ELBO {reverse.Elbo} +- {reverse.ElboError}");
    }

    [Fact]
    public void ThePathOfTheOdeIsTheSameBothWays()
    {
        using var ode = new TransportOde<double>(null, s_drift, RungeKuttaTableau.RungeKutta4);
        var start = NdArray<double>.From([-1.2, 0.1, 0.9], 3, 1);
        var (end, divergence) = ode.Run(null, start, 100);
        var (back, same) = ode.RunBackward(null, end, 100);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(start[i], back[i], 1e-8);
            Assert.Equal(divergence[i], same[i], 1e-8);
            Assert.NotEqual(0, same[i]);
        }
    }

    [Fact]
    public void TooManyParticlesAreRefused()
    {
        using var sde = TransportSde.Backward<double>(s_path, null, null, SdeScheme.EulerMaruyama, 2, 3);
        Assert.Contains("1 to 2 particles", Assert.Throws<ArgumentException>(() => sde.StartFrom(null, new double[3])).Message, StringComparison.Ordinal);
    }
}
