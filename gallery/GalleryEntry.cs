using Monge.Engine.Execution;
using Monge.Engine.Random;

namespace Monge.Gallery;

/// <summary>One published system and the experiments that rerun its figures.</summary>
/// <param name="Number">Two digits, as in "01".</param>
/// <param name="Title">The system's name.</param>
/// <param name="Paper">Title and arXiv number of the paper.</param>
/// <param name="Experiments">The experiments, in the order in which they run.</param>
public sealed record GalleryEntry(string Number, string Title, string Paper, IReadOnlyList<Experiment> Experiments);

/// <summary>One experiment: the figures that it promises and the work that measures them.</summary>
/// <param name="Name">Short name, unique in its entry.</param>
/// <param name="Description">What is done, in one sentence.</param>
/// <param name="Quick">Whether it takes seconds; quick experiments are those that run with <see cref="ExperimentSettings.Quick"/>.</param>
/// <param name="Figures">The figures that are measured, each with its reference.</param>
/// <param name="Measure">Does the work and returns a value for each figure, in the order of <paramref name="Figures"/>.</param>
public sealed record Experiment(
    string Name,
    string Description,
    bool Quick,
    IReadOnlyList<FigureReference> Figures,
    Func<ExperimentSettings, CancellationToken, Task<IReadOnlyList<double>>> Measure)
{
    /// <summary>Whether a figure is a statement over seeds, for which the work is done at each.</summary>
    public bool IsOverSeeds => Figures.Any(figure => figure.IsOverSeeds);

    /// <summary>The work of an experiment that waits for nothing, on a thread of the pool.</summary>
    internal static Func<ExperimentSettings, CancellationToken, Task<IReadOnlyList<double>>> InBackground(
        Func<ExperimentSettings, CancellationToken, IReadOnlyList<double>> measure) =>
        (settings, cancellation) => Task.Run(() => measure(settings, cancellation), cancellation);
}

/// <summary>How experiments are run.</summary>
public sealed record ExperimentSettings
{
    /// <summary>Seed of all random numbers.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether to run only the experiments that take seconds. What runs, runs at full size against the same references.</summary>
    public bool Quick { get; init; }

    /// <summary>Seeds at which statements over seeds are measured; fewer than <see cref="FigureVerdicts.LeastSeeds"/> judge none of them.</summary>
    public int Seeds { get; init; } = FigureVerdicts.LeastSeeds;

    /// <summary>The folder that remembers what each seed of a statement over seeds gave, as soon as it is done; null for none.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether seeds that <see cref="Folder"/> remembers of this version are taken from there.</summary>
    public bool Resume { get; init; }

    /// <summary>Threads; 0 is one for each processor.</summary>
    public int Threads { get; init; }

    /// <summary>How programs are executed: with the threads that are set.</summary>
    internal ExecutionOptions Execution => new() { Threads = Threads };

    /// <summary>A stream of random numbers for one of an experiment's draws, apart from those of all other numbers and seeds.</summary>
    /// <param name="name">What is drawn.</param>
    /// <param name="number">The draw's number, below 2^bits.</param>
    /// <param name="bits">Bits of the number, above which the seed stands.</param>
    internal RandomStream Stream(StreamName name, int number, int bits = 16)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((long)number, 1L << bits, nameof(number));
        return new RandomStream((Seed << bits) + (ulong)number, name);
    }

    /// <summary>For loops over independent runs, on the threads that are set.</summary>
    internal ParallelOptions Parallel(CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = Threads > 0 ? Threads : Environment.ProcessorCount, CancellationToken = cancellation };

    /// <summary>Receives lines that belong to the report beside the figures: tables, spreads, what was labelled as mode knowledge.</summary>
    public Action<string> Note { get; init; } = static _ => { };

    /// <summary>Notes a line with numbers.</summary>
    internal void Remark(InvariantLine line) => Note(line.Finish());
}

/// <summary>A figure as it was measured, beside its reference.</summary>
/// <param name="System">Number of the gallery entry.</param>
/// <param name="Experiment">Name of the experiment.</param>
/// <param name="Figure">The figure and its reference.</param>
/// <param name="Value">What was measured; of a statement over seeds the median.</param>
/// <param name="Seconds">Wall time of the whole experiment, all seeds together, in seconds.</param>
/// <param name="Seed">The seed.</param>
public sealed record FigureResult(string System, string Experiment, FigureReference Figure, double Value, double Seconds, ulong Seed)
{
    /// <summary>Of a statement over seeds the value of each; else empty.</summary>
    public IReadOnlyList<double> Values { get; init; } = [];

    /// <summary>What the measurement says.</summary>
    public FigureVerdict Verdict => FigureVerdicts.Of(Figure, Value, Values);

    /// <summary>Whether the value meets the reference; of a statement over seeds, whether those of all seeds do.</summary>
    public bool Holds => Verdict == FigureVerdict.Holds;

    /// <summary>Whether the value meets the harder bar, at every seed; null when there is none.</summary>
    public bool? StretchHolds => Figure.Stretch is null ? null
        : Figure.IsOverSeeds
        ? Values.Count >= FigureVerdicts.LeastSeeds && Values.All(value => Figure.StretchHolds(value) == true) : Figure.StretchHolds(Value);
}

/// <summary>Thrown by an experiment that can't run here, such as one whose data files aren't there: no figure is measured, and none falls short.</summary>
/// <param name="message">What is missing and where it is looked for.</param>
public sealed class ExperimentSkippedException(string message) : Exception(message);
