using Monge.Engine.Execution;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

public sealed class NeuronFlowTests
{
    private const int D = 3;

    private static readonly StreamName s_stream = StreamName.Of("tests: neuron flows");
    private static readonly ExecutionOptions s_oneThread = new() { Threads = 1 };

    [Theory]
    [InlineData(1, false)]
    [InlineData(0.5, false)]
    [InlineData(1, true)]
    public void The_loss_falls_by_the_square_of_the_gradient(double exponent, bool isSpherical)
    {
        // dL/dt = -m^(2 g - 1) |grad L|^2, which is -(sum of dot products of velocities with the loss's own gradient).
        const double h = 1e-3;
        var loss = Table(Kernel.Tanh());
        var flow = new NeuronFlow(loss, new NeuronFlowOptions { Exponent = exponent, IsSpherical = isSpherical });
        var losses = new List<double>();
        var path = new List<NeuronEnsemble>();
        flow.Run(Start(40), [0.5 - h, 0.5, 0.5 + h], 0.01, (_, network, value) =>
        {
            losses.Add(value);
            path.Add(network);
        });
        var masses = path[1].Masses(exponent);
        var (potential, slopes) = (new double[40], new double[40 * D]);
        loss.Evaluate(path[1].Features, masses, potential, slopes);
        var rate = 0.0;
        for (var i = 0; i < 40; i++)
        {
            rate += potential[i] * Math.Pow(40, -exponent) * (path[2].Outputs[i] - path[0].Outputs[i]) / (2 * h);
            for (var k = 0; k < D; k++)
            {
                var at = (i * D) + k;
                rate += masses[i] * slopes[at] * (path[2].Features[at] - path[0].Features[at]) / (2 * h);
            }
        }

        Assert.True(rate < 0);
        Assert.Equal(rate, (losses[2] - losses[0]) / (2 * h), 1e-5 * Math.Abs(rate));
        if (isSpherical)
        {
            Assert.Equal(Length(Start(40), 7), Length(path[2], 7), 1e-12);
        }
    }

    [Fact]
    public void Steps_with_error_control_end_where_short_steps_end()
    {
        var flow = new NeuronFlow(Table(Kernel.Tanh()));
        NeuronEnsemble? equal = null, controlled = null;
        flow.Run(Start(20), [3], 0.01, (_, network, _) => equal = network);
        flow.RunAdaptive(Start(20), [3], 1e-9, (_, network, _) => controlled = network);
        Assert.Equal(equal!.Outputs, controlled!.Outputs, (a, b) => Math.Abs(a - b) < 1e-7);
        Assert.Equal(equal.Features, controlled.Features, (a, b) => Math.Abs(a - b) < 1e-7);
    }

    [Fact]
    public void Threads_change_no_bit()
    {
        var (one, two) = (new List<double>(), new List<double>());
        new NeuronFlow(Table(Kernel.Relu())).Run(Start(300), [0.5, 1], 0.1, (_, network, _) => one.AddRange(network.Outputs));
        new NeuronFlow(Table(Kernel.Relu(), 2)).Run(Start(300), [0.5, 1], 0.1, (_, network, _) => two.AddRange(network.Outputs));
        Assert.Equal(one, two);
    }

    [Fact]
    public void What_is_frozen_does_not_move()
    {
        NeuronEnsemble? end = null;
        new NeuronFlow(Table(Kernel.Tanh()), new NeuronFlowOptions { TrainsOutputs = false }).Run(Start(10), [1], 0.1, (_, network, _) => end = network);
        Assert.Equal(Start(10).Outputs, end!.Outputs);
        Assert.NotEqual(Start(10).Features, end.Features);
        new NeuronFlow(Table(Kernel.Tanh()), new NeuronFlowOptions { TrainsFeatures = false }).Run(Start(10), [1], 0.1, (_, network, _) => end = network);
        Assert.Equal(Start(10).Features, end.Features);
        Assert.NotEqual(Start(10).Outputs, end.Outputs);
    }

    [Fact]
    public void A_network_and_its_mirror_image_are_nothing_together()
    {
        var network = Start(6).Symmetric();
        Assert.Equal(12, network.Count);
        var loss = Table(Kernel.Tanh());
        Assert.All(loss.Predict([0.3, -1, 2], network.Features, network.Masses()), value => Assert.Equal(0, value, 1e-16));
        Assert.Equal(Start(6).TwoNorm, network.TwoNorm, 1e-14);
        Assert.Equal(Start(6).TotalVariation, network.TotalVariation, 1e-14);
    }

    [Fact]
    public void Steps_that_are_too_long_and_times_out_of_order_are_told()
    {
        var flow = new NeuronFlow(Table(Kernel.Relu()));
        var tooLong = Assert.Throws<ArithmeticException>(() => flow.Run(Start(10), [1e5], 1e3, (_, _, _) => { }));
        Assert.Contains("no longer finite", tooLong.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => flow.Run(Start(10), [1, 0.5], 0.1, (_, _, _) => { }));
        Assert.Throws<ArgumentException>(() => flow.Run(NeuronEnsemble.Normal(3, 2, new RandomStream(1, s_stream)), [1], 0.1, (_, _, _) => { }));
    }

    [Fact]
    public void Descent_on_fresh_points_nears_the_flow_as_batches_grow()
    {
        // The law of the inputs is that of the teacher's closed form, and a step is a flow's Euler step but for the points' noise.
        var (features, masses) = NeuronLossTests.Teacher(D);
        var population = new HomogeneousLoss(PopulationLoss.OfTeacher(Kernel.ArcCosine(D), D, features, masses, s_oneThread));
        var start = Start(16);
        var wanted = 0.0;
        new NeuronFlow(population).Run(start, [1], 0.05, (_, _, loss) => wanted = loss);
        var unit = Kernel.Relu();
        var descent = new NeuronDescent(unit, D, (random, inputs, targets) =>
        {
            Sphere.Uniform(targets.Length, D, random).CopyTo(inputs);
            unit.Sums(inputs.ToArray(), features, D, masses, 1).CopyTo(targets);
        }, s_oneThread);
        var end = descent.Run(start, 20, 0.05, 20_000, new RandomStream(4, s_stream));
        Assert.Equal(wanted, new NeuronFlow(population).Loss(end), 0.02 * wanted);
    }

    private static RegressionLoss Table(Kernel unit, int threads = 1)
    {
        const int n = 25;
        var random = new RandomStream(2, s_stream);
        double[] inputs = [.. Enumerable.Range(0, n * D).Select(_ => random.NextNormal())];
        return new RegressionLoss(inputs, [.. Enumerable.Range(0, n).Select(_ => random.NextNormal())], unit, new ExecutionOptions { Threads = threads });
    }

    private static NeuronEnsemble Start(int count) => NeuronEnsemble.Normal(count, D, new RandomStream(3, s_stream));

    private static double Length(NeuronEnsemble network, int i) => Math.Sqrt(network.Features.AsSpan(i * D, D).ToArray().Sum(v => v * v));
}
