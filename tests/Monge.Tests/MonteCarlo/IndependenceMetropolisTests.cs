using Monge.Engine.Random;
using Monge.MonteCarlo;

namespace Monge.Tests.MonteCarlo;

/// <summary>Independence Metropolis chains against laws and rates of acceptance that are known.</summary>
public sealed class IndependenceMetropolisTests
{
    private static readonly StreamName s_proposals = StreamName.Of("independence metropolis test: proposals");
    private static readonly StreamName s_moves = StreamName.Of("independence metropolis test: moves");

    [Fact]
    public void Draws_of_a_law_on_three_points_have_its_shares_and_moves_are_taken_as_often_as_the_kernel_says()
    {
        double[] proposal = [0.5, 0.3, 0.2], target = [0.2, 0.3, 0.5];
        double[] ratio = [.. target.Zip(proposal, (t, p) => t / p)];
        var random = new RandomStream(11, s_proposals);
        (double[] Positions, double[] LogWeights) Propose(int count)
        {
            double[] points = [.. Enumerable.Range(0, count).Select(_ => (double)random.NextCategorical(proposal))];
            return (points, [.. points.Select(p => Math.Log(ratio[(int)p]))]);
        }

        const int count = 200_000;
        var draws = IndependenceMetropolis.Draw(count, 1, 1000, 50, 3, Propose, new RandomStream(11, s_moves));
        for (var k = 0; k < 3; k++)
        {
            Assert.Equal(target[k], draws.Positions.Count(p => p == k) / (double)count, 0.006);
        }

        var rate = Enumerable.Range(0, 3).Sum(i => target[i] * Enumerable.Range(0, 3).Sum(j => proposal[j] * Math.Min(1, ratio[j] / ratio[i])));
        Assert.Equal(rate, draws.Acceptance, 0.005);
    }

    // The exact law stays: chains that begin in it, here after a long warm-up, are in it whatever the moves between draws.
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_Gaussian_given_an_observation_has_its_conjugate_mean_and_variance(int decorrelation)
    {
        const double seen = 1.5, variance = 0.5;
        var random = new RandomStream(12, s_proposals);
        (double[] Positions, double[] LogWeights) Propose(int count)
        {
            double[] points = [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];
            return (points, [.. points.Select(p => -0.5 * (p - seen) * (p - seen) / variance)]);
        }

        var draws = IndependenceMetropolis.Draw(40_000, 1, 4000, 40, decorrelation, Propose, new RandomStream(12, s_moves));
        var (mean, right) = (draws.Positions.Average(), 1 / (1 + (1 / variance)));
        Assert.Equal(right * seen / variance, mean, 0.03);
        Assert.Equal(right, draws.Positions.Average(p => (p - mean) * (p - mean)), 0.03);
        Assert.InRange(draws.Acceptance, 0.3, 0.6);
    }

    [Fact]
    public void Chains_leave_where_the_target_has_no_mass_and_a_weight_must_be_a_number()
    {
        var random = new RandomStream(13, s_proposals);
        (double[] Positions, double[] LogWeights) Propose(int count)
        {
            double[] points = [.. Enumerable.Range(0, 2 * count).Select(_ => random.NextNormal())];
            return (points, [.. Enumerable.Range(0, count).Select(c => points[2 * c] > 0 ? 0 : double.NegativeInfinity)]);
        }

        var draws = IndependenceMetropolis.Draw(1000, 2, 100, 60, 1, Propose, new RandomStream(13, s_moves));
        Assert.Equal(2000, draws.Positions.Length);
        Assert.All(Enumerable.Range(0, 1000), i => Assert.True(draws.Positions[2 * i] > 0));
        var error = Assert.Throws<ArithmeticException>(
            () => IndependenceMetropolis.Draw(10, 1, 10, 5, 1, count => (new double[count], [.. Enumerable.Repeat(double.NaN, count)]), random));
        Assert.Contains("log-weight of a proposal at x[0] = 0 is NaN", error.Message, StringComparison.Ordinal);
    }
}
