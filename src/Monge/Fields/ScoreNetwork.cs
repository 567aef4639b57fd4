using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>How a <see cref="ScoreNetwork"/> is built.</summary>
public sealed record ScoreNetworkOptions
{
    /// <summary>Units of a hidden layer, at least 1.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Hidden layers, at least 1.</summary>
    public int Depth { get; init; } = 2;

    /// <summary>Whether the network is a scalar whose gradient is taken; otherwise a vector field.</summary>
    public bool IsPotential { get; init; }

    /// <summary>Whether the score of the Gaussian with the law's mean and covariance is added.</summary>
    public bool HasGaussianPart { get; init; } = true;
}

/// <summary>
/// The score of a law with mean m and covariance C = L L^T, seen in the coordinates z = W (x - m), W = L^-1, in which it has mean 0 and covariance I:
/// <code>
/// s(x) = W^T (n(z) - z)                                                                                                                               (1)
/// </code>
/// with a network n, or the gradient of one: of a Gaussian law n = 0 is exact, and n is of order 1 whatever the law's scale. Training starts from n = 0.
/// </summary>
public sealed class ScoreNetwork
{
    private readonly Perceptron _perceptron;
    private readonly ScoreNetworkOptions _options;
    private readonly ParameterBlock[] _last;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">How it is built.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dimension, the width or the depth is below 1.</exception>
    public ScoreNetwork(ParameterSet parameters, ParameterInitializer initializer, string name, int dimension, ScoreNetworkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Depth, 1);
        _options = options;
        var layers = new PerceptronOptions { Width = options.Width, Depth = options.Depth };
        _perceptron = new Perceptron(parameters, initializer, name, dimension, options.IsPotential ? null : dimension, layers);
        _last = [.. parameters.Blocks.Where(b => b.Name.StartsWith($"{name}.{options.Depth}.", StringComparison.Ordinal))];
    }

    /// <summary>d.</summary>
    public int Dimension => _perceptron.Inputs;

    /// <summary>The score (1) [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="mean">m [d].</param>
    /// <param name="whitener">W [d, d].</param>
    public Expr Apply(Expr x, Expr mean, Expr whitener)
    {
        var (learned, gaussian) = Parts(x, mean, whitener);
        return gaussian is null ? learned : learned + gaussian;
    }

    /// <summary>Both parts of the score: the network's W^T n(z) [d], and the Gaussian -W^T z [d], null where there is none.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="mean">m [d].</param>
    /// <param name="whitener">W [d, d].</param>
    public (Expr Learned, Expr? Gaussian) Parts(Expr x, Expr mean, Expr whitener)
    {
        ArgumentNullException.ThrowIfNull(whitener);
        var z = Expr.MatrixProduct(whitener, x - mean);
        var (network, transposed) = (_perceptron.Apply(z), whitener.Transpose(1, 0));
        var learned = _options.IsPotential ? Derivative.Gradient(network, x) : Expr.MatrixProduct(transposed, network);
        return (learned, _options.HasGaussianPart ? -Expr.MatrixProduct(transposed, z) : null);
    }

    /// <summary>Multiplies the network's part by a factor, in its last layer.</summary>
    /// <param name="values">The parameters of the set [P]; changed.</param>
    /// <param name="factor">The factor.</param>
    public void Scale(Span<float> values, float factor)
    {
        foreach (var block in _last)
        {
            foreach (ref var value in values.Slice(block.Offset, block.Shape.Size))
            {
                value *= factor;
            }
        }
    }
}
