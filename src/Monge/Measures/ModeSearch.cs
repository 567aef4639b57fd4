using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Looks for separate modes of a density from many starts: heavy-tailed draws at scales over five decades about the origin and a given centre, then about the
/// modes found, and at the distances between these, all climbing as one batch. Where they end is polished by Newton's method and merged by distance in the
/// local metric. A mode is only found if a start lies in its basin, whose share of the directions falls like (narrow width / wide width)^d beside a wider
/// mode: what is not found is not shown to be missing. The starts are always the same.
/// </summary>
internal static class ModeSearch
{
    private const int StartsOfAWave = 1024;
    private const int FewestLooks = 4096;
    private const int MostLooks = 65_536;
    private const long LookWork = 200_000_000;
    private const int MostModes = 24;
    private const int MostPolished = 32;
    private const double LeastScale = 0.1;
    private const double GreatestScale = 1e4;
    private const double TailFreedom = 3;

    // The search ends after some waves without a new mode, more of them where the density is cheap.
    private const int MostWaves = 32;
    private const int FruitlessWaves = 4;
    private const int FruitlessWavesIfCheap = 10;
    private const long CheapWork = 300_000_000;
    private const long MostEvaluations = 600_000;

    // Two modes are one within this many deviations, and one that has so much less mass is left out; Laplace's guess of the mass may be much too low.
    private const double SameMode = 1;
    private const double NegligibleLogShare = 9;
    private const double HopelessLogShare = 40;

    // A mode's Gaussian is matched to the density's moments about it where Laplace's has fewer effective draws than this share.
    private const int MassDraws = 2048;
    private const double GoodFit = 0.5;
    private const double ApartInDeviations = 2;

