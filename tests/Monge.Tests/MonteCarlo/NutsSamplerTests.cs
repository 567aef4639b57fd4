using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Tests.MonteCarlo;

/// <summary>The no-U-turn sampler on laws that are known, and what is promised of its runs.</summary>
public sealed class NutsSamplerTests
{
    private static readonly double[] s_mean = [1, -2, 30];

    // N(m, S) with deviations 1, 10, .1 and correlations of .9, unnormalised by log Z = 3.
    private static Density Gaussian()
    {
        double[] scale = [1, 10, 0.1];
        return Density.Create("correlated Gaussian", 3, x =>
        {
            var z = (x - Expr.Constant(s_mean, 3)) / Expr.Constant(scale, 3);
            var (a, b, c) = (z[0], (z[1] - (0.9 * z[0])) / Math.Sqrt(0.19), z[2]);
            return 3 - (0.5 * (a.Square() + b.Square() + c.Square())) - (1.5 * Math.Log(2 * Math.PI)) - scale.Sum(Math.Log) - (0.5 * Math.Log(0.19));
        });
    }

    private static readonly NutsOptions s_quick = new() { Chains = 16, WarmUp = 200, Draws = 150 };

    [Theory]
    [InlineData(MetricKind.Unit, 11)]
    [InlineData(MetricKind.Diagonal, 11)]
    [InlineData(MetricKind.Diagonal, 12)]
    [InlineData(MetricKind.Dense, 11)]
    [InlineData(MetricKind.Dense, 12)]
    public void Moments_and_log_Z_of_a_Gaussian_lie_within_their_errors(MetricKind metric, int seed)
    {
        var draws = new NutsSampler(Gaussian(), s_quick with { Metric = metric }).Sample(2, new Run { Seed = (ulong)seed });
        var chains = draws.Chains!;
        Assert.Equal(16 * 150, draws.Count);
        Assert.Equal(0, chains.Divergences);

        // Without a metric a step fits the narrowest of three scales that are a hundredfold apart.
        Assert.InRange(chains.LargestRHat, 1, metric == MetricKind.Unit ? 1.1 : 1.03);
        var (mean, deviation) = (draws.Mean(), draws.StandardDeviation());
        double[] scale = [1, 10, 0.1];
        for (var j = 0; j < 3; j++)
        {
            var (meanError, deviationError) = (chains.Convergence[j].MeanError, chains.Convergence[j].DeviationError);
            Assert.InRange((mean[j] - s_mean[j]) / meanError, -4.5, 4.5);
            Assert.InRange((deviation[j] - scale[j]) / deviationError, -4.5, 4.5);
            var isKnown = meanError < 0.15 * scale[j] && deviationError < 0.15 * scale[j];
            Assert.True(metric == MetricKind.Unit || isKnown, $"errors {meanError} and {deviationError} of {scale[j]}");
        }

        Assert.InRange((draws.LogZ - 3) / draws.LogZError, -4.5, 4.5);
        Assert.InRange(draws.LogZError, 1e-6, 0.1);
    }

    [Fact]
    public void Acceptance_meets_its_target()
    {
        foreach (var target in (double[])[0.6, 0.8, 0.95])
        {
            var draws = new NutsSampler(TargetLibrary.Get("eight-schools"), s_quick with { TargetAcceptance = target }).Sample(2, new Run { Seed = 11 });
            Assert.Equal(target, draws.Chains!.Acceptance.Average(), 0.06);
        }
    }

    [Fact]
    public void Threads_change_no_bit_and_neither_does_a_stop()
    {
        var target = TargetLibrary.Get("eight-schools");
        var options = s_quick with { Chains = 33 };
        StoppedRuns.LeaveNoTrace(() => new NutsSampler(target, options), 2, "warm-up", "sample");
    }

    [Fact]
    public void A_funnel_that_chains_cannot_enter_is_told_by_divergences()
    {
        var draws = new NutsSampler(TargetLibrary.Get("funnel-10"), s_quick).Sample(2, new Run { Seed = 11 });
        Assert.True(draws.Chains!.Divergences > 0);
        Assert.Contains(draws.Warnings, w => w.Message.Contains("diverged", StringComparison.Ordinal));
    }

