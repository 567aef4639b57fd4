namespace Monge.References;

/// <summary>How finite volumes go on in time. Both schemes are implicit, stable and positive at any step, and conserve mass.</summary>
public enum FiniteVolumeScheme
{
    /// <summary>
    /// TR-BDF2, of order 2 and L-stable (Bank and others 1985). Where a line would turn negative (a linear scheme of order 2 can't be positive at any step),
    /// its flows fall back towards those of backward Euler, cell by cell and only as far as needed (Zalesak 1979).
    /// </summary>
    SecondOrder,

    /// <summary>Backward Euler, of order 1.</summary>
    BackwardEuler,
}

/// <summary>How a finite volume solver works.</summary>
public sealed record FiniteVolumeOptions
{
    /// <summary>The scheme in time.</summary>
    public FiniteVolumeScheme Scheme { get; init; } = FiniteVolumeScheme.SecondOrder;

    /// <summary>Threads, the caller included; 0 is one for each processor. Results are the same to the bit for any number.</summary>
    public int Threads { get; init; }
}
