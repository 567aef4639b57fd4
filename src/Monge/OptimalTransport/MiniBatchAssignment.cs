using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Monge.OptimalTransport;

/// <summary>
/// The assignment of <see cref="Assignment"/> for many small problems of one size, in single precision and in place: row reduction with displacement, then shortest
/// augmenting paths (Jonker and Volgenant, Computing 38, 1987), each sweep over the columns vectorised. Any start prices of the columns give the same matching, up to ties
/// within rounding; good ones, such as the c-transform of a similar problem's potentials, give it several times sooner.
/// </summary>
internal sealed class MiniBatchAssignment
{
    private const int Free = -1;

    private readonly int _size;
    private readonly int _padded;
    private readonly float[] _price;
    private readonly float[] _distance;
    private readonly float[] _closed;
    private readonly int[] _previousRow;
    private readonly int[] _rowOfColumn;
    private readonly int[] _columnOfRow;
    private readonly int[] _finals;
    private readonly float[] _finalDistances;
    private readonly Stack<int> _work = new();
    private readonly List<int> _left = [];

    public MiniBatchAssignment(int size)
    {
        _size = size;
        _padded = (size + Vector512<float>.Count - 1) / Vector512<float>.Count * Vector512<float>.Count;
        (_price, _distance, _closed) = (new float[_padded], new float[_padded], new float[_padded]);
        (_previousRow, _rowOfColumn, _columnOfRow, _finals, _finalDistances) = (new int[_padded], new int[size], new int[size], new int[size], new float[size]);
        Cost = new float[size * _padded];
    }

    /// <summary>The costs, rows of <see cref="Stride"/>; entries from the size on are set to infinity by <see cref="Solve"/>.</summary>
    public float[] Cost { get; }

    /// <summary>The length of a row of costs.</summary>
    public int Stride => _padded;

    /// <summary>The dual prices of the rows after a solution.</summary>
    /// <param name="potentials">Receives them [n].</param>
    public void RowPotentials(Span<float> potentials)
    {
        for (var row = 0; row < _size; row++)
        {
            potentials[row] = Cost[(row * _padded) + _columnOfRow[row]] - _price[_columnOfRow[row]];
        }
    }

    /// <summary>Finds the matching.</summary>
    /// <param name="startPrices">Prices of the columns [n] to start from; empty for zeros.</param>
    /// <returns>The column of each row [n], valid until the next call.</returns>
    public ReadOnlySpan<int> Solve(ReadOnlySpan<float> startPrices)
    {
        _price.AsSpan().Clear();
        startPrices.CopyTo(_price);
        _rowOfColumn.AsSpan().Fill(Free);
        _columnOfRow.AsSpan().Fill(Free);
        for (var row = 0; row < _size; row++)
        {
            Cost.AsSpan((row * _padded) + _size, _padded - _size).Fill(float.PositiveInfinity);
        }

        _left.Clear();
        ReduceRows();
        foreach (var row in _left)
        {
            Augment(row);
        }

        return _columnOfRow;
    }

