using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Gallery.Entries;

/// <summary>
/// Carries particles along a field of position and time on the host, step by step, so that an experiment can look at the whole paths; the field may have inputs of its own for each particle.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class FieldPaths<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T> _field;
    private readonly int _dimension;

    /// <summary>Compiles a field.</summary>
    public FieldPaths(ParameterSet? set, NdArray<T>? parameters, int dimension, Func<Expr, Expr, Expr> field, int threads, params (string Name, NdArray<T> Values)[] inputs)
    {
        _dimension = dimension;
        var (x, t) = (Expr.Input("x", dimension), Expr.Shared("t"));
        _field = new CompiledProgram<T>(new TracedProgram(set, ("b", field(x, t)), ("clock", x[0] + t)), new ExecutionOptions { Threads = threads });
        if (parameters is not null)
        {
            _field.Parameters = parameters;
        }

        foreach (var (name, values) in inputs)
        {
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
        var (n, x, h) = (start.Rows, NdArray<T>.From(start.Span, start.Rows, _dimension), (to - from) / steps);
        NdArray<T>[] slopes = [.. Enumerable.Range(0, 4).Select(_ => new NdArray<T>(n, _dimension))];
        var (stage, clock) = (new NdArray<T>(n, _dimension), new NdArray<T>(n));
        _field["clock"] = clock;
        void Slope(NdArray<T> at, double time, NdArray<T> into)
        {
            (_field["x"], _field["b"], _field["t"][0]) = (at, into, T.CreateChecked(time));
            _field.Run(n);
        }

        void Stage(double length, NdArray<T> slope)
        {
            var factor = T.CreateChecked(length);
            for (var i = 0; i < x.Length; i++)
            {
                stage[i] = x[i] + (factor * slope[i]);
            }
        }

        for (var k = 0; k < steps; k++)
        {
            var t = from + (k * h);
            Slope(x, t, slopes[0]);
            visit?.Invoke(t, x, slopes[0]);
            if (euler)
            {
                Stage(h, slopes[0]);
                stage.Span.CopyTo(x.Span);
                continue;
            }

            Stage(0.5 * h, slopes[0]);
            Slope(stage, t + (0.5 * h), slopes[1]);
            Stage(0.5 * h, slopes[1]);
            Slope(stage, t + (0.5 * h), slopes[2]);
            Stage(h, slopes[2]);
            Slope(stage, t + h, slopes[3]);
            var (sixth, two) = (T.CreateChecked(h / 6), T.CreateChecked(2));
            for (var i = 0; i < x.Length; i++)
            {
                x[i] += sixth * (slopes[0][i] + (two * (slopes[1][i] + slopes[2][i])) + slopes[3][i]);
            }
        }

        if (visit is not null)
        {
            Slope(x, to, slopes[0]);
            visit(to, x, slopes[0]);
        }

        return x;
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
        var end = Run(start, steps, visit: (_, x, _) => points.Add(Array.ConvertAll(x.Span.ToArray(), double.CreateChecked)));
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
    public void Dispose() => _field.Dispose();
}
