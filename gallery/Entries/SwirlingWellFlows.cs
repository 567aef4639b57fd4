using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 37, beyond the paper: a drift that somebody brings, five planar double wells with a current, turned together in ten coordinates. Each plane's law is
/// solved by finite volumes; the method knows nothing of the planes.
/// </summary>
internal static class SwirlingWellFlows
{
    private const double Temperature = 0.5;
    private const double Reach = 3.5;
    private const int Cells = 280;
    private const int StepsPerUnit = 800;
    private const int Samples = 16_384;
    private const int Particles = 100_000;
    private const double ParticleStep = 1e-3;

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "swirling-wells",
            "Five swirling double wells turned in ten coordinates at t = 1, with the defaults, beside five planes by finite volumes.",
            Quick: false,
            Figures("own finite volumes", 9.068, 37.21),
            Experiment.InBackground((settings, cancellation) => Measure(1, new SbtmOptions(), settings, cancellation))),
        new Experiment(
            "swirling-wells-long",
            "The same at t = 20, where the law is stationary and its current J grad U, by steps of 0.01.",
            Quick: false,
            Figures("finite volumes; by quadrature", 9.812, 36.13),
            Experiment.InBackground((settings, cancellation) => Measure(20, new SbtmOptions { Step = 0.01, Iterations = 50 }, settings, cancellation))),
    ];

    private static FigureReference[] Figures(string source, double entropy, double production) =>
    [
        FigureReference.Within("entropy less that of the reference", 0, 0.1, FormattableString.Invariant($"{source}, {entropy}")),
        FigureReference.Within("entropy production over that of the reference", 1, 0.05, FormattableString.Invariant($"{source}, {production}")),
        FigureReference.AtMost("relative Fisher error of the score", 0.05, source, stretchBound: 0.02),
        FigureReference.AtMost("relative error of the current's velocity", 0.06, source),
        FigureReference.AtMost("energy distance to particles over its floor", 1.2, "100,000 by Euler-Maruyama; sets of 2000"),
    ];

    private static double[] Measure(double time, SbtmOptions options, ExperimentSettings settings, CancellationToken cancellation)
    {
        var problem = EvolutionLibrary.Get(FormattableString.Invariant($"swirling-wells-10@draw={settings.Seed}"));
        var (d, copies) = (problem.Dimension, problem.Facts.Copies!);
        var planes = d / copies.Part.Dimension;
        var (density, production) = Plane(copies.Part, time, settings);
        var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
        var evolution = new SbtmFlow(problem, options with { Until = time }).Follow(run);
        var result = EvolutionResult.Of(evolution, SbtmFlow.Name, Samples, 2, run);
        var (end, point) = (result.Stored[^1], result.Points[^1]);
        var right = Scores(density, copies.Rotation, end.Positions, d);
        var drift = PointFunction.At(x => problem.Drift(x, 0), end.Positions, d, settings.Execution);
        double[] current = [.. drift.Zip(right, (b, s) => b - (Temperature * s))];
        var fisher = ParticleFlows.RelativeError(end.LearnedScore, right);
        var currentOff = ParticleFlows.RelativeError([.. drift.Zip(end.LearnedScore, (b, s) => b - (Temperature * s))], current);
        var particles = GradientFlowLaws.EulerMaruyama(problem, Particles, time, ParticleStep, settings);
        var distance = GradientFlowLaws.Distance(
            GradientFlowLaws.Draws(evolution, time, settings), GradientFlowLaws.Rows(particles, d), d, settings);
        settings.Remark($"entropy {point.Entropy.Value:f3} +- {point.Entropy.Error:f3}, finite volumes {planes * density.Entropy:f3}; production "
            + $"{point.EntropyProduction!.Value.Value:f2} +- {point.EntropyProduction.Value.Error:f2}, finite volumes {planes * production:f2}");
        settings.Remark($"bound on the divergence {point.DivergenceBound:g3}; {distance}");
        return
        [
            point.Entropy.Value - (planes * density.Entropy), point.EntropyProduction.Value.Value / (planes * production), fisher, currentOff,
            distance.Ratio,
        ];
    }

    private static (PlaneDensity Density, double Production) Plane(EvolutionProblem plane, double time, ExperimentSettings settings)
    {
        var axis = new CellAxis(-Reach, Reach, Cells);
        using var initial = new PointFunction((x, _) => plane.Initial.LogDensity(x), 2, settings.Execution);
        using var solver = new FiniteVolumePlane(axis, axis, new Fields.FormulaField(2, plane.Drift), Temperature, Temperature);
        var density = new PlaneDensity(axis, axis, (x, y) => Math.Exp(initial.At([x, y])[0]));
        density.Normalise();
        solver.Advance(density, 0, time, (int)(time * StepsPerUnit));
        return (density, solver.EntropyProduction(density, time));
    }

    // In its own plane each copy's score is the gradient of its log density, by differences over two cells.
    private static double[] Scores(PlaneDensity density, IReadOnlyList<double> rotation, double[] positions, int d)
    {
        var (scores, own, width) = (new double[positions.Length], new double[d], density.First.Width);
        double Log(double x, double y) => Math.Log(density.At(x, y));
        for (var row = 0; row < positions.Length; row += d)
        {
            Array.Clear(own);
            for (var plane = 0; plane < d; plane += 2)
            {
                var (x, y) = (0.0, 0.0);
                for (var i = 0; i < d; i++)
                {
                    (x, y) = (x + (rotation[(i * d) + plane] * positions[row + i]), y + (rotation[(i * d) + plane + 1] * positions[row + i]));
                }

                own[plane] = (Log(x + width, y) - Log(x - width, y)) / (2 * width);
                own[plane + 1] = (Log(x, y + width) - Log(x, y - width)) / (2 * width);
            }

            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                {
                    scores[row + i] += rotation[(i * d) + j] * own[j];
                }
            }
        }

        return scores;
    }
}
