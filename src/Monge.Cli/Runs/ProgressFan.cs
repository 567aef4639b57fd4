using Monge.Training;

namespace Monge.Cli.Runs;

/// <summary>Hands each report to several receivers, on the thread that reports.</summary>
internal sealed class ProgressFan(params Action<TrainingProgress>[] receivers) : IProgress<TrainingProgress>
{
    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        foreach (var receiver in receivers)
        {
            receiver(value);
        }
    }
}
