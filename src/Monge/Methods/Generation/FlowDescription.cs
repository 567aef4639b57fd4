using Monge.Data;

namespace Monge.Methods;

/// <summary>Everything about a model but its parameters.</summary>
internal sealed record FlowDescription(
    InterpolantOptions Options,
    InterpolantForm Form,
    IReadOnlyList<string> Columns,
    IReadOnlyList<FlowCondition> Conditions,
    Standardisation Standardisation,
    EndMoments Moments,
    bool HasGaussianBase,
    FitReport Report)
{
    /// <summary>The fields with parameters declared anew.</summary>
    public FlowFields NewFields() => new(Options, Form, Columns.Count, Conditions.Sum(c => c.Inputs), Moments, Mixture);

    /// <summary>The base, if it is a Gaussian mixture.</summary>
    public FlowMixture? Mixture { get; init; }
}
