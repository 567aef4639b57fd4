using Monge.Data;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>Everything about a model but its parameters.</summary>
internal sealed record FlowDescription(
    InterpolantOptions Options,
    InterpolantKind Form,
    IReadOnlyList<string> Columns,
    IReadOnlyList<Condition> Conditions,
    Standardisation Standardisation,
    EndMoments Moments,
    bool HasGaussianBase,
    FitReport Report)
{
    /// <summary>The fields with parameters declared anew.</summary>
    public InterpolantFields NewFields(ParameterSet parameters, ParameterInitializer? initializer = null) =>
        Options.NewFields(parameters, initializer ?? new ParameterInitializer(), Form, Conditions.Sum(c => c.Inputs), Moments, Mixture);

    /// <summary>The base, if it is a Gaussian mixture.</summary>
    public MixtureBase? Mixture { get; init; }
}
