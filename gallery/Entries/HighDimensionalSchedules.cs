using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Paths;
using Monge.References;

namespace Monge.Gallery.Entries;

/// <summary>Entry 18: Optimizing Noise Schedules of Generative Models in High Dimensions (arXiv:2501.00988), with exact velocities.</summary>
internal static class HighDimensionalSchedules
{
    private const double Kappa = 3;
    private const double Weight = 0.8;
    private const double Deviation = 0.5;
    private static readonly StreamName s_startStream = StreamName.Numbered("high dimensional schedules: start", 722);
    private static readonly StreamName s_noiseStream = StreamName.Numbered("high dimensional schedules: noise", 723);
    private const string Computed = "exact reduction, computed for this reproduction";

    private static readonly int[] s_dimensions = [100, 10_000, 1_000_000];

    // The scheme, its steps, and for each dimension the fraction of starts that end in the heavier mode and the deviation within a mode.
    private static readonly (string Name, int Steps, (double Fraction, double Deviation)[] Expected)[] s_table =
    [
        ("VP uniform trigonometric", 50, [(0.810, 0.5105), (0.935, 0.5105), (1.000, 0.5105)]),
        ("VP uniform trigonometric", 200, [(0.804, 0.5026), (0.828, 0.5026), (0.999, 0.5026)]),
        ("VP dilated trigonometric", 50, [(0.808, 0.5137), (0.807, 0.5202), (0.806, 0.5210)]),
        ("VP dilated trigonometric", 200, [(0.805, 0.5034), (0.801, 0.5050), (0.799, 0.5052)]),
        ("VE uniform linear", 200, [(0.799, 0.4795), (0.804, 0.3292), (0.807, 0.0494)]),
        ("VE uniform trigonometric", 200, [(0.795, 0.742), (0.802, 5.69), (0.795, 56.7)]),
        ("VE dilated linear", 50, [(0.802, 0.452), (0.803, 0.4525), (0.804, 0.4496)]),
        ("VE dilated linear", 200, [(0.801, 0.4876), (0.805, 0.4876), (0.802, 0.4844)]),
        ("VE dilated trigonometric", 200, [(0.801, 0.503), (0.796, 1.37), (0.799, 12.9)]),
    ];

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "18",
        "Noise schedules in high dimensions",
        "S. Aranguri, G. Biroli, M. Mezard, E. Vanden-Eijnden: Optimizing Noise Schedules of Generative Models in High Dimensions, arXiv:2501.00988",
        [
            new Experiment(
                "two-modes",
                "Two Gaussian modes of weights 0.8 and 0.2 in 100, 10,000 and 1,000,000 dimensions, few Euler steps: which mode is reached and how wide it is.",
                Quick: true,
                [
                    .. s_table.SelectMany(row => s_dimensions.SelectMany((d, k) => (FigureReference[])[
                        FigureReference.Within($"{row.Name}, {row.Steps} steps, d = {d}: fraction", row.Expected[k].Fraction, 0.01, Computed),
                        FigureReference.Within(
                            $"{row.Name}, {row.Steps} steps, d = {d}: deviation", row.Expected[k].Deviation, 0.01 * row.Expected[k].Deviation, Computed)])),
                    FigureReference.AtMost("VP dilated trigonometric, 200 steps: largest error of the fraction", 0.01, "0.8"),
                    FigureReference.AtMost("VP dilated trigonometric, 200 steps: largest relative error of the deviation", 0.03, "0.5"),
                    FigureReference.AtMost("VE dilated linear, 200 steps: largest error of the fraction", 0.01, "0.8"),
                    FigureReference.AtMost("VE dilated linear, 200 steps, d up to 10000: largest relative error of the deviation", 0.03, "0.5"),
                    FigureReference.AtMost("VE dilated linear, 200 steps, d = 1000000: relative error of the deviation", 0.03,
                        "0.5; the reference table itself has 0.4844, off by 3.1 percent"),
                ],
                Experiment.InBackground(TwoModes)),
            new Experiment(
                "full-dimension",
                "The same in all 1,000 coordinates beside the reduction.",
                Quick: true,
                [
                    FigureReference.AtMost("largest difference of the fractions in standard errors", 3, "the reduction is exact"),
                    FigureReference.AtMost("largest relative difference of the deviations", 0.01, "the reduction is exact"),
                ],
                Experiment.InBackground(FullDimension)),
            new Experiment(
                "curie-weiss",
                "Spins below the critical temperature in 1,000 dimensions, 100 Euler steps, beside the exact law of the magnetisation.",
                Quick: true,
                [
                    .. ((string[])["VP dilated", "VE dilated linear"]).SelectMany(name => (FigureReference[])[
                        FigureReference.AtMost($"{name}: error of the fraction up", 0.02, "enumeration"),
                        FigureReference.AtMost($"{name}: error of the mean |M|", 0.005, "enumeration"),
                        FigureReference.AtMost($"{name}: total variation of M, 30 bins", 0.1, "enumeration")]),
                    FigureReference.AtLeast("VP uniform, 25 steps: error of the fraction up", 0.05, "the uniform clock fails"),
                    FigureReference.AtMost("VP dilated, 25 steps: error of the fraction up", 0.02, "the dilated clock doesn't"),
                ],
                Experiment.InBackground(CurieWeiss)),
            new Experiment(
                "finite-system",
                "Spins in 200 dimensions with the exact conditional mean, and few steps of order 2.",
                Quick: false,
                [
                    FigureReference.AtMost(
                        "error of the fraction up, exact mean, 200 dimensions", 0.01, "enumeration; 0.005 asked, standard error 0.003", stretchBound: 0.005),
                    FigureReference.AtMost("two modes, d = 10,000: error of the fraction, 20 steps of Heun", 0.01, "0.8"),
                    FigureReference.AtMost("two modes, d = 10,000: relative error of the deviation, 20 steps of Heun", 0.03, "0.5", stretchBound: 0.0101),
                ],
                Experiment.InBackground(FiniteSystem)),
        ]);

    private static (InterpolantSchedule Schedule, double BaseDeviation) Scheme(string name, int d, double kappa = Kappa)
    {
        var root = Math.Sqrt(d);
        var preserving = InterpolantSchedules.VariancePreserving;
        var linear = InterpolantSchedules.VarianceExploding(root);
        var trigonometric = new InterpolantSchedule(
            "variance-exploding-trigonometric", t => root * (1 - t.Square()).Sqrt(), t => t, alphaAlphaRate: t => -d * t);
        return name switch
        {
            "VP uniform trigonometric" => (preserving, 1),
            "VP dilated trigonometric" => (preserving.OnClock("dilated", DilatedClock.Preserving(d, kappa)), 1),
            "VE uniform linear" => (linear, root),
            "VE uniform trigonometric" => (trigonometric, root),
            "VE dilated linear" => (linear.OnClock("dilated", DilatedClock.Exploding(d, kappa)), root),
            _ => (trigonometric.OnClock("dilated", DilatedClock.ExplodingTrigonometric(d, kappa)), root),
        };
    }

    private static (double Fraction, double Deviation) Reduced(
        string name, int d, int steps, SdeScheme scheme, ExperimentSettings settings, double kappa = Kappa)
    {
        const int Samples = 20_000;
        var (schedule, spread) = Scheme(name, d, kappa);
        var random = new RandomStream(settings.Seed, s_startStream);
        var start = new NdArray<double>(Samples, 2);
        for (var i = 0; i < Samples; i++)
        {
            (start[2 * i], start[(2 * i) + 1]) = (spread * random.NextNormal(), spread);
        }

        // One orthogonal coordinate begins at the base's deviation and is only stretched, so it ends at the deviation within a mode.
        var ends = Euler(new TwoModeLaw(d, 1, Deviation, Weight).Reduced(schedule), start, steps, scheme, settings);
        return (Enumerable.Range(0, Samples).Count(i => ends[2 * i] > 0) / (double)Samples, Math.Abs(ends[1]));
    }

    // Equal steps without noise. Heun's method looks at the end of each step, so its steps end before t = 1/2, where a dilated clock's speed jumps, and before
    // t = 1, where the noise vanishes.
    private static NdArray<T> Euler<T>(IVectorField velocity, NdArray<T> start, int steps, SdeScheme scheme, ExperimentSettings settings)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var sde = FieldSde.Walk<T>(null, velocity, scheme, s_noiseStream, false, settings.Execution);
        if (scheme == SdeScheme.EulerMaruyama)
        {
            return sde.Carry(null, start, new TimeGrid(TimeGrid.EqualTimes(0, 1, steps)));
        }

        const double Hair = 1e-9;
        var middle = sde.Carry(null, start, new TimeGrid(TimeGrid.EqualTimes(0, 0.5 - Hair, steps / 2)));
        return sde.Carry(null, middle, new TimeGrid(TimeGrid.EqualTimes(0.5, 1 - Hair, steps / 2)));
    }

    private static NdArray<float> Start(int samples, int d, double spread, ulong seed)
    {
        var random = new RandomStream(seed, s_startStream);
        var start = new NdArray<float>(samples, d);
        for (var i = 0; i < start.Length; i++)
        {
            start[i] = (float)(spread * random.NextNormal());
        }

        return start;
    }

    private static double[] TwoModes(ExperimentSettings settings, CancellationToken cancellation)
    {
        var results = new List<double>();
        foreach (var (name, steps, _) in s_table)
        {
            foreach (var d in s_dimensions)
            {
                cancellation.ThrowIfCancellationRequested();
                var (fraction, deviation) = Reduced(name, d, steps, SdeScheme.EulerMaruyama, settings);
                results.AddRange([fraction, deviation]);
            }
        }

        foreach (var name in (string[])["VP dilated trigonometric", "VE dilated linear"])
        {
            // The paper leaves kappa free, and its authors' code takes 3 to 5.
            foreach (var kappa in (double[])[2, 3, 4, 5])
            {
                cancellation.ThrowIfCancellationRequested();
                var ends = s_dimensions.Select(d => Reduced(name, d, 200, SdeScheme.EulerMaruyama, settings, kappa)).ToList();
                double[] deviations = [.. ends.Select(e => Math.Abs((e.Deviation / Deviation) - 1))];
                var fraction = ends.Max(e => Math.Abs(e.Fraction - Weight));
                settings.Remark(
                    $"{name}, kappa = {kappa}, 200 steps: fraction off by up to {fraction:f4}, deviation by {100 * deviations[0]:f2}, {100 * deviations[1]:f2} "
                    + $"and {100 * deviations[2]:f2} percent");
                if (kappa == Kappa)
                {
                    results.AddRange([fraction, name[1] == 'P' ? deviations.Max() : deviations[..2].Max()]);
                }
            }
        }

        results.Add(Math.Abs((Reduced("VE dilated linear", s_dimensions[^1], 200, SdeScheme.EulerMaruyama, settings).Deviation / Deviation) - 1));
        return [.. results];
    }

    private static double[] FullDimension(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int D = 1000;
        const int Samples = 2000;
        const int Steps = 100;
        var (distance, width) = (0.0, 0.0);
        foreach (var name in (string[])["VP dilated trigonometric", "VE dilated linear"])
        {
            cancellation.ThrowIfCancellationRequested();
            var (fraction, deviation) = Reduced(name, D, Steps, SdeScheme.EulerMaruyama, settings);
            var (schedule, spread) = Scheme(name, D);
            var ends = Euler(
                new TwoModeLaw(D, 1, Deviation, Weight).Full(schedule), Start(Samples, D, spread, settings.Seed + 1), Steps, SdeScheme.EulerMaruyama, settings);
            var (up, squares) = (0, 0.0);
            for (var i = 0; i < Samples; i++)
            {
                var row = ends.Row(i);
                var mean = 0.0;
                foreach (var v in row)
                {
                    mean += v / D;
                }

                up += mean > 0 ? 1 : 0;
                foreach (var v in row)
                {
                    squares += (v - mean) * (v - mean);
                }
            }

            // Both fractions are estimates: 2,000 and 20,000 samples.
            var error = Math.Sqrt(fraction * (1 - fraction) * ((1.0 / Samples) + (1.0 / 20_000)));
            var measured = Math.Sqrt(squares / ((D - 1.0) * Samples));
            settings.Remark($"{name}: fraction {(double)up / Samples:f4} beside {fraction:f4}, deviation {measured:f4} beside {deviation:f4}");
            distance = Math.Max(distance, Math.Abs(((double)up / Samples) - fraction) / error);
            width = Math.Max(width, Math.Abs((measured / deviation) - 1));
        }

        return [distance, width];
    }

    private static double[] CurieWeiss(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int D = 1000;
        const int Samples = 2000;
        var law = new CurieWeissLaw(D, 2, 0.5 * Math.Log(Weight / (1 - Weight)));
        var exact = law.UpSpinProbabilities();
        var results = new List<double>();
        foreach (var (name, steps) in ((string, int)[])[("VP dilated trigonometric", 100), ("VE dilated linear", 100), ("VP uniform trigonometric", 25),
            ("VP dilated trigonometric", 25), ("VP uniform trigonometric", 100)])
        {
            cancellation.ThrowIfCancellationRequested();
            var (schedule, spread) = Scheme(name, D);
            var magnetisation = Magnetisations(law.LargeSystem(schedule), D, spread, Samples, steps, settings);
            var (fraction, size, variation) = Compare(magnetisation, exact);
            settings.Remark(
                $"{name}, {steps} steps: fraction up off by {fraction:f4}, mean |M| by {size:f5}, total variation {variation:f4}; exact fraction "
                + $"{exact.Skip((D / 2) + 1).Sum():f4}, large-d weight {law.PlusWeight:f4}");
            results.AddRange((name.Contains("dilated", StringComparison.Ordinal), steps) switch
            {
                (true, 100) => [fraction, size, variation],
                (_, 25) => [fraction],
                _ => [],
            });
        }

        return [.. results];
    }

    private static double[] Magnetisations(IVectorField velocity, int d, double spread, int samples, int steps, ExperimentSettings settings)
    {
        var ends = Euler(velocity, Start(samples, d, spread, settings.Seed), steps, SdeScheme.EulerMaruyama, settings);
        return [.. Enumerable.Range(0, samples).Select(i =>
        {
            var sum = 0.0;
            foreach (var v in ends.Row(i))
            {
                sum += v;
            }

            return sum / d;
        })];
    }

    // Errors of P(M > 0), of E|M|, and the total variation of histograms of 30 bins over [-1, 1].
    private static (double Fraction, double Size, double Variation) Compare(double[] magnetisations, double[] exact)
    {
        const int Bins = 30;
        var d = exact.Length - 1;
        static int Bin(double m) => Math.Clamp((int)Math.Floor((m + 1) / 2 * Bins), 0, Bins - 1);
        var (histogram, law) = (new double[Bins], new double[Bins]);
        var (up, size) = (0.0, 0.0);
        for (var k = 0; k <= d; k++)
        {
            var m = (2.0 * k / d) - 1;
            law[Bin(m)] += exact[k];
            up += m > 0 ? exact[k] : 0;
            size += exact[k] * Math.Abs(m);
        }

        foreach (var m in magnetisations)
        {
            histogram[Bin(m)] += 1.0 / magnetisations.Length;
        }

        return (
            Math.Abs((magnetisations.Count(m => m > 0) / (double)magnetisations.Length) - up),
            Math.Abs(magnetisations.Average(Math.Abs) - size),
            0.5 * Enumerable.Range(0, Bins).Sum(b => Math.Abs(histogram[b] - law[b])));
    }

    private static double[] FiniteSystem(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int D = 200;
        const int Samples = 20_000;
        var law = new CurieWeissLaw(D, 2, 0.5 * Math.Log(Weight / (1 - Weight)));
        var (schedule, spread) = Scheme("VP dilated trigonometric", D);
        cancellation.ThrowIfCancellationRequested();
        var magnetisation = Magnetisations(law.Exact(schedule), D, spread, Samples, 200, settings);
        var (fraction, size, variation) = Compare(magnetisation, law.UpSpinProbabilities());
        settings.Remark($"exact mean, d = {D}, 200 steps: fraction up off by {fraction:f4}, mean |M| by {size:f5}, total variation {variation:f4}");
        var (heun, deviation) = Reduced("VP dilated trigonometric", 10_000, 20, SdeScheme.Heun, settings);
        var (euler, eulerDeviation) = Reduced("VP dilated trigonometric", 10_000, 200, SdeScheme.EulerMaruyama, settings);
        settings.Remark($"d = 10,000: 20 steps of Heun {heun:f4}, {deviation:f4}; 200 of Euler {euler:f4}, {eulerDeviation:f4}");
        return [fraction, Math.Abs(heun - Weight), Math.Abs((deviation / Deviation) - 1)];
    }
}
