using System.Globalization;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Paths;

/// <summary>
/// Schedules chosen by the averaged squared Lipschitz constant A_2 = int_0^1 E|grad b(I_t)|^2 dt of the velocity, or its 2k-th power (Y. Chen, E.
/// Vanden-Eijnden, J. Xu, arXiv:2509.01629): among schedules with the same curve of laws the best runs at a speed at which E|grad b|^(2k) is constant.
/// </summary>
public static class ScheduleDesign
{
    private const int QuadratureIntervals = 200_000;
    private const int PowerIterations = 30;

    /// <summary>A_2 for data N(0, M) and a standard Gaussian base on the line, by quadrature: b = (d log v / dt) x / 2 with v = alpha^2 + beta^2 M.</summary>
    /// <param name="schedule">The schedule, without a latent variable.</param>
    /// <param name="variance">M, above 0.</param>
    /// <returns>A_2 and the largest Lipschitz constant over time.</returns>
    public static (double AveragedSquare, double Largest) GaussianLipschitz(InterpolantSchedule schedule, double variance)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(variance);
        double[] times = [.. Enumerable.Range(0, QuadratureIntervals + 1).Select(k => (double)k / QuadratureIntervals)];
        double[] slopes =
            [.. schedule.At(times).Select(v => (v.AlphaAlphaRate + (variance * v.BetaBetaRate)) / ((v.Alpha * v.Alpha) + (variance * v.Beta * v.Beta)))];
        var sum = 0.0;
        for (var k = 0; k <= QuadratureIntervals; k++)
        {
            // Simpson's rule.
            sum += (k == 0 || k == QuadratureIntervals ? 1 : k % 2 == 1 ? 4 : 2) * slopes[k] * slopes[k];
        }

