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
        Assert.Contains("isn't finite", Assert.Throws<ArgumentException>(() => new NeuronRuns([double.NaN, .. inputs[1..]], targets, x => x)).Message,
            StringComparison.Ordinal);
        var frozenOutputs = new NeuronFlowOptions { TrainsOutputs = false };
        var bad = Network(5, D);
        bad.Features[4] = double.NaN;
        Assert.Contains("Run 2 is no longer finite", Assert.Throws<ArithmeticException>(
            () => new NeuronRuns(inputs, targets, x => x.Tanh(), frozenOutputs).Run([Network(5, D), bad], [1], 0.1, (_, _) => { })).Message,
            StringComparison.Ordinal);
        Assert.Contains("ascend", Assert.Throws<ArgumentException>(() => Run(0.1, [1, 0.5], Network(5, D))).Message, StringComparison.Ordinal);
        Assert.Contains("Run 1 is no longer finite", Assert.Throws<ArithmeticException>(() => Run(1e4, [1e7], Network(5, D))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Times_that_do_not_ascend_are_refused_before_anything_is_recorded()
    {
        var (inputs, targets) = Table();
        var start = NeuronEnsemble.Normal(5, D, new RandomStream(1));
        foreach (double[] times in new double[][] { [1, 0.5], [-1], [double.NaN], [1, double.PositiveInfinity] })
        {
            var recorded = 0;
            Assert.Throws<ArgumentException>(() => new NeuronRuns(inputs, targets, x => x.Tanh()).Run([start], times, 0.1, (_, _) => recorded++));
            Assert.Throws<ArgumentException>(
                () => new NeuronFlow(new RegressionLoss(inputs, targets, Kernel.Tanh())).Run(start, times, 0.1, (_, _, _) => recorded++));
            Assert.Equal(0, recorded);
        }
    }

    [Fact]
    public void A_long_run_stops_when_it_is_told_to()
    {
        var (inputs, targets) = Table();
        using var source = new CancellationTokenSource();
        var recorded = new List<double>();
        Assert.Throws<OperationCanceledException>(() => new NeuronRuns(inputs, targets, x => x.Tanh()).Run(
            [NeuronEnsemble.Normal(5, D, new RandomStream(1))], [1, 1e9], 0.1,
            (time, _) =>
            {
                recorded.Add(time);
                source.Cancel();
            },
            source.Token));
        Assert.Equal([1.0], recorded);
    }

    private static (double[] Inputs, double[] Targets) Table()
    {
        var random = new RandomStream(19);
        return ([.. Enumerable.Range(0, N * D).Select(_ => random.NextNormal())], [.. Enumerable.Range(0, N).Select(_ => random.NextNormal())]);
    }
}
