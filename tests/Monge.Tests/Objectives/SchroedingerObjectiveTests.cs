using Monge.Engine.Programs;
using Monge.Objectives;
using Monge.Paths;

namespace Monge.Tests.Objectives;

public sealed class SchroedingerObjectiveTests
{
    private const double Diffusion = 0.7;
    private static readonly InterpolantSchedule s_schedule = InterpolantSchedules.LinearWithLatent(1.3);

    private static (double Variance, double Growth) Moments(double t)
    {
        var v = s_schedule.At(t);
        return ((v.Alpha * v.Alpha * 0.5) + (v.Beta * v.Beta * 2) + (v.Gamma * v.Gamma),
            (v.AlphaAlphaRate * 0.5) + (v.BetaBetaRate * 2) + v.GammaGammaRate - Diffusion);
    }

    [Theory]
    [InlineData(0.02)]
    [InlineData(0.4)]
    [InlineData(0.95)]
    public void ItsMeanForALinearDriftIsTheClosedForm(double t)
    {
        const int Samples = 40_000;
        var (x0, x1, z) = (Math.Sqrt(0.5) * Expr.Random(RandomLaw.Normal, 700, 1), Math.Sqrt(2) * Expr.Random(RandomLaw.Normal, 701, 1),
            Expr.Random(RandomLaw.Normal, 702, 1));
        var value = SchroedingerObjective.PerSample(new Interpolant(s_schedule), (x, _) => 0.8 * x, Diffusion, t, x0, x1, z);
        var program = new TracedProgram(null, ("value", value));
        var (variance, growth) = Moments(t);
        var exact = (0.32 * variance) - (0.8 * growth);
        foreach (var seed in (ulong[])[1, 2, 3])
        {
            var values = ReferenceInterpreter.Evaluate(program, Samples, new Dictionary<string, double[]>(), [], new DrawKey(seed))["value"];
            var mean = values.Average();
            Assert.Equal(exact, mean, 4.5 * Math.Sqrt(values.Average(v => (v - mean) * (v - mean)) / Samples));
        }
    }

    [Fact]
    public void TheSaddleHasTheValueAndTheGradientOfTheInnerMinimum()
    {
        // With the schedule's clock shifted by s, d/ds of -(growth)^2 / (2 variance): growth depends on time too, so differences are taken of the whole.
        var s = Expr.Input("s");
        var shifted = new InterpolantSchedule(
            "shifted", t => s_schedule.Alpha(t) + (s * t * (1 - t)), s_schedule.Beta, s_schedule.Gamma, s_schedule.GammaGammaRate);
        var saddle = SchroedingerObjective.GaussianSaddle(shifted, 0.5, 2, Diffusion, Expr.Input("t"));
        var program = new TracedProgram(null, ("value", saddle), ("gradient", Derivative.Gradient(saddle, s)));
        Dictionary<string, double[]> At(double shift) =>
            ReferenceInterpreter.Evaluate(program, 1, new Dictionary<string, double[]> { ["s"] = [shift], ["t"] = [0.3] }, []);
        var (variance, growth) = Moments(0.3);
        Assert.Equal(-0.5 * growth * growth / variance, At(0)["value"][0], 1e-13);
        Assert.Equal((At(1e-5)["value"][0] - At(-1e-5)["value"][0]) / 2e-5, At(0)["gradient"][0], 1e-8);
        Assert.Throws<ArgumentException>(() => SchroedingerObjective.GaussianSaddle(InterpolantSchedules.Linear, 1, 1, 0.5, Expr.Input("t")));
    }
}
