using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 13, item 5: a velocity learned once under the linear schedule, integrated in few steps under that schedule and, by transfer, under designed ones. The
/// eight modes have weights 1 : 2 : ... : 8: with equal weights symmetry alone would send the right share to each.
/// </summary>
internal static class LipschitzSchedulesLearned
{
    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "learned-transfer",
            "Eight Gaussians of unequal weights on a circle of radius 20, and of radius 100, one velocity each learned under the linear schedule: 5, 10 and "
            + "20 Runge-Kutta steps under the linear, the designed, the surrogate and the numerically equalised schedule.",
            Quick: false,
            [
                FigureReference.AtMost("radius 20: total variation of the mode weights, designed schedule, 10 steps", 0.05, "bar of the project"),
                FigureReference.AtMost("radius 20: the same over that of the linear schedule", 0.5, "bar of the project").OverSeeds(),
                FigureReference.AtMost(
                    "radius 100: total variation of the mode weights, designed schedule, 10 steps", 0.05, "the same bar where modes lie far apart"),
                FigureReference.AtMost("radius 100: the same over that of the linear schedule", 0.5, "the same bar where modes lie far apart")
                    .OverSeeds(),
                FigureReference.AtMost("radius 100: total variation of the equalised schedule over the surrogate's, 10 steps", 1, "stretch of the sheet")
                    .OverSeeds(),
            ],
            Experiment.InBackground((settings, cancellation) =>
            {
                var (near, far) = (new LearnedModes(20, settings).Measure(cancellation), new LearnedModes(100, settings).Measure(cancellation));
                return [near.Designed, near.Designed / near.Linear, far.Designed, far.Designed / far.Linear, far.Equalised / far.Surrogate];
            })),
    ];
}

/// <summary>One radius of the experiment.</summary>
internal sealed class LearnedModes(double radius, ExperimentSettings settings)
{
    private const int Modes = 8;
    private static readonly StreamName s_timeStream = StreamName.Numbered("lipschitz schedules learned: time", 778);
    private static readonly StreamName s_startStream = StreamName.Numbered("lipschitz schedules learned: start", 779);
    private static readonly StreamName s_modeStream = StreamName.Numbered("lipschitz schedules learned: mode", 780);
    private static readonly StreamName s_spreadStream = StreamName.Numbered("lipschitz schedules learned: spread", 781);
    private const double LeastTime = 1e-3;
    private const int Iterations = 10_000;
    private const int Particles = 20_000;

    private static readonly int[] s_steps = [5, 10, 20];
    private static readonly double[] s_weights = [.. Enumerable.Range(1, Modes).Select(k => 2.0 * k / (Modes * (Modes + 1)))];

    private readonly double[][] _means =
        [.. Enumerable.Range(0, Modes).Select(k => new[] { radius * Math.Cos(2 * Math.PI * k / Modes), radius * Math.Sin(2 * Math.PI * k / Modes) })];

    private GaussianMixtureLaw Data => GaussianMixtureLaw.Isotropic(s_weights, _means, [.. s_weights.Select(_ => 1.0)]);

    /// <summary>Trains and returns total variations: of 10 steps under the designed, the linear, the surrogate and the equalised schedule.</summary>
    public (double Designed, double Linear, double Surrogate, double Equalised) Measure(CancellationToken cancellation)
    {
        var (set, parameters, field) = Train(cancellation);
        var linear = InterpolantSchedules.Linear;
        var designed = ScheduleDesign.Mixture(radius);
        InterpolantSchedule[] schedules =
            [linear, designed, ScheduleDesign.MixtureSurrogate(radius), Equalised(designed, new TransferredField(field, linear, designed), set, parameters)];
        string[] names = ["linear", "designed", "surrogate", "equalised"];
        var start = NdArray<double>.From(Measurements.Normal(new RandomStream(settings.Seed, s_spreadStream), 2 * Particles), Particles, 2);
        var found = new double[schedules.Length, s_steps.Length];
        for (var k = 0; k < schedules.Length; k++)
        {
            var velocity = k == 0 ? field : new TransferredField(field, linear, schedules[k]);
            var closed = new MixtureInterpolant(new Interpolant(schedules[k], InterpolantKind.OneSided), null, Data).Velocity;
            using var paths = new FieldPaths<double>(set, parameters, 2, velocity.Apply, settings.Threads);
            using var exact = new FieldPaths<double>(null, null, 2, closed.Apply, settings.Threads);
            var others = new List<string>();
            for (var s = 0; s < s_steps.Length; s++)
            {
                cancellation.ThrowIfCancellationRequested();
                double Variation(FieldPaths<double> of, bool euler) => TotalVariation(of.Run(start, s_steps[s], euler, LeastTime, 1 - LeastTime));
                found[k, s] = Variation(paths, false);
                others.Add(FormattableString.Invariant($"{Variation(exact, false):F4} ({Variation(paths, true):F4} / {Variation(exact, true):F4})"));
            }

            settings.Remark(
                $"radius {radius}, {names[k]}: total variation {found[k, 0]:F4}, {found[k, 1]:F4}, {found[k, 2]:F4} in 5, 10 and 20 steps; exact velocity "
                + $"(Euler, learned / exact): {string.Join(", ", others)}");
        }

        settings.Remark(
            $"{Particles} exact draws have a total variation of about "
            + $"{Math.Sqrt(2 / (Math.PI * Particles)) * s_weights.Sum(w => Math.Sqrt(w * (1 - w))) / 2:F4}");
        return (found[1, 1], found[0, 1], found[2, 1], found[3, 1]);
    }

