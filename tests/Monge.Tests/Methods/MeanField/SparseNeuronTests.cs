using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

public sealed class SparseNeuronTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: sparse neurons");

    [Fact]
    public void A_sparse_measure_interpolates_with_no_more_atoms_than_points()
    {
        const int n = 20;
        var (inputs, targets) = Table(n, 1);
        var fit = SparseNeuronRegression.Fit(inputs, targets, new RandomStream(2, s_stream), new() { Neurons = 600, Refinements = 2 });
        Assert.InRange(fit.Network.Count, 1, n);
        Assert.InRange(fit.Violation, 0, 1e-8);
        Assert.Equal(fit.TrainingError, fit.Predict(inputs).Zip(targets, (f, y) => (f - y) * (f - y)).Average(), 1e-12);
        Assert.InRange(fit.TrainingError, 0, 1e-6);

        var atoms = NeuronAtoms.Of(fit.Network, inputs);
        Assert.InRange(atoms.Count, 1, fit.Network.Count);
        Assert.Equal(fit.Network.Count, atoms.Sum(atom => atom.Members));
    }

    [Fact]
    public void Refinement_lowers_the_total_variation()
    {
        var (inputs, targets) = Table(20, 3);
        double Variation(int rounds) => SparseNeuronRegression.Fit(
            inputs, targets, new RandomStream(2, s_stream), new() { Neurons = 200, Refinements = rounds }).Network.Outputs.Sum(Math.Abs);
        Assert.True(Variation(3) < Variation(0));
    }

    [Fact]
    public void Neurons_of_one_sign_pattern_are_one_atom()
    {
        double[] inputs = [1, 0, 0, 1];
        var network = new NeuronEnsemble([2, 1, -1, 3], [0.6, 0.8, 0.8, 0.6, 0.6, -0.8, 3, -4], 2);
        var atoms = NeuronAtoms.Of(network, inputs);
        Assert.Equal([14, 3], atoms.Select(atom => atom.Mass).Select(m => Math.Round(m, 12)));
        Assert.Equal([2, 2], atoms.Select(atom => atom.Members));
        var merged = NeuronAtoms.Merge([atoms[1]]);
        double[] wanted = Kernel.Relu().Sums(inputs, network.Features[..4], 2, network.Outputs[..2], 1);
        double[] found = Kernel.Relu().Sums(inputs, merged.Features, 2, merged.Outputs, 1);
        Assert.All(wanted.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Single(NeuronAtoms.Of(network, inputs, least: 0.5));
        Assert.Contains("coordinates", Assert.Throws<ArgumentException>(() => NeuronAtoms.Of(network, [1, 2, 3])).Message);
    }

    [Fact]
    public void Conic_descent_never_raises_the_objective_and_comes_near_that_of_a_dictionary()
    {
        const int n = 12;
        const double penalty = 1e-3;
        var (inputs, targets) = Table(n, 4);
        var loss = new RegressionLoss(inputs, targets, Kernel.Relu(), new ExecutionOptions { Threads = 1 });
        var start = NeuronEnsemble.Spherical(100, 3, new RandomStream(5, s_stream), random => random.NextRademacher() / 100.0);
        var before = double.PositiveInfinity;
        var (network, objective) = new ConicDescent(loss, new() { Penalty = penalty, Steps = 5000 }).Run(start, (_, value) =>
        {
            Assert.True(value <= before);
            before = value;
        });
        Assert.Equal(before, objective);
        Assert.All(Enumerable.Range(0, network.Count), i =>
            Assert.Equal(1, HostVectors.Dot(network.Features.AsSpan(i * 3, 3), network.Features.AsSpan(i * 3, 3)), 1e-12));

        // The same objective times n, over 2000 neurons that don't move: its minimum is an upper bound of that over all.
        var dictionary = NeuronEnsemble.Spherical(2000, 3, new RandomStream(6, s_stream), static _ => 0).Features;
        var least = new Lasso(Kernel.Relu().Matrix(dictionary, inputs, 3, 1), targets).Solve(penalty * n).Objective / n;
        Assert.InRange(objective, 0.98 * least, 1.05 * least);
    }

    [Fact]
    public void Unusable_starts_are_refused()
    {
        var (inputs, targets) = Table(3, 1);
        var descent = new ConicDescent(new RegressionLoss(inputs, targets, Kernel.Relu()));
        Assert.Contains("Neuron 1", Assert.Throws<ArgumentException>(() => descent.Run(new NeuronEnsemble([1, 0], [1, 0, 0, 0, 1, 0], 3))).Message);
        Assert.Contains("coordinates number 3", Assert.Throws<ArgumentException>(() => descent.Run(new NeuronEnsemble([1], [1, 0], 2))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConicDescent(new RegressionLoss(inputs, targets, Kernel.Relu()), new() { Steps = 0 }));
        Assert.Contains("all targets are 0", Assert.Throws<ArgumentException>(
            () => SparseNeuronRegression.Fit(inputs, new double[3], new RandomStream(1, s_stream))).Message);
    }

    private static (double[] Inputs, double[] Targets) Table(int n, ulong seed)
    {
        var inputs = NeuronEnsemble.Spherical(n, 3, new RandomStream(seed, s_stream), static _ => 0).Features;
        return (inputs, [.. Enumerable.Range(0, n).Select(a => 1 + (inputs[3 * a] * inputs[(3 * a) + 1]))]);
    }
}
