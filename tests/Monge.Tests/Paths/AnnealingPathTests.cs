using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Paths;

namespace Monge.Tests.Paths;

public class AnnealingPathTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(1.5, 2.5)]
    public void ScoreAndTimeDerivativeAreThoseOfTheLogDensity(double targetExponent, double baseExponent)
    {
        var path = new AnnealingPath(2, x => (0.3 * x[0].Square() * x[1]).Sin() - x.Square().Square().Sum(), targetExponent, baseExponent);
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        using var run = new CompiledProgram<double>(
            new TracedProgram(null, ("v", path.LogDensity(x, t)), ("score", path.Score(x, t)), ("dt", path.TimeDerivative(x, t))));
        (double V, double[] Score, double Dt) At(double a, double b, double time)
        {
            run["x"] = NdArray<double>.From([a, b], 1, 2);
            run["t"] = NdArray<double>.From([time], 1);
            (run["v"], run["score"], run["dt"]) = (new NdArray<double>(1), new NdArray<double>(1, 2), new NdArray<double>(1));
            run.Run(1);
            return (run["v"][0], run["score"].Span.ToArray(), run["dt"][0]);
        }

        const double h = 1e-5;
        foreach (var (a, b, time) in new[] { (0.4, -0.7, 0.3), (-1.1, 0.2, 0.8), (0.9, 0.9, 0.05) })
        {
            var here = At(a, b, time);
            Assert.Equal((At(a + h, b, time).V - At(a - h, b, time).V) / (2 * h), here.Score[0], 1e-8);
            Assert.Equal((At(a, b + h, time).V - At(a, b - h, time).V) / (2 * h), here.Score[1], 1e-8);
            Assert.Equal((At(a, b, time + h).V - At(a, b, time - h).V) / (2 * h), here.Dt, 1e-8);
        }

        // The ends are the base and the target, with finite derivatives.
        Assert.Equal((-0.5 * 0.65) - Math.Log(2 * Math.PI), At(0.4, -0.7, 0).V, 1e-12);
        Assert.Equal(Math.Sin(0.3 * 0.16 * -0.7) - Math.Pow(0.4, 4) - Math.Pow(0.7, 4), At(0.4, -0.7, 1).V, 1e-12);
        Assert.True(double.IsFinite(At(0.4, -0.7, 0).Dt) && double.IsFinite(At(0.4, -0.7, 1).Dt));
    }

    [Fact]
    public void ExponentsBelowOneAreRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new AnnealingPath(1, x => x[0], 0.5));
}
