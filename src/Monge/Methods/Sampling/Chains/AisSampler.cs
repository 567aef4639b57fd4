using System.Diagnostics;
using System.Globalization;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by annealed importance sampling: independent particles are carried from a Gaussian to the density through temperatures, each with its own weight to
/// the end, so that the estimate of Z is unbiased. Temperatures, metrics and step sizes come from a pilot run of sequential Monte Carlo. Source: R. Neal,
/// "Annealed importance sampling", Statistics and Computing 11 (2001).
/// </summary>
public sealed class AisSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "ais";

    // Another seed than the pilot's, whose particles must not be those that are weighted.
    private const ulong OtherSeed = 0xA15;

    private readonly Density _target;
    private readonly AisOptions _options;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public AisSampler(Density target, AisOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        (_target, _options) = (target, options ?? new AisOptions());
        _options.Check();
    }

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public IMethodOptions Options => _options;

    /// <inheritdoc/>
    /// <remarks>As many particles as are asked for, or so many more that all islands are of one size.</remarks>
    /// <exception cref="ArgumentException">The particles are more than an array can hold.</exception>
    public SampleSet Sample(int samples, Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        _target.CheckTails(run.Cancellation);
        var (particles, islands) = Islands.Sizes(_target, _options.Particles ?? samples, _options.Islands);
        var session = new RunSession(run, new RunIdentity(
            MethodName, [.. SamplingMethods.Identity(_target), ("particles", particles.ToString(CultureInfo.InvariantCulture))], _options));
        var clock = Stopwatch.StartNew();
        session.Report("base");
        var start = TemperedStart.Find(_target, _options.Tempering, run);
        var (pilot, plan) = TemperedPilot.Run(session, _target, start, _options.Tempering, TemperedPilot.Particles);
        using var disposed = pilot;
        var (pilotSeconds, stages) = (clock.Elapsed.TotalSeconds, Divide(pilot.Stages, _options.Temperatures));
        using var ais = new SequentialMonteCarlo(
            _target, start.LogDensity, start.Sample, plan with { Particles = particles, Islands = islands }, stages, run.Seed ^ OtherSeed, run.Threads);
        session.Iterate("anneal", new AnnealingPhase(ais, stages.Count), stages.Count, validations: 1);
        var draws = Islands.Samples(_target, ais, islands, MethodName, _options, "annealed importance sampling", start, run.Seed);
        return draws with
        {
            TargetCalls = draws.TargetCalls + pilot.TargetCalls,
            TrainSeconds = pilotSeconds,
            SampleSeconds = clock.Elapsed.TotalSeconds - pilotSeconds,
        };
    }

    // Temperatures between those of the stages, as many of each so that there are enough; between two of them moves are those of the later one.
    private static List<TemperedStage> Divide(IReadOnlyList<TemperedStage> stages, int least)
    {
        var (parts, before, result) = ((least + stages.Count - 1) / stages.Count, 0.0, new List<TemperedStage>());
        foreach (var stage in stages)
        {
            for (var k = 1; k <= parts; k++)
            {
                result.Add(k == parts ? stage : stage with { Beta = before + ((stage.Beta - before) * k / parts) });
            }

            before = stage.Beta;
        }

        return result;
    }
}
