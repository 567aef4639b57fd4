using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>What is known of a target, exactly or from a reference run. What isn't known is null.</summary>
public sealed record TargetFacts
{
    /// <summary>Nothing is known.</summary>
    public static TargetFacts None { get; } = new();

    /// <summary>The logarithm of the integral of the unnormalised density; for a posterior, the log evidence.</summary>
    public double? LogZ { get; init; }

    /// <summary>The standard error of <see cref="LogZ"/>; 0 if it is exact or known to all digits given.</summary>
    public double LogZError { get; init; }

    /// <summary>Where <see cref="LogZ"/> comes from.</summary>
    public string? LogZSource { get; init; }

    /// <summary>Means and standard deviations of the reported coordinates.</summary>
    public ReferenceMoments? Moments { get; init; }

    /// <summary>The means of the reported coordinates.</summary>
    public double[]? Mean => Moments?.Mean;

    /// <summary>The standard deviations of the reported coordinates.</summary>
    public double[]? StandardDeviation => Moments?.StandardDeviation;

    /// <summary>The modes with their exact weights.</summary>
    public ModeSet? Modes { get; init; }

    /// <summary>Draws n independent exact samples, [n * d] row-major, in unconstrained coordinates.</summary>
    public Func<int, RandomStream, double[]>? ExactSampler { get; init; }
}

/// <summary>Reference means and standard deviations, in reported coordinates.</summary>
/// <param name="Mean">The means.</param>
/// <param name="StandardDeviation">The standard deviations; infinite where there is none.</param>
/// <param name="Source">Where they come from.</param>
public sealed record ReferenceMoments(double[] Mean, double[] StandardDeviation, string Source)
{
    /// <summary>Monte Carlo standard errors of the means; null if the means are exact.</summary>
    public double[]? MeanError { get; init; }

    /// <summary>Monte Carlo standard errors of the standard deviations; null if they are exact or no error is published.</summary>
    public double[]? StandardDeviationError { get; init; }
}
