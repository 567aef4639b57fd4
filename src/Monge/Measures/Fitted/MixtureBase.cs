using Monge.Engine.Arrays;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// A Gaussian mixture as the base of a fit, in the model's coordinates. A row x_1 is paired with a draw x_0 of component k, k drawn by its probability given
/// the row, so that pairs have the base's law as far as the rows have the mixture's. With m_k the component's mean, the interpolant is m_k + alpha (x_0 - m_k)
/// + beta (x_1 - m_k), whose law is near N(m_k, (alpha^2 + beta^2) C_k) within each component at all times: the velocity is what the mixture lacks, and its
/// size that of the component.
/// </summary>
public sealed class MixtureBase
{
    private const int MostRows = 10_000;
    private const uint StartOfFit = 0;
    private const double UntunedBroadShare = 0.01;
    private const int BroadIterations = 100;
    private const double LargestExponent = 700;

    private readonly Expr _logWeights;
    private readonly Expr _means;
    private readonly Expr _factors;
    private readonly Expr _inverses;
    private readonly Expr _whitenedMeans;

    /// <summary>A mixture that is known.</summary>
    /// <param name="law">Its law.</param>
    public MixtureBase(GaussianMixtureFit law)
    {
        Law = law;
        var (count, d) = (law.Components, law.Dimension);
        var (logWeights, means, whitened) = (new double[count], new double[d * count], new double[count * d]);
        var (factors, inverses) = (new double[count * d * d], new double[count * d * d]);
        for (var k = 0; k < count; k++)
        {
            double[] factor = [.. law.Factors[k]];
            double[] mean = [.. law.Means[k]];
            logWeights[k] = Math.Log(law.Weights[k]) - (0.5 * Cholesky.LogDeterminant(factor, d));
            factor.CopyTo(factors, k * d * d);
            for (var i = 0; i < d; i++)
            {
                means[(i * count) + k] = mean[i];
                var column = new double[d];
                column[i] = 1;
                RowMoments.SolveLower(factor, d, column);
                for (var j = 0; j < d; j++)
                {
                    inverses[(((k * d) + j) * d) + i] = column[j];
                }
            }

            RowMoments.SolveLower(factor, d, mean);
            mean.CopyTo(whitened, k * d);
        }

        (_logWeights, _means, _factors) = (Expr.Constant(logWeights, count), Expr.Constant(means, d, count), Expr.Constant(factors, count * d, d));
        (_inverses, _whitenedMeans) = (Expr.Constant(inverses, count * d, d), Expr.Constant(whitened, count * d));
    }

    /// <summary>The base's law.</summary>
    public GaussianMixtureFit Law { get; }

    /// <summary>Fits the mixture to rows, chosen on others if there is a choice.</summary>
    /// <param name="rows">Rows [n, d]; at most 10,000 are used.</param>
    /// <param name="validation">Rows [m, d] to choose by; null for none.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">What is tried; one number of components and one ridge are taken as they are.</param>
    /// <param name="broadShare">The weight of a last component with the moments of all rows; null chooses it, or takes 0.01 without rows to choose by.</param>
    /// <param name="cancellation">Stops the fit.</param>
    /// <exception cref="ArgumentException">There is a choice, but no rows to choose by.</exception>
    public static MixtureBase Fit(
        float[] rows, float[]? validation, int dimension, GaussianMixtureOptions options, double? broadShare, CancellationToken cancellation)
    {
        var used = Numbers.Doubles(rows.AsSpan(0, Math.Min(rows.Length, MostRows * dimension)));
        double[]? held = validation is null ? null : Numbers.Doubles(validation);
        GaussianMixtureFit fit;
        if (options is { Components: [var components], Ridges: [var ridge] })
        {
            fit = GaussianMixtureFit.Fit(used, dimension, components, ridge, options, StartOfFit, cancellation);
        }
        else if (held is not null)
        {
            fit = GaussianMixtureFit.Tuned(used, held, dimension, options, cancellation);
        }
        else
        {
            throw new ArgumentException(
                "A mixture base of several candidates is chosen on held-out rows; give a validation share, or one number of components and one ridge.");
        }

        var broad = GaussianMixtureFit.Fit(used, dimension, 1, fit.Ridge, options, StartOfFit, cancellation);
        var share = broadShare
            ?? (held is null ? UntunedBroadShare : BroadShare(fit.LogDensity(held, options.Threads), broad.LogDensity(held, options.Threads)));
        return new MixtureBase(share == 0 ? fit : fit.With(broad, share));
    }

