using System.Runtime.CompilerServices;

namespace Monge.Engine.Random;

/// <summary>
/// Philox 4x32-10 on 64-bit lanes: each lane carries one sample's 32-bit words in its low half. The high halves hold rubbish,
/// which the widening multiply ignores, so a round costs two multiplies, two shifts and two three-way exclusive ors. The blocks of a
/// sample differ in one counter word, so that most of the first three rounds is the same for all of them, and is done once.
/// </summary>
internal static unsafe class PhiloxLanes<L, V>
    where L : ILanes<V>
    where V : unmanaged
{
    /// <summary>
    /// Vectors of scratch that <see cref="Prepare"/> needs: the round keys, what the blocks of two vectors of samples share, and one more for alignment.
    /// </summary>
    public const int ScratchVectors = Keys + Shared + 1;

    private const int Keys = 2 * Philox.Rounds;
    private const int Shared = 8;

    /// <summary>Writes the broadcast round keys to scratch at an aligned address and returns it.</summary>
    public static V* Prepare(V* scratch, ulong key)
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

    /// <summary>The words of neighbouring blocks for samples first, first + 1, ..., one per 32-bit lane: four vectors for each block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Words(V* keys, ulong step, ulong first, uint block, int blocks, V* words)
    {
        // Even samples in x, odd samples in y: two independent chains, interleaved at the end by a shift and a select.
        V even = L.Add64(L.Broadcast64(first), L.ShiftLeft64(L.Indices64, 1));
        Share(keys, step, even, L.Add64(even, L.Broadcast64(1)));
        for (int i = 0; i < blocks; i++, words += 4)
        {
            Rounds(keys, step, block + (uint)i, out V x0, out V x1, out V x2, out V x3, out V y0, out V y1, out V y2, out V y3);
            words[0] = L.Interleave(x0, y0);
            words[1] = L.Interleave(x1, y1);
            words[2] = L.Interleave(x2, y2);
            words[3] = L.Interleave(x3, y3);
        }
    }

    /// <summary>
    /// Words (0, 1) and (2, 3) of neighbouring blocks as two 64-bit numbers per sample, the first word of each pair low: two vectors for each block,
    /// to one place for the first <c>L.Words / 2</c> samples and to another for as many that follow.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LongWords(V* keys, ulong step, ulong first, uint block, int blocks, V* words, V* wordsOfFollowing)
    {
        V samples = L.Add64(L.Broadcast64(first), L.Indices64);
        Share(keys, step, samples, L.Add64(samples, L.Broadcast64((ulong)L.Words / 2)));
        for (int i = 0; i < blocks; i++, words += 2, wordsOfFollowing += 2)
        {
            Rounds(keys, step, block + (uint)i, out V x0, out V x1, out V x2, out V x3, out V y0, out V y1, out V y2, out V y3);
            words[0] = L.Interleave(x0, x1);
            words[1] = L.Interleave(x2, x3);
            wordsOfFollowing[0] = L.Interleave(y0, y1);
            wordsOfFollowing[1] = L.Interleave(y2, y3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Share(V* keys, ulong step, V x, V y)
    {
        Share(keys, step, x, keys + Keys);
        Share(keys, step, y, keys + Keys + (Shared / 2));
    }

    // Rounds 1 to 3 as far as they don't depend on the block: what is left of them is the beginning of Rounds.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Share(V* keys, ulong step, V samples, V* shared)
    {
        V multiplier0 = L.Broadcast64(Philox.Multiplier0);
        V product0 = L.MultiplyLow32(samples, multiplier0);
        V counter3 = L.Or(L.ShiftRight64(samples, 32), L.Broadcast64(Philox.HighWord(0, step)));
        V x2 = L.Xor(L.Xor(L.ShiftRight64(product0, 32), counter3), keys[1]);
        V product1 = L.MultiplyLow32(x2, L.Broadcast64(Philox.Multiplier1));
        V x0 = L.Xor(L.Xor(L.ShiftRight64(product1, 32), L.Broadcast64((uint)StepProduct(step))), keys[2]);
        V next0 = L.MultiplyLow32(x0, multiplier0);
        shared[0] = L.Xor(product0, keys[3]);
        shared[1] = L.Xor(product1, keys[4]);
        shared[2] = L.Xor(L.ShiftRight64(next0, 32), keys[5]);
        shared[3] = next0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong StepProduct(ulong step) => (uint)step * (ulong)Philox.Multiplier1;

    /// <summary>The words of one block for the two vectors of samples given to <see cref="Share(V*, ulong, V, V)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rounds(V* keys, ulong step, uint block, out V x0, out V x1, out V x2, out V x3, out V y0, out V y1, out V y2, out V y3)
    {
        V multiplier0 = L.Broadcast64(Philox.Multiplier0);
        V multiplier1 = L.Broadcast64(Philox.Multiplier1);
        V* shared = keys + Keys;
        ulong product = (*(uint*)keys ^ (uint)(StepProduct(step) >> 32) ^ block) * (ulong)Philox.Multiplier0;
        V low = L.Broadcast64((uint)product);
        V high = L.Broadcast64(product >> 32);
        x1 = L.MultiplyLow32(L.Xor(shared[0], high), multiplier1);
        y1 = L.MultiplyLow32(L.Xor(shared[4], high), multiplier1);
        x0 = L.Xor(L.ShiftRight64(x1, 32), shared[1]);
        y0 = L.Xor(L.ShiftRight64(y1, 32), shared[5]);
        x2 = L.Xor(shared[2], low);
        y2 = L.Xor(shared[6], low);
        x3 = shared[3];
        y3 = shared[7];

        // Written out: a loop would move the words from register to register and count.
        Round(keys + 6, multiplier0, multiplier1, ref x0, ref x1, ref x2, ref x3);
        Round(keys + 6, multiplier0, multiplier1, ref y0, ref y1, ref y2, ref y3);
        Round(keys + 8, multiplier0, multiplier1, ref x0, ref x1, ref x2, ref x3);
        Round(keys + 8, multiplier0, multiplier1, ref y0, ref y1, ref y2, ref y3);
        Round(keys + 10, multiplier0, multiplier1, ref x0, ref x1, ref x2, ref x3);
        Round(keys + 10, multiplier0, multiplier1, ref y0, ref y1, ref y2, ref y3);
        Round(keys + 12, multiplier0, multiplier1, ref x0, ref x1, ref x2, ref x3);
        Round(keys + 12, multiplier0, multiplier1, ref y0, ref y1, ref y2, ref y3);
        Round(keys + 14, multiplier0, multiplier1, ref x0, ref x1, ref x2, ref x3);
        Round(keys + 14, multiplier0, multiplier1, ref y0, ref y1, ref y2, ref y3);
        Round(keys + 16, multiplier0, multiplier1, ref x0, ref x1, ref x2, ref x3);
        Round(keys + 16, multiplier0, multiplier1, ref y0, ref y1, ref y2, ref y3);
        Round(keys + 18, multiplier0, multiplier1, ref x0, ref x1, ref x2, ref x3);
        Round(keys + 18, multiplier0, multiplier1, ref y0, ref y1, ref y2, ref y3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(V* keys, V multiplier0, V multiplier1, ref V x0, ref V x1, ref V x2, ref V x3)
    {
        V product0 = L.MultiplyLow32(x0, multiplier0);
        V product1 = L.MultiplyLow32(x2, multiplier1);
        x0 = L.Xor(L.ShiftRight64(product1, 32), L.Xor(x1, keys[0]));
        x2 = L.Xor(L.ShiftRight64(product0, 32), L.Xor(x3, keys[1]));
        x1 = product1;
        x3 = product0;
    }
}
