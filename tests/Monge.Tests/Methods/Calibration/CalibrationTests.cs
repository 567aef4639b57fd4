using Monge.Data;
using Monge.Diagnostics;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods.Calibration;

/// <summary>Simulation-based calibration sees what is wrong, and nothing where nothing is.</summary>
public sealed class CalibrationTests
{
    private static readonly CalibrationOptions s_few = new() { Simulations = 128, Bins = 11 };
    private static readonly NutsOptions s_quick = new() { Chains = 16, WarmUp = 100 };

    // y_i ~ N(theta, sigma), theta ~ N(0, 1), sigma ~ Exponential(1), sampled in log sigma: with its log-Jacobian or without.
    private static PosteriorModel Normal(bool forgetsJacobian) => new(
        "normal", "y",
        data =>
        {
            var seen = data.Vector("y");
            return Density.Create("normal", 2, x =>
            {
                var y = Expr.Constant(seen, seen.Length);
                return LogDensities.StandardNormal(x[0]) + LogDensities.Exponential(x[1], 1) + LogDensities.Normal(y, x[0], x[1]).Sum()
                    - (forgetsJacobian ? x[1].Log() : 0);
            }, new DensityOptions { Support = [SupportTransform.Real(), SupportTransform.Positive()], Names = ["theta", "sigma"] });
        },
        () => ModelData.Of("y", ("y", [0.3, -0.2, 0.9])),
        new ModelSimulation(
            (_, random) => [random.NextNormal(), -Math.Log(1 - random.NextDouble())],
            (design, p, random) => design.With("y", [.. design.Vector("y").Select(_ => p[0] + (p[1] * random.NextNormal()))])));

    private static CalibrationResult Calibrate(PosteriorModel model, Run run, Func<Density, ISamplingMethod>? sampler = null) =>
        Monge.Methods.Calibration.Run(model, sampler ?? (target => new NutsSampler(target, s_quick)), run, s_few);

    [Fact]
    public void Ranks_are_uniform_where_model_and_sampler_are_right()
    {
        for (ulong seed = 11; seed < 14; seed++)
        {
            var result = Calibrate(Normal(forgetsJacobian: false), new Run { Seed = seed });
            Assert.Equal(128, result.Count);
            Assert.True(result.IsUniform, FormattableString.Invariant($"p = {result.Probability} at seed {seed}"));
            Assert.All([0, 1], j => Assert.Equal(128, result.Histogram(j).Sum()));
            Assert.All([0, 1], j => Assert.InRange((result.MeanRank(j).Mean - 0.5) / result.MeanRank(j).Error, -4, 4));
        }
    }

    [Fact]
    public void A_log_Jacobian_left_out_is_seen_and_where()
    {
        var result = Calibrate(Normal(forgetsJacobian: true), new Run { Seed = 11 });
        Assert.False(result.IsUniform);
        Assert.True(result.ProbabilityOf(1) < 1e-4);
        var status = Assert.Single(result.Warnings, w => w.Message.Contains("aren't uniform", StringComparison.Ordinal));
        Assert.Contains("sigma", status.Message, StringComparison.Ordinal);
        Assert.Contains("below the truth", status.Message, StringComparison.Ordinal);
    }

    // Langevin steps without correction: right when they are short, and not when they are three times as long.
    [Fact]
    public void Steps_too_long_without_correction_are_seen()
    {
        var fine = Calibrate(Conjugate, new Run { Seed = 11 }, t => new Unadjusted(t, 0.03));
        var far = Calibrate(Conjugate, new Run { Seed = 11 }, t => new Unadjusted(t, 3 * 0.1));
        Assert.True(fine.IsUniform);
        Assert.False(far.IsUniform);
        Assert.Contains("too wide", far.Warnings[0].Message, StringComparison.Ordinal);
    }

    // With exact draws p is uniform itself: of 60 calibrations, some 6 have p below .1.
    [Fact]
    public void The_test_of_exact_draws_is_itself_calibrated()
    {
        double[] p = [.. Enumerable.Range(100, 60).Select(seed => Calibrate(Conjugate, new Run { Seed = (ulong)seed }, t => new Exact(t)).ProbabilityOf(0))];
        Assert.InRange(p.Count(v => v < 0.1), 1, 14);
        Assert.InRange(p.Average(), 0.35, 0.65);
    }

