using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

public sealed class NeuronBirthDeathTests
{
    private const int D = 2;

    private static readonly StreamName s_stream = StreamName.Of("tests: birth and death");

    [Fact]
    public void Without_a_rate_it_is_gradient_descent()
    {
        var (loss, start) = (Loss(), Start(9));
        var end = new NeuronBirthDeath(loss, new NeuronBirthDeathOptions { Rate = 0, Step = 0.1 }).Run(start, 1, Random(1));
        var (potential, slopes) = (new double[9], new double[9 * D]);
        loss.Evaluate(start.Features, start.Masses(), potential, slopes);
        for (var i = 0; i < 9; i++)
        {
            Assert.Equal(start.Outputs[i] - (0.1 * potential[i]), end.Outputs[i], 1e-15);
            Assert.Equal(start.Features[i * D] - (0.1 * start.Outputs[i] * slopes[i * D]), end.Features[i * D], 1e-15);
        }
    }

    [Fact]
    public void Weighted_neurons_dissipate_energy_as_the_equation_says_and_keep_their_sum()
    {
        const double h = 1e-3;
        var losses = new List<WeightedLoss>();
        new NeuronBirthDeath(Loss(), new NeuronBirthDeathOptions { Rate = 3, Step = h }).FollowWeighted(Start(50), [1 - h, 1, 1 + h], (_, _, weights, loss) =>
        {
            Assert.Equal(1, weights.Sum(), 1e-12);
            Assert.All(weights, weight => Assert.True(weight > 0));
            losses.Add(loss);
        });
        Assert.True(losses[1].Rate < 0);
        Assert.Equal(losses[1].Rate, (losses[2].Value - losses[0].Value) / (2 * h), 1e-5 * Math.Abs(losses[1].Rate));
    }

    [Fact]
    public void The_background_fills_up_with_neurons_that_say_nothing()
    {
        var injected = 0;
        var options = new NeuronBirthDeathOptions
        {
            Rate = 200,
            Background = (random, z) =>
            {
                injected++;
                z.Fill(random.NextNormal());
            },
        };
        var end = new NeuronBirthDeath(Loss(), options).Run(Start(40), 1, Random(2));
        Assert.True(injected > 0);
        Assert.Equal(40, end.Count);
        Assert.Equal(injected, end.Outputs.Count(c => c == 0));
    }

    [Fact]
    public void Runs_repeat_to_the_bit_and_count_their_steps()
    {
        var steps = new List<int>();
        var first = new NeuronBirthDeath(Loss()).Run(Start(30), 20, Random(3), (step, _) => steps.Add(step));
        var second = new NeuronBirthDeath(Loss()).Run(Start(30), 20, Random(3));
        Assert.Equal(first.Outputs, second.Outputs);
        Assert.Equal(Enumerable.Range(0, 21), steps);
    }

    [Fact]
    public void Rates_that_kill_everything_are_told()
    {
        // Two neurons whose potentials differ: one dies and one doubles; with one neuron nothing is above the mean. A background of none can't be.
        var options = new NeuronBirthDeathOptions { Rate = 1e12, Step = 1e6 };
        var failure = Assert.Throws<ArithmeticException>(() => new NeuronBirthDeath(Loss(), options).Run(Start(3), 5, Random(4)));
        Assert.Contains("shorter steps", failure.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new NeuronBirthDeath(Loss(), new NeuronBirthDeathOptions { Rate = -1 }));
        Assert.Throws<ArgumentException>(() => new NeuronBirthDeath(Loss()).Run(NeuronEnsemble.Normal(3, 5, Random(1)), 1, Random(1)));
    }

    private static PopulationLoss Loss() => PopulationLoss.OfTeacher(Kernel.Gaussian(1), D, [0.5, 1, -1, 0.3], [1.5, -2]);

    private static NeuronEnsemble Start(int count) => NeuronEnsemble.Normal(count, D, Random(5));

    private static RandomStream Random(ulong seed) => new(seed, s_stream);
}
