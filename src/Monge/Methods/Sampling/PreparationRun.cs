using System.Diagnostics;
using Monge.Engine.Execution;
using Monge.Training;

namespace Monge.Methods;

/// <summary>How a preparation runs: with what, for how long at most, and whom it tells.</summary>
/// <param name="execution">How to execute.</param>
/// <param name="seed">The seed.</param>
/// <param name="cancellation">Stops between two runs and two training steps.</param>
/// <param name="budget">The time of preparation and training together, counted from here; null for no limit.</param>
/// <param name="progress">Receives reports.</param>
internal sealed class PreparationRun(
    ExecutionOptions execution, ulong seed, CancellationToken cancellation = default, TimeSpan? budget = null, IProgress<TrainingProgress>? progress = null)
{
    // The share of a budget after which what was found so far must do.
    private const double LargestShare = 0.4;

    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>How to execute.</summary>
    public ExecutionOptions Execution => execution;

    /// <summary>The seed.</summary>
    public ulong Seed => seed;

    /// <summary>Stops between two runs and two training steps.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>Whether the budget leaves time for another attempt to do better; always without a budget, so that such runs are repeatable to the bit.</summary>
    public bool HasTime => budget is not { } time || _clock.Elapsed < LargestShare * time;

    /// <summary>Says what is being done, and stops if that was asked for.</summary>
    /// <param name="doing">What, in a few words.</param>
    /// <param name="step">Steps of it taken.</param>
    /// <param name="steps">Its steps; 0 if it isn't counted.</param>
    public void Report(string doing, long step = 0, long steps = 0)
    {
        cancellation.ThrowIfCancellationRequested();
        progress?.Report(new TrainingProgress(step, steps, double.NaN, null, _clock.Elapsed, TimeSpan.Zero, "prepare", doing));
    }
}
