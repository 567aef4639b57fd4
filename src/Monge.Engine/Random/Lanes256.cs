using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Monge.Engine.Random;

/// <summary>The lane operations on 256-bit vectors.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Vector256<uint>>
{
    public static int Words => Vector256<uint>.Count;

    public static Vector256<uint> Indices64 => Vector256<ulong>.Indices.AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Broadcast32(uint value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Broadcast64(ulong value) => Vector256.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> BroadcastSingle(float value) => Vector256.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> BroadcastDouble(double value) => Vector256.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* destination, Vector256<uint> value) => Vector256.Store(value, (uint*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Xor(Vector256<uint> left, Vector256<uint> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> And(Vector256<uint> left, Vector256<uint> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Or(Vector256<uint> left, Vector256<uint> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Select(Vector256<uint> mask, Vector256<uint> ifSet, Vector256<uint> ifClear) =>
        Vector256.ConditionalSelect(mask, ifSet, ifClear);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> SelectByHighBit32(Vector256<uint> bits, Vector256<uint> ifSet, Vector256<uint> ifClear)
    {
        if (Avx.IsSupported)
        {
            return Avx.BlendVariable(ifClear.AsSingle(), ifSet.AsSingle(), bits.AsSingle()).AsUInt32();
        }

        return Vector256.ConditionalSelect((bits.AsInt32() >> 31).AsUInt32(), ifSet, ifClear);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> SelectByHighBit64(Vector256<uint> bits, Vector256<uint> ifSet, Vector256<uint> ifClear)
    {
        if (Avx.IsSupported)
        {
            return Avx.BlendVariable(ifClear.AsDouble(), ifSet.AsDouble(), bits.AsDouble()).AsUInt32();
        }

        return Vector256.ConditionalSelect((bits.AsInt64() >> 63).AsUInt32(), ifSet, ifClear);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Interleave(Vector256<uint> even, Vector256<uint> odd)
    {
        Vector256<uint> shifted = ShiftLeft64(odd, 32);
        return Avx2.IsSupported ? Avx2.Blend(even, shifted, 0b10101010) : Select(Broadcast64(0xFFFFFFFF), even, shifted);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Subtract32(Vector256<uint> left, Vector256<uint> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftLeft32(Vector256<uint> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftRight32(Vector256<uint> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftRightArithmetic32(Vector256<uint> value, int count) => (value.AsInt32() >> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Add64(Vector256<uint> left, Vector256<uint> right) => (left.AsUInt64() + right.AsUInt64()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Subtract64(Vector256<uint> left, Vector256<uint> right) => (left.AsUInt64() - right.AsUInt64()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftLeft64(Vector256<uint> value, int count) => (value.AsUInt64() << count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftRight64(Vector256<uint> value, int count) => (value.AsUInt64() >>> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> MultiplyLow32(Vector256<uint> left, Vector256<uint> right)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.Multiply(left, right).AsUInt32();
        }

        Vector256<ulong> low = Vector256.Create(0xFFFFFFFFUL);
        return ((left.AsUInt64() & low) * (right.AsUInt64() & low)).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Int32ToSingle(Vector256<uint> value) => Vector256.ConvertToSingle(value.AsInt32()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> UInt32ToSingle(Vector256<uint> value)
    {
        if (Avx512F.VL.IsSupported)
        {
            return Avx512F.VL.ConvertToVector256Single(value).AsUInt32();
        }

        // Both halves convert exactly, so the one rounding is that of the fused sum.
        Vector256<float> high = Vector256.ConvertToSingle((value >>> 16).AsInt32());
        Vector256<float> low = Vector256.ConvertToSingle((value & Vector256.Create(0xFFFFu)).AsInt32());
        return Vector256.FusedMultiplyAdd(high, Vector256.Create(65536f), low).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> AddSingle(Vector256<uint> left, Vector256<uint> right) => (left.AsSingle() + right.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> MultiplySingle(Vector256<uint> left, Vector256<uint> right) => (left.AsSingle() * right.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> FusedSingle(Vector256<uint> left, Vector256<uint> right, Vector256<uint> addend) =>
        Vector256.FusedMultiplyAdd(left.AsSingle(), right.AsSingle(), addend.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> SqrtSingle(Vector256<uint> value) => Vector256.Sqrt(value.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> AddDouble(Vector256<uint> left, Vector256<uint> right) => (left.AsDouble() + right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> MultiplyDouble(Vector256<uint> left, Vector256<uint> right) => (left.AsDouble() * right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> DivideDouble(Vector256<uint> left, Vector256<uint> right) => (left.AsDouble() / right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> FusedDouble(Vector256<uint> left, Vector256<uint> right, Vector256<uint> addend) =>
        Vector256.FusedMultiplyAdd(left.AsDouble(), right.AsDouble(), addend.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> SqrtDouble(Vector256<uint> value) => Vector256.Sqrt(value.AsDouble()).AsUInt32();
}
