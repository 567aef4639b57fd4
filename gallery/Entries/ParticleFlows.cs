using Monge.Engine.Pairwise;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>Entry 37, items 1 to 3: particles in traps by one-body and pair potentials, and the active swimmer.</summary>
internal static class ParticleFlows
{
    private const int Samples = 512;
    private const int Paths = 20_000;
    private const double PathStep = 1e-3;

    /// <summary>The paper's scores, a one-body and a pair potential and nothing else, by its loss.</summary>
    private static readonly SbtmOptions s_pairs = new()
    {
        Until = 3,
        GaussianPart = false,
        DriftPart = false,
        MomentPart = false,
        Loss = SbtmLoss.Hutchinson,
        Step = 0.01,
        Particles = 2048,
        HeldOut = 0,
        BatchSize = 128,
        Iterations = 20,
        Width = 32,
        Depth = 2,
    };

    private static readonly StreamName s_kernel = StreamName.Of("particle flows: kernel densities");

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "harmonic-trap",
            "Ten particles in a harmonic trap that goes round, to t = 3, by one-body and pair potentials alone; beside it the drift alone, scores learned on "
            + "the diffusion's own particles, and those of kernel densities.",
            Quick: false,
            [
                FigureReference.AtMost("largest relative Fisher error after t = 0.2", 0.05, "closed form", stretchBound: 0.01),
                FigureReference.AtMost("largest relative error of the covariance's trace", 0.05, "closed form"),
                FigureReference.AtMost("largest error of the entropy's rate over its peak", 0.05, "closed form"),
                FigureReference.AtMost("largest divergence less 3 standard errors over its bound", 1, "proposition 1, with 1/4"),
            ],
            Experiment.InBackground(HarmonicTrap)),
        new Experiment(
            "soft-spheres",
            "Five soft spheres in an anharmonic trap that goes round, to t = 2, beside 20,000 paths by Euler-Maruyama.",
            Quick: false,
            [
                FigureReference.AtMost("largest relative error of the covariance's trace", 0.03, "own paths"),
                FigureReference.AtMost("largest error of Stein's identities, E s = 0 over root E |s|^2 and E s (x - m) = -d", 0.05, "any law's own score"),
                FigureReference.AtMost("largest difference of the two rates of the entropy over their root mean square", 0.05, "equal for the true score"),
            ],
            Experiment.InBackground(SoftSpheres)),
        new Experiment(
            "swimmer",
            "An active swimmer to t = 30: noise in its velocity alone.",
            Quick: false,
            [
                FigureReference.Within("E x^2 over 0.7259, mean over t in [20, 30]", 1, 0.04, "40,000 paths of the spec book's own simulation"),
                FigureReference.Within("E v^2, mean over t in [20, 30]", 1, 0.03, "closed form"),
                FigureReference.Within("E s_v^2 over 1 + 30 E x^2 = 22.8, mean over t in [20, 30]", 1, 0.1, "closed form", stretchTolerance: 0.04),
                FigureReference.Within("E div v over the size of its terms, mean over t in [20, 30]", 0, 0.1 / 2.3, "a steady law's is 0"),
                FigureReference.AtMost("int |rho - finite volumes| at t = 30", 0.1, "own finite volumes"),
                FigureReference.AtMost("int |current - finite volumes| over int |current| at t = 30", 0.1, "own finite volumes"),
            ],
            Experiment.InBackground(Swimmer)),
    ];

    /// <summary>The mean of a product of two fields at samples, E a . b.</summary>
    internal static double Overlap(double[] a, double[] b, int n) => a.Zip(b, (x, y) => x * y).Sum() / n;

    /// <summary>E |a - b|^2 over E |b|^2.</summary>
    internal static double RelativeError(double[] a, double[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum() / b.Sum(y => y * y);

    private static double[] HarmonicTrap(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int particles = 10;
        var problem = EvolutionLibrary.Get($"harmonic-trap-{particles}");
        var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
        var mine = Follow(s_pairs);
        var onDiffusion = Follow(s_pairs with { LearnOn = SbtmSamples.Diffusion });
        settings.Remark(
            $"learned on the diffusion's particles: Fisher error {onDiffusion.Fisher:g3}, trace {onDiffusion.Trace:g3}, rate {onDiffusion.Rate:g3}");
        var whole = Follow(s_pairs with { GaussianPart = true });
        settings.Remark($"with the Gaussian part, under which the law is exact: Fisher error {whole.Fisher:g3}, trace {whole.Trace:g3}, rate {whole.Rate:g3}");
        var (kernelFisher, kernelTrace) = ByKernels(problem, s_pairs.Until!.Value, settings);
        settings.Remark($"by a kernel density's scores: Fisher error {kernelFisher:g3}, trace {kernelTrace:g3} at the end");
        var alone = ExactTrace(problem, 0) * Math.Exp(-s_pairs.Until.Value) / ExactTrace(problem, s_pairs.Until.Value);
        settings.Remark($"the drift alone: at the end at most {alone:f3} of the exact law's trace");
        return [mine.Fisher, mine.Trace, mine.Rate, mine.Bound];

        (double Fisher, double Trace, double Rate, double Bound) Follow(SbtmOptions options)
        {
            var result = EvolutionResult.Of(new SbtmFlow(problem, options).Follow(run), SbtmFlow.Name, Samples, 31, run);
            var (fisher, trace, rate, peak) = (0.0, 0.0, 0.0, 0.0);
            foreach (var at in result.Stored)
            {
                var law = problem.Facts.Law!(at.Time);
                var right = PointFunction.At(x => Derivative.Gradient(law.LogDensity!(x), x), at.Positions, problem.Dimension, settings.Execution);
                fisher = at.Time > 0.2 ? Math.Max(fisher, RelativeError(at.LearnedScore, right)) : fisher;
                trace = Math.Max(trace, Math.Abs((Trace(at.Positions, problem.Dimension) / ExactTrace(problem, at.Time)) - 1));
                var exactRate = ExactRate(problem, law);
                var velocity = at.VelocityAfter.Length > 0 ? at.VelocityAfter : at.VelocityBefore;
                rate = Math.Max(rate, Math.Abs(-Overlap(at.LearnedScore, velocity, Samples) - exactRate));
                peak = Math.Max(peak, Math.Abs(exactRate));
            }

            var over = result.Points.Where(p => p.DivergenceBound > 0)
                .Max(p => (p.Divergence!.Value.Value - (3 * p.Divergence.Value.Error)) / p.DivergenceBound);
            settings.Remark($"bound {result.Points[^1].DivergenceBound:g3}, true divergence {result.Points[^1].Divergence!.Value.Value:g3}");
            return (fisher, trace, rate / peak, over);
        }
    }

    // Particles that move by the scores of their own kernel density, whose width is Scott's for the exact law's deviation: the errors at the end.
    private static (double Fisher, double Trace) ByKernels(EvolutionProblem problem, double until, ExperimentSettings settings)
    {
        const int particles = 2000;
        const double step = 0.01;
        var (d, diffusion) = (problem.Dimension, problem.Diffusion.Scalar!.Value);
        var (at, moved) = (problem.Initial.Sample(particles, new RandomStream(settings.Seed, s_kernel)), new double[particles * d]);
        var (values, slopes, weights) = (new double[particles], new double[particles * d], Enumerable.Repeat(1.0, particles).ToArray());
        var sums = new PairwiseSums<double>(settings.Execution);
        using var drift = new PointFunction(problem.Drift, d, settings.Execution);
        for (var time = 0.0; time < until - (step / 2); time += step)
        {
            FitKernel(time);
            var force = drift.At(at, time);
            for (var i = 0; i < at.Length; i++)
            {
                moved[i] = at[i] + (step * (force[i] - (diffusion * slopes[i] / values[i / d])));
            }

            (at, moved) = (moved, at);
        }

        FitKernel(until);
        double[] scores = [.. slopes.Select((slope, i) => slope / values[i / d])];
        var law = problem.Facts.Law!(until);
        var right = PointFunction.At(x => Derivative.Gradient(law.LogDensity!(x), x), at, d, settings.Execution);
        return (RelativeError(scores, right), Math.Abs((Trace(at, d) / ExactTrace(problem, until)) - 1));

        void FitKernel(double time)
        {
            var width = Math.Sqrt(ExactTrace(problem, time) / d) * Math.Pow(particles, -1.0 / (d + 4));
            sums.ValuesAndGradients(new GaussianKernel<double>(width), at, at, d, weights, values, slopes);
        }
    }

    private static double[] SoftSpheres(ExperimentSettings settings, CancellationToken cancellation)
    {
        var problem = EvolutionLibrary.Get("soft-spheres-5");
        const int samples = 4096;
        var d = problem.Dimension;

        // The flow contracts so much that scores carried along with it are little but wound-up detail: the implicit loss.
        var options = new SbtmOptions
        {
            Loss = SbtmLoss.Hutchinson,
            Step = 0.01,
            Particles = 16_384,
            HeldOut = 4096,
            Iterations = 30,
            Width = 32,
            Depth = 2,
        };
        var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
        var result = EvolutionResult.Of(new SbtmFlow(problem, options).Follow(run), SbtmFlow.Name, samples, 9, run);
        var (trace, stein, difference, size) = (0.0, 0.0, 0.0, 0.0);
        using var drift = new PointFunction((x, t) => Derivative.Divergence(problem.Drift(x, t), x), d, settings.Execution);
        foreach (var at in result.Stored)
        {
            if (at.Time > 0)
            {
                var paths = GradientFlowLaws.EulerMaruyama(problem, Paths, at.Time, PathStep, settings);
                var (own, theirs) = (Trace(at.Positions, d), Trace(paths, d));
                settings.Remark($"t = {at.Time:g3}: trace {own:g5}, of the paths {theirs:g5}");
                trace = Math.Max(trace, Math.Abs((own / theirs) - 1));
            }

            var (score, mean) = (at.LearnedScore, Mean(at.Positions, d));
            double[] centred = [.. at.Positions.Select((x, i) => x - mean[i % d])];
            var force = Math.Sqrt(Mean(score, d).Sum(v => v * v) / Overlap(score, score, samples));
            stein = Math.Max(stein, Math.Max(force, Math.Abs((Overlap(score, centred, samples) / d) + 1)));
            var velocity = at.VelocityAfter.Length > 0 ? at.VelocityAfter : at.VelocityBefore;

            // E div v = E div b - D E div s, and E div s = -E s . grad log rho by parts, with the score that the samples carry.
            var byDivergence = drift.At(at.Positions, at.Time).Average() + (problem.Diffusion.Scalar!.Value * Overlap(score, at.Score, samples));

            // As E s = 0, a velocity that all have in common adds nothing to -E s . v but noise; here it is twenty times the rest.
            var common = Mean(velocity, d);
            var byScore = -Overlap(score, [.. velocity.Select((v, i) => v - common[i % d])], samples);
            settings.Remark(
                $"t = {at.Time:g3}: E s {force:g2} of root E |s|^2, E s (x - m) / d {Overlap(score, centred, samples) / d:f3}; rates of the "
                + $"entropy {byDivergence:g4} by the divergence, {byScore:g4} by the score");
            difference = Math.Max(difference, Math.Abs(byDivergence - byScore));
            size = Math.Max(size, Math.Max(Math.Abs(byDivergence), Math.Abs(byScore)));
        }

        settings.Remark($"bound on the divergence {result.Points[^1].DivergenceBound:g3}");
        return [trace, stein, difference / size];
    }

    private static double[] Swimmer(ExperimentSettings settings, CancellationToken cancellation)
    {
        const double until = 30, steady = 20, rate = 0.1, reach = 5.2, height = 5.2;
        const int samples = 16_384, cells = 416, stride = 4;
        var problem = EvolutionLibrary.Get("swimmer");

        // A small network and many particles, as it must not learn their chance, and optimiser steps enough to keep up with the first, fast part of the way.
        // Beyond a few deviations the drift's part is left, whose cubic keeps tails in.
        var options = new SbtmOptions
        {
            Until = until,
            Step = 0.01,
            Particles = 131_072,
            BatchSize = 1024,
            Iterations = 100,
            Width = 32,
            Depth = 2,
            GaussianPart = false,
            Reach = 4,
        };
        var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
        var evolution = new SbtmFlow(problem, options).Follow(run);
        var (squareX, squareV, information, count) = (0.0, 0.0, 0.0, 0);
        var result = EvolutionResult.Of(evolution, SbtmFlow.Name, samples, 31, run);
        foreach (var at in result.Stored)
        {
            double Moment(Func<int, double> value) => Enumerable.Range(0, samples).Average(value);
            var (x2, v2, s2) = (Moment(i => Square(at.Positions[2 * i])), Moment(i => Square(at.Positions[(2 * i) + 1])),
                Moment(i => Square(at.LearnedScore[(2 * i) + 1])));
            settings.Remark($"t = {at.Time:g3}: E x^2 {x2:f4}, E v^2 {v2:f4}, E s_v^2 {s2:f2}, entropy {-at.LogDensity.Average():f3}");
            if (at.Time >= steady)
            {
                (squareX, squareV, information, count) = (squareX + x2, squareV + v2, information + s2, count + 1);
            }
        }

        // E div v is the entropy's rate.
        var divergence = (result.Stored.Last().LogDensity.Average() - result.Stored.First(at => at.Time >= steady).LogDensity.Average()) / (steady - until);

        var (first, second) = (new CellAxis(-reach / 2, reach / 2, cells), new CellAxis(-height, height, cells));
        using var solver = new FiniteVolumePlane(first, second, new FormulaField(2, problem.Drift), 0, rate);
        var density = new PlaneDensity(first, second, (x, v) => Math.Exp(-0.5 * ((x * x) + (v * v))));
        density.Normalise();
        solver.Advance(density, 0, until, 3000);

        // The followed law is looked at in the middle of every block of cells; each way back there is long.
        int[] rows = [.. Enumerable.Range(0, cells / stride).Select(i => (i * stride) + (stride / 2))];
        int[] chosen = [.. rows.SelectMany(i => rows.Select(j => (i * cells) + j))];
        var (xs, vs) = (first.Centres(), second.Centres());
        double[] points = [.. chosen.SelectMany(k => new[] { xs[k / cells], vs[k % cells] })];
        var logs = evolution.LogDensityAt(points, until, settings.Threads);
        var mine = evolution.LearnedScore(points, evolution.Times.Count - 1, settings.Threads);
        var (off, currentOff, current, area) = (0.0, 0.0, 0.0, density.CellArea * stride * stride);
        for (var at = 0; at < chosen.Length; at++)
        {
            var (x, v, own, k) = (points[2 * at], points[(2 * at) + 1], Math.Exp(logs[at]), chosen[at]);
            var right = density.Values[k];
            off += Math.Abs(own - right) * area;

            // The current along x is (v - x^3) rho, along v (-g v - g s) rho.
            var slope = (density.Values[k + 1] - density.Values[k - 1]) / (2 * second.Width);
            var (alongX, alongV) = ((v - (x * x * x)) * right, (-rate * v * right) - (rate * slope));
            currentOff += double.Hypot(alongX - ((v - (x * x * x)) * own), alongV + (rate * (v + mine[(2 * at) + 1]) * own));
            current += double.Hypot(alongX, alongV);
        }

        settings.Remark($"finite volumes: E x^2 {density.Expectation((x, _) => x * x):f4}, E v^2 {density.Expectation((_, v) => v * v):f4}");
        return [squareX / count / 0.7259, squareV / count, information / count / 22.8, divergence / 2.3, off, currentOff / current];
    }

    private static double ExactTrace(EvolutionProblem problem, double t)
    {
        var covariance = problem.Facts.Law!(t).Covariance!;
        return Enumerable.Range(0, problem.Dimension).Sum(i => covariance[i, i]);
    }

    // d S / dt = E div b + D E |score|^2; the drift is -(x_i + mean) / 2 + beta, of a Gaussian law E |score|^2 is the trace of the inverse covariance.
    private static double ExactRate(EvolutionProblem problem, LawFacts law)
    {
        var (particles, c) = (problem.Dimension / 2, law.Covariance!);
        var (relative, common) = (c[0, 0] - c[0, 2], c[0, 0] + ((particles - 1) * c[0, 2]));
        return -(particles + 1) + (2 * problem.Diffusion.Scalar!.Value * (((particles - 1) / relative) + (1 / common)));
    }

    private static double[] Mean(double[] rows, int d) =>
        [.. Enumerable.Range(0, d).Select(i => Enumerable.Range(0, rows.Length / d).Average(row => rows[(row * d) + i]))];

    private static double Trace(double[] rows, int d)
    {
        var mean = Mean(rows, d);
        return rows.Select((x, i) => Square(x - mean[i % d])).Sum() / (rows.Length / d);
    }

    private static double Square(double value) => value * value;
}