    // The mean squared Lipschitz constant of the learned velocity under the designed path, made constant in time.
    private InterpolantSchedule Equalised(InterpolantSchedule designed, IVectorField velocity, ParameterSet set, NdArray<double> parameters)
    {
        const int points = 32;
        double[] times = [.. Enumerable.Range(0, points + 1).Select(k => LeastTime + ((1 - (2 * LeastTime)) * k / points))];
        var squares = ScheduleDesign.SquaredLipschitz(
            set, parameters, velocity, times, time => Law(designed, time, 1000), settings.Execution);
        double[] floored = [.. squares.Select(s => Math.Max(s, 1e-3 * squares.Max()))];
        var clock = ScheduleDesign.EqualisingClock([.. times.Select(t => (t - times[0]) / (times[^1] - times[0]))], floored);
        return designed.OnClock("equalised", clock.Apply);
    }

    // The network sees positions at unit scale and a clock on which the modes part at an even pace.
    private (ParameterSet Set, NdArray<double> Parameters, IVectorField Field) Train(CancellationToken cancellation)
    {
        var spread = radius / Math.Sqrt(2);
        var (set, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new DriftNetwork(set, initializer, 2, 128, 3);
        Expr Velocity(Expr x, Expr t)
        {
            var (a, b) = (1 - t, t * spread);
            return spread * network.Apply(x / (a.Square() + b.Square()).Sqrt(), 2 / Math.PI * Expr.Atan2(b, a));
        }

        var (x1, z, t) = (Draw(), Expr.Random(RandomLaw.Normal, s_startStream, 2), Expr.Random(RandomLaw.Uniform, s_timeStream));
        var loss = (Velocity(((1 - t) * z) + (t * x1), t) - (x1 - z)).SquaredNorm() / (spread * spread);
        using var minimiser = new LossMinimiser<float>(
            set, initializer, loss, new LossMinimiserOptions { Iterations = Iterations, BatchSize = 512 }, settings.Seed,
            settings.Execution);
        var outcome = minimiser.Run(cancellation: cancellation);
        settings.Remark($"radius {radius}: trained {outcome.Iterations} steps in {outcome.Elapsed.TotalSeconds:F0} s");
        return (set, NdArray<double>.From(Numbers.Doubles(minimiser.State.Average.Span), set.Count), new FormulaField(2, Velocity));
    }

    private Expr Draw()
    {
        var uniform = Expr.Random(RandomLaw.Uniform, s_modeStream);
        Expr mean = Expr.Constant([0, 0], 2);
        var below = 0.0;
        for (var k = 0; k < Modes; k++)
        {
            mean += uniform.GreaterOrEqual(below) * uniform.Less(k == Modes - 1 ? 2 : below + s_weights[k]) * Expr.Constant(_means[k], 2);
            below += s_weights[k];
        }

        return mean + Expr.Random(RandomLaw.Normal, s_spreadStream, 2);
    }

    private double[] Law(InterpolantSchedule schedule, double time, int count)
    {
        var at = schedule.At(time);
        var x1 = Data.Sample(count, new RandomStream(settings.Seed, s_modeStream));
        var random = new RandomStream(settings.Seed, s_startStream);
        return Array.ConvertAll(x1, v => (at.Beta * v) + (at.Alpha * random.NextNormal()));
    }

    // Half the sum of |share - weight|; a particle belongs to the mode in whose sector it lies, also where a schedule ends
    // before the modes have reached their places.
    private static double TotalVariation(NdArray<double> end)
    {
        var shares = new double[Modes];
        for (var i = 0; i < end.Rows; i++)
        {
            var angle = Math.Atan2(end[(2 * i) + 1], end[2 * i]) * Modes / (2 * Math.PI);
            shares[(((int)Math.Round(angle) % Modes) + Modes) % Modes] += 1.0 / end.Rows;
        }

        return 0.5 * shares.Zip(s_weights, (s, w) => Math.Abs(s - w)).Sum();
    }
}
