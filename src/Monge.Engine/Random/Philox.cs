namespace Monge.Engine.Random;

/// <summary>
/// The counter-based generator Philox 4x32-10: a keyed bijection of 128-bit counters, so any draw is computed from its name alone.
/// Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
/// </summary>
public static class Philox
{
    internal const uint Multiplier0 = 0xD2511F53;
    internal const uint Multiplier1 = 0xCD9E8D57;
    internal const uint Weyl0 = 0x9E3779B9;
    internal const uint Weyl1 = 0xBB67AE85;
    internal const int Rounds = 10;

    /// <summary>Maps one counter to four random 32-bit words.</summary>
    /// <param name="counter0">First counter word.</param>
    /// <param name="counter1">Second counter word.</param>
    /// <param name="counter2">Third counter word.</param>
    /// <param name="counter3">Fourth counter word.</param>
    /// <param name="key">The key: low half is the first key word, high half the second (see <see cref="RandomKey.PhiloxKey"/>).</param>
    /// <returns>The four output words, in the order of the paper.</returns>
    public static (uint Word0, uint Word1, uint Word2, uint Word3) Block(
        uint counter0, uint counter1, uint counter2, uint counter3, ulong key)
    {
        uint key0 = (uint)key;
        uint key1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * counter0;
            ulong product1 = (ulong)Multiplier1 * counter2;
            counter0 = (uint)(product1 >> 32) ^ counter1 ^ key0;
            counter1 = (uint)product1;
            counter2 = (uint)(product0 >> 32) ^ counter3 ^ key1;
            counter3 = (uint)product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return (counter0, counter1, counter2, counter3);
    }

    /// <summary>The block of four words that belongs to a block index of one sample at one step, as every tile kernel defines it.</summary>
    /// <param name="key">The Philox key.</param>
    /// <param name="step">Step number, below 2^40.</param>
    /// <param name="sample">Sample number, below 2^40.</param>
    /// <param name="block">Block within the sample and step.</param>
    /// <returns>The four output words.</returns>
    public static (uint Word0, uint Word1, uint Word2, uint Word3) Block(ulong key, ulong step, ulong sample, uint block) =>
        Block((uint)sample, block, (uint)step, HighWord(sample, step), key);

    internal static uint HighWord(ulong sample, ulong step) =>
        ((uint)(sample >> 32) & 0xFFFF) | ((uint)(step >> 32) << 16);
}
