using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>A mixture of Gaussians with full covariances; with one component, a Gaussian.</summary>
public sealed class GaussianMixtureLaw
{
    private const double WeightTolerance = 1e-9;

    private readonly GaussianBase[] _components;

    /// <summary>Makes a mixture.</summary>
    /// <param name="weights">The weights [K], positive, of sum 1.</param>
    /// <param name="means">The means [K][d].</param>
    /// <param name="covariances">The covariances [K][d, d], symmetric positive definite.</param>
    /// <exception cref="ArgumentException">Sizes differ, the weights aren't positive with sum 1, or a covariance isn't symmetric positive definite.</exception>
    public GaussianMixtureLaw(double[] weights, double[][] means, double[][,] covariances)
    {
        if (weights.Length == 0 || means.Length != weights.Length || covariances.Length != weights.Length)
        {
            throw new ArgumentException(
                $"A mixture has {weights.Length} weights, {means.Length} means and {covariances.Length} covariances; it needs as many of each, at least one.",
                nameof(weights));
        }

        if (!weights.All(w => w > 0) || Math.Abs(weights.Sum() - 1) > WeightTolerance)
        {
            throw new ArgumentException($"The weights of a mixture must be positive and add up to 1; these add up to {weights.Sum():g12}.", nameof(weights));
        }

        Weights = [.. weights];
        Means = [.. means.Select(m => (double[])[.. m])];
        Covariances = [.. covariances.Select(c => (double[,])c.Clone())];
        _components = new GaussianBase[weights.Length];
        for (var k = 0; k < weights.Length; k++)
        {
            CheckSymmetric(k, covariances[k], means[0].Length);
            var factor = LowerTriangle.TryFactor(covariances[k])
                ?? throw new ArgumentException($"Covariance {k} of the mixture is not positive definite.", nameof(covariances));
            _components[k] = GaussianBase.Full(means[k], factor);
        }
    }

    /// <summary>d.</summary>
    public int Dimension => Means[0].Length;

    /// <summary>The number K of components.</summary>
    public int Count => Weights.Count;

    /// <summary>The weights [K].</summary>
    public IReadOnlyList<double> Weights { get; }

    /// <summary>The means [K][d].</summary>
    public IReadOnlyList<double[]> Means { get; }

    /// <summary>The covariances [K][d, d].</summary>
    public IReadOnlyList<double[,]> Covariances { get; }

    /// <summary>N(0, I) in d dimensions.</summary>
    public static GaussianMixtureLaw Standard(int dimension) => Isotropic([1], [new double[dimension]], [1]);

    /// <summary>One Gaussian.</summary>
    /// <param name="mean">The mean [d].</param>
    /// <param name="covariance">The covariance [d, d].</param>
    public static GaussianMixtureLaw Single(double[] mean, double[,] covariance) => new([1], [mean], [covariance]);

    /// <summary>Components whose covariances are multiples of the identity.</summary>
    /// <param name="weights">The weights [K].</param>
    /// <param name="means">The means [K][d].</param>
    /// <param name="variances">The variances [K].</param>
    public static GaussianMixtureLaw Isotropic(double[] weights, double[][] means, double[] variances) =>
        new(weights, means, [.. variances.Select(v => Diagonal(means[0].Length, v))]);

    /// <summary>The mean of the whole [d].</summary>
    public double[] Mean()
    {
        var mean = new double[Dimension];
        for (var k = 0; k < Count; k++)
        {
            for (var i = 0; i < mean.Length; i++)
            {
                mean[i] += Weights[k] * Means[k][i];
            }
        }

        return mean;
    }

    /// <summary>The covariance of the whole [d, d].</summary>
    public double[,] Covariance()
    {
        var (d, mean) = (Dimension, Mean());
        var covariance = new double[d, d];
        for (var k = 0; k < Count; k++)
        {
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                {
                    covariance[i, j] += Weights[k] * (Covariances[k][i, j] + ((Means[k][i] - mean[i]) * (Means[k][j] - mean[j])));
                }
            }
        }

