using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Monge.OptimalTransport;

/// <summary>
/// The assignment of <see cref="Assignment"/> for many small problems of one size, in single precision and in place: row reduction with displacement,
/// then shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987) from several rows at once, each sweep over the columns vectorised. Any
/// start prices of the columns give the same matching, up to ties within rounding; good ones, such as the c-transform of a similar problem's
/// potentials, give it several times sooner.
/// </summary>
internal sealed class MiniBatchAssignment
{
    private const int Free = -1;

    // One free row in so many is matched before the search for the others begins anew: it's slower for all at once, whose
    // last trees grow long, and for one at a time.
    private const int RowsPerEnd = 4;

    private readonly int _size;
    private readonly int _padded;
    private readonly float[] _memory;
    private readonly int _start;
    private readonly int[] _rowOfColumn;
    private readonly int[] _columnOfRow;
    private readonly int[] _root;
    private readonly int[] _finals;
    private readonly float[] _finalDistances;
    private readonly Stack<int> _work = new();
    private readonly List<int> _left = [];
    private readonly List<(int Root, int Column)> _ends = [];

    public MiniBatchAssignment(int size)
    {
        _size = size;
        _padded = StrideOf(size);
        (_rowOfColumn, _columnOfRow, _root, _finals, _finalDistances) = (new int[size], new int[size], new int[size], new int[size], new float[size]);

        // Vectors that lie across two cache lines take nearly twice as long.
        _memory = GC.AllocateArray<float>(((size + 4) * _padded) + Vector512<float>.Count, pinned: true);
        _start = (int)((nuint)(-Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0)) % (nuint)Vector512<byte>.Count / sizeof(float));
    }

    /// <summary>The costs, rows of <see cref="StrideOf"/>; entries from the size on are set to infinity by <see cref="Solve"/>.</summary>
    public Span<float> Cost => _memory.AsSpan(_start, _size * _padded);

    /// <summary>The length of a row of costs: the size, in whole vectors.</summary>
    public static int StrideOf(int size) => (size + Vector512<float>.Count - 1) / Vector512<float>.Count * Vector512<float>.Count;

    private Span<float> Price => Columns(0);

    // The prices with closed columns at minus infinity.
    private Span<float> OpenPrice => Columns(1);

    private Span<float> Distance => Columns(2);

    private Span<int> PreviousRow => MemoryMarshal.Cast<float, int>(Columns(3));

    /// <summary>The dual prices of the rows after a solution.</summary>
    /// <param name="potentials">Receives them [n].</param>
    public void RowPotentials(Span<float> potentials)
    {
        for (var row = 0; row < _size; row++)
        {
            potentials[row] = Cost[(row * _padded) + _columnOfRow[row]] - Price[_columnOfRow[row]];
        }
    }

    /// <summary>Finds the matching.</summary>
    /// <param name="startPrices">Prices of the columns [n] to start from; empty for zeros.</param>
    /// <returns>The column of each row [n], valid until the next call.</returns>
    public ReadOnlySpan<int> Solve(ReadOnlySpan<float> startPrices)
    {
        Price.Clear();
        startPrices.CopyTo(Price);
        _rowOfColumn.AsSpan().Fill(Free);
        _columnOfRow.AsSpan().Fill(Free);
        for (var row = 0; row < _size; row++)
        {
            Cost.Slice((row * _padded) + _size, _padded - _size).Fill(float.PositiveInfinity);
        }

        _left.Clear();
        ReduceRows();
        while (_left.Count > 0)
        {
            Augment();
        }

        return _columnOfRow;
    }

    private Span<float> Columns(int number) => _memory.AsSpan(_start + ((_size + number) * _padded), _padded);

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

                Price[column] -= gain > 0 && float.IsFinite(gain) ? gain : 0;
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
        ref var prices = ref MemoryMarshal.GetReference(Price);
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
        var others = Vector512.ConditionalSelect(
            Vector512.Equals(Vector512<int>.Indices, Vector512.Create(lane)).AsSingle(), next, Vector512.MinNative(best, next));
        return (at[lane], cheapest, Least(others));
    }

    // Dijkstra from all free rows at once, each with a tree of its own, until a share of the trees has reached a free column; these are augmented together.
    // Columns whose distance is final are closed by an infinite price.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Augment()
    {
        Distance.Fill(float.PositiveInfinity);
        Price.CopyTo(OpenPrice);
        var (next, finals) = ((Column: 0, Distance: 0f), 0);
        foreach (var root in _left)
        {
            _root[root] = root;
            next = Relax(root, TwoCheapest(root).Cheapest);
        }

        _ends.Clear();
        for (var wanted = (_left.Count + RowsPerEnd - 1) / RowsPerEnd; _ends.Count < wanted && finals < _size;)
        {
            var (column, reached) = next;
            (_finals[finals], _finalDistances[finals++]) = (column, reached);
            (Distance[column], OpenPrice[column]) = (float.PositiveInfinity, float.NegativeInfinity);
            var (row, root) = (_rowOfColumn[column], _root[PreviousRow[column]]);
            if (row != Free)
            {
                _root[row] = root;
                next = Relax(row, Cost[(row * _padded) + column] - Price[column] - reached);
                continue;
            }

            if (_left.Remove(root))
            {
                _ends.Add((root, column));
            }

            next = Relax(root, float.NegativeInfinity);
        }

        for (var k = 0; k < finals; k++)
        {
            Price[_finals[k]] += _finalDistances[k] - _finalDistances[finals - 1];
        }

        foreach (var (root, column) in _ends)
        {
            Flip(root, column);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (int Column, float Distance) Relax(int row, float offset)
    {
        ref var costs = ref Cost[row * _padded];
        ref var prices = ref MemoryMarshal.GetReference(OpenPrice);
        ref var distances = ref MemoryMarshal.GetReference(Distance);
        ref var rows = ref MemoryMarshal.GetReference(PreviousRow);
        var (offsets, thisRow) = (Vector512.Create(offset), Vector512.Create(row));
        var (best, at) = (Vector512.Create(float.PositiveInfinity), Vector512<int>.Zero);
        var indices = Vector512<int>.Indices;
        var step = Vector512.Create(Vector512<int>.Count);
        for (var j = 0; j < _padded; j += Vector512<float>.Count)
        {
            var place = (nuint)j;
            var old = Vector512.LoadUnsafe(ref distances, place);
            var candidate = Vector512.LoadUnsafe(ref costs, place) - Vector512.LoadUnsafe(ref prices, place) - offsets;
            var nearer = Vector512.LessThan(candidate, old).AsInt32();
            var updated = Vector512.MinNative(candidate, old);
            updated.StoreUnsafe(ref distances, place);
            Vector512.ConditionalSelect(nearer, thisRow, Vector512.LoadUnsafe(ref rows, place)).StoreUnsafe(ref rows, place);
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
            row = PreviousRow[column];
            (_rowOfColumn[column], _columnOfRow[row], column) = (row, column, _columnOfRow[row]);
        }
        while (row != freeRow);
    }
}
