namespace Monge.Engine.Execution;

/// <summary>The width in bits of the vector registers that a kernel uses; the value is the number of bits.</summary>
public enum SimdWidth
{
    /// <summary>One element at a time.</summary>
    Scalar = 0,

    /// <summary>128-bit registers (SSE, NEON).</summary>
    Bits128 = 128,

    /// <summary>256-bit registers (AVX2).</summary>
    Bits256 = 256,

    /// <summary>512-bit registers (AVX-512).</summary>
    Bits512 = 512,
}
