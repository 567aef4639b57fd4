using Monge.Engine.Programs;
using Monge.Paths;

namespace Monge.Tests.Paths;

public sealed class InterpolantScheduleTests
{
    public static TheoryData<string> Names => [.. InterpolantSchedules.Names, "designed:1", "designed:4", "linear-latent:0.5", "variance-exploding:3"];

    [Theory]
    [MemberData(nameof(Names))]
    public void RatesAreTheDerivativesOfTheScalars(string name)
    {
        var schedule = InterpolantSchedules.Get(name);
        const double Step = 1e-5;
        foreach (var t in new[] { 0.07, 0.31, 0.62, 0.93 })
        {
            var (before, at, after) = (schedule.At(t - Step), schedule.At(t), schedule.At(t + Step));
            double Slope(Func<ScheduleValues, double> of) => (of(after) - of(before)) / (2 * Step);
            Assert.Equal(Slope(v => v.Alpha), at.AlphaRate, 1e-6 * (1 + Math.Abs(at.AlphaRate)));
            Assert.Equal(Slope(v => v.Beta), at.BetaRate, 1e-6 * (1 + Math.Abs(at.BetaRate)));
            Assert.Equal(Slope(v => v.Gamma), at.GammaRate, 1e-6 * (1 + Math.Abs(at.GammaRate)));
            Assert.Equal(at.Alpha * at.AlphaRate, at.AlphaAlphaRate, 1e-9 * (1 + Math.Abs(at.AlphaAlphaRate)));
            Assert.Equal(at.Beta * at.BetaRate, at.BetaBetaRate, 1e-9 * (1 + Math.Abs(at.BetaBetaRate)));
            Assert.Equal(at.Gamma * at.GammaRate, at.GammaGammaRate, 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void SchedulesEndWhereTheyShould(string name)
    {
        var (start, end) = (InterpolantSchedules.Get(name).At(0), InterpolantSchedules.Get(name).At(1));
        var (deviation, left) =
            name switch { "variance-exploding" => (10, 0), "variance-exploding:3" => (3, 0), "diffusion" => (1, Math.Exp(-20.1 / 4)), _ => (1.0, 0.0) };
        Assert.Equal(deviation, start.Alpha, name == "diffusion" ? left * left : 1e-12);
        Assert.Equal(left, start.Beta, 1e-12);
        Assert.Equal(0, start.Gamma, 1e-12);
        Assert.Equal(0, end.Alpha, 1e-12);
        Assert.Equal(1, end.Beta, 1e-12);
        Assert.Equal(0, end.Gamma, 1e-12);
        Assert.All([start.AlphaAlphaRate, start.BetaBetaRate, start.GammaGammaRate, end.AlphaAlphaRate, end.BetaBetaRate, end.GammaGammaRate],
            product => Assert.True(double.IsFinite(product)));
    }

    [Theory]
    [InlineData("trigonometric-latent")]
    [InlineData("trigonometric")]
    [InlineData("variance-preserving")]
    [InlineData("designed:0.0001")]
    [InlineData("diffusion")]
    public void SomeSchedulesPreserveTheVarianceOfWhitenedEnds(string name) =>
        Assert.All(InterpolantSchedules.Get(name).At(0.02, 0.3, 0.5, 0.77, 0.99),
            v => Assert.Equal(1, (v.Alpha * v.Alpha) + (v.Beta * v.Beta) + (v.Gamma * v.Gamma), 1e-12));

    [Theory]
    [InlineData(4)]
    [InlineData(1e-4)]
    [InlineData(100)]
    public void TheDesignedScheduleMakesTheVarianceGrowGeometrically(double variance) =>
        Assert.All(InterpolantSchedules.Designed(variance).At(0, 0.2, 0.5, 0.8, 1), v =>
            Assert.Equal(1, ((v.Alpha * v.Alpha) + (v.Beta * v.Beta * variance)) / Math.Pow(variance, v.Time), 1e-11));

    [Fact]
    public void ARateAtAConstantTimeIsTheNumber()
    {
        var rate = InterpolantSchedules.VariancePreserving.AlphaRate(0.6);
        Assert.True(rate.IsConstant);
        var value = ReferenceInterpreter.Evaluate(new TracedProgram(null, ("rate", rate)), 1, new Dictionary<string, double[]>(), [])["rate"][0];
        Assert.Equal(-0.75, value, 1e-14);
    }

    [Fact]
    public void AnotherClockFollowsTheSameCurve()
    {
        var fast = InterpolantSchedules.LinearWithLatent().OnClock("squared", t => t.Square());
        var (at, original) = (fast.At(0.4), InterpolantSchedules.LinearWithLatent().At(0.16));
        Assert.Equal(original.Gamma, at.Gamma, 1e-14);
        Assert.Equal(original.GammaGammaRate * 0.8, at.GammaGammaRate, 1e-14);
        Assert.Equal(original.AlphaRate * 0.8, at.AlphaRate, 1e-14);
    }

    [Theory]
    [InlineData("liner", "linear-latent")]
    [InlineData("linear:2", "doesn't take the number 2")]
    [InlineData("designed:-1", "doesn't take the number -1")]
    [InlineData("designed:x", "not a number")]
    public void WrongNamesAreRefusedInASentence(string name, string part) =>
        Assert.Contains(part, Assert.Throws<ArgumentException>(() => InterpolantSchedules.Get(name)).Message);
}
