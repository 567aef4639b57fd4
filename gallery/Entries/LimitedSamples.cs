using Monge.Engine.Arrays;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Paths;
using Monge.References;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>Entry 29: Analysis of learning a flow-based generative model from limited sample complexity (arXiv:2310.03575).</summary>
internal static class LimitedSamples
{
    private const double Decay = 0.1;
    private const int Generated = 100;
    private const int Steps = 100;
    private static readonly StreamName s_dataStream = StreamName.Numbered("limited samples: data", 725);
    private static readonly StreamName s_baseStream = StreamName.Numbered("limited samples: base", 726);
    private static readonly StreamName s_generationStream = StreamName.Numbered("limited samples: generation", 727);
    private const string Closed = "closed form";

    private static readonly (double Deviation, int Samples, double Decay, double Mean, double Base, double Data, double Variance, double Error)[] s_verified =
        [(1.5, 8, .1, .987654, -.185764, .123457, 2.264085, .550567)];

    private static readonly (double Deviation, int Samples)[] s_simulated = [(0.5, 16), (0.5, 64), (0.5, 256), (1.5, 16), (1.5, 64), (1.5, 256)];

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "29",
        "Flows from limited samples",
        "H. Cui, F. Krzakala, E. Vanden-Eijnden, L. Zdeborova: Analysis of Learning a Flow-based Generative Model from Limited Sample Complexity, "
        + "arXiv:2310.03575",
        [
            new Experiment(
                "theory",
                "The overlaps' equations under two schedules beside the closed form; the error of the mean beside the best estimator's.",
                Quick: true,
                [
                    FigureReference.AtMost("largest error of an integrated overlap", 1e-6, Closed),
                    FigureReference.AtMost("largest difference between the schedules", 1e-6, "the end doesn't depend on the schedule"),
                    FigureReference.AtMost("largest error of the closed form at sigma = 1.5, n = 8", 1e-6, "verified for this reproduction"),
                    FigureReference.Within("error of the mean, sigma = 0.5, n = 16", .0313104, 1e-7, "verified for this reproduction"),
                    FigureReference.Within("error of the mean, sigma = 0.3, n = 4, decay 1", .1088, 1e-5, "verified for this reproduction"),
                    FigureReference.Within("error x n / sigma^2 without decay, n = 256", 2, 0.01, "2 sigma^2 / n"),
                ],
                Experiment.InBackground((settings, _) => Theory(settings))),
            new Experiment(
                "simulation",
                "20,000 dimensions, the denoiser fitted exactly at each of 100 times, 100 samples generated: the error of their mean, its rate, their "
                + "spread, and fresh base samples at each time.",
                Quick: false,
                [
                    .. s_simulated.Select(c => FigureReference.Within(
                        $"error of the mean over theory, sigma = {c.Deviation}, n = {c.Samples}", 1, 0.06, Closed, stretchTolerance: 0.03)),
                    FigureReference.Within("slope of the log error over n = 16 to 256, sigma = 0.5", -1, 0.05, "rate 1 / n"),
                    FigureReference.Within("slope of the log error over n = 16 to 256, sigma = 1.5", -1, 0.05, "rate 1 / n"),
                    FigureReference.AtMost("largest relative error of the orthogonal variance", 0.02, "A / B"),
                    FigureReference.Within(
                        "error x n / sigma^2 with fresh base samples at each time, sigma = 0.5, n = 64", 1, 0.1, "sigma^2 / n: the base's own term is gone"),
                ],
                Experiment.InBackground((settings, cancellation) => Simulation(20_000, settings, cancellation))),
            new Experiment(
                "simulation-50000",
                "The simulation in 50,000 dimensions.",
                Quick: false,
                [
                    .. s_simulated.Select(c => FigureReference.Within(
                        $"error of the mean over theory, sigma = {c.Deviation}, n = {c.Samples}", 1, 0.06, Closed, stretchTolerance: 0.03)),
                ],
                Experiment.InBackground((settings, cancellation) => [.. Simulation(50_000, settings, cancellation).Take(s_simulated.Length)])),
            new Experiment(
                "trained",
                "The denoiser trained by Adam in 50,000 dimensions at ten times instead of fitted exactly.",
                Quick: false,
                [
                    FigureReference.AtMost("largest relative error of a trained skip strength", 0.03, Closed),
                    FigureReference.AtMost("largest relative error of a trained overlap with the mean", 0.03, Closed),
                ],
                Experiment.InBackground(Trained)),
        ]);

    private static double[] Theory(ExperimentSettings settings)
    {
        const int TheorySteps = 20_000;
        var (error, between) = (0.0, 0.0);
        foreach (var (deviation, n, decay) in ((double, int, double)[])[(1.5, 8, .1), (.5, 16, .1), (.3, 4, 1)])
        {
            var theory = new LimitedSampleTheory(n, deviation, decay);
            var exact = theory.ClosedForm();
            var linear = theory.Integrate(InterpolantSchedules.Linear, TheorySteps);
            var trigonometric = theory.Integrate(InterpolantSchedules.Trigonometric, TheorySteps);
            error = Math.Max(error, Math.Max(Difference(linear, exact), Difference(trigonometric, exact)));
            between = Math.Max(between, Difference(linear, trigonometric));
        }

        var (sigma, samples, lambda, mean, start, data, variance, meanError) = s_verified[0];
        var verified = new LimitedSampleTheory(samples, sigma, lambda);
        var closed = Math.Max(
            Difference(verified.ClosedForm(), new LimitedSampleOverlaps(mean, start, data, variance)), Math.Abs(verified.MeanError - meanError));
        foreach (var (deviation, n) in s_simulated)
        {
            // The best weight decay, over a fine grid.
            var best = Enumerable.Range(0, 4000).Select(k => Math.Pow(10, -6 + (k / 400.0))).MinBy(l => new LimitedSampleTheory(n, deviation, l).MeanError);
            var at = new LimitedSampleTheory(n, deviation, best);
            settings.Remark(
                $"sigma = {deviation}, n = {n}: error x n / sigma^2 is {new LimitedSampleTheory(n, deviation, 1e-9).MeanError / at.EmpiricalError:f4} without "
                + $"decay, {at.MeanError / at.EmpiricalError:f4} at the best decay {best:g3}; 1 for the mean of the samples, "
                + $"{at.BayesError / at.EmpiricalError:f4} at best");
        }

        var large = new LimitedSampleTheory(256, 0.5, 1e-9);
        return [error, between, closed, new LimitedSampleTheory(16, .5, .1).MeanError, new LimitedSampleTheory(4, .3, 1).MeanError,
            large.MeanError / large.EmpiricalError];
    }

    private static double Difference(LimitedSampleOverlaps a, LimitedSampleOverlaps b) =>
        new[] { a.Mean - b.Mean, a.Base - b.Base, a.Data - b.Data, a.Variance - b.Variance }.Max(Math.Abs);

    private static double[] Simulation(int d, ExperimentSettings settings, CancellationToken cancellation)
    {
        var (ratios, variance) = (new List<double>(), 0.0);
        var errors = new Dictionary<(double, int), double>();
        foreach (var (deviation, n) in s_simulated)
        {
            cancellation.ThrowIfCancellationRequested();
            var theory = new LimitedSampleTheory(n, deviation, Decay);
            var (error, spread) = Simulate(d, n, deviation, freshBase: false, settings);
            var floor = spread / Generated;
            errors[(deviation, n)] = error - floor;
            ratios.Add((error - floor) / theory.MeanError);
            variance = Math.Max(variance, Math.Abs((spread / theory.ClosedForm().Variance) - 1));
            settings.Remark(
                $"d = {d}, sigma = {deviation}, n = {n}: error {error - floor:f5}, theory {theory.MeanError:f5}; orthogonal variance {spread:f4}, theory "
                + $"{theory.ClosedForm().Variance:f4}");
        }

        double Slope(double deviation) => Measurements.Slope(
            [.. s_simulated.Where(c => c.Deviation == deviation).Select(c => (Math.Log(c.Samples), Math.Log(errors[c])))]);

        var (fresh, freshSpread) = Simulate(d, 64, 0.5, freshBase: true, settings);
        return [.. ratios, Slope(0.5), Slope(1.5), variance, (fresh - (freshSpread / Generated)) * 64 / 0.25];
    }

    // The linear schedule in exponential Euler steps with the denoiser refitted at the middle of each. mu = (1, ..., 1); the clusters' signs are
    // multiplied in, so all data lie about +mu.
    private static (double Error, double Variance) Simulate(int d, int n, double deviation, bool freshBase, ExperimentSettings settings)
    {
        var (dataRandom, baseRandom, random) =
            (new RandomStream(settings.Seed, s_dataStream), new RandomStream(settings.Seed, s_baseStream), new RandomStream(settings.Seed, s_generationStream));
        var data = new SampleSums(d, n, () => 1 + (deviation * dataRandom.NextNormal()));
        var start = new SampleSums(d, n, baseRandom.NextNormal);
        var cross = SampleSums.Product(data, start);
        var x = new double[Generated][];
        for (var i = 0; i < Generated; i++)
        {
            x[i] = Measurements.Normal(random, d);
        }

        var h = 1.0 / Steps;
        for (var k = 0; k < Steps; k++)
        {
            if (freshBase && k > 0)
            {
                start = new SampleSums(d, n, baseRandom.NextNormal);
                cross = SampleSums.Product(data, start);
            }

            // b = (f - x) / (1 - t) with f = c x + w sign(w.x).
            var t = (k + 0.5) * h;
            var (skip, weights) = Fit(data, start, cross, t, n);
            var growth = (skip - 1) / (1 - t);
            var (factor, push) = (Math.Exp(growth * h), double.ExpM1(growth * h) / (skip - 1));
            foreach (var row in x)
            {
                var signed = push * Math.Sign(HostVectors.Dot(weights, row));
                for (var i = 0; i < d; i++)
                {
                    row[i] = (factor * row[i]) + (signed * weights[i]);
                }
            }
        }

        return Measure(x, data, start, n);
    }

    // Least squares over c and w of sum_a |c x_a + w - x1_a|^2 + lambda |w|^2 (signs multiplied in): w = sum_a (x1_a - c
    // x_a) / (n + lambda), then one equation for c.
    private static (double Skip, double[] Weights) Fit(SampleSums data, SampleSums start, double cross, double t, int n)
    {
        var (a, b) = (1 - t, t);
        var input = (b * b * data.Squares) + (2 * a * b * cross) + (a * a * start.Squares);
        var target = (b * data.Squares) + (a * cross);
        var weights = new double[data.Sum.Length];
        var (inputSquare, inputTarget) = (0.0, 0.0);
        for (var i = 0; i < weights.Length; i++)
        {
            var sum = (a * start.Sum[i]) + (b * data.Sum[i]);
            inputSquare += sum * sum;
            inputTarget += sum * data.Sum[i];
        }

        var skip = (target - (inputTarget / (n + Decay))) / (input - (inputSquare / (n + Decay)));
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = (data.Sum[i] - (skip * ((a * start.Sum[i]) + (b * data.Sum[i])))) / (n + Decay);
        }

        return (skip, weights);
    }

    // The error of the mean over d after aligning signs, and the variance orthogonal to mu and to the sums of data and base.
    private static (double Error, double Variance) Measure(double[][] x, SampleSums data, SampleSums start, int n)
    {
        var d = data.Sum.Length;
        var mean = new double[d];
        foreach (var row in x)
        {
            var sign = Math.Sign(row.Sum());
            for (var i = 0; i < d; i++)
            {
                mean[i] += sign * row[i] / Generated;
            }
        }

        var ones = Enumerable.Repeat(1 / Math.Sqrt(d), d).ToArray();
        var eta = Orthogonal([.. data.Sum.Select(v => (v / n) - 1)], ones);
        var xi = Orthogonal(Orthogonal([.. start.Sum], ones), eta);
        double[][] basis = [ones, eta, xi];
        var squares = x.Sum(row => HostVectors.Dot(row, row) - basis.Sum(e => Math.Pow(HostVectors.Dot(row, e), 2)));
        return (mean.Average(v => (v - 1) * (v - 1)), squares / (Generated * (d - 3.0)));
    }

    private static double[] Orthogonal(double[] vector, double[] unit)
    {
        var along = HostVectors.Dot(vector, unit);
        double[] rest = [.. vector.Select((v, i) => v - (along * unit[i]))];
        var norm = Math.Sqrt(HostVectors.Dot(rest, rest));
        return [.. rest.Select(v => v / norm)];
    }

    // The denoiser c x + w tanh(w.x / sqrt(d)) trained by Adam at ten times; its skip strength and its overlap with mu beside the theory's.
    private static double[] Trained(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int D = 50_000;
        const int N = 16;
        const double Sigma = 0.5;
        const int TrainingSteps = 1500;
        var theory = new LimitedSampleTheory(N, Sigma, Decay);
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());

        // From small weights the unit is linear at first and finds the clusters; from large ones it keeps the random signs that it
        // gives the samples, which is another minimum.
        var (skip, weights) = (initializer.Add(parameters, "skip", 0), initializer.Add(parameters, "weight", 1e-3, D));
        var (x, target) = (Expr.Input("x", D), Expr.Input("target", D));
        var output = (skip * x) + (weights * (Expr.Dot(weights, x) / Math.Sqrt(D)).Tanh());
        var loss = (0.5 * (output - target).SquaredNorm()) + (0.5 * Decay / N * weights.SquaredNorm());
        var options = new GradientStepOptions { LearningRate = new WarmCosineRate(0.04, 0.001), GradientClip = double.PositiveInfinity, AverageDecay = 0.9 };
        using var step = new GradientStep<float>(parameters, loss, N, options, settings.Execution);
        var (dataRandom, baseRandom) = (new RandomStream(settings.Seed, s_dataStream), new RandomStream(settings.Seed, s_baseStream));
        var (data, start, inputs) = (new NdArray<float>(N, D), new NdArray<float>(N, D), new NdArray<float>(N, D));
        for (var i = 0; i < data.Length; i++)
        {
            var sign = i / D % 2 == 0 ? 1 : -1;
            data[i] = (float)((sign * 1) + (Sigma * dataRandom.NextNormal()));
            start[i] = (float)baseRandom.NextNormal();
        }

        (step.Program["x"], step.Program["target"]) = (inputs, data);
        var (skipError, overlapError) = (0.0, 0.0);
        for (var k = 0; k < 10; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            var t = (k + 0.5) / 10;
            for (var i = 0; i < inputs.Length; i++)
            {
                inputs[i] = (float)((t * data[i]) + ((1 - t) * start[i]));
            }

            var state = step.Init(initializer, new RandomKey(settings.Seed, s_baseStream.Member(k)));
            for (var s = 0; s < TrainingSteps; s++)
            {
                step.Run(state, s, TrainingSteps, default);
            }

            var overlap = Math.Abs(state.Average.Span[1..].ToArray().Average(v => (double)v));
            var denominator = (t * t * theory.DataCoefficient) + ((1 - t) * (1 - t) * theory.BaseCoefficient);
            var exactSkip = t * theory.DataCoefficient / denominator;
            var exactOverlap = N / (N + Decay) * (1 - (exactSkip * t));
            settings.Remark($"t = {t:f2}: trained skip {state.Average[0]:f4}, theory {exactSkip:f4}; trained overlap {overlap:f4}, theory {exactOverlap:f4}");
            skipError = Math.Max(skipError, Math.Abs((state.Average[0] / exactSkip) - 1));
            overlapError = Math.Max(overlapError, Math.Abs((overlap / exactOverlap) - 1));
        }

        return [skipError, overlapError];
    }

    // n vectors of d draws, of which only the sum and the sum of squares are kept, and the vectors themselves for products.
    private sealed class SampleSums
    {
        private readonly float[][] _rows;

        public SampleSums(int d, int n, Func<double> draw)
        {
            _rows = new float[n][];
            Sum = new double[d];
            for (var a = 0; a < n; a++)
            {
                var row = _rows[a] = new float[d];
                for (var i = 0; i < d; i++)
                {
                    row[i] = (float)draw();
                    Sum[i] += row[i];
                    Squares += (double)row[i] * row[i];
                }
            }
        }

        public double[] Sum { get; }

        public double Squares { get; }

        public static double Product(SampleSums one, SampleSums other)
        {
            var sum = 0.0;
            for (var a = 0; a < one._rows.Length; a++)
            {
                var (left, right) = (one._rows[a], other._rows[a]);
                for (var i = 0; i < left.Length; i++)
                {
                    sum += (double)left[i] * right[i];
                }
            }

            return sum;
        }
    }
}
