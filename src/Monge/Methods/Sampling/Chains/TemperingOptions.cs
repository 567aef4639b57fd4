using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>How walkers move at a temperature, and from which law they set out.</summary>
public sealed record TemperingOptions : IOptionGroup
{
    /// <summary>The mean acceptance to which step sizes are adapted, between 0 and 1.</summary>
    public double TargetAcceptance { get; init; } = 0.8;

    /// <summary>The length of a move in standard deviations, 0.01 to 1000; a quarter of a period makes a Gaussian's draws independent.</summary>
    public double TrajectoryLength { get; init; } = Math.Round(Math.PI / 2, 2);

    /// <summary>Leapfrog steps of a move at most, 1 to 4096; 1 makes Langevin steps of them.</summary>
    public int MaximumLeapfrogs { get; init; } = 32;

    /// <summary>Which covariance the momenta are fitted to, at each temperature.</summary>
    public MetricKind Metric { get; init; } = MetricKind.Automatic;

    /// <summary>
    /// Where no base is known, it lies about the ends of ways uphill that start in (-startSpread, startSpread) in each unconstrained coordinate; above 0.
    /// </summary>
    public double StartSpread { get; init; } = 2;

    /// <summary>The base's standard deviations over those of the law that is found to cover the target, 1 to 100.</summary>
    public double BaseInflation { get; init; } = 2;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Require(TargetAcceptance is > 0 and < 1, TargetAcceptance, "between 0 and 1", nameof(TargetAcceptance));
        OptionCheck.Within<double>(TrajectoryLength, 0.01, 1000);
        OptionCheck.Within<int>(MaximumLeapfrogs, 1, 4096);
        OptionCheck.Known<MetricKind>(Metric);
        OptionCheck.Above<double>(StartSpread, 0);
        OptionCheck.Within<double>(BaseInflation, 1, 100);
    }

    /// <summary>What is fixed of walkers that are moved so.</summary>
    internal TemperingPlan Plan(int dimension, int particles, int islands, double effectiveShare, int moves, long states) => new(
        particles, islands, effectiveShare, moves, TargetAcceptance, TrajectoryLength, MaximumLeapfrogs, ChainMetric.Resolve(Metric, dimension, states));
}
