using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// A scalar function phi(x, t) on R^d: a perceptron of tanh units on the position whose every layer also sees features of time, smooth to all orders so that its
/// Laplacian may be trained. The last layer starts at zero, so training starts from the function 0.
/// </summary>
public sealed class ScalarNetwork
{
    private readonly int _frequencies;
    private readonly Expr[] _weights;
    private readonly Expr[] _timeWeights;
    private readonly Expr[] _biases;
    private readonly Expr _last;
    private readonly Expr _lastBias;
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
        ParameterSet parameters, ParameterInitializer initializer, string name, int dimension, int width, int depth, int frequencies = 4, bool quadratic = false,
        int quadraticWidth = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        (Dimension, _frequencies) = (dimension, frequencies);
        var features = TimeFeatures.Count(frequencies);
        (_weights, _timeWeights, _biases) = (new Expr[depth], new Expr[depth], new Expr[depth]);
        for (var layer = 0; layer < depth; layer++)
        {
            var inputs = layer == 0 ? dimension : width;
            _weights[layer] = initializer.Add(parameters, $"{name}.{layer}.weight", 1 / Math.Sqrt(inputs), width, inputs);
            _timeWeights[layer] = initializer.Add(parameters, $"{name}.{layer}.time", 1 / Math.Sqrt(features), width, features);
            _biases[layer] = initializer.Add(parameters, $"{name}.{layer}.bias", layer == 0 ? 1 : 0, width);
        }

        _last = initializer.Add(parameters, $"{name}.{depth}.weight", 0, width);
        _lastBias = initializer.Add(parameters, $"{name}.{depth}.bias", 0);
        _quadratic = quadratic ? new TimeNetwork(parameters, initializer, $"{name}.quadratic", 2 * dimension, quadraticWidth, frequencies) : null;
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>The value, a scalar.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr Apply(Expr x, Expr t)
    {
        var time = TimeFeatures.Of(t, _frequencies);
        var hidden = x;
        for (var layer = 0; layer < _weights.Length; layer++)
        {
            var sum = Expr.MatrixProduct(_weights[layer], hidden) + (Expr.MatrixProduct(_timeWeights[layer], time) + _biases[layer]);
            hidden = sum.Tanh();
        }

        var value = Expr.Dot(_last, hidden) + _lastBias;
        if (_quadratic is null)
        {
            return value;
        }

        var coefficients = _quadratic.Apply(t);
        return value + (0.5 * Expr.Dot(coefficients[..Dimension], x.Square())) + Expr.Dot(coefficients[Dimension..], x);
    }
}
