using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Programs;

/// <summary>A view that one reader walks with strides and another one needs as a value of its own.</summary>
public sealed class SharedViewTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ATiledImageMayBeReducedBeforeItIsUsedItself(bool reducedFirst)
    {
        // Each of four numbers over a 2 x 2 tile of a 4 x 4 image, used beside the tiles' means, whichever is traced first.
        const int samples = 40;
        var coarse = Expr.Input("coarse", 4);
        var above = coarse.GreaterOrEqual(0);
        var image = above.Reshape(2, 1, 2, 1).BroadcastTo(new Shape(2, 2, 2, 2)).Reshape(16);
        var means = image.Reshape(2, 2, 2, 2).Mean(1, 3).Reshape(4);
        var noise = (means.Exp() * coarse.Tanh()).Sum();
        var sum = reducedFirst ? noise + image : image + noise;
        var values = new NdArray<double>(samples, 4);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Math.Sin(1 + (7.3 * i));
        }

        using var run = new CompiledProgram<double>(
            new TracedProgram(null, ("sum", sum)), new ExecutionOptions { Threads = 1 })
        { ["coarse"] = values, ["sum"] = new NdArray<double>(samples, 16) };
        run.Run(samples);
        for (var s = 0; s < samples; s++)
        {
            double[] given = values.Row(s).ToArray();
            var expected = given.Sum(v => Math.Exp(v >= 0 ? 1 : 0) * Math.Tanh(v));
            for (var site = 0; site < 16; site++)
            {
                var tile = (site / 8 * 2) + (site % 4 / 2);
                Assert.Equal((given[tile] >= 0 ? 1 : 0) + expected, run["sum"][(16 * s) + site], 12);
            }
        }
    }

    // The gradient of sum_r B_r B_r^T reads the batch's sum by rows and by columns: its transpose, a view made while planning, exists after the tiles alone.
    [Fact]
    public void A_sum_over_the_batch_may_be_read_along_both_axes()
    {
        const int samples = 40;
        var parameters = new ParameterSet();
        var (factors, x) = (parameters.Add("factors", 3, 2), Expr.Input("x", 2));
        var matrix = (factors.Reshape(3, 2, 1) * factors.Reshape(3, 1, 2)).Sum(0);
        var loss = Expr.MatrixProduct(matrix, x).SquaredNorm();
        var gradient = Derivative.Gradient(loss, factors);
        var (points, values) = (new NdArray<double>(samples, 2), new NdArray<double>(6));
        for (var i = 0; i < points.Length; i++)
        {
            points[i] = Math.Sin(1 + (7.3 * i));
        }

        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Math.Cos(1 + (2.1 * i));
        }

        using var summed = new CompiledProgram<double>(new TracedProgram(parameters, ("gradient", gradient.BatchSum())));
        (summed["x"], summed.Parameters) = (points, values);
        summed.Run(samples);
        using var each = new CompiledProgram<double>(new TracedProgram(parameters, ("gradient", gradient)))
        {
            ["x"] = points,
            ["gradient"] = new NdArray<double>(samples, 3, 2),
            Parameters = values,
        };
        each.Run(samples);
        for (var k = 0; k < 6; k++)
        {
            Assert.Equal(Enumerable.Range(0, samples).Sum(s => each["gradient"].Span[(6 * s) + k]), summed["gradient"].Span[k], 10);
        }
    }
}
