using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>A traced function of a position and a time at many points, in double precision.</summary>
public sealed class PointFunction : IDisposable
{
    // Points of a call.
    private const int Block = 8192;

    private readonly CompiledProgram<double> _program;
    private readonly NdArray<double> _input;
    private readonly NdArray<double> _output;
    private readonly NdArray<double> _time = new();
    private readonly int _size;

    /// <summary>Compiles a function.</summary>
    /// <param name="function">The function of a position [d] and a scalar time, such as a drift.</param>
    /// <param name="dimension">d.</param>
    /// <param name="execution">How to execute.</param>
    public PointFunction(Func<Expr, Expr, Expr> function, int dimension, ExecutionOptions? execution = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        Dimension = dimension;
        var value = function(Expr.Input("x", dimension), Expr.Shared("t"));
        _size = value.Size;
        (_input, _output) = (new NdArray<double>(Block, dimension), new NdArray<double>([Block, .. value.Shape.Sizes]));
        _program = new CompiledProgram<double>(new TracedProgram(null, ("value", value)), execution) { ["value"] = _output };
        _program.BindIfUsed("x", _input);
        _program.BindIfUsed("t", _time);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>A function of a position alone at points, compiled for them.</summary>
    /// <param name="function">The function of a position [d], such as a log density.</param>
    /// <param name="points">Points [n * d], row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="execution">How to execute.</param>
    /// <returns>Its values [n * m], row-major, m being the value's size.</returns>
    /// <exception cref="ArgumentException">The points don't fill whole rows.</exception>
    public static double[] At(Func<Expr, Expr> function, ReadOnlySpan<double> points, int dimension, ExecutionOptions? execution = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var compiled = new PointFunction((x, _) => function(x), dimension, execution);
        return compiled.At(points);
    }

    /// <summary>The function at points.</summary>
    /// <param name="points">Points [n * d], row-major.</param>
    /// <param name="time">The time.</param>
    /// <returns>Its values [n * m], row-major, m being the value's size.</returns>
    /// <exception cref="ArgumentException">The points don't fill whole rows.</exception>
    public double[] At(ReadOnlySpan<double> points, double time = 0)
    {
        if (points.Length % Dimension != 0)
        {
            throw new ArgumentException($"{points.Length} numbers don't fill points of {Dimension} coordinates.", nameof(points));
        }

        _time[0] = time;
        var n = points.Length / Dimension;
        var results = new double[n * _size];
        for (var first = 0; first < n; first += Block)
        {
            var count = Math.Min(Block, n - first);
            points.Slice(first * Dimension, count * Dimension).CopyTo(_input.Span);
            _program.Run(count);
            _output.Span[..(count * _size)].CopyTo(results.AsSpan(first * _size));
        }

        return results;
    }

    /// <inheritdoc/>
    public void Dispose() => _program.Dispose();
}
