using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Monge.Engine.Random;

namespace Monge.OptimalTransport;

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
/// Pairs the points of mini-batches by optimal transport under the squared distance. With labels, points are paired within equal labels only, so that the base
/// stays independent of the label. Not for use by several threads at once.
/// </summary>
/// <param name="kind">The exact assignment, or the entropic plan.</param>
/// <param name="size">Points of a mini-batch, at least 2.</param>
/// <param name="dimension">d.</param>
/// <param name="epsilon">The regularisation of the entropic plan, as a share of the mini-batch's mean squared distance.</param>
public sealed class MiniBatchCoupling(CouplingKind kind, int size, int dimension, double epsilon = 0.02)
{
    private readonly MiniBatchAssignment _assignment = new(size);
    private readonly float[] _moved = new float[size * dimension];
    private readonly int _stride = MiniBatchAssignment.StrideOf(size);
    private readonly float[] _columns = new float[MiniBatchAssignment.StrideOf(size) * dimension];
    private readonly float[] _prices = new float[MiniBatchAssignment.StrideOf(size)];
    private float[] _referenceWeights = [];
    private float[] _referenceOffsets = [];

    /// <summary>
    /// Solves one mini-batch, which may be larger, whose potentials all later ones start from by their c-transform: the matchings stay the same, up to ties
    /// within rounding, and are found sooner.
    /// </summary>
    /// <param name="x0">Base points [m, d].</param>
    /// <param name="x1">Data points [m, d].</param>
    public void Prime(ReadOnlySpan<float> x0, ReadOnlySpan<float> x1)
    {
        var first = new MiniBatchCoupling(CouplingKind.OptimalTransport, x1.Length / dimension, dimension);
        first.Match(x0, x1, default);
        var potentials = new float[x1.Length / dimension];
        first._assignment.RowPotentials(potentials);
        _referenceOffsets = new float[potentials.Length + (potentials.Length % 2)];
        _referenceWeights = new float[_referenceOffsets.Length * dimension];
        for (var i = 0; i < _referenceOffsets.Length; i++)
        {
            // Their number is made even by taking the first one twice.
            var from = i % potentials.Length;
            _referenceOffsets[i] = -potentials[from];
            for (var k = 0; k < dimension; k++)
            {
                var value = x1[(from * dimension) + k];
                _referenceOffsets[i] += value * value;
                _referenceWeights[(i * dimension) + k] = -2 * value;
            }
        }
    }

    /// <summary>Another one for another thread, with the same potentials to start from.</summary>
    internal MiniBatchCoupling Twin() => new(kind, size, dimension, epsilon) { _referenceWeights = _referenceWeights, _referenceOffsets = _referenceOffsets };

    /// <summary>
    /// Puts the base points of a batch into the order in which they belong to its data points, group by group of
    /// <c>size</c>; a last smaller group is left as it is.
    /// </summary>
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
            var order = kind == CouplingKind.Sinkhorn
                ? Draw(x0.Slice(at, block), x1.Slice(at, block), random, own) : Match(x0.Slice(at, block), x1.Slice(at, block), own);
            for (var i = 0; i < size; i++)
            {
                x0.Slice(at + (order[i] * dimension), dimension).CopyTo(_moved.AsSpan(i * dimension));
            }

