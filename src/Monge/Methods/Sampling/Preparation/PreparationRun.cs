using System.Diagnostics;
using Monge.Engine.Execution;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>How a preparation runs: with what, for how long at most, and whom it tells.</summary>
/// <param name="run">Seed, threads, progress and cancellation.</param>
/// <param name="budget">The time of preparation and training together, counted from here; null for no limit.</param>
internal sealed class PreparationRun(Run run, TimeSpan? budget = null)
{
    // The share of a budget after which what was found so far must do.
    private const double LargestShare = 0.4;

    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>Seed, threads, progress and cancellation.</summary>
    public Run Run => run;

    /// <summary>How to execute.</summary>
    public ExecutionOptions Execution => run.Execution;

    /// <summary>The seed.</summary>
    public ulong Seed => run.Seed;

    /// <summary>Evaluations of the target by short trainings so far.</summary>
    public long TrainingCalls { get; set; }

    /// <summary>
    /// Whether the budget leaves time for another attempt to do better; always without a budget, so that such runs are repeatable to the bit.
    /// </summary>
    public bool HasTime => budget is not { } time || _clock.Elapsed < LargestShare * time;

    /// <summary>Says what is being done, and stops if that was asked for.</summary>
    /// <param name="doing">What, in a few words.</param>
    /// <param name="step">Steps of it taken.</param>
    /// <param name="steps">Its steps; 0 if it isn't counted.</param>
    public void Report(string doing, long step = 0, long steps = 0)
    {
        run.Cancellation.ThrowIfCancellationRequested();
        run.Progress?.Report(new TrainingProgress(step, steps, double.NaN, _clock.Elapsed, TimeSpan.Zero, "prepare", doing));
    }
}
