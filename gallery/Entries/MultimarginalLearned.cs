using Monge.Diagnostics;
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
/// Entry 28, item 3: a Gaussian, a swiss roll and a checkerboard as three marginals of one barycentric interpolant: all six directed maps from one
/// network, and a path from roll to checkerboard that costs less than the straight edge. Roll and checkerboard have standard deviation 1/2 in each
/// coordinate beside the Gaussian's 1, as in the closed forms of item 2: a noise that is wider than the data keeps the law on the way from shrinking,
/// where noise of the same width has nothing to give.
/// </summary>
internal static class MultimarginalLearned
{
    private const int Laws = 3;
    private static readonly StreamName s_noiseStream = StreamName.Numbered("multimarginal learned: noise", 782);
    private static readonly StreamName s_weightStream = StreamName.Numbered("multimarginal learned: weight", 783);
    private static readonly StreamName s_edgeStream = StreamName.Numbered("multimarginal learned: edge", 784);
    private static readonly StreamName s_pathTimeStream = StreamName.Numbered("multimarginal learned: path time", 785);
    private static readonly StreamName s_drawStream = StreamName.Numbered("multimarginal learned: draw", 786);
    private const int Batch = 512;
    private const int Iterations = 12_000;
    private const int PathIterations = 400;
    private const int Modes = 4;
    private const int Particles = 2000;
    private const int Steps = 60;

    // The optimised path's formula has no limit in floating point at its very ends.
    private const double LeastTime = 1e-3;