        return (sum / (3 * QuadratureIntervals), slopes.Max(Math.Abs));
    }

    /// <summary>
    /// The variance-preserving schedule with the least A_2k for the symmetric mixture p N(r, I) + (1 - p) N(-r, I): t = H(beta) / H(1) with
    /// H(beta) = int_0^beta u C(u)^(1/2k) du and C the mean of sech^4k(h + u r.x), h = log(p / (1 - p)) / 2. Tabulated and inverted.
    /// </summary>
    /// <param name="separation">|r|, above 0.</param>
    /// <param name="weight">p, between 0 and 1.</param>
    /// <param name="power">k, at least 1; larger values come nearer to the largest Lipschitz constant.</param>
    public static InterpolantSchedule Mixture(double separation, double weight = 0.5, int power = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(separation);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(weight);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(weight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(power, 1);
        var inverse = MixtureTable(separation, weight, power);
        Expr Square(Expr t) => inverse.Apply(t).Clamp(0, 1);
        Expr HalfRate(Expr t) => 0.5 * InterpolantSchedule.Rate(inverse.Apply, t);
        return new InterpolantSchedule(
            FormattableString.Invariant($"mixture:{separation:R}"), t => (1 - Square(t)).Sqrt(), t => Square(t).Sqrt(), alphaAlphaRate: t =>
                -HalfRate(t), betaBetaRate: HalfRate);
    }

    /// <summary>
    /// The closed-form approximation of <see cref="Mixture"/>: beta = sqrt(-log(1 + (exp(-r^2) - 1) t)) / r. For large separations beta stays far below 1 until
    /// the last moment, so a run that ends at t below 1 ends with one exact step.
    /// </summary>
    /// <param name="separation">r = |r|, above 0.</param>
    public static InterpolantSchedule MixtureSurrogate(double separation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(separation);
        var (square, last) = (separation * separation, Math.Exp(-separation * separation));

        // 1 + (exp(-r^2) - 1) t, by its small part near t = 0 and by its terms near 1, where exp(-r^2) may be all that is left, or less than any number.
        Expr Remainder(Expr t) => 1 - t + (last * t);
        Expr Square(Expr t) => (-Expr.Select(t.Less(0.5), (-(1 - last) * t).Log1p(), Remainder(t).Log()) / square).Clamp(0, 1);
        Expr HalfRate(Expr t) => 0.5 * (1 - last) / (square * Remainder(t));
        return new InterpolantSchedule(
            string.Create(CultureInfo.InvariantCulture, $"mixture-surrogate:{separation:R}"), t => (1 - Square(t)).Sqrt(), t => Square(t).Sqrt(),
            alphaAlphaRate: t => -HalfRate(t), betaBetaRate: HalfRate);
    }

    /// <summary>
    /// The mean of |grad b|^2 (spectral norm squared) under the law of x_t on a grid of times, by power iteration, for any field: learned or in closed form.
    /// </summary>
    /// <param name="parameters">The field's parameters; null if it has none.</param>
    /// <param name="values">Their values [P]; null likewise.</param>
    /// <param name="velocity">b(x, t) [d]. Its Jacobian is formed, so d should be small.</param>
    /// <param name="times">The times [n].</param>
    /// <param name="positions">For each time, positions [m, d] drawn from the law of x_t.</param>
    /// <param name="options">How to execute.</param>
    public static double[] SquaredLipschitz(ParameterSet? parameters, NdArray<double>? values, IVectorField velocity, double[] times,
        Func<double, double[]> positions, ExecutionOptions? options = null)
    {
        var d = velocity.Dimension;
        var (x, t) = (Expr.Input("x", d), Expr.Shared("t"));
        var jacobian = Derivative.Jacobian(velocity.Apply(x, t), x);

        // A start that is orthogonal to no axis; two power iterations for each factor of the norm.
        var v = Expr.Constant([.. Enumerable.Range(0, d).Select(i => 1 + (0.1 * Math.Sin(i + 1)))], d);
        Expr square = 0;
        for (var k = 0; k < (d == 1 ? 1 : PowerIterations); k++)
        {
            v = Expr.MatrixProduct(jacobian.Transpose(), Expr.MatrixProduct(jacobian, v / (v.Norm() + 1e-300)));
            square = v.Norm();
        }

        using var program = new CompiledProgram<double>(new TracedProgram(parameters, ("sum", square.BatchSum()), ("time", t + x[0])), options);
        program.Parameters = values ?? program.Parameters;
        return [.. times.Select(time =>
        {
            var points = positions(time);
            var n = points.Length / d;
            program["x"] = NdArray<double>.From(points, n, d);
            program["time"] = new NdArray<double>(n);
            program["t"].Span[0] = time;
            program.Run(n);
            return program["sum"][0] / n;
        })];
    }

    /// <summary>
    /// The clock that makes E|grad b|^2 constant in time, from its values along a schedule: tau' is proportional to its inverse root. Use with
    /// <see cref="InterpolantSchedule.OnClock"/>.
    /// </summary>
    /// <param name="times">The times [n], rising from 0 to 1.</param>
    /// <param name="squares">E|grad b|^2 there [n], positive.</param>
    public static MonotoneTable EqualisingClock(double[] times, double[] squares)
    {
        var sums = new double[times.Length];
        for (var k = 1; k < times.Length; k++)
        {
            sums[k] = sums[k - 1] + (0.5 * (times[k] - times[k - 1]) * (Math.Sqrt(squares[k]) + Math.Sqrt(squares[k - 1])));
        }

        return new MonotoneTable([.. sums.Select(s => s / sums[^1])], times);
    }

    // beta^2 as a function of t = H / H(1). In s = beta^2 the integrand is smooth: H = (1/2) int C(sqrt s)^(1/2k) ds, and the slope ds/dt is known.
    private static MonotoneTable MixtureTable(double separation, double weight, int power)
    {
        // The integrand dies at beta of a few over r: knots crowd towards 0, and from ten over r on have equal ratios.
        const int Near = 600;
        const int Far = 200;
        var edge = Math.Min(1, 100 / (separation * separation));
        List<double> knots = [.. Enumerable.Range(0, Near + 1).Select(k => edge * Math.Pow((double)k / Near, 2))];
        if (edge < 1)
        {
            knots.AddRange(Enumerable.Range(1, Far).Select(k => k == Far ? 1 : Math.Pow(edge, 1 - ((double)k / Far))));
        }

        var shift = 0.5 * Math.Log(weight / (1 - weight));
        double Mean(double square)
        {
            // E sech^4k over the two modes: log-weights are added first, as sech underflows.
            var u = Math.Sqrt(square) * separation;
            return Quadrature.Line(
                z => Math.Exp(-0.5 * z * z) / Math.Sqrt(2 * Math.PI)
                    * ((weight * Sech(shift + (u * u) + (u * z), 4 * power)) + ((1 - weight) * Sech(shift - (u * u) + (u * z), 4 * power))),
                -14,
                14,
                1600);
        }

        var rates = new Dictionary<double, double>();
        double Rate(double square) => rates.TryGetValue(square, out var known) ? known : rates[square] = Math.Pow(Math.Max(0, Mean(square)), 0.5 / power);
        var times = new double[knots.Count];
        for (var k = 1; k < times.Length; k++)
        {
            var (from, to) = (knots[k - 1], knots[k]);
            times[k] = times[k - 1] + ((to - from) / 6 * (Rate(from) + (4 * Rate(0.5 * (from + to))) + Rate(to)));
        }

        // Knots whose times coincide in double precision can't be told apart; the last is kept, so that the table ends at 1.
        var total = times[^1];
        List<int> kept = [0];
        for (var k = 1; k < times.Length; k++)
        {
            if (times[k] / total > (times[kept[^1]] / total) + 1e-15 && (k == times.Length - 1 || times[k] / total < 1 - 1e-15))
            {
                kept.Add(k);
            }
        }

        double[] squares = [.. kept.Select(k => knots[k])];
        double[] shares = [.. kept.Select(k => times[k] / total)];
        double[] slopes = [.. squares.Select(s => Math.Min(total / Math.Max(Rate(s), 1e-300), double.MaxValue))];
        (squares[^1], shares[^1]) = (1, 1);
        return new MonotoneTable(shares, squares, slopes);
    }

    private static double Sech(double x, int power) => Math.Exp(power * (Math.Log(2) - Math.Abs(x) - double.LogP1(Math.Exp(-2 * Math.Abs(x)))));
}
