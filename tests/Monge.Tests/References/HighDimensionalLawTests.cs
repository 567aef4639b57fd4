using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Paths;
using Monge.References;

namespace Monge.Tests.References;

public sealed class HighDimensionalLawTests
{
    private const int Points = 30;

    private static (double[] Positions, double[] Times) Draw(int d)
    {
        var random = new RandomStream(7, 700);
        return ([.. Enumerable.Range(0, Points * d).Select(_ => 1.3 * random.NextNormal())], [.. Enumerable.Range(0, Points).Select(k => (k + 0.5) / Points)]);
    }

    private static double[] Evaluate(int d, Func<Expr, Expr, Expr> function)
    {
        var (positions, times) = Draw(d);
        return ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("value", function(Expr.Input("x", d), Expr.Input("t")))), Points,
            new Dictionary<string, double[]> { ["x"] = positions, ["t"] = times }, [])["value"];
    }

    [Theory]
    [InlineData("variance-preserving")]
    [InlineData("variance-exploding:3")]
    [InlineData("linear")]
    public void TheTwoModesVelocityIsThatOfTheMixtureAndItsReductionFollows(string name)
    {
        const int D = 5;
        var schedule = InterpolantSchedules.Get(name).OnClock("dilated", DilatedClock.Preserving(D, 1.5));
        var law = new TwoModeLaw(D, 0.9, 0.4, 0.8);
        double[] ones = [.. Enumerable.Repeat(0.9, D)];
        var mixture = new MixtureInterpolant(
            new Interpolant(schedule, InterpolantKind.OneSided), null,
            GaussianMixtureLaw.Isotropic([0.8, 0.2], [ones, [.. ones.Select(v => -v)]], [0.16, 0.16]));
        var full = law.Full(schedule);
        Assert.All(Evaluate(D, (x, t) => (full.Apply(x, t) - mixture.Velocity.Apply(x, t)).Abs().Maximum()), gap => Assert.Equal(0, gap, 1e-11));

        // y = 1.x / sqrt(d) and u = (x_0 - x_1) / sqrt 2.
        Expr Gap(Expr x, Expr t)
        {
            static Expr Pair(Expr v) => Expr.Vector(v.Sum() / Math.Sqrt(D), (v[0] - v[1]) / Math.Sqrt(2));
            return (law.Reduced(schedule).Apply(Pair(x), t) - Pair(full.Apply(x, t))).Abs().Maximum();
        }

        Assert.All(Evaluate(D, Gap), gap => Assert.Equal(0, gap, 1e-11));
    }

    [Fact]
    public void DilatedClocksRunFromZeroToOneAndMeetInTheMiddle()
    {
        static double At(Func<Expr, Expr> clock, double time) =>
            ReferenceInterpreter.Evaluate(
                new TracedProgram(null, ("value", clock(Expr.Input("t")))), 1, new Dictionary<string, double[]> { ["t"] = [time] }, [])["value"][0];
        foreach (var (clock, middle) in ((Func<Expr, Expr>, double)[])
            [(DilatedClock.Preserving(400, 3), 0.15), (DilatedClock.Exploding(400, 3), 0.85),
                (DilatedClock.ExplodingTrigonometric(400, 3), Math.Sqrt(1 - 0.0225))])
        {
            Assert.Equal(0, At(clock, 0), 1e-15);
            Assert.Equal(middle, At(clock, 0.5), 1e-12);
            Assert.Equal(middle, At(clock, 0.5 - 1e-13), 1e-12);
            Assert.Equal(1, At(clock, 1), 1e-15);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => DilatedClock.Exploding(4, 3));
    }

    // All 2^d spins, one by one.
    [Fact]
    public void TheExactSpinVelocityIsThatOfEnumeration()
    {
        const int D = 6;
        var (b, h) = (1.7, 0.6);
        var law = new CurieWeissLaw(D, b, h);
        double Spin(int state, int i) => (state >> i) % 2 == 1 ? 1 : -1;
        double Sum(int state) => Enumerable.Range(0, D).Sum(i => Spin(state, i));
        double[] weights = [.. Enumerable.Range(0, 1 << D).Select(s => Math.Exp((b * Sum(s) * Sum(s) / (2 * D)) + (h * Sum(s) / D)))];
        var ups = law.UpSpinProbabilities();
        for (var up = 0; up <= D; up++)
        {
            Assert.Equal(Enumerable.Range(0, 1 << D).Where(s => Sum(s) == (2 * up) - D).Sum(s => weights[s]) / weights.Sum(), ups[up], 1e-12);
        }

        Assert.Equal(law.Magnetisation, Math.Tanh(b * law.Magnetisation), 1e-14);
        var schedule = InterpolantSchedules.VariancePreserving;
        var values = Evaluate(D, law.Exact(schedule, 200).Apply);
        var (positions, times) = Draw(D);
        for (var p = 0; p < Points - 1; p++)
        {
            var t = times[p];
            var x = positions.AsSpan(p * D, D).ToArray();
            double[] posterior =
                [.. Enumerable.Range(0, 1 << D).Select(s => weights[s] * Math.Exp(t / (1 - (t * t)) * Enumerable.Range(0, D).Sum(i => x[i] * Spin(s, i))))];
            for (var i = 0; i < D; i++)
            {
                var mean = Enumerable.Range(0, 1 << D).Sum(s => posterior[s] * Spin(s, i)) / posterior.Sum();
                var velocity = (mean - (t * x[i])) / (1 - (t * t));
                Assert.Equal(velocity, values[(p * D) + i], 1e-7 * (1 + Math.Abs(velocity)));
            }
        }
    }

    [Fact]
    public void InLargeSystemsTheTwoSpinVelocitiesAgree()
    {
        const int D = 2000;
        var law = new CurieWeissLaw(D, 2, 0.7);
        var schedule = InterpolantSchedules.VariancePreserving;
        var x = Expr.Input("x", D);

        // One point near each phase, at a time when the mode is decided but the spins are not.
        var random = new RandomStream(3, 700);
        double[] positions =
            [.. Enumerable.Range(0, 2 * D).Select(k => (0.3 * (k < D ? 1 : -1) * (random.NextDouble() < 0.97 ? 1 : -1)) + (0.95 * random.NextNormal()))];
        var (exact, large) = (law.Exact(schedule).Apply(x, 0.3), law.LargeSystem(schedule).Apply(x, 0.3));
        var gap = ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("gap", (exact - large).Abs().Maximum())), 2, new Dictionary<string, double[]> { ["x"] = positions }, [])["gap"];
        Assert.All(gap, g => Assert.InRange(g, 0, 0.02));
    }

    [Theory]
    [InlineData(1.5, 8, 0.1)]
    [InlineData(0.5, 16, 0.1)]
    [InlineData(0.3, 4, 1)]
    public void TheOverlapsEndAtTheirClosedFormUnderAnySchedule(double deviation, int samples, double decay)
    {
        var theory = new LimitedSampleTheory(samples, deviation, decay);
        var exact = theory.ClosedForm();
        foreach (var schedule in (InterpolantSchedule[])[InterpolantSchedules.Linear, InterpolantSchedules.Trigonometric])
        {
            var end = theory.Integrate(schedule, 5000);
            Assert.Equal(exact.Mean, end.Mean, 1e-6);
            Assert.Equal(exact.Base, end.Base, 1e-6);
            Assert.Equal(exact.Data, end.Data, 1e-6);
            Assert.Equal(exact.Variance, end.Variance, 1e-6);
        }

        var a = theory.DataCoefficient / theory.BaseCoefficient;
        Assert.Equal(((decay * decay) + (samples * ((deviation * deviation) + a))) / Math.Pow(samples + decay, 2), theory.MeanError, 1e-12);
        Assert.Equal(2 * deviation * deviation / samples, new LimitedSampleTheory(samples, deviation, 1e-12).MeanError, 1e-9);
    }
}
