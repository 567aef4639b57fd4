namespace Monge.Training;

/// <summary>Where a run stands; reported several times a second at most.</summary>
/// <param name="Iteration">Steps taken.</param>
/// <param name="TotalIterations">Steps planned; 0 if they aren't counted.</param>
/// <param name="Loss">The loss, averaged over the steps since the last report; not a number before the first step, or without one.</param>
/// <param name="Elapsed">Time since the start, over all resumed parts.</param>
/// <param name="Remaining">Estimate of the time left.</param>
/// <param name="Phase">What is being done, such as "prepare", "train" or "sample".</param>
/// <param name="Detail">What within it, in a few words; null for nothing to add.</param>
public readonly record struct TrainingProgress(
    long Iteration, long TotalIterations, double Loss, TimeSpan Elapsed, TimeSpan Remaining, string Phase, string? Detail = null)
{
    private readonly IReadOnlyList<Figure>? _figures;

    /// <summary>Whether it tells of the steps of a loop: then it belongs to the course that metrics.csv keeps.</summary>
    public bool IsCourse { get; init; }

    /// <summary>The last of each figure that the algorithm tells; empty before the first.</summary>
    public IReadOnlyList<Figure> Figures
    {
        get => _figures ?? [];
        init => _figures = value;
    }
}
