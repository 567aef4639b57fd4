using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>The nonlinearity of a network's hidden layers; smooth ones only, as likelihoods need derivatives of fields.</summary>
public enum Activation
{
    /// <summary>x sigmoid(x).</summary>
    Silu,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh,

    /// <summary>x Phi(x), Phi the normal distribution function.</summary>
    Gelu,
}

/// <summary>
/// A perceptron in (x, t) whose every layer sees features of time and whose layers after the first add to what they receive (He et al., arXiv:1512.03385).
/// The last layer starts at zero, so training starts from the function 0.
/// </summary>
public sealed class FlowNetwork
{
    private readonly int _frequencies;
    private readonly Activation _activation;
    private readonly (Expr Weight, Expr Time, Expr Bias)[] _layers;
    private readonly Expr _last;
    private readonly Expr _lastTime;
    private readonly Expr _lastBias;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="inputs">Length of x.</param>
    /// <param name="outputs">Length of the value.</param>
    /// <param name="width">Units of a hidden layer.</param>
    /// <param name="depth">Hidden layers, at least 1.</param>
    /// <param name="frequencies">Frequencies of the time features.</param>
    /// <param name="activation">The nonlinearity.</param>
    public FlowNetwork(
        ParameterSet parameters, ParameterInitializer initializer, string name, int inputs, int outputs, int width, int depth, int frequencies = 4, Activation activation = Activation.Silu)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        (_frequencies, _activation) = (frequencies, activation);
        var features = TimeFeatures.Count(frequencies);
        _layers = new (Expr, Expr, Expr)[depth];
        for (var layer = 0; layer < depth; layer++)
        {
            var from = layer == 0 ? inputs : width;
            _layers[layer] = (
                initializer.Add(parameters, $"{name}.{layer}.weight", 1.4 / Math.Sqrt(from), width, from),
                initializer.Add(parameters, $"{name}.{layer}.time", 1 / Math.Sqrt(features), width, features),
                initializer.Add(parameters, $"{name}.{layer}.bias", layer == 0 ? 0.5 : 0, width));
        }

        _last = initializer.Add(parameters, $"{name}.{depth}.weight", 0, outputs, width);
        _lastTime = initializer.Add(parameters, $"{name}.{depth}.time", 0, outputs, features);
        _lastBias = initializer.Add(parameters, $"{name}.{depth}.bias", 0, outputs);
    }

    /// <summary>The value [outputs].</summary>
    /// <param name="x">The input [inputs].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr Apply(Expr x, Expr t)
    {
        var time = TimeFeatures.Of(t, _frequencies);
        var hidden = x;
        for (var layer = 0; layer < _layers.Length; layer++)
        {
            var (weight, timeWeight, bias) = _layers[layer];
            var value = Activate(Expr.MatrixProduct(weight, hidden) + Expr.MatrixProduct(timeWeight, time) + bias);
            hidden = layer == 0 ? value : hidden + value;
        }

        return Expr.MatrixProduct(_last, hidden) + Expr.MatrixProduct(_lastTime, time) + _lastBias;
    }

    private Expr Activate(Expr value) => _activation switch
    {
        Activation.Tanh => value.Tanh(),
        Activation.Gelu => value.Gelu(),
        _ => value.Silu(),
    };
}
