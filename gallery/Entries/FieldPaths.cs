using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Gallery.Entries;

/// <summary>Carries particles along a field that may have inputs of its own for each particle, so that an experiment can look at the whole paths.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class FieldPaths<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly NdArray<T>? _parameters;
    private readonly TransportOde<T> _classical;
    private readonly TransportOde<T> _euler;
    private readonly CompiledProgram<T> _field;

    /// <summary>Compiles a field.</summary>
    public FieldPaths(
        ParameterSet? set, NdArray<T>? parameters, int dimension, Func<Expr, Expr, Expr> field, int threads, params (string Name, NdArray<T> Values)[] inputs)
    {
        _parameters = parameters;
        var (x, t, options) = (Expr.Input("x", dimension), Expr.Shared("t"), new ExecutionOptions { Threads = threads });
        TransportOde<T> Ode(RungeKuttaTableau tableau) => new(set, new FormulaField(dimension, field), tableau, options, DivergenceMode.None);
        (_classical, _euler) = (Ode(RungeKuttaTableau.RungeKutta4), Ode(RungeKuttaTableau.Euler));
        _field = new CompiledProgram<T>(new TracedProgram(set, ("b", field(x, t)), ("clock", x[0] + t)), options);
        _field.Parameters = parameters ?? _field.Parameters;
        foreach (var (name, values) in inputs)
        {
            _classical.Bind(name, values);
            _euler.Bind(name, values);
            _field[name] = values;
        }
    }

    /// <summary>Takes equal steps from one time to another and returns the end; visits every point where a step begins, and the last.</summary>
    /// <param name="start">Positions [n, d]; not changed.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="euler">Euler's method instead of the Runge-Kutta method of order 4.</param>
    /// <param name="from">First time.</param>
    /// <param name="to">Last time.</param>
    /// <param name="visit">Receives the time, the positions and the field there.</param>
    public NdArray<T> Run(NdArray<T> start, int steps, bool euler = false, double from = 0, double to = 1, Action<double, NdArray<T>, NdArray<T>>? visit = null)
    {
        var ode = euler ? _euler : _classical;
        if (visit is null)
        {
            return ode.Run(_parameters, start, from, to, steps).Positions;
        }

        // The clock makes every field depend on the time.
        var (x, slope) = (start, new NdArray<T>(start.Rows, start.RowLength));
        (_field["b"], _field["clock"]) = (slope, new NdArray<T>(start.Rows));
        for (var k = 0; ; k++)
        {
            var t = from + ((to - from) * k / steps);
            _field["x"] = x;
            _field["t"][0] = T.CreateChecked(t);
            _field.Run(x.Rows);
            visit(t, x, slope);
            if (k == steps)
            {
                return x;
            }

            x = ode.Run(_parameters, x, t, from + ((to - from) * (k + 1) / steps), 1).Positions;
        }
    }

    /// <summary>int E|b|^2 dt along the paths, by the trapezoidal rule over the steps.</summary>
    public double Energy(NdArray<T> start, int steps)
    {
        var (sum, count) = (0.0, 0);
        Run(start, steps, visit: (t, _, b) =>
        {
            var square = 0.0;
            foreach (var value in b.Span)
            {
                square += double.CreateChecked(value) * double.CreateChecked(value);
            }

            sum += (count == 0 || count == steps ? 0.5 : 1) * square / start.Rows;
            count++;
        });
        return sum / steps;
    }

    /// <summary>The end of the paths and int E|X_t - ((1 - t) X_0 + t X_1)|^2 dt: how far they bend.</summary>
    public (NdArray<T> End, double Curvature) Bend(NdArray<T> start, int steps)
    {
        var points = new List<double[]>();
        var end = Run(start, steps, visit: (_, x, _) => points.Add(Numbers.Doubles(x.Span)));
        var sum = 0.0;
        for (var k = 0; k <= steps; k++)
        {
            var t = (double)k / steps;
            for (var i = 0; i < start.Length; i++)
            {
                var off = points[k][i] - ((1 - t) * points[0][i]) - (t * points[steps][i]);
                sum += off * off;
            }
        }

        return (end, sum / (steps * start.Rows));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _classical.Dispose();
        _euler.Dispose();
        _field.Dispose();
    }
}
