using Monge.Engine.Random;
using Monge.OptimalTransport;

namespace Monge.Paths;

/// <summary>How base points and data points are paired.</summary>
public enum CouplingKind
{
    /// <summary>Each data point with a base point drawn on its own.</summary>
    Independent,

    /// <summary>By the exact optimal transport between the points of a mini-batch (arXiv:2302.00482, arXiv:2304.14772).</summary>
    OptimalTransport,

    /// <summary>By draws from the entropic transport plan of a mini-batch.</summary>
    Sinkhorn,

    /// <summary>Row by row: the base is a second table with as many rows.</summary>
    Paired,
}

/// <summary>
/// Pairs the points of mini-batches by optimal transport under the squared distance. With labels, points are paired within equal labels only, so that the base stays
/// independent of the label. Not for use by several threads at once.
/// </summary>
/// <param name="kind">The exact assignment, or the entropic plan.</param>
/// <param name="size">Points of a mini-batch, at least 2.</param>
/// <param name="dimension">d.</param>
/// <param name="epsilon">The regularisation of the entropic plan, as a share of the mini-batch's mean squared distance.</param>
public sealed class MiniBatchCoupling(CouplingKind kind, int size, int dimension, double epsilon = 0.02)
{
    private readonly double[] _cost = new double[size * size];
    private readonly float[] _moved = new float[size * dimension];

    /// <summary>Puts the base points of a batch into the order in which they belong to its data points, group by group of <c>size</c>; a last smaller group is left as it is.</summary>
    /// <param name="x0">Base points [n, d]; reordered within groups (a Sinkhorn coupling may repeat points).</param>
    /// <param name="x1">Data points [n, d].</param>
    /// <param name="random">Where a Sinkhorn coupling draws from.</param>
    /// <param name="labels">A label [n] for each data point, or empty.</param>
    public void Apply(Span<float> x0, ReadOnlySpan<float> x1, RandomStream random, ReadOnlySpan<int> labels = default)
    {
        var block = size * dimension;
        for (var at = 0; at + block <= x1.Length; at += block)
        {
            var first = at / dimension;
            var own = labels.IsEmpty ? default : labels.Slice(first, size);
            Span<int> order = kind == CouplingKind.Sinkhorn ? Draw(x0.Slice(at, block), x1.Slice(at, block), random, own) : Match(x0.Slice(at, block), x1.Slice(at, block), own);
            for (var i = 0; i < size; i++)
            {
                x0.Slice(at + (order[i] * dimension), dimension).CopyTo(_moved.AsSpan(i * dimension));
            }

            _moved.CopyTo(x0.Slice(at, block));
        }
    }

    // Rows are data points, columns base points. The base points carry the labels of the data points at their places, so each label has as many of both.
    private int[] Match(ReadOnlySpan<float> x0, ReadOnlySpan<float> x1, ReadOnlySpan<int> labels)
    {
        var largest = 0.0;
        for (var i = 0; i < size; i++)
        {
            var x = x1.Slice(i * dimension, dimension);
            for (var j = 0; j < size; j++)
            {
                var sum = 0f;
                for (var k = 0; k < dimension; k++)
                {
                    var difference = x[k] - x0[(j * dimension) + k];
                    sum += difference * difference;
                }

                _cost[(i * size) + j] = sum;
                largest = Math.Max(largest, sum);
            }
        }

        for (var i = 0; i < size && !labels.IsEmpty; i++)
        {
            for (var j = 0; j < size; j++)
            {
                // No gain within the labels can pay for one pair across.
                _cost[(i * size) + j] += labels[i] == labels[j] ? 0 : largest * size;
            }
        }

        return Assignment.Solve(_cost, size).ColumnOfRow;
    }

    private int[] Draw(ReadOnlySpan<float> x0, ReadOnlySpan<float> x1, RandomStream random, ReadOnlySpan<int> labels)
    {
        var order = new int[size];
        int[] left = [.. Enumerable.Range(0, size)];
        while (left.Length > 0)
        {
            var group = left;
            if (!labels.IsEmpty)
            {
                var label = labels[left[0]];
                var (same, others) = (new List<int>(), new List<int>());
                foreach (var i in left)
                {
                    (labels[i] == label ? same : others).Add(i);
                }

                (group, left) = ([.. same], [.. others]);
            }
            else
            {
                left = [];
            }

            DrawWithin(group, Rows(x0, group), Rows(x1, group), random, order);
        }

        return order;
    }

    private void DrawWithin(int[] group, double[] from, double[] to, RandomStream random, int[] order)
    {
        var n = group.Length;
        var mean = 0.0;
        var cost = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                for (var k = 0; k < dimension; k++)
                {
                    cost[(i * n) + j] += Math.Pow(to[(i * dimension) + k] - from[(j * dimension) + k], 2);
                }

                mean += cost[(i * n) + j] / (n * (double)n);
            }
        }

        var temperature = Math.Max(epsilon * mean, 1e-12);
        var plan = Sinkhorn.Solve(to, from, dimension, new SinkhornOptions { Epsilon = temperature, Tolerance = 1e-3, MaximumIterations = 200 });
        var weights = new double[n];
        for (var i = 0; i < n; i++)
        {
            var top = double.NegativeInfinity;
            for (var j = 0; j < n; j++)
            {
                weights[j] = (plan.ColumnPotentials[j] - cost[(i * n) + j]) / temperature;
                top = Math.Max(top, weights[j]);
            }

            for (var j = 0; j < n; j++)
            {
                weights[j] = Math.Exp(weights[j] - top);
            }

            order[group[i]] = group[random.NextCategorical(weights)];
        }
    }

    private double[] Rows(ReadOnlySpan<float> points, int[] rows)
    {
        var values = new double[rows.Length * dimension];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = points[(rows[i / dimension] * dimension) + (i % dimension)];
        }

        return values;
    }
}
