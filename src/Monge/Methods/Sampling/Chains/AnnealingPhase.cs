using Monge.MonteCarlo;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>Particles on their way through temperatures, as a phase of a run.</summary>
/// <param name="particles">The particles.</param>
/// <param name="temperatures">How many there are; null if they are found on the way.</param>
internal sealed class AnnealingPhase(SequentialMonteCarlo particles, int? temperatures = null) : IIterative
{
    private const double LeastShare = 0.01;
    private const double MostSteps = 1e6;

    /// <inheritdoc/>
    public void Init() => particles.Start();

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        particles.Step((int)iteration);
        return new StepInfo();
    }

    /// <inheritdoc/>
    public long Total(long iteration, long total) => temperatures
        ?? (particles.Beta == 1 ? iteration : Math.Max(iteration + 1, (long)Math.Min(iteration / Math.Max(particles.Beta, LeastShare), MostSteps)));

    /// <inheritdoc/>
    public void Exchange(RunState state) => particles.Exchange((name, values) => state.Exchange<double>(name, values));
}
