using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A small run of sequential Monte Carlo that tells where temperatures lie, and with which metric and step size walkers move there.</summary>
internal static class TemperedPilot
{
    /// <summary>The share of the particles that each of its steps leaves effective.</summary>
    public const double EffectiveShare = 0.9;

    /// <summary>Its particles.</summary>
    public const int Particles = 1024;

    private const int Islands = 4;
    private const int Moves = 8;

    /// <summary>Runs it, or goes on with it.</summary>
    /// <param name="session">The run.</param>
    /// <param name="target">The density.</param>
    /// <param name="start">The law that particles set out from.</param>
    /// <param name="options">How they move.</param>
    /// <param name="states">States that the metric is fitted to, of which a dense one needs many.</param>
    /// <returns>The particles at the target, to be disposed of, and the plan that they had.</returns>
    public static (SequentialMonteCarlo Pilot, TemperingPlan Plan) Run(
        RunSession session, Density target, TemperedStart start, TemperingOptions options, long states)
    {
        var plan = options.Plan(target.Dimension, Particles, Islands, EffectiveShare, Moves, states);
        var pilot = new SequentialMonteCarlo(target, start.LogDensity, start.Sample, plan, null, session.Run.Seed, session.Run.Threads);
        session.Iterate("pilot", new AnnealingPhase(pilot), 1, validations: 1);
        return (pilot, plan);
    }
}
