using Monge.Diagnostics;
using Monge.Engine.Random;

namespace Monge.Tests.Diagnostics;

public sealed class MomentTailsTests
{
    private const int Count = 10_000;

    private static double[] Draws(Func<RandomStream, double> draw, ulong seed)
    {
        var random = new RandomStream(seed, 3);
        return [.. Enumerable.Range(0, Count).Select(_ => draw(random))];
    }

    private static MomentTail Tail(double[] values, double[]? logWeights = null) => MomentTails.Compute(values, ["x"], logWeights)[0];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void EqualDrawsFixWhatTheirLawHas(ulong seed)
    {
        // |x - m|^p of Student's t with nu degrees of freedom has the Pareto shape p / nu.
        Assert.True(Tail(Draws(r => r.NextNormal(), seed)) is { HasMean: true, HasDeviation: true });
        var five = Tail(Draws(r => r.NextStudentT(5), seed));
        Assert.Equal(0.2, five.Mean!.Shape, 0.2);
        Assert.True(five is { HasMean: true, HasDeviation: true });
        var two = Tail(Draws(r => r.NextStudentT(2), seed));
        Assert.Equal(1, two.Deviation!.Shape, 0.3);
        Assert.True(two is { HasMean: true, HasDeviation: false });
        Assert.True(Tail(Draws(r => r.NextStudentT(1), seed)) is { HasMean: false, HasDeviation: false });
    }

    [Fact]
    public void HeavyWeightsSpoilOnlyTheCoordinatesThatTheyGrowWith()
    {
        // Draws from N(0, 1) for N(0, 2^2): weights grow like exp(3 x^2 / 8), with the shape 3/4. The other coordinate doesn't see them.
        var random = new RandomStream(1, 4);
        var (samples, log) = (new double[2 * Count], new double[Count]);
        for (var i = 0; i < Count; i++)
        {
            (samples[2 * i], samples[(2 * i) + 1]) = (random.NextNormal(), random.NextNormal());
            log[i] = 0.45 * samples[2 * i] * samples[2 * i];
        }

        var tails = MomentTails.Compute(samples, ["a", "b"], log);
        Assert.False(tails[0].HasDeviation);
        var warning = Assert.Single(MomentTails.Judge(tails));
        Assert.Contains("the deviation of a (Pareto k = ", warning.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void LostSamplesWeighNothingWhereverTheyLie()
    {
        double[] values = [.. Draws(r => r.NextNormal(), 5), double.NaN];
        double[] log = [.. new double[Count], double.NegativeInfinity];
        Assert.Empty(MomentTails.Judge(MomentTails.Compute(values, ["x"], log)));
    }

    [Fact]
    public void AConstantColumnHasNoTail() => Assert.True(Tail(new double[Count]) is { Mean: null, Deviation: null, HasMean: true });
}
