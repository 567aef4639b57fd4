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

    /// <summary>How chains move at each temperature, and the law at the hottest.</summary>
    public TemperingOptions Tempering { get; init; } = new();

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Chains, 2, 100_000);
        OptionCheck.Within<int>(WarmUp, 20, 1_000_000);
        OptionCheck.Within<int>(Draws, 4, 10_000_000);
        OptionCheck.Within<int>(Temperatures, 2, 1000);
        OptionCheck.Within<int>(Thinning, 1, 100_000);
        Tempering.Check();
    }
}
