using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>How mixtures are fitted and tuned.</summary>
public sealed record GaussianMixtureOptions
{
    /// <summary>Numbers of components that are tried.</summary>
    public IReadOnlyList<int> Components { get; init; } = [1, 2, 3, 5, 8, 12, 20, 30];

    /// <summary>Ridges, in squared standard deviations of the columns, that are added to the covariances and tried with each number of components.</summary>
    public IReadOnlyList<double> Ridges { get; init; } = [1e-6, 1e-3, 1e-2, 5e-2];

    /// <summary>Random starts of each.</summary>
    public int Starts { get; init; } = 2;

    /// <summary>Most iterations of a run.</summary>
    public int MostIterations { get; init; } = 100;

    /// <summary>A run ends when an iteration gains less than this in mean log-likelihood, in nats.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>Seed of the starts.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads; 0 is one for each processor. Results are the same to the bit for any number.</summary>
    public int Threads { get; init; }
}

/// <summary>
/// A mixture of Gaussians with full covariances, fitted by expectation maximisation from spread-out starts; one component is the Gaussian of the data's
/// moments. Sources: A. P. Dempster, N. M. Laird and D. B. Rubin (1977); starts by D. Arthur and S. Vassilvitskii, "k-means++" (2007).
/// </summary>
public sealed class GaussianMixtureFit : IFittedDensity
{
    private const double EmptyShare = 1e-8;
    private readonly double[] _weights;
    private readonly double[][] _means;
    private readonly double[][] _factors;
    private readonly double[] _constants;