    [Fact]
    public void A_density_without_a_finite_integral_is_named_before_chains_set_out()
    {
        var ridge = Density.Create("ridge", 2, x => -0.5 * (x[0] + x[1]).Square());
        var error = Assert.Throws<DensityException>(() => new NutsSampler(ridge, s_quick).Sample(2, new Run()));
        Assert.Contains("does every coordinate have a prior?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Chains_in_separate_modes_are_no_success_and_have_no_log_Z()
    {
        var apart = Density.Create("two far modes", 2, x =>
            Expr.Vector(-0.5 * (x - 40).SquaredNorm(), -0.5 * (x + 40).SquaredNorm()).LogSumExp(0));
        var draws = new NutsSampler(apart, s_quick with { StartSpread = 50 }).Sample(2, new Run { Seed = 11 });
        Assert.True(draws.IsFailed);
        Assert.True(double.IsNaN(draws.LogZ));
        Assert.Contains("the chains disagree", draws.Chains!.LogZSource, StringComparison.Ordinal);
        var text = SampleReport.Of(draws, apart).ToJson();
        Assert.Null(text["log_z"]);
        Assert.True((double)text["max_rhat"]! > 1.1);
        Assert.Contains("log Z unknown (no estimate, as the chains disagree)", draws.Summary(), StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", draws.Summary(), StringComparison.Ordinal);
        Assert.All(draws.Resample().LogWeights, w => Assert.Equal(0, w));
        var pictures = SamplePictures.Describe(draws, SampleDiagnostics.Compute(draws, apart), apart, "command");
        Assert.DoesNotContain(pictures.Figures, f => double.IsNaN(f.Value));
    }

    [Fact]
    public void Reported_errors_are_those_of_dependent_draws()
    {
        var target = TargetLibrary.Get("eight-schools");
        var draws = new NutsSampler(target, s_quick).Sample(2, new Run { Seed = 11 });
        var json = SampleReport.Of(draws, target).ToJson();
        Assert.Equal(draws.Chains!.Convergence.Select(c => c.MeanError), json["mean_error"]!.AsArray().Select(e => (double)e!));
        Assert.Equal(json["mcse"]!.ToJsonString(), json["mean_error"]!.ToJsonString());
    }

    [Fact]
    public void More_draws_than_an_array_holds_are_refused_in_a_sentence()
    {
        var options = s_quick with { Chains = 100_000, Draws = 10_000_000 };
        var error = Assert.Throws<ArgumentException>(() => new NutsSampler(Gaussian(), options).Sample(2, new Run()));
        Assert.Contains("take fewer draws", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_start_where_the_density_is_zero_is_refused_in_a_sentence()
    {
        var far = Density.Create("far away", 1, x => Expr.Select(x[0].Less(30), Expr.Constant(double.NegativeInfinity), -0.5 * (x[0] - 40).Square()),
            new DensityOptions { Base = new BaseSuggestion([40], [1], "given") });
        var error = Assert.Throws<DensityException>(() => new NutsSampler(far, s_quick).Sample(2, new Run()));
        Assert.Contains("set startSpread", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bridge_sampling_of_independent_draws_finds_log_Z_within_its_error_and_says_why_it_cannot()
    {
        // A Student law with 5 degrees of freedom in two coordinates, each with log Z of its own kernel.
        static double[] Log(double[] x) => [.. Enumerable.Range(0, x.Length / 2).Select(
            i => -3 * (Math.Log(1 + (x[2 * i] * x[2 * i] / 5)) + Math.Log(1 + (x[(2 * i) + 1] * x[(2 * i) + 1] / 5))))];
        var exact = 2 * Math.Log(Math.Sqrt(5 * Math.PI) * 0.75 * Math.Sqrt(Math.PI) / 2);
        var pulls = new List<double>();
        for (var seed = 11UL; seed < 31; seed++)
        {
            var random = new RandomStream(seed);
            double[] x = [.. Enumerable.Range(0, 4000).Select(_ => random.NextStudentT(5))];
            var estimate = BridgeSampling.Estimate(x, Log(x), 4, 2, Log, random);
            Assert.Null(estimate.Reason);
            pulls.Add((estimate.LogZ - exact) / estimate.Error);
        }

        Assert.InRange(pulls.Average(p => p * p), 0.4, 2.2);
        Assert.Contains("too few", BridgeSampling.Estimate(new double[8], new double[4], 2, 2, Log, new RandomStream(1)).Reason!, StringComparison.Ordinal);
    }
}
