using System.Numerics;

namespace Monge.Dynamics;

/// <summary>
/// dy/dt = f(t, y) where the Jacobian's eigenvalues are real and mostly negative, as those of a gradient flow are: an explicit stabilised Runge-Kutta method of
/// order 2 whose s stages allow steps of about 0.65 s^2 / rho, rho the Jacobian's spectral radius, where ordinary methods allow about 0.7 s / rho. The steps
/// are as long as the error permits, and the stages as many as stability asks for. A step allocates nothing. Source: B. Sommeijer, L. Shampine and J. Verwer,
/// "RKC: an explicit solver for parabolic PDEs", J. Comput. Appl. Math. 88 (1998), with the coefficients of their section 2 and the error of section 3.
/// </summary>
public sealed class ChebyshevOde
{
    private const double Damping = 2.0 / 13;
    private const int FewestStages = 2;
    private const int MostStages = 200;
    private const int StepsPerEstimate = 25;
    private const int MostPowers = 50;
    private const double PowerTolerance = 0.01;

    // The power method's estimate comes from below.
    private const double RadiusSafety = 1.2;

    private readonly HostSlope _slope;
    private readonly double[] _start;
    private readonly double[] _startSlope;
    private readonly double[] _end;
    private readonly double[] _endSlope;
    private readonly double[] _direction;
    private double[] _before;
    private double[] _last;
    private double[] _next;

