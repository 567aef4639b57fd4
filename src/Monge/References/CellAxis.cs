namespace Monge.References;

/// <summary>A segment of the line cut into equal cells, between two walls or closed to a ring.</summary>
public sealed record CellAxis
{
    /// <summary>Makes an axis.</summary>
    /// <param name="from">Left end.</param>
    /// <param name="to">Right end, above the left one.</param>
    /// <param name="cells">Number of cells, at least 3.</param>
    /// <param name="isPeriodic">Whether the ends are the same point, so that the axis is a ring; otherwise they are walls that nothing passes.</param>
    /// <exception cref="ArgumentException">The ends are out of order or not finite, or there are fewer than 3 cells.</exception>
    public CellAxis(double from, double to, int cells, bool isPeriodic = false)
    {
        if (!double.IsFinite(to - from) || to <= from)
        {
            throw new ArgumentException(FormattableString.Invariant($"An axis needs finite ends in their order; it was given {from} and {to}."), nameof(to));
        }

        if (cells < 3)
        {
            throw new ArgumentOutOfRangeException(nameof(cells), cells, "An axis needs at least 3 cells.");
        }

        (From, To, Cells, IsPeriodic) = (from, to, cells, isPeriodic);
        Width = (to - from) / cells;
    }

    /// <summary>Left end.</summary>
    public double From { get; }

    /// <summary>Right end.</summary>
    public double To { get; }

    /// <summary>Number of cells, n.</summary>
    public int Cells { get; }

    /// <summary>Whether the axis is a ring.</summary>
    public bool IsPeriodic { get; }

    /// <summary>Width of a cell.</summary>
    public double Width { get; }

    /// <summary>The centres of the cells, [n].</summary>
    public double[] Centres() => [.. Enumerable.Range(0, Cells).Select(Centre)];

    /// <summary>The centre of a cell.</summary>
    /// <param name="cell">Its number, from 0.</param>
    public double Centre(int cell) => From + ((cell + 0.5) * Width);

    /// <summary>The face at the right of a cell.</summary>
    /// <param name="cell">Its number, from 0; -1 gives the left end.</param>
    public double Face(int cell) => From + ((cell + 1) * Width);

    /// <summary>
    /// The two cells between whose centres a point lies, and the share of the right one; at a wall both are the outermost cell. Null for a point beyond a wall.
    /// </summary>
    internal (int Left, int Right, double Share)? Between(double point)
    {
        var place = ((point - From) / Width) - 0.5;
        if (!double.IsFinite(place) || (!IsPeriodic && !(point >= From && point <= To)))
        {
            return null;
        }

        var floor = Math.Floor(place);
        var share = place - floor;
        if (IsPeriodic)
        {
            var left = (int)(floor - (Cells * Math.Floor(floor / Cells)));
            return (left, (left + 1) % Cells, share);
        }

        return (Math.Max((int)floor, 0), Math.Min((int)floor + 1, Cells - 1), share);
    }
}
