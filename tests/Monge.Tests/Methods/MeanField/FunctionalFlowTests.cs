using Monge.Dynamics;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

public sealed class FunctionalFlowTests
{
    private const int Count = 6;
    private const int Points = 9;
    private const int Width = 4;
    private const int FirstWidth = 12;

    private readonly RandomStream _random = new(11);
    private readonly double[] _inputs;
    private readonly double[] _targets;
    private readonly RandomFirstLayer _layer;

    public FunctionalFlowTests()
    {
        _inputs = Normal(Points * 3);
        _targets = Normal(Count);
        _layer = RandomFirstLayer.Normal(FirstWidth, 3, Kernel.Softplus(), _random);
    }

    // The weights' own flow, as it is written down: f = m^-g sum a s(M^-b sum W phi), with rates m^(2g-1) for a and m^(2g-1) M^(2b-1) for W.
    [Theory]
    [InlineData(0.5, 1, 0)]
    [InlineData(1, 1, 0.1)]
    [InlineData(1, 0.5, 0)]
    [InlineData(0.75, 0.75, 0.1)]
    public void Functions_move_as_the_flow_of_the_weights_moves_them(double b, double g, double penalty)
    {
        var features = _layer.Features(_inputs);
        double[] phi = [.. features.Select(v => v * Math.Sqrt(FirstWidth))];
        double[] first = Normal(Width), middle = Normal(Width * FirstWidth), state = [.. first, .. middle];
        new HostOde(RungeKuttaTableau.RungeKutta4, state.Length, (_, at, slope) => OwnSlope(at, slope, phi, b, g, penalty)).Run(state, 0, 2, 200);
        var expected = Functions(state.AsSpan(Width), phi, b);

        var start = new FunctionEnsemble(first, Functions(middle, phi, b), Points);
        var flow = new FunctionalFlow(
            _layer.KernelMatrix(_inputs)[..(Count * Points)], _targets, Kernel.Tanh(), new FunctionalFlowOptions { Exponent = g, Penalty = penalty });
        flow.RunInSteps(start, [2], 0.01, end =>
        {
            Near(expected, end.Neurons.Values, 1e-9);
            Near(state[..Width], end.Neurons.Outputs, 1e-9);
        });
        flow.Run(start, [0, 2], end => Near(end.Time == 0 ? start.Values : expected, end.Neurons.Values, 1e-4));
    }

    [Fact]
    public void A_shallow_network_is_one_whose_kernel_is_the_inner_product()
    {
        var neurons = NeuronEnsemble.Normal(Width, 3, _random);
        var inner = HostMatrices.Product(_inputs.AsSpan(0, Count * 3), HostMatrices.Transposed(_inputs, Points, 3), Count, 3, Points);
        var loss = new RegressionLoss(_inputs[..(Count * 3)], _targets, Kernel.Tanh());
        FunctionEnsemble? weights = null;
        var value = 0.0;
        new NeuronFlow(loss).Run(neurons, [1.5], 0.05, (_, network, l) => (weights, value) = (FunctionEnsemble.OfNeurons(network, _inputs), l));
        new FunctionalFlow(inner, _targets, Kernel.Tanh()).RunInSteps(FunctionEnsemble.OfNeurons(neurons, _inputs), [1.5], 0.05, end =>
        {
            Near(weights!.Values, end.Neurons.Values, 1e-12);
            Assert.Equal(value, end.Loss, 1e-12);
        });
    }

    [Fact]
    public void A_run_to_a_loss_ends_there_and_with_the_same_bits_on_any_threads()
    {
        var kernel = _layer.KernelMatrix(_inputs)[..(Count * Points)];
        var start = FunctionEnsemble.Gaussian(100, NetworkKernels.ArcCosine(1).Matrix(_inputs, _inputs, 3), Points, _random, _ => 1);
        FunctionalState[] ends =
        [
            .. new[] { 1, 2 }.Select(threads =>
                new FunctionalFlow(kernel, _targets, Kernel.Tanh(), new FunctionalFlowOptions { Threads = threads }).RunToLoss(start, 0.05, 1000)),
        ];
        Assert.Equal(0.05, ends[0].Loss, 1e-6);
        Assert.Equal(ends[0].Neurons.Values, ends[1].Neurons.Values);
        Assert.Equal(ends[0].Time, ends[1].Time);
    }

