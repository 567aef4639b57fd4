namespace Monge.Runs;

/// <summary>What is known of the temperatures of parallel tempering. Source: S. Syed et al., "Non-reversible parallel tempering", JRSS B 84 (2022).</summary>
public sealed record TemperingRecord
{
    /// <summary>The exponents [K] of the target, from 0 at the base to 1.</summary>
    public required IReadOnlyList<double> Betas { get; init; }

    /// <summary>The share of swaps [K - 1] between a temperature and the next that were refused.</summary>
    public required IReadOnlyList<double> Rejections { get; init; }

    /// <summary>Ways of a state from the base to the target and back, in all ladders.</summary>
    public required long RoundTrips { get; init; }

    /// <summary>
    /// The communication barrier: the sum of the shares that were refused. A ladder with many temperatures makes a round trip in 2 + 2 of it swaps.
    /// </summary>
    public double Barrier => Rejections.Sum();
}
