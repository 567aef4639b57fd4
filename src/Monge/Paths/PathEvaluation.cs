using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>V_t of a path, evaluated in float64.</summary>
internal sealed class PathEvaluation : IDisposable
{
    private readonly CompiledProgram<double> _program;
    private readonly CompiledProgram<double> _base;

    public PathEvaluation(IDensityPath path, ExecutionOptions options)
    {
        var (x, t) = (Expr.Input("x", path.Dimension), Expr.Shared("t"));
        _program = new CompiledProgram<double>(new TracedProgram(null, ("value", path.LogDensity(x, t))), options);
        _base = new CompiledProgram<double>(new TracedProgram(null, ("value", path.LogBase(x))), options);
    }

    /// <summary>V_t [n] at positions [n, d].</summary>
    public double[] At<T>(NdArray<T> positions, int samples, double t)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var program = t == 0 ? _base : _program;
        var (x, value) = (new NdArray<double>(samples, positions.RowLength), new NdArray<double>(samples));
        Numbers.Copy(positions.Span[..x.Length], x.Span);
        (program["x"], program["value"]) = (x, value);
        if (t != 0)
        {
            program["t"].Span[0] = t;
        }

        program.Run(samples);
        return value.Span.ToArray();
    }

    public void Dispose()
    {
        _program.Dispose();
        _base.Dispose();
    }
}
