using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>The uniform law on a box. Its log density is minus infinity outside.</summary>
public sealed class BoxBase : IBase
{
    private readonly double[] _lower;
    private readonly double[] _width;

    /// <summary>The box between two corners.</summary>
    /// <param name="lower">The lower corner [d].</param>
    /// <param name="upper">The upper corner [d].</param>
    /// <exception cref="ArgumentException">The lengths differ or a side has no positive finite length.</exception>
    public BoxBase(double[] lower, double[] upper)
    {
        if (lower.Length == 0 || lower.Length != upper.Length)
        {
            throw new ArgumentException(
                $"The lower corner of the box has {lower.Length} coordinates and the upper {upper.Length}; they must agree and be at least one.",
                nameof(upper));
        }

        _lower = [.. lower];
        _width = [.. lower.Zip(upper, (a, b) => b - a)];
        if (!_width.All(w => w > 0 && double.IsFinite(w)))
        {
            throw new ArgumentException("A side of the box has no positive finite length.", nameof(upper));
        }
    }

    /// <inheritdoc/>
    public int Dimension => _lower.Length;

    /// <summary>The lower corner [d].</summary>
    public IReadOnlyList<double> Lower => _lower;

    /// <summary>The sides [d].</summary>
    public IReadOnlyList<double> Width => _width;

    /// <inheritdoc/>
    public RandomLaw Noise => RandomLaw.Uniform;

    /// <inheritdoc/>
    public Expr LogDensity(Expr x)
    {
        var share = (x - Expr.Constant(_lower, Dimension)) / Expr.Constant(_width, Dimension);
        var inside = share.GreaterOrEqual(0) * share.LessOrEqual(1);
        return Expr.Select(inside.Sum().GreaterOrEqual(Dimension - 0.5), -_width.Sum(Math.Log), double.NegativeInfinity);
    }

    /// <inheritdoc/>
    public Expr FromNoise(Expr noise) => Expr.Constant(_lower, Dimension) + (noise * Expr.Constant(_width, Dimension));

    /// <inheritdoc/>
    public double[] Sample(int samples, RandomStream random)
    {
        var d = Dimension;
        var positions = new double[samples * d];
        for (var k = 0; k < positions.Length; k++)
        {
            positions[k] = _lower[k % d] + (_width[k % d] * random.NextDouble());
        }

        return positions;
    }
}
