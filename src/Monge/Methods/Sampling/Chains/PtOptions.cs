using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of parallel tempering.</summary>
public sealed record PtOptions : IMethodOptions
{
    /// <summary>Ladders side by side, whose states at the target are the chains.</summary>
    public int Chains { get; init; } = 32;

    /// <summary>Sweeps that are thrown away while temperatures, step sizes and metrics are learned.</summary>
    public int WarmUp { get; init; } = 300;

    /// <summary>Draws of each chain; null for as many as the samples asked for need, and at least 10.</summary>
    public int? Draws { get; init; }

    /// <summary>
    /// Temperatures, base and target among them; null for so many that a third of the swaps is refused, by a pilot run of sequential Monte Carlo.
    /// </summary>
    public int? Temperatures { get; init; }

    /// <summary>Sweeps between two draws.</summary>
    public int Thinning { get; init; } = 1;

    /// <summary>The mean acceptance to which step sizes are adapted.</summary>
    public double TargetAcceptance { get; init; } = 0.8;

    /// <summary>The length of a move in standard deviations; a quarter of a period makes a Gaussian's draws independent.</summary>
    public double TrajectoryLength { get; init; } = Math.Round(Math.PI / 2, 2);

    /// <summary>Leapfrog steps of a move at most; 1 makes Langevin steps of them.</summary>
    public int MaximumLeapfrogs { get; init; } = 32;

    /// <summary>Which covariance the momenta are fitted to, at each temperature.</summary>
    public MetricKind Metric { get; init; } = MetricKind.Automatic;

    /// <summary>Where no base is known, ways uphill start in (-startSpread, startSpread) in each unconstrained coordinate.</summary>
    public double StartSpread { get; init; } = 2;

    /// <summary>The base's standard deviations over those of the law that is found to cover the target.</summary>
    public double BaseInflation { get; init; } = 2;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Chains, 2, 100_000);
        OptionCheck.Within<int>(WarmUp, 20, 1_000_000);
        OptionCheck.Within<int>(Draws, 4, 10_000_000);
        OptionCheck.Within<int>(Temperatures, 2, 1000);
        OptionCheck.Within<int>(Thinning, 1, 100_000);
        OptionCheck.Require(TargetAcceptance is > 0 and < 1, TargetAcceptance, "between 0 and 1", nameof(TargetAcceptance));
        OptionCheck.Within<double>(TrajectoryLength, 0.01, 1000);
        OptionCheck.Within<int>(MaximumLeapfrogs, 1, 4096);
        OptionCheck.Known<MetricKind>(Metric);
        OptionCheck.Above<double>(StartSpread, 0);
        OptionCheck.Within<double>(BaseInflation, 1, 100);
    }
}
