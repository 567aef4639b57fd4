using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Tests.Data;
using Monge.Training;

namespace Monge.Tests.Methods;

/// <summary>Sampling by the limit of a Wasserstein gradient flow, and posteriors trained on mini-batches of rows.</summary>
public sealed class JkoTransportTests
{
    private static readonly JkoSamplerOptions s_small = new()
    {
        AffinePart = true,
        Width = 16,
        Steps = 6,
        FirstStep = 0.25,
        StepGrowth = 2,
        Pool = 16_384,
        Training = new() { Iterations = 1200 },
    };

    [Fact]
    public void A_Gaussian_has_its_normaliser_and_moments()
    {
        var options = new DensityOptions { Base = new BaseSuggestion([0, 0, 0], [2, 2, 2], "wide") };
        var target = Density.Create(
            "tilted", 3, x => 0.7 - (0.5 * (x[0] - 2).Square()) - (2 * (x[1] + x[0]).Square()) - (8 * (x[2] - x[1]).Square()), options);

        // Each square has its own unit Jacobian: the integral is e^0.7 times those of precisions 1, 4 and 16.
        var logZ = 0.7 + (1.5 * Math.Log(2 * Math.PI)) - Math.Log(2) - Math.Log(4);
        var set = new JkoTransport(target, s_small).Sample(4000, new Run { Seed = 11 });
        Assert.True(set.EffectiveSampleSize > 0.9, $"{set.EffectiveSampleSize}, {set.Sampler}");
        Assert.InRange(set.LogZ, logZ - (4 * set.LogZError) - 1e-3, logZ + (4 * set.LogZError) + 1e-3);
        Assert.InRange(set.Elbo, logZ - 0.1, logZ);
        Assert.Empty(set.Warnings);
        double[] expected = [2, -2, -2];
        for (var j = 0; j < 3; j++)
        {
            var mean = Enumerable.Range(0, set.Count).Average(i => set.Positions[(3 * i) + j]);
            Assert.InRange(mean, expected[j] - 0.12, expected[j] + 0.12);
        }
    }

    [Fact]
    public void A_banana_has_its_normaliser()
    {
        var target = TargetLibrary.Get("banana");
        var set = new JkoTransport(target).Sample(4000, new Run { Seed = 11 });
        Assert.True(set.EffectiveSampleSize > 0.2, $"{set.EffectiveSampleSize}, {set.Sampler}");
        Assert.InRange(set.LogZ - target.Facts.LogZ!.Value, (-4 * set.LogZError) - 0.01, (4 * set.LogZError) + 0.01);
        Assert.True(set.Elbo < target.Facts.LogZ);
    }

