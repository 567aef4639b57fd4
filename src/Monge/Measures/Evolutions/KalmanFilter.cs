using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>
/// The filter of R. E. Kalman ("A new approach to linear filtering and prediction problems", 1960): the exact law of a position that moves linearly with
/// Gaussian noise, given linear observations with Gaussian noise.
/// </summary>
public sealed class KalmanFilter
{
    private readonly int _dimension;
    private double[] _mean;
    private double[] _covariance;

    /// <summary>Begins at a Gaussian.</summary>
    /// <param name="mean">The mean [d].</param>
    /// <param name="covariance">The covariance [d, d].</param>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public KalmanFilter(double[] mean, double[,] covariance)
    {
        ArgumentNullException.ThrowIfNull(mean);
        ArgumentNullException.ThrowIfNull(covariance);
        _dimension = mean.Length;
        (_mean, _covariance) = ([.. mean], Flat(covariance, _dimension, _dimension, nameof(covariance)));
    }

    /// <summary>The mean [d], given all that was observed.</summary>
    public double[] Mean => [.. _mean];

    /// <summary>The covariance [d, d], given all that was observed.</summary>
    public double[,] Covariance
    {
        get
        {
            var covariance = new double[_dimension, _dimension];
            Buffer.BlockCopy(_covariance, 0, covariance, 0, _covariance.Length * sizeof(double));
            return covariance;
        }
    }

    /// <summary>log p(y_1, ..., y_m) of what was observed.</summary>
    public double LogEvidence { get; private set; }

    /// <summary>Moves on: x becomes A x + a + N(0, Q).</summary>
    /// <param name="transition">A [d, d].</param>
    /// <param name="shift">a [d].</param>
    /// <param name="noise">Q [d, d].</param>
    /// <exception cref="ArgumentException">A size is not that of the position.</exception>
    public void Predict(double[,] transition, double[] shift, double[,] noise)
    {
        ArgumentNullException.ThrowIfNull(shift);
        var d = _dimension;
        var (a, q) = (Flat(transition, d, d, nameof(transition)), Flat(noise, d, d, nameof(noise)));
        if (shift.Length != d)
        {
            throw new ArgumentException($"The shift has {shift.Length} coordinates for {d}.", nameof(shift));
        }

        _mean = [.. HostMatrices.Product(a, _mean, d, d, 1).Zip(shift, (m, s) => m + s)];
        var moved = HostMatrices.Product(HostMatrices.Product(a, _covariance, d, d, d), HostMatrices.Transposed(a, d, d), d, d, d);
        _covariance = [.. moved.Zip(q, (c, n) => c + n)];
    }

    /// <summary>Takes in an observation y = H x + N(0, s^2 I).</summary>
    /// <param name="matrix">H [k, d].</param>
    /// <param name="value">y [k].</param>
    /// <param name="noiseVariance">s^2, above 0.</param>
    /// <exception cref="ArgumentException">A size doesn't fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The variance is not above 0.</exception>
    public void Observe(double[,] matrix, double[] value, double noiseVariance)
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(noiseVariance);
        var (d, k) = (_dimension, value.Length);
        var rows = Flat(matrix, k, d, nameof(matrix));
        var system = HostMatrices.Product(HostMatrices.Product(rows, _covariance, k, d, d), HostMatrices.Transposed(rows, k, d), k, d, k);
        for (var i = 0; i < k; i++)
        {
            system[(i * k) + i] += noiseVariance;
        }

        // Of the value, its law before it was seen: N(H m, H C H^T + s^2 I).
        var off = HostMatrices.Product(rows, _mean, k, d, 1).Zip(value, (expected, seen) => seen - expected).ToArray();
        Cholesky.Factor(system, k);
        RowMoments.SolveLower(system, k, off);
        LogEvidence -= 0.5 * (off.Sum(v => v * v) + Cholesky.LogDeterminant(system, k) + (k * Math.Log(2 * Math.PI)));
        var law = new GaussianConditional(_mean, _covariance, rows, noiseVariance);
        (_mean, _covariance) = (law.Mean(value), law.Covariance);
    }

    private static double[] Flat(double[,] matrix, int rows, int columns, string name)
    {
        ArgumentNullException.ThrowIfNull(matrix, name);
        return matrix.GetLength(0) == rows && matrix.GetLength(1) == columns
            ? [.. matrix.Cast<double>()]
            : throw new ArgumentException($"The {name} has {matrix.GetLength(0)} rows and {matrix.GetLength(1)} columns for {rows} and {columns}.", name);
    }
}
