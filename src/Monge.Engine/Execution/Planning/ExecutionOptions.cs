using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>How a program is executed. The defaults use the whole machine.</summary>
public sealed record ExecutionOptions
{
    /// <summary>Threads, the caller included; 0 is one for each processor. Results are the same to the bit for any number.</summary>
    public int Threads { get; init; }

    /// <summary>The threads to run on; null shares a team of <see cref="Threads"/> threads with other programs.</summary>
    public ThreadTeam? Team { get; init; }

    /// <summary>Samples in a tile, a multiple of 16; 0 chooses from the program's size and the cache.</summary>
    public int TileLanes { get; init; }

    /// <summary>Vector width; null is the widest that the machine has.</summary>
    public SimdWidth? Width { get; init; }

    /// <summary>
    /// Whether each call's outputs are checked. A value that is not finite then throws <see cref="AnomalyException"/>, which names the first
    /// operation that made one. Costs a pass over the outputs; for finding faults, not for production.
    /// </summary>
    public bool DetectAnomaly { get; init; }
}

/// <summary>A program made a value that is not finite; the message names the first operation that did, its arguments' values and the sample.</summary>
public sealed class AnomalyException(string message) : Exception(message);
