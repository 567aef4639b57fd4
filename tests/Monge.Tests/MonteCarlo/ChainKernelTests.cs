using Monge.Diagnostics;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.MonteCarlo;

/// <summary>Kernels of chains other than the no-U-turn sampler's, on laws that are known.</summary>
public sealed class ChainKernelTests
{
    private static readonly double[] s_mean = [1, -2, 30];
    private static readonly double[] s_scale = [1, 10, 0.1];

    private static ISamplingMethod Method(string name, Density target) => name switch
    {
        "hmc" => new HmcSampler(target, new HmcOptions { Chains = 16, WarmUp = 200, Draws = 200 }),
        "mala" => new MalaSampler(target, new MalaOptions { Chains = 16, WarmUp = 400, Draws = 200 }),
        _ => new RandomWalkSampler(target, new RandomWalkOptions { Chains = 16, WarmUp = 800, Draws = 200 }),
    };

    // N(m, S) with deviations 1, 10, .1 and correlations of .9, unnormalised by log Z = 3.
    private static Density Gaussian() => Density.Create("correlated Gaussian", 3, x =>
    {
        var z = (x - Expr.Constant(s_mean, 3)) / Expr.Constant(s_scale, 3);
        var (a, b, c) = (z[0], (z[1] - (0.9 * z[0])) / Math.Sqrt(0.19), z[2]);
        return 3 - (0.5 * (a.Square() + b.Square() + c.Square())) - (1.5 * Math.Log(2 * Math.PI)) - s_scale.Sum(Math.Log) - (0.5 * Math.Log(0.19));
    });

    [Theory]
    [InlineData("hmc", 11)]
    [InlineData("hmc", 12)]
    [InlineData("mala", 11)]
    [InlineData("mala", 12)]
    [InlineData("random-walk", 11)]
    [InlineData("random-walk", 12)]
    public void Moments_and_log_Z_of_a_Gaussian_lie_within_their_errors(string name, int seed)
    {
        var draws = Method(name, Gaussian()).Sample(2, new Run { Seed = (ulong)seed });
        var chains = draws.Chains!;
        Assert.Equal(name, draws.Method);
        Assert.Equal(16 * 200, draws.Count);
        Assert.InRange(chains.LargestRHat, 0.99, 1.03);
        Assert.Empty(chains.Depths);
        Assert.Equal(0, chains.Divergences);
        var (mean, deviation) = (draws.Mean(), draws.StandardDeviation());
        for (var j = 0; j < 3; j++)
        {
            var (meanError, deviationError) = (chains.Convergence[j].MeanError, chains.Convergence[j].DeviationError);
            Assert.InRange((mean[j] - s_mean[j]) / meanError, -4.5, 4.5);
            Assert.InRange((deviation[j] - s_scale[j]) / deviationError, -4.5, 4.5);
            Assert.InRange(meanError, 0, 0.1 * s_scale[j]);
        }

        Assert.InRange((draws.LogZ - 3) / draws.LogZError, -4.5, 4.5);
        Assert.InRange(draws.LogZError, 1e-6, 0.1);
    }

    // Where trajectories have no fixed length, the acceptance of a step of theirs is the target's.
    [Theory]
    [InlineData("hmc", 0.8)]
    [InlineData("mala", 0.574)]
    [InlineData("random-walk", 0.234)]
    public void Acceptance_meets_its_target(string name, double target) =>
        Assert.Equal(target, Method(name, TargetLibrary.Get("eight-schools")).Sample(2, new Run { Seed = 11 }).Chains!.Acceptance.Average(), 0.06);

    [Theory]
    [InlineData("hmc")]
    [InlineData("mala")]
    [InlineData("random-walk")]
    public void Threads_change_no_bit_and_neither_does_a_stop(string name)
    {
        var target = TargetLibrary.Get("eight-schools");
        StoppedRuns.LeaveNoTrace(
            () => name switch
            {
                "hmc" => new HmcSampler(target, new HmcOptions { Chains = 33, WarmUp = 60, Draws = 30, Thinning = 2 }),
                "mala" => new MalaSampler(target, new MalaOptions { Chains = 33, WarmUp = 60, Draws = 30 }),
                _ => new RandomWalkSampler(target, new RandomWalkOptions { Chains = 33, WarmUp = 60, Draws = 30, Thinning = 3 }),
            }, 2, "warm-up", "sample");
    }

    [Fact]
    public void Trajectories_cut_short_are_told()
    {
        var draws = new HmcSampler(Gaussian(), new HmcOptions { Chains = 16, WarmUp = 100, Draws = 50, MaximumLeapfrogs = 2, TargetAcceptance = 0.99 })
            .Sample(2, new Run { Seed = 11 });
        Assert.Contains(draws.Warnings, w => w.Message.Contains(
            "trajectories were cut at 2 steps: take the dense metric or a larger maximumLeapfrogs", StringComparison.Ordinal));
    }

    // A spike that the chains start outside of: no step that is short enough is ever found in so few.
    [Fact]
    public void Chains_that_never_move_are_told()
    {
        var target = Density.Create("a wall", 2, x => -1e12 * (x - 1).SquaredNorm());
        var draws = new RandomWalkSampler(
            target, new RandomWalkOptions
            {
                Chains = 8,
                WarmUp = 20,
                Draws = 10,
                Thinning = 1,
                Start = ChainStart.Uniform,
                Metric = Monge.MonteCarlo.MetricKind.Unit,
            }).Sample(2, new Run { Seed = 11 });
        Assert.True(draws.IsFailed);
        Assert.Contains(draws.Warnings, w => w.Code == StatusCode.Failed);
    }
}
