using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Gallery.Entries;

/// <summary>Evaluates traced functions of position and time at many points in double precision.</summary>
internal static class FieldEvaluation
{
    /// <summary>The values of a function at positions [n, d] and times [n], or one time for all.</summary>
    public static double[] At(int dimension, Func<Expr, Expr, Expr> function, double[] positions, params double[] times)
    {
        var (n, x, t) = (positions.Length / dimension, Expr.Input("x", dimension), Expr.Input("t"));

        // The time is an input of the program also of functions that don't use it, and one that is constant is made to vary with the sample.
        var value = function(x, t);
        value = value.IsUniform ? Expr.Select(x[0].Less(double.NaN), value + 1, value) : value;
        var program = new TracedProgram(null, ("value", value), ("time", t + x[0]));
        using var run = new CompiledProgram<double>(program, new ExecutionOptions { Threads = 1 })
        {
            ["x"] = NdArray<double>.From(positions, n, dimension),
            ["t"] = NdArray<double>.From(times.Length == n ? times : [.. Enumerable.Repeat(times[0], n)], n),
            ["value"] = NdArray<double>.ForSamples(n, value.Shape),
            ["time"] = new NdArray<double>(n),
        };
        run.Run(n);
        return [.. run["value"].Span];
    }
}
