namespace Monge.Engine.Random;

/// <summary>
/// The vector operations that the tile kernels need, so that each kernel is written once for every vector width.
/// All lanes hold bits; a method's suffix says how it reads them. Every operation is exact or correctly rounded
/// (fused multiply-add is always fused), so all widths give the same bits.
/// </summary>
internal unsafe interface ILanes<V>
    where V : unmanaged
{
    /// <summary>Number of 32-bit lanes.</summary>
    static abstract int Words { get; }

    /// <summary>The 64-bit lanes 0, 1, 2, ...</summary>
    static abstract V Indices64 { get; }

    static abstract V Broadcast32(uint value);

    static abstract V Broadcast64(ulong value);

    static abstract V BroadcastSingle(float value);

    static abstract V BroadcastDouble(double value);

    static abstract void Store(void* destination, V value);

    static abstract V Xor(V left, V right);

    static abstract V And(V left, V right);

    static abstract V Or(V left, V right);

    /// <summary>Bits of <paramref name="ifSet"/> where the mask is one, of <paramref name="ifClear"/> where it is zero.</summary>
    static abstract V Select(V mask, V ifSet, V ifClear);

    /// <summary>The 32-bit lanes of <paramref name="ifSet"/> where the highest bit is one, of <paramref name="ifClear"/> where it is zero.</summary>
    static abstract V SelectByHighBit32(V bits, V ifSet, V ifClear);

    /// <summary>The 64-bit lanes of <paramref name="ifSet"/> where the highest bit is one, of <paramref name="ifClear"/> where it is zero.</summary>
    static abstract V SelectByHighBit64(V bits, V ifSet, V ifClear);

    /// <summary>The low halves of two vectors of 64-bit lanes, the first in the even 32-bit lanes and the second in the odd.</summary>
    static abstract V Interleave(V even, V odd);

    static abstract V Subtract32(V left, V right);

    static abstract V ShiftLeft32(V value, int count);

    static abstract V ShiftRight32(V value, int count);

    static abstract V ShiftRightArithmetic32(V value, int count);

    static abstract V Add64(V left, V right);

    static abstract V Subtract64(V left, V right);

    static abstract V ShiftLeft64(V value, int count);

    static abstract V ShiftRight64(V value, int count);

    /// <summary>64-bit products of the low halves of the 64-bit lanes.</summary>
    static abstract V MultiplyLow32(V left, V right);

    /// <summary>Signed 32-bit integers to float32, rounded to nearest.</summary>
    static abstract V Int32ToSingle(V value);

    /// <summary>Unsigned 32-bit integers to float32, rounded to nearest.</summary>
    static abstract V UInt32ToSingle(V value);

    static abstract V AddSingle(V left, V right);

    static abstract V MultiplySingle(V left, V right);

    static abstract V FusedSingle(V left, V right, V addend);

    static abstract V SqrtSingle(V value);

    static abstract V AddDouble(V left, V right);

    static abstract V MultiplyDouble(V left, V right);

    static abstract V DivideDouble(V left, V right);

    static abstract V FusedDouble(V left, V right, V addend);

    static abstract V SqrtDouble(V value);
}
