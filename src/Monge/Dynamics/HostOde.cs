using System.Globalization;

namespace Monge.Dynamics;

/// <summary>The right-hand side of an ODE on a state of numbers.</summary>
/// <param name="t">The time.</param>
/// <param name="y">The state [n].</param>
/// <param name="slope">Receives dy/dt [n].</param>
public delegate void HostSlope(double t, ReadOnlySpan<double> y, Span<double> slope);

/// <summary>A function of time and state whose roots are events.</summary>
/// <param name="t">The time.</param>
/// <param name="y">The state [n].</param>
public delegate double HostEvent(double t, ReadOnlySpan<double> y);

/// <summary>What is called with the solution at a time; the span is valid during the call.</summary>
/// <param name="t">The time.</param>
/// <param name="y">The state [n].</param>
public delegate void HostOutput(double t, ReadOnlySpan<double> y);

/// <summary>How a run of <see cref="HostOde"/> ended.</summary>
/// <param name="Time">The last time: the one asked for, or the event's.</param>
/// <param name="Event">The number of the event that ended the run; -1 for none.</param>
/// <param name="Accepted">Steps accepted.</param>
/// <param name="Rejected">Steps rejected.</param>
public readonly record struct HostOdeResult(double Time, int Event, int Accepted, int Rejected);

/// <summary>
/// dy/dt = f(t, y) for a state of doubles on the host, such as moments, spectra or all particles of an ensemble that interact: any explicit Runge-Kutta method
/// of <see cref="RungeKuttaTableau"/>, in equal steps or with error control, up or down in time, with output at asked times and events. Between the ends of a
/// step the solution is the cubic of Hermite through both values and slopes, of order 3, corrected by the method's dense weights if it has any. A step
/// allocates nothing.
/// </summary>
public sealed class HostOde
{
    // A root is sought until its interval is this small beside the times at its ends.
    private const double EventPrecision = 1e-13;

    private readonly HostSlope _slope;
    private readonly double[][] _stages;
    private readonly double[] _at;
    private readonly double[] _next;
    private readonly double[] _nextSlope;
    private readonly double[] _between;
    private readonly bool _endsInLastStage;

