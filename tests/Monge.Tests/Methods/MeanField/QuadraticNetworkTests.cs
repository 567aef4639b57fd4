using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Methods;

namespace Monge.Tests.Methods.MeanField;

/// <summary>Networks with quadratic activation against finite differences, closed forms and their own neurons.</summary>
public sealed class QuadraticNetworkTests
{
    private const int D = 4;

    private static readonly StreamName s_stream = StreamName.Of("tests: quadratic networks");

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void The_gradient_is_that_of_differences(int inputs)
    {
        var problem = Problem(inputs, 11);
        var at = QuadraticNetwork.RandomMatrix(D, 3, new RandomStream(12, s_stream));
        var gradient = new double[D * D];
        problem.Gradient(at, gradient);
        for (var i = 0; i < D; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                // The loss is a quadratic: central differences are exact but for rounding.
                double Shifted(double by)
                {
                    var moved = (double[])at.Clone();
                    moved[(i * D) + j] += by;
                    moved[(j * D) + i] = moved[(i * D) + j];
                    return problem.Loss(moved);
                }

                var slope = (Shifted(0.5) - Shifted(-0.5)) / (i == j ? 1 : 2);
                Assert.Equal(slope, gradient[(i * D) + j], 1e-12);
                Assert.Equal(gradient[(j * D) + i], gradient[(i * D) + j]);
            }
        }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void The_loss_of_many_inputs_is_that_of_their_law(ulong seed)
    {
        const int n = 100_000;
        var (few, law) = (Problem(n, seed), Problem(0, seed));
        var at = QuadraticNetwork.RandomMatrix(D, 3, new RandomStream(seed, s_stream));
        Assert.Equal(law.Teacher, few.Teacher);

        // Of a fourth power of normal numbers the deviation is a few times the mean.
        Assert.InRange(few.Loss(at) / law.Loss(at), 1 - (16 / Math.Sqrt(n)), 1 + (16 / Math.Sqrt(n)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void Neurons_and_their_matrix_follow_one_flow_that_keeps_its_rank_and_spends_its_loss(int inputs)
    {
        var problem = Problem(inputs, 11);
        var random = new RandomStream(13, s_stream);
        double[] weights = [.. Enumerable.Range(0, 6 * D).Select(_ => random.NextNormal())];
        double[] times = [0.5, 0.999, 1, 1.001, 5];
        var matrices = problem.Follow(QuadraticNetwork.OfNeurons(weights, D), times, 1e-12);
        var neurons = problem.FollowNeurons(weights, times, 1e-12);
        Assert.All(matrices.Zip(neurons), pair =>
        {
            Assert.All(pair.First.Zip(QuadraticNetwork.OfNeurons(pair.Second, D)), both => Assert.Equal(both.Second, both.First, 1e-10));
            Assert.All(SymmetricEigen.Decompose(pair.First, D).Values, value => Assert.InRange(value, 1e-12, double.MaxValue));
        });
        var rate = (problem.Loss(matrices[3]) - problem.Loss(matrices[1])) / 0.002;
        Assert.InRange(rate / problem.LossRate(matrices[2]), 1 - 1e-5, 1 + 1e-5);
    }

    [Fact]
    public void A_start_on_a_face_of_the_cone_stays_there()
    {
        // For as long as rounding, which the teacher's second direction multiplies, is small.
        var end = Problem(0, 11).Follow(QuadraticNetwork.RandomMatrix(D, 1, new RandomStream(14, s_stream)), [2])[0];
        var values = SymmetricEigen.Decompose(end, D).Values;
        Assert.Equal(3, values.Count(value => Math.Abs(value) < 1e-9));
        Assert.InRange(values.Max(), 0.1, 100);
    }

    [Theory]
    [InlineData(6, 1)]
    [InlineData(6, 4)]
    public void Where_the_teacher_has_fewer_neurons_than_coordinates_the_loss_falls_like_its_constant_over_the_square_of_time(int d, int neurons)
    {
        const double time = 1000;
        var problem = new QuadraticNetwork(QuadraticNetwork.RandomMatrix(d, neurons, new RandomStream(15, s_stream)));
        var end = problem.Follow(QuadraticNetwork.RandomMatrix(d, d, new RandomStream(16, s_stream)), [time])[0];
        Assert.InRange(time * time * problem.Loss(end) / QuadraticNetwork.TailConstant(d, neurons), 0.98, 1.02);
        Assert.Throws<ArgumentOutOfRangeException>(() => QuadraticNetwork.TailConstant(4, 4));
    }

    [Fact]
    public void What_is_no_problem_is_refused_in_a_sentence()
    {
        Assert.StartsWith("A teacher is a symmetric matrix", Refusal(() => new QuadraticNetwork([1, 2, 3])), StringComparison.Ordinal);
        Assert.StartsWith("A teacher is a symmetric matrix", Refusal(() => new QuadraticNetwork([1, 2, 3, 1])), StringComparison.Ordinal);
        Assert.StartsWith(
            "5 numbers are no inputs in 2 coordinates", Refusal(() => new QuadraticNetwork([1, 0, 0, 1], new double[5])), StringComparison.Ordinal);
        var problem = new QuadraticNetwork([1, 0, 0, 1]);
        Assert.StartsWith("The flow starts at a symmetric matrix", Refusal(() => problem.Follow([1, 2, 3, double.NaN], [1])), StringComparison.Ordinal);
        Assert.StartsWith("3 numbers are no neurons in 2 coordinates", Refusal(() => problem.FollowNeurons([1, 2, 3], [1])), StringComparison.Ordinal);
        Assert.StartsWith("3 numbers are no neurons in 2 coordinates", Refusal(() => QuadraticNetwork.OfNeurons([1, 2, 3], 2)), StringComparison.Ordinal);
        Assert.StartsWith("A flow is asked for at times above 0", Refusal(() => problem.Follow([1, 0, 0, 1], [])), StringComparison.Ordinal);
        static string Refusal(Action action) => Assert.Throws<ArgumentException>(action).Message;
    }

    [Fact]
    public void What_settles_and_is_interpolated_says_what_the_teacher_says_and_is_of_the_cone()
    {
        // Three inputs for the ten numbers of a matrix: another solution is found, from neurons that needn't be near.
        var problem = Problem(3, 13);
        var random = new RandomStream(14, s_stream);
        double[] start = [.. Enumerable.Range(0, D * D).Select(_ => random.NextNormal())];
        var (weights, time) = problem.Settle(start, 100, 1e-4);
        Assert.InRange(time, 1e-6, 100);
        Assert.Equal(1e-4, problem.Loss(QuadraticNetwork.OfNeurons(weights, D)), 1e-5);
        var matrix = QuadraticNetwork.OfNeurons(problem.Interpolate(weights), D);
        Assert.True(problem.Loss(matrix) < 1e-24);
        Assert.True(SymmetricEigen.Decompose(matrix, D).Values.Min() >= -1e-14);
        Assert.True(matrix.Zip(problem.Teacher, (a, b) => Math.Abs(a - b)).Max() > 0.01);
        Assert.Throws<InvalidOperationException>(() => Problem(0, 13).Interpolate(weights));
    }

    private static QuadraticNetwork Problem(int inputs, ulong seed)
    {
        var random = new RandomStream(seed, s_stream);
        var teacher = QuadraticNetwork.RandomMatrix(D, 2, random);
        return new QuadraticNetwork(teacher, [.. Enumerable.Range(0, inputs * D).Select(_ => random.NextNormal())]);
    }
}
