using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;
using Monge.References;

namespace Monge.Gallery.Entries;

/// <summary>Entry 33: Stochastic Interpolants: A Unifying Framework for Flows and Diffusions (arXiv:2303.08797), with exact fields.</summary>
internal static class StochasticInterpolants
{
    private static readonly StreamName s_noiseStream = StreamName.Numbered("stochastic interpolants: noise", 700);
    private static readonly StreamName s_startStream = StreamName.Numbered("stochastic interpolants: start", 701);
    private const int Samples = 100_000;
    private const string Closed = "closed form";

    private static readonly GaussianMixtureLaw s_two = GaussianMixtureLaw.Isotropic([0.5, 0.5], [[-3], [3]], [0.25, 0.25]);
    private static readonly GaussianMixtureLaw s_three = GaussianMixtureLaw.Isotropic([1.0 / 3, 1.0 / 3, 1.0 / 3], [[-6], [0], [6]], [0.5, 0.33, 0.5]);

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "33",
        "Stochastic interpolants",
        "M. Albergo, N. Boffi, E. Vanden-Eijnden: Stochastic Interpolants: A Unifying Framework for Flows and Diffusions, arXiv:2303.08797",
        [
            new Experiment(
                "exact-fields",
                "Two Gaussians on the line to three, exact fields under eleven schedules: how the conditional means add up, the log density along the ODE, "
                + "the Feynman-Kac density.",
                Quick: true,
                [
                    FigureReference.AtMost("largest error of the linear identities", 1e-12, Closed),
                    FigureReference.AtMost("largest error of the ODE's log density", 1e-6, Closed),
                    FigureReference.AtMost("share of Feynman-Kac log densities beyond 3 standard errors", 0.03, "0.0027 if exact; 99 points"),
                    FigureReference.AtMost("largest standard error of a Feynman-Kac log density", 0.1, "so that the test can fail"),
                ],
                Experiment.InBackground(ExactFields)),
            new Experiment(
                "exact-samples",
                "The same, 100,000 particles by the ODE and by SDEs with noise 0.5 and 5 under each schedule.",
                Quick: false,
                [
                    FigureReference.AtMost("largest Kolmogorov distance", 0.01, Closed),
                    FigureReference.AtMost("largest error of a mode's mass", 0.006, "a third each"),
                ],
                Experiment.InBackground(ExactSamples)),
            new Experiment(
                "kl-identity",
                "Velocity off by 0.2 sin x, score by 0.1: Kullback-Leibler divergence by the Fokker-Planck equation on a grid beside its identities and its "
                + "bound.",
                Quick: true,
                [
                    FigureReference.AtMost("relative error of the identity without noise", 1e-3, Closed),
                    FigureReference.AtMost("largest relative error of the identity with noise 0.1, 0.5 and 2", 1e-3, Closed),
                    FigureReference.AtMost("largest divergence over bound", 1, "the bound holds at all times"),
                    FigureReference.Within("best noise of the bound over sqrt(velocity gap / score gap)", 1, 0.02, Closed),
                ],
                Experiment.InBackground((_, cancellation) => DivergenceIdentity(cancellation))),
            .. SchroedingerSchedules.Experiments,
            .. LargeMixture.Experiments,
            .. LearnedInterpolants.Stochastic,
        ]);

    private static IEnumerable<MixtureInterpolant> Laws()
    {
        var linear = InterpolantSchedules.Linear;
        InterpolantSchedule[] twoSided =
        [
            linear, InterpolantSchedules.Trigonometric, InterpolantSchedules.LinearWithLatent(), InterpolantSchedules.TrigonometricWithLatent(),
            InterpolantSchedules.EncoderDecoder,
            InterpolantSchedules.Foellmer, linear.WithLatent(LatentScale.Quadratic), linear.WithLatent(LatentScale.SineSquared),
            linear.WithLatent(LatentScale.SigmoidBump()),
        ];
        return
        [
            .. twoSided.Select(s => new MixtureInterpolant(new Interpolant(s), s_two, s_three)),
            new MixtureInterpolant(new Interpolant(linear, InterpolantKind.OneSided), null, s_three),
            new MixtureInterpolant(new Interpolant(InterpolantSchedules.VariancePreserving, InterpolantKind.OneSided), null, s_three),
        ];
    }

    private static double[] ExactFields(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (identity, density, outside, points, spread) = (0.0, 0.0, 0, 0, 0.0);
        foreach (var law in Laws())
        {
            cancellation.ThrowIfCancellationRequested();
            identity = Math.Max(identity, IdentityError(law));
            var error = DensityError(law);
            density = Math.Max(density, error);
            double[] at = [-7, -6, -5, -1, 0, 0.5, 5.5, 6, 7];
            using var formula = new FeynmanKacDensity(
                null, law.Drift(_ => 0.5), law.Start.LogDensity, s_noiseStream, settings.Execution);
            var estimates = formula.Evaluate(null, NdArray<double>.From(at, at.Length, 1), 20_000, 200, (_, _) => 0.5, new DrawKey(settings.Seed));
            double[] deviations = [.. estimates.Select((e, i) => (e.LogDensity - law.Data.LogDensity([at[i]])) / e.StandardError)];
            outside += deviations.Count(z => Math.Abs(z) > 3);
            points += deviations.Length;
            spread = Math.Max(spread, estimates.Max(e => e.StandardError));
            settings.Remark(
                $"{law.Interpolant.Kind} {law.Interpolant.Schedule}: ODE log density off by {error:g2}; Feynman-Kac off by up to {deviations.Max(Math.Abs):f2} "
                + $"standard errors of up to {estimates.Max(e => e.StandardError):g2}");
        }

        return [identity, density, (double)outside / points, spread];
    }

    // alpha eta_0 + beta eta_1 + gamma eta_z = x and the same with rates = b.
    private static double IdentityError(MixtureInterpolant law)
    {
        var (positions, times) = (new List<double>(), new List<double>());
        for (var t = 0.01; t < 1; t += 0.02)
        {
            for (var x = -8.0; x <= 8; x += 0.25)
            {
                positions.Add(x);
                times.Add(t);
            }
        }

        Expr Gap(Expr x, Expr t)
        {
            var (start, data, latent) = (law.BaseMean(x, t), law.DataMean(x, t), law.LatentMean(x, t));
            var velocity = law.Velocity.Apply(x, t);
            var ofPosition = (law.Interpolant.At(t, start, data, latent) - x).Abs() / (1 + x.Abs());
            var ofVelocity = (law.Interpolant.Rate(t, start, data, latent) - velocity).Abs() / (1 + velocity.Abs());
            return Expr.Max(ofPosition, ofVelocity);
        }

        return FieldEvaluation.At(1, Gap, [.. positions], [.. times]).Max();
    }

    // Back along the ODE from points of the data's law.
    private static double DensityError(MixtureInterpolant law)
    {
        double[] at = [.. Enumerable.Range(0, 65).Select(i => -8 + (0.25 * i))];
        using var ode = new TransportOde<double>(null, law.Velocity, RungeKuttaTableau.DormandPrince54, new ExecutionOptions { Threads = 1 });
        var (ends, divergence) = ode.RunAdaptive(null, NdArray<double>.From(at, at.Length, 1), 1, 0, 1e-11, 1e-9, 200_000);
        return Enumerable.Range(0, at.Length).Max(i => Math.Abs(law.Start.LogDensity([ends[i]]) + divergence[i] - law.Data.LogDensity([at[i]])));
    }

    private static double[] ExactSamples(ExperimentSettings settings, CancellationToken cancellation)
    {
        var execution = settings.Execution;
        var (distance, mass) = (0.0, 0.0);
        foreach (var law in Laws())
        {
            var start = NdArray<double>.From(law.Start.Sample(Samples, new RandomStream(settings.Seed, s_startStream)), Samples, 1);
            var line = new List<string>();
            foreach (var (diffusion, steps) in ((double, int)[])[(0, 200), (0.5, 200), (5, 500)])
            {
                cancellation.ThrowIfCancellationRequested();
                using var sde = FieldSde.Walk<double>(
                    null, diffusion == 0 ? law.Velocity : law.Drift(_ => diffusion), SdeScheme.Heun, s_noiseStream, false, execution);
                var end = sde.Carry(null, start, new TimeGrid(TimeGrid.EqualTimes(0, 1, steps), (_, _) => diffusion), new DrawKey(settings.Seed));
                var samples = end.Span.ToArray();
                var kolmogorov = KolmogorovDistance.Compute(samples, v => s_three.ProbabilityBelow(0, v));
                var masses = (double[])[samples.Count(v => v < -3), samples.Count(v => v is >= -3 and < 3), samples.Count(v => v >= 3)];
                var worst = masses.Max(m => Math.Abs((m / Samples) - (1.0 / 3)));
                (distance, mass) = (Math.Max(distance, kolmogorov), Math.Max(mass, worst));
                line.Add(FormattableString.Invariant($"noise {diffusion}: {kolmogorov:f4}, {worst:f4}"));
            }

            settings.Note($"{law.Interpolant.Kind} {law.Interpolant.Schedule}: Kolmogorov distance and error of a mass at {string.Join("; ", line)}");
        }

        return [distance, mass];
    }

    private static double[] DivergenceIdentity(CancellationToken cancellation)
    {
        var law = new MixtureInterpolant(new Interpolant(InterpolantSchedules.TrigonometricWithLatent()), s_two, s_three);
        var (withoutNoise, _, _, _) = Perturbed(law, 0, cancellation);
        var (identity, ratio, squares) = (0.0, 0.0, 0.0);
        foreach (var diffusion in (double[])[0.1, 0.5, 2])
        {
            var (error, overBound, velocityGap, _) = Perturbed(law, diffusion, cancellation);
            (identity, ratio, squares) = (Math.Max(identity, error), Math.Max(ratio, overBound), velocityGap);
        }

        // The bound (1/(4 eps)) int E|delta b + eps delta s|^2 over eps, its parts by quadrature over the exact law.
        var (_, _, velocity, cross) = Perturbed(law, 0.5, cancellation);
        double Bound(double eps) => (velocity + (2 * eps * cross) + (eps * eps * 0.01)) / (4 * eps);
        var (low, high) = (1e-2, 1e2);
        for (var k = 0; k < 200; k++)
        {
            var (a, b) = (low * Math.Pow(high / low, 0.382), low * Math.Pow(high / low, 0.618));
            (low, high) = Bound(a) < Bound(b) ? (low, b) : (a, high);
        }

        return [withoutNoise, identity, ratio, low / Math.Sqrt(squares / 0.01)];
    }

    // The relative error of the identity, the largest divergence over its bound, and int E|delta b|^2 dt and int E[delta b delta s] dt.
    private static (double Error, double OverBound, double VelocityGap, double Cross) Perturbed(
        MixtureInterpolant law, double diffusion, CancellationToken cancellation)
    {
        const int Reports = 400;
        var shift = new FormulaField(1, (x, _) => (0.2 * x.Sin()) + (diffusion * 0.1));
        using var solver = new FokkerPlanckLine(new SumField(law.Drift(_ => diffusion), shift), -14, 14, 1400, new ExecutionOptions { Threads = 1 });
        double[] grid = [.. solver.Grid];
        double[] density = [.. grid.Select(x => Math.Exp(law.Start.LogDensity([x])))];
        var stepsEach = Math.Max(8, (int)Math.Ceiling(2.5 * diffusion / (solver.Spacing * solver.Spacing) / Reports));
        var (integral, bound, velocityGap, cross, last, divergence, overBound) = (0.0, 0.0, 0.0, 0.0, default(Rates), 0.0, 0.0);
        for (var k = 0; k <= Reports; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            var t = (double)k / Reports;
            if (k > 0)
            {
                solver.Advance(density, (k - 1.0) / Reports, t, stepsEach, diffusion);
            }

            double[] logs = FieldEvaluation.At(1, law.LogDensity, grid, t);
            double[] scores = FieldEvaluation.At(1, law.Score.Apply, grid, t);
            var now = RatesAt(solver, density, logs, scores, diffusion, out divergence);
            if (k > 0)
            {
                var h = 0.5 / Reports;
                integral += h * (last.Identity + now.Identity);
                bound += h * (last.Bound + now.Bound);
                velocityGap += h * (last.VelocityGap + now.VelocityGap);
                cross += h * (last.Cross + now.Cross);
                overBound = diffusion > 0 ? Math.Max(overBound, divergence / bound) : 0;
            }

            last = now;
        }

        return (Math.Abs((integral / divergence) - 1), overBound, velocityGap, cross);
    }

    private static Rates RatesAt(FokkerPlanckLine solver, double[] density, double[] logs, double[] scores, double diffusion, out double divergence)
    {
        // Where the perturbed density is rounding noise its logarithm means nothing, and the exact law has no mass.
        const double Least = 1e-13;
        double[] perturbedLogs = [.. density.Select(p => Math.Log(Math.Max(p, Least)))];
        var perturbedScores = solver.Derivative(perturbedLogs);
        var (identity, bound, velocityGap, cross) = (0.0, 0.0, 0.0, 0.0);
        divergence = 0;
        for (var i = 3; i < density.Length - 3; i++)
        {
            var mass = Math.Exp(logs[i]) * solver.Spacing;
            var wave = 0.2 * Math.Sin(solver.Grid[i]);
            var shift = wave + (diffusion * 0.1);
            velocityGap += mass * wave * wave;
            cross += mass * wave * 0.1;
            bound += diffusion > 0 ? mass * shift * shift / (4 * diffusion) : 0;
            if (density[i - 3] > Least && density[i] > Least && density[i + 3] > Least)
            {
                var gap = perturbedScores[i] - scores[i];
                identity += mass * ((gap * shift) - (diffusion * gap * gap));
                divergence += mass * (logs[i] - perturbedLogs[i]);
            }
        }

        return new Rates(identity, bound, velocityGap, cross);
    }

    private readonly record struct Rates(double Identity, double Bound, double VelocityGap, double Cross);
}
