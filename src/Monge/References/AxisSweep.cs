namespace Monge.References;

/// <summary>
/// Steps in time along one axis, line by line: dp/dt = -d(u p)/dx + d(D dp/dx)/dx on each of a number of lines of equal cells. Where D is above 0 somewhere,
/// the flows of <see cref="ScharfetterGummel"/>, implicit in time; where it is 0 everywhere, <see cref="ConservativeRemap"/>. Lines don't depend on each other.
/// </summary>
internal sealed class AxisSweep
{
    // TR-BDF2 with a trapezoidal rule to 2 - sqrt(2): both stages solve with the coefficient d, and flows have the weights w, w, d.
    private static readonly double s_d = 1 - (0.5 * Math.Sqrt(2));
    private static readonly double s_w = 0.25 * Math.Sqrt(2);
    private static readonly double s_middle = 0.5 * (1 + Math.Sqrt(2));

    // Of what a cell holds, flows take at most this, so that no rounding makes it negative.
    private const double MostTaken = 1 - 1e-12;

    // A step, in units of the fastest exchange, that outlasts every barrier of float64's range; elimination without a subtraction stands it.
    private const double Enormous = 1e290;

    [ThreadStatic]
    private static double[]? t_scratch;

    private readonly CellAxis _axis;
    private readonly int _n;
    private readonly double[] _diffusion;
    private readonly double[] _forward;
    private readonly double[] _backward;
    private readonly double[] _prepared;
    private readonly int _preparedLength;
    private readonly FiniteVolumeScheme _scheme;
    private double _step = double.NaN;
    private bool _isStale = true;

    /// <summary>Makes the sweep.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="lines">Number of lines.</param>
    /// <param name="diffusion">D at the right face of each cell, at least 0, and 0 at a wall [n].</param>
    /// <param name="scheme">The scheme in time.</param>
    public AxisSweep(CellAxis axis, int lines, double[] diffusion, FiniteVolumeScheme scheme)
    {
        (_axis, _n, _diffusion, _scheme) = (axis, axis.Cells, diffusion, scheme);
        IsDiffusive = diffusion.Any(d => d > 0);
        Velocity = new double[lines * _n];
        _forward = new double[IsDiffusive ? lines * _n : 0];
        _backward = new double[_forward.Length];
        _preparedLength = IsDiffusive ? LineFactors.Length(_n, axis.IsPeriodic) : _n + 1;
        _prepared = new double[lines * _preparedLength];
    }

    /// <summary>Whether D is above 0 somewhere.</summary>
    public bool IsDiffusive { get; }

    /// <summary>u at the right face of each cell, 0 at walls [lines, n]. Say <see cref="Change"/> after writing it.</summary>
    public double[] Velocity { get; }

    /// <summary>The velocities have changed.</summary>
    public void Change() => _isStale = true;

    /// <summary>Sets the length of the next steps. Lines are prepared for it by <see cref="Prepare"/>, if this says that they need be.</summary>
    /// <param name="step">h.</param>
    public bool Begin(double step)
    {
        var needed = _isStale || step != _step;
        (_step, _isStale) = (step, false);
        return needed;
    }

    /// <summary>Prepares a line: its rates, and what its steps have in common.</summary>
    /// <param name="line">Its number.</param>
    public void Prepare(int line)
    {
        var velocity = Velocity.AsSpan(line * _n, _n);
        var prepared = _prepared.AsSpan(line * _preparedLength, _preparedLength);
        if (!IsDiffusive)
        {
            var relative = Scratch(_n);
            for (var i = 0; i < _n; i++)
            {
                relative[i] = velocity[i] / _axis.Width;
            }

            ConservativeRemap.Trace(relative, _step, _axis.IsPeriodic, prepared);
            return;
        }

        UpdateRates(line);
        ImplicitLine.Factor(
            Forward(line), Backward(line), _scheme == FiniteVolumeScheme.BackwardEuler ? _step : s_d * _step, new LineFactors(prepared, _n, _axis.IsPeriodic));
    }

    /// <summary>Takes the rates of a line from its velocities.</summary>
    /// <param name="line">Its number.</param>
    public void UpdateRates(int line)
    {
        var forward = Forward(line);
        var backward = Backward(line);
        for (var i = 0; i < forward.Length; i++)
        {
            (forward[i], backward[i]) = ScharfetterGummel.Rates(Velocity[(line * _n) + i], _diffusion[i], _axis.Width);
        }
    }

