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
}
