namespace Monge.Dynamics;

/// <summary>
/// The steps of a walk: for each its begin, its length and whatever else the step asks for by name. A traced step reads them by <c>Expr.PerStep</c> of the
/// name: "t" the begin, "tNext" the end, "h" the length (negative where time falls), "diffusion" eps and "deviation" sqrt(2 eps |h|).
/// </summary>
public sealed class TimeGrid
{
    private readonly Dictionary<string, double[]> _series;

    /// <summary>Makes the steps between given times, such as sorted random ones (arXiv:2410.02711, Algorithm 1).</summary>
    /// <param name="times">The times, rising or falling strictly; a step leads from each to the next.</param>
    /// <param name="diffusion">eps of the step between two times, at least 0; null for 0.</param>
    /// <exception cref="ArgumentException">There are fewer than two times, or they neither rise nor fall.</exception>
    public TimeGrid(ReadOnlySpan<double> times, Func<double, double, double>? diffusion = null)
        : this(times[..Math.Max(0, times.Length - 1)].ToArray(), times.Length > 1 ? times[1..].ToArray() : [], null, diffusion)
    {
    }

    /// <summary>
    /// Makes the steps <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> - 1 of <paramref name="total"/> equal ones over [0, 1].
    /// </summary>
    /// <param name="first">The first step.</param>
    /// <param name="count">Number of steps, at least 1.</param>
    /// <param name="total">Steps of the whole grid.</param>
    /// <param name="diffusion">eps of the step between two times, at least 0; null for 0.</param>
    public TimeGrid(int first, int count, int total, Func<double, double, double>? diffusion = null)
        : this(Parts(first, count, total), diffusion)
    {
    }

    private TimeGrid(double[] times, double[] ends, double? length, Func<double, double, double>? diffusion)
    {
        if (times.Length == 0)
        {
            throw new ArgumentException("A time grid needs at least two times.", nameof(times));
        }

        Rises = ends[^1] > times[0];
        var (lengths, diffusions, deviations) = (new double[times.Length], new double[times.Length], new double[times.Length]);
        for (var k = 0; k < times.Length; k++)
        {
            if (!(Rises ? ends[k] > times[k] : ends[k] < times[k]))
            {
                throw new ArgumentException(FormattableString.Invariant(
                    $"The times of a grid must rise or fall throughout, but {ends[k]} follows {times[k]}."), nameof(times));
            }

            lengths[k] = length ?? (ends[k] - times[k]);
            diffusions[k] = diffusion?.Invoke(times[k], ends[k]) ?? 0;
            deviations[k] = Math.Sqrt(2 * diffusions[k] * Math.Abs(lengths[k]));
        }

        _series = new() { ["t"] = times, ["tNext"] = ends, ["h"] = lengths, ["diffusion"] = diffusions, ["deviation"] = deviations };
    }

    private TimeGrid(TimeGrid grid, string name, double[] values) => (Rises, _series) = (grid.Rises, new(grid._series) { [name] = values });

    /// <summary>Number of steps K.</summary>
    public int Count => _series["t"].Length;

    /// <summary>Whether the times rise.</summary>
    public bool Rises { get; }

    /// <summary>The values of a series, those of a step beside each other [K, ...].</summary>
    /// <exception cref="ArgumentException">The grid has no such series.</exception>
    public ReadOnlySpan<double> this[string name] => _series.TryGetValue(name, out var values) ? values : throw new ArgumentException(
        $"The steps ask for '{name}', but the grid has only {string.Join(", ", _series.Keys)}; add it by {nameof(With)}.", nameof(name));

    /// <summary>Steps of one length, (to - from) / steps without the rounding of differences.</summary>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time, other than the first.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="diffusion">eps of the step between two times; null for 0.</param>
    public static TimeGrid Equal(double from, double to, int steps, Func<double, double, double>? diffusion = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        var times = EqualTimes(from, to, steps);
        return new TimeGrid(times[..^1], times[1..], (to - from) / steps, diffusion);
    }

    /// <summary>Equally spaced times [steps + 1].</summary>
    /// <param name="from">The first.</param>
    /// <param name="to">The last.</param>
    /// <param name="steps">Steps between them.</param>
    public static double[] EqualTimes(double from, double to, int steps) => [.. Enumerable.Range(0, steps + 1).Select(k => from + ((to - from) * k / steps))];

    /// <summary>Times from 0 in steps of one length, of which the last may be shorter.</summary>
    /// <param name="until">The last time, above 0.</param>
    /// <param name="step">The length, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">One of them isn't above 0.</exception>
    public static double[] TimesInSteps(double until, double step)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(until);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);

        // A hundredth of a step is rounding of the user's numbers, not a step.
        var count = Math.Max(1, (int)Math.Ceiling((until / step) - 0.01));
        return [.. Enumerable.Range(0, count).Select(k => k * step), until];
    }

    /// <summary>The same steps with one more series, or another one of that name.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its values [K], or [K, m] row-major for a per-step input of m elements.</param>
    /// <exception cref="ArgumentException">The values are not a whole number for each step.</exception>
    public TimeGrid With(string name, ReadOnlySpan<double> values) => values.Length > 0 && values.Length % Count == 0
        ? new TimeGrid(this, name, values.ToArray())
        : throw new ArgumentException($"'{name}' has {values.Length} values, which is not a whole number for each of {Count} steps.", nameof(values));

    private static double[] Parts(int first, int count, int total)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return [.. Enumerable.Range(first, count + 1).Select(k => (double)k / total)];
    }
}
