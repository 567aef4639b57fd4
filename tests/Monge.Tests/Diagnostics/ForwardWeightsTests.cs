using Monge.Diagnostics;
using Monge.Engine.Random;

namespace Monge.Tests.Diagnostics;

public class ForwardWeightsTests
{
    // p = Z N(0, 1) against q = N(m, 1): log w = log Z - m x + m^2 / 2, the EUBO is log Z + m^2 / 2 and the effective sample size exp(-m^2).
    [Theory]
    [InlineData(0.5, 1)]
    [InlineData(0.5, 2)]
    [InlineData(0.9, 3)]
    public void ShiftedGaussiansHaveTheirClosedForm(double shift, ulong seed)
    {
        var random = new RandomStream(seed);
        double[] logWeights = [.. Enumerable.Range(0, 40_000).Select(_ => 1.5 - (shift * random.NextNormal()) + (0.5 * shift * shift))];
        var found = ForwardWeights.FromLogWeights(logWeights, 1.5);
        Assert.InRange(found.EuboError, 1e-4, 0.02);
        Assert.True(Math.Abs(found.Eubo - 1.5 - (0.5 * shift * shift)) < 4 * found.EuboError);
        Assert.InRange(found.EffectiveSampleFractionError, 1e-5, 0.02);
        Assert.True(Math.Abs(found.EffectiveSampleFraction - Math.Exp(-shift * shift)) < 4 * found.EffectiveSampleFractionError);
    }

    [Fact]
    public void ALostPathMakesTheBoundInfinite()
    {
        var found = ForwardWeights.FromLogWeights([0, double.NaN, 0], 0);
        Assert.Equal((double.PositiveInfinity, 0), (found.Eubo, found.EffectiveSampleFraction));
        Assert.Equal(1.0 / 3, found.HiddenShare, 1e-12);
        Assert.Contains(
            "the draws miss part of the target", Assert.Single(found.Judge(ImportanceWeights.FromLogWeights([0, 0, 0.1]))).Message, StringComparison.Ordinal);
    }

    // A few exact samples far out make both figures extreme, whatever mass they stand for.
    [Theory]
    [InlineData(0.003, false)]
    [InlineData(0.03, true)]
    public void FarTailsAreToldFromMissedMass(double share, bool isMissed)
    {
        double[] logWeights = [.. Enumerable.Range(0, 10_000).Select(i => i < 10_000 * share ? 300.0 : 0)];
        var found = ForwardWeights.FromLogWeights(logWeights, 0);
        Assert.Equal(share, found.HiddenShare, 1e-12);
        var told = Assert.Single(found.Judge(ImportanceWeights.FromLogWeights([0, 0, 0.1])));
        Assert.Equal(isMissed, told.Message.StartsWith("the draws miss part of the target, 3 %", StringComparison.Ordinal)
            || told.Message.StartsWith("the draws miss part of the target, 3%", StringComparison.Ordinal));
        Assert.Equal(!isMissed, told.Message.StartsWith("the draws are thin in places that hold little of the target (0.3", StringComparison.Ordinal));
    }

    [Fact]
    public void EvenWeightsRaiseNoWarning() =>
        Assert.Empty(ForwardWeights.FromLogWeights([0.1, 0, -0.1], 0).Judge(ImportanceWeights.FromLogWeights([0.1, 0, -0.1])));

    [Fact]
    public void TooFewWeightsAreRefused() => Assert.Throws<ArgumentException>(() => ForwardWeights.FromLogWeights([0.1], 0));
}
