using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Tests.Dynamics;

public class ControlledSdeTests
{
    private const double LogZ = 0.7;
    private const double Mean = 0.8;

    private static double[] LogWeights(ControlledKernels kernels, Func<double, double> logTarget, int particles, ulong seed)
    {
        using var sde = ControlledSde.Forward<double>(kernels, particles, 1, 2);
        sde.Start(null, particles, new DrawKey(seed));
        sde.Advance(null, particles, kernels.Schedule.Grid, new DrawKey(seed));
        return [.. Enumerable.Range(0, particles).Select(
            i => logTarget(sde.Positions[i]) - sde["logBase"][i] + sde["gain"][i] + kernels.Schedule.LogConstantPerCoordinate)];
    }

    // Neither the controls nor the steps are good.
    private static ControlledKernels WrongKernels(string name)
    {
        Expr Wrong(Expr x, Expr t, Expr volatility, Expr clip) => (0.3 * (2 * x).Sin()) + (0.3 * t);
        return name switch
        {
            "pis" => Kernels(KernelSchedule.PinnedBrownian(6, 0.8), Wrong),
            "dds" => Kernels(KernelSchedule.OrnsteinUhlenbeck(6, 0.3, 2), Wrong),
            "cmcd" => Kernels(KernelSchedule.AnnealedLangevin(12, (_, _) => 2), Wrong, (x, t, v, c) => -Wrong(x, t, v, c),
                (x, t, _) => (t * (Mean - x) / 0.36) - ((1 - t) * x)),
            _ => Kernels(
                KernelSchedule.VariancePreserving(6, 0.2, 1), (x, t, v, c) => Wrong(x, t, v, c) - (v * x), name == "gbs"
                ? (x, t, v, c) => 0.2 * Wrong(x, t, v, c) : null),
        };
    }

    private static ControlledKernels Kernels(
        KernelSchedule schedule, Control forward, Control? backward = null, Func<Expr, Expr, Expr, Expr>? score = null) => new()
        {
            Dimension = 1,
            Parameters = new ParameterSet(),
            Schedule = schedule,
            Forward = forward,
            Backward = backward,
            Score = score,
            TargetCallsPerStep = 0,
        };

    [Theory]
    [InlineData("pis", 1)]
    [InlineData("pis", 2)]
    [InlineData("dis", 1)]
    [InlineData("dis", 2)]
    [InlineData("dds", 1)]
    [InlineData("dds", 2)]
    [InlineData("gbs", 1)]
    [InlineData("gbs", 2)]
    [InlineData("cmcd", 1)]
    [InlineData("cmcd", 2)]
    public void WeightsAreUnbiasedForWrongControlsAndCoarseSteps(string name, ulong seed)
    {
        var kernels = WrongKernels(name);
        double LogTarget(double x) => LogZ - (0.5 * (x - Mean) * (x - Mean) / 0.36) - (0.5 * Math.Log(2 * Math.PI * 0.36));
        var weights = ImportanceWeights.FromLogWeights(LogWeights(kernels, LogTarget, 6000, seed));
        Assert.InRange(weights.LogNormaliserError, 1e-3, 0.04);
        Assert.True(Math.Abs(weights.LogNormaliser - LogZ) < 4 * weights.LogNormaliserError, $"log Z {weights.LogNormaliser} +- {weights.LogNormaliserError}");
    }

    // From exact samples, the inverse weights of the way back average to 1 / Z whatever the kernels.
    [Theory]
    [InlineData("pis", 1)]
    [InlineData("pis", 2)]
    [InlineData("dis", 1)]
    [InlineData("dds", 1)]
    [InlineData("dds", 2)]
    [InlineData("gbs", 1)]
    [InlineData("gbs", 2)]
    [InlineData("cmcd", 1)]
    [InlineData("cmcd", 2)]
    public void InverseWeightsOfTheWayBackAreUnbiased(string name, ulong seed)
    {
        const int particles = 6000;
        var kernels = WrongKernels(name);
        var random = new RandomStream(seed);
        double[] ends = [.. Enumerable.Range(0, particles).Select(_ => Mean + (0.6 * random.NextNormal()))];
        using var sde = ControlledSde.Backward<double>(kernels, particles, 3);
        sde.StartFrom(null, ends);
        sde.Advance(null, particles, kernels.Schedule.Grid, new DrawKey(seed));
        double LogWeight(int i)
        {
            var (end, start) = (ends[i] - Mean, sde.Positions[i]);
            var logTarget = LogZ - (0.5 * end * end / 0.36) - (0.5 * Math.Log(2 * Math.PI * 0.36));
            var logBase = kernels.Schedule.StartsAtOrigin ? 0 : (-0.5 * start * start) - (0.5 * Math.Log(2 * Math.PI));
            return logTarget - logBase + sde["gain"][i] + kernels.Schedule.LogConstantPerCoordinate;
        }

        double[] logWeights = [.. Enumerable.Range(0, particles).Select(LogWeight)];
        var inverse = ImportanceWeights.FromLogWeights([.. logWeights.Select(w => -w)]);
        Assert.InRange(inverse.LogNormaliserError, 1e-3, 0.1);
        Assert.True(
            Math.Abs(inverse.LogNormaliser + LogZ) < 4 * inverse.LogNormaliserError, $"log(1/Z) {inverse.LogNormaliser} +- {inverse.LogNormaliserError}");
        Assert.True(ForwardWeights.FromLogWeights(logWeights, LogZ).Eubo > LogZ);
    }

