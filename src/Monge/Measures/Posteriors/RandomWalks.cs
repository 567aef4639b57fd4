using Monge.Data;
using Monge.Engine.Programs;

namespace Monge.Measures.Posteriors;

/// <summary>
/// A Brownian motion seen with noise and with a gap in the middle (Inference Gym): loc_0 ~ N(0, s), loc_t ~ N(loc_(t-1), s), y_t ~ N(loc_t, r) at the times
/// seen. s = 0.1 and r = 0.15, or both ~ LogNormal(0, 2).
/// </summary>
internal static class RandomWalks
{
    private const double KnownStep = 0.1;
    private const double KnownError = 0.15;

    public static PosteriorModel Brownian(bool hasKnownScales)
    {
        var name = hasKnownScales ? "brownian" : "brownian-unknown-scales";
        return new PosteriorModel(
            name, $"a Brownian motion of T steps seen as y at whole times t, {(hasKnownScales ? "known" : "unknown")} scales",
            data =>
            {
                var y = data.Vector("y");
                var times = Times(data, y.Length);
                var steps = Steps(data, times);
                var (seen, skip) = (PosteriorParts.Constant(y), hasKnownScales ? 0 : 2);
                string[] scales = hasKnownScales ? [] : ["innovation_scale", "observation_scale"];
                string[] names = [.. scales, .. Enumerable.Range(0, steps).Select(t => $"loc[{t}]")];
                return Density.Create(name, steps + skip, x =>
                {
                    var path = x[skip..];
                    Expr step = hasKnownScales ? KnownStep : x[0], error = hasKnownScales ? KnownError : x[1];
                    var motion = LogDensities.Normal(path[0], 0, step) + LogDensities.Normal(path[1..], path[..^1], step).Sum()
                        + LogDensities.Normal(seen, path.Gather(0, times), error).Sum();
                    return hasKnownScales ? motion : motion + LogDensities.LogNormal(x[..2], 0, 2).Sum();
                }, new DensityOptions
                {
                    Description = "A Brownian motion with a gap in its observations, as in the Inference Gym, "
                        + $"{(hasKnownScales ? "known" : "unknown")} scales.",
                    Support = hasKnownScales ? null : [SupportTransform.Positive(2), SupportTransform.Real(steps)],
                    Names = names,
                    Facts = Facts(hasKnownScales, names),
                });
            },
            () => Observations("inference-gym/brownian_observations.csv"),
            new ModelSimulation(
                (design, random) =>
                {
                    double[] scales = hasKnownScales ? [] : [Math.Exp(2 * random.NextNormal()), Math.Exp(2 * random.NextNormal())];
                    var path = new double[Steps(design, Times(design, design.Vector("y").Length))];
                    for (var t = 0; t < path.Length; t++)
                    {
                        path[t] = (t == 0 ? 0 : path[t - 1]) + ((hasKnownScales ? KnownStep : scales[0]) * random.NextNormal());
                    }

                    return [.. scales, .. path];
                },
                (design, p, random) =>
                {
                    var (error, path) = hasKnownScales ? (KnownError, p) : (p[1], p[2..]);
                    return design.With("y", [.. Times(design, design.Vector("y").Length).Select(t => path[t] + (error * random.NextNormal()))]);
                }));
    }

    /// <summary>Observations y at times t of T steps; times without one have a blank.</summary>
    public static ModelData Observations(string path)
    {
        var rows = ShippedData.Lines(path).Skip(1).Select(l => l.Split(',')).ToArray();
        var seen = rows.Where(r => r[1].Length > 0).ToArray();
        return ModelData.Of(
            path, ("T", [rows.Length]), ("t", [.. seen.Select(r => ShippedData.Parse(r[0]))]), ("y", [.. seen.Select(r => ShippedData.Parse(r[1]))]));
    }

    private static TargetFacts Facts(bool hasKnownScales, string[] names)
    {
        var rows = ShippedData.Table($"inference-gym/brownian_{(hasKnownScales ? "known" : "unknown")}_scales.csv").ToArray();
        return rows.Length != names.Length ? TargetFacts.None : new TargetFacts
        {
            LogZ = hasKnownScales ? 5.613043 : 1.187749,
            LogZSource = "log evidence: exact, linear algebra" + (hasKnownScales ? "" : " and quadrature"),
            Moments = new ReferenceMoments(
                [.. rows.Select(r => ShippedData.Parse(r["mean"]))], [.. rows.Select(r => ShippedData.Parse(r["standard_deviation"]))], "exact"),
        };
    }

    /// <summary>The times of observations, which increase.</summary>
    public static int[] Times(ModelData data, int count)
    {
        var times = data.Counts("t", count, "as of 'y'");
        var wrong = Enumerable.Range(1, count - 1).FirstOrDefault(i => times[i] <= times[i - 1]);
        return wrong == 0 ? Array.ConvertAll(times, t => (int)t) : throw data.Wrong($"time {wrong + 1} isn't after the one before it; times must increase");
    }

    /// <summary>The steps T; without a statement, to the last time seen.</summary>
    public static int Steps(ModelData data, int[] times)
    {
        var steps = data.Number("T", times[^1] + 1);
        return steps == Math.Floor(steps) && steps > times[^1] && steps is >= 2 and <= 100_000
            ? (int)steps : throw data.Wrong(FormattableString.Invariant($"'T' is {steps}; it must be a whole number above the last of 't', {times[^1]}"));
    }
}
