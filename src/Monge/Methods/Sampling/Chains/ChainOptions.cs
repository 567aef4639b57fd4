using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>What methods that move chains at the density itself have in common.</summary>
public abstract record ChainOptions : IMethodOptions
{
    private protected ChainOptions()
    {
    }

    /// <summary>Chains side by side. They share one adaptation and each evaluation of the density, so many cost little more than one.</summary>
    public int Chains { get; init; } = 32;

    /// <summary>Transitions of each chain that are thrown away while step size and metric are learned.</summary>
    public int WarmUp { get; init; } = 300;

    /// <summary>Draws of each chain; null for as many as the samples asked for need, and at least 10.</summary>
    public int? Draws { get; init; }

    /// <summary>Transitions from one draw to the next.</summary>
    public int Thinning { get; init; } = 1;

    /// <summary>The mean acceptance to which the step size is adapted: nearer to 1 takes smaller steps.</summary>
    public double TargetAcceptance { get; init; } = 0.8;

    /// <summary>Which covariance the momenta are fitted to.</summary>
    public MetricKind Metric { get; init; } = MetricKind.Automatic;

    /// <summary>Whether chains first follow the density uphill.</summary>
    public ChainStart Start { get; init; } = ChainStart.Pathfinder;

    /// <summary>Chains are put at points drawn uniformly from (-startSpread, startSpread) in each unconstrained coordinate.</summary>
    public double StartSpread { get; init; } = 2;

    /// <inheritdoc/>
    public virtual void Check()
    {
        OptionCheck.Within<int>(Chains, 1, 100_000);
        OptionCheck.Within<int>(WarmUp, 20, 1_000_000);
        OptionCheck.Within<int>(Draws, 4, 10_000_000);
        OptionCheck.Within<int>(Thinning, 1, 100_000);
        OptionCheck.Require(TargetAcceptance is > 0 and < 1, TargetAcceptance, "between 0 and 1", nameof(TargetAcceptance));
        OptionCheck.Known<MetricKind>(Metric);
        OptionCheck.Known<ChainStart>(Start);
        OptionCheck.Above<double>(StartSpread, 0);
    }

    /// <summary>A chain's kernel.</summary>
    internal abstract ChainKernel Kernel(int dimension);
}

/// <summary>Where chains start.</summary>
public enum ChainStart
{
    /// <summary>
    /// Each at a draw of the normal approximation that is found on the way uphill from its point: where the mass is. Points from which there is no way to
    /// where there is mass are given up, so that chains aren't lost for ever, and modes are still found apart.
    /// </summary>
    Pathfinder,

    /// <summary>At the points themselves, as Stan starts.</summary>
    Uniform,
}