    [Fact]
    public void A_symmetric_start_is_0_and_a_gaussian_one_has_the_kernel_as_its_covariance()
    {
        var kernel = NetworkKernels.ArcCosine(1).Matrix(_inputs, _inputs, 3);
        var start = FunctionEnsemble.Gaussian(40_000, kernel, Points, _random, _ => 1, 0.5);
        var covariance = new double[Points * Points];
        for (var i = 0; i < start.Count; i++)
        {
            for (var k = 0; k < covariance.Length; k++)
            {
                covariance[k] += start.Values[(i * Points) + (k / Points)] * start.Values[(i * Points) + (k % Points)] / start.Count;
            }
        }

        var largest = kernel.Max();
        Near([.. kernel.Select(v => 0.25 * v / largest)], [.. covariance.Select(v => v / largest)], 0.01);
        Assert.All(start.Symmetric().Predict(Kernel.Tanh()), f => Assert.Equal(0, f, 1e-12));
    }

    [Fact]
    public void The_norm_of_what_is_gained_is_that_of_the_weights()
    {
        // A change of the functions is one of the middle layer's weights, whose norm is that of the function space.
        var features = _layer.Features(_inputs[..(Count * 3)]);
        var neurons = NeuronEnsemble.Normal(Width, FirstWidth, _random);
        var loss = new RegressionLoss(features, _targets, Kernel.Tanh());
        NeuronEnsemble? moved = null;
        new NeuronFlow(loss).Run(neurons, [2], 0.05, (_, network, _) => moved = network);
        var expected = Enumerable.Range(0, Width).Average(i => Math.Abs(moved!.Outputs[i]) * Math.Sqrt(HostVectors.SquaredDistance(
            moved.Features.AsSpan(i * FirstWidth, FirstWidth), neurons.Features.AsSpan(i * FirstWidth, FirstWidth))));
        new FunctionalFlow(_layer.KernelMatrix(_inputs[..(Count * 3)]), _targets, Kernel.Tanh()).RunInSteps(
            FunctionEnsemble.OfNeurons(neurons, features), [2], 0.05, end => Assert.Equal(expected, end.Movement, 1e-9));
    }

    [Fact]
    public void What_doesnt_fit_is_refused()
    {
        var kernel = _layer.KernelMatrix(_inputs);
        Assert.Throws<ArgumentException>(() => new FunctionalFlow(kernel[..7], _targets, Kernel.Tanh()));
        var flow = new FunctionalFlow(kernel[..(Count * Points)], _targets, Kernel.Tanh());
        Assert.Throws<ArgumentException>(() => flow.At(new FunctionEnsemble([1], new double[Points - 1], Points - 1)));
        Assert.Throws<InvalidOperationException>(() => Kernel.Gaussian(1).AtProducts(new double[3], new double[3]));
    }

    private static double[] Functions(ReadOnlySpan<double> weights, double[] phi, double b)
    {
        var values = HostMatrices.Product(weights, HostMatrices.Transposed(phi, Points, FirstWidth), Width, FirstWidth, Points);
        return [.. values.Select(v => v * Math.Pow(FirstWidth, -b))];
    }

    private void OwnSlope(ReadOnlySpan<double> state, Span<double> slope, double[] phi, double b, double g, double penalty)
    {
        var h = Functions(state[Width..], phi, b);
        double rateA = Math.Pow(Width, (2 * g) - 1), rateW = rateA * Math.Pow(FirstWidth, (2 * b) - 1);
        slope.Clear();
        for (var x = 0; x < Count; x++)
        {
            var f = -_targets[x];
            for (var i = 0; i < Width; i++)
            {
                f += Math.Pow(Width, -g) * state[i] * Math.Tanh(h[(i * Points) + x]);
            }

            for (var i = 0; i < Width; i++)
            {
                var s = Math.Tanh(h[(i * Points) + x]);
                var outer = f / Count * Math.Pow(Width, -g);
                slope[i] -= rateA * outer * s;
                for (var j = 0; j < FirstWidth; j++)
                {
                    slope[Width + (i * FirstWidth) + j] -=
                        rateW * outer * state[i] * (1 - (s * s)) * Math.Pow(FirstWidth, -b) * phi[(x * FirstWidth) + j];
                }
            }
        }

        HostVectors.AddScaled(-penalty, state, slope);
    }

    private static void Near(double[] expected, double[] found, double tolerance)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var k = 0; k < expected.Length; k++)
        {
            Assert.Equal(expected[k], found[k], tolerance);
        }
    }

    private double[] Normal(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.NextNormal())];
}
