using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

public sealed class NeuronLossTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: neuron losses");

    public static TheoryData<string> Losses => ["regression-tanh", "regression-sigmoid", "regression-relu", "teacher", "homogeneous", "gaussian"];

    [Theory]
    [MemberData(nameof(Losses))]
    public void The_first_variation_is_the_derivative_of_the_loss(string name)
    {
        var (loss, network) = Make(name);
        var masses = network.Masses();
        var (potential, slopes) = (new double[masses.Length], new double[network.Features.Length]);
        var value = loss.Evaluate(network.Features, masses, potential, slopes);
        Assert.True(value > 0);
        const double h = 1e-6;
        for (var i = 0; i < masses.Length; i++)
        {
            var number = i;
            Assert.Equal(Slope((_, s, step) => s[number] += step), potential[i], 1e-8);
            for (var k = 0; k < loss.Dimension; k++)
            {
                var at = (i * loss.Dimension) + k;
                Assert.Equal(Slope((z, _, step) => z[at] += step), masses[i] * slopes[at], 1e-8);
            }
        }

        double Slope(Action<double[], double[], double> move)
        {
            return (At(h) - At(-h)) / (2 * h);

            double At(double step)
            {
                var (z, s) = (network.Features.ToArray(), masses.ToArray());
                move(z, s, step);
                return loss.Evaluate(z, s, new double[s.Length], new double[z.Length]);
            }
        }
    }

    [Fact]
    public void The_population_loss_is_that_of_many_points()
    {
        // A million points; the standard error of the loss is that of the mean of their squares.
        const int d = 3, n = 1_000_000;
        var (loss, network) = Make("teacher");
        var random = new RandomStream(7, s_stream);
        var points = Sphere.Uniform(n, d, random);
        var (teacher, masses) = Teacher(d);
        var wanted = new RegressionLoss(points, Kernel.Relu().Sums(points, teacher, d, masses), Kernel.Relu());
        var found = wanted.Evaluate(network.Features, network.Masses(), new double[network.Count], default);
        var squares = wanted.Residuals.ToArray().Select(r => 0.5 * r * r).ToArray();
        var error = Math.Sqrt(squares.Average(v => (v - found) * (v - found)) / n);
        Assert.Equal(found, loss.Evaluate(network.Features, network.Masses(), new double[network.Count], default), 4 * error);
    }

    [Fact]
    public void A_neuron_at_zero_has_no_potential()
    {
        var (loss, network) = Make("homogeneous");
        network.Features.AsSpan(0, 3).Clear();
        var potential = new double[network.Count];
        var value = loss.Evaluate(network.Features, network.Masses(), potential, new double[network.Features.Length]);
        Assert.Equal(0, potential[0]);
        network.Outputs[0] = 0;
        Assert.Equal(loss.Evaluate(network.Features, network.Masses(), potential, default), value, 1e-15);
    }

    [Fact]
    public void A_table_that_does_not_fit_is_refused()
    {
        var inputs = Assert.Throws<ArgumentException>(() => new RegressionLoss([1, 2, 3], [1, 2], Kernel.Relu()));
        Assert.Contains("3 numbers are no inputs of 2 points", inputs.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new RegressionLoss([1, double.NaN], [1, 2], Kernel.Relu()));
        Assert.Throws<ArgumentException>(() => PopulationLoss.OfTeacher(Kernel.ArcCosine(2), 2, [1, 0, 1], [1]));
    }

    internal static (double[] Features, double[] Masses) Teacher(int d)
    {
        var teacher = NeuronEnsemble.Spherical(2, d, new RandomStream(3, s_stream), r => r.NextRademacher());
        return (teacher.Features, teacher.Outputs);
    }

    private static (INeuronLoss Loss, NeuronEnsemble Network) Make(string name)
    {
        const int d = 3, n = 11, m = 6;
        var random = new RandomStream(5, s_stream);
        var free = NeuronEnsemble.Normal(m, d, random);
        var spherical = NeuronEnsemble.Spherical(m, d, random, r => r.NextNormal());
        double[] inputs = [.. Enumerable.Range(0, n * d).Select(_ => random.NextNormal())];
        double[] targets = [.. Enumerable.Range(0, n).Select(_ => random.NextNormal())];
        var (features, masses) = Teacher(d);
        var teacher = PopulationLoss.OfTeacher(Kernel.ArcCosine(d), d, features, masses);
        return name switch
        {
            "regression-tanh" => (new RegressionLoss(inputs, targets, Kernel.Tanh()), free),
            "regression-sigmoid" => (new RegressionLoss(inputs, targets, Kernel.Sigmoid()), free),
            "regression-relu" => (new RegressionLoss(inputs, targets, Kernel.Relu()), free),
            "teacher" => (new HomogeneousLoss(teacher), spherical),
            "homogeneous" => (new HomogeneousLoss(teacher), free),
            _ => (PopulationLoss.OfTeacher(Kernel.Gaussian(0.8), d, features, masses), free),
        };
    }
}
