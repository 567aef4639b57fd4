using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

public sealed class NeuronRunsTests
{
    private const int N = 7;
    private const int D = 3;

    [Theory]
    [InlineData(1, 0, true, true)]
    [InlineData(0.5, 0.2, true, true)]
    [InlineData(0.75, 0.1, true, false)]
    [InlineData(1, 0, false, true)]
    public void Runs_at_once_are_the_runs_one_after_the_other(double exponent, double penalty, bool trainsOutputs, bool trainsFeatures)
    {
        var (inputs, targets) = Table();
        var options = new NeuronFlowOptions { Exponent = exponent, Penalty = penalty, TrainsOutputs = trainsOutputs, TrainsFeatures = trainsFeatures };
        NeuronEnsemble[] starts = [.. Enumerable.Range(0, 19).Select(run => NeuronEnsemble.Normal(5, D, new RandomStream(20 + (ulong)run)))];
        double[] times = [0, 0.3, 1.25];
        var found = new List<IReadOnlyList<NeuronEnsemble>>();
        new NeuronRuns(inputs, targets, x => x.Tanh(), options).Run(starts, times, 0.05, (_, networks) => found.Add(networks));
        for (var run = 0; run < starts.Length; run++)
        {
            var k = 0;
            new NeuronFlow(new RegressionLoss(inputs, targets, Kernel.Tanh()), options).Run(starts[run], times, 0.05, (_, network, _) =>
            {
                Assert.All(network.Outputs.Zip(found[k][run].Outputs), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
                Assert.All(network.Features.Zip(found[k++][run].Features), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
            });
            Assert.Equal(times.Length, k);
        }
    }

    [Fact]
    public void Bad_input_is_told()
    {
        var (inputs, targets) = Table();
        NeuronEnsemble Network(int m, int d) => NeuronEnsemble.Normal(m, d, new RandomStream(1));
        void Run(double step, double[] times, params NeuronEnsemble[] starts) =>
            new NeuronRuns(inputs, targets, x => x.Square()).Run(starts, times, step, (_, _) => { });
        Assert.Contains("no inputs of 6", Assert.Throws<ArgumentException>(() => new NeuronRuns(inputs, targets[1..], x => x)).Message,
            StringComparison.Ordinal);
        Assert.Contains("sphere", Assert.Throws<ArgumentException>(() => new NeuronRuns(inputs, targets, x => x, new() { IsSpherical = true })).Message,
            StringComparison.Ordinal);
        var frozen = new NeuronFlowOptions { TrainsOutputs = false, TrainsFeatures = false };
        Assert.Contains("Nothing moves", Assert.Throws<ArgumentException>(() => new NeuronRuns(inputs, targets, x => x, frozen)).Message,
            StringComparison.Ordinal);
        Assert.Contains("Run 2 has 6 neurons", Assert.Throws<ArgumentException>(() => Run(0.1, [1], Network(5, D), Network(6, D))).Message,
            StringComparison.Ordinal);
        Assert.Contains("ascend", Assert.Throws<ArgumentException>(() => Run(0.1, [1, 0.5], Network(5, D))).Message, StringComparison.Ordinal);
        Assert.Contains("Run 1 is no longer finite", Assert.Throws<ArithmeticException>(() => Run(1e4, [1e7], Network(5, D))).Message,
            StringComparison.Ordinal);
    }

    private static (double[] Inputs, double[] Targets) Table()
    {
        var random = new RandomStream(19);
        return ([.. Enumerable.Range(0, N * D).Select(_ => random.NextNormal())], [.. Enumerable.Range(0, N).Select(_ => random.NextNormal())]);
    }
}
