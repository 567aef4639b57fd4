using System.Diagnostics;
using Monge.Diagnostics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>Makes weighted samples equally weighted, and moves them by steps that leave the target invariant.</summary>
public static class SampleCorrection
{
    private const int TuningSteps = 20;
    private const int TuningRounds = 8;
    private const int StepsBetweenReports = 100;

    // The acceptance at which Langevin proposals move fastest in high dimensions (Roberts and Rosenthal, 1998).
    private const double Acceptance = 0.574;

    /// <summary>
    /// Systematic resampling to equal weights. The samples are then no longer independent: heavy ones are repeated. log Z, its error, the bounds and the
    /// effective sample size stay those of the weighted samples, from which alone they can be told; every log-weight becomes log Z.
    /// </summary>
    /// <param name="draws">The samples.</param>
    /// <param name="seed">The seed; null for that of the run.</param>
    public static SampleSet Resample(this SampleSet draws, ulong? seed = null)
    {
        ArgumentNullException.ThrowIfNull(draws);
        var (n, d, u) = (draws.Count, draws.Dimension, draws.UnconstrainedPositions.Length / draws.Count);
        var chosen = Resampling.Systematic(draws.NormalizedWeights(), n, new RandomStream(seed ?? draws.Seed, SamplingStreams.Resampling));
        var (positions, unconstrained, weights) = (new double[n * d], new double[n * u], new double[n]);
        for (var i = 0; i < n; i++)
        {
            Array.Copy(draws.Positions, chosen[i] * d, positions, i * d, d);
            Array.Copy(draws.UnconstrainedPositions, chosen[i] * u, unconstrained, i * u, u);
        }

        Array.Fill(weights, double.IsNaN(draws.LogZ) ? 0 : draws.LogZ);
        return draws with
        {
            Positions = positions,
            UnconstrainedPositions = unconstrained,
            LogWeights = weights,
            Islands = null,
            Correction = FormattableString.Invariant($"resampled systematically to equal weights, {chosen.Distinct().Count()} of {n} samples different"),
        };
    }

    /// <summary>
    /// Resamples, unless that is done, and takes steps of the Metropolis-adjusted Langevin algorithm, each leaving the target invariant: repeated
    /// samples part, and errors within a mode shrink. Weights between modes stay as they were, and what no sample had found stays missed; log Z and its
    /// error are those of the weighted samples.
    /// </summary>
    /// <param name="draws">The samples.</param>
    /// <param name="target">Their target.</param>
    /// <param name="steps">Number of steps, at least 1; about 100 more are spent on finding the step size.</param>
    /// <param name="seed">The seed; null for that of the run.</param>
    /// <param name="threads">Threads, 0 for all; no result depends on it.</param>
    /// <param name="progress">Is told the steps taken.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="ArgumentException">The samples belong to another target.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public static SampleSet Refine(
        this SampleSet draws, Density target, int steps, ulong? seed = null, int threads = 0, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(draws);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        if (draws.UnconstrainedPositions.Length != draws.Count * target.Dimension)
        {
            throw new ArgumentException(
                $"The samples of '{draws.Target}' don't fit '{target.Name}', which has {target.Dimension} coordinates.", nameof(target));
        }

        var equal = draws.Correction is null ? draws.Resample(seed) : draws;
        var (n, d, execution) = (equal.Count, target.Dimension, new ExecutionOptions { Threads = threads });

        // In coordinates in which the samples have unit standard deviations one step size fits all coordinates.
        var scale = Spread(equal.UnconstrainedPositions, d);
        var start = new double[n * d];
        for (var at = 0; at < start.Length; at += d)
        {
            scale.ToNoise(equal.UnconstrainedPositions.AsSpan(at, d), start.AsSpan(at, d));
        }

        using var chains = new LangevinChains(d, target.Whiten(scale).LogDensity, n, SamplingStreams.RefineNoise, SamplingStreams.RefineAcceptance, execution);
        var (h, taken, key) = (0.5 / Math.Pow(d, 1.0 / 3), 0UL, new DrawKey(seed ?? draws.Seed));
        for (var round = 0; round < TuningRounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            chains.Start(start);
            h *= Math.Exp(3 * (chains.Advance(TuningSteps, h, key with { Step = taken }) - Acceptance));
            taken += TuningSteps;
        }

        chains.Start(start);
        var (accepted, clock) = (0.0, Stopwatch.StartNew());
        for (var done = 0; done < steps; done += StepsBetweenReports)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(new TrainingProgress(done, steps, double.NaN, clock.Elapsed, TimeSpan.Zero, "refine", "Langevin steps"));
            var next = Math.Min(StepsBetweenReports, steps - done);
            accepted += chains.Advance(next, h, key with { Step = taken + (ulong)done }) * next / steps;
        }

        var x = new NdArray<double>(n, d);
        for (var i = 0; i < n; i++)
        {
            scale.ToPosition(chains.Positions.Row(i), x.Row(i));
        }

        return equal with
        {
            Positions = Report(target, x, execution),
            UnconstrainedPositions = x.Span.ToArray(),
            TargetCalls = equal.TargetCalls + chains.TargetCalls,
            Correction = FormattableString.Invariant(
                $"{equal.Correction}; {steps} Metropolis-adjusted Langevin steps of size {h:g3} (in standard deviations squared), {accepted:P0} accepted"),
        };
    }

    private static GaussianBase Spread(double[] positions, int d)
    {
        var table = MomentTable.Compute(positions, d);
        return GaussianBase.Diagonal([.. table.Rows.Select(r => r.Mean)], [.. table.Rows.Select(r => Math.Max(r.StandardDeviation, 1e-12))]);
    }

    private static double[] Report(Density target, NdArray<double> positions, ExecutionOptions execution)
    {
        var x = Expr.Input("x", target.Dimension);
        using var program = new CompiledProgram<double>(new TracedProgram(null, ("report", target.Report(x))), execution);
        var reported = new NdArray<double>(positions.Rows, target.Names.Count);
        (program["x"], program["report"]) = (positions, reported);
        program.Run(positions.Rows);
        return reported.Span.ToArray();
    }
}
