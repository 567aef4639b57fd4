namespace Monge.Engine.Random;

/// <summary>
/// Names one family of random draws: a seed chosen by the user and a stream number chosen by the code (one per purpose: initial
/// law, data order, path noise, evaluation).
/// </summary>
/// <remarks>
/// <para>The pair is hashed into the 64-bit Philox key as <c>mix(seed + (stream + 1) * 0x9E3779B97F4A7C15)</c>, where <c>mix</c> is the
/// SplitMix64 finaliser (Steele, Lea and Flood 2014), a bijection. So two streams of one seed never share a key, and neither do
/// two seeds on one stream; because the multiplier is 2^64 over the golden ratio, seeds less than 2^30 apart never share a key on any two
/// streams.</para>
/// <para>The Philox counter words are (sample low 32, block, step low 32, sample high 16 | step high 16 shifted left by 16).</para>
/// </remarks>
/// <param name="Seed">The user's seed; any value.</param>
/// <param name="Stream">The stream number; any value.</param>
public readonly record struct RandomKey(ulong Seed, uint Stream)
{
    /// <summary>The 64-bit Philox key of this seed and stream: the low half is the first key word, the high half the second.</summary>
    public ulong PhiloxKey
    {
        get
        {
            ulong z = Seed + (Stream + 1UL) * 0x9E3779B97F4A7C15UL;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return z ^ (z >> 31);
        }
    }
}
