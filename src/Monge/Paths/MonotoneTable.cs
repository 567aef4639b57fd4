using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>
/// A rising function given at knots, between them by the cubics that keep it rising (F. Fritsch, R. Carlson, SIAM J. Numer. Anal. 17, 1980),
/// beyond them by the straight lines of the last slopes. Traced, it costs one operation of the table's width for each of a few operations, and
/// only once for a time that all samples share.
/// </summary>
public sealed class MonotoneTable
{
    private readonly double[] _knots;
    private readonly double[] _values;
    private readonly double[] _slopes;

    /// <summary>Makes a table.</summary>
    /// <param name="knots">Where the function is given, rising strictly; at least 3.</param>
    /// <param name="values">What it is there, not falling.</param>
    /// <param name="slopes">Its slopes there where they are known; cut off at 3 times a neighbouring chord, beyond which the cubics
    /// might fall. Null to estimate them.</param>
    /// <exception cref="ArgumentException">The lengths differ or are too short, or the knots don't rise, or a value falls or is not finite.</exception>
    public MonotoneTable(double[] knots, double[] values, double[]? slopes = null)
    {
        if (knots.Length != values.Length || knots.Length < 3)
        {
            throw new ArgumentException($"A table has {knots.Length} knots and {values.Length} values; it needs as many of each, at least 3.", nameof(values));
        }

        for (var k = 1; k < knots.Length; k++)
        {
            if (!(knots[k] > knots[k - 1]) || !(values[k] >= values[k - 1]) || !double.IsFinite(values[k] - values[k - 1]))
            {
                throw new ArgumentException(FormattableString.Invariant(
                    $"A table must rise, but from ({knots[k - 1]:g6}, {values[k - 1]:g6}) it goes to ({knots[k]:g6}, {values[k]:g6})."), nameof(values));
            }
        }

        (_knots, _values, _slopes) = ([.. knots], [.. values], slopes is null ? Slopes(knots, values) : Limited(knots, values, slopes));
    }

    /// <summary>The value at a traced scalar.</summary>
    /// <param name="at">Where.</param>
    public Expr Apply(Expr at)
    {
        var pieces = _knots.Length - 1;
        Expr Row(Func<int, double> of) => Expr.Constant([.. Enumerable.Range(0, pieces).Select(of)], pieces);
        double Width(int k) => _knots[k + 1] - _knots[k];
        double Chord(int k) => (_values[k + 1] - _values[k]) / Width(k);
        var offset = at - Row(k => _knots[k]);
        var inside = at.Clamp(_knots[0], _knots[^1]) - Row(k => _knots[k]);

        // One piece is chosen by 0 and 1; the first and the last are open, so that no time falls between.
        var chosen = offset.GreaterOrEqual(Row(k => k == 0 ? double.NegativeInfinity : 0)) * offset.Less(
            Row(k => k == pieces - 1 ? double.PositiveInfinity : Width(k)));
        var cubic = Row(k => (_slopes[k] + _slopes[k + 1] - (2 * Chord(k))) / (Width(k) * Width(k)));
        var square = Row(k => ((3 * Chord(k)) - (2 * _slopes[k]) - _slopes[k + 1]) / Width(k));
        var value = Row(k => _values[k]) + (inside * (Row(k => _slopes[k]) + (inside * (square + (inside * cubic)))));
        var beyond = ((at - _knots[0]).Clamp(double.NegativeInfinity, 0) * _slopes[0]) + ((at - _knots[^1]).Clamp(0, double.PositiveInfinity) * _slopes[^1]);
        return Expr.Select(chosen, value, 0).Sum() + beyond;
    }

    /// <summary>The value, on the host.</summary>
    /// <param name="at">Where.</param>
    public double At(double at)
    {
        if (at <= _knots[0])
        {
            return _values[0] + ((at - _knots[0]) * _slopes[0]);
        }

        if (at >= _knots[^1])
        {
            return _values[^1] + ((at - _knots[^1]) * _slopes[^1]);
        }

        var found = Array.BinarySearch(_knots, at);
        var k = found >= 0 ? Math.Min(found, _knots.Length - 2) : ~found - 1;
        var (width, offset) = (_knots[k + 1] - _knots[k], at - _knots[k]);
        var chord = (_values[k + 1] - _values[k]) / width;
        var square = ((3 * chord) - (2 * _slopes[k]) - _slopes[k + 1]) / width;
        var cubic = (_slopes[k] + _slopes[k + 1] - (2 * chord)) / (width * width);
        return _values[k] + (offset * (_slopes[k] + (offset * (square + (offset * cubic)))));
    }

    private static double[] Limited(double[] knots, double[] values, double[] slopes)
    {
        double Bound(int k) => k < 0 || k >= knots.Length - 1 ? double.PositiveInfinity : 3 * (values[k + 1] - values[k]) / (knots[k + 1] - knots[k]);
        return [.. slopes.Select((slope, k) => Math.Clamp(slope, 0, Math.Min(Bound(k - 1), Bound(k))))];
    }

    // Harmonic means of the neighbouring chords, weighted by the widths; at the ends a parabola's slope, cut off where it would turn back.
    private static double[] Slopes(double[] knots, double[] values)
    {
        var n = knots.Length;
        double Width(int k) => knots[k + 1] - knots[k];
        double Chord(int k) => (values[k + 1] - values[k]) / Width(k);
        double End(int near, int far)
        {
            var slope = ((((2 * Width(near)) + Width(far)) * Chord(near)) - (Width(near) * Chord(far))) / (Width(near) + Width(far));
            return Math.Clamp(slope, 0, 3 * Chord(near));
        }

        var slopes = new double[n];
        for (var k = 1; k < n - 1; k++)
        {
            var (before, after) = (Chord(k - 1), Chord(k));
            var (w1, w2) = ((2 * Width(k)) + Width(k - 1), Width(k) + (2 * Width(k - 1)));
            slopes[k] = before > 0 && after > 0 ? (w1 + w2) / ((w1 / before) + (w2 / after)) : 0;
        }

        (slopes[0], slopes[^1]) = (End(0, 1), End(n - 2, n - 3));
        return slopes;
    }
}
