using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Data to learn from.</summary>
/// <param name="Data">The rows and the base.</param>
public sealed record FitProblem(FlowData Data);

/// <summary>The fit of an interpolant, bound to data and options.</summary>
/// <param name="data">The rows and the base.</param>
/// <param name="options">Options.</param>
internal sealed class BoundFit(FlowData data, InterpolantOptions options) : IMethod<FlowModel>
{
    public IMethodOptions Options => options;

    public FlowModel Run(Run run) => InterpolantFit.Run(
        data,
        options,
        new FitSettings
        {
            Seed = run.Seed,
            Threads = run.Threads,
            Budget = options.Budget,
            Checkpoint = run.Folder is { } folder ? Path.Combine(folder, RunSession.CheckpointName) : null,
            Resume = run.Resume,
            Progress = run.Progress,
        },
        run.Cancellation);
}
