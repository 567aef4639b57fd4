using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Tests.MonteCarlo;

/// <summary>Sequential Monte Carlo, annealed importance sampling and parallel tempering on laws that are known, and what is promised of their runs.</summary>
public sealed class TemperedSamplerTests
{
    private static readonly AisOptions s_ais = new() { Temperatures = 60 };
    private static readonly PtOptions s_pt = new() { Chains = 16, WarmUp = 100, Draws = 100 };

    private static ISamplingMethod Method(string name, Density target) => name switch
    {
        "pt" => new PtSampler(target, s_pt),
        "ais" => new AisSampler(target, s_ais),
        _ => new SmcSampler(target),
    };

    // N(m, S) with deviations 1, 10, .1 and correlations of .9, unnormalised by log Z = 3.
    private static Density Gaussian()
    {
        double[] scale = [1, 10, 0.1];
        return Density.Create("correlated Gaussian", 3, x =>
        {
            var z = (x - Expr.Constant([1, -2, 3], 3)) / Expr.Constant(scale, 3);
            var (a, b, c) = (z[0], (z[1] - (0.9 * z[0])) / Math.Sqrt(0.19), z[2]);
            return 3 - (0.5 * (a.Square() + b.Square() + c.Square())) - (1.5 * Math.Log(2 * Math.PI)) - scale.Sum(Math.Log) - (0.5 * Math.Log(0.19));
        });
    }

    [Theory]
    [InlineData("smc", 11)]
    [InlineData("smc", 12)]
    [InlineData("ais", 11)]
    [InlineData("ais", 12)]
    [InlineData("pt", 11)]
    [InlineData("pt", 12)]
    public void Moments_and_log_Z_of_a_Gaussian_lie_within_their_errors(string name, int seed)
    {
        var draws = Method(name, Gaussian()).Sample(1600, new Run { Seed = (ulong)seed });
        Assert.Equal(name, draws.Method);
        Assert.InRange((draws.LogZ - 3) / draws.LogZError, -4.5, 4.5);
        Assert.InRange(draws.LogZError, 1e-4, 0.1);
        double[] mean = [1, -2, 3], scale = [1, 10, 0.1];
        foreach (var (row, j) in draws.MomentRows().Select((r, j) => (r, j)))
        {
            Assert.InRange((row.Mean - mean[j]) / row.MeanError, -4.5, 4.5);
            Assert.InRange((row.StandardDeviation - scale[j]) / row.StandardDeviationError, -4.5, 4.5);
            Assert.InRange(row.MeanError, 0, 0.15 * scale[j]);
        }
    }

    // Modes thirty deviations from the origin on each side, which neither a chain nor a Gaussian at one of them could know of.
    [Theory]
    [InlineData("smc", 11)]
    [InlineData("ais", 11)]
    [InlineData("pt", 11)]
    public void Weights_of_far_modes_lie_within_their_errors(string name, int seed)
    {
        var target = Density.Create("two far modes", 5, x => Expr.Vector(
            Math.Log(0.3) - (0.5 * (x + 30).SquaredNorm()), Math.Log(0.7) - (0.5 * (x - 30).SquaredNorm())).LogSumExp(0) - (2.5 * Math.Log(2 * Math.PI)));
        var draws = Method(name, target).Sample(1600, new Run { Seed = (ulong)seed });
        Assert.False(draws.IsFailed);
        Assert.InRange(draws.LogZ / draws.LogZError, -4.5, 4.5);
        Assert.InRange(draws.LogZError, 1e-5, 0.15);
        var row = draws.MomentRows()[0];
        Assert.InRange((row.Mean - 12) / row.MeanError, -4.5, 4.5);
        Assert.InRange(row.MeanError, 0, 5);
    }

    [Theory]
    [InlineData("smc")]
    [InlineData("ais")]
    [InlineData("pt")]
    public void Stated_errors_of_log_Z_are_those_that_are_seen(string name)
    {
        var target = Density.Create("Gaussian", 2, x => -0.5 * (x - 1).SquaredNorm() / 4, new DensityOptions { Base = new([0, 0], [4, 4], "wide") });
        var exact = Math.Log(2 * Math.PI * 4);
        var scores = Enumerable.Range(11, 24).Select(seed =>
        {
            var draws = Method(name, target).Sample(512, new Run { Seed = (ulong)seed });
            return (draws.LogZ - exact) / draws.LogZError;
        }).ToArray();

        // Of 24 Student's t with 15 degrees of freedom the root mean square lies in .75 to 1.5 but for a share of 10^-3.
        Assert.InRange(Math.Sqrt(scores.Average(z => z * z)), 0.65, 1.5);
        Assert.InRange(scores.Average(), -0.8, 0.8);
    }

