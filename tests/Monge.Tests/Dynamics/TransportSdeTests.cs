using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Tests.Dynamics;

public class TransportSdeTests
{
    private const double LogZ = 0.7;
    private const double Mean = 0.8;
    private const double Scale = 0.6;

    // exp(0.7) N(x; 0.8, 0.6^2) on the line.
    private static readonly AnnealingPath s_path =
        new(1, x => LogZ - (0.5 * ((x - Mean) / Scale).SquaredNorm()) - (0.5 * Math.Log(2 * Math.PI * Scale * Scale)));

    private static ImportanceWeights Run(
        Func<Expr, Expr, Expr>? drift, SdeScheme scheme, int steps, int particles, ulong seed, double diffusion, Func<double, double>? weightBy = null)
    {
        using var sde = TransportSde.Forward<double>(s_path, null, drift is null ? null : new FormulaField(1, drift), scheme, particles, 1, 2);
        sde.Start(null, particles, new DrawKey(seed));
        var start = sde.Positions.Span[..particles].ToArray();
        sde.Advance(null, particles, new TimeGrid(0, steps, steps, (_, _) => diffusion), new DrawKey(seed));
        var logWeights = new double[particles];
        for (var i = 0; i < particles; i++)
        {
            var x = sde.Positions[i];
            var logTarget = LogZ - (0.5 * Math.Pow((x - Mean) / Scale, 2)) - (0.5 * Math.Log(2 * Math.PI * Scale * Scale));
            var logBase = (-0.5 * start[i] * start[i]) - (0.5 * Math.Log(2 * Math.PI));
            logWeights[i] = logTarget - logBase + sde["gain"][i] + (weightBy is null ? 0 : Math.Log(weightBy(x)));
        }

        return ImportanceWeights.FromLogWeights(logWeights);
    }

    [Theory]
    [InlineData(SdeScheme.EulerMaruyama, 1)]
    [InlineData(SdeScheme.EulerMaruyama, 2)]
    [InlineData(SdeScheme.Heun, 1)]
    [InlineData(SdeScheme.Heun, 2)]
    public void WeightsAreUnbiasedForAWrongDriftAndCoarseSteps(SdeScheme scheme, ulong seed)
    {
        var weights = Run((x, t) => 0.4 * (2 * x).Sin() + t, scheme, 8, 6000, seed, 0.5);
        Assert.InRange(weights.LogNormaliserError, 1e-4, 0.03);
        Assert.True(Math.Abs(weights.LogNormaliser - LogZ) < 4 * weights.LogNormaliserError, $"log Z {weights.LogNormaliser} +- {weights.LogNormaliserError}");

        // E[w x^2] = Z (mean^2 + variance).
        var second = Run((x, t) => 0.4 * (2 * x).Sin() + t, scheme, 8, 6000, seed, 0.5, x => x * x);
        var exact = LogZ + Math.Log((Mean * Mean) + (Scale * Scale));
        Assert.True(Math.Abs(second.LogNormaliser - exact) < 4 * second.LogNormaliserError,
            $"log E[w x^2] {second.LogNormaliser} +- {second.LogNormaliserError}, exact {exact}");
    }

    [Theory]
    [InlineData(SdeScheme.EulerMaruyama)]
    [InlineData(SdeScheme.Heun)]
    public void AnnealedImportanceSamplingFindsTheNormaliser(SdeScheme scheme)
    {
        var weights = Run(null, scheme, 40, 3000, 3, 2.0);
        Assert.True(Math.Abs(weights.LogNormaliser - LogZ) < 4 * weights.LogNormaliserError);
    }

    [Theory]
    [InlineData(SdeScheme.EulerMaruyama)]
    [InlineData(SdeScheme.Heun)]
    public void WeightsOfTheExactDriftBecomeEvenAtFirstOrder(SdeScheme scheme)
    {
        // The divergence enters through h b' (noise^2 - 1), whose variance over a run is of order h for either scheme.
        var exact = new GaussianAnnealing([0.0], 1, [Mean], Scale);
        double Spread(int steps) => 1 - Run(exact.Drift, scheme, steps, 4000, 5, 0.3).EffectiveSampleFraction;
        var (coarse, fine) = (Spread(20), Spread(160));
        Assert.InRange(coarse / fine, 5, 20);
        Assert.True(fine < 0.01, $"{coarse} {fine}");
    }

    [Fact]
    public void SegmentsGiveTheSameRunAsOneCall()
    {
        using var whole = TransportSde.Forward<double>(s_path, null, new FormulaField(1, (x, t) => t - x), SdeScheme.EulerMaruyama, 50, 1, 2);
        whole.Start(null, 50, new DrawKey(9));
        whole.Advance(null, 50, new TimeGrid(0, 12, 12, (_, _) => 0.4), new DrawKey(9));
        var expected = whole.Positions.Span.ToArray();
        var gains = whole["gain"].Span.ToArray();
        whole.Start(null, 50, new DrawKey(9));
        for (var first = 0; first < 12; first += 4)
        {
            whole.Advance(null, 50, new TimeGrid(first, 4, 12, (_, _) => 0.4), new DrawKey(9, (ulong)first));
        }

        Assert.Equal(expected, whole.Positions.Span.ToArray());
        Assert.Equal(gains, whole["gain"].Span.ToArray());
    }
}
