using Monge.Engine.Programs;

namespace Monge.Measures.Posteriors;

/// <summary>
/// A stochastic Lorenz system seen with noise in one of three coordinates and with a gap in the middle (Inference Gym, convection_lorenz_bridge): steps
/// s_t ~ N(s_(t-1) + h drift(s_(t-1)), sqrt(h) r) of h = 0.02, s_0 ~ N(0, 1), y_t ~ N(x_t, q). r = 0.1 and q = 1, or both ~ LogNormal(-1, 1).
/// </summary>
internal static class LorenzBridges
{
    private const double Step = 0.02;
    private const double KnownNoise = 0.1;
    private const double KnownError = 1;

    public static PosteriorModel Bridge(bool hasKnownScales)
    {
        var name = hasKnownScales ? "lorenz-bridge" : "lorenz-bridge-unknown-scales";
        var skip = hasKnownScales ? 0 : 2;
        return new PosteriorModel(
            name, $"a stochastic Lorenz system of T steps, its first coordinate seen as y at whole times t, {(hasKnownScales ? "known" : "unknown")} scales",
            data =>
            {
                var y = data.Vector("y");
                var times = RandomWalks.Times(data, y.Length);
                var steps = RandomWalks.Steps(data, times);
                var seen = PosteriorParts.Constant(y);
                string[] scales = hasKnownScales ? [] : ["innovation_scale", "observation_scale"];
                string[] names = [.. scales, .. Enumerable.Range(0, 3 * steps).Select(k => $"{"xyz"[k % 3]}[{k / 3}]")];
                return Density.Create(name, (3 * steps) + skip, p =>
                {
                    Expr noise = hasKnownScales ? KnownNoise : p[0], error = hasKnownScales ? KnownError : p[1];
                    Expr Coordinate(int c) => p.Gather(0, [.. Enumerable.Range(0, steps).Select(t => skip + (3 * t) + c)]);
                    var (x, up, z) = (Coordinate(0), Coordinate(1), Coordinate(2));
                    var drift = Drift(x[..^1], up[..^1], z[..^1]);
                    Expr Moves(Expr s, Expr rate) => LogDensities.StandardNormal(s[0])
                        + LogDensities.Normal(s[1..], s[..^1] + (Step * rate), Math.Sqrt(Step) * noise).Sum();
                    var motion = Moves(x, drift.X) + Moves(up, drift.Y) + Moves(z, drift.Z) + LogDensities.Normal(seen, x.Gather(0, times), error).Sum();
                    return hasKnownScales ? motion : motion + LogDensities.LogNormal(p[..2], -1, 1).Sum();
                }, new DensityOptions
                {
                    Description = $"A stochastic Lorenz system with a gap in its observations, as in the Inference Gym, "
                        + $"{(hasKnownScales ? "known" : "unknown")} scales.",
                    Support = hasKnownScales ? null : [SupportTransform.Positive(2), SupportTransform.Real(3 * steps)],
                    Names = names,
                    Facts = Facts(hasKnownScales, names.Length),
                });
            },
            () => RandomWalks.Observations("inference-gym/lorenz_observations.csv"),
            new ModelSimulation(
                (design, random) =>
                {
                    double[] scales = hasKnownScales ? [] : [Math.Exp(random.NextNormal() - 1), Math.Exp(random.NextNormal() - 1)];
                    var path = new double[3 * RandomWalks.Steps(design, RandomWalks.Times(design, design.Vector("y").Length))];
                    var noise = Math.Sqrt(Step) * (hasKnownScales ? KnownNoise : scales[0]);
                    for (var k = 0; k < path.Length; k += 3)
                    {
                        var drift = k == 0 ? [0, 0, 0] : Drift(path.AsSpan(k - 3, 3));
                        for (var c = 0; c < 3; c++)
                        {
                            path[k + c] = k == 0 ? random.NextNormal() : path[k - 3 + c] + (Step * drift[c]) + (noise * random.NextNormal());
                        }
                    }

                    return [.. scales, .. path];
                },
                (design, p, random) =>
                {
                    var error = hasKnownScales ? KnownError : p[1];
                    return design.With(
                        "y", [.. RandomWalks.Times(design, design.Vector("y").Length).Select(t => p[skip + (3 * t)] + (error * random.NextNormal()))]);
                }));
    }

    private static (Expr X, Expr Y, Expr Z) Drift(Expr x, Expr y, Expr z) => (10 * (y - x), (x * (28 - z)) - y, (x * y) - (8.0 / 3 * z));

    private static double[] Drift(ReadOnlySpan<double> s) => [10 * (s[1] - s[0]), (s[0] * (28 - s[2])) - s[1], (s[0] * s[1]) - (8.0 / 3 * s[2])];

    private static TargetFacts Facts(bool hasKnownScales, int count)
    {
        var rows = ShippedData.Table($"inference-gym/convection_lorenz_bridge{(hasKnownScales ? "" : "_unknown_scales")}.csv")
            .OrderByDescending(r => r["quantity"] == "innovation_scale").ThenByDescending(r => r["quantity"] == "observation_scale").ToArray();
        double[] Column(string name) => [.. rows.Select(r => ShippedData.Parse(r[name]))];
        return rows.Length != count ? TargetFacts.None : new TargetFacts
        {
            Moments = new ReferenceMoments(Column("mean"), Column("standard_deviation"), "the Inference Gym's long runs of Stan")
            {
                MeanError = Column("mean_standard_error"),
            },
        };
    }
}
