namespace Monge.Training;

/// <summary>A named number that an algorithm tells while it runs: a column of metrics.csv and a line of the live display.</summary>
/// <param name="Name">Its name in files, such as "validation_ess"; letters, digits and underscores.</param>
/// <param name="Words">What it is, for a person, such as "ESS".</param>
/// <param name="Value">The number.</param>
/// <param name="IsShare">Whether it is a share of 1, shown in per cent.</param>
public sealed record Figure(string Name, string Words, double Value, bool IsShare = false)
{
    /// <summary>The effective sample size (fraction) on a validation batch.</summary>
    public static Figure ValidationEss(double share) => new("validation_ess", "ESS", share, IsShare: true);

    /// <summary>The loss on held-out data.</summary>
    public static Figure ValidationLoss(double loss) => new("validation_loss", "held out", loss);
}
