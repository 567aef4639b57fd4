using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Pairwise;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// A Gaussian kernel density estimate: the mean of N(x_i, L L^T) over rows x_i. Exact sums, O(n) for each point asked about. Sources: E. Parzen (1962); the
/// rule of thumb by D. W. Scott, "Multivariate Density Estimation" (1992), section 6.3.
/// </summary>
public sealed class KernelDensity : IFittedDensity
{
    private const double FirstBandwidth = 0.02;
    private const double LastBandwidth = 3;
    private const int GridPoints = 16;
    private const int Refinements = 24;
    private readonly double[] _rows;
    private readonly double[] _factor;
    private readonly double[] _white;
    private readonly double _constant;
    private readonly int _count;

    /// <summary>An estimate with a kernel that is given.</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="factor">Lower factor L [d * d] of the kernel's covariance, zeros above the diagonal.</param>
    /// <param name="description">What it is; null for a general one.</param>
    /// <exception cref="ArgumentException">The rows are unusable.</exception>
    public KernelDensity(double[] rows, int dimension, double[] factor, string? description = null)
    {
        _count = RowMoments.Check(rows, dimension, 1, nameof(rows));
        (_rows, _factor, Dimension, Description) = (rows, factor, dimension, description ?? "kernel density");
        _constant = -Math.Log(_count) - (dimension * LogDensities.HalfLogTwoPi) - (0.5 * Cholesky.LogDeterminant(factor, dimension));
        _white = Whiten(rows);
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <summary>Scott's rule: the kernel's covariance is the rows' times n^(-2 / (d + 4)).</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="ArgumentException">The rows are unusable or their covariance is singular.</exception>
    public static KernelDensity Scott(double[] rows, int dimension)
    {
        var n = RowMoments.Check(rows, dimension, dimension + 1, nameof(rows));
        return Scaled(rows, dimension, Factor(rows, dimension, whole: true), Math.Pow(n, -1.0 / (dimension + 4)), "Scott's rule");
    }

    /// <summary>
    /// The bandwidth with the best log-likelihood on validation rows, with the columns' deviations or the whole covariance as
    /// the kernel's shape, whichever is better.
    /// </summary>
    /// <param name="rows">Rows [n, d] that it is made of.</param>
    /// <param name="validation">Rows [m, d] that it is chosen by.</param>
    /// <param name="dimension">d.</param>
    /// <param name="threads">Threads; 0 is one for each processor. Results are the same to the bit for any number.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <exception cref="ArgumentException">The rows are unusable or their covariance is singular.</exception>
    public static KernelDensity Tuned(double[] rows, double[] validation, int dimension, int threads = 0, CancellationToken cancellation = default)
    {
        RowMoments.Check(rows, dimension, dimension + 1, nameof(rows));
        RowMoments.Check(validation, dimension, 1, nameof(validation));
        (KernelDensity? Density, double Score) best = (null, double.NegativeInfinity);
        foreach (var whole in (bool[])[false, true])
        {
            var shape = Factor(rows, dimension, whole);
            double Score(double logBandwidth)
            {
                cancellation.ThrowIfCancellationRequested();
                var density = Scaled(
                    rows, dimension, shape, Math.Exp(logBandwidth), whole ? "tuned, shape of the covariance" : "tuned, shape of the deviations");
                var score = density.LogDensity(validation, threads).Average();
                best = score > best.Score ? (density, score) : best;
                return score;
            }

            Maximise(Score, Math.Log(FirstBandwidth), Math.Log(LastBandwidth));
        }

        return best.Density!;
    }

    /// <summary>The estimate with the same kernel over other rows, such as those that tuned it added to the first.</summary>
    /// <param name="rows">Rows [n, d].</param>
    public KernelDensity WithRows(double[] rows) => new(rows, Dimension, _factor, Description);

    /// <inheritdoc/>
    public double[] LogDensity(double[] rows, int threads = 0)
    {
        var n = RowMoments.Check(rows, Dimension, 1, nameof(rows));
        var result = new double[n];
        var sums = new PairwiseSums<double>(new ExecutionOptions { Threads = threads }) { UsesProducts = false };
        sums.LogSums(new GaussianKernel<double>(1), Whiten(rows), _white, Dimension, default, result);
        return Array.ConvertAll(result, log => _constant + log);
    }

    /// <inheritdoc/>
    public double[] Sample(int samples, RandomStream random)
    {
        var (d, result, noise) = (Dimension, new double[samples * Dimension], new double[Dimension]);
        for (var s = 0; s < samples; s++)
        {
            var centre = random.NextInt(_count);
            for (var i = 0; i < d; i++)
            {
                noise[i] = random.NextNormal();
                var sum = _rows[(centre * d) + i];
                for (var j = 0; j <= i; j++)
                {
                    sum += _factor[(i * d) + j] * noise[j];
                }

                result[(s * d) + i] = sum;
            }
        }

        return result;
    }

    private static double[] Factor(double[] rows, int d, bool whole)
    {
        var covariance = RowMoments.Covariance(rows, d, RowMoments.Mean(rows, d));
        for (var i = 0; i < covariance.Length && !whole; i++)
        {
            covariance[i] *= i / d == i % d ? 1 : 0;
        }

        return RowMoments.Factor(covariance, d);
    }

    private static KernelDensity Scaled(double[] rows, int d, double[] shape, double bandwidth, string how) =>
        new(rows, d, Array.ConvertAll(shape, v => v * bandwidth), FormattableString.Invariant($"kernel density, {how}, bandwidth {bandwidth:g3} deviations"));

    // A grid finds the hill, golden sections its top.
    private static void Maximise(Func<double, double> score, double from, double to)
    {
        var step = (to - from) / (GridPoints - 1);
        var top = Enumerable.Range(0, GridPoints).Select(k => from + (k * step)).MaxBy(score);
        var (low, high, ratio) = (top - step, top + step, (Math.Sqrt(5) - 1) / 2);
        var (a, b) = (high - (ratio * (high - low)), low + (ratio * (high - low)));
        var (scoreA, scoreB) = (score(a), score(b));
        for (var k = 0; k < Refinements && high - low > 1e-3; k++)
        {
            if (scoreA > scoreB)
            {
                (high, b, scoreB) = (b, a, scoreA);
                a = high - (ratio * (high - low));
                scoreA = score(a);
            }
            else
            {
                (low, a, scoreA) = (a, b, scoreB);
                b = low + (ratio * (high - low));
                scoreB = score(b);
            }
        }
    }

    private double[] Whiten(double[] rows)
    {
        var white = (double[])rows.Clone();
        for (var row = 0; row < rows.Length; row += Dimension)
        {
            RowMoments.SolveLower(_factor, Dimension, white.AsSpan(row, Dimension));
        }

        return white;
    }
}
