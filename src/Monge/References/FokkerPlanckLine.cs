using System.Globalization;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.References;

/// <summary>
/// Solves dp/dt = -d(f p)/dx + eps d2p/dx2 on a segment of the line whose ends the density doesn't reach: central differences of order 6 in space, the
/// classical Runge-Kutta method in time. The sum of the density over the grid is conserved.
/// </summary>
public sealed class FokkerPlanckLine : IDisposable
{
    private const int Reach = 3;

    private static readonly double[] s_first = [3.0 / 4, -3.0 / 20, 1.0 / 60];
    private static readonly double[] s_second = [3.0 / 2, -3.0 / 20, 1.0 / 90];

    private readonly CompiledProgram<double> _drift;
    private readonly NdArray<double> _values;
    private readonly NdArray<double> _time = new();

    /// <summary>Makes a solver.</summary>
    /// <param name="drift">f(x, t), a field on R^1.</param>
    /// <param name="from">Left end of the grid.</param>
    /// <param name="to">Right end.</param>
    /// <param name="intervals">Intervals of the grid, which has one point more.</param>
    /// <param name="options">How to execute.</param>
    public FokkerPlanckLine(IVectorField drift, double from, double to, int intervals, ExecutionOptions? options = null)
    {
        if (drift.Dimension != 1)
        {
            throw new ArgumentException($"The drift is on R^{drift.Dimension}; this solver is for the line.", nameof(drift));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(intervals, 4 * Reach);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(to, from);
        Spacing = (to - from) / intervals;
        Grid = [.. Enumerable.Range(0, intervals + 1).Select(i => from + (i * Spacing))];
        _values = new NdArray<double>(Grid.Count, 1);
        _drift = new CompiledProgram<double>(new TracedProgram(null, ("f", drift.Apply(Expr.Input("x", 1), Expr.Shared("t")))), options)
        {
            ["x"] = NdArray<double>.From([.. Grid], Grid.Count, 1),
            ["f"] = _values,
        };
        _drift.BindIfUsed("t", _time);
    }

    /// <summary>The grid's points.</summary>
    public IReadOnlyList<double> Grid { get; }

    /// <summary>The distance of neighbours.</summary>
    public double Spacing { get; }

    /// <summary>The drift at the grid's points.</summary>
    /// <param name="t">The time.</param>
    public double[] Drift(double t)
    {
        _time[0] = t;
        _drift.Run(Grid.Count);
        return [.. _values.Span];
    }

    /// <summary>Carries a density over a time, in place.</summary>
    /// <param name="density">Its values at the grid's points.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time.</param>
    /// <param name="steps">Equal steps.</param>
    /// <param name="diffusion">eps, at least 0.</param>
    /// <exception cref="ArgumentException">The step is too long for the diffusion: the method would be unstable.</exception>
    /// <exception cref="ArithmeticException">The density is not finite at the end.</exception>
    public void Advance(double[] density, double from, double to, int steps, double diffusion)
    {
        var h = (to - from) / steps;

        // -2.785 is where the method's stability ends on the negative axis, 272/45 the largest eigenvalue of the second difference.
        if (h * diffusion / (Spacing * Spacing) * (272.0 / 45) > 2.785)
        {
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Steps of {h:g3} are too long for diffusion {diffusion:g3} on a grid of spacing {Spacing:g3}; take "
                    + $"{Math.Ceiling((to - from) * diffusion / (Spacing * Spacing) * 2.2)} steps or more."), nameof(steps));
        }

        var n = density.Length;
        var (stage, slope, sum) = (new double[n], new double[n], new double[n]);
        var next = Drift(from);
        for (var k = 0; k < steps; k++)
        {
            var t = from + (k * h);
            var (start, middle) = (next, Drift(t + (0.5 * h)));
            next = Drift(t + h);
            Slope(density, start, diffusion, slope);
            Combine(density, slope, 0.5 * h, stage);
            slope.CopyTo(sum, 0);
            Slope(stage, middle, diffusion, slope);
            Combine(density, slope, 0.5 * h, stage);
            Combine(sum, slope, 2, sum);
            Slope(stage, middle, diffusion, slope);
            Combine(density, slope, h, stage);
            Combine(sum, slope, 2, sum);
            Slope(stage, next, diffusion, slope);
            Combine(sum, slope, 1, sum);
            Combine(density, sum, h / 6, density);
        }

        if (!double.IsFinite(density.Sum()))
        {
            throw new ArithmeticException(
                FormattableString.Invariant(
                    $"The density on the grid is not finite at t = {to:g4}; take more steps: {h:g3} is long beside spacing over speed."));
        }
    }

    /// <summary>The derivative of values on the grid, which are 0 beyond it, of order 6.</summary>
    /// <param name="values">The values at the grid's points.</param>
    public double[] Derivative(ReadOnlySpan<double> values)
    {
        var result = new double[values.Length];
        for (var i = 0; i < result.Length; i++)
        {
            for (var k = 1; k <= Reach; k++)
            {
                result[i] += s_first[k - 1] * ((i + k < result.Length ? values[i + k] : 0) - (i - k >= 0 ? values[i - k] : 0)) / Spacing;
            }
        }

        return result;
    }

    private void Slope(double[] density, double[] drift, double diffusion, double[] slope)
    {
        var (n, first, second) = (density.Length, 1 / Spacing, diffusion / (Spacing * Spacing));
        for (var i = 0; i < n; i++)
        {
            var sum = -49.0 / 18 * density[i] * second;
            for (var k = 1; k <= Reach; k++)
            {
                var (right, left) = (i + k < n ? density[i + k] : 0, i >= k ? density[i - k] : 0);
                var (flowRight, flowLeft) = (i + k < n ? drift[i + k] * right : 0, i >= k ? drift[i - k] * left : 0);
                sum += (second * s_second[k - 1] * (left + right)) - (first * s_first[k - 1] * (flowRight - flowLeft));
            }

            slope[i] = sum;
        }
    }

    private static void Combine(double[] values, double[] slope, double factor, double[] result)
    {
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = values[i] + (factor * slope[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _drift.Dispose();
}
