using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.MonteCarlo;

/// <summary>
/// Trajectories side by side, of which each evaluation takes one leapfrog step: rows of positions z, momenta and gradients in coordinates x = L z in which the
/// kinetic energy is |p|^2 / 2. A row belongs to one thread.
/// </summary>
internal class LeapfrogLanes : IDisposable
{
    private readonly CompiledProgram<double> _program;
    private readonly NdArray<double> _positions;
    private readonly NdArray<double> _momenta;
    private readonly NdArray<double> _gradients;
    private readonly NdArray<double> _steps;
    private readonly NdArray<double> _values;
    private readonly NdArray<double> _kinetic;

    /// <summary>Compiles a step.</summary>
    /// <param name="program">What <see cref="Trace"/> gave.</param>
    /// <param name="count">Rows.</param>
    /// <param name="dimension">d.</param>
    /// <param name="factor">The metric's factor L: [d], or [d * d].</param>
    public LeapfrogLanes(TracedProgram program, int count, int dimension, double[] factor)
    {
        Count = count;
        (_positions, _momenta, _gradients) = (new(count, dimension), new(count, dimension), new(count, dimension));
        (_steps, _values, _kinetic) = (new(count), new(count), new(count));
        _program = new CompiledProgram<double>(program, new ExecutionOptions { Threads = 1 })
        {
            ["next z"] = _positions,
            ["next p"] = _momenta,
            ["next gradient"] = _gradients,
            ["value"] = _values,
            ["kinetic"] = _kinetic,
        };

        // A step starts where the last one ended, so what comes out is written over what went in.
        _program.BindIfUsed("z", _positions);
        _program.BindIfUsed("p", _momenta);
        _program.BindIfUsed("gradient", _gradients);
        _program.BindIfUsed("step", _steps);
        Bind(factor);
    }

    /// <summary>Rows.</summary>
    public int Count { get; }

    /// <summary>The signed length of each row's next step.</summary>
    public Span<double> Steps => _steps.Span;

    /// <summary>The log density at each row's position.</summary>
    public Span<double> Values => _values.Span;

    /// <summary>The kinetic energy of each row.</summary>
    public Span<double> Kinetic => _kinetic.Span;

    /// <summary>One step of Stoermer and Verlet in z, x = L z: half a kick, a drift, half a kick.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="metric">Whether L is a diagonal or a whole factor.</param>
    /// <param name="logDensity">The log density at a position x [d].</param>
    /// <param name="more">What else is wanted at the new position; null for nothing.</param>
    public static TracedProgram Trace(
        int dimension, MetricKind metric, Func<Expr, Expr> logDensity, Func<Expr, IEnumerable<(string Name, Expr Value)>>? more = null)
    {
        var d = dimension;
        var (z, p, gradient, step) = (Expr.Input("z", d), Expr.Input("p", d), Expr.Input("gradient", d), Expr.Input("step"));
        var factor = metric == MetricKind.Dense ? Expr.Shared("factor", d, d) : Expr.Shared("factor", d);
        var half = p + (0.5 * step * gradient);
        var next = z + (step * half);
        var x = metric == MetricKind.Dense ? Expr.MatrixProduct(factor, next) : factor * next;
        var value = logDensity(x);
        var nextGradient = Derivative.Gradient(value, next);
        var nextMomentum = half + (0.5 * step * nextGradient);
        return new TracedProgram(
            null,
            [
                ("next z", next), ("next p", nextMomentum), ("next gradient", nextGradient), ("value", value), ("kinetic", 0.5 * nextMomentum.SquaredNorm()),
                .. more?.Invoke(x) ?? [],
            ]);
    }

    /// <summary>A row.</summary>
    public PhasePoint Point(int row) => new(_positions.Row(row), _momenta.Row(row), _gradients.Row(row));

    /// <summary>Takes one step of the first rows.</summary>
    public void Run(int rows) => _program.Run(rows);

    /// <summary>Takes over the metric's factor.</summary>
    public void Bind(double[] factor)
    {
        if (_program.Uses("factor"))
        {
            factor.CopyTo(_program["factor"].Span);
        }
    }

    /// <summary>Binds another input, if the program has it.</summary>
    protected void Bind(string input, NdArray<double> values) => _program.BindIfUsed(input, values);

    /// <summary>Binds another output.</summary>
    protected void BindOutput(string output, NdArray<double> values) => _program[output] = values;

    /// <inheritdoc/>
    public void Dispose()
    {
        _program.Dispose();
        GC.SuppressFinalize(this);
    }
}
