using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Methods;

/// <summary>
/// A control u(x, t): a perceptron on the position whose first layer is added to a time embedding (a small network on Fourier features), zero at the start and
/// bounded by the clip, plus a gate of time times the volatility times a score bounded by the clip. The architecture of juliusberner/sde_sampler.
/// </summary>
internal sealed class ControlNetwork
{
    private const int Frequencies = 16;
    private readonly Expr _position;
    private readonly TimeEmbedding _time;
    private readonly (Expr Weight, Expr Bias)[] _hidden;
    private readonly Expr _last;
    private readonly Expr _lastBias;
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
    public ControlNetwork(ParameterSet parameters, ParameterInitializer initializer, string name, int dimension, int width, int depth, Func<Expr, Expr, Expr>? score, double gateStart)
    {
        _position = initializer.Add(parameters, $"{name}.position", 1.5 / Math.Sqrt(dimension), width, dimension);
        _time = new TimeEmbedding(parameters, initializer, $"{name}.time", width);
        _hidden = new (Expr, Expr)[depth - 1];
        for (var layer = 0; layer < _hidden.Length; layer++)
        {
            _hidden[layer] = (
                initializer.Add(parameters, $"{name}.{layer + 1}.weight", 1.4 / Math.Sqrt(width), width, width),
                initializer.Add(parameters, $"{name}.{layer + 1}.bias", 0, width));
        }

        _last = initializer.Add(parameters, $"{name}.{depth}.weight", 0, dimension, width);
        _lastBias = initializer.Add(parameters, $"{name}.{depth}.bias", 0, dimension);
        (_score, _gateStart) = (score, gateStart);
        _gate = score is null ? null : new TimeNetwork(parameters, initializer, $"{name}.gate", 1, width, Frequencies);
    }

    /// <summary>The control [d].</summary>
    public Expr Apply(Expr x, Expr t, Expr volatility, Expr clip)
    {
        var hidden = (Expr.MatrixProduct(_position, x) + _time.Apply(t)).Gelu();
        foreach (var (weight, bias) in _hidden)
        {
            hidden = (Expr.MatrixProduct(weight, hidden) + bias).Gelu();
        }

        var value = (Expr.MatrixProduct(_last, hidden) + _lastBias).Clamp(-clip, clip);
        return _gate is null ? value : value + ((_gateStart + _gate.Apply(t)[0]) * volatility * _score!(x, t).Clamp(-clip, clip));
    }

    // Two layers on the features; also the first layer's bias.
    private sealed class TimeEmbedding(ParameterSet parameters, ParameterInitializer initializer, string name, int width)
    {
        private readonly Expr _first = initializer.Add(parameters, $"{name}.0.weight", 1 / Math.Sqrt(TimeFeatures.Count(Frequencies)), width, TimeFeatures.Count(Frequencies));
        private readonly Expr _firstBias = initializer.Add(parameters, $"{name}.0.bias", 0.5, width);
        private readonly Expr _second = initializer.Add(parameters, $"{name}.1.weight", 1 / Math.Sqrt(width), width, width);
        private readonly Expr _secondBias = initializer.Add(parameters, $"{name}.1.bias", 0.5, width);

        public Expr Apply(Expr t)
        {
            var hidden = (Expr.MatrixProduct(_first, TimeFeatures.Of(t, Frequencies)) + _firstBias).Gelu();
            return Expr.MatrixProduct(_second, hidden) + _secondBias;
        }
    }
}
