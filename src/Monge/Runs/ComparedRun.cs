namespace Monge.Runs;

/// <summary>A run of one of several methods on the same problem.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Result">What came out; null where the run broke off.</param>
/// <param name="Elapsed">The time that the method took, without what is told of its result.</param>
public sealed record ComparedRun(string Method, IRunResult? Result, TimeSpan Elapsed)
{
    /// <summary>Why the run broke off, in a sentence; null where it didn't.</summary>
    public string? Failure { get; init; }
}
