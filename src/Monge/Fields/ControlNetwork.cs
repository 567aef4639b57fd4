using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// A control u(x, t): a perceptron on the position whose first layer is added to a time embedding (a small network on Fourier features), zero at the start and
/// bounded by the clip, plus a gate of time times the volatility times a score bounded by the clip. The architecture of juliusberner/sde_sampler.
/// </summary>
internal sealed class ControlNetwork
{
    private const int Frequencies = 16;
    private readonly Expr _position;
    private readonly Perceptron _time;
    private readonly Perceptron _rest;
    private readonly TimeNetwork? _gate;
    private readonly double _gateStart;
    private readonly Func<Expr, Expr, Expr>? _score;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="dimension">d.</param>
    /// <param name="width">Units of a hidden layer.</param>
    /// <param name="depth">Hidden layers.</param>
    /// <param name="score">The score (x, t) that the gate lets in; null for none.</param>
    /// <param name="gateStart">The gate before training.</param>
    public ControlNetwork(ParameterSet parameters, ParameterInitializer initializer, string name, int dimension, int width, int depth,
        Func<Expr, Expr, Expr>? score, double gateStart)
    {
        _position = initializer.Add(parameters, $"{name}.position", 1.5 / Math.Sqrt(dimension), width, dimension);

        // Two layers on the features; also the first layer's bias.
        var embedding = new PerceptronOptions { Width = width, Depth = 1, Activation = Activation.Gelu, FirstScale = 1, LastScale = 1, LastBiasScale = 0.5 };
        _time = new Perceptron(parameters, initializer, $"{name}.time", TimeFeatures.Count(Frequencies), width, embedding);
        var options = new PerceptronOptions { Width = width, Depth = depth - 1, Activation = Activation.Gelu, BiasScale = 0, FirstNumber = 1 };
        _rest = new Perceptron(parameters, initializer, name, width, dimension, options);
        (_score, _gateStart) = (score, gateStart);
        _gate = score is null ? null : new TimeNetwork(parameters, initializer, $"{name}.gate", 1, width, Frequencies);
    }

    /// <summary>The control [d].</summary>
    public Expr Apply(Expr x, Expr t, Expr volatility, Expr clip)
    {
        var hidden = (Expr.MatrixProduct(_position, x) + _time.Apply(TimeFeatures.Of(t, Frequencies))).Gelu();
        var value = _rest.Apply(hidden).Clamp(-clip, clip);
        return _gate is null ? value : value + ((_gateStart + _gate.Apply(t)[0]) * volatility * _score!(x, t).Clamp(-clip, clip));
    }
}
