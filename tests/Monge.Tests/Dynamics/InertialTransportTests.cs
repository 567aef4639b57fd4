using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Tests.Dynamics;

public class InertialTransportTests
{
    private static ParticleWalk<double> Run(IVectorField? drift, int particles, int steps, ulong seed, Func<double, double> speed)
    {
        var walkers = InertialTransport.Walk<double>(MovingGaussian.Path, null, drift, 2.0, particles, 1, 3, 2);
        walkers.Start(null, particles, new DrawKey(seed));
        walkers.Advance(null, particles, new TimeGrid(0, steps, steps, (t, _) => speed(t)), new DrawKey(seed));
        return walkers;
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void WeightsAreUnbiasedForAWrongDriftOrNone(ulong seed, bool drift)
    {
        using var walkers = Run(drift ? MovingGaussian.WrongDrift : null, 6000, 400, seed, t => 1 + (2 * t));
        var weights = ImportanceWeights.FromLogWeights([.. walkers["logWeight"].Span]);
        Assert.InRange(weights.LogNormaliserError, 1e-3, 0.1);
        Assert.True(Math.Abs(weights.LogNormaliser - MovingGaussian.LogZ) < 4 * weights.LogNormaliserError,
            $"log Z {weights.LogNormaliser} +- {weights.LogNormaliserError}");
        var momentum = Enumerable.Range(0, 6000).Sum(i => weights.Normalised[i] * Math.Pow(walkers["momentum"][2 * i], 2));
        var error = Math.Sqrt(Enumerable.Range(0, 6000).Sum(i => Math.Pow(weights.Normalised[i] * (Math.Pow(walkers["momentum"][2 * i], 2) - momentum), 2)));
        Assert.True(Math.Abs(momentum - 1) < 4 * error, $"mean square momentum {momentum} +- {error}");
    }

    [Fact]
    public void TheExactDriftGivesEveryWalkerTheSameWeight()
    {
        using var walkers = Run(MovingGaussian.ExactDrift, 300, 50, 4, _ => 1);
        Assert.All(walkers["logWeight"].Span.ToArray(), a => Assert.Equal(MovingGaussian.LogZ, a, 1e-10));
    }
}