    [Theory]
    [InlineData("smc", "anneal")]
    [InlineData("ais", "pilot", "anneal")]
    [InlineData("pt", "pilot", "warm-up", "sample")]
    public void Threads_change_no_bit_and_neither_does_a_stop(string name, params string[] phases)
    {
        var target = TargetLibrary.Get("eight-schools");
        StoppedRuns.LeaveNoTrace(() => Method(name, target), 1000, phases);
    }

    // Half of the base's draws lie where the density is zero: they have no weight, and no gradient.
    [Theory]
    [InlineData("smc")]
    [InlineData("ais")]
    [InlineData("pt")]
    public void Draws_where_the_density_is_zero_have_no_weight(string name)
    {
        var target = Density.Create(
            "half", 1, x => Expr.Select(x[0].Less(0), Expr.Constant(double.NegativeInfinity), -0.5 * x[0].Square()),
            new DensityOptions { Base = new BaseSuggestion([0.0], [1.5], "both sides") });
        var draws = Method(name, target).Sample(2000, new Run { Seed = 11 });
        Assert.DoesNotContain(draws.Positions.Zip(draws.LogWeights), p => p.First < 0 && p.Second > double.NegativeInfinity);
        Assert.InRange((draws.LogZ - (0.5 * Math.Log(Math.PI / 2))) / draws.LogZError, -4.5, 4.5);
        Assert.InRange((draws.Mean()[0] - Math.Sqrt(2 / Math.PI)) / draws.MomentRows()[0].MeanError, -4.5, 4.5);
    }

    [Fact]
    public void A_ladder_is_equalised_and_states_go_round()
    {
        var draws = new PtSampler(TargetLibrary.Get("many-well-5"), s_pt with { WarmUp = 300, Draws = 300 }).Sample(2, new Run { Seed = 11 });
        var ladder = draws.Tempering!;
        Assert.Equal(0, ladder.Betas[0]);
        Assert.Equal(1, ladder.Betas[^1]);
        Assert.Equal(ladder.Betas.Order(), ladder.Betas);
        Assert.InRange(ladder.Rejections.Max(), 0, 2.5 * ladder.Rejections.Average());
        Assert.InRange(ladder.Barrier, 0.5, 6);

        // Theory has it that each ladder of this barrier makes a round trip in 2 + 2 barriers sweeps, if states forget between swaps.
        var fastest = 16 * 300 / (2 + (2 * ladder.Barrier));
        Assert.InRange(ladder.RoundTrips, 0.2 * fastest, 1.2 * fastest);
        var exact = TargetLibrary.Get("many-well-5").Facts.LogZ!.Value;
        Assert.InRange((draws.LogZ - exact) / draws.LogZError, -4.5, 4.5);
    }

    [Fact]
    public void Acceptance_ratios_of_exact_draws_give_the_ratio_of_normalisers()
    {
        // Base N(0, 1), target exp(2) N(1, 1): the log-ratio is 1.5 + x, and rungs are N(beta, 1).
        const int chains = 8, draws = 500;
        double[] betas = [0, 0.4, 1];
        var scores = Enumerable.Range(11, 20).Select(seed =>
        {
            var random = new RandomStream((ulong)seed);
            double[] ratios = [.. betas.SelectMany(b => Enumerable.Range(0, chains * draws).Select(_ => 1.5 + b + random.NextNormal()))];
            var estimate = AcceptanceRatios.Estimate(betas, ratios, chains);
            Assert.InRange(estimate.Error, 0.002, 0.05);
            return (estimate.LogZ - 2) / estimate.Error;
        }).ToArray();
        Assert.InRange(Math.Sqrt(scores.Average(z => z * z)), 0.6, 1.7);
    }

    [Fact]
    public void Base_and_target_alike_need_no_temperatures()
    {
        var target = Density.Create("same", 2, x => -0.5 * x.SquaredNorm() / 4, new DensityOptions { Base = new([0, 0], [1, 1], "half as wide") });
        var draws = new SmcSampler(target).Sample(320, new Run { Seed = 11 });
        Assert.Equal(1, draws.Iterations);
        Assert.Equal(Math.Log(2 * Math.PI * 4), draws.LogZ, 1e-9);
    }

    [Fact]
    public void A_density_without_a_finite_integral_is_named_before_walkers_set_out()
    {
        var ridge = Density.Create("ridge", 2, x => -0.5 * (x[0] + x[1]).Square());
        var error = Assert.Throws<DensityException>(() => new SmcSampler(ridge).Sample(100, new Run()));
        Assert.Contains("does every coordinate have a prior?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Islands_that_lost_each_other_are_told()
    {
        // With few particles and one jump islands end in one of two modes each.
        var target = TargetLibrary.Get("gmm40");
        var draws = new SmcSampler(target, new SmcOptions { EffectiveShare = 0.05, Moves = 1 }).Sample(512, new Run { Seed = 11 });
        Assert.Contains(draws.Warnings, w => w.Message.StartsWith("the islands", StringComparison.Ordinal));
    }
}
