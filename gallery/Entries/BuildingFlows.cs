using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>Entry 35: Building Normalizing Flows with Stochastic Interpolants (arXiv:2209.15571), between Gaussians.</summary>
internal static class BuildingFlows
{
    private static readonly StreamName s_timeStream = StreamName.Numbered("building flows: time", 710);
    private static readonly StreamName s_baseStream = StreamName.Numbered("building flows: base", 711);
    private static readonly StreamName s_dataStream = StreamName.Numbered("building flows: data", 712);
    private const int Batch = 1024;
    private const int TrainingSteps = 3000;
    private const int DescentsPerAscent = 20;
    private const int Ascents = 600;
    private const int Modes = 5;
    private const string Computed = "computed for this reproduction";

    // Variance c of the data, path cost under the trigonometric and the linear schedule, squared W2.
    private static readonly (double Variance, double Trigonometric, double Linear, double Optimum)[] s_cases =
        [(4, 1.23370, 1.85841, 1), (9, 4.93480, 5.28761, 4), (0.25, .30843, .46460, .25)];

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "35",
        "Building flows with interpolants",
        "M. Albergo, E. Vanden-Eijnden: Building Normalizing Flows with Stochastic Interpolants, arXiv:2209.15571",
        [
            new Experiment(
                "gaussian-costs",
                "Between N(0, 1) and N(0, c): path costs by quadrature, the score from the velocity, and a small network trained on the objective.",
                Quick: true,
                [
                    .. s_cases.SelectMany(c => (FigureReference[])[
                        FigureReference.Within($"cost of the trigonometric path, c = {c.Variance}", c.Trigonometric, 1e-5, Computed),
                        FigureReference.Within($"cost of the linear path, c = {c.Variance}", c.Linear, 1e-5, Computed)]),
                    FigureReference.AtMost("largest error of the score from the velocity", 1e-6, "closed form"),
                    FigureReference.AtMost("largest relative gap of the trained objective to its minimum", 0.01, "minus the path cost", stretchBound: 0.001),
                ],
                Experiment.InBackground(GaussianCosts)),
            new Experiment(
                "optimised-path",
                "Ascent on five sine modes of alpha and beta, twenty steps of descent on a velocity that is linear in x for each: the path cost beside the "
                + "optimal transport's.",
                Quick: true,
                [.. s_cases.Select(
                    c => FigureReference.AtMost($"path cost over squared W2, c = {c.Variance}", 1.03, "optimal transport", stretchBound: 1.005))],
                Experiment.InBackground(OptimisedPaths)),
            new Experiment(
                "certificate",
                "The exact velocity with errors put on it: squared W2 of the ends beside its bound exp(1 + 2K) H.",
                Quick: true,
                [
                    FigureReference.AtMost("largest squared W2 over its bound", 1, "the bound"),
                    FigureReference.AtLeast("largest squared W2", 1e-3, "so that the test can fail"),
                ],
                Experiment.InBackground((_, _) => Certificate())),
            .. LearnedInterpolants.Building,
            .. TabularData.Experiments,
        ]);

    private static MixtureInterpolant Gaussians(InterpolantSchedule schedule, double variance) =>
        new(new Interpolant(schedule), GaussianMixtureLaw.Standard(1), GaussianMixtureLaw.Isotropic([1], [[0]], [variance]));

    // int E|v|^2 dt = int (dSigma/dt)^2 / (4 Sigma) dt by Simpson's rule.
    private static double PathCost(InterpolantSchedule schedule, double variance)
    {
        const int Intervals = 20_000;
        double[] times = [.. Enumerable.Range(0, Intervals + 1).Select(k => (double)k / Intervals)];
        var sum = schedule.At(times).Select((v, k) =>
            (k is 0 or Intervals ? 1 : k % 2 == 1 ? 4 : 2) * Math.Pow(
                v.AlphaAlphaRate + (variance * v.BetaBetaRate), 2) / ((v.Alpha * v.Alpha) + (variance * v.Beta * v.Beta))).Sum();
        return sum / (3 * Intervals);
    }

    private static double[] GaussianCosts(ExperimentSettings settings, CancellationToken cancellation)
    {
        var results = new List<double>();
        var (score, gap) = (0.0, 0.0);
        foreach (var (variance, _, _, _) in s_cases)
        {
            foreach (var schedule in (InterpolantSchedule[])[InterpolantSchedules.Trigonometric, InterpolantSchedules.Linear])
            {
                cancellation.ThrowIfCancellationRequested();
                var cost = PathCost(schedule, variance);
                results.Add(cost);
                score = Math.Max(score, ScoreError(schedule, variance));
                var missing = TrainedGap(schedule, variance, settings);
                gap = Math.Max(gap, missing / cost);
                settings.Remark($"c = {variance}, {schedule}: objective of the trained network {missing - cost:f5}, its minimum {-cost:f5}");
            }
        }

        return [.. results, score, gap];
    }

    private static double ScoreError(InterpolantSchedule schedule, double variance)
    {
        var law = Gaussians(schedule, variance);
        var oneSided = new Interpolant(schedule, InterpolantKind.OneSided);
        double[] times = [.. Enumerable.Range(1, 999).Select(k => k / 1000.0)];
        double[] positions = [.. times.Select((_, k) => 4 * Math.Sin(k))];
        return FieldEvaluation.At(
            1, (x, t) => (oneSided.ScoreFromVelocity(t, x, law.Velocity.Apply(x, t)) - law.Score.Apply(x, t)).Abs(), positions, times).Max();
    }

    // H(f) = int E|f - v|^2 dt = G(f) - min G, for a network trained on G with fresh draws.
    private static double TrainedGap(InterpolantSchedule schedule, double variance, ExperimentSettings settings)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new DriftNetwork(parameters, initializer, 1, width: 32, depth: 2);
        var options =
            new LossMinimiserOptions { Iterations = TrainingSteps, BatchSize = Batch, LearningRate = 1e-2, AverageDecay = 0.99, StartStream = s_timeStream };
        var execution = settings.Execution;
        var objective = Objective(network.Apply, schedule, variance);
        using var minimiser = new LossMinimiser<double>(parameters, initializer, objective, options, settings.Seed, execution);
        minimiser.Run();

        // Midpoints in time, quantiles of the exact law in space.
        var (x, t) = (Expr.Input("x", 1), Expr.Input("t"));
        var error = (network.Apply(x, t) - Gaussians(schedule, variance).Velocity.Apply(x, t)).SquaredNorm();
        const int Times = 100;
        const int Quantiles = 400;
        var values = schedule.At(Measurements.Midpoints(Times));
        var (positions, times) = (new NdArray<double>(Times * Quantiles, 1), new NdArray<double>(Times * Quantiles));
        for (var i = 0; i < Times * Quantiles; i++)
        {
            var v = values[i / Quantiles];
            positions[i] = Math.Sqrt((v.Alpha * v.Alpha) + (variance * v.Beta * v.Beta)) * NormalQuantile(((i % Quantiles) + 0.5) / Quantiles);
            times[i] = v.Time;
        }

        using var evaluate = new CompiledProgram<double>(new TracedProgram(parameters, ("sum", error.BatchSum())), new ExecutionOptions { Threads = 1 })
        {
            Parameters = minimiser.State.Average,
            ["x"] = positions,
            ["t"] = times,
        };
        evaluate.Run(Times * Quantiles);
        return evaluate["sum"][0] / (Times * Quantiles);
    }

    // |f|^2 - 2 dI/dt . f at a random time and pair.
    private static Expr Objective(Func<Expr, Expr, Expr> field, InterpolantSchedule schedule, double variance)
    {
        var t = Expr.Random(RandomLaw.Uniform, s_timeStream);
        var (x0, x1) = (Expr.Random(RandomLaw.Normal, s_baseStream, 1), Math.Sqrt(variance) * Expr.Random(RandomLaw.Normal, s_dataStream, 1));
        var interpolant = new Interpolant(schedule);
        var f = field(interpolant.At(t, x0, x1, 0), t);
        return f.SquaredNorm() - (2 * Expr.Dot(interpolant.Rate(t, x0, x1, 0), f));
    }

    private static double[] OptimisedPaths(ExperimentSettings settings, CancellationToken cancellation) =>
        [.. s_cases.Select(c =>
        {
            var (alpha, beta) = OptimisePath(c.Variance, settings, cancellation);
            var schedule = FourierSchedule.WithValues(InterpolantSchedules.Trigonometric, alpha, beta, null);
            var cost = PathCost(schedule, c.Variance);
            settings.Remark($"c = {c.Variance}: cost {cost:f5}, from {c.Trigonometric:f5}, optimum {c.Optimum:f5}");
            return cost / c.Optimum;
        })];

    // The velocity descends, the path climbs, each with its own Adam.
    private static (double[] Alpha, double[] Beta) OptimisePath(double variance, ExperimentSettings settings, CancellationToken cancellation)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var slope = new TimeNetwork(parameters, initializer, "slope", 1, 32);
        var schedule = FourierSchedule.Create(parameters, initializer, "path", InterpolantSchedules.Trigonometric, Modes);
        var loss = Objective((x, t) => slope.Apply(t) * x, schedule, variance) / Batch;
        var options = new GradientStepOptions { LearningRate = new WarmCosineRate(1e-2, 0.02), AverageDecay = 0.99 };
        var execution = settings.Execution;
        using var descent = new GradientStep<double>(parameters, loss, Batch, options, execution, name => name.StartsWith("slope", StringComparison.Ordinal));
        var ofPath = options with { AverageDecay = 0.9 };
        using var climb = new GradientStep<double>(parameters, -loss, Batch, ofPath, execution, name => name.StartsWith("path", StringComparison.Ordinal));
        climb.Values = descent.Values;
        var (field, path) = (descent.Init(initializer, new RandomKey(settings.Seed, s_dataStream)), climb.NewState());
        var draw = 0UL;
        for (var ascent = 0; ascent < Ascents; ascent++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (var k = 0; k < DescentsPerAscent; k++)
            {
                descent.Run(field, ascent, Ascents, new DrawKey(settings.Seed, draw++));
            }

            // The first descents teach the velocity of the path as it is.
            if (ascent >= 20)
            {
                climb.Run(path, ascent, Ascents, new DrawKey(settings.Seed, draw++));
            }
        }

        double[] found = [.. path.Average.Span];
        return (found[..Modes], found[Modes..]);
    }

    // X under the exact and the perturbed velocity from the same starts: both maps rise, so the quantiles give W2.
    private static double[] Certificate()
    {
        const double Variance = 4;
        const int Quantiles = 4000;
        var law = Gaussians(InterpolantSchedules.Trigonometric, Variance);
        var starts = NdArray<double>.From(Array.ConvertAll(Measurements.Midpoints(Quantiles), NormalQuantile), Quantiles, 1);
        using var exact = new TransportOde<double>(null, law.Velocity, RungeKuttaTableau.RungeKutta4, new ExecutionOptions { Threads = 1 });
        var (ends, _) = exact.Run(null, starts, 400);
        Func<Expr, Expr, Expr>[] errors =
            [(x, _) => 0.1 * x, (x, _) => -0.4 * x, (x, _) => 0.5 + (0 * x), (x, t) => 0.3 * t * x.Sin(), (x, t) => 0.2 * (3 * x).Cos() * (1 - t)];
        var (ratio, largest) = (0.0, 0.0);
        foreach (var error in errors)
        {
            var field = new FormulaField(1, (x, t) => law.Velocity.Apply(x, t) + error(x, t));
            using var ode = new TransportOde<double>(null, field, RungeKuttaTableau.RungeKutta4, new ExecutionOptions { Threads = 1 });
            var (other, _) = ode.Run(null, starts, 400);
            var distance = Enumerable.Range(0, Quantiles).Average(i => Math.Pow(ends[i] - other[i], 2));
            var (gap, slope) = GapAndSlope(field, error, law);
            ratio = Math.Max(ratio, distance / (Math.Exp(1 + (2 * slope)) * gap));
            largest = Math.Max(largest, distance);
        }

        return [ratio, largest];
    }

    // H and the Lipschitz constant K on a grid of times and quantiles of the exact law.
    private static (double Gap, double Slope) GapAndSlope(IVectorField field, Func<Expr, Expr, Expr> error, MixtureInterpolant law)
    {
        const int Times = 200;
        const int Quantiles = 400;
        var values = law.Interpolant.Schedule.At(Measurements.Midpoints(Times));
        var variance = law.Data.Covariances[0][0, 0];
        double[] times = [.. Enumerable.Range(0, Times * Quantiles).Select(i => values[i / Quantiles].Time)];
        double[] positions = [.. Enumerable.Range(0, Times * Quantiles).Select(i =>
            Math.Sqrt(Math.Pow(values[i / Quantiles].Alpha, 2) + (variance * Math.Pow(values[i / Quantiles].Beta, 2))) * NormalQuantile(
                ((i % Quantiles) + 0.5) / Quantiles))];
        return (
            FieldEvaluation.At(1, (x, t) => error(x, t).SquaredNorm(), positions, times).Average(),
            FieldEvaluation.At(1, (x, t) => field.WithDivergence(x, t).Divergence.Abs(), positions, times).Max());
    }

    private static double NormalQuantile(double probability) => Math.Sqrt(2) * HostFunctions.InverseErf((2 * probability) - 1);
}
