using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// The fields g_k(a, x) of a barycentric interpolant as one perceptron with a head for each law (arXiv:2310.03695). A head is what it would be for standard
/// normal laws,
/// a_k x / |a|^2, plus (1 - a_k) times the perceptron's output, so at its own vertex it returns x exactly. The perceptron sees x / |a|, since the law's spread
/// goes with |a|.
/// </summary>
public sealed class BarycentricNetwork
{
    private readonly Perceptron _perceptron;

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
        Count = count;
        var options = new PerceptronOptions { Width = width, Depth = depth, FirstScale = 1.3, HiddenScale = 1.3, BiasLast = true };
        var vertices = PerceptronCondition.Vector("vertices", count, 1.3);
        _perceptron = new Perceptron(parameters, initializer, "heads", dimension, dimension * count, options, vertices);
    }

    /// <summary>d.</summary>
    public int Dimension => _perceptron.Inputs;

    /// <summary>The number of laws.</summary>
    public int Count { get; }

    /// <summary>g_k(a, x), each [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="weights">a [K + 1].</param>
    public Expr[] Heads(Expr x, Expr weights)
    {
        var square = weights.SquaredNorm();
        var corrections = _perceptron.Apply(x / square.Sqrt(), (2 * weights) - 1);
        return [.. Enumerable.Range(0, Count).Select(
            k => (weights[k] / square * x) + ((1 - weights[k]) * corrections[(k * Dimension)..((k + 1) * Dimension)]))];
    }
}