    [Fact]
    public void Threads_change_no_rank_and_neither_does_a_stop()
    {
        var model = Normal(forgetsJacobian: false);
        var whole = Calibrate(model, new Run { Seed = 3 });
        Assert.Equal(whole.Ranks, Calibrate(model, new Run { Seed = 3, Threads = 1 }).Ranks);
        var folder = Directory.CreateTempSubdirectory("monge-calibrate-").FullName;
        try
        {
            using var stop = new CancellationTokenSource();
            var progress = new Immediate(p =>
            {
                if (p.Iteration > 0)
                {
                    stop.Cancel();
                }
            });
            Assert.ThrowsAny<OperationCanceledException>(
                () => Calibrate(model, new Run { Seed = 3, Folder = folder, Progress = progress, Cancellation = stop.Token }));
            var resumed = Calibrate(model, new Run { Seed = 3, Folder = folder, Resume = true });
            Assert.Equal(whole.Ranks, resumed.Ranks);
            Assert.Equal(whole.Outcomes, resumed.Outcomes);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_stop_within_a_simulation_keeps_those_before_it()
    {
        var whole = Calibrate(Conjugate, new Run { Seed = 3 }, t => new Exact(t));
        var folder = Directory.CreateTempSubdirectory("monge-calibrate-").FullName;
        try
        {
            using var stop = new CancellationTokenSource();

            // One call is for the model with its usual data. 38 simulations are done, two batches and six of the third, when the 39th is stopped.
            var calls = 0;
            Assert.ThrowsAny<OperationCanceledException>(() => Calibrate(
                Conjugate, new Run { Seed = 3, Threads = 1, Folder = folder, Cancellation = stop.Token },
                t => ++calls == 40 ? new Stopping(t, stop) : new Exact(t)));
            Assert.Equal(40, calls);
            var resumed = Calibrate(Conjugate, new Run { Seed = 3, Threads = 1, Folder = folder, Resume = true }, t =>
            {
                calls++;
                return new Exact(t);
            });
            Assert.Equal(40 + 1 + (128 - 38), calls);
            Assert.Equal(whole.Ranks, resumed.Ranks);
            Assert.Equal(whole.Outcomes, resumed.Outcomes);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Posteriors_that_cannot_be_sampled_are_counted()
    {
        var result = Calibrate(Conjugate, new Run { Seed = 11 }, t => new Broken(t));
        Assert.Equal(0, result.Count);
        Assert.All(result.Outcomes, o => Assert.Equal(SimulationOutcome.Broken, o));
        Assert.True(double.IsNaN(result.Probability));
        Assert.Equal(StatusCode.Failed, result.Warnings[0].Code);
        Assert.Contains("128 of 128 simulated posteriors couldn't be sampled", result.Warnings[0].Message, StringComparison.Ordinal);
    }

    // theta ~ N(0, 1), y_i ~ N(theta, 1), four of them: the posterior is N(sum y / 5, 1 / 5).
    private static PosteriorModel Conjugate { get; } = new(
        "conjugate", "y",
        data =>
        {
            var seen = data.Vector("y");
            return Density.Create("conjugate", 1, x => LogDensities.StandardNormal(x[0]) + LogDensities.Normal(Expr.Constant(seen, 4), x[0], 1).Sum());
        },
        () => ModelData.Of("y", ("y", [0.3, -0.2, 0.9, 0])),
        new ModelSimulation(
            (_, random) => [random.NextNormal()],
            (design, p, random) => design.With("y", [.. design.Vector("y").Select(_ => p[0] + random.NextNormal())])));

    private static SampleSet Draws(Density target, double[] values) => new()
    {
        Positions = values,
        UnconstrainedPositions = values,
        LogWeights = new double[values.Length],
        Names = target.Names,
        Target = target.Name,
        LogZ = 0,
        LogZError = 0,
        EffectiveSampleSize = 1,
        Elbo = 0,
        TargetCalls = 0,
        Warnings = [],
        Method = "test",
        Options = "",
        Sampler = "",
        Preparation = "",
        Seed = 0,
        Version = "",
        TrainSeconds = 0,
        SampleSeconds = 0,
        Iterations = 0,
    };

    private sealed record Stopping(Density Target, CancellationTokenSource Stop) : ISamplingMethod
    {
        public string Name => "exact";

        public IMethodOptions Options => s_few;

        public SampleSet Sample(int samples, Run run)
        {
            Stop.Cancel();
            throw new OperationCanceledException(run.Cancellation);
        }
    }

    private sealed record Exact(Density Target) : ISamplingMethod
    {
        public string Name => "exact";

        public IMethodOptions Options => s_few;

        public SampleSet Sample(int samples, Run run)
        {
            var random = new RandomStream(run.Seed, StreamName.Of("exact draws"));
            var mean = Target.GradientAt([0])[0] / 5;
            return Draws(Target, [.. Enumerable.Range(0, samples).Select(_ => mean + (random.NextNormal() / Math.Sqrt(5)))]);
        }
    }

    // x + h grad log p + sqrt(2 h) normal; on a Gaussian of precision 5 its law has the variance 1 / (5 (1 - 5 h / 2)).
    private sealed record Unadjusted(Density Target, double Step) : ISamplingMethod
    {
        public string Name => "unadjusted";

        public IMethodOptions Options => s_few;

        public SampleSet Sample(int samples, Run run)
        {
            var random = new RandomStream(run.Seed, StreamName.Of("unadjusted"));
            var (h, values) = (Step, new double[samples]);
            var mean = Target.GradientAt([0])[0] / 5;
            var x = mean;
            for (var i = 0; i < 20 * samples; i++)
            {
                x += (h * 5 * (mean - x)) + (Math.Sqrt(2 * h) * random.NextNormal());
                values[i / 20] = x;
            }

            return Draws(Target, values);
        }
    }

    private sealed record Broken(Density Target) : ISamplingMethod
    {
        public string Name => "broken";

        public IMethodOptions Options => s_few;

        public SampleSet Sample(int samples, Run run) => throw new DensityException("it has no mass");
    }

    private sealed class Immediate(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
