using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Monge.Engine.Random;

/// <summary>The lane operations on 512-bit vectors.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector512<uint>>
{
    public static int Words => Vector512<uint>.Count;

    public static Vector512<uint> Indices64 => Vector512<ulong>.Indices.AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Broadcast32(uint value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Broadcast64(ulong value) => Vector512.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> BroadcastSingle(float value) => Vector512.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> BroadcastDouble(double value) => Vector512.Create(value).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* destination, Vector512<uint> value) => Vector512.Store(value, (uint*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Xor(Vector512<uint> left, Vector512<uint> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> And(Vector512<uint> left, Vector512<uint> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Or(Vector512<uint> left, Vector512<uint> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Select(Vector512<uint> mask, Vector512<uint> ifSet, Vector512<uint> ifClear) =>
        Vector512.ConditionalSelect(mask, ifSet, ifClear);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> SelectByHighBit32(Vector512<uint> bits, Vector512<uint> ifSet, Vector512<uint> ifClear) =>
        Vector512.ConditionalSelect((bits.AsInt32() >> 31).AsUInt32(), ifSet, ifClear);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> SelectByHighBit64(Vector512<uint> bits, Vector512<uint> ifSet, Vector512<uint> ifClear) =>
        Vector512.ConditionalSelect((bits.AsInt64() >> 63).AsUInt32(), ifSet, ifClear);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Interleave(Vector512<uint> even, Vector512<uint> odd) => Select(Broadcast64(0xFFFFFFFF), even, ShiftLeft64(odd, 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Subtract32(Vector512<uint> left, Vector512<uint> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftLeft32(Vector512<uint> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRight32(Vector512<uint> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRightArithmetic32(Vector512<uint> value, int count) => (value.AsInt32() >> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Add64(Vector512<uint> left, Vector512<uint> right) => (left.AsUInt64() + right.AsUInt64()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Subtract64(Vector512<uint> left, Vector512<uint> right) => (left.AsUInt64() - right.AsUInt64()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftLeft64(Vector512<uint> value, int count) => (value.AsUInt64() << count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRight64(Vector512<uint> value, int count) => (value.AsUInt64() >>> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> MultiplyLow32(Vector512<uint> left, Vector512<uint> right)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.Multiply(left, right).AsUInt32();
        }

        Vector512<ulong> low = Vector512.Create(0xFFFFFFFFUL);
        return ((left.AsUInt64() & low) * (right.AsUInt64() & low)).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Int32ToSingle(Vector512<uint> value) => Vector512.ConvertToSingle(value.AsInt32()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> UInt32ToSingle(Vector512<uint> value)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Single(value).AsUInt32();
        }

        // Both halves convert exactly, so the one rounding is that of the fused sum.
        Vector512<float> high = Vector512.ConvertToSingle((value >>> 16).AsInt32());
        Vector512<float> low = Vector512.ConvertToSingle((value & Vector512.Create(0xFFFFu)).AsInt32());
        return Vector512.FusedMultiplyAdd(high, Vector512.Create(65536f), low).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> AddSingle(Vector512<uint> left, Vector512<uint> right) => (left.AsSingle() + right.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> MultiplySingle(Vector512<uint> left, Vector512<uint> right) => (left.AsSingle() * right.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> FusedSingle(Vector512<uint> left, Vector512<uint> right, Vector512<uint> addend) =>
        Vector512.FusedMultiplyAdd(left.AsSingle(), right.AsSingle(), addend.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> SqrtSingle(Vector512<uint> value) => Vector512.Sqrt(value.AsSingle()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> AddDouble(Vector512<uint> left, Vector512<uint> right) => (left.AsDouble() + right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> MultiplyDouble(Vector512<uint> left, Vector512<uint> right) => (left.AsDouble() * right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> DivideDouble(Vector512<uint> left, Vector512<uint> right) => (left.AsDouble() / right.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> FusedDouble(Vector512<uint> left, Vector512<uint> right, Vector512<uint> addend) =>
        Vector512.FusedMultiplyAdd(left.AsDouble(), right.AsDouble(), addend.AsDouble()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> SqrtDouble(Vector512<uint> value) => Vector512.Sqrt(value.AsDouble()).AsUInt32();
}
