using System.Runtime.Intrinsics;

namespace Monge.Engine.Lanes;

/// <summary>The width in bits of the vectors that carry lanes; <see cref="Scalar"/> carries one lane in a plain number.</summary>
public enum SimdWidth
{
    /// <summary>One lane, no vector.</summary>
    Scalar = 0,

    /// <summary>Vector128.</summary>
    Bits128 = 128,

    /// <summary>Vector256.</summary>
    Bits256 = 256,

    /// <summary>Vector512.</summary>
    Bits512 = 512,
}

/// <summary>What this machine offers of <see cref="SimdWidth"/>.</summary>
internal static class SimdWidths
{
    /// <summary>Widths that run in hardware here, the narrowest first; always starts with <see cref="SimdWidth.Scalar"/>.</summary>
    public static IReadOnlyList<SimdWidth> Supported { get; } = FindSupported();

    /// <summary>The widest supported width.</summary>
    public static SimdWidth Best => Supported[^1];

    private static List<SimdWidth> FindSupported()
    {
        var widths = new List<SimdWidth> { SimdWidth.Scalar };
        if (Vector128.IsHardwareAccelerated) widths.Add(SimdWidth.Bits128);
        if (Vector256.IsHardwareAccelerated) widths.Add(SimdWidth.Bits256);
        if (Vector512.IsHardwareAccelerated) widths.Add(SimdWidth.Bits512);
        return widths;
    }
}
