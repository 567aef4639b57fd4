using System.Numerics;
using System.Runtime.CompilerServices;

namespace Monge.Engine.Pairwise;

/// <summary>Points kept coordinate by coordinate, for kernel values of one other point at a time. Safe for use by several threads at once.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class PointColumns<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T[] _columns;
    private readonly int _stride;
    private readonly int _dimension;

    /// <summary>Copies points.</summary>
    /// <param name="points">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    public PointColumns(ReadOnlySpan<T> points, int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        (_dimension, Count) = (dimension, points.Length / dimension);
        _stride = (Count + Vector<T>.Count - 1) / Vector<T>.Count * Vector<T>.Count;
        _columns = new T[checked(_stride * dimension)];
        for (var j = 0; j < Count; j++)
        {
            for (var k = 0; k < dimension; k++)
            {
                _columns[(k * _stride) + j] = points[(j * dimension) + k];
            }
        }
    }

    /// <summary>Number of points m.</summary>
    public int Count { get; }

    /// <summary>values[j] = k(x, y_j), from differences, summed over the axes in their order.</summary>
    /// <param name="kernel">k.</param>
    /// <param name="x">A point [d].</param>
    /// <param name="values">Receives m values.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Values<TKernel>(TKernel kernel, ReadOnlySpan<T> x, Span<T> values)
        where TKernel : struct, IPairKernel<T>
    {
        if (x.Length != _dimension || values.Length < Count)
        {
            throw new ArgumentException(
                $"A point of {_dimension} coordinates and {Count} values are needed, but there are {x.Length} and {values.Length}.", nameof(values));
        }

        fixed (T* columns = _columns, point = x, to = values)
        {
            for (var j = 0; j < Count; j += Vector<T>.Count)
            {
                var q = Vector<T>.Zero;
                var from = columns + j;
                for (var k = 0; k < _dimension; k++, from += _stride)
                {
                    var coordinate = new Vector<T>(point[k]);
                    var difference = coordinate - Vector.Load(from);
                    q += TKernel.OfInnerProduct ? coordinate * Vector.Load(from) : difference * difference;
                }

                var value = kernel.Value(q);
                if (j + Vector<T>.Count <= Count)
                {
                    value.Store(to + j);
                    continue;
                }

                for (var lane = 0; lane < Count - j; lane++)
                {
                    to[j + lane] = value[lane];
                }
            }
        }
    }
}
