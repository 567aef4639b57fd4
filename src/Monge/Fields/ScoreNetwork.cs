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

    /// <summary>Whether a free linear function of the drift is added: in its tails a law soon balances its drift, where samples to learn from are
    /// few.</summary>
    public bool HasDriftPart { get; init; }
}

/// <summary>
/// The score of a law with mean m and covariance C = L L^T, seen in the coordinates z = W (x - m), W = L^-1, in which it has mean 0 and covariance I:
/// <code>
/// s(x) = W^T (n(z) + A W b(x, t) - z)                                                                                                                 (1)
/// </code>
/// with a network n, or the gradient of one, and a matrix A for the drift b: of a Gaussian law n = 0 and A = 0 are exact, and n is of order 1 whatever the
/// law's
/// scale. Training starts from there.
/// </summary>
public sealed class ScoreNetwork
{
    private readonly Perceptron _perceptron;
    private readonly ScoreNetworkOptions _options;
    private readonly ParameterBlock[] _last;
    private readonly Expr? _response;

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
        _response = options.HasDriftPart ? initializer.Add(parameters, $"{name}.drift", 0, dimension, dimension) : null;
        _last = [.. parameters.Blocks.Where(b => b.Name == $"{name}.drift" || b.Name.StartsWith($"{name}.{options.Depth}.", StringComparison.Ordinal))];
    }

    /// <summary>d.</summary>
    public int Dimension => _perceptron.Inputs;

    /// <summary>The score (1) [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="mean">m [d].</param>
    /// <param name="whitener">W [d, d].</param>
    /// <param name="drift">b(x, t) [d]; needed for the part of its own alone.</param>
    /// <exception cref="ArgumentException">The drift is needed and missing.</exception>
    public Expr Apply(Expr x, Expr mean, Expr whitener, Expr? drift = null)
    {
        var (learned, gaussian) = Parts(x, mean, whitener, drift);
        return gaussian is null ? learned : learned + gaussian;
    }

    /// <summary>Both parts of the score: the learned W^T (n(z) + A W b) [d], and the Gaussian -W^T z [d], null where there is none.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="mean">m [d].</param>
    /// <param name="whitener">W [d, d].</param>
    /// <param name="drift">b(x, t) [d]; needed for the part of its own alone.</param>
    /// <exception cref="ArgumentException">The drift is needed and missing.</exception>
    public (Expr Learned, Expr? Gaussian) Parts(Expr x, Expr mean, Expr whitener, Expr? drift = null)
    {
        ArgumentNullException.ThrowIfNull(whitener);
        var z = Expr.MatrixProduct(whitener, x - mean);
        var (network, transposed) = (_perceptron.Apply(z), whitener.Transpose(1, 0));
        var learned = _options.IsPotential ? Derivative.Gradient(network, x) : Expr.MatrixProduct(transposed, network);
        if (_response is not null)
        {
            var along = Expr.MatrixProduct(whitener, drift ?? throw new ArgumentException("This score has a part that needs the drift.", nameof(drift)));
            learned += Expr.MatrixProduct(transposed, Expr.MatrixProduct(_response, along));
        }

        return (learned, _options.HasGaussianPart ? -Expr.MatrixProduct(transposed, z) : null);
    }

    /// <summary>Multiplies the learned part by a factor, in its last layer.</summary>
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
