using Monge.Diagnostics;
using Monge.Engine.Execution;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>
/// A law in time given observations up to each time, as a row of maps from the initial law and the likelihoods on the way (arXiv:2106.00736, section 5.4): its
/// density is that of the maps' law times the likelihoods at the places that a point came through, normalised by quadrature on the line and by proposed paths
/// elsewhere. Samples are proposed paths, drawn by their weights.
/// </summary>
public sealed class FilteredEvolution : IEvolution
{
    /// <summary>What a model file calls this form of an evolution.</summary>
    internal const string FormName = "convex maps with observations";

    // Below these shares samples repeat a few paths.
    private const double LeastEffectiveShare = 0.02;
    private const double LeastAcceptance = 0.02;
    private const string AcceptanceName = "acceptance";

    private readonly JkoEvolution _maps;
    private readonly int[] _observedAt;
    private readonly List<PathProposal> _proposals = [];

    /// <summary>Makes it of maps.</summary>
    /// <param name="maps">The maps, of an evolution with observations, each at one of the maps' times.</param>
    /// <param name="acceptance">
    /// The acceptance of the independence Metropolis chains that the maps after each observation were trained on; empty where there were none.
    /// </param>
    /// <exception cref="ArgumentException">There are no observations, or one is at none of the times.</exception>
    public FilteredEvolution(JkoEvolution maps, IReadOnlyList<double>? acceptance = null)
    {
        ArgumentNullException.ThrowIfNull(maps);
        if (maps.Problem.Observations.Count == 0)
        {
            throw new ArgumentException($"Nothing was observed of '{maps.Problem.Name}'.", nameof(maps));
        }

        (_maps, Acceptance) = (maps, [.. acceptance ?? []]);
        _observedAt = ObservedMaps.TimesOf(maps.Problem, maps.Times);
        using var observed = Open(0);
        _ = observed.Proposals();
        Warnings = [.. Judge()];
    }

    /// <inheritdoc/>
    public EvolutionProblem Problem => _maps.Problem;

    /// <inheritdoc/>
    public IReadOnlyList<double> Times => _maps.Times;

    /// <summary>log p(y_1, ..., y_m) of the observations up to the last time.</summary>
    public double LogEvidence => _proposals[^1].LogEvidence;

    /// <summary>The effective sample size of proposed paths after each observation, as a share of their number.</summary>
    public IReadOnlyList<double> EffectiveShares => [.. _proposals.Skip(1).Select(p => p.EffectiveShare)];

    /// <summary>
    /// The share of moves that the independence Metropolis chains took after each observation that maps come after; empty where maps were trained otherwise.
    /// </summary>
    public IReadOnlyList<double> Acceptance { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Status> Warnings { get; }

    /// <summary>The maps and the acceptance as a model file keeps them.</summary>
    internal RunState ToState()
    {
        var state = _maps.ToState(FormName);
        state.Put(AcceptanceName, [.. Acceptance]);
        return state;
    }

    /// <summary>The evolution of a state that <see cref="ToState"/> wrote.</summary>
    /// <exception cref="Training.CheckpointException">Something is missing.</exception>
    /// <exception cref="ArgumentException">The parts don't go together.</exception>
    internal static FilteredEvolution Load(EvolutionProblem problem, RunState state) =>
        new(JkoEvolution.Load(problem, state), state.Doubles(AcceptanceName));

    /// <inheritdoc/>
    /// <remarks>At an observation samples are drawn anew.</remarks>
    public IEnumerable<EvolvedSamples> Carry(int samples, ulong seed = 1, int threads = 0)
    {
        using var observed = Open(threads);
        var random = new RandomStream(seed, EvolutionStreams.Draws);
        ObservedPaths? paths = null;
        double[] velocity = [];
        for (var k = 0; k < Times.Count; k++)
        {
            if (k == 0 || _observedAt.Contains(k))
            {
                (paths, velocity) = (observed.Draw(samples, (k, 0), random, scored: true), []);
            }

            var here = new EvolvedSamples(Times[k], [.. paths!.Positions], [.. paths.LogDensity], [.. paths.Score], velocity);
            if (k < _maps.Maps.Count)
            {
                var length = Times[k + 1] - Times[k];
                observed.Move(paths, k);
                velocity = [.. paths.Positions.Zip(here.Positions, (to, from) => (to - from) / length)];
                here = here with { VelocityAfter = velocity };
            }

            yield return here;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Paths are proposed twice as many as are drawn, so a path of large weight may come more than once.</remarks>
    public (double[] Positions, double[] LogDensity) DrawAt(int samples, double time, ulong seed = 1, int threads = 0)
    {
        var at = this.Locate(time);
        using var observed = Open(threads);
        var paths = observed.Draw(samples, at, new RandomStream(seed, EvolutionStreams.FurtherDraws));
        return (paths.Positions, paths.LogDensity);
    }

    /// <inheritdoc/>
    public double[] LogDensity(double[] points, int time, int threads = 0)
    {
        this.CheckTime(time);
        return LogDensity(points, (time, 0.0), threads);
    }

    /// <inheritdoc/>
    public double[] LogDensityAt(double[] points, double time, int threads = 0) => LogDensity(points, this.Locate(time), threads);

    private double[] LogDensity(double[] points, (int Step, double Share) at, int threads)
    {
        ArgumentNullException.ThrowIfNull(points);
        using var observed = Open(threads);
        return observed.LogDensity(points, at);
    }

    private ObservedMaps Open(int threads) =>
        new(Problem, _maps.Network, Times, _maps.Maps, _proposals, new ExecutionOptions { Threads = threads });

    private IEnumerable<Status> Judge()
    {
        for (var m = 0; m < _observedAt.Length; m++)
        {
            if (EffectiveShares[m] < LeastEffectiveShare)
            {
                yield return Status.Warn(
                    FormattableString.Invariant(
                        $"given the observation at t = {Times[_observedAt[m]]:g4} only {EffectiveShares[m]:p1} of proposed paths count"),
                    "what was seen is surprising under the law before it, or that has several modes: take more samples, and a larger pool in training");
            }
        }

        var stalled = Enumerable.Range(0, Acceptance.Count).Where(m => Acceptance[m] < LeastAcceptance).ToArray();
        if (stalled.Length > 0)
        {
            var worst = stalled.MinBy(m => Acceptance[m]);
            yield return Status.Warn(
                FormattableString.Invariant($"the Metropolis chains stall: after the observation at t = {Times[_observedAt[worst]]:g4} they took ")
                    + FormattableString.Invariant($"{Acceptance[worst]:p2} of their moves"),
                "train on importance samples (the option conditioning), or take more moves");
        }
    }
}
