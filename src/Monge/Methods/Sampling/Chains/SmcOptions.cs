using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of sequential Monte Carlo and of annealed importance sampling.</summary>
public sealed record SmcOptions : IMethodOptions
{
    /// <summary>Particles; null for as many as the samples asked for.</summary>
    public int? Particles { get; init; }

    /// <summary>Groups of particles that don't mix, from whose spread the errors come.</summary>
    public int Islands { get; init; } = 16;

    /// <summary>The share of the particles that each step of the temperature leaves effective.</summary>
    public double EffectiveShare { get; init; } = 0.9;

    /// <summary>Annealed importance sampling: temperatures at least; a pilot run of sequential Monte Carlo tells where they lie.</summary>
    public int Temperatures { get; init; } = 200;

    /// <summary>Moves of each particle at a temperature, at most: no more are made once particles have forgotten where they were.</summary>
    public int Moves { get; init; } = 16;

    /// <summary>The mean acceptance to which the step size is adapted.</summary>
    public double TargetAcceptance { get; init; } = 0.8;

    /// <summary>The length of a move in standard deviations; a quarter of a period makes a Gaussian's draws independent.</summary>
    public double TrajectoryLength { get; init; } = Math.Round(Math.PI / 2, 2);

    /// <summary>Leapfrog steps of a move at most; 1 makes Langevin steps of them.</summary>
    public int MaximumLeapfrogs { get; init; } = 32;

    /// <summary>Which covariance the momenta are fitted to.</summary>
    public MetricKind Metric { get; init; } = MetricKind.Automatic;

    /// <summary>Ways uphill, about whose ends the base lies, start in (-startSpread, startSpread) in each unconstrained coordinate.</summary>
    public double StartSpread { get; init; } = 2;

    /// <summary>The base's standard deviations over those of the draws found on the ways uphill.</summary>
    public double BaseInflation { get; init; } = 2;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Particles, 32, 100_000_000);
        OptionCheck.Within<int>(Islands, 2, 1024);
        OptionCheck.Require(EffectiveShare is > 0 and < 1, EffectiveShare, "between 0 and 1", nameof(EffectiveShare));
        OptionCheck.Within<int>(Temperatures, 2, 1_000_000);
        OptionCheck.Within<int>(Moves, 1, 1000);
        OptionCheck.Require(TargetAcceptance is > 0 and < 1, TargetAcceptance, "between 0 and 1", nameof(TargetAcceptance));
        OptionCheck.Within<double>(TrajectoryLength, 0.01, 1000);
        OptionCheck.Within<int>(MaximumLeapfrogs, 1, 4096);
        OptionCheck.Known<MetricKind>(Metric);
        OptionCheck.Above<double>(StartSpread, 0);
        OptionCheck.Within<double>(BaseInflation, 1, 100);
    }
}
