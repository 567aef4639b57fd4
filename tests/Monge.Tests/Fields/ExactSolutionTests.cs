using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Objectives;
using Monge.Paths;

namespace Monge.Tests.Fields;

public class ExactSolutionTests
{
    private const int Stream = 41;
    private static readonly double[] s_startMean = [0.4, -0.3, 0.2];
    private static readonly double[] s_endMean = [1.5, -1.0, 0.6];
    private static readonly Expr s_x = 4 * Expr.Random(RandomLaw.Normal, Stream, 3);
    private static readonly Expr s_t = Expr.Random(RandomLaw.Uniform, Stream + 1);

    public static TheoryData<double, double, double> Bridges => new()
    {
        { 1, 0.6, 0.5 }, { 0.7, 2, 0.05 }, { 1.3, 1.3, 2 },
    };

    private static double Largest(Expr value)
    {
        using var run = new CompiledProgram<double>(new TracedProgram(null, ("value", value)));
        const int n = 500;
        if (!value.IsUniform)
        {
            run["value"] = new NdArray<double>([n, .. value.Shape.Sizes]);
        }

        run.Run(n, new DrawKey(5));
        return run["value"].Span.ToArray().Max(v => double.IsNaN(v) ? double.PositiveInfinity : Math.Abs(v));
    }

    [Theory]
    [MemberData(nameof(Bridges))]
    public void TheBridgeSolvesItsEquationsAndMeetsBothMarginals(double startScale, double endScale, double diffusion)
    {
        var bridge = new GaussianBridge(s_startMean, startScale, s_endMean, endScale, diffusion);
        var drift = TransportFields.Bridge(3, null, bridge.Potential, _ => diffusion);
        Assert.True(Largest(drift.Apply(s_x, s_t) - bridge.Drift(s_x, s_t)) < 1e-11);
        Assert.True(Largest(LogDensityResiduals.FokkerPlanck(bridge.LogDensity, drift, diffusion, s_x, s_t)) < 1e-8);
        Assert.True(Largest(LogDensityResiduals.HamiltonJacobiBellman(bridge.Potential, null, diffusion, s_x, s_t)) < 1e-8);
        Assert.True(Largest(bridge.Mean(0) - Expr.Constant(s_startMean, 3)) < 1e-14);
        Assert.True(Largest(bridge.Mean(1) - Expr.Constant(s_endMean, 3)) < 1e-14);
        Assert.True(Largest(bridge.Variance(0) - (startScale * startScale)) < 1e-14);
        Assert.True(Largest(bridge.Variance(1) - (endScale * endScale)) < 1e-14);
    }

    [Theory]
    [MemberData(nameof(Bridges))]
    public void WithoutNoiseItIsTheOptimalTransport(double startScale, double endScale, double probe)
    {
        var transport = new GaussianBridge(s_startMean, startScale, s_endMean, endScale, 0);
        Assert.True(Largest(LogDensityResiduals.Continuity(transport.LogDensity, new PotentialField(3, transport.Potential), s_x, s_t)) < 1e-8);
        Assert.True(Largest(LogDensityResiduals.HamiltonJacobi(transport.Potential, s_x, s_t)) < 1e-8);

        // A bridge of little noise is near it, one of more noise farther.
        var (near, far) =
            (new GaussianBridge(s_startMean, startScale, s_endMean, endScale, 1e-7), new GaussianBridge(s_startMean, startScale, s_endMean, endScale, probe));
        Assert.True(Largest(near.Drift(s_x, s_t) - transport.Drift(s_x, s_t)) < 1e-4);
        Assert.True(Largest(far.Drift(s_x, s_t) - transport.Drift(s_x, s_t)) > 1e-2);
    }

    [Fact]
    public void TheMixtureSolvesTheTimeReversal()
    {
        var noise = new VariancePreservingNoise(3, 0.1, 6);
        var mixture = new MixtureTimeReversal([0.2, 0.5, 0.3], [[1, 0, -2], [-1, 2, 0.5], s_endMean], [0.6, 0.9, 1.4], noise);
        Assert.True(Largest(LogDensityResiduals.TimeReversal(mixture.LogDensity, noise.Drift, noise.Diffusion(s_t), s_x, s_t)) < 1e-8);
        var drift = new FormulaField(3, mixture.Drift);
        Assert.True(Largest(LogDensityResiduals.FokkerPlanck(mixture.LogDensity, drift, noise.Diffusion(s_t), s_x, s_t)) < 1e-8);
    }