    /// <summary>Finds modes with a definite Hessian.</summary>
    /// <param name="density">The density.</param>
    /// <param name="centre">A place to search about besides the origin [d]; null for none.</param>
    /// <param name="scale">The scale there [d]; null for 1.</param>
    /// <param name="cancellation">Stops the search.</param>
    public static FoundModes Find(Density density, double[]? centre = null, double[]? scale = null, CancellationToken cancellation = default)
    {
        var d = density.Dimension;
        var random = new RandomStream(0, MeasureStreams.ModeSearch);
        var x = Expr.Input("x", d);
        var value = density.LogDensity(x);
        var traced = new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, x)));
        if (traced.Outputs.Any(o => o.Value.IsUniform))
        {
            return new FoundModes([], 0);
        }

        using var program = new CompiledProgram<double>(traced);
        var (climb, size) = (new ModeClimb(program, d), Size(traced));
        using var finder = new LaplaceApproximation.Finder(density);
        var modes = new List<LaplaceApproximation>();
        var ones = Enumerable.Repeat(1.0, d).ToArray();
        (double[] Centre, double[] Scale)[] places = [(new double[d], ones), .. centre is null ? [] : new[] { (centre, scale ?? ones) }];
        var (fruitless, looks) = (0, (int)Math.Clamp(LookWork / size, FewestLooks, MostLooks));
        for (var wave = 0; wave < MostWaves && climb.Evaluations < MostEvaluations; wave++)
        {
            // The second wave and every later one search about what was found too, every other one at the distances between what was found.
            var known = modes.Count;
            var about = modes.Select(m => (m.Mode, m.StandardDeviation));
            var starts = wave % 2 == 1 && known > 1
                ? Unexplained(StartsAtDistances(looks, [.. modes.Select(m => m.Mode)], places.Select(p => p.Centre), random), modes, climb)
                : Starts(d, [.. wave % 4 == 3 && known > 0 ? [] : places, .. about], random);
            if (starts.Length > 0)
            {
                Collect(d, finder.TryFind, climb.Run(starts, cancellation), modes, cancellation);
            }

            fruitless = modes.Count > known ? 0 : fruitless + 1;
            if (fruitless >= (climb.Evaluations * size < CheapWork ? FruitlessWavesIfCheap : FruitlessWaves))
            {
                break;
            }
        }

        return new FoundModes(Weighed(density, modes, random, cancellation), climb.Starts);
    }

    // Numbers computed in one evaluation.
    private static long Size(TracedProgram program)
    {
        var (seen, open, size) = (new HashSet<Expr>(), new Stack<Expr>(program.Outputs.Select(o => o.Value)), 0L);
        while (open.TryPop(out var node))
        {
            if (seen.Add(node))
            {
                size += node.Size;
                foreach (var input in node.Inputs)
                {
                    open.Push(input);
                }
            }
        }

        return size;
    }

    // The modes with the mass about them, without those that have next to none.
    private static List<FoundMode> Weighed(Density density, List<LaplaceApproximation> modes, RandomStream random, CancellationToken cancellation)
    {
        if (modes.Count == 0)
        {
            return [];
        }

        var top = modes.Max(m => m.LogZ);
        var kept = modes.Where(m => m.LogZ > top - HopelessLogShare).OrderByDescending(m => m.LogZ).Take(2 * MostModes).ToList();
        if (kept is [var only])
        {
            return [new FoundMode(only.Mode, only.ToGaussian(), only.LogZ)];
        }

        using var moments = new AdaptiveMoments(density, MassDraws);
        var weighed = kept.Select(mode =>
        {
            var laplace = mode.ToGaussian();
            bool IsApart(GaussianBase gaussian) => kept.All(other => ReferenceEquals(other, mode)
                || Deviations(gaussian, other.Mode) > ApartInDeviations * Math.Sqrt(density.Dimension));
            return moments.Estimate(laplace, random).EffectiveShare < GoodFit && moments.Match(laplace, random, IsApart, cancellation) is { } matched
                ? new FoundMode(mode.Mode, matched.Gaussian, matched.LogZ)
                : new FoundMode(mode.Mode, laplace, mode.LogZ);
        }).OrderByDescending(m => m.LogZ).ToList();
        return [.. weighed.Where(m => m.LogZ > weighed[0].LogZ - NegligibleLogShare).Take(MostModes)];
    }

    private static double Deviations(GaussianBase gaussian, double[] position)
    {
        var noise = new double[position.Length];
        gaussian.ToNoise(position, noise);
        return Math.Sqrt(noise.Sum(z => z * z));
    }

    // Normal draws about the modes' centroid and the places, as far from them as modes lie: of a sphere about its own place that holds a narrow mode the
    // directions that lead to it are many more than of one about another, wider mode.
    private static double[] StartsAtDistances(int count, List<double[]> modes, IEnumerable<double[]> places, RandomStream random)
    {
        var d = modes[0].Length;
        double[] centroid = [.. Enumerable.Range(0, d).Select(i => modes.Average(m => m[i]))];
        double[][] centres = [centroid, .. places];
        var starts = new double[count * d];
        for (var s = 0; s < count; s++)
        {
            var (centre, other) = (centres[s % centres.Length], modes[random.NextInt(modes.Count)]);
            var distance = Math.Sqrt(centre.Zip(other, (a, b) => (a - b) * (a - b)).Sum() / d) * Math.Pow(2, random.NextDouble() - 0.5);
            for (var i = 0; i < d; i++)
            {
                starts[(s * d) + i] = centre[i] + (distance * random.NextNormal());
            }
        }

        return starts;
    }

    // Of many positions those whose gradient is least that of a Gaussian at one of the known modes: where it is, a climb would lead there.
    private static double[] Unexplained(double[] positions, List<LaplaceApproximation> modes, ModeClimb climb)
    {
        var d = modes[0].Mode.Length;
        var (gradients, noise, rest) = (climb.Gradients(positions), new double[d], new double[positions.Length / d]);
        var gaussians = modes.Select(m => (m.CovarianceFactor, Law: m.ToGaussian())).ToList();
        for (var s = 0; s < rest.Length; s++)
        {
            rest[s] = double.PositiveInfinity;
            foreach (var (factor, law) in gaussians)
            {
                law.ToNoise(positions.AsSpan(s * d, d), noise);
                var (difference, whole) = (0.0, 0.0);
                for (var j = 0; j < d; j++)
                {
                    var slope = 0.0;
                    for (var i = j; i < d; i++)
                    {
                        slope += factor[i, j] * gradients[(s * d) + i];
                    }

                    difference += (slope + noise[j]) * (slope + noise[j]);
                    whole += noise[j] * noise[j];
                }

                rest[s] = Math.Min(rest[s], difference / whole);
            }
        }

        return [.. Enumerable.Range(0, rest.Length).Where(s => double.IsFinite(rest[s])).OrderByDescending(s => rest[s]).Take(StartsOfAWave)
            .SelectMany(s => positions[(s * d)..((s + 1) * d)])];
    }

    // Student's t about the places in turn, at scales that are evenly spread over the decades.
    private static double[] Starts(int d, IReadOnlyList<(double[] Centre, double[] Scale)> places, RandomStream random)
    {
        var starts = new double[StartsOfAWave * d];
        for (var s = 0; s < StartsOfAWave; s++)
        {
            var (centre, scale) = places[s % places.Count];
            var level = LeastScale * Math.Pow(GreatestScale / LeastScale, (s + random.NextDouble()) / StartsOfAWave);
            var heavy = Math.Sqrt(TailFreedom / (2 * random.NextGamma(0.5 * TailFreedom)));
            for (var i = 0; i < d; i++)
            {
                starts[(s * d) + i] = centre[i] + (level * heavy * scale[i] * random.NextNormal());
            }
        }

        return starts;
    }

    // Polishes the highest end that belongs to no mode yet, takes away what belongs to what it leads to, and so on.
    private static void Collect(
        int d, Func<double[], LaplaceApproximation?> polish, (double[] Positions, double[] Values) ends, List<LaplaceApproximation> modes,
        CancellationToken cancellation)
    {
        var left = Enumerable.Range(0, ends.Values.Length).Where(s => double.IsFinite(ends.Values[s])).OrderByDescending(s => ends.Values[s]).ToList();
        double[] At(int s) => ends.Positions[(s * d)..((s + 1) * d)];
        foreach (var known in modes)
        {
            left.RemoveAll(s => Belongs(known, At(s)));
        }

        for (var k = 0; k < MostPolished && left.Count > 0 && modes.Count < 2 * MostModes; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            var start = At(left[0]);
            left.RemoveAt(0);
            if (polish(start) is not { Converged: true } found || modes.Any(m => Belongs(m, found.Mode)))
            {
                continue;
            }

            modes.Add(found);
            left.RemoveAll(s => Belongs(found, At(s)));
        }
    }

    private static bool Belongs(LaplaceApproximation mode, double[] position) => Deviations(mode.ToGaussian(), position) < SameMode;
}
