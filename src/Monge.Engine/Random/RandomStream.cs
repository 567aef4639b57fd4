namespace Monge.Engine.Random;

/// <summary>Everything a <see cref="RandomStream"/> is: restoring it continues the stream to the bit.</summary>
/// <param name="Key">The 64-bit Philox key.</param>
/// <param name="Position">Number of 32-bit words drawn so far.</param>
public readonly record struct RandomState(ulong Key, ulong Position);

/// <summary>
/// Sequential random draws for host code: initialisation, data order, resampling, annealing decisions. Not for use from several
/// threads at once; give each purpose its own stream number instead. Draws never coincide with those of the tile kernels of the
/// same seed and stream.
/// </summary>
/// <remarks>Counter words: (block high 32, block low 32, 0, all ones); the draws are the words of blocks 0, 1, 2, ... in order.
/// Uniform, normal and exponential draws have the same bits on every machine.</remarks>
public sealed class RandomStream
{
    private readonly ulong key;
    private WordCursor cursor;

    /// <summary>Starts the stream of a seed and a stream number.</summary>
    /// <param name="seed">The user's seed.</param>
    /// <param name="stream">The stream number, one per purpose.</param>
    public RandomStream(ulong seed, uint stream = 0)
        : this(new RandomState(new RandomKey(seed, stream).PhiloxKey, 0))
    {
    }

    /// <summary>Continues a stream from a saved state.</summary>
    /// <param name="state">The state, from <see cref="State"/>.</param>
    public RandomStream(RandomState state)
    {
        key = state.Key;
        cursor = new WordCursor(state.Key, state.Position);
    }

    /// <summary>The state now, to be saved.</summary>
    public RandomState State => new(key, cursor.Position);

    /// <summary>A uniform 32-bit word.</summary>
    /// <returns>Any value of the type, each with the same probability.</returns>
    public uint NextUInt32() => cursor.NextWord();

    /// <summary>A uniform 64-bit word.</summary>
    /// <returns>Any value of the type, each with the same probability.</returns>
    public ulong NextUInt64() => cursor.NextLong();

    /// <summary>A uniform number strictly inside (0, 1), of 52 random bits.</summary>
    /// <returns>(2k + 1) / 2^53 with k uniform below 2^52.</returns>
    public double NextDouble() => cursor.NextUniform();

    /// <summary>A standard normal number (Box and Muller 1958).</summary>
    /// <returns>The number, at most 8.6 in magnitude.</returns>
    public double NextNormal() => cursor.NextNormal();

    /// <summary>Fills with standard normal numbers, many at a time: those of a tile whose seed is the next 64-bit word, and up to three single draws.</summary>
    /// <param name="values">Receives them.</param>
    public unsafe void FillNormal(Span<float> values)
    {
        const int BlockNormals = 4;
        var lanes = values.Length / BlockNormals;
        fixed (float* to = values)
        {
            TileRandom.Fill(TileLaw.Normal, to, BlockNormals, lanes, 0, lanes, NextUInt64(), 0, 0);
        }

        foreach (ref var value in values[(lanes * BlockNormals)..])
        {
            value = (float)NextNormal();
        }
    }

    /// <summary>An exponential number of rate one.</summary>
    /// <returns>A positive number.</returns>
    public double NextExponential() => cursor.NextExponential();

    /// <summary>A gamma number of scale one (Marsaglia and Tsang 2000).</summary>
    /// <param name="shape">The shape: positive and finite; the mean and the variance.</param>
    /// <returns>A number that is not negative; it may underflow to zero for a shape well below 0.1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The shape is not positive and finite.</exception>
    public double NextGamma(double shape)
    {
        CheckPositive(shape, nameof(shape));
        return cursor.NextGamma(shape);
    }

    /// <summary>A number of Student's t distribution.</summary>
    /// <param name="degreesOfFreedom">Degrees of freedom: positive and finite.</param>
    /// <returns>The number; finite unless the degrees of freedom are so few that it overflows.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The degrees of freedom are not positive and finite.</exception>
    public double NextStudentT(double degreesOfFreedom)
    {
        CheckPositive(degreesOfFreedom, nameof(degreesOfFreedom));
        return cursor.NextStudentT(degreesOfFreedom);
    }

    /// <summary>A random sign.</summary>
    /// <returns>-1 or +1 with probability one half each.</returns>
    public int NextRademacher() => 1 - 2 * (int)(cursor.NextWord() >> 31);

    /// <summary>A uniform integer, without bias (Lemire, "Fast random integer generation in an interval", 2019).</summary>
    /// <param name="exclusiveUpperBound">The number of values, positive.</param>
    /// <returns>An integer from 0 to the bound minus one.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int NextInt(int exclusiveUpperBound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveUpperBound);
        uint bound = (uint)exclusiveUpperBound;
        ulong product = (ulong)cursor.NextWord() * bound;
        if ((uint)product < bound)
        {
            uint threshold = (0u - bound) % bound;
            while ((uint)product < threshold)
            {
                product = (ulong)cursor.NextWord() * bound;
            }
        }

        return (int)(product >> 32);
    }

    /// <summary>An index with probability proportional to its weight, in time linear in the number of weights.</summary>
    /// <param name="weights">Finite weights, none negative, with a finite positive sum.</param>
    /// <returns>An index; never one whose weight is zero.</returns>
    /// <exception cref="ArgumentException">A weight is negative or not finite, or the sum is not positive and finite.</exception>
    public int NextCategorical(ReadOnlySpan<double> weights)
    {
        double total = 0;
        for (int index = 0; index < weights.Length; index++)
        {
            if (!(weights[index] >= 0))
            {
                throw new ArgumentException($"Weight {index} is {weights[index]}; weights must be zero or positive.", nameof(weights));
            }

            total += weights[index];
        }

        if (!(total > 0) || double.IsInfinity(total))
        {
            throw new ArgumentException($"The sum of the {weights.Length} weights is {total}; it must be positive and finite.", nameof(weights));
        }

        double threshold = cursor.NextUniform() * total;
        double cumulative = 0;
        int chosen = 0;
        for (int index = 0; index < weights.Length; index++)
        {
            if (weights[index] == 0)
            {
                continue;
            }

            chosen = index;
            cumulative += weights[index];
            if (cumulative > threshold)
            {
                break;
            }
        }

        return chosen;
    }

    /// <summary>Puts the items in uniformly random order (Fisher and Yates).</summary>
    /// <typeparam name="T">Any type.</typeparam>
    /// <param name="items">The items, reordered in place.</param>
    public void Shuffle<T>(Span<T> items)
    {
        for (int last = items.Length - 1; last > 0; last--)
        {
            int other = NextInt(last + 1);
            (items[last], items[other]) = (items[other], items[last]);
        }
    }

    /// <summary>A uniformly random permutation.</summary>
    /// <param name="count">Number of items, zero or more.</param>
    /// <returns>The integers 0 to count - 1 in random order.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public int[] Permutation(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        int[] order = new int[count];
        for (int index = 0; index < count; index++)
        {
            order[index] = index;
        }

        Shuffle(order.AsSpan());
        return order;
    }

    private static void CheckPositive(double value, string name)
    {
        if (!(value > 0) || double.IsInfinity(value))
        {
            throw new ArgumentOutOfRangeException(name, value, "Must be positive and finite.");
        }
    }
}
