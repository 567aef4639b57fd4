using Monge.MonteCarlo;

namespace Monge.Methods;

/// <summary>Options of Langevin steps with Metropolis correction.</summary>
public sealed record MalaOptions : ChainOptions
{
    /// <summary>The defaults.</summary>
    public MalaOptions()
    {
        // The acceptance at which a Langevin step goes furthest in many dimensions; G. Roberts and J. Rosenthal (1998).
        (WarmUp, Thinning, TargetAcceptance) = (1000, 10, 0.574);
    }

    /// <inheritdoc/>
    internal override ChainKernel Kernel(int dimension) => new HamiltonianTrajectory(dimension, length: 0, mostLeapfrogs: 1);
}