    /// <summary>Takes a step along a line that is prepared.</summary>
    /// <param name="line">Its number.</param>
    /// <param name="values">The averages in its cells, in place [n].</param>
    public void Advance(int line, Span<double> values)
    {
        var scratch = Scratch((4 * _n) + LineFactors.Length(_n, _axis.IsPeriodic));
        var prepared = _prepared.AsSpan(line * _preparedLength, _preparedLength);
        var stage = scratch[.._n];
        var next = scratch.Slice(_n, _n);
        if (!IsDiffusive)
        {
            ConservativeRemap.Move(values, prepared, _axis.IsPeriodic, stage, next);
            next.CopyTo(values);
            return;
        }

        var factors = new LineFactors(prepared, _n, _axis.IsPeriodic);
        if (_scheme == FiniteVolumeScheme.BackwardEuler)
        {
            ImplicitLine.Solve(factors, values);
            return;
        }

        var forward = Forward(line);
        var backward = Backward(line);
        ImplicitLine.AddGenerator(forward, backward, s_d * _step, values, stage);
        ImplicitLine.Solve(factors, stage);
        for (var i = 0; i < _n; i++)
        {
            next[i] = (s_middle * stage[i]) - ((s_middle - 1) * values[i]);
        }

        ImplicitLine.Solve(factors, next);
        if (IsNegativeSomewhere(next))
        {
            Limit(forward, backward, values, scratch);
            return;
        }

        next.CopyTo(values);
    }

    /// <summary>Makes of positive values the law of the same mass that their line's rates, which must be up to date, leave as it is.</summary>
    /// <param name="line">Its number.</param>
    /// <param name="values">The averages in its cells, in place [n].</param>
    public void MakeStationary(int line, Span<double> values)
    {
        var largest = 0.0;
        for (var i = 0; i < _n; i++)
        {
            largest = Math.Max(largest, Math.Max(Forward(line)[i], Backward(line)[i]));
        }

        var factors = new LineFactors(Scratch(LineFactors.Length(_n, _axis.IsPeriodic)), _n, _axis.IsPeriodic);
        ImplicitLine.Factor(Forward(line), Backward(line), Enormous / largest, factors);
        ImplicitLine.Solve(factors, values);
    }

    /// <summary>
    /// The flow J through the right face of a cell of a line, density times velocity; where D is 0 everywhere the mean of both densities is carried.
    /// </summary>
    public double Current(int line, int cell, double left, double right) => IsDiffusive
        ? _axis.Width * ((_forward[(line * _n) + cell] * left) - (_backward[(line * _n) + cell] * right))
        : 0.5 * Velocity[(line * _n) + cell] * (left + right);

    /// <summary>
    /// What the right face of a cell adds to the entropy production, per area of the face and length of the cell: J log(a p_left / c p_right) / w, at least 0
    /// (Schnakenberg 1976), which tends to (u p - D p')^2 / (D p).
    /// </summary>
    public double Production(int line, int cell, double left, double right)
    {
        if (!(_diffusion[cell] > 0 && left > 0 && right > 0))
        {
            return 0;
        }

        var force = (Velocity[(line * _n) + cell] * _axis.Width / _diffusion[cell]) + Math.Log(left) - Math.Log(right);
        return Current(line, cell, left, right) * force / _axis.Width;
    }

    private Span<double> Forward(int line) => _forward.AsSpan(line * _n, _n);

    private Span<double> Backward(int line) => _backward.AsSpan(line * _n, _n);

    private static Span<double> Scratch(int length)
    {
        if (t_scratch is null || t_scratch.Length < length)
        {
            t_scratch = new double[length];
        }

        return t_scratch.AsSpan(0, length);
    }

    private static bool IsNegativeSomewhere(ReadOnlySpan<double> values)
    {
        var smallest = 0.0;
        foreach (var value in values)
        {
            smallest = Math.Min(smallest, value);
        }

        return smallest < 0;
    }

    // Backward Euler, and as much of the difference of the flows as no cell is emptied by. The scratch holds TR-BDF2's stage and end.
    private void Limit(ReadOnlySpan<double> forward, ReadOnlySpan<double> backward, Span<double> values, Span<double> scratch)
    {
        var stage = scratch[.._n];
        var next = scratch.Slice(_n, _n);
        var low = scratch.Slice(2 * _n, _n);
        var flow = scratch.Slice(3 * _n, _n);
        var factors = new LineFactors(scratch[(4 * _n)..], _n, _axis.IsPeriodic);
        ImplicitLine.Factor(forward, backward, _step, factors);
        values.CopyTo(low);
        ImplicitLine.Solve(factors, low);
        for (var i = 0; i < _n; i++)
        {
            // Weighted differences, not differences of weighted sums: in a tail they keep their digits.
            var right = i == _n - 1 ? 0 : i + 1;
            var mixed = (s_w * (values[i] + stage[i])) + (s_d * next[i]) - low[i];
            var mixedRight = (s_w * (values[right] + stage[right])) + (s_d * next[right]) - low[right];
            flow[i] = _step * ((forward[i] * mixed) - (backward[i] * mixedRight));
        }

        // The share of its outflow that each cell can give.
        for (var i = 0; i < _n; i++)
        {
            var outflow = Math.Max(flow[i], 0) + Math.Max(-flow[i == 0 ? _n - 1 : i - 1], 0);
            stage[i] = outflow > MostTaken * low[i] ? MostTaken * low[i] / outflow : 1;
        }

        for (var i = 0; i < _n; i++)
        {
            flow[i] *= flow[i] > 0 ? stage[i] : stage[i == _n - 1 ? 0 : i + 1];
        }

        for (var i = 0; i < _n; i++)
        {
            values[i] = low[i] - flow[i] + flow[i == 0 ? _n - 1 : i - 1];
        }
    }
}
