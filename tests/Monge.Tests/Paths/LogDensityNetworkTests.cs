using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Tests.Paths;

public class LogDensityNetworkTests
{
    private static readonly AnnealingPath s_path = new(2, x => -((x - 0.3).Square().Square().Sum()) + x[0]);

    private static (ParameterSet Parameters, ParameterInitializer Initializer, LogDensityNetwork V) Make(LogDensityBoundary boundary)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var phi = new ScalarNetwork(parameters, initializer, "phi", 2, 8, 2, quadratic: true);
        return (parameters, initializer,
            new LogDensityNetwork(parameters, initializer, "v", s_path, phi.Apply, boundary, timeTerm: true, startLogNormaliser: 0.7));
    }

    private static double[] Evaluate(ParameterSet parameters, Func<Expr, Expr, Expr> value, double t, ParameterInitializer initializer, double shake)
    {
        var (x, time) = (Expr.Input("x", 2), Expr.Input("t"));
        using var run = new CompiledProgram<double>(new TracedProgram(parameters, ("value", value(x, time))));
        initializer.Fill(run.Parameters.Span, new RandomKey(3, 40));
        for (var i = 0; i < run.Parameters.Length; i++)
        {
            run.Parameters[i] += shake * Math.Cos(3 * i);
        }

        run["x"] = NdArray<double>.From([0.3, -1.2, 2.0, 0.4, -3.0, 1.0], 3, 2);
        if (run.Program.Inputs.Contains(time))
        {
            run["t"] = NdArray<double>.From([t, t, t], 3);
        }

        run["value"] = new NdArray<double>(3);
        run.Run(3);
        return run["value"].Span.ToArray();
    }

    [Fact]
    public void MeetsBothBoundaryConditionsWhateverTheParameters()
    {
        var (parameters, initializer, v) = Make(LogDensityBoundary.BothEnds);
        var start = Evaluate(parameters, v.LogDensity, 0, initializer, 0.5);
        Assert.Equal(Evaluate(parameters, (x, _) => s_path.LogBase(x), 0, initializer, 0.5), start);
        var end = Evaluate(parameters, (x, t) => v.LogDensity(x, t) + v.LogNormaliser! - s_path.LogTarget(x), 1, initializer, 0.5);
        Assert.All(end, e => Assert.True(Math.Abs(e) < 1e-12, $"V(., 1) differs from log rho - log z by {e}"));
        var between = Evaluate(parameters, (x, t) => v.LogDensity(x, t) - s_path.LogDensity(x, t), 0.5, initializer, 0.5);
        Assert.True(between.Max() - between.Min() > 0.05, "between the ends the network must matter");
    }

    [Fact]
    public void TheTargetAloneIsHeldForATimeReversal()
    {
        var (parameters, initializer, v) = Make(LogDensityBoundary.TargetOnly);
        Assert.Null(v.LogNormaliser);
        Assert.Equal(Evaluate(parameters, (x, _) => s_path.LogTarget(x), 1, initializer, 0.5), Evaluate(parameters, v.LogDensity, 1, initializer, 0.5));
        var start = Evaluate(parameters, (x, t) => v.LogDensity(x, t) - s_path.LogBase(x), 0, initializer, 0.5);
        Assert.True(start.Max() - start.Min() > 0.05, "the law at t = 0 must be free");
    }

    [Fact]
    public void StartsOnTheInterpolation()
    {
        var (parameters, initializer, v) = Make(LogDensityBoundary.BothEnds);
        var difference = Evaluate(parameters, (x, t) => v.LogDensity(x, t) - s_path.LogDensity(x, t) + (0.7 * t), 0.4, initializer, 0);
        Assert.All(difference, e => Assert.True(Math.Abs(e) < 1e-12));
    }

    [Fact]
    public void FieldsOfFormulasHaveTheDivergenceOfTheirValue()
    {
        var (parameters, initializer, v) = Make(LogDensityBoundary.BothEnds);
        var network = new DriftNetwork(parameters, initializer, 2, 6, 1);
        var gated = new GatedScore(parameters, initializer, "gate", 2, v.Score, diagonal: true, start: 0.6);
        IVectorField[] fields =
        [
            new PotentialField(2, v.LogDensity),
            new SumField(network, new ScaledField(t => 1 + t.Square(), new PotentialField(2, v.LogDensity))),
            new SumField(network, gated),
            TransportFields.TimeReversal(new VariancePreservingNoise(2).Drift, v.LogDensity, t => 1 - (0.5 * t)),
            TransportFields.Bridge(2, network, v.LogDensity, _ => 0.4),
        ];
        foreach (var field in fields)
        {
            var direct = Evaluate(parameters, (x, t) => Derivative.Divergence(field.Apply(x, t), x), 0.3, initializer, 0.2);
            var own = Evaluate(parameters, (x, t) => field.WithDivergence(x, t).Divergence, 0.3, initializer, 0.2);
            // The mean over all sign vectors of d = 2 is the exact divergence.
            var probes = Expr.Constant([1, 1, 1, -1], 2, 2);
            var estimated = Evaluate(parameters, (x, t) => field.WithDivergenceEstimates(x, t, probes).Divergences.Mean(), 0.3, initializer, 0.2);
            for (var i = 0; i < direct.Length; i++)
            {
                Assert.Equal(direct[i], own[i], 1e-9 * (1 + Math.Abs(direct[i])));
                Assert.Equal(direct[i], estimated[i], 1e-9 * (1 + Math.Abs(direct[i])));
            }
        }
    }

    [Fact]
    public void OnlyTheGateClipsTheScore()
    {
        var (parameters, initializer, v) = Make(LogDensityBoundary.BothEnds);
        var gated = new GatedScore(parameters, initializer, "gate", 2, s_path.Score, start: 1, clip: 2);
        var clipped = Evaluate(parameters, (x, t) => gated.Apply(x, t).Abs().Maximum(0), 1, initializer, 0);
        var score = Evaluate(parameters, (x, t) => s_path.Score(x, t).Abs().Maximum(0), 1, initializer, 0);
        for (var i = 0; i < score.Length; i++)
        {
            Assert.Equal(Math.Min(score[i], 2), clipped[i], 12);
        }

        Assert.True(score.Max() > 2);
    }
}
