using System.Runtime.CompilerServices;

namespace Monge.Engine.Random;

/// <summary>
/// Philox 4x32-10 on 64-bit lanes: each lane carries one sample's 32-bit words in its low half. The high halves hold rubbish,
/// which the widening multiply ignores, so a round costs two multiplies, two shifts and two three-way exclusive ors.
/// </summary>
internal static unsafe class PhiloxLanes<L, V>
    where L : ILanes<V>
    where V : unmanaged
{
    /// <summary>Vectors of scratch that <see cref="PrepareKeys"/> needs: the round keys and one more for alignment.</summary>
    public const int ScratchVectors = 2 * Philox.Rounds + 1;

    /// <summary>Writes the broadcast round keys to scratch at an aligned address and returns it.</summary>
    public static V* PrepareKeys(V* scratch, ulong key)
    {
        nuint mask = (nuint)sizeof(V) - 1;
        V* keys = (V*)(((nuint)scratch + mask) & ~mask);
        uint key0 = (uint)key;
        uint key1 = (uint)(key >> 32);
        for (int round = 0; round < Philox.Rounds; round++)
        {
            keys[2 * round] = L.Broadcast64(key0);
            keys[2 * round + 1] = L.Broadcast64(key1);
            key0 += Philox.Weyl0;
            key1 += Philox.Weyl1;
        }

        return keys;
    }

    /// <summary>The four words of one block for samples first, first + 1, ..., one per 64-bit lane (high halves undefined).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block64(V* keys, ulong step, ulong first, uint block, out V word0, out V word1, out V word2, out V word3)
    {
        V multiplier0 = L.Broadcast64(Philox.Multiplier0);
        V multiplier1 = L.Broadcast64(Philox.Multiplier1);
        V x0 = L.Add64(L.Broadcast64(first), L.Indices64);
        V x1 = L.Broadcast64(block);
        V x2 = L.Broadcast64((uint)step);
        V x3 = L.Or(L.ShiftRight64(x0, 32), L.Broadcast64(Philox.HighWord(0, step)));
        for (int round = 0; round < Philox.Rounds; round++)
        {
            V product0 = L.MultiplyLow32(x0, multiplier0);
            V product1 = L.MultiplyLow32(x2, multiplier1);
            x0 = L.Xor(L.Xor(L.ShiftRight64(product1, 32), x1), keys[2 * round]);
            x2 = L.Xor(L.Xor(L.ShiftRight64(product0, 32), x3), keys[2 * round + 1]);
            x1 = product1;
            x3 = product0;
        }

        word0 = x0;
        word1 = x1;
        word2 = x2;
        word3 = x3;
    }

    /// <summary>The four words of one block for samples first, first + 1, ..., one per 32-bit lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block32(V* keys, ulong step, ulong first, uint block, out V word0, out V word1, out V word2, out V word3)
    {
        V multiplier0 = L.Broadcast64(Philox.Multiplier0);
        V multiplier1 = L.Broadcast64(Philox.Multiplier1);
        V high = L.Broadcast64(Philox.HighWord(0, step));

        // Even samples in x, odd samples in y: two independent chains, interleaved at the end by a shift and a select.
        V x0 = L.Add64(L.Broadcast64(first), L.ShiftLeft64(L.Indices64, 1));
        V y0 = L.Add64(x0, L.Broadcast64(1));
        V x1 = L.Broadcast64(block);
        V y1 = x1;
        V x2 = L.Broadcast64((uint)step);
        V y2 = x2;
        V x3 = L.Or(L.ShiftRight64(x0, 32), high);
        V y3 = L.Or(L.ShiftRight64(y0, 32), high);
        for (int round = 0; round < Philox.Rounds; round++)
        {
            V key0 = keys[2 * round];
            V key1 = keys[2 * round + 1];
            V productX0 = L.MultiplyLow32(x0, multiplier0);
            V productY0 = L.MultiplyLow32(y0, multiplier0);
            V productX1 = L.MultiplyLow32(x2, multiplier1);
            V productY1 = L.MultiplyLow32(y2, multiplier1);
            x0 = L.Xor(L.Xor(L.ShiftRight64(productX1, 32), x1), key0);
            y0 = L.Xor(L.Xor(L.ShiftRight64(productY1, 32), y1), key0);
            x2 = L.Xor(L.Xor(L.ShiftRight64(productX0, 32), x3), key1);
            y2 = L.Xor(L.Xor(L.ShiftRight64(productY0, 32), y3), key1);
            x1 = productX1;
            y1 = productY1;
            x3 = productX0;
            y3 = productY0;
        }

        word0 = Interleave(x0, y0);
        word1 = Interleave(x1, y1);
        word2 = Interleave(x2, y2);
        word3 = Interleave(x3, y3);
    }

    /// <summary>The low halves of two vectors of 64-bit lanes, the first in the even 32-bit lanes and the second in the odd.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Interleave(V even, V odd) =>
        L.Select(L.Broadcast64(0xFFFFFFFF), even, L.ShiftLeft64(odd, 32));
}
