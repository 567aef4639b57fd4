using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// A scalar function phi(x, t) on R^d: a perceptron of tanh units on the position whose every layer also sees features of time, smooth to all orders so that
/// its
/// Laplacian may be trained. The last layer starts at zero, so training starts from the function 0.
/// </summary>
public sealed class ScalarNetwork
{
    private readonly Perceptron _perceptron;
    private readonly TimeNetwork? _quadratic;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="dimension">d.</param>
    /// <param name="width">Units of a hidden layer.</param>
    /// <param name="depth">Hidden layers, at least 1.</param>
    /// <param name="frequencies">Frequencies of the time features; 0 leaves t alone.</param>
    /// <param name="quadratic">Whether s(t) . x^2 / 2 + m(t) . x, with s and m from a network of time, is added: the bulk of a Gaussian's move.</param>
    /// <param name="quadraticWidth">Hidden units of that network of time.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dimension, the width or the depth is below 1.</exception>
    public ScalarNetwork(
        ParameterSet parameters, ParameterInitializer initializer, string name, int dimension, int width, int depth,
        int frequencies = 4, bool quadratic = false,
        int quadraticWidth = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        var options = new PerceptronOptions { Width = width, Depth = depth, Activation = Activation.Tanh, FirstScale = 1, HiddenScale = 1, BiasScale = 1 };
        _perceptron = new Perceptron(parameters, initializer, name, dimension, null, options, PerceptronCondition.Time(frequencies));
        _quadratic = quadratic ? new TimeNetwork(parameters, initializer, $"{name}.quadratic", 2 * dimension, quadraticWidth, frequencies) : null;
    }

    /// <summary>d.</summary>
    public int Dimension => _perceptron.Inputs;

    /// <summary>The value, a scalar.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr Apply(Expr x, Expr t)
    {
        var value = _perceptron.Apply(x, t);
        if (_quadratic is null)
        {
            return value;
        }

        var coefficients = _quadratic.Apply(t);
        return value + (0.5 * Expr.Dot(coefficients[..Dimension], x.Square())) + Expr.Dot(coefficients[Dimension..], x);
    }
}
