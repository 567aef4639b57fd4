using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>Modes of a density and how many starts led to them.</summary>
/// <param name="Modes">The modes by Laplace's log-normaliser, the largest first.</param>
/// <param name="Starts">The starts that were tried.</param>
internal sealed record FoundModes(IReadOnlyList<LaplaceApproximation> Modes, int Starts)
{
    /// <summary>The words that a run says of the search.</summary>
    public override string ToString() => FormattableString.Invariant($"{Modes.Count} mode{(Modes.Count == 1 ? "" : "s")} from {Starts:N0} starts");
}

/// <summary>
/// Looks for separate modes of a density from many starts: heavy-tailed draws at scales over five decades about the origin and a given centre, then about the
/// modes found, each climbing by gradient steps of the length of Barzilai and Borwein ("Two-point step size gradient methods", 1988), all starts as one batch.
/// Where they end is polished by Newton's method and merged by distance in the local metric. A mode is only found if a start lies in its basin, whose share of
/// the directions falls like (narrow width / wide width)^d beside a wider mode: what is not found is not shown to be missing. The starts are always the same.
/// </summary>
internal static class ModeSearch
{
    private const int StartsOfAWave = 1024;
    private const int MostWaves = 16;
    private const int FruitlessWaves = 4;
    private const long MostEvaluations = 600_000;
    private const int Steps = 150;
    private const int MostModes = 24;
    private const int MostPolished = 32;
    private const double LeastScale = 0.1;
    private const double GreatestScale = 1e4;
    private const double TailFreedom = 3;

    // Two modes are one within this many deviations, and one that has so much less mass is left out.
    private const double SameMode = 1;
    private const double NegligibleLogShare = 9;

