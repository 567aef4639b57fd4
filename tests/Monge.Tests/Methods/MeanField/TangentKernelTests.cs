using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

public sealed class TangentKernelTests
{
    private const int Count = 8;
    private const int Points = 11;

    private readonly RandomStream _random = new(12);
    private readonly double[] _kernel;
    private readonly double[] _targets;
    private readonly FunctionEnsemble _start;

    public TangentKernelTests()
    {
        double[] inputs = [.. Enumerable.Range(0, Points * 4).Select(_ => _random.NextNormal())];
        _kernel = NetworkKernels.ArcCosine(1).Matrix(inputs, inputs, 4);
        _targets = [.. Enumerable.Range(0, Count).Select(_ => _random.NextNormal())];
        _start = FunctionEnsemble.Gaussian(60, _kernel, Points, _random, r => r.NextNormal());
    }

    private double[] Rows => _kernel[..(Count * Points)];

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 0.5)]
    public void Outputs_at_all_points_move_by_the_tangent_kernel(bool trainsOutputs, double exponent)
    {
        const double step = 1e-4;
        var flow = new FunctionalFlow(
            Rows, _targets, Kernel.Softplus(), new FunctionalFlowOptions { TrainsOutputs = trainsOutputs, Exponent = exponent });
        var states = new List<FunctionalState>();
        flow.RunInSteps(_start, [1 - step, 1, 1 + step], 0.05, states.Add);
        var kernel = new TangentKernel(Rows, Count, Kernel.Softplus()) { TrainsOutputs = trainsOutputs }.Of(states[1].Neurons);
        double[] before = states[0].Neurons.Predict(Kernel.Softplus(), exponent), after = states[2].Neurons.Predict(Kernel.Softplus(), exponent);
        for (var x = 0; x < Points; x++)
        {
            var predicted = -Enumerable.Range(0, Count).Sum(a => kernel.Values[(a * Points) + x] * states[1].Residuals[a]) / Count;
            Assert.Equal(predicted, (after[x] - before[x]) / (2 * step), 1e-6);
        }
    }

    [Fact]
    public void The_recorder_tells_the_losses_rate_and_bounds_that_hold()
    {
        double[] square = [.. Enumerable.Range(0, Count * Count).Select(k => _kernel[(k / Count * Points) + (k % Count)])];
        var recorder = new TangentKernelRecorder(square, _targets, Kernel.Tanh());
        Assert.True(recorder.HasCertificate);
        Assert.Empty(recorder.Advice);
        var flow = new FunctionalFlow(Rows, _targets, Kernel.Tanh());
        flow.Run(_start, [.. Enumerable.Range(0, 60).Select(k => 0.5 * k)], state => recorder.Record(state.Time, state.Neurons, state.Residuals));
        Assert.Equal(0, recorder.Records[0].FeatureMovement);
        Assert.True(recorder.Records[0].LongestStep > 0);
        foreach (var record in recorder.Records)
        {
            Assert.True(record.SmallestSchurEigenvalue >= record.SchurBound - 1e-10);
            Assert.True(record.Loss <= record.CertifiedBound * (1 + 1e-9));
            Assert.True(record.Loss <= record.EigenvalueBound * (1 + 1e-9));
            Assert.True(record.LossRate < 0);
        }

        Assert.True(recorder.Records[^1].FeatureMovement > 0.01);
    }

    [Fact]
    public void Repeated_rows_are_named_and_too_few_coordinates_are_told()
    {
        var failure = Assert.Throws<ArgumentException>(
            () => new TangentKernelRecorder(InnerProducts([1, 2, 0.5, -1, -2, -4, 3, 1]), [1, -1, 1, -1], Kernel.Tanh()));
        Assert.Contains("Rows 0 and 2", failure.Message, StringComparison.Ordinal);

        var recorder = new TangentKernelRecorder(InnerProducts([1, 2, 0.5, -1, -1, 4, 3, 1]), [1, -1, 1, -1], Kernel.Tanh());
        Assert.False(recorder.HasCertificate);
        Assert.Contains("singular", recorder.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_whose_functions_are_frozen_follows_its_linearised_flow()
    {
        // With k0 = 0 no function moves, so that f is linear in what is trained.
        var zero = new double[Count * Points];
        var start = _start with { Outputs = new double[_start.Count] };
        var flow = new FunctionalFlow(zero, _targets, Kernel.Tanh(), new FunctionalFlowOptions { Tolerance = 1e-8 });
        var first = flow.At(start);
        var linear = new LinearisedFlow(new TangentKernel(zero, Count, Kernel.Tanh()).Of(start), first.Residuals);
        Assert.Equal(first.Loss, linear.Loss(0), 1e-12);
        flow.Run(start, [40], state =>
        {
            Assert.Equal(state.Loss, linear.Loss(40), 1e-6);
            Assert.Equal(40, linear.TimeOfLoss(linear.Loss(40)), 1e-8);
            var (found, predicted) = (state.Neurons.Predict(Kernel.Tanh()), linear.Gain(40));
            for (var k = 0; k < Points - Count; k++)
            {
                Assert.Equal(predicted[k], found[Count + k], 1e-5);
            }
        });
    }

    [Fact]
    public void Softplus_and_its_slope_are_the_formulas()
    {
        double[] q = [-800, -40, -3, -0.1, 0, 0.2, 5, 60, 900, 1.5];
        var (values, slopes) = (new double[q.Length], new double[q.Length]);
        Kernel.Softplus().AtProducts(q, values, slopes);
        for (var k = 0; k < q.Length; k++)
        {
            var decay = Math.Exp(-Math.Abs(q[k]));
            var expected = Math.Max(q[k], 0) + (decay < 1e-5 ? decay - (decay * decay / 2) : Math.Log(1 + decay));
            Assert.Equal(expected, values[k], 1e-13 * expected);
            Assert.Equal(1 / (1 + Math.Exp(-q[k])), slopes[k], 1e-14);
        }
    }

    // Of four points in the plane.
    private static double[] InnerProducts(double[] x) =>
        [.. Enumerable.Range(0, 16).Select(k => (x[k / 4 * 2] * x[k % 4 * 2]) + (x[(k / 4 * 2) + 1] * x[(k % 4 * 2) + 1]))];
}
