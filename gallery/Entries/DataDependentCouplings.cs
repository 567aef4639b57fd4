using Monge.Diagnostics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.OptimalTransport;
using Monge.Paths;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>Entry 27: Stochastic Interpolants with Data-Dependent Couplings (arXiv:2310.03725).</summary>
internal static class DataDependentCouplings
{
    private static readonly StreamName s_dataStream = StreamName.Numbered("data dependent couplings: data", 770);
    private static readonly StreamName s_baseStream = StreamName.Numbered("data dependent couplings: base", 771);
    private static readonly StreamName s_timeStream = StreamName.Numbered("data dependent couplings: time", 772);
    private static readonly StreamName s_labelStream = StreamName.Numbered("data dependent couplings: label", 773);
    private const string Closed = "closed form";

    // A Gaussian in four dimensions with eigenvalues 2, 1, 0.5 and 0.2 in turned axes, and the noise of its corruption.
    private const int Dimension = 4;
    private const double Sigma = 0.7;
    private const double Spread = 0.4;
    private static readonly double[] s_eigenvalues = [2, 1, 0.5, 0.2];
    private static readonly double[] s_mean = [1, -1, 0.5, 0];

    // Half a Hadamard matrix: rows are orthonormal axes.
    private static readonly double[] s_axes = [0.5, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, -0.5, 0.5, 0.5, -0.5, -0.5, 0.5, -0.5, -0.5, 0.5];

