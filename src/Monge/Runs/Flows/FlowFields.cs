using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>
/// The fields of a fitted transport in the model's coordinates. Each is made for a condition [c + 1], the last entry 1 (or all 0 to hide it); null without
/// conditions, and to hide them.
/// </summary>
/// <param name="Velocity">b, along whose ODE rows are carried from the base at t = 0 to the data at t = 1.</param>
public sealed record FlowFields(Func<Expr?, IVectorField> Velocity)
{
    /// <summary>The score; null if it isn't known, and then there is no SDE.</summary>
    public FlowScore? Score { get; init; }

    /// <summary>The standard deviation of a Gaussian base in the model's coordinates.</summary>
    public double BaseScale { get; init; } = 1;

    /// <summary>Whether the fields have learned to do without the condition.</summary>
    public bool CanHideConditions { get; init; }

    /// <summary>Whether both ends have the data's law, so that rows drawn from the base say nothing, and neither do log densities.</summary>
    public bool IsMirror { get; init; }

    /// <summary>What is said of the fields, such as "linear path"; null for the method's name.</summary>
    public string? Description { get; init; }
}

/// <summary>The score of a fitted transport, and how much noise its path holds.</summary>
/// <param name="Field">The gradient of the log density at t, made for a condition as <see cref="FlowFields"/> says.</param>
/// <param name="NoiseScale">The scale of the noise in x_t at a traced time, by which a diffusion is multiplied that shall vanish with it.</param>
/// <param name="NoiseScaleAt">The same at a number.</param>
public sealed record FlowScore(Func<Expr?, IVectorField> Field, Func<Expr, Expr> NoiseScale, Func<double, double> NoiseScaleAt);

/// <summary>Options of a fit that say which fields its models have: so a model is made, and made again from its file.</summary>
public interface IFlowOptions : IMethodOptions
{
    /// <summary>Declares the fields' parameters, always the same ones in the same order.</summary>
    /// <param name="ends">What the transport leads from and to.</param>
    /// <param name="parameters">Where the parameters are declared.</param>
    /// <param name="initializer">How they start.</param>
    /// <exception cref="ArgumentException">Options and ends don't go together; the message says how.</exception>
    FlowFields NewFields(FlowEnds ends, ParameterSet parameters, ParameterInitializer initializer);
}
