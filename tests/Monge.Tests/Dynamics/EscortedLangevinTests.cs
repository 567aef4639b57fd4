using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Programs;

namespace Monge.Tests.Dynamics;

public class EscortedLangevinTests
{
    private static ParticleWalk<double> Run(ParticleWalk<double> walkers, int steps, ulong seed, double diffusion)
    {
        walkers.Start(null, walkers.Capacity, new DrawKey(seed));
        walkers.Advance(null, walkers.Capacity, new TimeGrid(0, steps, steps, (_, _) => diffusion), new DrawKey(seed));
        return walkers;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ContinuousWeightsAreUnbiasedForAWrongDrift(ulong seed)
    {
        using var walkers = Run(EscortedLangevin.Walk<double>(MovingGaussian.Path, null, MovingGaussian.WrongDrift, 6000, 1, 2), 800, seed, 1.0);
        double[] logWeights = [.. walkers["logWeight"].Span];
        var weights = ImportanceWeights.FromLogWeights(logWeights);
        Assert.InRange(weights.LogNormaliserError, 1e-3, 0.05);
        Assert.True(Math.Abs(weights.LogNormaliser - MovingGaussian.LogZ) < 4 * weights.LogNormaliserError,
            $"log Z {weights.LogNormaliser} +- {weights.LogNormaliserError}");

        // The mean of x0 under the end of the path.
        var mean = Enumerable.Range(0, logWeights.Length).Sum(i => weights.Normalised[i] * walkers.Positions[2 * i]);
        var error = Math.Sqrt(Enumerable.Range(0, logWeights.Length).Sum(i => Math.Pow(weights.Normalised[i] * (walkers.Positions[2 * i] - mean), 2)));
        Assert.True(Math.Abs(mean - MovingGaussian.Mean[0]) < 4 * error, $"mean {mean} +- {error}");
    }

    [Theory]
    [InlineData(0.0, 50)]
    [InlineData(2.0, 50)]
    [InlineData(2.0, 400)]
    public void TheExactDriftGivesEveryWalkerTheSameWeight(double diffusion, int steps)
    {
        using var walkers = Run(EscortedLangevin.Walk<double>(MovingGaussian.Path, null, MovingGaussian.ExactDrift, 500, 1, 2), steps, 5, diffusion);
        Assert.All(walkers["logWeight"].Span.ToArray(), a => Assert.Equal(MovingGaussian.LogZ, a, 1e-10));
    }

    [Fact]
    public void WithoutADriftItIsAnnealedImportanceSampling()
    {
        using var walkers = Run(EscortedLangevin.Walk<double>(MovingGaussian.Path, null, drift: null, 6000, 1, 2), 600, 4, 3.0);
        var weights = ImportanceWeights.FromLogWeights([.. walkers["logWeight"].Span]);
        Assert.True(Math.Abs(weights.LogNormaliser - MovingGaussian.LogZ) < 4 * weights.LogNormaliserError,
            $"log Z {weights.LogNormaliser} +- {weights.LogNormaliserError}");
    }

    // By Ito's formula both sums have the same limit; their difference is a sum of independent second-order terms, of order sqrt(h).
    [Fact]
    public void WeightsWithoutLaplacianConvergeToThoseWithOne()
    {
        var path = MovingGaussian.Path;
        double Difference(int steps)
        {
            using var exact = Run(
                EscortedLangevin.Walk<double>(path, null, new Monge.Fields.PotentialField(2, MovingGaussian.WrongPotential), 1000, 1, 2), steps, 3, 0.8);
            using var free = Run(EscortedLangevin.Walk<double>(path, null, MovingGaussian.WrongPotential, 1000, 1, 2), steps, 3, 0.8);
            Assert.All(Enumerable.Range(0, 2000), i => Assert.Equal(exact.Positions[i], free.Positions[i], 1e-10));
            return Math.Sqrt(Enumerable.Range(0, 1000).Average(i => Math.Pow(exact["logWeight"][i] - free["logWeight"][i], 2)));
        }

        var (coarse, fine) = (Difference(64), Difference(1024));
        Assert.InRange(coarse / fine, 3.2, 5);
        Assert.True(fine < 0.05, $"difference {fine}");
    }

    [Fact]
    public void SelectionCopiesAncestorsAndResetsTheWeights()
    {
        using var walkers = Run(EscortedLangevin.Walk<double>(MovingGaussian.Path, null, MovingGaussian.WrongDrift, 4, 1, 2), 10, 1, 1.0);
        var before = walkers.Positions.Span.ToArray();
        walkers.Select([2, 2, 0, 3], "logWeight");
        Assert.Equal([before[4], before[5], before[4], before[5], before[0], before[1], before[6], before[7]], walkers.Positions.Span.ToArray());
        Assert.All(walkers["logWeight"].Span.ToArray(), a => Assert.Equal(0, a));
    }
}
