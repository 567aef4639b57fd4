using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>The last part of a training with one network of all times: each optimiser step on remembered particles of one of them.</summary>
/// <param name="particles">The particles, which have reached the last time.</param>
internal sealed class SbtmReplay(SbtmTraining particles) : IIterative
{
    /// <inheritdoc/>
    public void Init()
    {
        // It goes on where the particles' training ended.
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total) => particles.Replay(iteration, total);

    /// <inheritdoc/>
    public IReadOnlyList<Figure> Validate() => particles.Validate();

    /// <inheritdoc/>
    public void Exchange(RunState state) => particles.Exchange(state);
}
