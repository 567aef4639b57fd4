using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of sequential Monte Carlo.</summary>
public sealed record SmcOptions : IMethodOptions
{
    /// <summary>Particles, 32 to 100,000,000; null for as many as the samples asked for.</summary>
    public int? Particles { get; init; }

    /// <summary>Groups of particles that don't mix, from whose spread the errors come, 2 to 1024.</summary>
    public int Islands { get; init; } = 16;

    /// <summary>The share of the particles that each step of the temperature leaves effective, between 0 and 1.</summary>
    public double EffectiveShare { get; init; } = 0.9;

    /// <summary>Moves of each particle at a temperature, at most: no more are made once particles have forgotten where they were.</summary>
    public int Moves { get; init; } = 16;

    /// <summary>How particles move, and from which law they set out.</summary>
    public TemperingOptions Tempering { get; init; } = new();

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Particles, 32, 100_000_000);
        OptionCheck.Within<int>(Islands, 2, 1024);
        OptionCheck.Require(EffectiveShare is > 0 and < 1, EffectiveShare, "between 0 and 1", nameof(EffectiveShare));
        OptionCheck.Within<int>(Moves, 1, 1000);
        Tempering.Check();
    }
}
