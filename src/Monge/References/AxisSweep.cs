namespace Monge.References;

/// <summary>
/// Steps in time along one axis, line by line: dp/dt = -d(u p)/dx + d(D dp/dx)/dx on each of a number of lines of equal cells, which don't depend on each
/// other. Where D is above 0 somewhere, the flows of <see cref="ScharfetterGummel"/>, implicit in time; where it is 0 everywhere, or for the drift on demand,
/// <see cref="ConservativeRemap"/>.
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
    private readonly int _factorLength;
    private readonly bool _isCarried;
    private readonly FiniteVolumeScheme _scheme;
    private double _step = double.NaN;
    private bool _isStale = true;

    /// <summary>Makes the sweep.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="lines">Number of lines.</param>
    /// <param name="diffusion">D at the right face of each cell, at least 0, and 0 at a wall [n].</param>
    /// <param name="options">How to work.</param>
    public AxisSweep(CellAxis axis, int lines, double[] diffusion, FiniteVolumeOptions options)
    {
        (_axis, _n, _diffusion, _scheme) = (axis, axis.Cells, diffusion, options.Scheme);
        IsDiffusive = diffusion.Any(d => d > 0);
        _isCarried = !IsDiffusive || options.Drift == DriftTreatment.Remap;
        Velocity = new double[lines * _n];
        _forward = new double[IsDiffusive ? lines * _n : 0];
        _backward = new double[_forward.Length];

        // For each line the factors of its implicit steps, then the origins of its faces.
        _factorLength = IsDiffusive ? LineFactors.Length(_n, axis.IsPeriodic) : 0;
        _preparedLength = _factorLength + (_isCarried ? _n + 1 : 0);
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
        if (_isCarried)
        {
            var relative = Scratch(_n);
            for (var i = 0; i < _n; i++)
            {
                relative[i] = Velocity[(line * _n) + i] / _axis.Width;
            }

            ConservativeRemap.Trace(relative, IsDiffusive ? 0.5 * _step : _step, _axis.IsPeriodic, Origins(line));
        }

        if (IsDiffusive)
        {
            UpdateRates(line);
            var solved = _scheme == FiniteVolumeScheme.BackwardEuler ? _step : s_d * _step;
            ImplicitLine.Factor(Forward(line), Backward(line), solved, Factors(line));
        }
    }

    /// <summary>Takes the rates of a line from its diffusion and, unless they are carried by the remap, its velocities.</summary>
    /// <param name="line">Its number.</param>
    public void UpdateRates(int line) => UpdateRates(line, !_isCarried);

    /// <summary>Takes a step along a line that is prepared.</summary>
    /// <param name="line">Its number.</param>
    /// <param name="values">The averages in its cells, in place [n].</param>
    public void Advance(int line, Span<double> values)
    {
        var scratch = Scratch((4 * _n) + _factorLength);
        if (_isCarried)
        {
            Carry(line, values, scratch);
        }

        if (!IsDiffusive)
        {
            return;
        }

        if (_scheme == FiniteVolumeScheme.BackwardEuler)
        {
            ImplicitLine.Solve(Factors(line), values);
        }
        else
        {
            AdvanceSecondOrder(line, values, scratch);
        }

        if (_isCarried)
        {
            Carry(line, values, scratch);
        }
    }

    /// <summary>Makes of positive values the law of the same mass that exponentially fitted flows on their line leave as it is.</summary>
    /// <param name="line">Its number.</param>
    /// <param name="values">The averages in its cells, in place [n].</param>
    public void MakeStationary(int line, Span<double> values)
    {
        UpdateRates(line, true);
        Change();
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
    /// The flow J through the right face of a cell of a line whose rates are up to date, density times velocity; a remap carries the mean of both densities.
    /// </summary>
    public double Current(int line, int cell, double left, double right)
    {
        var face = (line * _n) + cell;
        return (IsDiffusive ? _axis.Width * ((_forward[face] * left) - (_backward[face] * right)) : 0)
            + (_isCarried ? 0.5 * Velocity[face] * (left + right) : 0);
    }

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

    private LineFactors Factors(int line) => new(_prepared.AsSpan(line * _preparedLength, _factorLength), _n, _axis.IsPeriodic);

    private Span<double> Origins(int line) => _prepared.AsSpan((line * _preparedLength) + _factorLength, _n + 1);

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

    private void UpdateRates(int line, bool areFitted)
    {
        var forward = Forward(line);
        var backward = Backward(line);
        for (var i = 0; i < forward.Length; i++)
        {
            (forward[i], backward[i]) = ScharfetterGummel.Rates(areFitted ? Velocity[(line * _n) + i] : 0, _diffusion[i], _axis.Width);
        }
    }

    private void Carry(int line, Span<double> values, Span<double> scratch)
    {
        var moved = scratch[.._n];
        ConservativeRemap.Move(values, Origins(line), _axis.IsPeriodic, scratch.Slice(_n, _n), moved);
        moved.CopyTo(values);
    }

    private void AdvanceSecondOrder(int line, Span<double> values, Span<double> scratch)
    {
        var stage = scratch[.._n];
        var next = scratch.Slice(_n, _n);
        var factors = Factors(line);
        ImplicitLine.AddGenerator(Forward(line), Backward(line), s_d * _step, values, stage);
        ImplicitLine.Solve(factors, stage);
        for (var i = 0; i < _n; i++)
        {
            next[i] = (s_middle * stage[i]) - ((s_middle - 1) * values[i]);
        }

        ImplicitLine.Solve(factors, next);
        if (IsNegativeSomewhere(next))
        {
            Limit(Forward(line), Backward(line), values, scratch);
        }
        else
        {
            next.CopyTo(values);
        }
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
