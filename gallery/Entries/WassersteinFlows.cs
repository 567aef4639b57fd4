using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>Entry 11: Large-Scale Wasserstein Gradient Flows (arXiv:2106.00736). Its own experiments: single steps, and what holds of any run.</summary>
internal static class WassersteinFlows
{
    private const double GridWidth = 0.04;
    private const double GridReach = 6;

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "11",
        "Wasserstein gradient flows",
        "P. Mokrov, A. Korotin, L. Li, A. Genevay, J. Solomon, E. Burnaev: Large-Scale Wasserstein Gradient Flows, arXiv:2106.00736",
        [
            new Experiment(
                "one-step",
                "One step of length 0.05 beside the exact one between Gaussians, from one whose axes are the target's and from one whose axes aren't.",
                Quick: true,
                [
                    FigureReference.AtMost("symmetric divergence from the exact step, N(0, I)", 2e-3, "closed form"),
                    FigureReference.AtMost("symmetric divergence from the exact step, other axes", 2e-3, "closed form"),
                    FigureReference.AtMost("the same of N(0, I), with the paper's network", 2e-3, "closed form"),
                    FigureReference.AtMost("the same of other axes, with the paper's network", 2e-3, "closed form"),
                ],
                Experiment.InBackground(OneStep)),
            new Experiment(
                "invariants",
                "A double well, an Ornstein-Uhlenbeck process, a porous medium and an aggregation to t = 0.5 with small networks: what holds of every gradient "
                + "flow and every row of maps.",
                Quick: true,
                [
                    FigureReference.AtMost("largest change of the free energy in a step, same samples before and after", 0, "a gradient flow's never rises"),
                    FigureReference.AtMost("largest sum of squared distances over 2 h, over the fall of the free energy", 1, "each step is least"),
                    FigureReference.AtMost("largest error of a density's integral over a grid", 0.01, "densities integrate to 1"),
                    FigureReference.AtMost("largest distance of a sample that was pushed and pulled back", 1e-4, "maps have an inverse"),
                ],
                Experiment.InBackground(Invariants)),
            .. OrnsteinUhlenbeckFlows.Experiments,
            .. NonlinearFlows.Experiments,
            .. MixtureFlows.Experiments,
            .. FilteringFlows.Experiments,
            .. LogisticPosteriors.Experiments,
        ]);

    private static double[] OneStep(ExperimentSettings settings, CancellationToken cancellation)
    {
        const double step = 0.05;
        var problem = EvolutionLibrary.Get(FormattableString.Invariant($"ou-2@draw={settings.Seed}"));
        var target = problem.Facts.Stationary!;
        (double[] Mean, double[,] Factor)[] starts = [([0, 0], new double[,] { { 1, 0 }, { 0, 1 } }), ([1, -0.5], new[,] { { 1.2, 0 }, { 0.5, 0.5 } })];
        return [.. from affine in (bool[])[true, false] from start in starts select Take(start, affine)];

        double Take((double[] Mean, double[,] Factor) start, bool isAffine)
        {
            var (l, from) = (start.Factor, problem with { Initial = GaussianBase.Full(start.Mean, start.Factor) });
            var before = new[,] { { l[0, 0] * l[0, 0], l[0, 0] * l[1, 0] }, { l[0, 0] * l[1, 0], (l[1, 0] * l[1, 0]) + (l[1, 1] * l[1, 1]) } };
            var evolution = new JkoFlow(from, new JkoOptions { Until = step, Step = step, AffinePart = isAffine })
                .Follow(new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation });
            var (mean, covariance) = GaussianJkoStep.Take(start.Mean, before, target.Mean!, Inverse(target.Covariance!), 1, step);
            var divergence = GradientFlowLaws.Divergence(evolution, step, LawFacts.Gaussian(mean, covariance), settings);
            settings.Remark($"from mean {start.Mean[0]}, {(isAffine ? "with" : "without")} the affine part: {divergence.Value:g3} +- {divergence.Error:g1}");
            return divergence.Value;
        }
    }

    private static double[] Invariants(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (rise, action, mass, back) = (double.NegativeInfinity, 0.0, 0.0, 0.0);
        foreach (var name in (string[])["double-well", "ou-2", "porous-medium", "aggregation-2"])
        {
            var problem = EvolutionLibrary.Get(name);
            var options = new JkoOptions { Until = 0.5, Iterations = 150, BatchSize = 512, Pool = 16_384, Width = 32 };
            var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
            var evolution = new JkoFlow(problem, options).Follow(run);
            var (energies, at, squares) = (EvolutionResult.Of(evolution, JkoFlow.Name, 10_000, 2, run).Points, new List<EvolvedSamples>(), 0.0);
            foreach (var samples in evolution.Carry(2000, settings.Seed, settings.Threads))
            {
                var length = at.Count == 0 ? 0 : samples.Time - at[^1].Time;
                squares += 0.5 * length * samples.VelocityBefore.Sum(v => v * v) / samples.LogDensity.Length;
                at.Add(samples);
            }

            double[] falls = [.. energies.Zip(energies.Skip(1), (before, after) => after.FreeEnergy!.Value.Value - before.FreeEnergy!.Value.Value)];
            var off = Math.Abs(Mass(evolution, settings) - 1);
            var starts = evolution.PullBack(at[^1].Positions, at.Count - 1, settings.Threads).Positions;
            var missed = starts.Zip(at[0].Positions, (pulled, start) => Math.Abs(pulled - start)).Max();
            settings.Remark($"{name}: energy changes by {falls.Min():g3} to {falls.Max():g3} a step, distances {squares / -falls.Sum():f3} of its fall, "
                + $"mass off by {off:g2}, pulled back to {missed:g2}");
            (rise, action) = (Math.Max(rise, falls.Max()), Math.Max(action, squares / -falls.Sum()));
            (mass, back) = (Math.Max(mass, off), Math.Max(back, missed));
        }

        return [rise, action, mass, back];
    }

    // By the midpoint rule on a box that holds all of the laws.
    private static double Mass(IEvolution evolution, ExperimentSettings settings)
    {
        double[] axis = [.. Enumerable.Range(0, (int)Math.Round(2 * GridReach / GridWidth)).Select(i => ((i + 0.5) * GridWidth) - GridReach)];
        double[] points = evolution.Problem.Dimension == 1 ? axis : [.. axis.SelectMany(x => axis.SelectMany(y => new[] { x, y }))];
        return evolution.LogDensityAt(points, evolution.Times[^1], settings.Threads).Sum(Math.Exp) * Math.Pow(GridWidth, evolution.Problem.Dimension);
    }

    private static double[,] Inverse(double[,] m)
    {
        var determinant = (m[0, 0] * m[1, 1]) - (m[0, 1] * m[1, 0]);
        return new[,] { { m[1, 1] / determinant, -m[0, 1] / determinant }, { -m[1, 0] / determinant, m[0, 0] / determinant } };
    }
}
