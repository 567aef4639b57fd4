using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Cli.Bench;

/// <summary>
/// Matrix products as programs meet them: a chain of <c>depth</c> square products of shared matrices with a batch, no activations between, so that
/// nothing but the products takes time.
/// </summary>
internal static class GemmCase<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Makes the case.</summary>
    public static BenchWork Create(BenchSettings s)
    {
        var parameters = new ParameterSet();

        // The batch starts as one number a sample: reading wide rows is no part of a matrix product.
        var value = parameters.Add("direction", s.Width) * Expr.Input("x");
        for (var k = 0; k < s.Depth; k++)
        {
            value = Expr.MatrixProduct(parameters.Add($"matrix{k}", s.Width, s.Width), value);
        }

        var start = new NdArray<T>(parameters.Count);
        var random = new RandomStream(1);
        foreach (ref var element in start.Span)
        {
            element = T.CreateChecked(((2 * random.NextDouble()) - 1) / Math.Sqrt(s.Width));
        }

        // The last product is summed at once: the case measures products, not the writing of a batch.
        var program = new TracedProgram(parameters, ("sum", value.SquaredNorm().BatchSum()));
        var run = new CompiledProgram<T>(program, new ExecutionOptions { Threads = s.Threads }) { Parameters = start, ["x"] = new NdArray<T>(s.Batch) };
        run["x"].Span.Fill(T.One);
        return new BenchWork(() => run.Run(s.Batch), 2.0 * s.Batch * s.Width * s.Width * s.Depth, run.Dispose);
    }
}
