namespace Monge.References;

/// <summary>
/// Carries cell averages along a velocity without diffusion: the cells' faces are followed back along the velocity, which is linear between faces, and each
/// cell takes the mass between its faces' origins under a straight line in every old cell, limited so that it stays positive (van Leer 1977, 1979). Conserves
/// mass, is positive at any step, and is of order 2 in the width of the cells.
/// </summary>
internal static class ConservativeRemap
{
    /// <summary>Where the faces come from.</summary>
    /// <param name="velocity">The velocity at the right face of each cell, widths per time [n]; the last is 0 between walls.</param>
    /// <param name="step">The time.</param>
    /// <param name="isPeriodic">Whether the line is a ring.</param>
    /// <param name="origins">Receives the origin of each face, in widths from the left end and not wrapped [n + 1].</param>
    public static void Trace(ReadOnlySpan<double> velocity, double step, bool isPeriodic, Span<double> origins)
    {
        var n = velocity.Length;
        for (var face = 0; face <= n; face++)
        {
            origins[face] = Origin(velocity, face, step);

            // Rounding must not let faces overtake each other.
            origins[face] = face > 0 ? Math.Max(origins[face], origins[face - 1]) : origins[face];
        }

        if (isPeriodic)
        {
            origins[n] = origins[0] + n;
        }
    }

    /// <summary>Moves the mass.</summary>
    /// <param name="values">The averages [n].</param>
    /// <param name="origins">The faces' origins [n + 1].</param>
    /// <param name="isPeriodic">Whether the line is a ring.</param>
    /// <param name="slopes">Memory [n].</param>
    /// <param name="result">Receives the averages after the step [n]; not the same memory as the values.</param>
    public static void Move(ReadOnlySpan<double> values, ReadOnlySpan<double> origins, bool isPeriodic, Span<double> slopes, Span<double> result)
    {
        var n = values.Length;
        for (var i = 0; i < n; i++)
        {
            slopes[i] = isPeriodic || (i > 0 && i < n - 1) ? Slope(values[i == 0 ? n - 1 : i - 1], values[i], values[i == n - 1 ? 0 : i + 1]) : 0;
        }

        for (var i = 0; i < n; i++)
        {
            var (at, end, sum) = (origins[i], origins[i + 1], 0.0);
            while (at < end)
            {
                var floor = Math.Floor(at);
                var to = Math.Min(floor + 1, end);
                var cell = isPeriodic ? (int)(floor - (n * Math.Floor(floor / n))) : (int)floor;
                sum += (to - at) * (values[cell] + (slopes[cell] * ((0.5 * (to + at)) - floor - 0.5)));
                at = to;
            }

            result[i] = sum;
        }
    }

    // From face to face, upstream; at a wall the velocity is 0 and the way ends.
    private static double Origin(ReadOnlySpan<double> velocity, int face, double step)
    {
        var (place, rest) = (face, step);
        var sign = Math.Sign(At(velocity, place));
        while (sign != 0)
        {
            var (near, far) = (Math.Abs(At(velocity, place)), sign * At(velocity, place - sign));

            // The way y, in widths, obeys dy/ds = near + (far - near) y: y = near s / B((far - near) s), B(z) = z / (e^z - 1).
            var crossing = far > 0 ? 1 / LogarithmicMean(near, far) : double.PositiveInfinity;
            if (crossing > rest)
            {
                return place - (sign * Math.Min(1, near * rest / ScharfetterGummel.Bernoulli((far - near) * rest)));
            }

            rest -= crossing;
            place -= sign;
        }

        return place;
    }

    private static double At(ReadOnlySpan<double> velocity, int face)
    {
        var n = velocity.Length;
        return velocity[(((face - 1) % n) + n) % n];
    }

    private static double LogarithmicMean(double a, double b)
    {
        var ratio = Math.Log(a / b);
        return Math.Abs(ratio) < 1e-4 ? 0.5 * (a + b) * (1 - (ratio * ratio / 12)) : (a - b) / ratio;
    }

    // The central slope, no steeper than twice the differences on either side; 0 at an extremum.
    private static double Slope(double left, double centre, double right)
    {
        var (before, after) = (centre - left, right - centre);
        return before * after <= 0
            ? 0
            : Math.CopySign(Math.Min(0.5 * Math.Abs(before + after), 2 * Math.Min(Math.Abs(before), Math.Abs(after))), before);
    }
}
