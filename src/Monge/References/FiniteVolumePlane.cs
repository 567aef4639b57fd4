using Monge.Diagnostics;
using Monge.Engine.Execution;
using Monge.Fields;

namespace Monge.References;

/// <summary>What <see cref="FiniteVolumePlane.Stationary"/> found.</summary>
/// <param name="Density">The density at the end.</param>
/// <param name="Time">The time that it took to settle.</param>
/// <param name="Distance">
/// Estimate of int |rho - rho at infinity|, from how the last changes shrank; that the steps' own stationary law is off by their error in time comes on top.
/// </param>
/// <param name="Status">Whether the tolerance was reached.</param>
public sealed record StationaryPlane(PlaneDensity Density, double Time, double Distance, Status Status);

/// <summary>
/// Finite volumes for d rho/dt = -div(b rho) + d(D1 d rho/dx)/dx + d(D2 d rho/dy)/dy on a box, each axis with walls or a ring, b = f(x, y, t) - grad U(x, y),
/// D1 and D2 at least 0: the law of dX = b dt + sqrt(2 D) dW. The drift need not be a gradient. Steps are split symmetrically into implicit ones along the axes
/// (Strang 1968), each of which conserves mass and is positive at any step; of order 2 in the step and in the widths w of the cells where w is short beside
/// D / |b|, as in <see cref="FiniteVolumeLine"/>. An axis without diffusion, such as the position of inertial systems, is carried by a conservative remap of
/// order 2 that has no bound on the step either. Where there is a potential and f = 0, exp(-U / D), D1 = D2, is stationary to rounding; elsewhere the
/// stationary law of the steps is off by O(step^2).
/// </summary>
/// <remarks>Source: Scharfetter and Gummel 1969; Chang and Cooper 1970; Strang 1968.</remarks>
public sealed class FiniteVolumePlane : IDisposable
{
    // Columns that are gathered together, as wide as a cache line.
    private const int Columns = 8;

    // Steps between two looks at the change on the way to the stationary law, and the changes in a step that rounding makes.
    private const int StepsPerLook = 16;
    private const double Rounding = 1e-13;

    [ThreadStatic]
    private static double[]? t_columns;

    private readonly int _threads;
    private readonly AxisSweep _first;
    private readonly AxisSweep _second;
    private readonly FaceVelocity _firstVelocity;
    private readonly FaceVelocity _secondVelocity;

    // Turns of the loops over lines, made once so that a step allocates nothing.
    private readonly Action<int> _prepareFirst;
    private readonly Action<int> _prepareSecond;
    private readonly Action<int> _advanceFirst;
    private readonly Action<int> _advanceSecond;
    private double[] _values = [];

    /// <summary>Makes a solver.</summary>
    /// <param name="first">The cells along x, n1.</param>
    /// <param name="second">The cells along y, n2.</param>
    /// <param name="drift">f, a field on R^2; null for none.</param>
    /// <param name="firstDiffusion">D1, at least 0.</param>
    /// <param name="secondDiffusion">D2, at least 0.</param>
    /// <param name="potential">U(x, y), periodic along rings; null for none.</param>
    /// <param name="options">How to work.</param>
    /// <exception cref="ArgumentException">The drift is not on R^2, or a diffusion is negative or not finite.</exception>
    public FiniteVolumePlane(
        CellAxis first,
        CellAxis second,
        IVectorField? drift,
        double firstDiffusion,
        double secondDiffusion,
        Func<double, double, double>? potential = null,
        FiniteVolumeOptions? options = null)
    {
        if (drift is not null && drift.Dimension != 2)
        {
            throw new ArgumentException($"The drift is on R^{drift.Dimension}; this solver is for the plane.", nameof(drift));
        }

        options ??= new FiniteVolumeOptions();
        (First, Second, _threads) = (first, second, options.Threads);
        var potentialAcross = potential is null ? null : (Func<double, double, double>)((y, x) => potential(x, y));
        (_first, _firstVelocity) = Axis(first, second, drift, 0, firstDiffusion, potential, options);
        (_second, _secondVelocity) = Axis(second, first, drift, 1, secondDiffusion, potentialAcross, options);
        _prepareFirst = _first.Prepare;
        _prepareSecond = _second.Prepare;
        _advanceFirst = AdvanceColumns;
        _advanceSecond = i => _second.Advance(i, _values.AsSpan(i * Second.Cells, Second.Cells));
    }

    /// <summary>The cells along x.</summary>
    public CellAxis First { get; }

    /// <summary>The cells along y.</summary>
    public CellAxis Second { get; }

