using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

public sealed class FluctuationTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: fluctuations");

    [Fact]
    public void The_limit_with_fixed_features_is_the_mean_over_many_networks()
    {
        // Fluctuations of a wide network are the mean of its neurons' influences: over 400 networks of 400 neurons within 4 standard errors.
        const int n = 6, d = 2, m = 400, repeats = 400;
        var random = new RandomStream(1, s_stream);
        double[] inputs = Normal(n * d, random), targets = Normal(n, random), times = [0, 0.5, 3];
        var many = NeuronEnsemble.Normal(100_000, d, random);
        var limit = FluctuationLimit.OfFixedFeatures(Kernel.Tanh().Matrix(many.Features, inputs, d), many.Outputs, targets, times);
        var runs = Enumerable.Range(0, repeats).Select(_ =>
        {
            var network = NeuronEnsemble.Normal(m, d, random);
            return Outputs(Kernel.Tanh().Matrix(network.Features, inputs, d), network.Outputs, targets, times);
        }).ToArray();
        for (var k = 0; k < times.Length; k++)
        {
            var found = NeuronFluctuations.BetweenRuns([.. runs.Select(run => run[k])], m);
            Assert.Equal(limit.Fluctuation[k], found.Value, (4 * found.StandardError) + (2.0 / m));
        }

        // At the start both are the variance of one neuron.
        Assert.Equal(limit.Resampling[0], limit.Fluctuation[0], 1e-12);
        Assert.True(limit.Fluctuation[2] < limit.Fluctuation[0]);
    }

    [Fact]
    public void The_volterra_equation_of_frozen_neurons_is_the_closed_form()
    {
        // With tiny inputs the neurons' own motion counts for nothing beside that of the output weights.
        const int n = 4, m = 300;
        var random = new RandomStream(2, s_stream);
        double[] inputs = [.. Enumerable.Range(0, n).SelectMany(_ => new[] { random.NextNormal(), 1 })], targets = Normal(n, random);
        var start = new NeuronEnsemble([.. Normal(m, random).Select(c => 1e-4 * c)], Normal(2 * m, random), 2);
        var whole = FluctuationLimit.Follow(start, inputs, targets, SmoothUnit.Tanh, 0.02, 40);
        var fixedFeatures = FluctuationLimit.OfFixedFeatures(Kernel.Tanh().Matrix(start.Features, inputs, 2), start.Outputs, targets, whole.Times);
        for (var k = 0; k < whole.Times.Length; k++)
        {
            Assert.Equal(fixedFeatures.Loss[k], whole.Loss[k], 1e-4 * whole.Loss[0]);
            Assert.Equal(Math.Sqrt(fixedFeatures.Fluctuation[k]), Math.Sqrt(whole.Fluctuation[k]), 0.02 * Math.Sqrt(whole.Fluctuation.Max()));
            Assert.Equal(Math.Sqrt(fixedFeatures.Resampling[k]), Math.Sqrt(whole.Resampling[k]), 0.02 * Math.Sqrt(whole.Resampling.Max()));
        }
    }

    [Fact]
    public void The_limit_stops_when_it_is_told_to() => Assert.Throws<OperationCanceledException>(() => FluctuationLimit.Follow(
        new NeuronEnsemble([1, 2], [1, 2, 3, 4], 2), [1, 1, 2, 1], [1, 2], SmoothUnit.Tanh, 1, 4, cancellation: new CancellationToken(true)));

    [Fact]
    public void The_spread_between_runs_needs_no_reference_and_is_the_same_by_kernels_and_by_points()
    {
        // Points so many that the kernel of the sphere is their mean: on the circle equal angles make it exact to 1e-6.
        const int d = 2, n = 2000, m = 12;
        var random = new RandomStream(3, s_stream);
        NeuronEnsemble[] runs = [.. Enumerable.Range(0, 5).Select(_ => NeuronEnsemble.Spherical(m, d, random, r => r.NextNormal()))];
        double[] points = [.. Enumerable.Range(0, n).SelectMany(k => new[] { Math.Cos(2 * Math.PI * k / n), Math.Sin(2 * Math.PI * k / n) })];
        var byKernel = NeuronFluctuations.BetweenRuns(Kernel.ArcCosine(d), runs);
        var byPoints = NeuronFluctuations.BetweenRuns([.. runs.Select(run => Kernel.Relu().Sums(points, run.Features, d, run.Masses()))], m);
        Assert.Equal(byPoints.Value, byKernel.Value, 1e-5);
        Assert.Equal(byPoints.StandardError, byKernel.StandardError, 1e-5);
        Assert.Throws<ArgumentException>(() => NeuronFluctuations.BetweenRuns(Kernel.ArcCosine(d), runs[..1]));
    }

    private static double[] Normal(int count, RandomStream random) => [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];

    // y + exp(-K t) (f_0 - y) of one network.
    private static double[][] Outputs(double[] features, double[] outputs, double[] targets, double[] times)
    {
        var (m, n) = (outputs.Length, targets.Length);
        var kernel = HostMatrices.Product(HostMatrices.Transposed(features, m, n), features, n, m, n);
        var eigen = SymmetricEigen.Decompose([.. kernel.Select(v => v / m / n)], n);
        var residual = HostMatrices.Product(outputs, features, 1, m, n).Zip(targets, (f, y) => (f / m) - y).ToArray();
        var turned = HostMatrices.Product(residual, eigen.Vectors, 1, n, n);
        return [.. times.Select(t => HostMatrices.Product(eigen.Vectors, [.. turned.Zip(eigen.Values, (r, l) => r * Math.Exp(-l * t))], n, n, 1)
            .Zip(targets, (r, y) => r + y).ToArray())];
    }
}