    /// <summary>Finds modes with a definite Hessian.</summary>
    /// <param name="density">The density.</param>
    /// <param name="centre">A place to search about besides the origin [d]; null for none.</param>
    /// <param name="scale">The scale there [d]; null for 1.</param>
    public static FoundModes Find(Density density, double[]? centre = null, double[]? scale = null)
    {
        var d = density.Dimension;
        var random = new RandomStream(0, MeasureStreams.ModeSearch);
        var x = Expr.Input("x", d);
        var value = density.LogDensity(x);
        using var program = new CompiledProgram<double>(new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, x))));
        if (program.Program.Outputs.Any(o => o.Value.IsUniform))
        {
            return new FoundModes([], 0);
        }

        var climb = new Climb(program, d);
        using var finder = new LaplaceApproximation.Finder(density);
        var modes = new List<LaplaceApproximation>();
        var ones = Enumerable.Repeat(1.0, d).ToArray();
        (double[] Centre, double[] Scale)[] places = [(new double[d], ones), .. centre is null ? [] : new[] { (centre, scale ?? ones) }];
        for (var (wave, fruitless) = (0, 0); wave < MostWaves && fruitless < FruitlessWaves && climb.Evaluations < MostEvaluations; wave++)
        {
            // The second wave and every later one search about what was found too.
            var known = modes.Count;
            var about = modes.Select(m => (m.Mode, m.StandardDeviation));
            Collect(d, finder.TryFind, climb.Run(Starts(d, wave % 2 == 0 || known == 0 ? [.. places, .. about] : [.. about], random)), modes);
            fruitless = modes.Count > known ? 0 : fruitless + 1;
        }

        var ordered = modes.OrderByDescending(m => m.LogZ).ToList();
        return new FoundModes([.. ordered.Where(m => m.LogZ > ordered[0].LogZ - NegligibleLogShare).Take(MostModes)], climb.Starts);
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
        int d, Func<double[], LaplaceApproximation?> polish, (double[] Positions, double[] Values) ends, List<LaplaceApproximation> modes)
    {
        var left = Enumerable.Range(0, ends.Values.Length).Where(s => double.IsFinite(ends.Values[s])).OrderByDescending(s => ends.Values[s]).ToList();
        double[] At(int s) => ends.Positions[(s * d)..((s + 1) * d)];
        foreach (var known in modes)
        {
            left.RemoveAll(s => Belongs(known, At(s)));
        }

        for (var k = 0; k < MostPolished && left.Count > 0 && modes.Count < 2 * MostModes; k++)
        {
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

    private static bool Belongs(LaplaceApproximation mode, double[] position)
    {
        var noise = new double[position.Length];
        mode.ToGaussian().ToNoise(position, noise);
        return noise.Sum(v => v * v) < SameMode * SameMode;
    }

    // A batch of climbers.
    private sealed class Climb(CompiledProgram<double> program, int dimension)
    {
        private const double Armijo = 1e-4;
        private const double Shrink = 0.2;
        private const double Grow = 4;
        private const double Arrived = 1e-7;

        public int Starts { get; private set; }

        public long Evaluations { get; private set; }

        /// <summary>From starts [n, d] to where they end and the values there.</summary>
        public (double[] Positions, double[] Values) Run(double[] starts)
        {
            var (d, n) = (dimension, starts.Length / dimension);
            Starts += n;
            var (trial, value, gradient) = (new NdArray<double>(n, d), new NdArray<double>(n), new NdArray<double>(n, d));
            (program["x"], program["value"], program["gradient"]) = (trial, value, gradient);
            var (x, values, slopes, steps) = ((double[])starts.Clone(), new double[n], new double[n * d], new double[n]);
            var active = new List<int>();
            starts.CopyTo(trial.Span);
            Evaluate(n);
            for (var s = 0; s < n; s++)
            {
                values[s] = value[s];
                gradient.Row(s).CopyTo(slopes.AsSpan(s * d, d));
                var length = Math.Sqrt(Square(gradient.Row(s)));
                if (double.IsFinite(values[s]) && double.IsFinite(length) && length > 0)
                {
                    steps[s] = 0.1 * (1 + Math.Sqrt(Square(x.AsSpan(s * d, d)))) / length;
                    active.Add(s);
                }
            }

            for (var k = 0; k < Steps && active.Count > 0; k++)
            {
                for (var lane = 0; lane < active.Count; lane++)
                {
                    var at = active[lane] * d;
                    for (var i = 0; i < d; i++)
                    {
                        trial[(lane * d) + i] = x[at + i] + (steps[active[lane]] * slopes[at + i]);
                    }
                }

                Evaluate(active.Count);
                var going = new List<int>(active.Count);
                for (var lane = 0; lane < active.Count; lane++)
                {
                    if (GoesOn(active[lane], trial.Row(lane), value[lane], gradient.Row(lane)))
                    {
                        going.Add(active[lane]);
                    }
                }

                active = going;
            }

            return (x, values);

            void Evaluate(int lanes)
            {
                program.Run(lanes);
                Evaluations += lanes;
            }

            bool GoesOn(int s, Span<double> next, double reached, Span<double> slope)
            {
                var at = x.AsSpan(s * d, d);
                var old = slopes.AsSpan(s * d, d);
                var (square, curvature) = (Square(old), 0.0);
                var length = Math.Sqrt(square);
                if (!double.IsFinite(reached) || !double.IsFinite(Square(slope)) || reached < values[s] + (Armijo * steps[s] * square))
                {
                    steps[s] *= Shrink;
                    return steps[s] * length > 1e-14 * (1 + Math.Sqrt(Square(at)));
                }

                for (var i = 0; i < d; i++)
                {
                    curvature -= (slope[i] - old[i]) * old[i];
                }

                // |s|^2 / s.y with s = step times the old gradient; where the density isn't concave along it, longer.
                var moved = steps[s] * length;
                steps[s] = curvature > 0 ? Math.Min(square * steps[s] / curvature, 1e3 * steps[s]) : Grow * steps[s];
                next.CopyTo(at);
                slope.CopyTo(old);
                values[s] = reached;
                return moved > Arrived * (1 + Math.Sqrt(Square(at))) || curvature <= 0;
            }
        }

        private static double Square(ReadOnlySpan<double> v)
        {
            var sum = 0.0;
            foreach (var entry in v)
            {
                sum += entry * entry;
            }

            return sum;
        }
    }
}
