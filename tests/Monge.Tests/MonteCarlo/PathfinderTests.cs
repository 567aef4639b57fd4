using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.MonteCarlo;
using Monge.Runs;
using Monge.Tests.Measures;

namespace Monge.Tests.MonteCarlo;

/// <summary>Normal approximations on the way uphill, and chains that start from them.</summary>
public sealed class PathfinderTests
{
    private static NormalPath[] Find(Density target, int ways, double spread, ulong seed)
    {
        var random = new RandomStream(seed);
        double[] starts = [.. Enumerable.Range(0, ways * target.Dimension).Select(_ => spread * ((2 * random.NextDouble()) - 1))];
        using var finder = new Pathfinder(target, null);
        return finder.Find(starts, [.. Enumerable.Range(0, ways).Select(w => new RandomStream(seed, (uint)(w + 1)))]);
    }

    // Of a Gaussian the approximation is the density itself, once the pairs of moves span the space: its bound is log Z, for every draw.
    [Fact]
    public void A_Gaussian_is_found_exactly()
    {
        double[] scale = [1, 10, 0.1, 3];
        var gaussian = Density.Create("Gaussian", 4, x =>
        {
            var z = (x - 5) / Expr.Constant(scale, 4);
            return 3 - (0.5 * z.SquaredNorm()) - (0.3 * z[0] * z[1]) - (2 * Math.Log(2 * Math.PI)) - scale.Sum(Math.Log) + (0.5 * Math.Log(1 - 0.09));
        });
        var paths = Find(gaussian, 8, 2, 11);
        Assert.All(paths, p => Assert.InRange(p.Elbo, 2.8, 3.2));
        Assert.All(paths, p => Assert.All(p.Law.Centre.Zip(scale), m => Assert.InRange((m.First - 5) / m.Second, -0.2, 0.2)));
    }

    // Draws of the best approximation lie where posterior mass is, as its own do (the mode is at tau = 0), but for a few in the approximation's tails.
    [Fact]
    public void Draws_lie_where_the_mass_is()
    {
        var schools = KnownTargets.Get("eight-schools");
        var paths = Find(schools, 16, 2, 11);
        var logs = schools.LogDensityAt([.. paths.SelectMany(p => p.Draw)]);
        var typical = schools.LogDensityAt(new NutsSampler(schools, new NutsOptions { Draws = 20 }).Sample(2, new Run { Seed = 11 }).UnconstrainedPositions!);
        Assert.Equal(typical.Average(), logs.Average(), 4.0);

        // A bound of log Z = -31.31, but for the chance of eight draws.
        Assert.All(paths, p => Assert.InRange(p.Elbo, -40, -30.3));
    }

    // Half of the starts have |theta| above 1, where errors of a series of 200 grow to 1e30 and chains never come back.
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Chains_from_hopeless_points_find_the_mass(int seed)
    {
        var options = new NutsOptions { Chains = 16, WarmUp = 200, Draws = 200 };
        var draws = new NutsSampler(KnownTargets.Get("arma"), options).Sample(2, new Run { Seed = (ulong)seed });
        Assert.InRange(draws.Chains!.LargestRHat, 1, 1.03);
        Assert.InRange((draws.LogZ - 57.25) / draws.LogZError, -4.5, 4.5);
    }

    [Fact]
    public void Ways_to_modes_of_any_weight_that_counts_are_kept()
    {
        var apart = Density.Create("two modes", 2, x =>
            Expr.Vector(-0.5 * (x - 20).SquaredNorm(), -5 - (0.5 * (x + 20).SquaredNorm())).LogSumExp(0));
        var draws = new NutsSampler(apart, new NutsOptions { Chains = 16, WarmUp = 100, Draws = 50, StartSpread = 30 }).Sample(2, new Run { Seed = 11 });
        Assert.True(draws.Chains!.LargestRHat > 1.5);
        Assert.DoesNotContain("given up", draws.Preparation, StringComparison.Ordinal);
    }
}