    [Fact]
    public void Nine_separate_modes_are_all_reached_by_short_first_steps()
    {
        var target = TargetLibrary.Get("gmm9");
        var set = new JkoTransport(target).Sample(4000, new Run { Seed = 11 });
        Assert.True(set.EffectiveSampleSize > 0.6, $"{set.EffectiveSampleSize}, {set.Sampler}");
        Assert.InRange(set.LogZ, (-4 * set.LogZError) - 1e-3, (4 * set.LogZError) + 1e-3);
        Assert.All(target.Facts.Modes!.Occupancy(set.UnconstrainedPositions, 2, set.NormalizedWeights()), share => Assert.InRange(share, 0.08, 0.15));
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_to_the_same_samples()
    {
        using var folder = new Scratch();
        var target = TargetLibrary.Get("banana");
        var options = s_small with { Steps = 6, Training = new() { Iterations = 120, BatchSize = 64, CheckpointSeconds = 1e-6 }, Pool = 1024, Tolerance = 0 };
        var whole = new JkoTransport(target, options).Sample(200, new Run { Seed = 4 });
        using var source = new CancellationTokenSource();
        var stop = new StopAt(70, source);
        Assert.Throws<OperationCanceledException>(() => new JkoTransport(target, options).Sample(
            200, new Run { Seed = 4, Folder = folder.Directory, Progress = stop, Cancellation = source.Token }));
        var resumed = new JkoTransport(target, options).Sample(200, new Run { Seed = 4, Folder = folder.Directory, Resume = true });
        Assert.Equal(whole.Positions, resumed.Positions);
        Assert.Equal(whole.LogWeights, resumed.LogWeights);
        Assert.Equal(whole.TargetCalls, resumed.TargetCalls);
    }

    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        var target = TargetLibrary.Get("banana");
        Assert.Contains("stepGrowth", Assert.ThrowsAny<ArgumentException>(
            () => new JkoTransport(target, new JkoSamplerOptions { StepGrowth = 0.5 })).Message, StringComparison.Ordinal);
        Assert.Contains("pool", Assert.ThrowsAny<ArgumentException>(
            () => new JkoTransport(target, new JkoSamplerOptions { Pool = 100 })).Message, StringComparison.Ordinal);
        Assert.Contains("'pieces' is 3; it must be a divisor of the width 64", Assert.ThrowsAny<ArgumentException>(
            () => new JkoTransport(target, new JkoSamplerOptions { Pieces = 3 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mini_batches_estimate_the_whole_log_density_without_bias()
    {
        const int rows = 6;
        const int size = 2;
        var data = ClassificationLibrary.TwoNorm(rows, new RandomStream(3)).Features;
        var labelled = new LabelledRows(data, 20, [1, -1, 1, 1, -1, -1]);
        var posterior = LogisticPosterior.Create("tiny", labelled, size);
        double[] position = [.. Enumerable.Range(0, 21).Select(j => 0.3 * Math.Cos(j))];
        var whole = posterior.Density.LogDensityAt(position)[0];
        var x = Expr.Input("x", 21);
        using var program = new CompiledProgram<double>(new TracedProgram(null, ("value", posterior.Batched().LogDensity(x))));
        var (table, value) = (new NdArray<double>(size, 20), new NdArray<double>(1));
        (program["x"], program["value"], program[RowPosterior.RowsName]) = (NdArray<double>.From(position, 1, 21), value, table);

        // All fifteen pairs of rows, and separately the three batches of one pass.
        var sum = 0.0;
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < i; j++)
            {
                posterior.Rows.AsSpan(i * 20, 20).CopyTo(table.Row(0));
                posterior.Rows.AsSpan(j * 20, 20).CopyTo(table.Row(1));
                program.Run(1);
                sum += value[0] / 15;
            }
        }

        Assert.Equal(whole, sum, 1e-10);
        var batches = new RowBatches<double>(posterior, 5);
        batches.Bind(program);
        for (var pass = 0; pass < 2; pass++)
        {
            var over = 0.0;
            for (var step = 0; step < 3; step++)
            {
                batches.Fill((3 * pass) + step);
                program.Run(1);
                over += value[0] / 3;
            }

            Assert.Equal(whole, over, 1e-10);
        }
    }

    [Fact]
    public void Mini_batches_lead_to_the_posterior_that_all_rows_lead_to()
    {
        var rows = ClassificationLibrary.TwoNorm(150, new RandomStream(11));
        var few = new LabelledRows([.. Enumerable.Range(0, 150).SelectMany(i => rows.Features[(i * 20)..((i * 20) + 3)])], 3, rows.Labels);
        var (all, batched) = (LogisticPosterior.Create("all", few), LogisticPosterior.Create("all", few, 50));
        var whole = new JkoTransport(all, s_small).Sample(4000, new Run { Seed = 11 });
        var part = new JkoTransport(batched, s_small).Sample(4000, new Run { Seed = 12 });
        Assert.True(part.EffectiveSampleSize > 0.4, $"{part.EffectiveSampleSize}, {part.Sampler}");
        Assert.InRange(part.LogZ - whole.LogZ, -5 * double.Hypot(part.LogZError, whole.LogZError), 5 * double.Hypot(part.LogZError, whole.LogZError));
        var (first, second) = (LogisticPosterior.Predict(few, whole.Positions), LogisticPosterior.Predict(few, part.Positions));
        Assert.Equal(first.LogLikelihood, second.LogLikelihood, 0.01);
    }

    [Fact]
    public void Mini_batches_of_no_or_too_many_rows_are_refused()
    {
        var rows = ClassificationLibrary.TwoNorm(10, new RandomStream(11));
        foreach (var size in (int[])[0, 11])
        {
            var error = Assert.Throws<ArgumentException>(() => new JkoTransport(LogisticPosterior.Create("few", rows, size)));
            Assert.Contains($"has {size} rows", error.Message, StringComparison.Ordinal);
        }
    }

    private sealed class StopAt(long iteration, CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == "train" && value.Iteration >= iteration)
            {
                source.Cancel();
            }
        }
    }
}