    /// <summary>Carries a density over a time, in place. A step takes the drift of its middle and allocates nothing.</summary>
    /// <param name="density">The density, on the solver's axes.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time, at least the first.</param>
    /// <param name="steps">Equal steps, at least 1.</param>
    /// <exception cref="ArgumentException">The density is on other axes, or the times are out of order.</exception>
    /// <exception cref="ArithmeticException">The density is negative or not finite somewhere, or the drift is not finite.</exception>
    public void Advance(PlaneDensity density, double from, double to, int steps)
    {
        CheckAxes(density);
        CheckTimes(from, to, steps);
        CellSums.ThrowIfNotPositive(density.Values, density.Place);
        var step = (to - from) / steps;
        for (var k = 0; k < steps; k++)
        {
            UpdateVelocities(from + ((k + 0.5) * step));
            Step(density, step);
        }
    }

    /// <summary>
    /// Carries a density on at the drift of one time until it settles. The changes over stretches of 16 steps and how they shrink tell how far there is to go;
    /// where wells are exchanged so slowly that changes are small for long before, start from a density that has the right mass in each.
    /// </summary>
    /// <param name="start">Where to start; not changed.</param>
    /// <param name="step">The step: the result is off by O(step^2).</param>
    /// <param name="tolerance">Of int |rho - rho at infinity|, above 0.</param>
    /// <param name="maximumSteps">Steps after which it ends without having settled.</param>
    /// <param name="t">The time of the drift.</param>
    /// <exception cref="ArgumentException">The density is on other axes, or the step, the tolerance or the number of steps is not above 0.</exception>
    /// <exception cref="ArithmeticException">The density is negative or not finite somewhere, or the drift is not finite.</exception>
    public StationaryPlane Stationary(PlaneDensity start, double step, double tolerance = 1e-8, int maximumSteps = 100_000, double t = 0)
    {
        CheckAxes(start);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tolerance);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumSteps);
        CellSums.ThrowIfNotPositive(start.Values, start.Place);
        var (density, before) = (start.Copy(), start.Copy());
        UpdateVelocities(t);
        var (change, distance, taken) = (double.NaN, double.PositiveInfinity, 0);
        while (taken < maximumSteps)
        {
            density.Values.CopyTo(before.Values, 0);
            var stretch = Math.Min(StepsPerLook, maximumSteps - taken);
            for (var k = 0; k < stretch; k++)
            {
                Step(density, step);
            }

            taken += stretch;
            var sum = 0.0;
            for (var i = 0; i < before.Values.Length; i++)
            {
                sum += Math.Abs(density.Values[i] - before.Values[i]);
            }

            (var last, change) = (change, sum * density.CellArea);

            // Changes that shrink by q each add up to change q / (1 - q) in all that come.
            var ratio = change / last;
            distance = change <= Rounding * stretch ? change : ratio < 1 ? change * ratio / (1 - ratio) : double.PositiveInfinity;
            if (distance <= tolerance)
            {
                return new StationaryPlane(density, taken * step, distance, Status.Success);
            }
        }

        return new StationaryPlane(density, taken * step, distance, new Status(
            StatusCode.NotConverged,
            FormattableString.Invariant($"the density still changed by {change:g3} over the last steps after a time of {taken * step:g4}"),
            "allow more steps, or start nearer to the stationary law"));
    }

    /// <summary>The current J = b rho - D grad rho at the cells' centres, the mean of those at both faces.</summary>
    /// <param name="density">The density.</param>
    /// <param name="t">The time of the drift.</param>
    /// <returns>Both components, row-major [n1, n2].</returns>
    public (double[] First, double[] Second) Currents(PlaneDensity density, double t)
    {
        CheckAxes(density);
        UpdateRates(t);
        var (n, m, p) = (First.Cells, Second.Cells, density.Values);
        var (along, across) = (new double[n * m], new double[n * m]);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < m; j++)
            {
                // A face's current belongs by halves to the cells on both sides; it is 0 at walls.
                var (here, right, above) = ((i * m) + j, ((i + 1) % n * m) + j, (i * m) + ((j + 1) % m));
                var (toRight, toAbove) = (0.5 * _first.Current(j, i, p[here], p[right]), 0.5 * _second.Current(i, j, p[here], p[above]));
                along[here] += toRight;
                along[right] += toRight;
                across[here] += toAbove;
                across[above] += toAbove;
            }
        }

        return (along, across);
    }

    /// <summary>
    /// The entropy production int (J1^2 / D1 + J2^2 / D2) / rho, that is E |b - D grad log rho|^2 / D, rho scaled to mass 1; without the term of an axis that
    /// has no diffusion.
    /// </summary>
    /// <param name="density">The density.</param>
    /// <param name="t">The time of the drift.</param>
    public double EntropyProduction(PlaneDensity density, double t)
    {
        CheckAxes(density);
        UpdateRates(t);
        var (n, m, p, sum) = (First.Cells, Second.Cells, density.Values, 0.0);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < m; j++)
            {
                var here = p[(i * m) + j];
                sum += _first.Production(j, i, here, p[((i + 1) % n * m) + j]) + _second.Production(i, j, here, p[(i * m) + ((j + 1) % m)]);
            }
        }

        return sum * density.CellArea / density.Mass;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _firstVelocity.Dispose();
        _secondVelocity.Dispose();
    }

    /// <summary>Refuses times that are out of order.</summary>
    internal static void CheckTimes(double from, double to, int steps)
    {
        if (!double.IsFinite(to - from) || to < from)
        {
            throw new ArgumentException(FormattableString.Invariant($"The law can't be carried from t = {from} to t = {to}; times must be finite and ascend."));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
    }

    // Lines along an axis, one for each cell of the other; the potential's first argument is the place along the axis.
    private static (AxisSweep Sweep, FaceVelocity Velocity) Axis(
        CellAxis axis,
        CellAxis other,
        IVectorField? drift,
        int component,
        double diffusion,
        Func<double, double, double>? potential,
        FiniteVolumeOptions options)
    {
        if (!(diffusion >= 0 && double.IsFinite(diffusion)))
        {
            throw new ArgumentException(
                FormattableString.Invariant($"The diffusion of coordinate {component} is {diffusion}; it must be finite and at least 0."), nameof(diffusion));
        }

        var (n, m) = (axis.Cells, other.Cells);
        var (faces, isWall, slope) = (new double[2 * n * m], new bool[n * m], potential is null ? null : new double[n * m]);
        for (var k = 0; k < n * m; k++)
        {
            var (line, cell) = (k / n, k % n);
            isWall[k] = cell == n - 1 && !axis.IsPeriodic;
            faces[(2 * k) + component] = axis.Face(cell);
            faces[(2 * k) + 1 - component] = other.Centre(line);
            if (slope is not null && !isWall[k])
            {
                // Differences of the potential between centres, not its derivative: so exp(-U / D) is stationary.
                slope[k] = (potential!(axis.Centre(cell), other.Centre(line)) - potential(axis.Centre((cell + 1) % n), other.Centre(line))) / axis.Width;
            }
        }

        var atFaces = Enumerable.Range(0, n).Select(cell => cell == n - 1 && !axis.IsPeriodic ? 0 : diffusion).ToArray();
        return (new AxisSweep(axis, m, atFaces, options), new FaceVelocity(drift, component, faces, isWall, slope, options.Threads));
    }

    private void Step(PlaneDensity density, double step)
    {
        _values = density.Values;
        if (_first.Begin(0.5 * step))
        {
            Workers.For(Second.Cells, _threads, _prepareFirst);
        }

        if (_second.Begin(step))
        {
            Workers.For(First.Cells, _threads, _prepareSecond);
        }

        var blocks = (Second.Cells + Columns - 1) / Columns;
        Workers.For(blocks, _threads, _advanceFirst);
        Workers.For(First.Cells, _threads, _advanceSecond);
        Workers.For(blocks, _threads, _advanceFirst);
    }

    private void AdvanceColumns(int block)
    {
        var (n, m, from) = (First.Cells, Second.Cells, block * Columns);
        var count = Math.Min(Columns, m - from);
        if (t_columns is null || t_columns.Length < Columns * n)
        {
            t_columns = new double[Columns * n];
        }

        var columns = t_columns.AsSpan(0, count * n);
        for (var i = 0; i < n; i++)
        {
            for (var c = 0; c < count; c++)
            {
                columns[(c * n) + i] = _values[(i * m) + from + c];
            }
        }

        for (var c = 0; c < count; c++)
        {
            _first.Advance(from + c, columns.Slice(c * n, n));
        }

        for (var i = 0; i < n; i++)
        {
            for (var c = 0; c < count; c++)
            {
                _values[(i * m) + from + c] = columns[(c * n) + i];
            }
        }
    }

    private void UpdateVelocities(double t)
    {
        if (_firstVelocity.Update(t, _first.Velocity))
        {
            _first.Change();
        }

        if (_secondVelocity.Update(t, _second.Velocity))
        {
            _second.Change();
        }
    }

    private void UpdateRates(double t)
    {
        UpdateVelocities(t);
        if (_first.IsDiffusive)
        {
            Workers.For(Second.Cells, _threads, _first.UpdateRates);
        }

        if (_second.IsDiffusive)
        {
            Workers.For(First.Cells, _threads, _second.UpdateRates);
        }
    }

    private void CheckAxes(PlaneDensity density)
    {
        if (density.First != First || density.Second != Second)
        {
            throw new ArgumentException("The density has other cells than the solver; make it on the solver's axes.", nameof(density));
        }
    }
}
