using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Gallery.Entries;

/// <summary>Entry 13: Lipschitz-Guided Design of Interpolation Schedules in Generative Models (arXiv:2509.01629), with exact fields.</summary>
internal static class LipschitzSchedules
{
    private const double LeastTime = 1e-3;
    private const double MinorityWeight = 0.3;
    private const string Computed = "computed for this reproduction";

    // The mixture schedule for separation 10 at 0.1, ..., 0.9: by a quadrature of its own with ten times the points, and as the authors print it.
    private static readonly double[] s_betas =
        [.0524330654, .0780248756, .1004762459, .1221861801, .1444142731, .1683268801, .1955559300, .2292778611, .2787568314];

    private static readonly double[] s_printedBetas = [.052432, .078026, .100477, .122187, .144416, .168329, .195558, .229280, .278759];

    // Separation, steps, and the minority's weight under the linear schedule by the 3/8 rule and by classical Runge-Kutta 4.
    private static readonly (double Separation, int Steps, double ThreeEighths, double Classical)[] s_linear =
        [(10, 4, .297, .277), (20, 4, .229, .164), (100, 4, .0273, .0094), (100, 9, .123, .066), (100, 19, .242, .187)];

    private static readonly (int Steps, double ThreeEighths, double Classical)[] s_designed = [(4, .2625, .2448), (9, .289, .282), (19, .2994, .2967)];

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "13",
        "Lipschitz-guided schedules",
        "Y. Chen, E. Vanden-Eijnden, J. Xu: Lipschitz-Guided Design of Interpolation Schedules in Generative Models, arXiv:2509.01629",
        [
            new Experiment(
                "closed-forms",
                "Averaged squared Lipschitz constants for Gaussian data of variance 4, 0.01, 100 and 0.0001, and the schedule for two modes.",
                Quick: true,
                [
                    .. ClosedFormFigures(),
                    FigureReference.AtMost("largest error of the mixture schedule at 0.1, ..., 0.9", 1e-6, "quadrature"),
                    FigureReference.Within("surrogate schedule at 0.5", .083255, 1e-6, Computed),
                ],
                Experiment.InBackground((settings, _) => ClosedForms(settings))),
            new Experiment(
                "mode-weights",
                "Two modes at +-M with weights 0.3 and 0.7, few Runge-Kutta steps, the weight that arrives: linear against designed schedule.",
                Quick: true,
                [
                    .. s_linear.SelectMany(r => Pair($"linear, M = {r.Separation}, {r.Steps} steps", r.ThreeEighths, r.Classical)),
                    .. s_designed.SelectMany(r => Pair($"designed, M = 100, {r.Steps} steps", r.ThreeEighths, r.Classical)),
                    FigureReference.AtMost("largest change of a designed weight from M = 100 to 5, 10 and 20", 0.002, Computed),
                ],
                Experiment.InBackground((_, cancellation) => ModeWeights(cancellation))),
            new Experiment(
                "transfer",
                "The linear schedule's velocity carried to the designed one: against the direct formula, and the end of the flow under both.",
                Quick: true,
                [
                    FigureReference.AtMost("largest relative error of the transferred velocity", 1e-12, "closed form"),
                    FigureReference.AtMost("largest difference of the flows' ends, 2000 steps", 1e-6, "the curve of laws fixes the map"),
                ],
                Experiment.InBackground((_, _) => Transfer())),
            new Experiment(
                "kl-equivalence",
                "Gaussian data, a wrong denoiser, the best diffusion: the path-space divergence under three schedules.",
                Quick: true,
                [
                    FigureReference.AtMost("largest difference from the integral over the signal-to-noise ratio", 1e-8, "closed form"),
                    FigureReference.Within(
                        "least relative growth with the diffusion off by 10 percent", (2.1 * 2.1 / 4.4) - 1, 1e-8, "(1 + f)^2 / 4f - 1 at f = 1.1"),
                ],
                Experiment.InBackground((_, _) => DivergenceEquivalence())),
            new Experiment(
                "equalised",
                "The clock that makes the mean squared Lipschitz constant of any velocity constant, found from the velocity alone, beside the closed forms.",
                Quick: true,
                [
                    FigureReference.AtMost("averaged squared constant over the optimum, Gaussian of variance 0.0001", 1.001, "log(M)^2 / 4"),
                    FigureReference.AtMost(
                        "averaged squared constant over the designed schedule's, two modes, M = 100", 1.05, "the designed schedule is optimal"),
                    FigureReference.AtMost(
                        "error of the minority's weight, M = 100, 9 steps of the 3/8 rule", 0.177, "the linear schedule's error", stretchBound: 0.011),
                ],
                Experiment.InBackground((settings, _) => Equalised(settings))),
            .. LipschitzSchedulesLearned.Experiments,
        ]);

    private static IEnumerable<FigureReference> ClosedFormFigures()
    {
        foreach (var variance in (double[])[4, 0.01, 100, 1e-4])
        {
            // int (dv/dt / 2v)^2 dt for v = (1-t)^2 + M t^2, for v = cos^2 + M sin^2 of pi t / 2, and for v = M^t.
            var root = Math.Sqrt(variance);
            yield return FigureReference.Within($"linear, M = {variance}", (Math.PI * (1 + variance) / (4 * root)) - 1, 1e-6, "pi (1 + M) / (4 sqrt M) - 1");
            yield return FigureReference.Within(
                $"trigonometric, M = {variance}", Math.PI * Math.PI / 8 * (root - 1) * (root - 1) / root, 1e-6, "pi^2 (sqrt M - 1)^2 / (8 sqrt M)");
            yield return FigureReference.Within($"designed, M = {variance}", Math.Pow(Math.Log(variance), 2) / 4, 1e-6, "log(M)^2 / 4");
        }

        yield return FigureReference.Within("largest constant, linear, M = 0.0001", 50.005, 1e-3, Computed);
        yield return FigureReference.Within("largest constant, designed, M = 0.0001", 4.6052, 1e-4, "|log M| / 2");
    }

    private static FigureReference[] Pair(string what, double threeEighths, double classical) =>
        [FigureReference.Within($"{what}, 3/8 rule", threeEighths, 0.002, Computed), FigureReference.Within($"{what}, classical", classical, 0.002, Computed)];

    private static double[] ClosedForms(ExperimentSettings settings)
    {
        var results = new List<double>();
        foreach (var variance in (double[])[4, 0.01, 100, 1e-4])
        {
            results.Add(ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Linear, variance).AveragedSquare);
            results.Add(ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Trigonometric, variance).AveragedSquare);
            results.Add(ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Designed(variance), variance).AveragedSquare);
        }

        results.Add(ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Linear, 1e-4).Largest);
        results.Add(ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Designed(1e-4), 1e-4).Largest);
        var schedule = ScheduleDesign.Mixture(10);
        double[] betas = [.. Enumerable.Range(1, 9).Select(k => schedule.At(k / 10.0).Beta)];
        double Furthest(double[] from) => Enumerable.Range(0, 9).Max(k => Math.Abs(betas[k] - from[k]));
        settings.Remark(
            $"the mixture schedule lies within {Furthest(s_printedBetas):g2} of the six digits that the authors print, and within {Furthest(s_betas):g2} of "
            + $"quadrature");
        results.Add(Furthest(s_betas));
        results.Add(ScheduleDesign.MixtureSurrogate(10).At(0.5).Beta);
        return [.. results];
    }

    private static MixtureInterpolant TwoModes(double separation, InterpolantSchedule schedule) => new(
        new Interpolant(schedule, InterpolantKind.OneSided), null,
        GaussianMixtureLaw.Isotropic([MinorityWeight, 1 - MinorityWeight], [[separation], [-separation]], [1, 1]));

    private static double[] ModeWeights(CancellationToken cancellation)
    {
        var results = new List<double>();
        void Add(double separation, InterpolantSchedule schedule, int steps)
        {
            cancellation.ThrowIfCancellationRequested();
            results.Add(MinorityMass(separation, schedule, RungeKuttaTableau.ThreeEighths, steps));
            results.Add(MinorityMass(separation, schedule, RungeKuttaTableau.RungeKutta4, steps));
        }

        foreach (var (separation, steps, _, _) in s_linear)
        {
            Add(separation, InterpolantSchedules.VariancePreserving, steps);
        }

        foreach (var (steps, _, _) in s_designed)
        {
            Add(100, ScheduleDesign.MixtureSurrogate(100), steps);
        }

        var change = 0.0;
        foreach (var separation in (double[])[5, 10, 20])
        {
            var weight = MinorityMass(separation, ScheduleDesign.MixtureSurrogate(separation), RungeKuttaTableau.ThreeEighths, 4);
            change = Math.Max(change, Math.Abs(weight - results[2 * s_linear.Length]));
        }

        return [.. results, change];
    }

    // The flow of equal steps over [t_min, 1 - t_min] is monotone on the line, so the weight is the Gaussian mass of the starts that end above 0.
    private static double MinorityMass(double separation, InterpolantSchedule schedule, RungeKuttaTableau tableau, int steps)
    {
        const int Starts = 40_000;
        const double Reach = 8;
        double[] starts = [.. Enumerable.Range(0, Starts + 1).Select(i => Reach * ((2.0 * i / Starts) - 1))];
        var ends = Flow(TwoModes(separation, schedule).Velocity, tableau, starts, LeastTime, 1 - LeastTime, steps);
        var mass = 0.0;
        for (var i = 0; i < Starts; i++)
        {
            var (a, b) = (ends[i], ends[i + 1]);
            var share = a > 0 && b > 0 ? 1 : a <= 0 && b <= 0 ? 0 : Math.Max(a, b) / Math.Abs(b - a);
            mass += share * (2 * Reach / Starts) * Math.Exp(-0.5 * Math.Pow(0.5 * (starts[i] + starts[i + 1]), 2)) / Math.Sqrt(2 * Math.PI);
        }

        return mass;
    }

    private static double[] Transfer()
    {
        // On the clock sin^2 the designed schedule has no square root at either end, so the method of order 4 keeps its order.
        var designed = ScheduleDesign.MixtureSurrogate(3).OnClock("sine", t => (0.5 * Math.PI * t).Sin().Square());
        var (linear, direct) = (TwoModes(3, InterpolantSchedules.Linear).Velocity, TwoModes(3, designed).Velocity);
        var transferred = new TransferredField(linear, InterpolantSchedules.Linear, designed);
        var (positions, times) = (new List<double>(), new List<double>());
        for (var t = 0.02; t < 0.99; t += 0.02)
        {
            for (var x = -6.0; x <= 6; x += 0.25)
            {
                positions.Add(x);
                times.Add(t);
            }
        }

        Expr Gap(Expr x, Expr t) => (transferred.Apply(x, t) - direct.Apply(x, t)).Abs() / (1 + direct.Apply(x, t).Abs());
        var formula = FieldEvaluation.At(1, Gap, [.. positions], [.. times]).Max();
        double[] starts = [.. Enumerable.Range(0, 121).Select(i => -3 + (0.05 * i))];

        // Both flows run between the same two signal-to-noise ratios, near 0 and near infinity; their positions differ by the schedules' scales.
        const double Margin = 1e-4;
        var (start, end) = (designed.At(Margin), designed.At(1 - Margin));
        static double Scale(ScheduleValues v) => 1 / (v.Alpha + v.Beta);
        var one = Flow(
            linear, RungeKuttaTableau.RungeKutta4, [.. starts.Select(x => Scale(start) * x)], start.Beta * Scale(start), end.Beta * Scale(end), 2000);
        var other = Flow(transferred, RungeKuttaTableau.RungeKutta4, starts, Margin, 1 - Margin, 2000);
        return [formula, Enumerable.Range(0, starts.Length).Max(i => Math.Abs(one[i] - (Scale(end) * other[i])))];
    }

    // Data N(0, M) and the denoiser (1 + delta) D with delta = 1 / (1 + snr)^2: E|D - Dh|^2 = delta^2 beta^2 M^2 / v, and the path-space divergence with the
    // best diffusion is half its integral over the signal-to-noise ratio s: (M^2 / 2) int delta(s)^2 s / (1 + s M) ds.
    private static double[] DivergenceEquivalence()
    {
        const double Variance = 0.3;
        const int Intervals = 20_000;
        static double Delta(double ratio) => 1 / ((1 + ratio) * (1 + ratio));

        // With s = u / (1 - u) the integral is over a segment and its integrand smooth.
        var exact = Simpson(u => u is 0 or 1
            ? 0 : Math.Pow(Delta(u / (1 - u)) / (1 - u), 2) * (u / (1 - u)) / (1 + (u / (1 - u) * Variance)) * 0.5 * Variance * Variance, Intervals);
        var (difference, growth) = (0.0, double.PositiveInfinity);
        InterpolantSchedule[] schedules = [InterpolantSchedules.Linear, InterpolantSchedules.Trigonometric, InterpolantSchedules.Designed(Variance)];
        foreach (var schedule in schedules)
        {
            double At(ScheduleValues v, double factor)
            {
                if (v.Time is 0 or 1)
                {
                    return 0;
                }

                var (ratio, law) = (v.Beta * v.Beta / (v.Alpha * v.Alpha), (v.Alpha * v.Alpha) + (v.Beta * v.Beta * Variance));
                var best = v.Alpha * v.Alpha * ((v.BetaRate / v.Beta) - (v.AlphaRate / v.Alpha));
                var diffusion = factor * best;
                var drift = v.BetaRate - (v.AlphaRate * v.Beta / v.Alpha) + (diffusion * v.Beta / (v.Alpha * v.Alpha));
                return drift * drift / (4 * diffusion) * Math.Pow(Delta(ratio) * v.Beta * Variance, 2) / law;
            }

            // On the clock sin^2, which flattens the ends of all three.
            var clocked = schedule.OnClock("sine", t => (0.5 * Math.PI * t).Sin().Square());
            double[] times = [.. Enumerable.Range(0, Intervals + 1).Select(k => (double)k / Intervals)];
            var values = clocked.At(times);
            double Total(double factor) => Simpson(k => At(values[(int)Math.Round(k * Intervals)], factor), Intervals);
            var best = Total(1);
            difference = Math.Max(difference, Math.Abs(best - exact));
            growth = Math.Min(growth, (Math.Min(Total(1.1), Total(0.9)) / best) - 1);
        }

        return [difference, growth];
    }

    private static double[] Equalised(ExperimentSettings settings)
    {
        var execution = settings.Execution;
        double[] Ratios(MixtureInterpolant law, double[] times)
        {
            var random = new RandomStream(settings.Seed, LargeMixture.NoiseStream);
            double[] Draws(double t)
            {
                var v = law.Interpolant.Schedule.At(t);
                var data = law.Data.Sample(4000, random);
                return [.. data.Select(x => (v.Beta * x) + (v.Alpha * random.NextNormal()))];
            }

            return ScheduleDesign.SquaredLipschitz(null, null, law.Velocity, times, Draws, execution);
        }

        // A Gaussian's Lipschitz constant is no random number: only the grid limits the clock. Times crowd where the data's deviation of 0.01 is resolved.
        double[] grid = [.. Enumerable.Range(0, 401).Select(k => 1 - Math.Pow(1 - (k / 400.0), 3))];
        var narrow = new MixtureInterpolant(
            new Interpolant(InterpolantSchedules.Linear, InterpolantKind.OneSided), null, GaussianMixtureLaw.Isotropic([1], [[0]], [1e-4]));
        var clock = ScheduleDesign.EqualisingClock(grid, Ratios(narrow, grid));
        var gaussian = ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Linear.OnClock("equalised", clock.Apply), 1e-4).AveragedSquare;

        const double Separation = 100;
        double[] fine = [.. Enumerable.Range(0, 401).Select(k => Math.Pow(k / 400.0, 3))];
        var preserving = InterpolantSchedules.VariancePreserving;
        double[] inner = [.. fine.Select(t => Math.Clamp(t, 1e-9, 1 - 1e-9))];
        var equalised = preserving.OnClock(
            "equalised", ScheduleDesign.EqualisingClock(fine, [.. Ratios(TwoModes(Separation, preserving), inner).Select(r => r + 1e-9)]).Apply);
        double[] uniform = [.. Enumerable.Range(0, 200).Select(k => (k + 0.5) / 200)];
        double Average(InterpolantSchedule schedule) => Ratios(TwoModes(Separation, schedule), uniform).Average();
        double Error(InterpolantSchedule schedule) => Math.Abs(MinorityMass(Separation, schedule, RungeKuttaTableau.ThreeEighths, 9) - MinorityWeight);
        var (designed, surrogate) = (ScheduleDesign.Mixture(Separation, MinorityWeight), ScheduleDesign.MixtureSurrogate(Separation));
        var (found, best) = (Average(equalised), Average(designed));
        settings.Remark(
            $"M = {Separation}: averaged squared constant equalised {found:f3}, designed {best:f3}, surrogate {Average(surrogate):f3}, linear "
            + $"{Average(preserving):f0}; error of the weight {Error(equalised):f4}, {Error(designed):f4}, {Error(surrogate):f4}, {Error(preserving):f4}");
        return [gaussian / (Math.Pow(Math.Log(1e-4), 2) / 4), found / best, Error(equalised)];
    }

    private static double Simpson(Func<double, double> f, int intervals)
    {
        var sum = f(0) + f(1);
        for (var k = 1; k < intervals; k++)
        {
            sum += (k % 2 == 1 ? 4 : 2) * f((double)k / intervals);
        }

        return sum / (3 * intervals);
    }

    // Equal steps of a Runge-Kutta method on the line, from one time to another.
    private static double[] Flow(IVectorField velocity, RungeKuttaTableau tableau, double[] starts, double from, double to, int steps)
    {
        var onUnitTime = new FormulaField(1, (x, s) => (to - from) * velocity.Apply(x, from + ((to - from) * s)));
        using var ode = new TransportOde<double>(null, onUnitTime, tableau, new ExecutionOptions { Threads = 1 });
        return [.. ode.Run(null, NdArray<double>.From(starts, starts.Length, 1), steps).Positions.Span];
    }
}