    // Each row takes its cheapest column and lowers its price to where the second cheapest is as good; the row that had it looks again.
    private void ReduceRows()
    {
        for (var first = 0; first < _size; first++)
        {
            _work.Push(first);
            for (var budget = 2; _work.TryPop(out var row);)
            {
                var (column, cheapest, second) = TwoCheapest(row);
                var displaced = _rowOfColumn[column];
                var gain = second - cheapest;
                if (displaced != Free && (!(gain > 0) || budget-- == 0))
                {
                    _left.Add(row);
                    continue;
                }

                _price[column] -= gain > 0 && float.IsFinite(gain) ? gain : 0;
                (_rowOfColumn[column], _columnOfRow[row]) = (row, column);
                if (displaced != Free)
                {
                    _columnOfRow[displaced] = Free;
                    _work.Push(displaced);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (int Column, float Cheapest, float Second) TwoCheapest(int row)
    {
        ref var costs = ref Cost[row * _padded];
        ref var prices = ref MemoryMarshal.GetArrayDataReference(_price);
        var infinity = Vector512.Create(float.PositiveInfinity);
        var (best, next, at) = (infinity, infinity, Vector512<int>.Zero);
        var indices = Vector512<int>.Indices;
        var step = Vector512.Create(Vector512<int>.Count);
        for (var j = 0; j < _padded; j += Vector512<float>.Count)
        {
            var reduced = Vector512.LoadUnsafe(ref costs, (nuint)j) - Vector512.LoadUnsafe(ref prices, (nuint)j);
            var less = Vector512.LessThan(reduced, best);
            next = Vector512.MinNative(next, Vector512.MaxNative(reduced, best));
            best = Vector512.MinNative(best, reduced);
            at = Vector512.ConditionalSelect(less.AsInt32(), indices, at);
            indices += step;
        }

        var cheapest = Least(best);
        var lane = BitOperations.TrailingZeroCount(Vector512.Equals(best, Vector512.Create(cheapest)).ExtractMostSignificantBits());
        var others = Vector512.ConditionalSelect(Vector512.Equals(Vector512<int>.Indices, Vector512.Create(lane)).AsSingle(), next, Vector512.MinNative(best, next));
        return (at[lane], cheapest, Least(others));
    }

    // Dijkstra from a free row to the nearest free column; columns whose distance is final are closed by an infinite offset.
    private void Augment(int freeRow)
    {
        _distance.AsSpan().Fill(float.PositiveInfinity);
        _closed.AsSpan().Clear();
        var (row, offset, finals) = (freeRow, 0f, 0);
        while (true)
        {
            var (column, reached) = Relax(row, offset);
            if (_rowOfColumn[column] == Free)
            {
                for (var k = 0; k < finals; k++)
                {
                    _price[_finals[k]] += _finalDistances[k] - reached;
                }

                Flip(freeRow, column);
                return;
            }

            (_finals[finals], _finalDistances[finals++]) = (column, reached);
            (_distance[column], _closed[column]) = (float.PositiveInfinity, float.PositiveInfinity);
            row = _rowOfColumn[column];
            offset = Cost[(row * _padded) + column] - _price[column] - reached;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (int Column, float Distance) Relax(int row, float offset)
    {
        ref var costs = ref Cost[row * _padded];
        ref var prices = ref MemoryMarshal.GetArrayDataReference(_price);
        ref var distances = ref MemoryMarshal.GetArrayDataReference(_distance);
        ref var closed = ref MemoryMarshal.GetArrayDataReference(_closed);
        ref var rows = ref MemoryMarshal.GetArrayDataReference(_previousRow);
        var (offsets, thisRow) = (Vector512.Create(offset), Vector512.Create(row));
        var (best, at) = (Vector512.Create(float.PositiveInfinity), Vector512<int>.Zero);
        var indices = Vector512<int>.Indices;
        var step = Vector512.Create(Vector512<int>.Count);
        for (var j = 0; j < _padded; j += Vector512<float>.Count)
        {
            var place = (nuint)j;
            var old = Vector512.LoadUnsafe(ref distances, place);
            var candidate = Vector512.LoadUnsafe(ref costs, place) - Vector512.LoadUnsafe(ref prices, place) - offsets + Vector512.LoadUnsafe(ref closed, place);
            var nearer = Vector512.LessThan(candidate, old);
            var updated = Vector512.ConditionalSelect(nearer, candidate, old);
            updated.StoreUnsafe(ref distances, place);
            Vector512.ConditionalSelect(nearer.AsInt32(), thisRow, Vector512.LoadUnsafe(ref rows, place)).StoreUnsafe(ref rows, place);
            at = Vector512.ConditionalSelect(Vector512.LessThan(updated, best).AsInt32(), indices, at);
            best = Vector512.MinNative(best, updated);
            indices += step;
        }

        var distance = Least(best);
        return (at[BitOperations.TrailingZeroCount(Vector512.Equals(best, Vector512.Create(distance)).ExtractMostSignificantBits())], distance);
    }

    private static float Least(Vector512<float> values)
    {
        var eight = Vector256.MinNative(values.GetLower(), values.GetUpper());
        var four = Vector128.MinNative(eight.GetLower(), eight.GetUpper());
        var two = Vector128.MinNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return float.MinNative(two[0], two[1]);
    }

    private void Flip(int freeRow, int column)
    {
        int row;
        do
        {
            row = _previousRow[column];
            (_rowOfColumn[column], _columnOfRow[row], column) = (row, column, _columnOfRow[row]);
        }
        while (row != freeRow);
    }
}