    private static readonly string[] s_names = ["Gaussian", "roll", "checkerboard"];

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "learned-maps",
            "Gaussian, swiss roll and checkerboard: six maps from one network with three heads, and a path through the simplex optimised for cost.",
            Quick: false,
            [
                FigureReference.AtMost("largest energy distance of a map's end over its floor", 3, "bar of the project; two exact sets of 2000"),
                FigureReference.AtMost("cost of the optimised path over that of the edge, roll to checkerboard", 0.9, "bar of the project", stretchBound: 0.8)
                    .OverSeeds(),
                FigureReference.AtMost("energy distance at the optimised path's end over its floor", 3, "a cheaper path must still arrive"),
            ],
            Experiment.InBackground(Measure)),
    ];

    private static double[] Measure(ExperimentSettings settings, CancellationToken cancellation)
    {
        SampledLaw[] laws = [DataSetLibrary.Get("normal"), Half(DataSetLibrary.Get("swiss-roll")), Half(DataSetLibrary.Get("checkerboard"))];
        var (set, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new BarycentricNetwork(set, initializer, 2, Laws, 128, 4);
        var path = SimplexPath.Parametrised(set, initializer, "path", Laws, 1, 2, Modes);
        var execution = settings.Execution;
        Expr[] points = [Expr.Random(RandomLaw.Normal, s_noiseStream, 2), Expr.Input("roll", 2), Expr.Input("board", 2)];
        var weights = Weights();
        Expr loss = 0;
        foreach (var (head, point) in network.Heads(BarycentricInterpolant.At(weights, points), weights).Zip(points))
        {
            loss += (head - point).SquaredNorm();
        }

        // The coefficients of the path belong to the same set; this loss doesn't move them.
        using var minimiser = new LossMinimiser<float>(
            set, initializer, loss, new LossMinimiserOptions { Iterations = Iterations, BatchSize = Batch }, settings.Seed, execution);
        var outcome = minimiser.Run((program, iteration) => Fill(program, laws, settings.Seed, (ulong)iteration), cancellation: cancellation);
        var parameters = NdArray<float>.From(minimiser.State.Average.Span, set.Count);
        settings.Remark($"trained {outcome.Iterations} steps in {outcome.Elapsed.TotalSeconds:F0} s");

        var worst = 0.0;
        for (var from = 0; from < Laws; from++)
        {
            for (var to = 0; to < Laws; to++)
            {
                if (from != to)
                {
                    var distance = Arrival(set, parameters, network, SimplexPath.Edge(Laws, from, to), laws[from], laws[to], settings);
                    settings.Note($"{s_names[from]} to {s_names[to]}: {distance}");
                    worst = Math.Max(worst, distance.Ratio);
                }
            }
        }

        var values = Optimise(set, network, path, parameters, laws, settings, cancellation);
        var best = SimplexPath.WithValues(Laws, 1, 2, Modes, values);
        var (edgeCost, bestCost) =
            (Cost(set, parameters, network, SimplexPath.Edge(Laws, 1, 2), laws, settings), Cost(set, parameters, network, best, laws, settings));
        var arrival = Arrival(set, parameters, network, best, laws[1], laws[2], settings);
        var middle = FieldEvaluation.At(1, (_, t) => best.Weights(t), [0], 0.5);
        settings.Remark(
            $"cost of the edge {edgeCost:F4}, of the optimised path {bestCost:F4} (fresh samples); its weights half way are {middle[0]:F3} Gaussian, "
            + $"{middle[1]:F3} roll, {middle[2]:F3} checkerboard");
        settings.Note($"optimised path, roll to checkerboard: {arrival}");
        return [worst, bestCost / edgeCost, arrival.Ratio];
    }

    // Half of the draws fill the simplex, half its edges, where the maps run.
    private static Expr Weights()
    {
        var uniform = Expr.Random(RandomLaw.Uniform, s_edgeStream);
        var exponentials = -Expr.Random(RandomLaw.Uniform, s_weightStream, Laws).Log();
        var kept = Expr.Vector([.. Enumerable.Range(0, Laws).Select(k => 1 - (uniform.GreaterOrEqual(k / 6.0) * uniform.Less((k + 1) / 6.0)))]);
        var shares = kept * exponentials;
        return shares / shares.Sum();
    }

    private static SampledLaw Half(SampledLaw law)
    {
        const int count = 100_000;
        var draws = law.Draw(count, 0);
        var (mean, deviation) = (new double[2], new double[2]);
        for (var i = 0; i < 2; i++)
        {
            mean[i] = Enumerable.Range(0, count).Average(k => draws[(2 * k) + i]);
            deviation[i] = Math.Sqrt(Enumerable.Range(0, count).Average(k => Math.Pow(draws[(2 * k) + i] - mean[i], 2)));
        }

        return new SampledLaw(law.Name, law.Description + ", with deviations 1/2", 2,
            (n, random) => [.. law.Sampler(n, random).Select((v, i) => 0.5 * (v - mean[i % 2]) / deviation[i % 2])]);
    }

    private static void Fill(CompiledProgram<float> program, SampledLaw[] laws, ulong seed, ulong iteration)
    {
        foreach (var (name, law) in new[] { ("roll", laws[1]), ("board", laws[2]) })
        {
            var rows = law.Sampler(Batch, new RandomStream((seed << 32) ^ iteration, s_drawStream.Member(law == laws[1] ? 0 : 1)));
            program[name] = NdArray<float>.From(Numbers.Singles(rows), Batch, 2);
        }
    }

    private static DistanceWithFloor Arrival(
        ParameterSet set, NdArray<float> parameters, BarycentricNetwork network, SimplexPath path, SampledLaw from, SampledLaw to, ExperimentSettings settings)
    {
        using var paths = new FieldPaths<float>(set, parameters, 2, BarycentricInterpolant.Velocity(2, path, network.Heads).Apply, settings.Threads);
        double[] Carried(int count, int seed)
        {
            var start = from.Draw(count, settings.Seed + 10_000 + (ulong)seed);
            return Numbers.Doubles(paths.Run(NdArray<float>.From(Numbers.Singles(start), count, 2), Steps, from: LeastTime, to: 1 - LeastTime).Span);
        }

        return DistanceWithFloor.Compute(
            Carried, Particles, 2, (count, seed) => to.Draw(count, settings.Seed + 20_000 + (ulong)seed),
            (x, y) => EnergyDistance.Compute(x, y, 2, unbiased: false, threads: settings.Threads), "energy distance", 10);
    }

    // int E|b|^2 dt at points of the interpolant, by draws.
    private static Expr PathCost(BarycentricNetwork network, SimplexPath path, Expr[] points, Expr t)
    {
        var weights = path.Weights(t);
        return BarycentricInterpolant.Velocity(path.Rates(t), network.Heads(BarycentricInterpolant.At(weights, points), weights)).SquaredNorm();
    }

    private static double[] Optimise(
        ParameterSet set, BarycentricNetwork network, SimplexPath path, NdArray<float> parameters, SampledLaw[] laws, ExperimentSettings settings,
        CancellationToken cancellation)
    {
        Expr[] points = [Expr.Random(RandomLaw.Normal, s_noiseStream, 2), Expr.Input("roll", 2), Expr.Input("board", 2)];
        var cost = PathCost(network, path, points, LeastTime + ((1 - (2 * LeastTime)) * Expr.Random(RandomLaw.Uniform, s_pathTimeStream))) / Batch;
        var options = new GradientStepOptions { LearningRate = new WarmCosineRate(0.05, 0.05), AverageDecay = 0.98 };
        using var step = new GradientStep<float>(set, cost, Batch, options, settings.Execution, name => name == "path")
        {
            Values = NdArray<float>.From(parameters.Span, set.Count),
        };
        var state = step.NewState();
        for (var k = 0; k < PathIterations; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            Fill(step.Program, laws, settings.Seed, (ulong)(Iterations + k));
            step.Run(state, k, PathIterations, new DrawKey(settings.Seed, (ulong)(Iterations + k)));
        }

        return Numbers.Doubles(state.Average.Span);
    }

    private static double Cost(
        ParameterSet set, NdArray<float> parameters, BarycentricNetwork network, SimplexPath path, SampledLaw[] laws, ExperimentSettings settings)
    {
        const int batches = 80;
        Expr[] points = [Expr.Random(RandomLaw.Normal, s_noiseStream, 2), Expr.Input("roll", 2), Expr.Input("board", 2)];
        var cost = PathCost(network, path, points, LeastTime + ((1 - (2 * LeastTime)) * Expr.Random(RandomLaw.Uniform, s_pathTimeStream))) / Batch;
        using var program = new CompiledProgram<float>(
            new TracedProgram(set, ("cost", cost.BatchSum())), settings.Execution)
        { Parameters = parameters };
        var sum = 0.0;
        for (var k = 0; k < batches; k++)
        {
            Fill(program, laws, settings.Seed, (ulong)(1_000_000 + k));
            program.Run(Batch, new DrawKey(settings.Seed, (ulong)(1_000_000 + k)));
            sum += program["cost"][0];
        }

        return sum / batches;
    }
}
