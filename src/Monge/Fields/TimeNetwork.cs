using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>A function of time alone with values in R^m: one hidden layer of tanh units on the time features, zero at the start.</summary>
public sealed class TimeNetwork
{
    private readonly int _frequencies;
    private readonly Expr _first;
    private readonly Expr _firstBias;
    private readonly Expr _last;
    private readonly Expr _lastBias;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="outputs">m.</param>
    /// <param name="width">Hidden units.</param>
    /// <param name="frequencies">Frequencies of the time features.</param>
    public TimeNetwork(ParameterSet parameters, ParameterInitializer initializer, string name, int outputs, int width, int frequencies = 4)
    {
        _frequencies = frequencies;
        var features = TimeFeatures.Count(frequencies);
        _first = initializer.Add(parameters, $"{name}.0.weight", 1.5 / Math.Sqrt(features), width, features);
        _firstBias = initializer.Add(parameters, $"{name}.0.bias", 0.5, width);
        _last = initializer.Add(parameters, $"{name}.1.weight", 0, outputs, width);
        _lastBias = initializer.Add(parameters, $"{name}.1.bias", 0, outputs);
    }

    /// <summary>The values [m] at a scalar time.</summary>
    public Expr Apply(Expr t)
    {
        var hidden = (Expr.MatrixProduct(_first, TimeFeatures.Of(t, _frequencies)) + _firstBias).Tanh();
        return Expr.MatrixProduct(_last, hidden) + _lastBias;
    }
}