    /// <summary>A mixture that is given.</summary>
    /// <param name="weights">Weights [K] that add to one.</param>
    /// <param name="means">Means [K][d].</param>
    /// <param name="factors">Lower factors [K][d * d] of the covariances, zeros above the diagonal.</param>
    /// <param name="description">What it is.</param>
    public GaussianMixtureFit(double[] weights, double[][] means, double[][] factors, string description)
    {
        (_weights, _means, _factors, Description, Dimension) = (weights, means, factors, description, means[0].Length);
        _constants = [.. weights.Zip(factors, (w, f) => Math.Log(w) - (0.5 * Cholesky.LogDeterminant(f, Dimension)) - (Dimension * LogDensities.HalfLogTwoPi))];
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <summary>Number of components K.</summary>
    public int Components => _weights.Length;

    /// <summary>The weights [K].</summary>
    public IReadOnlyList<double> Weights => _weights;

    /// <summary>The means [K][d].</summary>
    public IReadOnlyList<IReadOnlyList<double>> Means => _means;

    /// <summary>The lower factors [K][d * d] of the covariances, zeros above the diagonal.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Factors => _factors;

    /// <summary>The ridge it was fitted with, in squared standard deviations of the columns.</summary>
    public double Ridge { get; private init; }

    /// <summary>The Gaussian with the rows' mean and full covariance.</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="ArgumentException">The rows are unusable or their covariance is singular.</exception>
    public static GaussianMixtureFit Gaussian(double[] rows, int dimension)
    {
        RowMoments.Check(rows, dimension, dimension + 1, nameof(rows));
        var mean = RowMoments.Mean(rows, dimension);
        return new GaussianMixtureFit([1], [mean], [RowMoments.Factor(RowMoments.Covariance(rows, dimension, mean), dimension)], "full-covariance Gaussian");
    }

    /// <summary>The mixture whose number of components and ridge have the best log-likelihood on validation rows.</summary>
    /// <param name="rows">Rows [n, d] that it is fitted to.</param>
    /// <param name="validation">Rows [m, d] that it is chosen by.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">What is tried; null for the defaults.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <exception cref="ArgumentException">The rows are unusable.</exception>
    public static GaussianMixtureFit Tuned(
        double[] rows, double[] validation, int dimension, GaussianMixtureOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new GaussianMixtureOptions();
        var n = RowMoments.Check(rows, dimension, 2, nameof(rows));
        RowMoments.Check(validation, dimension, 1, nameof(validation));
        (GaussianMixtureFit? Fit, double Score) best = (null, double.NegativeInfinity);
        foreach (var components in options.Components.Where(k => k * 2 <= n))
        {
            foreach (var ridge in options.Ridges)
            {
                for (var start = 0; start < options.Starts; start++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var fit = Fit(rows, dimension, components, ridge, options, (uint)start, cancellation);
                    var score = fit.LogDensity(validation, options.Threads).Average();
                    best = score > best.Score ? (fit, score) : best;
                }
            }
        }

        return best.Fit ?? throw new ArgumentException($"No mixture could be fitted to {n} rows; give more rows or fewer components.", nameof(rows));
    }

    /// <summary>One run of expectation maximisation.</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="components">K.</param>
    /// <param name="ridge">Added to the covariances, in squared standard deviations of the columns.</param>
    /// <param name="options">When it ends, and the seed; null for the defaults.</param>
    /// <param name="start">Number of the random start.</param>
    /// <param name="cancellation">Stops the run.</param>
    public static GaussianMixtureFit Fit(
        double[] rows, int dimension, int components, double ridge, GaussianMixtureOptions? options = null, uint start = 0,
        CancellationToken cancellation = default)
    {
        options ??= new GaussianMixtureOptions();
        var n = RowMoments.Check(rows, dimension, components, nameof(rows));
        var total = RowMoments.Covariance(rows, dimension, RowMoments.Mean(rows, dimension));
        double[] ridges = [.. Enumerable.Range(0, dimension).Select(i => ridge * total[(i * dimension) + i])];
        var shares = FirstShares(rows, dimension, components, new RandomStream(options.Seed ^ ((ulong)start << 32), MeasureStreams.MixtureStart), total);
        var (fit, before) = ((GaussianMixtureFit?)null, double.NegativeInfinity);
        for (var iteration = 0; iteration < options.MostIterations; iteration++)
        {
            cancellation.ThrowIfCancellationRequested();
            fit = Maximise(
                rows, dimension, shares, ridges, FormattableString.Invariant($"mixture of {components} Gaussians, ridge {ridge:g2}"), options.Threads);
            var likelihood = fit.Expect(rows, shares, options.Threads) / n;
            if (likelihood - before < options.Tolerance)
            {
                break;
            }

            before = likelihood;
        }

        return new GaussianMixtureFit(fit!._weights, fit._means, fit._factors, fit.Description) { Ridge = ridge };
    }

    /// <inheritdoc/>
    public double[] LogDensity(double[] rows, int threads = 0)
    {
        var n = RowMoments.Check(rows, Dimension, 1, nameof(rows));
        var terms = Terms(rows, n, threads);
        var result = new double[n];
        for (var row = 0; row < n; row++)
        {
            result[row] = LogSum(terms, row);
        }

        return result;
    }

    /// <summary>The probability of each component given a row.</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="threads">Threads; 0 is one for each processor. Results are the same to the bit for any number.</param>
    /// <returns>Probabilities [K][n].</returns>
    public double[][] Responsibilities(double[] rows, int threads = 0)
    {
        var n = RowMoments.Check(rows, Dimension, 1, nameof(rows));
        double[][] shares = [.. _weights.Select(_ => new double[n])];
        _ = Expect(rows, shares, threads);
        return shares;
    }

    /// <summary>This mixture with the components of another one behind its own.</summary>
    /// <param name="other">The other one, of the same dimension.</param>
    /// <param name="share">The weight of the other one, above 0 and below 1.</param>
    public GaussianMixtureFit With(GaussianMixtureFit other, double share) => new(
        [.. _weights.Select(w => (1 - share) * w), .. other._weights.Select(w => share * w)],
        [.. _means, .. other._means],
        [.. _factors, .. other._factors],
        FormattableString.Invariant($"{Description}, and {share:g2} of the {other.Description}"))
    {
        Ridge = Ridge,
    };

    /// <inheritdoc/>
    public double[] Sample(int samples, RandomStream random)
    {
        var (d, result) = (Dimension, new double[samples * Dimension]);
        var noise = new double[d];
        for (var s = 0; s < samples; s++)
        {
            var k = random.NextCategorical(_weights);
            for (var i = 0; i < d; i++)
            {
                noise[i] = random.NextNormal();
                var sum = _means[k][i];
                for (var j = 0; j <= i; j++)
                {
                    sum += _factors[k][(i * d) + j] * noise[j];
                }

                result[(s * d) + i] = sum;
            }
        }

        return result;
    }

    // Each row belongs to the nearest of K rows that were drawn far from each other, in standardised columns.
    private static double[][] FirstShares(double[] rows, int d, int components, RandomStream random, double[] total)
    {
        var n = rows.Length / d;
        double Distance(int a, int b)
        {
            var sum = 0.0;
            for (var i = 0; i < d; i++)
            {
                var difference = rows[(a * d) + i] - rows[(b * d) + i];
                sum += difference * difference / Math.Max(total[(i * d) + i], double.Epsilon);
            }

            return sum;
        }

        var (nearest, owner, centre) = (new double[n], new int[n], random.NextInt(n));
        Array.Fill(nearest, double.PositiveInfinity);
        for (var k = 0; k < components; k++)
        {
            for (var row = 0; row < n; row++)
            {
                var distance = Distance(row, centre);
                (nearest[row], owner[row]) = distance < nearest[row] ? (distance, k) : (nearest[row], owner[row]);
            }

            centre = nearest.Any(v => v > 0) ? random.NextCategorical(nearest) : random.NextInt(n);
        }

        return [.. Enumerable.Range(0, components).Select(k => Array.ConvertAll(owner, o => o == k ? 1.0 : 0.0))];
    }

    private static GaussianMixtureFit Maximise(double[] rows, int d, double[][] shares, double[] ridges, string description, int threads)
    {
        var n = rows.Length / d;
        var (weights, means, factors) = (new double[shares.Length], new double[shares.Length][], new double[shares.Length][]);
        var all = RowMoments.Mean(rows, d);
        Workers.For(shares.Length, threads, k =>
        {
            // A component that has lost all its rows stays at the data's mean with a weight of nothing.
            var sum = shares[k].Sum();
            weights[k] = Math.Max(sum / n, EmptyShare);
            var mean = new double[d];
            for (var row = 0; row < n; row++)
            {
                for (var i = 0; i < d; i++)
                {
                    mean[i] += shares[k][row] * rows[(row * d) + i];
                }
            }

            var isEmpty = sum < EmptyShare * n;
            means[k] = isEmpty ? all : Array.ConvertAll(mean, m => m / sum);
            factors[k] = RidgedFactor(RowMoments.Covariance(rows, d, means[k], isEmpty ? null : shares[k]), d, ridges);
        });
        var total = weights.Sum();
        return new GaussianMixtureFit(Array.ConvertAll(weights, w => w / total), means, factors, description);
    }

    // A component with fewer rows than columns is singular but for its ridge, which is raised until the factor exists.
    private static double[] RidgedFactor(double[] covariance, int d, double[] ridges)
    {
        for (var raise = 1.0; ; raise *= 10)
        {
            var matrix = (double[])covariance.Clone();
            for (var i = 0; i < d; i++)
            {
                matrix[(i * d) + i] += raise * Math.Max(ridges[i], double.Epsilon);
            }

            try
            {
                Cholesky.Factor(matrix, d);
            }
            catch (LinearAlgebraException) when (raise < 1e12)
            {
                continue;
            }

            for (var i = 0; i < d; i++)
            {
                matrix.AsSpan((i * d) + i + 1, d - i - 1).Clear();
            }

            return matrix;
        }
    }

    // Replaces the shares by the responsibilities and returns the log-likelihood.
    private double Expect(double[] rows, double[][] shares, int threads)
    {
        var n = rows.Length / Dimension;
        var terms = Terms(rows, n, threads);
        var sum = 0.0;
        for (var row = 0; row < n; row++)
        {
            var value = LogSum(terms, row);
            sum += value;
            for (var k = 0; k < shares.Length; k++)
            {
                shares[k][row] = Math.Exp(terms[k][row] - value);
            }
        }

        return sum;
    }

    // log w_k + log N(x; m_k, L_k L_k^T) [K][n].
    private double[][] Terms(double[] rows, int n, int threads)
    {
        var terms = new double[Components][];
        Workers.For(Components, threads, k =>
        {
            var (d, values, y) = (Dimension, new double[n], new double[Dimension]);
            for (var row = 0; row < n; row++)
            {
                for (var i = 0; i < d; i++)
                {
                    y[i] = rows[(row * d) + i] - _means[k][i];
                }

                RowMoments.SolveLower(_factors[k], d, y);
                values[row] = _constants[k] - (0.5 * HostVectors.Dot(y, y));
            }

            terms[k] = values;
        });
        return terms;
    }

    private static double LogSum(double[][] terms, int row)
    {
        var largest = terms.Max(t => t[row]);
        return largest + Math.Log(terms.Sum(t => Math.Exp(t[row] - largest)));
    }
}
