using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Pairwise;

namespace Monge.OptimalTransport;

/// <summary>What it costs to move a unit of mass from x to y.</summary>
public enum GroundCost
{
    /// <summary>|x - y|^2, the cost of W2.</summary>
    SquaredEuclidean,

    /// <summary>|x - y|, the cost of W1.</summary>
    Euclidean,
}

/// <summary>Rows of the cost matrix between two point sets, stored once or computed when asked for.</summary>
internal sealed class CostRows
{
    private readonly double[] from;
    private readonly PointColumns<double> to;
    private readonly int dimension;
    private readonly GroundCost cost;
    private readonly double[]? stored;

    /// <param name="from">Points of the rows, [n, d].</param>
    /// <param name="to">Points of the columns, [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="cost">The ground cost.</param>
    /// <param name="store">Keep all n * m costs in memory.</param>
    /// <param name="threads">Threads for work on the rows; 0 is one for each processor.</param>
    public CostRows(double[] from, double[] to, int dimension, GroundCost cost, bool store, int threads = 0)
    {
        this.from = from;
        this.dimension = dimension;
        this.cost = cost;
        Threads = threads;
        Rows = from.Length / dimension;
        Columns = to.Length / dimension;
        this.to = new PointColumns<double>(to, dimension);
        if (!store)
            return;
        var matrix = new double[checked(Rows * Columns)];
        Workers.For(Rows, threads, row => Compute(row, matrix.AsSpan(row * Columns, Columns)));
        stored = matrix;
    }

    /// <summary>Number of rows n.</summary>
    public int Rows { get; }

    /// <summary>Threads for work on the rows; 0 is one for each processor.</summary>
    public int Threads { get; }

    /// <summary>Number of columns m.</summary>
    public int Columns { get; }

    /// <summary>The whole matrix, if it is stored.</summary>
    public double[]? Stored => stored;

    /// <summary>The m costs of one row, in <paramref name="buffer"/> unless they are stored.</summary>
    public ReadOnlySpan<double> Row(int row, Span<double> buffer)
    {
        if (stored is not null)
            return stored.AsSpan(row * Columns, Columns);
        Compute(row, buffer);
        return buffer[..Columns];
    }

    private void Compute(int row, Span<double> costs)
    {
        ReadOnlySpan<double> point = from.AsSpan(row * dimension, dimension);
        if (cost == GroundCost.SquaredEuclidean)
            to.Values(default(SquaredDistanceKernel<double>), point, costs);
        else
            to.Values(default(DistanceKernel<double>), point, costs);
    }
}

/// <summary>Checks that point sets and weights are usable, once for all solvers.</summary>
internal static class PointSets
{
    /// <summary>Number of points in a set of the given dimension; messages call each by a name.</summary>
    /// <exception cref="ArgumentException">The values do not fill whole points, there is none, or one is not finite.</exception>
    public static int Check(double[] points, int dimension, string name, string each = "Point")
    {
        ArgumentNullException.ThrowIfNull(points, name);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        if (points.Length == 0 || points.Length % dimension != 0)
            throw new ArgumentException($"{points.Length} values are not a positive number of {each.ToLowerInvariant()}s of dimension {dimension}.", name);
        int bad = Array.FindIndex(points, static value => !double.IsFinite(value));
        if (bad >= 0)
            throw new ArgumentException($"{each} {bad / dimension}, coordinate {bad % dimension} is {points[bad]}; it must be finite.", name);
        return points.Length / dimension;
    }

    /// <summary>The largest log-weight.</summary>
    /// <exception cref="ArgumentException">There are none, one is NaN or plus infinity, or all weights are zero.</exception>
    public static double CheckLogWeights(ReadOnlySpan<double> logWeights, string name)
    {
        if (logWeights.IsEmpty)
            throw new ArgumentException("There are no log-weights.", name);
        double largest = double.NegativeInfinity;
        for (int index = 0; index < logWeights.Length; index++)
        {
            double value = logWeights[index];
            if (double.IsNaN(value) || double.IsPositiveInfinity(value))
                throw new ArgumentException($"Log-weight {index} is {value}; it must be finite or minus infinity.", name);
            largest = Math.Max(largest, value);
        }
        return double.IsNegativeInfinity(largest) ? throw new ArgumentException("All weights are zero.", name) : largest;
    }

    /// <summary>Log-weights shifted so that the weights add to one; equal weights for null.</summary>
    /// <exception cref="ArgumentException">The number of weights is wrong, one is NaN or plus infinity, or all are zero.</exception>
    public static double[] NormaliseLogWeights(double[]? logWeights, int count, string name)
    {
        var result = new double[count];
        if (logWeights is null)
        {
            Array.Fill(result, -Math.Log(count));
            return result;
        }
        if (logWeights.Length != count)
            throw new ArgumentException($"There are {logWeights.Length} log-weights for {count} points.", name);
        CheckLogWeights(logWeights, name);
        (double largest, double sum) = HostVectors.SumOfExponentials(logWeights);
        double shift = largest + Math.Log(sum);
        for (int index = 0; index < count; index++)
            result[index] = logWeights[index] - shift;
        return result;
    }
}