        return covariance;
    }

    /// <summary>The law of some of the coordinates, a mixture again.</summary>
    /// <param name="axes">Their numbers.</param>
    public GaussianMixtureLaw Marginal(params int[] axes) => new(
        [.. Weights],
        [.. Means.Select(m => (double[])[.. axes.Select(a => m[a])])],
        [.. Covariances.Select(c =>
        {
            var part = new double[axes.Length, axes.Length];
            for (var i = 0; i < axes.Length; i++)
            {
                for (var j = 0; j < axes.Length; j++)
                {
                    part[i, j] = c[axes[i], axes[j]];
                }
            }

            return part;
        })]);

    /// <summary>The probability that a coordinate lies below a value.</summary>
    /// <param name="axis">The coordinate.</param>
    /// <param name="value">The value.</param>
    public double ProbabilityBelow(int axis, double value)
    {
        var sum = 0.0;
        for (var k = 0; k < Count; k++)
        {
            sum += Weights[k] * 0.5 * HostFunctions.Erfc((Means[k][axis] - value) / Math.Sqrt(2 * Covariances[k][axis, axis]));
        }

        return sum;
    }

    /// <summary>The normalised log density.</summary>
    /// <param name="x">A position [d].</param>
    public Expr LogDensity(Expr x)
    {
        Expr[] terms = [.. _components.Select((c, k) => Math.Log(Weights[k]) + c.LogDensity(x))];
        return terms.Length == 1 ? terms[0] : Expr.Vector(terms).LogSumExp();
    }

    /// <summary>The normalised log density, on the host.</summary>
    /// <param name="x">A position [d].</param>
    public double LogDensity(ReadOnlySpan<double> x)
    {
        Span<double> noise = new double[Dimension];
        Span<double> terms = new double[Count];
        for (var k = 0; k < Count; k++)
        {
            _components[k].ToNoise(x, noise);
            terms[k] = Math.Log(Weights[k]) - (0.5 * HostVectors.Dot(noise, noise)) - _components[k].LogDeterminant - (0.5 * Dimension * Math.Log(2 * Math.PI));
        }

        var (top, sum) = HostVectors.SumOfExponentials(terms);
        return top + Math.Log(sum);
    }

    /// <summary>A draw [d], traced: a component by one normal number, and a position by others of the same stream.</summary>
    /// <param name="stream">The random stream.</param>
    public Expr Draw(int stream)
    {
        var d = Dimension;
        var noise = Expr.Random(RandomLaw.Normal, stream, d + 1);
        var (position, level) = (_components[^1].FromNoise(noise[..d]), noise[d]);
        for (var k = Count - 2; k >= 0; k--)
        {
            // The level is below the quantile of the weights up to k with the probability that they add up to.
            var upTo = HostFunctions.NormalQuantile(Math.Min(1, Weights.Take(k + 1).Sum()));
            position = Expr.Select(level.Less(upTo).BroadcastTo(position.Shape), _components[k].FromNoise(noise[..d]), position);
        }

        return position;
    }

    /// <summary>Exact independent draws.</summary>
    /// <param name="samples">Their number n.</param>
    /// <param name="random">The random stream.</param>
    /// <returns>The positions [n, d], row-major.</returns>
    public double[] Sample(int samples, RandomStream random)
    {
        var d = Dimension;
        var positions = new double[samples * d];
        double[] weights = [.. Weights];
        Span<double> noise = new double[d];
        for (var s = 0; s < samples; s++)
        {
            var k = Count == 1 ? 0 : random.NextCategorical(weights);
            for (var i = 0; i < d; i++)
            {
                noise[i] = random.NextNormal();
            }

            _components[k].ToPosition(noise, positions.AsSpan(s * d, d));
        }

        return positions;
    }

    private static double[,] Diagonal(int dimension, double value)
    {
        var matrix = new double[dimension, dimension];
        for (var i = 0; i < dimension; i++)
        {
            matrix[i, i] = value;
        }

        return matrix;
    }

    private static void CheckSymmetric(int component, double[,] matrix, int dimension)
    {
        if (matrix.GetLength(0) != dimension || matrix.GetLength(1) != dimension)
        {
            throw new ArgumentException(
                $"Covariance {component} of the mixture is {matrix.GetLength(0)} x {matrix.GetLength(1)}; it must be {dimension} x {dimension}.",
                nameof(matrix));
        }

        for (var i = 0; i < dimension; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (!(Math.Abs(matrix[i, j] - matrix[j, i]) <= 1e-10 * (Math.Abs(matrix[i, i]) + Math.Abs(matrix[j, j]))))
                {
                    throw new ArgumentException($"Covariance {component} of the mixture is not symmetric at row {i}, column {j}.", nameof(matrix));
                }
            }
        }
    }
}
