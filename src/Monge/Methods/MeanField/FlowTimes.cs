namespace Monge.Methods;

/// <summary>The times at which a flow in equal steps is asked for.</summary>
internal static class FlowTimes
{
    /// <summary>Refuses times that don't ascend from 0, before anything is computed.</summary>
    /// <param name="times">The times.</param>
    /// <exception cref="ArgumentException">Times aren't ascending from 0, or one isn't finite.</exception>
    public static void Check(IReadOnlyList<double> times)
    {
        ArgumentNullException.ThrowIfNull(times);
        var before = 0.0;
        foreach (var time in times)
        {
            if (!(time >= before) || double.IsInfinity(time))
            {
                throw new ArgumentException(
                    FormattableString.Invariant($"Times of a flow are finite and ascend from 0, but {time} follows {before}."), nameof(times));
            }

            before = time;
        }
    }

    /// <summary>The least number of equal steps between two times, none of them longer than a step.</summary>
    /// <param name="from">The earlier time.</param>
    /// <param name="to">The later time.</param>
    /// <param name="step">The longest step.</param>
    public static int Steps(double from, double to, double step) => Math.Max(1, (int)Math.Ceiling(((to - from) / step) - 1e-9));
}