            _moved.CopyTo(x0.Slice(at, block));
        }
    }

    // Rows are data points, columns base points. The base points carry the labels of the data points at their places, so each label has as many of both.
    private ReadOnlySpan<int> Match(ReadOnlySpan<float> x0, ReadOnlySpan<float> x1, ReadOnlySpan<int> labels)
    {
        for (var j = 0; j < size; j++)
        {
            for (var k = 0; k < dimension; k++)
            {
                _columns[(k * _stride) + j] = x0[(j * dimension) + k];
            }
        }

        var cost = _assignment.Cost;
        for (var i = 0; i < size; i++)
        {
            SquaredDistances(x1.Slice(i * dimension, dimension), cost.Slice(i * _stride, _stride));
        }

        if (!labels.IsEmpty)
        {
            // No gain within the labels can pay for one pair across.
            var penalty = 0f;
            for (var i = 0; i < size; i++)
            {
                penalty = Math.Max(penalty, Largest(cost.Slice(i * _stride, size)));
            }

            for (var i = 0; i < size; i++)
            {
                for (var j = 0; j < size; j++)
                {
                    cost[(i * _stride) + j] += labels[i] == labels[j] ? 0 : penalty * size;
                }
            }
        }

        return _assignment.Solve(labels.IsEmpty ? StartPrices() : []);
    }

    // The c-transform v_j = min_i |r_i - x0_j|^2 - u_i of the reference's potentials, as |x0_j|^2 + min_i (w_i . x0_j + o_i)
    // with w_i = -2 r_i and o_i = |r_i|^2 - u_i.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private ReadOnlySpan<float> StartPrices()
    {
        if (_referenceOffsets.Length == 0)
        {
            return [];
        }

        ref var columns = ref MemoryMarshal.GetArrayDataReference(_columns);
        ref var weights = ref MemoryMarshal.GetArrayDataReference(_referenceWeights);
        for (var j = 0; j < _stride; j += Vector512<float>.Count)
        {
            // Two minima at a time hide the latency of the one.
            var (first, second) = (Vector512.Create(float.PositiveInfinity), Vector512.Create(float.PositiveInfinity));
            for (var i = 0; i < _referenceOffsets.Length; i += 2)
            {
                var (value, other) = (Vector512.Create(_referenceOffsets[i]), Vector512.Create(_referenceOffsets[i + 1]));
                for (var k = 0; k < dimension; k++)
                {
                    var x = Vector512.LoadUnsafe(ref columns, (nuint)((k * _stride) + j));
                    value = Vector512.FusedMultiplyAdd(x, Vector512.Create(Unsafe.Add(ref weights, (i * dimension) + k)), value);
                    other = Vector512.FusedMultiplyAdd(x, Vector512.Create(Unsafe.Add(ref weights, ((i + 1) * dimension) + k)), other);
                }

                (first, second) = (Vector512.MinNative(first, value), Vector512.MinNative(second, other));
            }

            var price = Vector512.MinNative(first, second);
            for (var k = 0; k < dimension; k++)
            {
                var x = Vector512.LoadUnsafe(ref columns, (nuint)((k * _stride) + j));
                price += x * x;
            }

            price.StoreUnsafe(ref _prices[j]);
        }

        return _prices.AsSpan(0, size);
    }

    // For a whole row of costs; what lies beyond the size is of no account.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SquaredDistances(ReadOnlySpan<float> point, Span<float> distances)
    {
        ref var to = ref MemoryMarshal.GetReference(distances);
        ref var columns = ref MemoryMarshal.GetArrayDataReference(_columns);
        for (var j = 0; j < distances.Length; j += Vector512<float>.Count)
        {
            var sum = Vector512<float>.Zero;
            for (var k = 0; k < dimension; k++)
            {
                var difference = Vector512.LoadUnsafe(ref columns, (nuint)((k * _stride) + j)) - Vector512.Create(point[k]);
                sum += difference * difference;
            }

            sum.StoreUnsafe(ref to, (nuint)j);
        }
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        var largest = float.NegativeInfinity;
        foreach (var value in values)
        {
            largest = Math.Max(largest, value);
        }

        return largest;
    }

    private ReadOnlySpan<int> Draw(ReadOnlySpan<float> x0, ReadOnlySpan<float> x1, RandomStream random, ReadOnlySpan<int> labels)
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

        // Mini-batches are shared among threads by who couples them.
        var plan = Sinkhorn.Solve(to, from, dimension, new SinkhornOptions { Epsilon = temperature, Tolerance = 1e-3, MaximumIterations = 200, Threads = 1 });
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
