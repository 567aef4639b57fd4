namespace Monge.References;

/// <summary>What <see cref="ImplicitLine.Factor"/> leaves for solves, each [n]; the last two are empty between walls.</summary>
internal readonly ref struct LineFactors(Span<double> memory, int cells, bool isPeriodic)
{
    public readonly Span<double> Inverse = memory[..cells];
    public readonly Span<double> ToNext = memory.Slice(cells, cells);
    public readonly Span<double> FromNext = memory.Slice(2 * cells, cells);
    public readonly Span<double> ToLast = isPeriodic ? memory.Slice(3 * cells, cells) : default;
    public readonly Span<double> FromLast = isPeriodic ? memory.Slice(4 * cells, cells) : default;

    /// <summary>Numbers of memory that a line needs.</summary>
    public static int Length(int cells, bool isPeriodic) => (isPeriodic ? 5 : 3) * cells;
}

/// <summary>
/// Solves (1 - h L) p = r for the exchange of mass between neighbouring cells of a line or ring at given rates: (L p)_i = a_{i-1} p_{i-1} + c_i p_{i+1}
/// - (a_i + c_{i-1}) p_i, where a_i and c_i belong to the face between i and i + 1, the last face being that between the last cell and the first, with rates of
/// 0 at a wall. Elimination without a subtraction (Grassmann, Taksar and Heyman 1985): pivots come from the columns' sums, which are 1 and stay known, so each
/// number of a positive solution is exact to n roundings for any h. Hence mass and positivity hold at steps of any length, and an enormous one gives the
/// stationary law.
/// </summary>
internal static class ImplicitLine
{
    /// <summary>Eliminates.</summary>
    /// <param name="forward">a, per time [n].</param>
    /// <param name="backward">c, per time [n].</param>
    /// <param name="step">h, at least 0.</param>
    /// <param name="factors">Receives the factors.</param>
    public static void Factor(ReadOnlySpan<double> forward, ReadOnlySpan<double> backward, double step, in LineFactors factors)
    {
        if (!factors.ToLast.IsEmpty)
        {
            FactorRing(forward, backward, step, factors);
            return;
        }

        var excess = 1.0;
        for (var i = 0; i < forward.Length; i++)
        {
            var outflow = step * forward[i];
            var inverse = 1 / (excess + outflow);
            factors.Inverse[i] = inverse;
            factors.ToNext[i] = outflow * inverse;
            factors.FromNext[i] = step * backward[i] * inverse;
            excess = 1 + (excess * factors.FromNext[i]);
        }
    }

    /// <summary>Solves in place.</summary>
    /// <param name="factors">The factors.</param>
    /// <param name="values">r; receives p [n].</param>
    public static void Solve(in LineFactors factors, Span<double> values)
    {
        var last = values.Length - 1;
        var inverse = factors.Inverse[..values.Length];
        var toNext = factors.ToNext[..values.Length];
        var fromNext = factors.FromNext[..values.Length];
        if (!factors.ToLast.IsEmpty)
        {
            SolveRing(factors, values);
            return;
        }

        // Each cell waits for its neighbour, so the chain of roundings is the time that a line takes: one for each cell and way.
        var (before, share) = (0.0, 0.0);
        for (var i = 0; i < values.Length; i++)
        {
            before = Math.FusedMultiplyAdd(share, before, values[i]);
            values[i] = before * inverse[i];
            share = toNext[i];
        }

        var after = 0.0;
        for (var i = last; i >= 0; i--)
        {
            after = Math.FusedMultiplyAdd(fromNext[i], after, values[i]);
            values[i] = after;
        }
    }

    /// <summary>result_i = values_i + h (L values)_i.</summary>
    public static void AddGenerator(
        ReadOnlySpan<double> forward, ReadOnlySpan<double> backward, double step, ReadOnlySpan<double> values, Span<double> result)
    {
        var last = values.Length - 1;
        var first = (forward[last] * values[last]) - (backward[last] * values[0]);
        var left = first;
        for (var i = 0; i <= last; i++)
        {
            var right = i == last ? first : (forward[i] * values[i]) - (backward[i] * values[i + 1]);
            result[i] = values[i] + (step * (left - right));
            left = right;
        }
    }

    private static void SolveRing(in LineFactors factors, Span<double> values)
    {
        var last = values.Length - 1;
        for (var i = 0; i < last; i++)
        {
            values[last] += factors.ToLast[i] * values[i];
            values[i + 1] += factors.ToNext[i] * values[i];
        }

        values[last] *= factors.Inverse[last];
        for (var i = last - 1; i >= 0; i--)
        {
            values[i] = (values[i] * factors.Inverse[i]) + (factors.FromNext[i] * values[i + 1]) + (factors.FromLast[i] * values[last]);
        }
    }

    // Cell i is joined to i + 1 and, by what the elimination of the cells before it has filled in, to the last one.
    private static void FactorRing(ReadOnlySpan<double> forward, ReadOnlySpan<double> backward, double step, in LineFactors factors)
    {
        var last = forward.Length - 1;
        var (excess, lastExcess) = (1.0, 1.0);
        var (toLast, fromLast) = (step * backward[last], step * forward[last]);
        for (var i = 0; i < last - 1; i++)
        {
            var (outflow, inflow) = (step * forward[i], step * backward[i]);
            var inverse = 1 / (excess + outflow + toLast);
            factors.Inverse[i] = inverse;
            (factors.ToNext[i], factors.FromNext[i]) = (outflow * inverse, inflow * inverse);
            (factors.ToLast[i], factors.FromLast[i]) = (toLast * inverse, fromLast * inverse);
            lastExcess += excess * factors.FromLast[i];
            excess = 1 + (excess * factors.FromNext[i]);
            (toLast, fromLast) = (factors.ToLast[i] * inflow, factors.ToNext[i] * fromLast);
        }

        // The cell before the last is joined to it by its face and by what was filled in.
        var (sumOut, sumIn) = ((step * forward[last - 1]) + toLast, (step * backward[last - 1]) + fromLast);
        factors.Inverse[last - 1] = 1 / (excess + sumOut);
        factors.ToNext[last - 1] = sumOut * factors.Inverse[last - 1];
        factors.FromNext[last - 1] = sumIn * factors.Inverse[last - 1];
        factors.Inverse[last] = 1 / (lastExcess + (excess * factors.FromNext[last - 1]));
        (factors.ToLast[last - 1], factors.FromLast[last - 1]) = (0, 0);
    }
}
