using Monge.Data;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.OptimalTransport;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>The options of <see cref="InterpolantFit"/>; all have defaults, and load from JSON by <see cref="MethodOptions.Parse{TOptions}"/>.</summary>
public sealed record InterpolantOptions
{
    /// <summary>The schedule, by its name in <see cref="InterpolantSchedules"/>.</summary>
    public string Schedule { get; init; } = "linear";

    /// <summary>The form.</summary>
    public InterpolantKind Form { get; init; }

    /// <summary>The fields that are learned.</summary>
    internal InterpolantFields NewFields(
        ParameterSet parameters, ParameterInitializer initializer, InterpolantKind form, int conditions, EndMoments moments, MixtureBase? mixture)
    {
        var layers = new PerceptronOptions
        {
            Width = Width,
            Depth = Depth,
            Activation = Activation,
            Residual = true,
            LastConditions = true,
            BiasLast = true,
        };
        Func<Expr, Expr, Expr> Network(string name, int inputs, int outputs)
        {
            var network = new Perceptron(parameters, initializer, name, inputs, outputs, layers, PerceptronCondition.Time(Frequencies));
            return (x, t) => network.Apply(x, t);
        }

        var interpolant = new Interpolant(InterpolantSchedules.Get(Schedule), form);
        return new InterpolantFields(interpolant, Learn, moments, Network, conditions, mixture, SharedNetwork, TimeMargin);
    }

    private static void Require(bool holds, string name, double value, string wanted)
    {
        if (!holds)
        {
            var option = char.ToLowerInvariant(name[0]) + name[1..];
            throw new ArgumentOutOfRangeException(null, FormattableString.Invariant($"The option '{option}' is {value}; it must be {wanted}."));
        }
    }
}
