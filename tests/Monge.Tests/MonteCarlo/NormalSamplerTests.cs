using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.MonteCarlo;
using Monge.Runs;
using Monge.Tests.Measures;

namespace Monge.Tests.MonteCarlo;

/// <summary>Laplace's approximation, Pathfinder and variational Gaussians: exact where the density is Gaussian, and honest where it isn't.</summary>
public sealed class NormalSamplerTests
{
    private static ISamplingMethod Method(string name, Density target) => name switch
    {
        "laplace" => new LaplaceSampler(target),
        "pathfinder" => new PathfinderSampler(target),
        _ => new VariationalSampler(target),
    };

    private static Density Gaussian() => Density.Create("correlated Gaussian", 3, x =>
    {
        var z = (x - Expr.Constant([1, -2, 3], 3)) / Expr.Constant([1, 10, 0.1], 3);
        var (a, b, c) = (z[0], (z[1] - (0.9 * z[0])) / Math.Sqrt(0.19), z[2]);
        return 3 - (0.5 * (a.Square() + b.Square() + c.Square())) - (1.5 * Math.Log(2 * Math.PI)) - (0.5 * Math.Log(0.19));
    });

    [Theory]
    [InlineData("laplace", 1e-9)]
    [InlineData("pathfinder", 0.05)]
    [InlineData("vi", 1e-3)]
    public void A_Gaussian_is_found_as_it_is(string name, double most)
    {
        var draws = Method(name, Gaussian()).Sample(2000, new Run { Seed = 11 });
        Assert.Equal(3, draws.LogZ, most);
        Assert.Equal(3, draws.Elbo, most);
        Assert.InRange(draws.EffectiveSampleSize, 1 - (5 * most), 1 + 1e-12);
        Assert.Empty(draws.Warnings);
        Assert.All(draws.MomentRows().Zip([1.0, -2, 3]), p => Assert.InRange((p.First.Mean - p.Second) / p.First.MeanError, -4.5, 4.5));
    }

    // Of the logistic posterior the weights repair what the Gaussian lacks.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_variational_Gaussian_with_weights_gives_the_evidence_of_a_posterior_of_61_coordinates(int seed)
    {
        var draws = new VariationalSampler(KnownTargets.Get("sonar")).Sample(10_000, new Run { Seed = (ulong)seed });
        Assert.InRange(draws.EffectiveSampleSize, 0.1, 0.6);
        Assert.InRange((draws.LogZ + 108.379) / Math.Max(draws.LogZError, 0.02), -4.5, 4.5);
        Assert.InRange(draws.Elbo, -109.3, -108.6);
    }

    [Fact]
    public void A_mean_field_has_no_correlations_and_a_smaller_bound()
    {
        var options = new VariationalOptions { Family = GaussianFamily.Diagonal };
        var draws = new VariationalSampler(Gaussian(), options).Sample(4000, new Run { Seed = 11 });

        // The best factorised law of a Gaussian has the precisions' diagonal: the bound falls short by half the log of the correlations' determinant.
        Assert.Equal(3 + (0.5 * Math.Log(1 - 0.81)), draws.Elbo, 5 * draws.ElboError!.Value);
        Assert.Equal(3, draws.LogZ, 5 * draws.LogZError);
    }

    [Fact]
    public void Laplace_finds_all_modes_and_what_misses_some_says_so()
    {
        var target = KnownTargets.Get("gmm9");
        var draws = new LaplaceSampler(target).Sample(4000, new Run { Seed = 11 });
        Assert.Equal(0, draws.LogZ, 0.01);
        Assert.False(draws.IsFailed);
        var missing = new VariationalSampler(target).Sample(4000, new Run { Seed = 11 });
        Assert.True(missing.IsFailed);
        Assert.Contains("miss part of the target", missing.Warnings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_density_without_a_mode_is_told()
    {
        // The logarithm of a deviation and eight effects of it: the density rises without bound as all of them vanish.
        var centred = Density.Create("centred", 9, x => x[0] - (1 + (2 * x[0]).Exp()).Log() + LogDensities.Normal(x[1..], 0, x[0].Exp()).Sum());
        var error = Assert.Throws<DensityException>(() => new LaplaceSampler(centred).Sample(100, new Run { Seed = 11 }));
        Assert.Contains("'centred' has no mode with a definite curvature", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("laplace")]
    [InlineData("pathfinder")]
    [InlineData("vi", "fit")]
    public void Threads_change_no_bit_and_neither_does_a_stop(string name, params string[] phases)
    {
        var target = KnownTargets.Get("eight-schools");
        StoppedRuns.LeaveNoTrace(() => Method(name, target), 500, phases);
    }

    // The normal law of a way uphill, drawn and evaluated: one density.
    [Fact]
    public void The_law_of_a_way_uphill_has_the_density_that_its_draws_have()
    {
        RandomStream[] random = [.. Enumerable.Range(0, 4).Select(k => new RandomStream((ulong)k))];
        using var finder = new Pathfinder(KnownTargets.Get("sonar"), null);
        foreach (var path in finder.FindFromUniform(2, random))
        {
            var point = new double[61];
            for (var k = 0; k < 5; k++)
            {
                var log = path.Law.Draw(random[0], point);
                Assert.Equal(log, path.Law.LogDensity(point), 1e-8 * Math.Abs(log));
            }
        }
    }
}