    /// <summary>Makes the integrator.</summary>
    /// <param name="dimension">n, at least 1.</param>
    /// <param name="slope">f.</param>
    public ChebyshevOde(int dimension, HostSlope slope)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentNullException.ThrowIfNull(slope);
        (Dimension, _slope) = (dimension, slope);
        (_start, _startSlope, _end, _endSlope) = (new double[dimension], new double[dimension], new double[dimension], new double[dimension]);
        (_before, _last, _next, _direction) = (new double[dimension], new double[dimension], new double[dimension], new double[dimension]);
    }

    /// <summary>n.</summary>
    public int Dimension { get; }

    /// <summary>Evaluations of f so far.</summary>
    public long Evaluations { get; private set; }

    /// <summary>The last estimate of the Jacobian's spectral radius, with its margin.</summary>
    public double SpectralRadius { get; private set; }

    /// <summary>Takes steps whose error, in root mean square over the state and scaled by absolute + relative * |y|, stays below 1.</summary>
    /// <param name="y">The state [n] at the first time; receives that of the end.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time, after the first.</param>
    /// <param name="absolute">Absolute tolerance, above 0.</param>
    /// <param name="relative">Relative tolerance, at least 0.</param>
    /// <param name="times">Times of output, ascending and within the run; between the ends of a step the solution is the cubic of Hermite.</param>
    /// <param name="output">Called with the solution at each of them; null for no output.</param>
    /// <param name="stop">Where this changes its sign the run ends; null to run to the last time.</param>
    /// <param name="maximumSteps">Steps after which the run is given up.</param>
    /// <exception cref="ArgumentException">The state has another length, or the times of output are out of order or outside the run.</exception>
    /// <exception cref="ArithmeticException">The step shrinks to nothing or the maximum of steps is reached.</exception>
    public HostOdeResult Run(
        Span<double> y, double from, double to, double absolute = 1e-8, double relative = 1e-8, ReadOnlySpan<double> times = default,
        HostOutput? output = null, HostEvent? stop = null, int maximumSteps = 100_000)
    {
        Check(y.Length, from, to, absolute, relative, times);
        y.CopyTo(_start);
        var (t, place, accepted, rejected) = (from, 0, 0, 0);
        Slope(t, _start, _startSlope);
        while (place < times.Length && times[place] == from)
        {
            output?.Invoke(from, _start);
            place++;
        }

        var sign = stop is null ? 0 : Math.Sign(stop(t, _start));
        _startSlope.CopyTo(_direction, 0);
        EstimateRadius(t);
        var h = Math.Min(to - from, 0.1 / Math.Max(SpectralRadius, 1e-300));
        var controller = new StepController(3);
        while (t < to)
        {
            if (accepted + rejected >= maximumSteps || h < 1e-14 * (to - from))
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"The ODE stands at t = {t:g6} after {accepted + rejected} steps with step {h:g2}: it explodes there, its Jacobian has eigenvalues far ")
                    + "from the negative axis, or it needs more steps; raise the tolerance or the maximum of steps, or use a Runge-Kutta method of HostOde.");
            }

            h = Math.Min(h, LongestStep(MostStages) / SpectralRadius);
            var isLast = t + (1.0001 * h) >= to;
            var step = isLast ? to - t : h;
            Step(t, step);
            var error = ScaledError(step, absolute, relative);
            if (!(error <= 1))
            {
                rejected++;
                h = controller.AfterRejected(step, error);
                EstimateRadius(t);
                continue;
            }

            accepted++;
            h = controller.AfterAccepted(step, error);
            var next = isLast ? to : t + step;
            if (Finish(t, next, sign, stop, times, output, ref place) is { } end)
            {
                _next.CopyTo(y);
                return new HostOdeResult(end, 0, accepted, rejected);
            }

            t = next;
            _end.CopyTo(_start, 0);
            _endSlope.CopyTo(_startSlope, 0);
            if (accepted % StepsPerEstimate == 0 && t < to)
            {
                EstimateRadius(t);
            }
        }

        _start.CopyTo(y);
        return new HostOdeResult(to, -1, accepted, rejected);
    }

    // Gives output within the step and seeks the stop; returns its time, with the solution in _next, if it is there.
    private double? Finish(double t, double next, int sign, HostEvent? stop, ReadOnlySpan<double> times, HostOutput? output, ref int place)
    {
        var after = stop is null || sign == 0 ? 0 : Math.Sign(stop(next, _end));
        double? root = after != 0 && after != sign ? Root(stop!, t, next, sign) : null;
        for (; place < times.Length && times[place] <= (root ?? next); place++)
        {
            Between(t, next, times[place]);
            output?.Invoke(times[place], _next);
        }

        if (root is { } end)
        {
            Between(t, next, end);
        }

        return root;
    }

    private void Check(int length, double from, double to, double absolute, double relative, ReadOnlySpan<double> times)
    {
        if (length != Dimension)
        {
            throw new ArgumentException($"The state has {length} numbers; the ODE has {Dimension}.", "y");
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(absolute);
        ArgumentOutOfRangeException.ThrowIfNegative(relative);
        if (!(to > from) || !double.IsFinite(to - from))
        {
            throw new ArgumentException(FormattableString.Invariant($"A run goes up in time, not from {from} to {to}."), nameof(to));
        }

        var before = from;
        foreach (var time in times)
        {
            if (!(time >= before && time <= to))
            {
                throw new ArgumentException(FormattableString.Invariant(
                    $"The times of output must ascend within the run, but {time} follows {before} in a run from {from} to {to}."), nameof(times));
            }

            before = time;
        }
    }

    private static double LongestStep(int stages) => 2.0 / 3 * ((stages * (double)stages) - 1) * (1 - (2.0 / 15 * Damping));

    private void Slope(double t, ReadOnlySpan<double> y, Span<double> slope)
    {
        _slope(t, y, slope);
        Evaluations++;
    }

    // The power method on differences of f at the start of a step; the last direction is a good first one for the next estimate.
    private void EstimateRadius(double t)
    {
        var (size, radius) = (Math.Sqrt(Dot(_start, _start)), 0.0);
        var small = 1e-7 * Math.Max(size, 1e-3 * Math.Sqrt(Dimension));
        for (var k = 0; k < MostPowers; k++)
        {
            var norm = Math.Sqrt(Dot(_direction, _direction));
            if (!(norm > 0))
            {
                // Where f is 0 any direction will do that isn't one of symmetry.
                for (var i = 0; i < Dimension; i++)
                {
                    _direction[i] = 1 + Math.Sin(i);
                }

                norm = Math.Sqrt(Dot(_direction, _direction));
            }

            for (var i = 0; i < Dimension; i++)
            {
                _next[i] = _start[i] + (small / norm * _direction[i]);
            }

            Slope(t, _next, _last);
            for (var i = 0; i < Dimension; i++)
            {
                _direction[i] = (_last[i] - _startSlope[i]) / small;
            }

            var (before, now) = (radius, Math.Sqrt(Dot(_direction, _direction)));
            radius = now;
            if (k > 1 && Math.Abs(now - before) <= PowerTolerance * now)
            {
                break;
            }
        }

        if (!double.IsFinite(radius))
        {
            throw new ArithmeticException(FormattableString.Invariant($"The ODE's slope is no longer finite at t = {t:g6}."));
        }

        SpectralRadius = Math.Max(RadiusSafety * radius, 1e-12);
    }

    // From _start with its slope to _end with its own.
    private void Step(double t, double h)
    {
        var s = FewestStages;
        while (LongestStep(s) < h * SpectralRadius && s < MostStages)
        {
            s++;
        }

        var w0 = 1 + (Damping / ((double)s * s));
        var chebyshev = new Recursion(w0);
        for (var j = 2; j <= s; j++)
        {
            chebyshev.Advance();
        }

        var w1 = chebyshev.Slope / chebyshev.Curvature;
        chebyshev = new Recursion(w0);
        chebyshev.Advance();
        var (b0, b1) = (chebyshev.Weight, chebyshev.Weight);
        var (c, earlier) = (b1 * w1, 0.0);
        Combine(_start, 1, _start, 0, _start, 0, c * h, _startSlope, 0, _last);
        _start.CopyTo(_before, 0);
        var a1 = 1 - (b1 * w0);
        for (var j = 2; j <= s; j++)
        {
            if (j > 2)
            {
                chebyshev.Advance();
            }

            var b = chebyshev.Weight;
            var (mu, nu, rate) = (2 * b * w0 / b1, -b / b0, 2 * b * w1 / b1);
            Slope(t + (h * c), _last, _endSlope);
            Combine(_start, 1 - mu - nu, _last, mu, _before, nu, rate * h, _endSlope, -a1 * rate * h, _next);
            (earlier, c) = (c, (mu * c) + (nu * earlier) + rate - (a1 * rate));
            (_before, _last, _next) = (_last, _next, _before);
            (b0, b1, a1) = (b1, b, 1 - (b * chebyshev.Value));
        }

        _last.CopyTo(_end, 0);
        Slope(t + h, _end, _endSlope);
    }

    // target = p start + q last + r before + u slope + v f(start).
    private void Combine(
        double[] start, double p, double[] last, double q, double[] before, double r, double u, double[] slope, double v, double[] target)
    {
        var lanes = Vector<double>.Count;
        var i = 0;
        for (; i + lanes <= target.Length; i += lanes)
        {
            var sum = (new Vector<double>(start, i) * p) + (new Vector<double>(last, i) * q) + (new Vector<double>(before, i) * r)
                + (new Vector<double>(slope, i) * u) + (new Vector<double>(_startSlope, i) * v);
            sum.CopyTo(target, i);
        }

        for (; i < target.Length; i++)
        {
            target[i] = (start[i] * p) + (last[i] * q) + (before[i] * r) + (slope[i] * u) + (_startSlope[i] * v);
        }
    }

    private double ScaledError(double h, double absolute, double relative)
    {
        var squares = 0.0;
        for (var i = 0; i < Dimension; i++)
        {
            var error = (0.8 * (_start[i] - _end[i])) + (0.4 * h * (_startSlope[i] + _endSlope[i]));
            var scaled = error / (absolute + (relative * Math.Max(Math.Abs(_start[i]), Math.Abs(_end[i]))));
            squares += scaled * scaled;
        }

        return Math.Sqrt(squares / Dimension);
    }

    private double Root(HostEvent stop, double t, double next, int sign)
    {
        var (before, after) = (t, next);
        for (var k = 0; k < 50 && after - before > 1e-12 * next; k++)
        {
            var middle = 0.5 * (before + after);
            Between(t, next, middle);
            (before, after) = Math.Sign(stop(middle, _next)) == sign ? (middle, after) : (before, middle);
        }

        return after;
    }

    // The cubic of Hermite through the values and slopes at both ends of the step.
    private void Between(double t, double next, double time)
    {
        var h = next - t;
        var s = (time - t) / h;
        var rest = 1 - s;
        var (atStart, atEnd, slopeStart, slopeEnd) = (rest * rest * (1 + (2 * s)), s * s * (3 - (2 * s)), h * s * rest * rest, -h * s * s * rest);
        for (var i = 0; i < Dimension; i++)
        {
            _next[i] = (atStart * _start[i]) + (atEnd * _end[i]) + (slopeStart * _startSlope[i]) + (slopeEnd * _endSlope[i]);
        }
    }

    private static double Dot(double[] left, double[] right)
    {
        var (lanes, sum, i) = (Vector<double>.Count, Vector<double>.Zero, 0);
        for (; i + lanes <= left.Length; i += lanes)
        {
            sum += new Vector<double>(left, i) * new Vector<double>(right, i);
        }

        var total = Vector.Sum(sum);
        for (; i < left.Length; i++)
        {
            total += left[i] * right[i];
        }

        return total;
    }

    // T_j, T'_j and T''_j at w, beginning with j = 1.
    private struct Recursion(double at)
    {
        private readonly double _twice = 2 * at;
        private double _valueBefore = 1;
        private double _slopeBefore;
        private double _curvatureBefore;

        public double Value { get; private set; } = at;

        public double Slope { get; private set; } = 1;

        public double Curvature { get; private set; }

        /// <summary>b_j, for j of at least 2.</summary>
        public readonly double Weight => Curvature / (Slope * Slope);

        public void Advance()
        {
            var value = (_twice * Value) - _valueBefore;
            var slope = (_twice * Slope) + (2 * Value) - _slopeBefore;
            var curvature = (_twice * Curvature) + (4 * Slope) - _curvatureBefore;
            (_valueBefore, _slopeBefore, _curvatureBefore) = (Value, Slope, Curvature);
            (Value, Slope, Curvature) = (value, slope, curvature);
        }
    }
}
