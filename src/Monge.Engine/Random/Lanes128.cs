using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Monge.Engine.Random;

/// <summary>The lane operations on 128-bit vectors.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Vector128<uint>>
{
    public static int Words => Vector128<uint>.Count;

    public static Vector128<uint> Indices64 => Vector128<ulong>.Indices.AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Broadcast32(uint value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Broadcast64(ulong value) => Vector128.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> BroadcastSingle(float value) => Vector128.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> BroadcastDouble(double value) => Vector128.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* destination, Vector128<uint> value) => Vector128.Store(value, (uint*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Xor(Vector128<uint> left, Vector128<uint> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> And(Vector128<uint> left, Vector128<uint> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Or(Vector128<uint> left, Vector128<uint> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Select(Vector128<uint> mask, Vector128<uint> ifSet, Vector128<uint> ifClear) =>
        Vector128.ConditionalSelect(mask, ifSet, ifClear);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> SelectByHighBit32(Vector128<uint> bits, Vector128<uint> ifSet, Vector128<uint> ifClear) =>
        Vector128.ConditionalSelect((bits.AsInt32() >> 31).AsUInt32(), ifSet, ifClear);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> SelectByHighBit64(Vector128<uint> bits, Vector128<uint> ifSet, Vector128<uint> ifClear) =>
        Vector128.ConditionalSelect((bits.AsInt64() >> 63).AsUInt32(), ifSet, ifClear);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Interleave(Vector128<uint> even, Vector128<uint> odd) => Select(Broadcast64(0xFFFFFFFF), even, ShiftLeft64(odd, 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Subtract32(Vector128<uint> left, Vector128<uint> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftLeft32(Vector128<uint> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftRight32(Vector128<uint> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftRightArithmetic32(Vector128<uint> value, int count) => (value.AsInt32() >> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Add64(Vector128<uint> left, Vector128<uint> right) => (left.AsUInt64() + right.AsUInt64()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Subtract64(Vector128<uint> left, Vector128<uint> right) => (left.AsUInt64() - right.AsUInt64()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftLeft64(Vector128<uint> value, int count) => (value.AsUInt64() << count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftRight64(Vector128<uint> value, int count) => (value.AsUInt64() >>> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> MultiplyLow32(Vector128<uint> left, Vector128<uint> right)
    {
        if (Sse2.IsSupported)
        {
            return Sse2.Multiply(left, right).AsUInt32();
        }

        Vector128<ulong> low = Vector128.Create(0xFFFFFFFFUL);
        return ((left.AsUInt64() & low) * (right.AsUInt64() & low)).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Int32ToSingle(Vector128<uint> value) => Vector128.ConvertToSingle(value.AsInt32()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> UInt32ToSingle(Vector128<uint> value)
    {
        if (Avx512F.VL.IsSupported)
        {
            return Avx512F.VL.ConvertToVector128Single(value).AsUInt32();
        }

        // Both halves convert exactly, so the one rounding is that of the fused sum.
        Vector128<float> high = Vector128.ConvertToSingle((value >>> 16).AsInt32());
        Vector128<float> low = Vector128.ConvertToSingle((value & Vector128.Create(0xFFFFu)).AsInt32());
        return Vector128.FusedMultiplyAdd(high, Vector128.Create(65536f), low).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> AddSingle(Vector128<uint> left, Vector128<uint> right) => (left.AsSingle() + right.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> MultiplySingle(Vector128<uint> left, Vector128<uint> right) => (left.AsSingle() * right.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> FusedSingle(Vector128<uint> left, Vector128<uint> right, Vector128<uint> addend) =>
        Vector128.FusedMultiplyAdd(left.AsSingle(), right.AsSingle(), addend.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> SqrtSingle(Vector128<uint> value) => Vector128.Sqrt(value.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> AddDouble(Vector128<uint> left, Vector128<uint> right) => (left.AsDouble() + right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> MultiplyDouble(Vector128<uint> left, Vector128<uint> right) => (left.AsDouble() * right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> DivideDouble(Vector128<uint> left, Vector128<uint> right) => (left.AsDouble() / right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> FusedDouble(Vector128<uint> left, Vector128<uint> right, Vector128<uint> addend) =>
        Vector128.FusedMultiplyAdd(left.AsDouble(), right.AsDouble(), addend.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> SqrtDouble(Vector128<uint> value) => Vector128.Sqrt(value.AsDouble()).AsUInt32();
}
