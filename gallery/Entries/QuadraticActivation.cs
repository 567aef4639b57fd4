using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 44: Optimization and generalization of shallow neural networks with quadratic activation functions (arXiv:2006.15459). The paper plots and has no
/// tables; constants and exact ends are closed forms.
/// </summary>
internal static class QuadraticActivation
{
    private const double TailTime = 2000;
    private const int SeedBits = 32;

    private static readonly StreamName s_teacher = StreamName.Of("quadratic activation: teacher");
    private static readonly StreamName s_start = StreamName.Of("quadratic activation: start");
    private static readonly StreamName s_inputs = StreamName.Of("quadratic activation: inputs");

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "44",
        "Quadratic activation",
        "S. Sarao Mannelli, E. Vanden-Eijnden, L. Zdeborova: Optimization and Generalization of Shallow Neural Networks with Quadratic Activation Functions, "
        + "arXiv:2006.15459",
        [
            new Experiment(
                "rates",
                "The population flow from starts that don't commute with the teacher: t^2 E at t = 2000 for teachers of 1, 2 and 3 neurons, and the decay for "
                + "one of full rank.",
                Quick: true,
                [
                    .. Tails.Select(tail => FigureReference.Within(
                        FormattableString.Invariant($"t^2 E over (d - m*) (m* + 2) / (8 (d + 2)), d = {tail.Dimension}, m* = {tail.Neurons}"),
                        1, 0.01, "closed form")),
                    FigureReference.AtMost("loss at the end, d = 5, m* = 5", 1e-20, "exponential decay"),
                    FigureReference.Within("rate of decay over that of the linearised flow, d = 5, m* = 5", 1, 0.01, "own eigenvalues"),
                ],
                Experiment.InBackground(Rates)),
            new Experiment(
                "reduction",
                "Sixteen neurons in d = 8 beside the flow of their matrix, from 30 inputs: the same law, its dissipation, and the cone that it keeps to.",
                Quick: true,
                [
                    FigureReference.AtMost("largest difference of a matrix's element", 1e-8, "the same flow"),
                    FigureReference.AtMost("largest relative error of dE/dt = -2 tr G A G", 1e-6, "identity, by central differences"),
                    FigureReference.AtLeast("smallest eigenvalue on the way", 0, "the flow stays on the cone"),
                ],
                Experiment.InBackground(Reduction)),
            Recovery(8),
            Recovery(12),
            Recovery(16),
            Recovery(32),
            new Experiment(
                "ends",
                "d = 8, 100 trials each: with d (d + 1) / 2 inputs the teacher is the only solution, with fewer than n_c - d another one is found.",
                Quick: true,
                [
                    FigureReference.AtLeast("least singular value of d (d + 1) / 2 inputs over the largest", 1e-12, "almost surely invertible"),
                    FigureReference.AtMost("largest relative error of the teacher found from them", 1e-6, "unique solution"),
                    FigureReference.AtMost("largest residual of a second solution from n_c - d - 1 inputs", 1e-8, "feasible"),
                    FigureReference.AtLeast("least distance of it from the teacher, relative", 1e-2, "not the teacher"),
                ],
                Experiment.InBackground(Ends)),
        ]);

    private static int Transition(int d, int neurons) => (d * (neurons + 1)) - (neurons * (neurons + 1) / 2);

    private static Experiment Recovery(int d) => new(
        FormattableString.Invariant($"recovery-{d}"),
        FormattableString.Invariant(
            $"Share of 100 trials in d = {d} whose flow from d neurons ends at the teacher of 1, 2 or 3 neurons, by the number of inputs over n_c."),
        Quick: false,
        [
            FigureReference.AtLeast("least number of inputs of the 50 % point over n_c", 1, "counting of solutions"),
            FigureReference.AtMost("largest number of inputs of the 50 % point over n_c", 1.4, "bar of the project"),
            FigureReference.AtMost("largest share at 0.8 n_c", 0, "counting of solutions"),
            FigureReference.AtLeast("least share at 1.8 n_c", 0.9, "bar of the project"),
        ],
        Experiment.InBackground((settings, cancellation) => Recovered(settings, d, cancellation)));

    private static double[] Recovered(ExperimentSettings settings, int d, CancellationToken cancellation)
    {
        const int trials = 100;
        double[] ratios = [0.8, 1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8];
        var (middles, low, high) = (new List<double>(), 0.0, 1.0);
        for (var neurons = 1; neurons <= 3; neurons++)
        {
            // At most and at least so many: the ends are statements about all numbers beyond them.
            int[] inputs = [.. ratios.Select(r => r < 1 ? (int)Math.Floor(r * Transition(d, neurons)) : (int)Math.Ceiling(r * Transition(d, neurons)))];
            double[] shares =
            [
                .. inputs.Select(n =>
                {
                    var found = 0;
                    Parallel.For(0, trials, settings.Parallel(cancellation), trial =>
                        Interlocked.Add(ref found, IsRecovered(settings, d, neurons, n, trial, cancellation) ? 1 : 0));
                    return (double)found / trials;
                }),
            ];
            settings.Remark(
                $"m* = {neurons}, n_c = {Transition(d, neurons)}: {string.Join(", ", inputs.Zip(shares, (n, s) => FormattableString.Invariant($"{n}: {s}")))}");
            middles.Add(Middle(inputs, shares) / Transition(d, neurons));
            (low, high) = (Math.Max(low, shares[0]), Math.Min(high, shares[^1]));
        }

        return [middles.Min(), middles.Max(), low, high];
    }

    // Where the share first passes one half, on a line between two numbers of inputs.
    private static double Middle(int[] inputs, double[] shares)
    {
        var at = Array.FindIndex(shares, share => share >= 0.5);
        return at switch
        {
            < 0 => double.PositiveInfinity,
            0 => inputs[0],
            _ => inputs[at - 1] + ((inputs[at] - inputs[at - 1]) * (0.5 - shares[at - 1]) / (shares[at] - shares[at - 1])),
        };
    }

    private static bool IsRecovered(ExperimentSettings settings, int d, int neurons, int count, int trial, CancellationToken cancellation)
    {
        // In d = 8 that of 40,000 steps of descent as long as the start allows. Near n_c the flow is slow, the slower the more dimensions: with those steps in
        // d = 16, a time of 160, half of the trials are recovered at 1.44 n_c only, with five times it at 1.25; in d = 8 five times is enough to recover a few
        // trials from .8 n_c inputs (seed 11).
        var until = 40_000 * 0.02 * d / 24;
        var number = (((((d * 4) + neurons) * 1000) + count) * 1000) + trial;
        var (problem, start) = Trial(settings, d, neurons, count, number);
        var norm = problem.Teacher.Sum(v => v * v);
        var (weights, _) = problem.Settle(start, until, 1e-14 * norm, cancellation: cancellation);
        return new QuadraticNetwork([.. problem.Teacher]).Loss(QuadraticNetwork.OfNeurons(weights, d)) < 1e-3 * norm;
    }

    private static (QuadraticNetwork Problem, double[] Start) Trial(ExperimentSettings settings, int d, int neurons, int count, int number)
    {
        var (inputs, start) = (settings.Stream(s_inputs, number, SeedBits), settings.Stream(s_start, number, SeedBits));
        double[] points = [.. Enumerable.Range(0, count * d).Select(_ => inputs.NextNormal())];
        var problem = new QuadraticNetwork(QuadraticNetwork.RandomMatrix(d, neurons, settings.Stream(s_teacher, number, SeedBits)), points);
        return (problem, [.. Enumerable.Range(0, d * d).Select(_ => start.NextNormal())]);
    }

    private static double[] Ends(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int d = 8, trials = 100, size = d * (d + 1) / 2;
        var (condition, error, residual, distance) = (double.PositiveInfinity, 0.0, 0.0, double.PositiveInfinity);
        for (var trial = 0; trial < trials; trial++)
        {
            var neurons = 1 + (trial % 3);
            var random = settings.Stream(s_inputs, 1_000_000 + trial, SeedBits);
            double[] inputs = [.. Enumerable.Range(0, size * d).Select(_ => random.NextNormal())];
            var teacher = QuadraticNetwork.RandomMatrix(d, neurons, settings.Stream(s_teacher, trial, SeedBits));
            var (values, found) = Solved(inputs, teacher, d);
            condition = Math.Min(condition, Math.Sqrt(Math.Max(0, values.Min()) / values.Max()));
            error = Math.Max(error, Relative(found, teacher));

            var (problem, start) = Trial(settings, d, neurons, Transition(d, neurons) - d - 1, trial);
            var (weights, _) = problem.Settle(start, 1e4, 1e-18, cancellation: cancellation);
            var second = QuadraticNetwork.OfNeurons(problem.Interpolate(weights), d);
            residual = Math.Max(residual, Math.Sqrt(4 * problem.Loss(second)));
            distance = Math.Min(distance, Relative(second, [.. problem.Teacher]));
        }

        return [condition, error, residual, distance];
    }

    // The linear system of the inputs for the symmetric matrix: its squared singular values and its solution.
    private static (double[] Squares, double[] Matrix) Solved(double[] inputs, double[] teacher, int d)
    {
        var size = d * (d + 1) / 2;
        var (system, right, place) = (new double[size * size], new double[size], new int[d * d]);
        for (var k = 0; k < size; k++)
        {
            var at = 0;
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j <= i; j++, at++)
                {
                    place[(i * d) + j] = place[(j * d) + i] = at;
                    system[(k * size) + at] = (i == j ? 1 : 2) * inputs[(k * d) + i] * inputs[(k * d) + j];
                    right[k] += system[(k * size) + at] * teacher[(i * d) + j];
                }
            }
        }

        var gram = HostMatrices.Product(HostMatrices.Transposed(system, size, size), system, size, size, size);
        var solution = QrLeastSquares.Solve(system, size, size, right).Solution;
        return (SymmetricEigen.Decompose(gram, size).Values, [.. place.Select(at => solution[at])]);
    }

    private static double Relative(double[] matrix, double[] teacher) =>
        Math.Sqrt(matrix.Zip(teacher, (a, b) => (a - b) * (a - b)).Sum() / teacher.Sum(v => v * v));

    private static (int Dimension, int Neurons)[] Tails => [(10, 1), (8, 2), (10, 3)];

    private static double[] Rates(ExperimentSettings settings, CancellationToken cancellation)
    {
        double[] tails =
        [
            .. Tails.Select((tail, k) =>
            {
                cancellation.ThrowIfCancellationRequested();
                var (d, m) = tail;
                var problem = new QuadraticNetwork(QuadraticNetwork.RandomMatrix(d, m, settings.Stream(s_teacher, k, SeedBits)));
                var end = problem.Follow(QuadraticNetwork.RandomMatrix(d, 2 * d, settings.Stream(s_start, k, SeedBits)), [TailTime])[0];
                return TailTime * TailTime * problem.Loss(end) / QuadraticNetwork.TailConstant(d, m);
            }),
        ];
        var (loss, rate) = FullRank(settings);
        return [.. tails, loss, rate];
    }

    // The last decades of the loss fall by twice the slowest rate of the linearised flow dD/dt = -A* G(D) - G(D) A*.
    private static (double Loss, double Rate) FullRank(ExperimentSettings settings)
    {
        const int d = 5;
        const double begin = 1e-12, end = 1e-20;
        var problem = new QuadraticNetwork(QuadraticNetwork.RandomMatrix(d, d, settings.Stream(s_teacher, d, SeedBits)));
        var slowest = SlowestRate([.. problem.Teacher], d);
        double[] times = [.. Enumerable.Range(1, 400).Select(k => 0.2 * k / slowest)];
        var path = problem.Follow(QuadraticNetwork.RandomMatrix(d, 2 * d, settings.Stream(s_start, d, SeedBits)), times, 1e-12);
        var losses = path.Select(at => problem.Loss(at)).ToArray();
        var (first, last) = (Array.FindIndex(losses, v => v < begin), Array.FindIndex(losses, v => v < end));
        if (last < 0)
        {
            return (losses[^1], double.NaN);
        }

        settings.Remark($"slowest rate {slowest:g4}; the loss is below {end} at t = {times[last]:f1}");
        return (losses[last], Math.Log(losses[first] / losses[last]) / (times[last] - times[first]) / (2 * slowest));
    }

    // With H D = D + tr(D) I / 2 and S G = A* G + G A*, both definite, S H has the eigenvalues of H^(1/2) S H^(1/2).
    private static double SlowestRate(double[] teacher, int d)
    {
        double[][] basis = [.. from i in Enumerable.Range(0, d) from j in Enumerable.Range(0, i + 1) select Unit(i, j)];
        var n = basis.Length;
        var matrix = new double[n * n];
        for (var a = 0; a < n; a++)
        {
            var right = Root(basis[a]);
            var product = HostMatrices.Product(teacher, right, d, d, d);
            var other = HostMatrices.Product(right, teacher, d, d, d);
            var image = Root([.. product.Zip(other, (x, y) => x + y)]);
            for (var b = 0; b < n; b++)
            {
                matrix[(a * n) + b] = basis[b].Zip(image, (x, y) => x * y).Sum();
            }
        }

        return SymmetricEigen.Decompose(matrix, n).Values.Min();

        double[] Unit(int i, int j)
        {
            var unit = new double[d * d];
            unit[(i * d) + j] = unit[(j * d) + i] = i == j ? 1 : Math.Sqrt(0.5);
            return unit;
        }

        double[] Root(double[] at)
        {
            var trace = Enumerable.Range(0, d).Sum(i => at[i * (d + 1)]);
            return [.. at.Select((v, k) => k % (d + 1) == 0 ? v + ((Math.Sqrt(1 + (d / 2.0)) - 1) * trace / d) : v)];
        }
    }

    private static double[] Reduction(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int d = 8, m = 16, n = 30;
        const double step = 1e-4;
        var random = settings.Stream(s_inputs, 0, SeedBits);
        double[] inputs = [.. Enumerable.Range(0, n * d).Select(_ => random.NextNormal())];
        var problem = new QuadraticNetwork(QuadraticNetwork.RandomMatrix(d, 2, settings.Stream(s_teacher, 0, SeedBits)), inputs);
        var start = settings.Stream(s_start, 0, SeedBits);
        double[] weights = [.. Enumerable.Range(0, m * d).Select(_ => start.NextNormal())];
        double[] times = [.. Enumerable.Range(1, 40).SelectMany(k => new[] { (0.25 * k) - step, 0.25 * k, (0.25 * k) + step })];
        var matrices = problem.Follow(QuadraticNetwork.OfNeurons(weights, d), times, 1e-12);
        var neurons = problem.FollowNeurons(weights, times, 1e-12);
        var (difference, rate, least) = (0.0, 0.0, double.PositiveInfinity);
        for (var k = 0; k < times.Length; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            difference = Math.Max(difference, QuadraticNetwork.OfNeurons(neurons[k], d).Zip(matrices[k], (a, b) => Math.Abs(a - b)).Max());
            least = Math.Min(least, SymmetricEigen.Decompose(matrices[k], d).Values.Min());
            if (k % 3 == 1)
            {
                var measured = (problem.Loss(matrices[k + 1]) - problem.Loss(matrices[k - 1])) / (2 * step);
                rate = Math.Max(rate, Math.Abs((measured / problem.LossRate(matrices[k])) - 1));
            }
        }

        return [difference, rate, least];
    }
}
