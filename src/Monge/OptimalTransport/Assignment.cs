using System.Numerics;
using System.Runtime.InteropServices;

namespace Monge.OptimalTransport;

/// <summary>A minimal-cost matching of n rows with n columns and the dual prices that prove it.</summary>
/// <param name="ColumnOfRow">The column matched with each row, a permutation of 0 to n - 1.</param>
/// <param name="Cost">Sum of the matched costs.</param>
/// <param name="RowPotentials">Dual prices u of the rows: u[i] + v[j] is at most cost[i, j], with equality (to rounding) where matched.</param>
/// <param name="ColumnPotentials">Dual prices v of the columns.</param>
public sealed record AssignmentResult(int[] ColumnOfRow, double Cost, double[] RowPotentials, double[] ColumnPotentials);

/// <summary>Exact linear assignment in O(n^3) worst-case time and O(n) memory beside the cost matrix.</summary>
/// <remarks>
/// Shortest augmenting paths with column reduction and augmenting row reduction as in R. Jonker and A. Volgenant,
/// "A shortest augmenting path algorithm for dense and sparse linear assignment problems", Computing 38 (1987) 325-340;
/// the path search is a dense Dijkstra whose relaxation and minimum are one vectorised sweep.
/// </remarks>
public static class Assignment
{
    /// <summary>Finds the permutation p that minimises the sum of cost[i, p(i)].</summary>
    /// <param name="cost">Costs, [n, n] row-major, finite.</param>
    /// <param name="size">Number of rows and columns n, at least 1.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <exception cref="ArgumentException">The matrix is not n by n or holds a value that is not finite.</exception>
    /// <exception cref="OperationCanceledException">The search was stopped.</exception>
    public static AssignmentResult Solve(double[] cost, int size, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cost);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        if (cost.LongLength != (long)size * size)
            throw new ArgumentException($"An assignment of size {size} needs {(long)size * size} costs, but there are {cost.LongLength}.", nameof(cost));
        int bad = Array.FindIndex(cost, static value => !double.IsFinite(value));
        if (bad >= 0)
            throw new ArgumentException($"The cost of row {bad / size}, column {bad % size} is {cost[bad]}; costs must be finite.", nameof(cost));
        cancellation.ThrowIfCancellationRequested();
        var search = new Search(cost, size);
        foreach (int row in search.ReduceRows(search.ReduceColumns()))
        {
            cancellation.ThrowIfCancellationRequested();
            search.Augment(row);
        }
        return search.Result();
    }

    private sealed class Search(double[] cost, int size)
    {
        private const int Free = -1;
        private readonly int[] columnOfRow = FreeIndices(size);
        private readonly int[] rowOfColumn = FreeIndices(size);
        private readonly double[] price = new double[size];

        // Dijkstra: the tentative distance of a column, minus infinity once it is final; the row before it (held as a double for the vector select).
        private readonly double[] distance = new double[size];
        private readonly double[] previousRow = new double[size];
        private readonly int[] finalColumns = new int[size];
        private readonly double[] finalDistances = new double[size];

        private static int[] FreeIndices(int size)
        {
            var indices = new int[size];
            Array.Fill(indices, Free);
            return indices;
        }

        /// <summary>Prices each column at its cheapest row and matches where that row is free; returns the rows left over.</summary>
        public List<int> ReduceColumns()
        {
            var cheapestRow = new int[size];
            Array.Copy(cost, price, size);
            for (int row = 1; row < size; row++)
            {
                ReadOnlySpan<double> costs = cost.AsSpan(row * size, size);
                for (int column = 0; column < size; column++)
                {
                    if (costs[column] < price[column])
                    {
                        price[column] = costs[column];
                        cheapestRow[column] = row;
                    }
                }
            }
            for (int column = size - 1; column >= 0; column--)
            {
                if (columnOfRow[cheapestRow[column]] == Free)
                    Match(cheapestRow[column], column);
            }
            return [.. Enumerable.Range(0, size).Where(row => columnOfRow[row] == Free)];
        }

        /// <summary>Lets each free row take its best column, lowering that price to the row's second choice; two passes.</summary>
        public List<int> ReduceRows(List<int> free)
        {
            for (int pass = 0; pass < 2 && size > 1; pass++)
            {
                var left = new List<int>();
                var work = new Stack<int>(Enumerable.Reverse(free));
                // Rows can outbid each other in rounding-sized steps; the bound hands such cases to the path search.
                for (int budget = 8 * size; work.Count > 0; budget--)
                {
                    int row = work.Pop();
                    (int best, double bestCost, int second, double secondCost) = TwoCheapest(row);
                    bool gain = bestCost < secondCost;
                    if (gain)
                        price[best] -= secondCost - bestCost;
                    else if (rowOfColumn[best] != Free)
                        best = second;
                    int displaced = rowOfColumn[best];
                    if (displaced != Free)
                        columnOfRow[displaced] = Free;
                    Match(row, best);
                    if (displaced == Free)
                        continue;
                    if (gain && budget > 0)
                        work.Push(displaced);
                    else
                        left.Add(displaced);
                }
                free = left;
            }
            return free;
        }

        private (int Best, double BestCost, int Second, double SecondCost) TwoCheapest(int row)
        {
            ReadOnlySpan<double> costs = cost.AsSpan(row * size, size);
            int best = -1, second = -1;
            double bestCost = double.PositiveInfinity, secondCost = double.PositiveInfinity;
            for (int column = 0; column < size; column++)
            {
                double reduced = costs[column] - price[column];
                if (reduced >= secondCost)
                    continue;
                if (reduced < bestCost)
                    (second, secondCost, best, bestCost) = (best, bestCost, column, reduced);
                else
                    (second, secondCost) = (column, reduced);
            }
            return (best, bestCost, second, secondCost);
        }

        private void Match(int row, int column)
        {
            columnOfRow[row] = column;
            rowOfColumn[column] = row;
        }

        /// <summary>Matches a free row along the cheapest alternating path to a free column.</summary>
        public void Augment(int freeRow)
        {
            Array.Fill(distance, double.PositiveInfinity);
            int finals = 0;
            int row = freeRow;
            double offset = 0;
            while (true)
            {
                (int column, double reached) = Relax(row, offset);
                if (rowOfColumn[column] == Free)
                {
                    for (int index = 0; index < finals; index++)
                        price[finalColumns[index]] += finalDistances[index] - reached;
                    FlipPath(freeRow, column);
                    return;
                }
                finalColumns[finals] = column;
                finalDistances[finals++] = reached;
                distance[column] = double.NegativeInfinity;
                row = rowOfColumn[column];
                offset = cost[row * size + column] - price[column] - reached;
            }
        }

        /// <summary>Relaxes all open columns through one row and returns the nearest open column.</summary>
        private (int Column, double Distance) Relax(int row, double offset)
        {
            ref double costs = ref MemoryMarshal.GetReference(cost.AsSpan(row * size, size));
            ref double prices = ref MemoryMarshal.GetArrayDataReference(price);
            ref double distances = ref MemoryMarshal.GetArrayDataReference(distance);
            ref double rows = ref MemoryMarshal.GetArrayDataReference(previousRow);
            int width = Vector<double>.Count;
            var offsets = new Vector<double>(offset);
            var thisRow = new Vector<double>((double)row);
            var step = new Vector<double>((double)width);
            var indices = Vector<double>.Indices;
            var nearest = new Vector<double>(double.PositiveInfinity);
            var nearestIndex = Vector<double>.Zero;
            var closed = new Vector<double>(double.NegativeInfinity);
            var infinity = new Vector<double>(double.PositiveInfinity);
            int column = 0;
            for (; column <= size - width; column += width)
            {
                var at = (nuint)column;
                Vector<double> old = Vector.LoadUnsafe(ref distances, at);
                Vector<double> candidate = Vector.LoadUnsafe(ref costs, at) - Vector.LoadUnsafe(ref prices, at) - offsets;
                Vector<long> nearer = Vector.LessThan(candidate, old);
                Vector<double> updated = Vector.ConditionalSelect(nearer, candidate, old);
                updated.StoreUnsafe(ref distances, at);
                Vector.ConditionalSelect(nearer, thisRow, Vector.LoadUnsafe(ref rows, at)).StoreUnsafe(ref rows, at);
                Vector<double> key = Vector.ConditionalSelect(Vector.Equals(updated, closed), infinity, updated);
                Vector<long> better = Vector.LessThan(key, nearest);
                nearest = Vector.ConditionalSelect(better, key, nearest);
                nearestIndex = Vector.ConditionalSelect(better, indices, nearestIndex);
                indices += step;
            }
            int bestColumn = -1;
            double best = double.PositiveInfinity;
            for (int lane = 0; lane < width; lane++)
            {
                if (nearest[lane] < best)
                    (best, bestColumn) = (nearest[lane], (int)nearestIndex[lane]);
            }
            for (; column < size; column++)
            {
                double candidate = cost[row * size + column] - price[column] - offset;
                if (candidate < distance[column])
                    (distance[column], previousRow[column]) = (candidate, row);
                if (distance[column] < best && !double.IsNegativeInfinity(distance[column]))
                    (best, bestColumn) = (distance[column], column);
            }
            return bestColumn >= 0
                ? (bestColumn, best)
                : throw new ArithmeticException("The assignment overflowed: the costs are too large for double precision; scale them down.");
        }

        private void FlipPath(int freeRow, int column)
        {
            int row;
            do
            {
                row = (int)previousRow[column];
                int next = columnOfRow[row];
                Match(row, column);
                column = next;
            }
            while (row != freeRow);
        }

        public AssignmentResult Result()
        {
            var rowPotentials = new double[size];
            double total = 0;
            for (int row = 0; row < size; row++)
            {
                double matched = cost[row * size + columnOfRow[row]];
                rowPotentials[row] = matched - price[columnOfRow[row]];
                total += matched;
            }
            return new AssignmentResult(columnOfRow, total, rowPotentials, price);
        }
    }
}
