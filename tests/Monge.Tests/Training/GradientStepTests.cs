using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Training;

namespace Monge.Tests.Training;

public class GradientStepTests
{
    // min over x, max over y of x y + (x^2 - y^2) / 2 + x - y: at the point where x + y + 1 = 0 and x - y - 1 = 0.
    [Fact]
    public void TwoPlayersFindTheirSaddle()
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var (x, y) = (initializer.Add(parameters, "x", 1), initializer.Add(parameters, "y", 1));
        var value = (x * y) + (0.5 * (x.Square() - y.Square())) + x - y;
        var options = new GradientStepOptions { Optimiser = new GradientDescent(0), LearningRate = new StepRate(0.1), GradientClip = double.PositiveInfinity };
        var execution = new ExecutionOptions { Threads = 1 };
        using var descent = new GradientStep<double>(parameters, value, 1, options, execution, name => name == "x");
        using var climb = new GradientStep<double>(parameters, -value, 1, options, execution, name => name == "y") { Values = descent.Values };
        var low = descent.Init(initializer, new(3, 1));
        var high = climb.NewState();
        for (var k = 0; k < 500; k++)
        {
            descent.Run(low, k, 500, default);
            climb.Run(high, k, 500, default);
        }

        Assert.Equal(0, low.Parameters[0], 9);
        Assert.Equal(-1, high.Parameters[0], 9);
        Assert.Equal([low.Parameters[0], high.Parameters[0]], descent.Values.Span.ToArray());
    }

    [Fact]
    public void APartMovesAsItDoesAmongAllWhenTheRestHasNoGradient()
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        initializer.Add(parameters, "still", 1, 5);
        var moving = initializer.Add(parameters, "moving", 1, 3);
        var loss = (moving - Expr.Random(RandomLaw.Normal, 1, 3)).SquaredNorm() / 4;
        var (options, execution) = (new GradientStepOptions(), new ExecutionOptions { Threads = 1 });
        using var all = new GradientStep<double>(parameters, loss, 4, options, execution);
        using var part = new GradientStep<double>(parameters, loss, 4, options, execution, name => name == "moving");
        var (whole, own) = (all.Init(initializer, new(1, 1)), part.Init(initializer, new(1, 1)));
        for (var k = 0; k < 20; k++)
        {
            Assert.Equal(all.Run(whole, k, 20, new DrawKey(1, (ulong)k)).Loss!.Value, part.Run(own, k, 20, new DrawKey(1, (ulong)k)).Loss!.Value, 12);
        }

        Assert.Equal(3, own.Parameters.Length);
        Assert.All(own.Parameters.Span.ToArray(), (value, i) => Assert.Equal(whole.Parameters[5 + i], value, 12));
        Assert.All(part.Values.Span.ToArray(), (value, i) => Assert.Equal(whole.Parameters[i], value, 12));
    }

    [Fact]
    public void FurtherOutputsAndThreadsChangeNothing()
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new ScalarNetwork(parameters, initializer, "phi", 2, 32, 2);
        var (x, t) = (Expr.Random(RandomLaw.Normal, 1, 2), Expr.Random(RandomLaw.Uniform, 2));
        var error = network.Apply(x, t) - x[0].Sin();
        OptimiserState<float> Trained(int threads)
        {
            using var step = new GradientStep<float>(
                parameters, error.Square() / 300, 300, new GradientStepOptions(), new ExecutionOptions { Threads = threads }, null, ("error", error));
            step.Program["error"] = new NdArray<float>(300, 1);
            var state = step.Init(initializer, new(1, 1));
            for (var k = 0; k < 5; k++)
            {
                var loss = step.Run(state, k, 5, new DrawKey(1, (ulong)k)).Loss;
                Assert.Equal(step.Program["error"].Span.ToArray().Average(e => e * e), loss!.Value, 5);
            }

            return state;
        }

        var (one, three) = (Trained(1), Trained(3));
        Assert.All(one.Arrays.Zip(three.Arrays), pair => Assert.True(pair.First.Values.Span.SequenceEqual(pair.Second.Values.Span)));
    }
}
