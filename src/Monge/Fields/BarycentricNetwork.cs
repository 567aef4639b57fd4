using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// The fields g_k(a, x) of a barycentric interpolant as one perceptron with a head for each law (arXiv:2310.03695). A head is what it would be for standard normal laws,
/// a_k x / |a|^2, plus (1 - a_k) times the perceptron's output, so at its own vertex it returns x exactly. The perceptron sees x / |a|, since the law's spread goes with |a|.
/// </summary>
public sealed class BarycentricNetwork
{
    private readonly Expr[] _weights;
    private readonly Expr[] _biases;
    private readonly Expr[] _vertexWeights;
    private readonly Expr _last;
    private readonly Expr _lastBias;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="dimension">d.</param>
    /// <param name="count">The number of laws K + 1.</param>
    /// <param name="width">Units of a hidden layer.</param>
    /// <param name="depth">Hidden layers, at least 1.</param>
    public BarycentricNetwork(ParameterSet parameters, ParameterInitializer initializer, int dimension, int count, int width, int depth)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        (Dimension, Count) = (dimension, count);
        (_weights, _biases, _vertexWeights) = (new Expr[depth], new Expr[depth], new Expr[depth]);
        for (var layer = 0; layer < depth; layer++)
        {
            var inputs = layer == 0 ? dimension : width;
            _weights[layer] = initializer.Add(parameters, $"heads.{layer}.weight", 1.3 / Math.Sqrt(inputs), width, inputs);
            _vertexWeights[layer] = initializer.Add(parameters, $"heads.{layer}.vertices", 1.3 / Math.Sqrt(count), width, count);
            _biases[layer] = initializer.Add(parameters, $"heads.{layer}.bias", layer == 0 ? 0.5 : 0, width);
        }

        _last = initializer.Add(parameters, $"heads.{depth}.weight", 0, dimension * count, width);
        _lastBias = initializer.Add(parameters, $"heads.{depth}.bias", 0, dimension * count);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>The number of laws.</summary>
    public int Count { get; }

    /// <summary>g_k(a, x), each [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="weights">a [K + 1].</param>
    public Expr[] Heads(Expr x, Expr weights)
    {
        var square = weights.SquaredNorm();
        var centred = (2 * weights) - 1;
        var hidden = x / square.Sqrt();
        for (var layer = 0; layer < _weights.Length; layer++)
        {
            hidden = (Expr.MatrixProduct(_weights[layer], hidden) + Expr.MatrixProduct(_vertexWeights[layer], centred) + _biases[layer]).Silu();
        }

        var corrections = Expr.MatrixProduct(_last, hidden) + _lastBias;
        return [.. Enumerable.Range(0, Count).Select(k => (weights[k] / square * x) + ((1 - weights[k]) * corrections[(k * Dimension)..((k + 1) * Dimension)]))];
    }
}
