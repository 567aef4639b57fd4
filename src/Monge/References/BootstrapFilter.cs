using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;

namespace Monge.References;

/// <summary>
/// The bootstrap filter (N. Gordon, D. Salmond and A. Smith, "Novel approach to nonlinear/non-Gaussian Bayesian state estimation", 1993): particles by
/// Euler and Maruyama's method, drawn anew by their likelihoods at each observation.
/// </summary>
/// <param name="Positions">Particles of equal weight at the last time [n * d], row-major.</param>
/// <param name="LogEvidence">The estimate of log p(y_1, ..., y_m).</param>
/// <param name="EffectiveShares">The effective sample size at each observation, before particles are drawn anew, as a share of their number.</param>
public sealed record BootstrapFilter(double[] Positions, double LogEvidence, IReadOnlyList<double> EffectiveShares)
{
    private static readonly StreamName s_start = StreamName.Of("bootstrap filter: start");
    private static readonly StreamName s_noise = StreamName.Of("bootstrap filter: noise");
    private static readonly StreamName s_choice = StreamName.Of("bootstrap filter: choice");

    /// <summary>Filters.</summary>
    /// <param name="problem">An evolution on R^d of independent particles, with noise along each coordinate.</param>
    /// <param name="particles">Particles n, at least 2.</param>
    /// <param name="until">The last time, above 0.</param>
    /// <param name="step">The length of a step, above 0; between two observations steps are equal and at most this long.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">The evolution has an interaction, a porous medium, walls, or another noise.</exception>
    /// <exception cref="ArithmeticException">The likelihood of an observation is 0 at all particles.</exception>
    public static BootstrapFilter Run(EvolutionProblem problem, int particles, double until, double step, ulong seed = 1, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentOutOfRangeException.ThrowIfLessThan(particles, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(until);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        problem.Check();
        if (problem.Diffusion.Scalar is not { } diffusion || problem.Energy is { Interaction: not null } or { PorousFactor: > 0 }
            || problem.Domain is not WholeSpaceDomain)
        {
            throw new ArgumentException(
                $"'{problem.Name}' is not a diffusion of independent particles on R^d with the same noise along each coordinate, which this filter is for.",
                nameof(problem));
        }

        var (d, execution) = (problem.Dimension, new ExecutionOptions { Threads = threads });
        using var walk = FieldSde.Walk<double>(null, new FormulaField(d, problem.Drift), SdeScheme.EulerMaruyama, s_noise, options: execution);
        var positions = problem.Initial.Sample(particles, new RandomStream(seed, s_start));
        var choice = new RandomStream(seed, s_choice);
        var (at, steps, evidence) = (0.0, 0, 0.0);
        List<double> shares = [];
        void Move(double to)
        {
            if (to > at)
            {
                var count = Math.Max(1, (int)Math.Ceiling(((to - at) / step) - 0.01));
                var grid = TimeGrid.Equal(at, to, count, (_, _) => diffusion);
                positions = walk.Carry(null, NdArray<double>.From(positions, particles, d), grid, new DrawKey(seed, (ulong)steps)).Span.ToArray();
                (at, steps) = (to, steps + count);
            }
        }

        foreach (var observation in problem.Observations.TakeWhile(o => o.Time <= until))
        {
            Move(observation.Time);
            var logs = PointFunction.At(observation.LogLikelihood, positions, d, execution);
            if (logs.All(double.IsNegativeInfinity))
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"What was seen of '{problem.Name}' at t = {observation.Time:g6} is impossible for each of {particles} particles; take more."));
            }

            var weights = ImportanceWeights.FromLogWeights(logs);
            evidence += weights.LogNormaliser;
            shares.Add(weights.EffectiveSampleFraction);
            positions = [.. Resampling.Systematic([.. weights.Normalised], particles, choice).SelectMany(i => positions[(i * d)..((i + 1) * d)])];
        }

        Move(until);
        return new BootstrapFilter(positions, evidence, shares);
    }
}