    /// <summary>Makes the integrator.</summary>
    /// <param name="tableau">The Runge-Kutta method.</param>
    /// <param name="dimension">n, at least 1.</param>
    /// <param name="slope">f.</param>
    public HostOde(RungeKuttaTableau tableau, int dimension, HostSlope slope)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        (Tableau, Dimension, _slope) = (tableau, dimension, slope);
        _stages = [.. tableau.Weights.Select(_ => new double[dimension])];
        (_at, _next, _nextSlope, _between) = (new double[dimension], new double[dimension], new double[dimension], new double[dimension]);
        _endsInLastStage = tableau.IsFirstSameAsLast;
    }

    /// <summary>The Runge-Kutta method.</summary>
    public RungeKuttaTableau Tableau { get; }

    /// <summary>n.</summary>
    public int Dimension { get; }

    /// <summary>
    /// The events: where one of these changes its sign the run ends. An event whose value at the first time is 0 is armed once it has left 0.
    /// </summary>
    public IReadOnlyList<HostEvent> Events { get; init; } = [];

    /// <summary>Takes equal steps.</summary>
    /// <param name="y">The state [n] at the first time; receives that of the end.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time, above or below the first.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="times">Times of output, in the order of the run and within it.</param>
    /// <param name="output">Called with the solution at each of them; null for no output.</param>
    /// <exception cref="ArgumentException">The state has another length, or the times of output are out of order or outside the run.</exception>
    /// <exception cref="ArithmeticException">The state becomes infinite or not a number.</exception>
    public HostOdeResult Run(Span<double> y, double from, double to, int steps, ReadOnlySpan<double> times = default, HostOutput? output = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        var run = Begin(y, from, to, times, output);
        var signs = Signs(from, y, stackalloc int[Events.Count]);
        for (var k = 0; k < steps; k++)
        {
            var t = from + ((to - from) * k / steps);
            var next = k + 1 == steps ? to : from + ((to - from) * (k + 1) / steps);
            Step(t, (to - from) / steps, y);
            if (!IsFinite(_next))
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"The ODE is no longer finite after t = {t:g6}; take more steps than {steps}, or control the error."));
            }

            if (Finish(y, t, next, signs, times, output, ref run) is { } hit)
            {
                return new HostOdeResult(hit.Time, hit.Event, k + 1, 0);
            }
        }

        return new HostOdeResult(to, -1, steps, 0);
    }

    /// <summary>
    /// Takes steps whose embedded error, in root mean square over the state and scaled by absolute + relative * |y|, stays below 1 (proportional-integral
    /// control; Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, II.4).
    /// </summary>
    /// <param name="y">The state [n] at the first time; receives that of the end.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time, above or below the first.</param>
    /// <param name="absolute">Absolute tolerance, above 0.</param>
    /// <param name="relative">Relative tolerance, at least 0.</param>
    /// <param name="times">Times of output, in the order of the run and within it.</param>
    /// <param name="output">Called with the solution at each of them; null for no output.</param>
    /// <param name="maximumSteps">Steps after which the run is given up.</param>
    /// <exception cref="InvalidOperationException">The Runge-Kutta method has no embedded method.</exception>
    /// <exception cref="ArgumentException">The state has another length, or the times of output are out of order or outside the run.</exception>
    /// <exception cref="ArithmeticException">
    /// The step shrinks to nothing or the maximum of steps is reached: the ODE explodes or is too stiff for an explicit method.
    /// </exception>
    public HostOdeResult RunAdaptive(
        Span<double> y,
        double from,
        double to,
        double absolute = 1e-8,
        double relative = 1e-8,
        ReadOnlySpan<double> times = default,
        HostOutput? output = null,
        int maximumSteps = 100_000)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(absolute);
        ArgumentOutOfRangeException.ThrowIfNegative(relative);
        if (Tableau.ErrorWeights is null)
        {
            throw new InvalidOperationException($"{Tableau.Name} has no embedded method to estimate the error with; use DormandPrince54 or another that has.");
        }

        var run = Begin(y, from, to, times, output);
        var signs = Signs(from, y, stackalloc int[Events.Count]);
        var (span, sign) = (Math.Abs(to - from), Math.Sign(to - from));
        var (done, h, accepted, rejected) = (0.0, 0.01 * span, 0, 0);
        var controller = new StepController(Tableau.Order);
        while (done < span)
        {
            if (accepted + rejected >= maximumSteps || h < 1e-14 * span)
            {
                throw new ArithmeticException(string.Create(CultureInfo.InvariantCulture,
                    $"The ODE stands at t = {from + (sign * done):g6} after {accepted + rejected} steps with step {h:g2}: it explodes there, or it is too "
                    + $"stiff ")
                    + FormattableString.Invariant(
                        $"for {Tableau.Name}; raise the tolerance or the maximum of {maximumSteps} steps, or use an implicit method."));
            }

            // A last step of rounding size is merged into the one before.
            var last = done + (h * 1.0001) >= span;
            var step = last ? span - done : h;
            var t = from + (sign * done);
            Step(t, sign * step, y);
            var error = ScaledError(sign * step, y, absolute, relative);
            if (!(error <= 1))
            {
                rejected++;
                h = controller.AfterRejected(step, error);
                continue;
            }

            accepted++;
            done = last ? span : done + step;
            h = controller.AfterAccepted(step, error);
            if (Finish(y, t, last ? to : from + (sign * done), signs, times, output, ref run) is { } hit)
            {
                return new HostOdeResult(hit.Time, hit.Event, accepted, rejected);
            }
        }

        return new HostOdeResult(to, -1, accepted, rejected);
    }

    private static bool IsFinite(ReadOnlySpan<double> values)
    {
        foreach (var value in values)
        {
            if (!double.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }

    // The number of the next time of output, whose place in the run is checked here; the slope at the first time goes to the first stage.
    private int Begin(ReadOnlySpan<double> y, double from, double to, ReadOnlySpan<double> times, HostOutput? output)
    {
        if (y.Length != Dimension)
        {
            throw new ArgumentException($"The state has {y.Length} numbers; the ODE has {Dimension}.", nameof(y));
        }

        var before = from;
        foreach (var time in times)
        {
            if (!(to >= from ? time >= before && time <= to : time <= before && time >= to))
            {
                throw new ArgumentException(FormattableString.Invariant(
                    $"The times of output must lie within the run in its order, but {time} follows {before} in a run from {from} to {to}."), nameof(times));
            }

            before = time;
        }

        _slope(from, y, _stages[0]);
        var place = 0;
        while (place < times.Length && times[place] == from)
        {
            output?.Invoke(from, y);
            place++;
        }

        return place;
    }

    private Span<int> Signs(double t, ReadOnlySpan<double> y, Span<int> signs)
    {
        for (var e = 0; e < signs.Length; e++)
        {
            signs[e] = Math.Sign(Events[e](t, y));
        }

        return signs;
    }

    // From y at t, whose slope is the first stage, to _next with its slope in _nextSlope.
    private void Step(double t, double h, ReadOnlySpan<double> y)
    {
        for (var stage = 1; stage < _stages.Length; stage++)
        {
            Combine(y, h, Tableau.Stages[stage], _at);
            _slope(t + (Tableau.Nodes[stage] * h), _at, _stages[stage]);
        }

        if (_endsInLastStage)
        {
            _at.CopyTo(_next, 0);
            _stages[^1].CopyTo(_nextSlope, 0);
            return;
        }

        Combine(y, h, Tableau.Weights, _next);
        _slope(t + h, _next, _nextSlope);
    }

    private void Combine(ReadOnlySpan<double> y, double h, double[] weights, Span<double> result)
    {
        y.CopyTo(result);
        for (var j = 0; j < weights.Length; j++)
        {
            var (weight, stage) = (h * weights[j], _stages[j]);
            for (var i = 0; weight != 0 && i < result.Length; i++)
            {
                result[i] += weight * stage[i];
            }
        }
    }

    private double ScaledError(double h, ReadOnlySpan<double> y, double absolute, double relative)
    {
        var squares = 0.0;
        for (var i = 0; i < y.Length; i++)
        {
            var error = 0.0;
            for (var j = 0; j < _stages.Length; j++)
            {
                error += Tableau.ErrorWeights![j] * _stages[j][i];
            }

            var scaled = h * error / (absolute + (relative * Math.Max(Math.Abs(y[i]), Math.Abs(_next[i]))));
            squares += scaled * scaled;
        }

        return Math.Sqrt(squares / y.Length);
    }

    // Gives output within the step, looks for events and moves on to its end; returns the event that ends the run, if one does.
    private (double Time, int Event)? Finish(
        Span<double> y, double t, double next, Span<int> signs, ReadOnlySpan<double> times, HostOutput? output, ref int place)
    {
        var (end, which) = (next, -1);
        for (var e = 0; e < signs.Length; e++)
        {
            var sign = Math.Sign(Events[e](next, _next));
            if (signs[e] != 0 && sign != signs[e])
            {
                var root = Root(e, y, t, next, signs[e]);
                if (which < 0 || Math.Abs(root - t) < Math.Abs(end - t))
                {
                    (end, which) = (root, e);
                }
            }

            signs[e] = sign == 0 ? signs[e] : sign;
        }

        while (place < times.Length && (next >= t ? times[place] <= end : times[place] >= end))
        {
            Between(y, t, next, times[place]);
            output?.Invoke(times[place++], _between);
        }

        if (which >= 0)
        {
            Between(y, t, next, end);
            _between.CopyTo(y);
            return (end, which);
        }

        _next.CopyTo(y);
        _nextSlope.CopyTo(_stages[0], 0);
        return null;
    }

    // Bisection: of the two halves the one whose ends differ in sign; the event is at the far end, where the sign has changed.
    private double Root(int e, ReadOnlySpan<double> y, double t, double next, int sign)
    {
        var (before, after) = (t, next);
        while (Math.Abs(after - before) > EventPrecision * Math.Max(Math.Abs(t), Math.Abs(next)))
        {
            var middle = 0.5 * (before + after);
            if (middle == before || middle == after)
            {
                break;
            }

            Between(y, t, next, middle);
            if (Math.Sign(Events[e](middle, _between)) == sign)
            {
                before = middle;
            }
            else
            {
                after = middle;
            }
        }

        return after;
    }

    // The cubic of Hermite through the values and slopes at both ends of the step, and what the method knows better.
    private void Between(ReadOnlySpan<double> y, double t, double next, double time)
    {
        var h = next - t;
        var s = (time - t) / h;
        var (slope, rest) = (_stages[0], 1 - s);
        var (atStart, atEnd, slopeStart, slopeEnd) = (rest * rest * (1 + (2 * s)), s * s * (3 - (2 * s)), h * s * rest * rest, -h * s * s * rest);
        for (var i = 0; i < y.Length; i++)
        {
            _between[i] = (atStart * y[i]) + (atEnd * _next[i]) + (slopeStart * slope[i]) + (slopeEnd * _nextSlope[i]);
        }

        for (var j = 0; j < (Tableau.DenseWeights?.Length ?? 0); j++)
        {
            var (weight, stage) = (h * s * s * rest * rest * Tableau.DenseWeights![j], _stages[j]);
            for (var i = 0; i < y.Length; i++)
            {
                _between[i] += weight * stage[i];
            }
        }
    }
}
