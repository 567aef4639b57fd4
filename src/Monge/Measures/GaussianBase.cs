using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>A Gaussian law N(m, L L^T) with a scalar, diagonal or full covariance.</summary>
public sealed class GaussianBase : IBase
{
    private readonly double[] _mean;
    private readonly double[]? _scale;
    private readonly double[,]? _factor;
    private readonly double[,]? _inverse;
    private readonly double _logDeterminant;

    private GaussianBase(double[] mean, double[]? scale, double[,]? factor)
    {
        _mean = mean;
        _scale = scale;
        _factor = factor;
        _inverse = factor is null ? null : LowerTriangle.Invert(factor);
        _logDeterminant = factor is null ? scale!.Sum(Math.Log) : LowerTriangle.LogDeterminant(factor);
    }

    /// <inheritdoc/>
    public int Dimension => _mean.Length;

    /// <summary>The mean [d].</summary>
    public IReadOnlyList<double> Mean => _mean;

    /// <summary>The standard deviation along each coordinate [d].</summary>
    public IReadOnlyList<double> StandardDeviation => _scale ?? LowerTriangle.RowNorms(_factor!);

    /// <summary>The lower triangular factor L of the covariance [d, d], if the law was made with one.</summary>
    internal double[,]? Factor => _factor;

    /// <inheritdoc/>
    public RandomLaw Noise => RandomLaw.Normal;

    /// <summary>N(0, s^2 I).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The dimension or the scale is not positive.</exception>
    public static GaussianBase Isotropic(int dimension, double scale = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        var scales = new double[dimension];
        Array.Fill(scales, scale);
        return Diagonal(new double[dimension], scales);
    }

    /// <summary>Independent coordinates with means and standard deviations [d].</summary>
    /// <exception cref="ArgumentException">The lengths differ, or a number is not finite or a scale not positive.</exception>
    public static GaussianBase Diagonal(double[] mean, double[] scale)
    {
        CheckMean(mean, scale.Length);
        return scale.All(s => s > 0 && double.IsFinite(s))
            ? new GaussianBase([.. mean], [.. scale], null)
            : throw new ArgumentException("A standard deviation of the Gaussian base is not positive and finite.", nameof(scale));
    }

    /// <summary>Mean [d] and a lower triangular factor L [d, d] of the covariance L L^T.</summary>
    /// <exception cref="ArgumentException">The sizes differ, or a number is not finite or a diagonal element of the factor not positive.</exception>
    public static GaussianBase Full(double[] mean, double[,] factor)
    {
        CheckMean(mean, factor.GetLength(0));
        var valid = factor.GetLength(0) == factor.GetLength(1) && factor.Cast<double>().All(double.IsFinite);
        for (var i = 0; i < mean.Length && valid; i++)
        {
            valid = factor[i, i] > 0;
        }

        return valid
            ? new GaussianBase([.. mean], null, LowerTriangle.Copy(factor))
            : throw new ArgumentException(
                "The covariance factor of the Gaussian base is not a square lower triangle with a positive diagonal.", nameof(factor));
    }

    /// <summary>The same law with all standard deviations multiplied by a factor.</summary>
    public GaussianBase Inflate(double factor) => factor == 1 ? this
        : _factor is null ? Diagonal(_mean, [.. _scale!.Select(s => s * factor)])
        : Full(_mean, LowerTriangle.Scale(_factor, factor));

    /// <inheritdoc/>
    public Expr LogDensity(Expr x) =>
        (-0.5 * ToNoise(x).SquaredNorm()) - (_logDeterminant + (0.5 * Dimension * Math.Log(2 * Math.PI)));

    /// <summary>The noise L^-1 (x - m) [d] of a position [d]; standard normal if the position has this law.</summary>
    public Expr ToNoise(Expr x)
    {
        var centred = x - Expr.Constant(_mean, Dimension);
        return _scale is not null
            ? centred * Expr.Constant([.. _scale.Select(s => 1 / s)], Dimension)
            : Expr.MatrixProduct(Expr.Constant(LowerTriangle.Flatten(_inverse!), Dimension, Dimension), centred);
    }

    /// <inheritdoc/>
    public Expr FromNoise(Expr noise) => Expr.Constant(_mean, Dimension) + (_scale is not null
        ? noise * Expr.Constant(_scale, Dimension)
        : Expr.MatrixProduct(Expr.Constant(LowerTriangle.Flatten(_factor!), Dimension, Dimension), noise));

    /// <inheritdoc/>
    public double[] Sample(int samples, RandomStream random)
    {
        var d = Dimension;
        var positions = new double[samples * d];
        var noise = new double[d];
        for (var s = 0; s < samples; s++)
        {
            for (var i = 0; i < d; i++)
            {
                noise[i] = random.NextNormal();
            }

            ToPosition(noise, positions.AsSpan(s * d, d));
        }

        return positions;
    }

    /// <summary>The position m + L z of noise z, on the host.</summary>
    /// <param name="noise">The noise [d].</param>
    /// <param name="position">Receives the position [d].</param>
    public void ToPosition(ReadOnlySpan<double> noise, Span<double> position)
    {
        for (var i = 0; i < _mean.Length; i++)
        {
            var sum = _mean[i];
            if (_scale is not null)
            {
                sum += _scale[i] * noise[i];
            }
            else
            {
                for (var j = 0; j <= i; j++)
                {
                    sum += _factor![i, j] * noise[j];
                }
            }

            position[i] = sum;
        }
    }

    /// <summary>The noise L^-1 (x - m) of a position, on the host.</summary>
    /// <param name="position">The position [d].</param>
    /// <param name="noise">Receives the noise [d].</param>
    public void ToNoise(ReadOnlySpan<double> position, Span<double> noise)
    {
        for (var i = 0; i < _mean.Length; i++)
        {
            if (_scale is not null)
            {
                noise[i] = (position[i] - _mean[i]) / _scale[i];
                continue;
            }

            var sum = 0.0;
            for (var j = 0; j <= i; j++)
            {
                sum += _inverse![i, j] * (position[j] - _mean[j]);
            }

            noise[i] = sum;
        }
    }

    /// <summary>The logarithm of the determinant of L.</summary>
    public double LogDeterminant => _logDeterminant;

    private static void CheckMean(double[] mean, int length)
    {
        if (mean.Length == 0 || mean.Length != length || !mean.All(double.IsFinite))
        {
            throw new ArgumentException(
                $"The mean of the Gaussian base has {mean.Length} numbers and its scale {length}; they must agree, be at least one, and be finite.",
                nameof(mean));
        }
    }
}
