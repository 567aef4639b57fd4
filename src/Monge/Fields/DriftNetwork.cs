using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// A drift b(x, t) on R^d: a perceptron on the position whose every layer also sees features of time, plus an affine part
/// s(t) * x + m(t) (elementwise) that carries the bulk. The last layers start at zero, so training starts from the field 0.
/// </summary>
public sealed class DriftNetwork : IVectorField
{
    private const int TimeWidth = 32;
    private readonly int _depth;
    private readonly int _frequencies;
    private readonly Expr[] _weights;
    private readonly Expr[] _timeWeights;
    private readonly Expr[] _biases;
    private readonly Expr _last;
    private readonly TimeNetwork _affine;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="dimension">d.</param>
    /// <param name="width">Units of a hidden layer.</param>
    /// <param name="depth">Hidden layers.</param>
    /// <param name="frequencies">Frequencies of the time features.</param>
    public DriftNetwork(ParameterSet parameters, ParameterInitializer initializer, int dimension, int width, int depth, int frequencies = 4)
    {
        Dimension = dimension;
        _depth = depth;
        _frequencies = frequencies;
        var features = TimeFeatures.Count(frequencies);
        _weights = new Expr[depth];
        _timeWeights = new Expr[depth];
        _biases = new Expr[depth];
        for (var layer = 0; layer < depth; layer++)
        {
            var inputs = layer == 0 ? dimension : width;
            _weights[layer] = initializer.Add(parameters, $"drift.{layer}.weight", (layer == 0 ? 1.5 : 1.3) / Math.Sqrt(inputs), width, inputs);
            _timeWeights[layer] = initializer.Add(parameters, $"drift.{layer}.time", 1 / Math.Sqrt(features), width, features);
            _biases[layer] = initializer.Add(parameters, $"drift.{layer}.bias", layer == 0 ? 0.5 : 0, width);
        }

        _last = initializer.Add(parameters, $"drift.{depth}.weight", 0, dimension, width);
        _affine = new TimeNetwork(parameters, initializer, "drift.affine", 2 * dimension, TimeWidth, frequencies);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t) => new FormulaField(Dimension, Apply).WithDivergence(x, t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes) => new FormulaField(Dimension, Apply).WithDivergenceEstimates(x, t, probes);

    /// <summary>The drift [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr Apply(Expr x, Expr t)
    {
        var time = TimeFeatures.Of(t, _frequencies);
        var hidden = x;
        for (var layer = 0; layer < _depth; layer++)
        {
            var sum = Expr.MatrixProduct(_weights[layer], hidden) + (Expr.MatrixProduct(_timeWeights[layer], time) + _biases[layer]);
            hidden = sum.Tanh();
        }

        var affine = _affine.Apply(t);
        return Expr.MatrixProduct(_last, hidden) + (affine[..Dimension] * x) + affine[Dimension..];
    }
}
