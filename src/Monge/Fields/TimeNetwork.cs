using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>A function of time alone with values in R^m: one hidden layer of tanh units on the time features, zero at the start.</summary>
/// <param name="parameters">The set to which the network's parameters are added.</param>
/// <param name="initializer">Receives how they start.</param>
/// <param name="name">What the parameters' names begin with.</param>
/// <param name="outputs">m.</param>
/// <param name="width">Hidden units.</param>
/// <param name="frequencies">Frequencies of the time features.</param>
public sealed class TimeNetwork(ParameterSet parameters, ParameterInitializer initializer, string name, int outputs, int width, int frequencies = 4)
{
    private readonly Perceptron _perceptron = new(
        parameters,
        initializer,
        name,
        TimeFeatures.Count(frequencies),
        outputs,
        new PerceptronOptions { Width = width, Depth = 1, Activation = Activation.Tanh, FirstScale = 1.5 });

    /// <summary>The values [m] at a scalar time.</summary>
    public Expr Apply(Expr t) => _perceptron.Apply(TimeFeatures.Of(t, frequencies));
}
