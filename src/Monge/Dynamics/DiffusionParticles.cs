using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Dynamics;

/// <summary>
/// Particles along dX = b(X, t) dt + sqrt(2 D) dW with any matrix D, by Euler and Maruyama's method in double precision. The noise of a step is a function of
/// the seed and the step's number alone.
/// </summary>
internal sealed class DiffusionParticles : IDisposable
{
    private readonly CompiledProgram<double> _program;
    private readonly NdArray<double> _positions;
    private readonly NdArray<double> _moved;
    private readonly NdArray<double> _time = new();
    private readonly NdArray<double> _length = new();
    private readonly NdArray<double> _spread = new();
    private readonly ulong _seed;

    /// <summary>Puts particles at their start.</summary>
    /// <param name="problem">The diffusion.</param>
    /// <param name="positions">Where they start [n * d]; copied.</param>
    /// <param name="noise">The noise's stream.</param>
    /// <param name="seed">The noise's seed.</param>
    /// <param name="execution">How to execute.</param>
    public DiffusionParticles(EvolutionProblem problem, double[] positions, StreamName noise, ulong seed, ExecutionOptions execution)
    {
        var d = problem.Dimension;
        (Count, _seed) = (positions.Length / d, seed);
        var (x, t, length) = (Expr.Input("x", d), Expr.Shared("t"), Expr.Shared("length"));
        var root = Expr.Constant([.. problem.Diffusion.Root], d, d);
        var kick = Expr.Shared("spread") * Expr.MatrixProduct(root, Expr.Random(RandomLaw.Normal, noise, d));
        var traced = new TracedProgram(null, ("moved", x + (length * problem.Drift(x, t)) + kick));
        (_positions, _moved) = (NdArray<double>.From(positions, Count, d), new NdArray<double>(Count, d));
        _program = new CompiledProgram<double>(traced, execution) { ["x"] = _positions, ["moved"] = _moved, ["length"] = _length, ["spread"] = _spread };
        _program.BindIfUsed("t", _time);
    }

    /// <summary>n.</summary>
    public int Count { get; }

    /// <summary>Where they are [n * d].</summary>
    public Span<double> Positions => _positions.Span;

    /// <summary>Moves them from a time to a later one in one step.</summary>
    /// <param name="from">The time they are at.</param>
    /// <param name="to">The time they come to.</param>
    /// <param name="number">The step's number.</param>
    public void Step(double from, double to, long number)
    {
        (_time[0], _length[0], _spread[0]) = (from, to - from, Math.Sqrt(2 * (to - from)));
        _program.Run(Count, new DrawKey(_seed, (ulong)number));
        _moved.Span.CopyTo(_positions.Span);
    }

    /// <inheritdoc/>
    public void Dispose() => _program.Dispose();
}
