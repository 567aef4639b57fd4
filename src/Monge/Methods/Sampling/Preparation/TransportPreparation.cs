using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>A problem that may be trained.</summary>
/// <param name="Problem">The problem.</param>
/// <param name="Ess">The effective sample size (fraction) that annealed importance sampling has in it.</param>
/// <param name="EffectiveSamples">The effective number of its samples.</param>
internal sealed record PreparedProblem(TransportProblem Problem, double Ess, double EffectiveSamples);

/// <summary>
/// Chooses base, path and scales for a target by annealed importance sampling, that is by the sampler itself before any training (drift 0): a base is
/// better when more of log Z is found, and then when the weights are more even. The best base is refitted to the weighted mean and covariance.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="target">The density.</param>
/// <param name="options">Where to start.</param>
/// <param name="run">With what, for how long, and whom it tells.</param>
/// <param name="fromModes">Whether the law at t = 0 may be a mixture over separate modes.</param>
internal sealed class TransportPreparation<T>(Density target, PreparationOptions options, PreparationRun run, bool fromModes = false)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Particles = 2048;
    private const int Steps = 200;
    private const double LangevinStep = 0.1;
    private const int Refits = 3;
    private const int Bends = 4;
    private const int LargestBentDimension = 12;
    private const int FewestForBend = 10;
    private const double BendGain = 1.15;
    private const double EvenEnough = 0.8;
    private const double NarrowInflation = 0.9;

    // Where particles without any drift keep as much of their weights along the geometric path, a drift learns it: no other path is tried.
    private const double EvenOnOnePath = 0.7;
    private const double HopelessShare = 0.25;

    private static readonly double[] s_firstStiffness = [1, 8, 64, 512];
    private static readonly (double Target, double Base)[] s_exponents = [(2, 1), (1, 2), (2, 3)];
    private readonly Lazy<DensityGuard?> _guard = new(() => DensityGuard.TryFind<T>(target, false, run.Execution));
    private ulong _attempt;

    /// <summary>Evaluations of the target so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>
    /// The problems worth a short training: the best base with the exponents that were given, or with each pair of exponents along which annealed importance
    /// sampling isn't hopeless. It alone can't tell which is best: a drift learns some paths far better than Langevin steps follow them.
    /// </summary>
    public IReadOnlyList<PreparedProblem> Candidates()
    {
        var inflation = options.BaseInflation;
        var best = options.Base switch
        {
            BaseChoice.Isotropic => Best([Try(Plain(GaussianBase.Isotropic(target.Dimension, options.BaseScale)), null, $"N(0, {options.BaseScale}^2)")]),
            BaseChoice.Laplace => Best([Try(Plain(Laplace().ToGaussian(inflation)), null, "Laplace approximation")]),
            _ => FromModes() is { } modes ? modes
                : Straighten(Bend(Refit(Best([.. StartingBases().Select(c => Try(Plain(c.Base), null, c.Source))])))),
        };
        return [.. Paths(best).Select(t => new PreparedProblem(
            t.Problem with
            {
                Offset = t.LogZ,
                Source = string.Create(CultureInfo.InvariantCulture,
                    $"{t.Problem.Source}; path exponents {t.Problem.TargetExponent:g3} and {t.Problem.BaseExponent:g3}; annealed importance sampling found "
                    + $"ESS {t.Ess:P1}{(t.Problem.IsEven ? ", so no other path was tried" : "")}"),
            },
            t.Ess,
            t.Ess * Particles))];
    }

    /// <summary>
    /// The problem of the same exponents from a base fitted to weighted particles of it: a drift after a short training leaves far more effective samples than
    /// annealed importance sampling does, and so a steadier fit. Null when there are too few for that or the base is a bent one.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <param name="positions">Positions z [n, d].</param>
    /// <param name="weights">Normalised weights [n].</param>
    /// <param name="effective">Their effective number.</param>
    public TransportProblem? Refitted(TransportProblem problem, double[] positions, double[] weights, double effective)
    {
        if (problem is not { Bend: null, Start: null } || BaseFit.Gaussian(problem, positions, weights, options.BaseInflation) is not { } gaussian)
        {
            return null;
        }

        var trial = Try(Plain(gaussian), problem.Stiffness, "Gaussian fitted after a short training", problem.TargetExponent, problem.BaseExponent);
        return trial.Problem with { Offset = double.IsFinite(trial.LogZ) ? trial.LogZ : problem.Offset };
    }

    /// <summary>The problem of a given base and the geometric path, with the numbers that annealed importance sampling measures.</summary>
    public TransportProblem Given(GaussianBase gaussian, string source)
    {
        var trial = Try(Plain(gaussian), null, source);
        return trial.Problem with { Offset = double.IsFinite(trial.LogZ) ? trial.LogZ : 0 };
    }

    /// <summary>What annealed importance sampling from a base finds: log Z, its standard error, and the effective number of samples.</summary>
    public (double LogZ, double LogZError, double EffectiveSamples) Explore(GaussianBase gaussian) => Explore(Plain(gaussian));

    /// <inheritdoc cref="Explore(GaussianBase)"/>
    public (double LogZ, double LogZError, double EffectiveSamples) Explore(TransportProblem problem)
    {
        var trial = Try(problem, null, "");
        return (trial.LogZ, trial.LogZError, trial.Ess * Particles);
    }

    // A mixture over the separate modes that were found, unless a Gaussian base that covers them all does better: it finds as much, and more evenly, with
    // weight about each of the modes.
    private Trial? FromModes()
    {
        if (!fromModes || target.Base.Modes is not { Modes.Count: > 1 } found)
        {
            return null;
        }

        var mixture = BaseFit.Mixture(target, found.Modes, options.BaseInflation) with { Guard = _guard.Value };
        var trial = Try(mixture, mixture.StartCurvature, $"Gaussians at {found}");
        var plain = Best([.. StartingBases().Select(c => Try(Plain(c.Base), null, c.Source))]);
        var positions = plain.Problem.ToPositions(NdArray<double>.From(plain.Positions, Particles, target.Dimension));
        return ReferenceEquals(Best([plain, trial]), trial) || found.Lost(positions, plain.Weights, plain.LogZ) is not null ? trial : null;
    }

    private LaplaceApproximation Laplace() => LaplaceApproximation.TryFind(target)
        ?? throw new ArgumentException(
            $"The option 'base' is laplace, but no mode of '{target.Name}' was found from the origin; choose automatic or isotropic.");

    private IEnumerable<(GaussianBase Base, string Source)> StartingBases()
    {
        var suggestion = target.Base;
        yield return (suggestion.ToGaussian(options.BaseInflation), suggestion.Source);
        yield return (suggestion.ToGaussian(3 * options.BaseInflation), $"{suggestion.Source}, widened 3 times");
    }

    private static Trial Best(IReadOnlyList<Trial> trials)
    {
        // A base that misses mass finds a lower log Z, however even its weights are.
        var reliable = trials.Where(t => t.Ess * Particles > 20).ToList();
        var most = reliable.Count > 0 ? reliable.Max(t => t.LogZ - (3 * t.LogZError)) : double.NegativeInfinity;
        return (reliable.Count > 0 ? reliable.Where(t => t.LogZ + (3 * t.LogZError) + 0.2 >= most) : trials).MaxBy(t => t.Ess)!;
    }

    // Refits to the weighted moments while the weights get more even and no mass is lost.
    private Trial Refit(Trial best)
    {
        for (var k = 0; k < Refits && run.HasTime; k++)
        {
            if (best.Ess == 0 || BaseFit.Gaussian(best.Problem, best.Positions, best.Weights, options.BaseInflation) is not { } fitted)
            {
                break;
            }

            var trial = Try(Plain(fitted), best.Problem.Stiffness, "Gaussian fitted by annealed importance sampling");
            if (!ReferenceEquals(Best([best, trial]), trial))
            {
                break;
            }

            best = trial;
        }

        return best;
    }

    // Bent coordinates found by importance sampling from each of the starts, if annealed importance sampling does clearly better in them.
    private Trial Bend(Trial best)
    {
        if (target.Dimension is < 2 or > LargestBentDimension || best.Ess > (options.EnoughEss < 1 ? EvenOnOnePath : EvenEnough))
        {
            return best;
        }

        run.Report("search for bent coordinates");
        foreach (var start in StartingBases().Select(c => Plain(c.Base)).Append(best.Problem))
        {
            if (BentSearch.Find(start, options.BaseInflation, run.Run) is not { } found || found.Ess < BendGain * best.Ess)
            {
                continue;
            }

            var trial = Try(start with { Bend = found.Map }, null, "bent Gaussian found by adaptive importance sampling");
            if (ReferenceEquals(Best([best, trial]), trial) && trial.Ess >= BendGain * best.Ess)
            {
                best = trial;
            }

            if (best.Ess > EvenEnough || !run.HasTime)
            {
                break;
            }
        }

        return best;
    }

    // Bends the coordinates so that parabolic ridges and funnels become straight, if annealed importance sampling then does clearly better.
    private Trial Straighten(Trial best)
    {
        var d = target.Dimension;
        for (var k = 0; k < Bends && run.HasTime && d is > 1 and <= LargestBentDimension && best.Ess * Particles > FewestForBend * d; k++)
        {
            if (BaseFit.Bend(best.Problem, best.Positions, best.Weights, options.BaseInflation) is not { } bend)
            {
                break;
            }

            var trial = Try(best.Problem with { Bend = bend }, null, "bent Gaussian fitted by annealed importance sampling");
            if (!ReferenceEquals(Best([best, trial]), trial) || (best.Problem.Bend is null && trial.Ess < BendGain * best.Ess))
            {
                break;
            }

            best = trial;
        }

        return best;
    }

    private TransportProblem Plain(GaussianBase gaussian) => new()
    {
        Target = target,
        Base = gaussian,
        Offset = 0,
        TargetExponent = 1,
        BaseExponent = 1,
        Stiffness = 1,
        TargetBox = new double[target.Dimension],
        Source = "",
        Guard = _guard.Value,
    };

    private List<Trial> Paths(Trial best)
    {
        var (chosen, stiffness, source) = (best.Problem, best.Problem.Stiffness, best.Problem.Source);
        if (options.TargetExponent is not null || options.BaseExponent is not null)
        {
            return [Try(chosen, stiffness, source, options.TargetExponent ?? 1, options.BaseExponent ?? 1)];
        }

        if (options.EnoughEss < 1 && best.Ess >= EvenOnOnePath)
        {
            return [best with { Problem = best.Problem with { IsEven = true } }];
        }

        if (!run.HasTime)
        {
            return [best];
        }

        List<Trial> trials = [best, .. s_exponents.Select(e => Try(chosen, stiffness, source, e.Target, e.Base))];
        if (chosen is { Bend: null, Start: null })
        {
            // Thin tails, as of a quartic, want a base a little narrower than the target: what starts far out must be fetched in no time.
            var narrow = chosen with { Base = chosen.Base.Inflate(NarrowInflation / options.BaseInflation) };
            trials.Add(Try(narrow, stiffness, $"{source}, narrowed", 2, 1));
        }

        var most = trials.Max(t => t.Ess);
        trials.RemoveAll(t => t.Ess < HopelessShare * most);
        return trials;
    }

    private Trial Try(TransportProblem start, double? stiffness, string source, double targetExponent = 1, double baseExponent = 1)
    {
        run.Report("annealed importance sampling");
        var problem = start with { Offset = 0, TargetExponent = targetExponent, BaseExponent = baseExponent, Source = source };
        using var sde = TransportSde.Forward<T>(
            problem.Path(), null, null, SdeScheme.EulerMaruyama, Particles, SamplingStreams.PreparationStart, SamplingStreams.PreparationNoise, run.Execution);
        using var evaluation = new TargetEvaluation(problem, run.Execution);
        Trial? best = null;
        foreach (var guess in stiffness is { } known ? [known, .. s_firstStiffness] : s_firstStiffness)
        {
            var trial = Anneal(problem with { Stiffness = guess }, sde, evaluation);
            best = best is null || trial.Ess > best.Ess ? trial : best;
        }

        // The measured curvature of the best run is tried too; its numbers are kept in any case.
        var measured = Anneal(best!.Problem, sde, evaluation);
        TargetCalls += sde.TargetCalls + evaluation.TargetCalls;
        return measured.Ess >= best.Ess ? measured : best;
    }

    private Trial Anneal(TransportProblem problem, ParticleWalk<T> sde, TargetEvaluation evaluation)
    {
        var draw = new DrawKey(run.Seed, Steps * _attempt++);
        sde.Start(null, Particles, draw);
        var start = problem.LogBase(sde.Positions, Particles);
        sde.Advance(null, Particles, new TimeGrid(0, Steps, Steps, (t, next) => problem.Diffusion(LangevinStep, t, next)), draw);
        var (end, _) = evaluation.At(sde.Positions, Particles);
        var d = target.Dimension;
        var positions = new double[Particles * d];
        var logWeights = new double[Particles];
        for (var i = 0; i < Particles; i++)
        {
            logWeights[i] = end[i] - start[i] + double.CreateChecked(sde["gain"][i]);
            var finite = double.IsFinite(logWeights[i]);
            for (var j = 0; j < d; j++)
            {
                positions[(i * d) + j] = finite ? double.CreateChecked(sde.Positions[(i * d) + j]) : 0;
            }

            logWeights[i] = finite ? logWeights[i] : double.NegativeInfinity;
        }

        if (logWeights.All(double.IsNegativeInfinity))
        {
            return new Trial(problem, double.NegativeInfinity, double.PositiveInfinity, 0, positions, new double[Particles]);
        }

        var weights = ImportanceWeights.FromLogWeights(logWeights);
        double[] normalised = [.. weights.Normalised];
        var stiffness = 0.0;
        var box = new double[d];
        for (var i = 0; i < Particles; i++)
        {
            if (normalised[i] < 1e-3 / Particles)
            {
                continue;
            }

            foreach (var s in sde["score"].Row(i))
            {
                stiffness += normalised[i] / d * double.CreateChecked(s * s);
            }

            for (var j = 0; j < d; j++)
            {
                box[j] = Math.Max(box[j], Math.Abs(positions[(i * d) + j]));
            }
        }

        return new Trial(
            problem with { Stiffness = Math.Max(stiffness, 0.1), TargetBox = [.. box.Select(b => Math.Clamp(1.1 * b, 1, 8))] },
            weights.LogNormaliser,
            weights.LogNormaliserError,
            weights.EffectiveSampleFraction,
            positions,
            normalised);
    }

    private sealed record Trial(TransportProblem Problem, double LogZ, double LogZError, double Ess, double[] Positions, double[] Weights);
}
