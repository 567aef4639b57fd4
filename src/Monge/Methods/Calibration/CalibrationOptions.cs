using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of simulation-based calibration.</summary>
public sealed record CalibrationOptions : IMethodOptions
{
    /// <summary>Simulated sets of data.</summary>
    public int Simulations { get; init; } = 300;

    /// <summary>Bins of the rank histograms; odd.</summary>
    public int Bins { get; init; } = 21;

    /// <summary>Ranks in a bin: bins times this, less one, draws of each posterior are compared with the truth.</summary>
    public int RanksOfBin { get; init; } = 6;

    /// <summary>Draws of each posterior that are compared with the truth.</summary>
    internal int Draws => (Bins * RanksOfBin) - 1;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Simulations, 10, 1_000_000);
        OptionCheck.Within<int>(Bins, 3, 1001);
        OptionCheck.Require(Bins % 2 == 1, Bins, "odd", nameof(Bins));
        OptionCheck.Within<int>(RanksOfBin, 1, 1000);
    }
}
