using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 13, item 5: a velocity learned once under the linear schedule, integrated in few steps under that schedule and, by transfer, under designed ones. The eight modes have weights
/// 1 : 2 : ... : 8: with equal weights symmetry alone would send the right share to each.
/// </summary>
internal static class LipschitzSchedulesLearned
{
    private const int Modes = 8;
    private const double Radius = 20;
    private const int TimeStream = 778;
    private const int StartStream = 779;
    private const int ModeStream = 780;
    private const int SpreadStream = 781;
    private const double LeastTime = 1e-3;
    private const int Iterations = 10_000;
    private const int Particles = 20_000;

    private static readonly double[] s_weights = [.. Enumerable.Range(1, Modes).Select(k => 2.0 * k / (Modes * (Modes + 1)))];
    private static readonly double[][] s_means =
        [.. Enumerable.Range(0, Modes).Select(k => new[] { Radius * Math.Cos(2 * Math.PI * k / Modes), Radius * Math.Sin(2 * Math.PI * k / Modes) })];

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "learned-transfer",
            "Eight Gaussians of unequal weights on a circle of radius 20, one velocity learned under the linear schedule, 5, 10 and 20 Euler steps (one evaluation each) under the linear, the designed and the numerically equalised schedule.",
            Quick: false,
            [
                FigureReference.AtMost("total variation of the mode weights, designed schedule, 10 Euler steps", 0.05, "bar of the project"),
                FigureReference.AtMost("the same over that of the linear schedule", 0.5, "bar of the project"),
                FigureReference.AtMost("total variation of the equalised schedule over the designed one's, 10 Euler steps", 1.25, "own bar; the sheet's stretch is below the surrogate's", stretchBound: 1),
            ],
            (settings, cancellation) => Task.Run<IReadOnlyList<double>>(() => Measure(settings, cancellation), cancellation)),
    ];

    private static double[] Measure(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (set, parameters, field) = Train(settings, cancellation);
        var linear = InterpolantSchedules.Linear;
        var surrogate = ScheduleDesign.MixtureSurrogate(Radius);

        // The mean squared Lipschitz constant of the learned velocity under the designed path, made constant in time.
        double[] times = [.. Enumerable.Range(0, 33).Select(k => LeastTime + ((1 - (2 * LeastTime)) * k / 32.0))];
        var designed = ScheduleDesign.Mixture(Radius);
        var transferred = new TransferredField(field, linear, designed);
        var squares = ScheduleDesign.SquaredLipschitz(
            set, parameters, transferred, times, time => Law(designed, time, 1000, settings.Seed), new ExecutionOptions { Threads = settings.Threads });
        double[] floored = [.. squares.Select(s => Math.Max(s, 1e-3 * squares.Max()))];
        var clock = ScheduleDesign.EqualisingClock([.. times.Select(t => (t - times[0]) / (times[^1] - times[0]))], floored);
        var equalised = designed.OnClock("equalised", clock.Apply);

        var start = Start(settings.Seed);
        var found = new Dictionary<(string, int), double>();
        foreach (var (name, schedule) in new[] { ("linear", linear), ("designed", designed), ("surrogate", surrogate), ("equalised", equalised) })
        {
            var velocity = schedule == linear ? field : (IVectorField)new TransferredField(field, linear, schedule);
            using var paths = new FieldPaths<double>(set, parameters, 2, velocity.Apply, settings.Threads);
            var classical = new List<double>();
            foreach (var steps in (int[])[5, 10, 20])
            {
                cancellation.ThrowIfCancellationRequested();
                found[(name, steps)] = TotalVariation(paths.Run(start, steps, euler: true, from: LeastTime, to: 1 - LeastTime));
                classical.Add(TotalVariation(paths.Run(start, steps, from: LeastTime, to: 1 - LeastTime)));
            }

            settings.Note(FormattableString.Invariant(
                $"{name}: total variation {found[(name, 5)]:F4}, {found[(name, 10)]:F4}, {found[(name, 20)]:F4} in 5, 10 and 20 Euler steps; {classical[0]:F4}, {classical[1]:F4}, {classical[2]:F4} in as many of Runge-Kutta 4, each four evaluations"));
        }

        using var exact = new FieldPaths<double>(set, parameters, 2, field.Apply, settings.Threads);
        settings.Note(FormattableString.Invariant($"linear, 400 steps: {TotalVariation(exact.Run(start, 400, from: LeastTime, to: 1 - LeastTime)):F4}; {Particles} exact draws have about {Math.Sqrt(2 / (Math.PI * Particles)) * s_weights.Sum(w => Math.Sqrt(w * (1 - w))) / 2:F4}"));
        return [found[("designed", 10)], found[("designed", 10)] / found[("linear", 10)], found[("equalised", 10)] / found[("designed", 10)]];
    }

    // The network sees positions at unit scale and a clock on which the modes part at an even pace.
    private static (ParameterSet Set, NdArray<double> Parameters, IVectorField Field) Train(ExperimentSettings settings, CancellationToken cancellation)
    {
        const double spread = Radius / 1.4142135623730951;
        var (set, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new DriftNetwork(set, initializer, 2, 128, 3);
        Expr Velocity(Expr x, Expr t)
        {
            var (a, b) = (1 - t, t * spread);
            return spread * network.Apply(x / (a.Square() + b.Square()).Sqrt(), 2 / Math.PI * Expr.Atan2(b, a));
        }

        var (x1, z, t) = (Draw(), Expr.Random(RandomLaw.Normal, StartStream, 2), Expr.Random(RandomLaw.Uniform, TimeStream));
        var loss = (Velocity(((1 - t) * z) + (t * x1), t) - (x1 - z)).SquaredNorm() / (spread * spread);
        using var minimiser = new LossMinimiser<float>(
            set, initializer, loss, new LossMinimiserOptions { Iterations = Iterations, BatchSize = 512 }, settings.Seed, new ExecutionOptions { Threads = settings.Threads });
        var outcome = minimiser.Run(cancellation: cancellation);
        settings.Note(FormattableString.Invariant($"trained {outcome.Iterations} steps in {outcome.Elapsed.TotalSeconds:F0} s"));
        return (set, NdArray<double>.From(Array.ConvertAll(minimiser.State.Average.Span.ToArray(), v => (double)v), set.Count), new FormulaField(2, Velocity));
    }

    private static Expr Draw()
    {
        var uniform = Expr.Random(RandomLaw.Uniform, ModeStream);
        Expr mean = Expr.Constant([0, 0], 2);
        var below = 0.0;
        for (var k = 0; k < Modes; k++)
        {
            mean += uniform.GreaterOrEqual(below) * uniform.Less(k == Modes - 1 ? 2 : below + s_weights[k]) * Expr.Constant(s_means[k], 2);
            below += s_weights[k];
        }

        return mean + Expr.Random(RandomLaw.Normal, SpreadStream, 2);
    }

    private static double[] Law(InterpolantSchedule schedule, double time, int count, ulong seed)
    {
        var at = schedule.At(time);
        var x1 = GaussianMixtureLaw.Isotropic(s_weights, s_means, [.. s_weights.Select(_ => 1.0)]).Sample(count, new RandomStream(seed, ModeStream));
        var random = new RandomStream(seed, StartStream);
        return Array.ConvertAll(x1, v => (at.Beta * v) + (at.Alpha * random.NextNormal()));
    }

    private static NdArray<double> Start(ulong seed)
    {
        var random = new RandomStream(seed, SpreadStream);
        var start = new NdArray<double>(Particles, 2);
        foreach (ref var value in start.Span)
        {
            value = random.NextNormal();
        }

        return start;
    }

    // Half the sum of |share - weight|; a particle belongs to the mode in whose sector it lies, also where a schedule ends before the modes have reached their places.
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
