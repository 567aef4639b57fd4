using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// The solution of an ordinary differential equation inside of a density: a loop of Runge-Kutta steps (W. Kutta, Z. Math. Phys. 46 (1901), the classical method
/// of order 4), with derivatives as of any formula.
/// </summary>
public static class OdeTrajectory
{
    /// <summary>Solves y' = rate(t, y) by the classical method of order 4, with equal steps between two times.</summary>
    /// <param name="rate">From the time, a scalar, and the state [d] to its rate of change [d]. It is traced, and may use parameters from outside.</param>
    /// <param name="start">The state at the start [d].</param>
    /// <param name="startTime">The time of the start.</param>
    /// <param name="times">The times at which the state is wanted [n], increasing and after the start.</param>
    /// <param name="stepsBetween">Steps between one time and the next; the error falls with its fourth power.</param>
    /// <returns>The states [n, d].</returns>
    /// <exception cref="ArgumentException">The times don't increase.</exception>
    public static Expr Solve(Func<Expr, Expr, Expr> rate, Expr start, double startTime, IReadOnlyList<double> times, int stepsBetween)
    {
        ArgumentNullException.ThrowIfNull(rate);
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(times);
        ArgumentOutOfRangeException.ThrowIfLessThan(stepsBetween, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(times.Count, 1);
        var (n, last) = (times.Count * stepsBetween, startTime);
        var (begins, lengths) = (new double[n], new double[n]);
        for (var i = 0; i < times.Count; i++)
        {
            if (!(times[i] > last))
            {
                throw new ArgumentException(
                    FormattableString.Invariant($"The times must increase: {times[i]}, number {i + 1}, isn't after {last}."), nameof(times));
            }

            for (var k = 0; k < stepsBetween; k++)
            {
                var at = (i * stepsBetween) + k;
                lengths[at] = (times[i] - last) / stepsBetween;
                begins[at] = last + (k * lengths[at]);
            }

            last = times[i];
        }

        var steps = Expr.Stack(1, Expr.Constant(begins, n), Expr.Constant(lengths, n));
        var (_, states) = Expr.Scan(start, steps, (y, step) =>
        {
            var (t, h) = (step[0], step[1]);
            var first = rate(t, y);
            var second = rate(t + (0.5 * h), y + (0.5 * h * first));
            var third = rate(t + (0.5 * h), y + (0.5 * h * second));
            var fourth = rate(t + h, y + (h * third));
            var next = y + (h / 6 * (first + (2 * (second + third)) + fourth));
            return (next, next);
        });
        return states.Gather(0, [.. Enumerable.Range(1, times.Count).Select(i => (i * stepsBetween) - 1)]);
    }
}
