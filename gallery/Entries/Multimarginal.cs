using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>Entry 28: Multimarginal generative modeling with stochastic interpolants (arXiv:2310.03695), where closed forms are known.</summary>
internal static class Multimarginal
{
    private static readonly StreamName s_weightStream = StreamName.Numbered("multimarginal: weight", 715);
    private static readonly StreamName s_firstPointStream = StreamName.Numbered("multimarginal: first point", 716);
    private const int Batch = 4096;
    private const int Nodes = 2000;
    private const int Modes = 5;
    private const string Derived = "derived for this reproduction";

    private static readonly GaussianMixtureLaw[] s_gaussians =
    [
        GaussianMixtureLaw.Standard(2),
        GaussianMixtureLaw.Single([1, -0.5], new[,] { { 0.8, 0.3 }, { 0.3, 0.5 } }),
        GaussianMixtureLaw.Single([-0.7, 1.2], new[,] { { 0.4, -0.2 }, { -0.2, 1.1 } }),
    ];

    private static readonly GaussianMixtureLaw[] s_mixtures =
    [
        GaussianMixtureLaw.Standard(2),
        GaussianMixtureLaw.Isotropic([0.5, 0.5], [[-1.2, 0], [1.2, 0]], [0.2, 0.2]),
        GaussianMixtureLaw.Isotropic([0.4, 0.6], [[0, 1.2], [0.3, -0.8]], [0.15, 0.3]),
    ];

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "28",
        "Multimarginal interpolants",
        "M. Albergo, N. Boffi, M. Lindsey, E. Vanden-Eijnden: Multimarginal Generative Modeling with Stochastic Interpolants, arXiv:2310.03695",
        [
            new Experiment(
                "gaussians",
                "Three Gaussians of the plane: the fields' identity, the score, and the maps along all six edges.",
                Quick: true,
                [
                    FigureReference.AtMost("largest error of sum a_k g_k = x", 1e-12, "closed form"),
                    FigureReference.AtMost("largest error of the score from g_0", 1e-12, "closed form"),
                    FigureReference.AtMost("largest error of a mean or covariance carried along an edge", 1e-8, "closed form"),
                ],
                Experiment.InBackground((_, cancellation) => Gaussians(cancellation))),
            new Experiment(
                "path-cost",
                "The cost of paths in the simplex: along the edge, along it at the best speed, and over the interior with ten coefficients.",
                Quick: true,
                [
                    FigureReference.Within("edge, unit variances", 2 - (Math.PI / 2), 1e-5, "2 - pi / 2"),
                    FigureReference.Within("edge at the best speed, unit variances", 4 * Math.Pow(1 - Math.Sqrt(0.5), 2), 1e-4, Derived),
                    FigureReference.Within("edge, variances 0.25", 0.10730, 1e-5, Derived),
                    FigureReference.Within("edge at the best speed, variances 0.25", 0.08579, 1e-5, Derived),
                    FigureReference.AtMost("optimised path, variances 0.25 and a standard normal law", 0.02, "0.01115 is the least", stretchBound: 0.013),
                    FigureReference.Within("cost of 10,000 particles over quadrature, optimised path", 1, 0.02, "quadrature"),
                ],
                Experiment.InBackground(PathCosts)),
            new Experiment(
                "learned",
                "One network with three heads, trained on uniform weights, beside the closed forms: Gaussians, and mixtures of two.",
                Quick: false,
                [
                    FigureReference.AtMost("relative error of the heads, Gaussians", 0.03, "closed form", stretchBound: 0.01),
                    FigureReference.AtMost("relative error of the heads, mixtures", 0.05, "closed form", stretchBound: 0.02),
                ],
                Experiment.InBackground((settings, cancellation) =>
                [
                    LearnedError("Gaussians", s_gaussians, 64, 6000, settings, cancellation),
                    LearnedError("mixtures", s_mixtures, 128, 6000, settings, cancellation),
                ])),
            .. MultimarginalLearned.Experiments,
        ]);

    private static double[] Gaussians(CancellationToken cancellation)
    {
        var law = new BarycentricMixture(s_gaussians);
        var (identity, score) = (0.0, 0.0);
        var random = new RandomStream(1, s_weightStream);
        double[] positions = [.. Enumerable.Range(0, 400).Select(_ => 2 * random.NextNormal())];
        foreach (var path in (SimplexPath[])[new SimplexPath(3, Inner), SimplexPath.Edge(3, 0, 1), SimplexPath.Edge(3, 2, 0)])
        {
            var times = Measurements.Midpoints(200);
            identity = Math.Max(identity, FieldEvaluation.At(
                2, (x, t) => (BarycentricInterpolant.At(path.Weights(t), law.Means(x, path.Weights(t))) - x).Abs().Maximum(), positions, times).Max());
            score = Math.Max(
                score, FieldEvaluation.At(
                    2, (x, t) => ((law.Means(x, path.Weights(t))[0] / path.Weights(t)[0]) + law.Score(x, path.Weights(t))).Abs().Maximum(),
                    positions, times).Max());
        }

        var edges = 0.0;
        for (var from = 0; from < 3; from++)
        {
            for (var to = 0; to < 3; to++)
            {
                cancellation.ThrowIfCancellationRequested();
                edges = from == to ? edges : Math.Max(edges, EdgeError(law, from, to));
            }
        }

        return [identity, score, edges];
    }

    // Weights in the interior of the triangle.
    private static Expr Inner(Expr t)
    {
        var shares = Expr.Vector(0.2 + t, 1.1 - t, 0.3 + (3 * t * (1 - t)));
        return shares / shares.Sum();
    }

    // The map between Gaussians is affine, so three particles give it.
    private static double EdgeError(BarycentricMixture law, int from, int to)
    {
        using var ode = new TransportOde<double>(
            null, law.Velocity(SimplexPath.Edge(3, from, to)), RungeKuttaTableau.RungeKutta4, new ExecutionOptions { Threads = 1 });
        var (start, end) = (law.Marginals[from], law.Marginals[to]);
        var (mx, my) = (start.Means[0][0], start.Means[0][1]);
        var (ends, _) = ode.Run(null, NdArray<double>.From([mx, my, mx + 1, my, mx, my + 1], 3, 2), 1000);
        var worst = Math.Max(Math.Abs(ends[0] - end.Means[0][0]), Math.Abs(ends[1] - end.Means[0][1]));
        double[,] map = { { ends[2] - ends[0], ends[4] - ends[0] }, { ends[3] - ends[1], ends[5] - ends[1] } };
        for (var i = 0; i < 2; i++)
        {
            for (var j = 0; j < 2; j++)
            {
                var carried = 0.0;
                for (var k = 0; k < 2; k++)
                {
                    for (var l = 0; l < 2; l++)
                    {
                        carried += map[i, k] * start.Covariances[0][k, l] * map[j, l];
                    }
                }

                worst = Math.Max(worst, Math.Abs(carried - end.Covariances[0][i, j]));
            }
        }

        return worst;
    }

    private static double[] PathCosts(ExperimentSettings settings, CancellationToken cancellation)
    {
        double[] units = [1, 1];
        double[] quarters = [0.25, 0.25];
        double[] withNoise = [1, 0.25, 0.25];
        var edge = SimplexPath.Edge(2, 0, 1);
        var optimised = OptimisePath(withNoise, settings, cancellation);
        var cost = Cost(optimised, withNoise);
        var best = BestSpeed(optimised, withNoise);
        var atHalf = FieldEvaluation.At(1, (_, t) => optimised.Weights(t), [0.0], 0.5);
        settings.Remark(
            $"optimised path: cost {cost:f5}, {best:f5} at the best speed, 0.01115 at least; weights ({atHalf[0]:f4}, {atHalf[1]:f4}, {atHalf[2]:f4}) at the "
            + $"middle, (0.3922, 0.3039, 0.3039) at the optimum");
        return [Cost(edge, units), BestSpeed(edge, units), Cost(edge, quarters), BestSpeed(edge, quarters), cost,
            SampledCost(optimised, withNoise, settings) / cost];
    }

    // (d sqrt(Sigma) / dt)^2 with Sigma = sum a_k^2 c_k: what a Gaussian law of mean 0 costs for each dimension.
    private static Expr Rate(SimplexPath path, double[] variances, Expr t)
    {
        var (weights, rates, c) = (path.Weights(t), path.Rates(t), Expr.Constant(variances, variances.Length));
        return Expr.Dot(weights * rates, c).Square() / Expr.Dot(weights.Square(), c);
    }

    private static double Cost(SimplexPath path, double[] variances) =>
        FieldEvaluation.At(1, (_, t) => Rate(path, variances, t), new double[Nodes], Measurements.Midpoints(Nodes)).Average();

    // The square of the length: a curve costs least at constant speed.
    private static double BestSpeed(SimplexPath path, double[] variances) =>
        Math.Pow(FieldEvaluation.At(1, (_, t) => Rate(path, variances, t).Sqrt(), new double[Nodes], Measurements.Midpoints(Nodes)).Average(), 2);

    private static SimplexPath OptimisePath(double[] variances, ExperimentSettings settings, CancellationToken cancellation)
    {
        const int Steps = 8000;
        const int Points = 400;
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var path = SimplexPath.Parametrised(parameters, initializer, "path", variances.Length, 1, 2, Modes);
        var t = Expr.Input("t");
        var options = new GradientStepOptions { LearningRate = new WarmCosineRate(3e-2), AverageDecay = 0.9 };
        var cost = Rate(path, variances, t) / Points;
        using var step = new GradientStep<double>(parameters, cost, Points, options, settings.Execution);
        step.Program["t"] = NdArray<double>.From(Measurements.Midpoints(Points), Points);
        var state = step.NewState();
        for (var k = 0; k < Steps; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            step.Run(state, k, Steps, default);
        }

        return SimplexPath.WithValues(variances.Length, 1, 2, Modes, [.. state.Average.Span]);
    }

    // E|b|^2 over particles x(a(t)), each at its own time.
    private static double SampledCost(SimplexPath path, double[] variances, ExperimentSettings settings)
    {
        const int Particles = 10_000;
        const int Times = 20;
        var law = new BarycentricMixture([.. variances.Select(v => GaussianMixtureLaw.Isotropic([1], [[0]], [v]))]);
        var random = new RandomStream(settings.Seed, s_firstPointStream);
        var velocity = law.Velocity(path);
        var times = Measurements.Midpoints(Particles * Times);
        var weights = FieldEvaluation.At(1, (_, t) => path.Weights(t), new double[times.Length], times);
        double[] draws = [.. Enumerable.Range(0, Particles * variances.Length).Select(k => Math.Sqrt(variances[k % variances.Length]) * random.NextNormal())];

        // Each particle is seen at several times, far apart.
        var positions = new double[times.Length];
        for (var i = 0; i < positions.Length; i++)
        {
            for (var k = 0; k < variances.Length; k++)
            {
                positions[i] += weights[(i * variances.Length) + k] * draws[(i % Particles * variances.Length) + k];
            }
        }

        return FieldEvaluation.At(1, (x, t) => velocity.Apply(x, t).SquaredNorm(), positions, times).Average();
    }

    private static double LearnedError(
        string name, GaussianMixtureLaw[] laws, int width, int steps, ExperimentSettings settings, CancellationToken cancellation)
    {
        var law = new BarycentricMixture(laws);
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new BarycentricNetwork(parameters, initializer, 2, laws.Length, width, 3);
        var weights = BarycentricInterpolant.UniformWeights(laws.Length, s_weightStream);
        Expr[] points = [.. Enumerable.Range(0, laws.Length).Select(k => Expr.Input($"x{k}", 2))];
        var x = BarycentricInterpolant.At(weights, points);
        var (heads, exact) = (network.Heads(x, weights), law.Means(x, weights));
        var execution = settings.Execution;
        var options = new LossMinimiserOptions { Iterations = steps, BatchSize = Batch, LearningRate = 3e-3, StartStream = s_weightStream };
        var loss = BarycentricInterpolant.Objective(heads, points);
        using var minimiser = new LossMinimiser<float>(parameters, initializer, loss, options, settings.Seed, execution);
        RandomStream[] streams = [.. Enumerable.Range(0, laws.Length).Select(k => new RandomStream(settings.Seed, s_firstPointStream.Member(k)))];
        void Draw(CompiledProgram<float> program)
        {
            for (var k = 0; k < laws.Length; k++)
            {
                program[$"x{k}"] = NdArray<float>.From(Numbers.Singles(laws[k].Sample(Batch, streams[k])), Batch, 2);
            }
        }

        minimiser.Run((program, _) => Draw(program), cancellation: cancellation);
        Expr Squares(Func<int, Expr> of) => Enumerable.Range(0, laws.Length).Select(k => of(k).SquaredNorm()).Aggregate((a, b) => a + b).BatchSum();
        using var evaluation = new CompiledProgram<float>(
            new TracedProgram(parameters, ("error", Squares(k => heads[k] - exact[k])), ("size", Squares(k => exact[k]))), execution);
        evaluation.Parameters = minimiser.State.Average;
        var (error, size) = (0.0, 0.0);
        for (var round = 0; round < 10; round++)
        {
            Draw(evaluation);
            evaluation.Run(Batch, new DrawKey(settings.Seed, (ulong)(steps + round)));
            error += evaluation["error"][0];
            size += evaluation["size"][0];
        }

        settings.Remark($"{name}: relative error of the heads {Math.Sqrt(error / size):f4}");
        return Math.Sqrt(error / size);
    }
}