    // The most likely weight of the broad component on the rows, by expectation maximisation; a row's worth at least.
    private static double BroadShare(double[] narrow, double[] broad)
    {
        var share = 0.1;
        for (var iteration = 0; iteration < BroadIterations; iteration++)
        {
            share = narrow.Zip(broad, (f, g) => 1 / (1 + ((1 - share) / share * Math.Exp(Math.Min(f - g, LargestExponent))))).Average();
        }

        return Math.Clamp(share, 1.0 / (narrow.Length + 1), 0.5);
    }

    /// <summary>For each row the probabilities of the components, summed up [n, K].</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="threads">Threads, 0 for all.</param>
    public float[] CumulativeShares(float[] rows, int threads = 0)
    {
        var shares = Law.Responsibilities(Numbers.Doubles(rows), threads);
        var (n, count) = (shares[0].Length, shares.Length);
        var result = new float[n * count];
        for (var row = 0; row < n; row++)
        {
            var sum = 0.0;
            for (var k = 0; k < count; k++)
            {
                result[(row * count) + k] = (float)(sum += shares[k][row]);
            }
        }

        return result;
    }

    /// <summary>Draws a component by a row's shares, and a deviation from its mean.</summary>
    /// <param name="cumulativeShares">The row's probabilities, summed up [K].</param>
    /// <param name="random">Where they are drawn from.</param>
    /// <param name="deviation">Receives the deviation [d].</param>
    /// <param name="centre">Receives the component's mean [d].</param>
    public void Draw(ReadOnlySpan<float> cumulativeShares, RandomStream random, Span<float> deviation, Span<float> centre)
    {
        var d = Law.Dimension;
        var (k, level) = (0, random.NextDouble());
        while (k < cumulativeShares.Length - 1 && level >= cumulativeShares[k])
        {
            k++;
        }

        deviation.Clear();
        var factor = Law.Factors[k];
        for (var j = 0; j < d; j++)
        {
            var noise = random.NextNormal();
            for (var i = j; i < d; i++)
            {
                deviation[i] += (float)(factor[(i * d) + j] * noise);
            }
        }

        for (var i = 0; i < d; i++)
        {
            centre[i] = (float)Law.Means[k][i];
        }
    }

    /// <summary>Draws base points [n, d].</summary>
    /// <param name="count">n.</param>
    /// <param name="random">Where they are drawn from.</param>
    public NdArray<float> Draw(int count, RandomStream random)
    {
        var rows = new NdArray<float>(count, Law.Dimension);
        Numbers.Copy(Law.Sample(count, random).AsSpan(), rows.Span);
        return rows;
    }

    /// <summary>What the components are around a position, their covariances times spread^2: the mean over their probabilities r_k.</summary>
    internal Frame At(Expr x, Expr spread)
    {
        var (count, d) = (Law.Components, Law.Dimension);
        var whitened = ((Expr.MatrixProduct(_inverses, x) - _whitenedMeans) / spread).Reshape(count, d);
        var shares = (_logWeights - (0.5 * whitened.Square().Sum(1))).Softmax();
        return new Frame(this, shares, Mean(shares, whitened), Expr.MatrixProduct(_means, shares));
    }

    private static Expr Mean(Expr shares, Expr values) => (shares.Reshape(values.Shape[0], 1) * values).Sum(0);

    /// <summary>The components around a position.</summary>
    /// <param name="Mixture">The mixture.</param>
    /// <param name="Shares">r_k [K].</param>
    /// <param name="Whitened">The mean of L_k^-1 (x - m_k) / spread [d].</param>
    /// <param name="Centre">The mean of m_k [d].</param>
    internal readonly record struct Frame(MixtureBase Mixture, Expr Shares, Expr Whitened, Expr Centre)
    {
        /// <summary>The mean of L_k v [d].</summary>
        public Expr Scale(Expr v) => Mean(Shares, Expr.MatrixProduct(Mixture._factors, v).Reshape(Mixture.Law.Components, Mixture.Law.Dimension));
    }
}
