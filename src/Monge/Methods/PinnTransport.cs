using Monge.Measures;
using Monge.Training;

namespace Monge.Methods;

/// <summary>Placeholder body until the trainer lands in the next commit of this branch.</summary>
public sealed class PinnTransport : ISamplingMethod
{
    /// <summary>Binds the method to a density.</summary>
    public PinnTransport(Density target, PinnOptions? options = null)
    {
        Target = target;
        ResolvedOptions = options ?? new PinnOptions();
        ResolvedOptions.Validate();
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options.</summary>
    public PinnOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Options => MethodOptions.Format(ResolvedOptions);

    /// <summary>Options from the settings.</summary>
    public static PinnOptions Resolve(MethodSettings settings)
    {
        var options = settings.Options is { } json ? PinnOptions.Parse(json) : new PinnOptions();
        return options with
        {
            Iterations = settings.Iterations ?? (settings.Budget is null ? options.Iterations : null),
            Budget = settings.Budget ?? (settings.Iterations is null ? options.Budget : null),
            Threads = settings.Threads ?? options.Threads,
            Precision = settings.Precision ?? options.Precision,
        };
    }

    /// <summary>Trains and samples.</summary>
    public Task<SampleSet> SampleAsync(int samples, ulong seed, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Run(() => Run(new SamplingRequest(samples, seed) { Progress = progress }, cancellation), cancellation);

    /// <inheritdoc/>
    public SampleSet Run(SamplingRequest request, CancellationToken cancellation) => throw new NotSupportedException($"Sampling '{Target.Name}' is not built in yet.");
}
