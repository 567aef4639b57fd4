using Monge.Engine.LinearAlgebra;

namespace Monge.MonteCarlo;

/// <summary>Which covariance the chains' momenta are fitted to.</summary>
public enum MetricKind
{
    /// <summary>The whole covariance where the warm-up has 200 states for each coordinate and there are 100 at most, else the variances.</summary>
    Automatic,

    /// <summary>None: all coordinates are of one scale.</summary>
    Unit,

    /// <summary>The variance of each coordinate.</summary>
    Diagonal,

    /// <summary>The whole covariance.</summary>
    Dense,
}

/// <summary>
/// The scales of a density as its chains see it: positions are x = L z with L L^T an estimate of the covariance, so that in z all directions are alike; the
/// inverse mass matrix of the textbooks is L L^T. The covariance is that of all chains' states in a window of the warm-up together, shrunk as in Stan.
/// </summary>
internal sealed class ChainMetric
{
    private const long StatesOfCoordinate = 200;
    private const int MostDense = 100;
    private const double PriorCount = 5;
    private const double PriorVariance = 1e-3;

    private readonly int _dimension;
    private readonly double[] _mean;
    private readonly double[] _products;
    private double _count;

    public ChainMetric(MetricKind kind, int dimension)
    {
        (Kind, _dimension) = (kind, dimension);
        Factor = new double[kind == MetricKind.Dense ? dimension * dimension : dimension];
        (_mean, _products) = (new double[dimension], new double[Factor.Length]);
        for (var i = 0; i < dimension; i++)
        {
            Factor[kind == MetricKind.Dense ? i * (dimension + 1) : i] = 1;
        }
    }

    /// <summary>A copy of the scales, which stays as it is.</summary>
    public ChainMetric Copy()
    {
        var copy = new ChainMetric(Kind, _dimension);
        Factor.CopyTo(copy.Factor, 0);
        return copy;
    }

    /// <summary>The kind that <see cref="MetricKind.Automatic"/> stands for.</summary>
    /// <param name="kind">The kind asked for.</param>
    /// <param name="dimension">d.</param>
    /// <param name="states">States that the warm-up passes, of all chains together.</param>
    public static MetricKind Resolve(MetricKind kind, int dimension, long states) => kind != MetricKind.Automatic ? kind
        : dimension is > 1 and <= MostDense && states >= StatesOfCoordinate * dimension ? MetricKind.Dense : MetricKind.Diagonal;

    public MetricKind Kind { get; }

    /// <summary>L: its diagonal [d], or [d, d] row-major, lower triangular.</summary>
    public double[] Factor { get; }

    /// <summary>x = L z.</summary>
    public void ToPosition(ReadOnlySpan<double> z, Span<double> x)
    {
        for (var i = 0; i < _dimension; i++)
        {
            x[i] = Kind == MetricKind.Dense ? HostVectors.Dot(Factor.AsSpan(i * _dimension, i + 1), z) : Factor[i] * z[i];
        }
    }

    /// <summary>z = L^-1 x, in place.</summary>
    public void ToUnit(Span<double> x)
    {
        for (var i = 0; i < _dimension; i++)
        {
            x[i] = Kind == MetricKind.Dense
                ? (x[i] - HostVectors.Dot(Factor.AsSpan(i * _dimension, i), x)) / Factor[i * (_dimension + 1)]
                : x[i] / Factor[i];
        }
    }

    /// <summary>Adds a state to the window.</summary>
    public void Observe(ReadOnlySpan<double> x)
    {
        _count++;
        Span<double> before = stackalloc double[_dimension];
        for (var i = 0; i < _dimension; i++)
        {
            before[i] = x[i] - _mean[i];
            _mean[i] += before[i] / _count;
        }

        for (var i = 0; i < _dimension; i++)
        {
            var after = x[i] - _mean[i];
            if (Kind != MetricKind.Dense)
            {
                _products[i] += before[i] * after;
                continue;
            }

            for (var j = 0; j <= i; j++)
            {
                _products[(i * _dimension) + j] += after * before[j];
            }
        }
    }

    /// <summary>Takes the window's covariance and begins a new window.</summary>
    public void Update()
    {
        var (share, prior) = (_count / (_count + PriorCount), PriorVariance * PriorCount / (_count + PriorCount));
        if (Kind == MetricKind.Diagonal && _count > 1)
        {
            for (var i = 0; i < _dimension; i++)
            {
                Factor[i] = Math.Sqrt((share * _products[i] / (_count - 1)) + prior);
            }
        }
        else if (Kind == MetricKind.Dense && _count > 1)
        {
            for (var e = 0; e < Factor.Length; e++)
            {
                Factor[e] = (share * _products[e] / (_count - 1)) + (e % (_dimension + 1) == 0 ? prior : 0);
            }

            Cholesky.Factor(Factor, _dimension);
            for (var e = 0; e < Factor.Length; e++)
            {
                Factor[e] = e % _dimension > e / _dimension ? 0 : Factor[e];
            }
        }

        _count = 0;
        Array.Clear(_mean);
        Array.Clear(_products);
    }

    /// <summary>Hands the state over to be kept, or to be filled.</summary>
    /// <param name="exchange">Reads or writes the numbers of a name.</param>
    public void Exchange(Action<string, double[]> exchange)
    {
        double[] count = [_count];
        exchange("metric.factor", Factor);
        exchange("metric.mean", _mean);
        exchange("metric.products", _products);
        exchange("metric.count", count);
        _count = count[0];
    }
}
