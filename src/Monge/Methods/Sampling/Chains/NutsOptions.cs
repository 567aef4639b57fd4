using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of the no-U-turn sampler.</summary>
public sealed record NutsOptions : ChainOptions
{
    /// <summary>The defaults.</summary>
    public NutsOptions()
    {
        // Stan takes .8; on lanes smaller steps are cheap, and they help against divergences.
        TargetAcceptance = 0.9;
    }

    /// <summary>A trajectory has at most 2 to this power leapfrog steps.</summary>
    public int MaximumDepth { get; init; } = 10;

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        OptionCheck.Within<int>(MaximumDepth, 1, 20);
    }

    /// <inheritdoc/>
    internal override ChainKernel Kernel(int dimension) => new NoUTurnTree(dimension, MaximumDepth);
}
