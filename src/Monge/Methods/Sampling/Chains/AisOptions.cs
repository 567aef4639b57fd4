using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of annealed importance sampling.</summary>
public sealed record AisOptions : IMethodOptions
{
    /// <summary>Particles, 32 to 100,000,000; null for as many as the samples asked for.</summary>
    public int? Particles { get; init; }

    /// <summary>Groups of particles from whose spread errors come, 2 to 1024.</summary>
    public int Islands { get; init; } = 16;

    /// <summary>Temperatures at least, 2 to 1,000,000; a pilot run of sequential Monte Carlo tells where they lie.</summary>
    public int Temperatures { get; init; } = 200;

    /// <summary>How particles move, and from which law they set out.</summary>
    public TemperingOptions Tempering { get; init; } = new();

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Particles, 32, 100_000_000);
        OptionCheck.Within<int>(Islands, 2, 1024);
        OptionCheck.Within<int>(Temperatures, 2, 1_000_000);
        Tempering.Check();
    }
}