    [Fact]
    public void FokkerPlanckAndProbabilityFlowAreOneEvolution()
    {
        // For any V and any drift, solution or not, the two residuals are the same function.
        Expr V(Expr x, Expr t) => (-0.5 * (1 + t) * x.SquaredNorm()) + (t * x[0]).Sin();
        Expr Drift(Expr x, Expr t) => Expr.Vector(x[1] * t, (x[0] - t).Tanh(), x[2] * x[0]);
        Expr Diffusion(Expr t) => 0.3 + (0.5 * t);
        var drift = new FormulaField(3, Drift);
        var velocity = TransportFields.ProbabilityFlow(drift, V, Diffusion);
        var stochastic = LogDensityResiduals.FokkerPlanck(V, drift, Diffusion(s_t), s_x, s_t);
        Assert.True(Largest(stochastic) > 1);
        Assert.True(Largest((stochastic - LogDensityResiduals.Continuity(V, velocity, s_x, s_t)) / (1 + stochastic.Abs())) < 1e-12);
        var back = TransportFields.FokkerPlanckDrift(velocity, V, Diffusion);
        Assert.True(Largest(back.Apply(s_x, s_t) - Drift(s_x, s_t)) < 1e-12);
    }

    [Fact]
    public void TheAnnealingIsOneEvolutionUnderBothEquations()
    {
        var annealing = new GaussianAnnealing(s_startMean, 0.8, s_endMean, 1.5);
        Expr Unnormalised(double[] mean, double scale, Expr x) =>
            (-0.5 / (scale * scale) * (x - Expr.Constant(mean, 3)).SquaredNorm()) - (3 * Math.Log(scale * Math.Sqrt(2 * Math.PI)));
        Expr V(Expr x, Expr t) => ((1 - t) * Unnormalised(s_startMean, 0.8, x)) + (t * Unnormalised(s_endMean, 1.5, x));
        var path = new FormulaPath(3, V, stream => Expr.Random(RandomLaw.Normal, stream, 3), "geometric");
        var velocity = new FormulaField(3, annealing.Drift);
        var c = annealing.LogNormaliserSlope(s_t);
        Assert.True(Largest(ContinuityResidual.Exact(path, velocity, c, s_x, s_t)) < 1e-8);
        Assert.True(Largest(LogDensityResiduals.Continuity(annealing.LogDensity, velocity, s_x, s_t)) < 1e-8);
        var drift = TransportFields.FokkerPlanckDrift(velocity, V, _ => 0.7);
        Assert.True(Largest(LogDensityResiduals.FokkerPlanck(V, drift, 0.7, s_x, s_t) - c) < 1e-8);
    }

    [Fact]
    public void TimeDerivativesArePartialAtPositionsThatWereDrawnWithTheTime()
    {
        // A box that moves with the mean: the position is traced from the time, and yet stays fixed while the time is varied.
        var bridge = new GaussianBridge(s_startMean, 1, s_endMean, 0.6, 0.5);
        var moving = bridge.Mean(s_t) + (s_t * s_x);
        var drift = new FormulaField(3, bridge.Drift);
        var path = new FormulaPath(3, bridge.LogDensity, stream => Expr.Random(RandomLaw.Normal, stream, 3), "bridge");
        var flow = TransportFields.ProbabilityFlow(drift, bridge.LogDensity, _ => 0.5);
        Assert.True(Largest(LogDensityResiduals.FokkerPlanck(bridge.LogDensity, drift, 0.5, moving, s_t)) < 1e-8);
        Assert.True(Largest(LogDensityResiduals.HamiltonJacobiBellman(bridge.Potential, null, 0.5, moving, s_t)) < 1e-8);
        Assert.True(Largest(LogDensityResiduals.Continuity(bridge.LogDensity, flow, moving, s_t)) < 1e-8);
        Assert.True(Largest(ContinuityResidual.Exact(path, flow, 0, moving, s_t)) < 1e-8);
        Assert.True(Largest(Derivative.Gradient(bridge.LogDensity(moving, s_t), s_t) - path.TimeDerivative(moving, s_t)) > 0.1);
    }
}