    [Fact]
    public void StepsOfOnesOwnFromGivenRowsWalkLikeThoseOfTheLibrary()
    {
        const int particles = 40;
        var drawn = WrongKernels("cmcd");
        var given = drawn with { Schedule = new KernelSchedule([.. drawn.Schedule.Steps], PathStart.Given) };
        using var first = ControlledSde.Forward<double>(drawn, particles, 1, 2);
        using var second = ControlledSde.Forward<double>(given, particles, 1, 2);
        first.Start(null, particles, new DrawKey(4));
        first["logBase"].Span.CopyTo(second["logBase"].Span);
        second.StartFrom(null, first.Positions.Span.ToArray());
        first.Advance(null, particles, drawn.Schedule.Grid, new DrawKey(4));
        second.Advance(null, particles, given.Schedule.Grid, new DrawKey(4));
        foreach (var state in first.States)
        {
            Assert.Equal(first[state.Name].Span.ToArray(), second[state.Name].Span.ToArray());
        }

        Assert.Equal(drawn.Schedule.LogConstantPerCoordinate, given.Schedule.LogConstantPerCoordinate);
        var steps = drawn.Schedule.Steps;
        Assert.Contains("Step 1 begins", Assert.Throws<ArgumentException>(() => new KernelSchedule([steps[0], steps[2]], PathStart.Given)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new KernelSchedule([], PathStart.Given));
        Assert.Throws<ArgumentException>(() => new KernelSchedule([steps[0] with { ForwardDeviation = 0 }], PathStart.Origin));
    }

    [Theory]
    [InlineData("pis")]
    [InlineData("dds")]
    [InlineData("gbs")]
    public void ExactControlGivesEqualWeights(string name)
    {
        const int steps = 9;
        const double h = 1.0 / steps;
        ControlledKernels kernels;
        switch (name)
        {
            case "pis":
                kernels = Kernels(KernelSchedule.PinnedBrownian(steps, 1), (x, _, _, _) => Mean + (0 * x));
                break;
            case "dds":
                // The reversed process has the mean m exp(-int_t^1 beta / 2) and the variance 1; its base mean is below 1e-8 here.
                Expr Integral(Expr t) => (20 * t) + (40 * (t - (0.5 * t * t)));
                kernels = Kernels(
                    KernelSchedule.OrnsteinUhlenbeck(steps, 20, 60),
                    (x, t, volatility, _) => (volatility * Mean * (-0.5 * (Integral(1) - Integral(t + h))).Exp()) + (0 * x));
                break;
            default:
                // Both kernels of the stationary autoregression around the mean m t, written as controls.
                Expr Volatility(Expr middle) => (0.2 + (0.8 * (1 - middle))).Sqrt();
                Expr Control(Expr x, Expr from, Expr to, Expr middle, double sign)
                {
                    var rate = Volatility(middle).Square();
                    var mean = (Mean * to) + ((1 - (rate * h)).Sqrt() * (x - (Mean * from)));
                    return (mean - ((1 + (sign * 0.5 * rate * h)) * x)) / (Volatility(middle) * h);
                }

                kernels = Kernels(
                    KernelSchedule.VariancePreserving(steps, 0.2, 1), (x, t, _, _) => Control(x, t, t + h, t + (0.5 * h), 1),
                    (x, t, _, _) => Control(x, t, t - h, t - (0.5 * h), -1));
                break;
        }

        var logWeights = LogWeights(kernels, x => LogZ - (0.5 * (x - Mean) * (x - Mean)) - (0.5 * Math.Log(2 * Math.PI)), 500, 3);
        Assert.All(logWeights, w => Assert.Equal(LogZ, w, 1e-6));
    }

    [Fact]
    public void UncontrolledReferencesEndAtTheirLaws()
    {
        // Pinned Brownian motion ends at N(0, variance), the stationary process stays at N(0, 1): with these as targets all weights are 1.
        var pinned = LogWeights(
            Kernels(KernelSchedule.PinnedBrownian(5, 2.5), (x, _, _, _) => 0 * x), x => (-0.5 * x * x / 2.5) - (0.5 * Math.Log(2 * Math.PI * 2.5)), 200, 4);
        var stationary = LogWeights(
            Kernels(KernelSchedule.OrnsteinUhlenbeck(5, 0.1, 10), (x, _, _, _) => 0 * x), x => (-0.5 * x * x) - (0.5 * Math.Log(2 * Math.PI)), 200, 4);
        Assert.All([.. pinned, .. stationary], w => Assert.Equal(0, w, 1e-9));
    }
}
