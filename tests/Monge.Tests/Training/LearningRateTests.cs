using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Training;

namespace Monge.Tests.Training;

public class LearningRateTests
{
    [Fact]
    public void WarmCosineRisesAndFalls()
    {
        var rate = new WarmCosineRate(1e-2, 0.01);
        Assert.Equal(1e-2 / 50, rate.At(0, 1000), 12);
        Assert.Equal(1e-2, rate.At(50, 1000), 12);
        Assert.Equal(1e-2 * (0.01 + (0.99 * 0.5)), rate.At(525, 1000), 12);
        Assert.Equal(1e-4, rate.At(1000, 1000), 12);
    }

    [Fact]
    public void StepsFallAtTheirInterval()
    {
        var rate = new StepRate(0.5, Interval: 10, Factor: 0.1);
        Assert.Equal([0.5, 0.5, 0.05, 0.05, 0.005], new long[] { 0, 9, 10, 19, 20 }.Select(k => Math.Round(rate.At(k, 1), 12)));
        Assert.Equal(0.5, new StepRate(0.5).At(1_000_000, 1));
    }

    [Fact]
    public void InverseRootRisesAndFallsWithTheRoot()
    {
        var rate = new InverseRootRate(0.1, WarmSteps: 16);
        Assert.Equal(0.1 / 16, rate.At(0, 1), 12);
        Assert.Equal(0.1, rate.At(15, 1), 12);
        Assert.Equal(0.05, rate.At(63, 1), 12);
        Assert.Equal(0.01, rate.At(1599, 1), 12);
    }

    // Plain gradient descent at gradient 1 shows the rate as the parameter's move.
    [Fact]
    public void APlateauLowersTheRateAfterItsPatience()
    {
        var parameters = new ParameterSet();
        parameters.Add("x", 1);
        var options = new GradientStepOptions
        {
            Optimiser = new GradientDescent(0),
            LearningRate = new StepRate(1),
            Plateau = new Plateau(Factor: 0.5, Patience: 2, Window: 2, Threshold: 0.01),
        };
        var state = new OptimiserState<double>(parameters.Blocks, options);
        var gradient = NdArray<double>.From([1.0], 1);

        // Window means 5, 4, 3.99 (not better by a share of 0.01), 4, 4 (more than two without a better one: lowered), 3, 3, 3, 3 (lowered).
        double[] losses = [6, 4, 4, 4, 3.98, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3];
        List<double> moves = [];
        foreach (var (loss, k) in losses.Select((loss, k) => (loss, k)))
        {
            var before = state.Parameters[0];
            state.Step(gradient, loss, k, losses.Length);
            moves.Add(Math.Round(before - state.Parameters[0], 9));
        }

        Assert.Equal([.. Enumerable.Repeat(1.0, 10), .. Enumerable.Repeat(0.5, 8), 0.25, 0.25], moves);
    }
}
