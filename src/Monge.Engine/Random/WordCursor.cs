using System.Runtime.Intrinsics;

namespace Monge.Engine.Random;

/// <summary>
/// Reads the words of successive Philox blocks one after another: the source of the host's draws, for some of which the number of
/// words used is itself random.
/// </summary>
internal struct WordCursor
{
    private readonly ulong key;
    private (uint Word0, uint Word1, uint Word2, uint Word3) words;

    /// <summary>The cursor of a host stream, at the number of words read so far.</summary>
    public WordCursor(ulong key, ulong position)
    {
        this.key = key;
        Position = position;
        if (position % 4 != 0)
        {
            words = Block(position / 4);
        }
    }

    /// <summary>Number of words read since the first block, 4 per block.</summary>
    public ulong Position { get; private set; }

    public uint NextWord()
    {
        ulong position = Position++;
        switch (position % 4)
        {
            case 0:
                words = Block(position / 4);
                return words.Word0;
            case 1:
                return words.Word1;
            case 2:
                return words.Word2;
            default:
                return words.Word3;
        }
    }

    public ulong NextLong()
    {
        ulong low = NextWord();
        return low | ((ulong)NextWord() << 32);
    }

    /// <summary>Uniform inside (0, 1), 52 random bits.</summary>
    public double NextUniform() => LaneMath<Lanes128, Vector128<uint>>.UniformDouble(Lanes128.Broadcast64(NextLong())).AsDouble().ToScalar();

    /// <summary>Exponential of rate one.</summary>
    public double NextExponential() => LaneMath<Lanes128, Vector128<uint>>.MinusLogDouble(Lanes128.Broadcast64(NextLong()), 1).AsDouble().ToScalar();

    /// <summary>Standard normal; the first of a Box-Muller pair, so that a cursor carries no spare value.</summary>
    public double NextNormal()
    {
        Vector128<uint> radius = LaneMath<Lanes128, Vector128<uint>>.NormalRadiusDouble(Lanes128.Broadcast64(NextLong()));
        LaneMath<Lanes128, Vector128<uint>>.NormalPairDouble(radius, Lanes128.Broadcast64(NextLong()), out Vector128<uint> first, out _);
        return first.AsDouble().ToScalar();
    }

    /// <summary>
    /// Gamma of the given shape and scale one. Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000;
    /// a shape below one is drawn at shape + 1 and multiplied by u^(1/shape).
    /// </summary>
    public double NextGamma(double shape)
    {
        if (shape < 1)
        {
            double boost = Math.Exp(-NextExponential() / shape);
            return NextGamma(shape + 1) * boost;
        }

        double d = shape - 1.0 / 3.0;
        double c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double normal = NextNormal();
            double root = 1 + c * normal;
            double minusLogUniform = NextExponential();
            if (root <= 0)
            {
                continue;
            }

            double v = root * root * root;
            if (-minusLogUniform < 0.5 * normal * normal + d - d * v + d * Math.Log(v))
            {
                return d * v;
            }
        }
    }

    /// <summary>Student's t: a normal over the root of an independent chi-square divided by its degrees of freedom.</summary>
    public double NextStudentT(double degreesOfFreedom)
    {
        double normal = NextNormal();
        return normal / Math.Sqrt(NextGamma(0.5 * degreesOfFreedom) / (0.5 * degreesOfFreedom));
    }

    // The last counter word has all bits set, which no sample below 2^40 gives, so host and tile draws of one key never share a block.
    private readonly (uint Word0, uint Word1, uint Word2, uint Word3) Block(ulong block) =>
        Philox.Block((uint)(block >> 32), (uint)block, 0, uint.MaxValue, key);
}
