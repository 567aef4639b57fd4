using Monge.Fields;

namespace Monge.References;

/// <summary>
/// Finite volumes for dp/dt = -d(b p)/dx + d(D dp/dx)/dx on a segment with walls or a ring, b = f(x, t) - U'(x), D(x) at least 0. With constant D this is the
/// law of dX = b dt + sqrt(2 D) dW; where D varies, the SDE of Ito has the drift b + D'. Mass is conserved and the density stays positive at any step. Of order
/// 2 in the width w of the cells where w is short beside D / |b|, upwind and of order 1 where it is long; <see cref="DriftTreatment.Remap"/> and a drift
/// without any diffusion have order 2 everywhere. Where there is a potential and f = 0, exp(-U / D), D constant, is stationary to rounding.
/// </summary>
/// <remarks>Source: Scharfetter and Gummel 1969; Chang and Cooper 1970.</remarks>
public sealed class FiniteVolumeLine : IDisposable
{
    private readonly AxisSweep _sweep;
    private readonly FaceVelocity _velocity;

    /// <summary>Makes a solver.</summary>
    /// <param name="axis">The cells.</param>
    /// <param name="drift">f(x, t), a field on R^1; null for none.</param>
    /// <param name="diffusion">D, at least 0.</param>
    /// <param name="potential">U(x), periodic on a ring; null for none.</param>
    /// <param name="options">How to work.</param>
    /// <exception cref="ArgumentException">The drift is not on R^1, or D is negative or not finite at a face.</exception>
    public FiniteVolumeLine(
        CellAxis axis, IVectorField? drift, double diffusion, Func<double, double>? potential = null, FiniteVolumeOptions? options = null)
        : this(axis, drift, _ => diffusion, potential, options)
    {
    }

    /// <summary>Makes a solver for a diffusion that depends on the place.</summary>
    /// <param name="axis">The cells.</param>
    /// <param name="drift">f(x, t), a field on R^1; null for none.</param>
    /// <param name="diffusion">D(x), at least 0.</param>
    /// <param name="potential">U(x), periodic on a ring; null for none.</param>
    /// <param name="options">How to work.</param>
    /// <exception cref="ArgumentException">The drift is not on R^1, or D is negative or not finite at a face.</exception>
    public FiniteVolumeLine(
        CellAxis axis, IVectorField? drift, Func<double, double> diffusion, Func<double, double>? potential = null, FiniteVolumeOptions? options = null)
    {
        if (drift is not null && drift.Dimension != 1)
        {
            throw new ArgumentException($"The drift is on R^{drift.Dimension}; this solver is for the line.", nameof(drift));
        }

        Axis = axis;
        var n = axis.Cells;
        var (faces, isWall, atFaces) = (new double[n], new bool[n], new double[n]);
        for (var i = 0; i < n; i++)
        {
            (faces[i], isWall[i]) = (axis.Face(i), i == n - 1 && !axis.IsPeriodic);
            var value = isWall[i] ? 0 : diffusion(faces[i]);
            atFaces[i] = value >= 0 && double.IsFinite(value)
                ? value
                : throw new ArgumentException(
                    FormattableString.Invariant($"The diffusion is {value} at x = {faces[i]:g6}; it must be finite and at least 0."), nameof(diffusion));
        }

        // Differences of the potential between centres, not its derivative: so exp(-U / D) is stationary.
        var slope = potential is null
            ? null
            : Enumerable.Range(0, n).Select(i => (potential(axis.Centre(i)) - potential(axis.Centre((i + 1) % n))) / axis.Width).ToArray();
        _sweep = new AxisSweep(axis, 1, atFaces, options ?? new FiniteVolumeOptions());
        _velocity = new FaceVelocity(drift, 0, faces, isWall, slope, 1);
    }

    /// <summary>The cells.</summary>
    public CellAxis Axis { get; }

    /// <summary>Carries a density over a time, in place. A step takes the drift of its middle and allocates nothing.</summary>
    /// <param name="density">The density, on the solver's axis.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time, at least the first.</param>
    /// <param name="steps">Equal steps, at least 1.</param>
    /// <exception cref="ArgumentException">The density is on another axis, or the times are out of order.</exception>
    /// <exception cref="ArithmeticException">The density is negative or not finite somewhere, or the drift is not finite.</exception>
    public void Advance(LineDensity density, double from, double to, int steps)
    {
        CheckAxis(density);
        FiniteVolumePlane.CheckTimes(from, to, steps);
        CellSums.ThrowIfNotPositive(density.Values, cell => FormattableString.Invariant($"x = {Axis.Centre(cell):g6}"));
        var step = (to - from) / steps;
        for (var k = 0; k < steps; k++)
        {
            if (_velocity.Update(from + ((k + 0.5) * step), _sweep.Velocity))
            {
                _sweep.Change();
            }

            if (_sweep.Begin(step))
            {
                _sweep.Prepare(0);
            }

            _sweep.Advance(0, density.Values);
        }
    }

    /// <summary>
    /// The law that the drift of one time, by exponentially fitted flows, leaves as it is, to rounding, whatever barriers it has; on a ring its current need
    /// not vanish. Where D is 0 so that parts of the axis don't exchange mass, one of several.
    /// </summary>
    /// <param name="t">The time.</param>
    /// <exception cref="InvalidOperationException">D is 0 everywhere.</exception>
    /// <exception cref="ArithmeticException">The law's values don't fit into float64, or the drift is not finite.</exception>
    public LineDensity Stationary(double t = 0)
    {
        if (!_sweep.IsDiffusive)
        {
            throw new InvalidOperationException("Without diffusion there is no one stationary law; give a diffusion above 0.");
        }

        Prepare(t);
        var density = new LineDensity(Axis, _ => 1);
        _sweep.MakeStationary(0, density.Values);
        density.Normalise();
        return density;
    }

    /// <summary>The current J = b p - D p' at the faces, from the left end to the right one [n + 1]; 0 at walls.</summary>
    /// <param name="density">The density.</param>
    /// <param name="t">The time of the drift.</param>
    public double[] Currents(LineDensity density, double t)
    {
        CheckAxis(density);
        Prepare(t);
        var (p, n) = (density.Values, Axis.Cells);
        var currents = new double[n + 1];
        for (var i = 0; i < n; i++)
        {
            currents[i + 1] = _sweep.Current(0, i, p[i], p[(i + 1) % n]);
        }

        currents[0] = currents[n];
        return currents;
    }

    /// <summary>The entropy production int J^2 / (D p) dx, p scaled to mass 1, over places where D is above 0.</summary>
    /// <param name="density">The density.</param>
    /// <param name="t">The time of the drift.</param>
    public double EntropyProduction(LineDensity density, double t)
    {
        CheckAxis(density);
        Prepare(t);
        var (p, n, sum) = (density.Values, Axis.Cells, 0.0);
        for (var i = 0; i < n; i++)
        {
            sum += _sweep.Production(0, i, p[i], p[(i + 1) % n]);
        }

        return sum * Axis.Width / density.Mass;
    }

    /// <inheritdoc/>
    public void Dispose() => _velocity.Dispose();

    private void Prepare(double t)
    {
        if (_velocity.Update(t, _sweep.Velocity))
        {
            _sweep.Change();
        }

        if (_sweep.IsDiffusive)
        {
            _sweep.UpdateRates(0);
        }
    }

    private void CheckAxis(LineDensity density)
    {
        if (density.Axis != Axis)
        {
            throw new ArgumentException("The density has other cells than the solver; make it on the solver's axis.", nameof(density));
        }
    }
}
