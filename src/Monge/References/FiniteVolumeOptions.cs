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

/// <summary>How finite volumes carry mass along the drift of an axis that has diffusion; without diffusion it is always the remap.</summary>
public enum DriftTreatment
{
    /// <summary>
    /// Flows that are exact where drift and flow are constant between two centres (Scharfetter and Gummel 1969). Keeps the law of a potential to rounding. Adds
    /// about u^2 w^2 / 12 D to the diffusion, w the width of a cell, which is of order 2 where w is short beside D / |u|; where it is long, upwind: u w / 2.
    /// </summary>
    ExponentialFitting,

    /// <summary>
    /// A conservative, positive remap along the drift for half a step before and half a step after the diffusion (van Leer 1979; Strang 1968): of order 2
    /// however weak the diffusion. Best in steps that carry mass over a cell or more: each adds the error of its lines in the cells. The law of a potential is
    /// stationary to the scheme's error only.
    /// </summary>
    Remap,
}

/// <summary>How a finite volume solver works.</summary>
public sealed record FiniteVolumeOptions
{
    /// <summary>The scheme in time.</summary>
    public FiniteVolumeScheme Scheme { get; init; } = FiniteVolumeScheme.SecondOrder;

    /// <summary>How mass is carried along the drift: the remap where the noise is weak, |u| w above about D.</summary>
    public DriftTreatment Drift { get; init; } = DriftTreatment.ExponentialFitting;

    /// <summary>Threads, the caller included; 0 is one for each processor. Results are the same to the bit for any number.</summary>
    public int Threads { get; init; }
}