    private static readonly double[][] s_start = [[-4, -4], [-4, 0], [-4, 4]];
    private static readonly double[][] s_end = [[4, -4], [4, 0], [4, 4]];

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "27",
        "Data-dependent couplings",
        "M. S. Albergo, M. Goldstein, N. M. Boffi, R. Ranganath, E. Vanden-Eijnden: Stochastic Interpolants with Data-Dependent Couplings, arXiv:2310.03725",
        [
            new Experiment(
                "gaussian-exact",
                "A Gaussian and its noisy copy in four dimensions: the exact velocity's flow is the optimal map.",
                Quick: true,
                [
                    FigureReference.AtMost("largest error of the flow map", 1e-8, Closed),
                    FigureReference.AtMost(
                        "relative difference of the map to the Bures-Wasserstein map", 1e-10, "closed form of optimal transport between Gaussians"),
                    FigureReference.AtMost("map cost over the bound d sigma^2", 1, "strictly below the bound"),
                ],
                Experiment.InBackground((settings, _) => GaussianExact(settings))),
            new Experiment(
                "gaussian-learned",
                "The same, learned by a 2 x 64 perceptron under the coupling, and under independent pairs of the same laws.",
                Quick: false,
                [
                    FigureReference.AtMost("relative RMS error of the map", 0.03, Closed, stretchBound: 0.01),
                    FigureReference.Within("map cost over W2^2", 1, 0.05, Closed, stretchTolerance: 0.01),
                    FigureReference.AtLeast("path energy of independent pairs over that of the coupling", 1, "closed form says more; it is in the notes")
                        .OverSeeds(),
                    FigureReference.AtMost("map cost over its bound, the larger of the two couplings", 1, "arXiv:2310.03725, the transport cost bound"),
                ],
                Experiment.InBackground(GaussianLearned)),
            new Experiment(
                "mixture-labels",
                "Three Gaussians to three in the plane, paired mode by mode, and independently, at equal training.",
                Quick: false,
                [
                    FigureReference.AtLeast("curvature of independent paths over that of paired ones", 3, "bar of the project").OverSeeds(),
                    FigureReference.AtMost("energy distance to the target over its floor", 2, "bar of the project; two exact sets of 2000")
                        .OverSeeds(),
                ],
                Experiment.InBackground(Mixture)),
            .. FieldRestoration.Experiments,
        ]);

    private static double[] Covariance(double added) => InAxes(c => c + added);

    // The matrix of the same axes with a function of the eigenvalues.
    private static double[] InAxes(Func<double, double> scale)
    {
        var result = new double[Dimension * Dimension];
        for (var k = 0; k < Dimension; k++)
        {
            for (var i = 0; i < Dimension * Dimension; i++)
            {
                result[i] += scale(s_eigenvalues[k]) * s_axes[(k * Dimension) + (i / Dimension)] * s_axes[(k * Dimension) + (i % Dimension)];
            }
        }

        return result;
    }

    // A matrix function of the covariance applied to x - m, and m added back.
    private static Expr InAxes(Expr centred, Func<double, Expr> scale)
    {
        var (axes, back) = (Expr.Constant(s_axes, Dimension, Dimension), Expr.Constant(s_axes, Dimension, Dimension).Transpose());
        return Expr.MatrixProduct(back, Expr.Vector([.. s_eigenvalues.Select(scale)]) * Expr.MatrixProduct(axes, centred));
    }

    private static Expr GaussianDraw(Expr noise) => Expr.Constant(s_mean, Dimension) + InAxes(noise, c => Math.Sqrt(c));

    private static Expr ExactMap(Expr x) =>
        Expr.Constant(s_mean, Dimension) + InAxes(x - Expr.Constant(s_mean, Dimension), c => Math.Sqrt(c / (c + (Sigma * Sigma))));

    private static Expr ExactVelocity(Expr x, Expr t) => InAxes(
        x - Expr.Constant(s_mean, Dimension), c => -(1 - t) * (Sigma * Sigma) / (c + ((1 - t).Square() * (Sigma * Sigma))));

    // W2^2 between the law and its noisy copy, which is the cost of the map.
    private static double MapCost => s_eigenvalues.Sum(c => Math.Pow(Math.Sqrt(c + (Sigma * Sigma)) - Math.Sqrt(c), 2));

    private static NdArray<double> NoisyCopies(int count, ulong seed)
    {
        var x0 = GaussianDraw(Expr.Random(RandomLaw.Normal, s_dataStream, Dimension)) + (Sigma * Expr.Random(RandomLaw.Normal, s_baseStream, Dimension));
        using var draw = new CompiledProgram<double>(
            new TracedProgram(null, ("x", x0)), new ExecutionOptions { Threads = 1 })
        { ["x"] = new NdArray<double>(count, Dimension) };
        draw.Run(count, new DrawKey(seed, 1UL << 39));
        return draw["x"];
    }

    private static double[] GaussianExact(ExperimentSettings settings)
    {
        var start = NoisyCopies(2000, settings.Seed);
        using var paths = new FieldPaths<double>(null, null, Dimension, ExactVelocity, 1);
        var end = paths.Run(start, 200);
        var exact = FieldEvaluation.At(Dimension, (x, _) => ExactMap(x), [.. start.Span], 0);
        var worst = exact.Zip(end.Span.ToArray(), (a, b) => Math.Abs(a - b)).Max();
        var (noisy, clean) = (Covariance(Sigma * Sigma), Covariance(0));
        var matrix = GaussianTransport.Map(noisy, clean, Dimension);
        var own = InAxes(c => Math.Sqrt(c / (c + (Sigma * Sigma))));
        var difference = Math.Sqrt(matrix.Zip(own, (a, b) => (a - b) * (a - b)).Sum() / own.Sum(v => v * v));
        settings.Remark(
            $"W2^2 {MapCost:F6}; by the Bures-Wasserstein formula {GaussianTransport.SquaredDistance(s_mean, noisy, s_mean, clean):F6}; bound "
            + $"{Dimension * Sigma * Sigma:F4}");
        return [worst, difference, MapCost / (Dimension * Sigma * Sigma)];
    }

    private static double[] GaussianLearned(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int particles = 20_000;
        const int steps = 100;
        var start = NoisyCopies(particles, settings.Seed);
        var exact = FieldEvaluation.At(Dimension, (x, _) => ExactMap(x), [.. start.Span], 0);
        var (errors, costs, energies) = (new double[2], new double[2], new double[2]);
        for (var independent = 0; independent < 2; independent++)
        {
            var data = GaussianDraw(Expr.Random(RandomLaw.Normal, s_dataStream, Dimension));
            var corrupted = independent == 0 ? data : GaussianDraw(Expr.Random(RandomLaw.Normal, s_labelStream, Dimension));
            var model = Velocity(
                Dimension, 64, 2, Corruption.WithNoise(corrupted, Expr.Random(RandomLaw.Normal, s_baseStream, Dimension), Sigma), data,
                new LossMinimiserOptions { Iterations = 8000, BatchSize = 512 },
                settings, cancellation);
            using var paths = new FieldPaths<double>(model.Set, model.Parameters, Dimension, model.Field.Apply, settings.Threads);
            var end = paths.Run(start, steps);
            energies[independent] = paths.Energy(start, steps);
            var (error, size) = (0.0, 0.0);
            for (var i = 0; i < end.Length; i++)
            {
                var (off, from, move) = (end[i] - exact[i], exact[i] - s_mean[i % Dimension], end[i] - start[i]);
                (error, size, costs[independent]) = (error + (off * off), size + (from * from), costs[independent] + (move * move / particles));
            }

            errors[independent] = Math.Sqrt(error / size);
        }

        double[] bounds = [Dimension * Sigma * Sigma, (2 * s_eigenvalues.Sum()) + (Dimension * Sigma * Sigma)];
        settings.Remark(
            $"paired / independent: relative error {errors[0]:F4} / {errors[1]:F4}, map cost {costs[0]:F5} / {costs[1]:F5} (W2^2 {MapCost:F5}: the covariances "
            + $"commute, so both flows end in the optimal map and only their paths differ), path energy {energies[0]:F5} / {energies[1]:F5} (exact "
            + $"{ExactEnergy(false):F5} / {ExactEnergy(true):F5}), bound {bounds[0]:F3} / {bounds[1]:F3}");
        return [errors[0], costs[0] / MapCost, energies[1] / energies[0], Math.Max(costs[0] / bounds[0], costs[1] / bounds[1])];
    }

    // int (d sqrt(Sigma)/dt)^2 dt for each eigenvalue, by the midpoint rule.
    private static double ExactEnergy(bool independent)
    {
        const int points = 20_000;
        var sum = 0.0;
        foreach (var c in s_eigenvalues)
        {
            double Root(double t) => Math.Sqrt(
                independent ? ((1 - t) * (1 - t) * (c + (Sigma * Sigma))) + (t * t * c) : c + ((1 - t) * (1 - t) * Sigma * Sigma));
            for (var k = 0; k < points; k++)
            {
                var slope = (Root((k + 1.0) / points) - Root((double)k / points)) * points;
                sum += slope * slope / points;
            }
        }

        return sum;
    }

    private static double[] Mixture(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int particles = 2000;
        const int steps = 100;
        var (curvatures, exactCurvatures, distances) = (new double[2], new double[2], new DistanceWithFloor[2]);
        var start = Particles(particles, settings.Seed);
        for (var independent = 0; independent < 2; independent++)
        {
            var label = (3 * Expr.Random(RandomLaw.Uniform, s_labelStream)).Floor();
            var other = independent == 0 ? label : (3 * Expr.Random(RandomLaw.Uniform, s_labelStream.Member(1))).Floor();
            var model = Velocity(
                2, 64, 3, Draw(s_start, label, s_baseStream), Draw(s_end, other, s_dataStream),
                new LossMinimiserOptions { Iterations = 6000, BatchSize = 512 }, settings, cancellation);
            using var paths = new FieldPaths<double>(model.Set, model.Parameters, 2, model.Field.Apply, settings.Threads);
            (_, curvatures[independent]) = paths.Bend(start, steps);
            using var exact = new FieldPaths<double>(null, null, 2, (x, t) => ExactMixture(x, t, independent == 1), settings.Threads);
            (_, exactCurvatures[independent]) = exact.Bend(start, steps);
            distances[independent] = DistanceWithFloor.Compute(
                (count, seed) => [.. paths.Run(Particles(count, settings.Seed + 1000 + (ulong)seed), steps).Span], particles, 2,
                (count, seed) => Target(count, settings.Seed + 2000 + (ulong)seed),
                (x, y) => EnergyDistance.Compute(x, y, 2, unbiased: false, threads: settings.Threads), "energy distance");
        }

        settings.Remark(
            $"curvature paired / independent: learned {curvatures[0]:F4} / {curvatures[1]:F4}, exact fields {exactCurvatures[0]:F4} / "
            + $"{exactCurvatures[1]:F4}");
        settings.Note($"paired: {distances[0]}");
        settings.Note($"independent: {distances[1]}");
        return [curvatures[1] / curvatures[0], distances[0].Ratio];
    }

    // The mean of a mode by its label, and noise.
    private static Expr Draw(double[][] modes, Expr label, int stream)
    {
        Expr mean = Expr.Constant([0, 0], 2);
        for (var k = 0; k < modes.Length; k++)
        {
            mean += label.EqualTo(k) * Expr.Constant(modes[k], 2);
        }

        return mean + (Spread * Expr.Random(RandomLaw.Normal, stream, 2));
    }

    private static NdArray<double> Particles(int count, ulong seed) =>
        NdArray<double>.From(GaussianMixtureLaw.Isotropic([1.0 / 3, 1.0 / 3, 1.0 / 3], s_start, [Spread * Spread, Spread * Spread, Spread * Spread]).Sample(
            count, new RandomStream(seed, s_labelStream)), count, 2);

    private static double[] Target(int count, ulong seed) =>
        GaussianMixtureLaw.Isotropic([1.0 / 3, 1.0 / 3, 1.0 / 3], s_end, [Spread * Spread, Spread * Spread, Spread * Spread]).Sample(
            count, new RandomStream(seed, s_dataStream));

    // Each pair of modes is a Gaussian in a straight move, x_t ~ N((1 - t) m + t n, ((1 - t)^2 + t^2) s^2); the velocity is their mean by responsibility.
    private static Expr ExactMixture(Expr x, Expr t, bool independent)
    {
        var pairs = from i in Enumerable.Range(0, 3) from j in Enumerable.Range(0, 3) where independent || i == j select (s_start[i], s_end[j]);
        var shrink = (1 - t).Square() + t.Square();
        var (logits, fields) = (new List<Expr>(), new List<Expr>());
        foreach (var (m, n) in pairs)
        {
            var (from, to) = (Expr.Constant(m, 2), Expr.Constant(n, 2));
            var centred = x - ((1 - t) * from) - (t * to);
            logits.Add(-0.5 * centred.SquaredNorm() / (shrink * (Spread * Spread)));
            fields.Add(to - from + (((2 * t) - 1) / shrink * centred));
        }

        return Expr.MatrixProduct(Expr.Vector([.. logits]).Softmax(), Expr.Stack(0, [.. fields]));
    }

    /// <summary>A velocity learned on the linear interpolant between traced draws.</summary>
    private static (ParameterSet Set, NdArray<double> Parameters, DriftNetwork Field) Velocity(
        int dimension, int width, int depth, Expr x0, Expr x1, LossMinimiserOptions options, ExperimentSettings settings, CancellationToken cancellation)
    {
        var (set, initializer) = (new ParameterSet(), new ParameterInitializer());
        var field = new DriftNetwork(set, initializer, dimension, width, depth);
        var (t, interpolant, none) = (Expr.Random(RandomLaw.Uniform, s_timeStream), new Interpolant(InterpolantSchedules.Linear), Expr.Constant(0));
        var loss = (field.Apply(interpolant.At(t, x0, x1, none), t) - interpolant.Rate(t, x0, x1, none)).SquaredNorm();
        using var minimiser = new LossMinimiser<float>(set, initializer, loss, options, settings.Seed, settings.Execution);
        minimiser.Run(cancellation: cancellation);
        return (set, NdArray<double>.From(Numbers.Doubles(minimiser.State.Average.Span), set.Count), field);
    }
}
