using Monge.MonteCarlo;

namespace Monge.Methods;

/// <summary>Options of random-walk Metropolis.</summary>
public sealed record RandomWalkOptions : ChainOptions
{
    /// <summary>The defaults.</summary>
    public RandomWalkOptions()
    {
        (WarmUp, Thinning, TargetAcceptance) = (2000, 50, 0.234);
    }

    /// <inheritdoc/>
    internal override ChainKernel Kernel(int dimension) => new RandomWalk(dimension);
}
