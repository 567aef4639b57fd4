using Monge.Engine.Execution;
using Monge.Training;

namespace Monge.Runs;

/// <summary>What every run of every kind is given besides its problem and its method's options.</summary>
public sealed record Run
{
    /// <summary>Seed of all draws: equal problems, options and seeds give equal results to the bit, whatever the threads (without a budget of time).</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>
    /// Seed of the samples that a sampler draws at the end; null takes <see cref="Seed"/>. A finished run that is resumed with another draws
    /// further, independent samples without training again.
    /// </summary>
    public ulong? DrawSeed { get; init; }

    /// <summary>Threads, 0 for all processors. No result depends on it.</summary>
    public int Threads { get; init; }

    /// <summary>Where "checkpoint.safetensors" and at the end "model.safetensors" are written; it must exist. Null writes neither.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether to go on from the folder's checkpoint if it has one.</summary>
    public bool Resume { get; init; }

    /// <summary>Receives progress.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Stops between two steps; the state is saved first.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>How programs are executed.</summary>
    public ExecutionOptions Execution => new() { Threads = Threads };
}

/// <summary>
/// An algorithm that is taken step by step. What it must remember between two steps is its state: arrays and numbers with names, which <see cref="Exchange"/>
/// hands to a checkpoint or takes from one. A step depends on nothing else but the problem, the options, the seed and the step's number, so that a resumed run
/// repeats an uninterrupted one to the bit.
/// </summary>
public interface IIterative
{
    /// <summary>Makes the state before the first step.</summary>
    void Init();

    /// <summary>Takes one step.</summary>
    /// <param name="iteration">Its number, from 0.</param>
    /// <param name="total">The steps of the whole run, as known by now.</param>
    StepInfo Step(long iteration, long total);

    /// <summary>Writes the state to a checkpoint, or fills it from one: each array and number is named once.</summary>
    void Exchange(RunState state);

    /// <summary>Named figures on a validation batch, asked for at equal numbers of steps; empty for none.</summary>
    IReadOnlyList<Figure> Validate() => [];

    /// <summary>The steps of the whole run from here on, asked after each step without a budget.</summary>
    /// <param name="iteration">Steps taken.</param>
    /// <param name="total">The steps of the whole run, as known by now.</param>
    long Total(long iteration, long total) => total;

    /// <summary>Whether to end before the planned number of steps, asked after each validation.</summary>
    bool IsDone => false;

    /// <summary>
    /// Whether a step that was cancelled in its middle may be taken again from the state that it left: then that state is saved, as it is between steps.
    /// </summary>
    bool IsRepeatable => false;
}
