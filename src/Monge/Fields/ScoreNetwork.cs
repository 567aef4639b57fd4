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

    /// <summary>
    /// Whether a free linear function of the drift is added: in its tails a law soon balances its drift, where samples to learn from are few.
    /// </summary>
    public bool HasDriftPart { get; init; }

    /// <summary>Whether an affine function of the position is added that isn't trained but given.</summary>
    public bool HasAffinePart { get; init; }

    /// <summary>
    /// The distance from the mean, in standard deviations, up to which the network tells points apart, above 0: it sees z / root (1 + |z|^2 / r^2) for z, so
    /// that far out, where no sample taught it anything, a potential's part fades and the known ones are left. Null for any distance.
    /// </summary>
    public double? Reach { get; init; }

    /// <summary>The time over which one network is that of all times, which it sees in this unit; null where each time has parameters of its own.</summary>
    public double? Duration { get; init; }

    /// <summary>
    /// The coordinates of each of several like particles, in whose order a position holds them: the network is then a <see cref="PairPotential"/>, and the
    /// score the same whatever the order. Null for one whole.
    /// </summary>
    public int? ParticleDimension { get; init; }
}

/// <summary>
/// The score of a law with mean m and covariance C, seen in the coordinates z = W (x - m), W C W^T = I, in which it has mean 0 and covariance I:
/// <code>
/// s(x) = W^T (n(z) + A W b(x, t) - z) + c + K (x - m)                                                                                                 (1)
/// </code>
/// with a network n, or the gradient of one, a matrix A for the drift b, and an affine function that is given: of a Gaussian law n = 0, A = 0, c = 0 and K = 0
/// are exact, and n is of order 1 whatever the law's scale. Training starts from there. Of like particles n is the gradient of a <see cref="PairPotential"/>,
/// and A has two blocks, one for a particle's own drift and one for the mean drift of all.
/// </summary>
public sealed class ScoreNetwork
{
    // Of time a score sees the time and two sines and cosines.
    private const int Frequencies = 2;

    private readonly ScoreNetworkOptions _options;
    private readonly Func<Expr, Expr[], Expr> _network;
    private readonly ParameterBlock[] _last;
    private readonly Expr? _response;
    private readonly Expr? _commonResponse;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">How it is built.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dimension, the width or the depth is below 1.</exception>
    /// <exception cref="ArgumentException">The particles' coordinates don't divide d, or their network isn't a potential.</exception>
    public ScoreNetwork(ParameterSet parameters, ParameterInitializer initializer, string name, int dimension, ScoreNetworkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Depth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        (_options, Dimension) = (options, dimension);
        var layers = new PerceptronOptions { Width = options.Width, Depth = options.Depth };
        PerceptronCondition[] conditions = options.Duration is null ? [] : [PerceptronCondition.Time(Frequencies)];
        if (options.ParticleDimension is { } p)
        {
            if (p < 1 || dimension % p != 0 || !options.IsPotential)
            {
                throw new ArgumentException(
                    $"A score of like particles is the gradient of a potential, and {p} coordinates each must divide the {dimension} of all.", nameof(options));
            }

            _network = new PairPotential(parameters, initializer, name, dimension / p, p, layers, conditions).Apply;
        }
        else
        {
            _network = new Perceptron(parameters, initializer, name, dimension, options.IsPotential ? null : dimension, layers, conditions).Apply;
        }

        var size = options.ParticleDimension ?? dimension;
        _response = options.HasDriftPart ? initializer.Add(parameters, $"{name}.drift", 0, size, size) : null;
        _commonResponse = options.HasDriftPart && size < dimension ? initializer.Add(parameters, $"{name}.common", 0, size, size) : null;
        string[] heads = [$"{name}.drift", $"{name}.common", .. from part in (string[])["", ".one", ".two"] select $"{name}{part}.{options.Depth}."];
        _last = [.. parameters.Blocks.Where(b => heads.Any(head => b.Name.StartsWith(head, StringComparison.Ordinal)))];
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>The score (1) [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="given">What it goes by.</param>
    /// <exception cref="ArgumentException">Something is needed and missing.</exception>
    public Expr Apply(Expr x, ScoreInputs given)
    {
        var (learned, known) = Parts(x, given);
        return known is null ? learned : learned + known;
    }

    /// <summary>Both parts of the score: the learned W^T (n(z) + A W b) [d], and what is known beside it [d], null where that is nothing.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="given">What it goes by.</param>
    /// <exception cref="ArgumentException">Something is needed and missing.</exception>
    public (Expr Learned, Expr? Known) Parts(Expr x, ScoreInputs given)
    {
        ArgumentNullException.ThrowIfNull(given);
        var z = Expr.MatrixProduct(given.Whitener, x - given.Mean);
        var (network, transposed) = (_network(Seen(z), _options.Duration is { } duration ? [Time(given) / duration] : []), given.Whitener.Transpose(1, 0));
        var learned = _options.IsPotential ? Derivative.Gradient(network, x) : Expr.MatrixProduct(transposed, network);
        if (_response is not null)
        {
            var drift = given.Drift ?? throw new ArgumentException("This score has a part that needs the drift.", nameof(given));
            learned += Expr.MatrixProduct(transposed, Respond(Expr.MatrixProduct(given.Whitener, drift)));
        }

        var known = _options.HasGaussianPart ? -Expr.MatrixProduct(transposed, z) : null;
        if (_options.HasAffinePart)
        {
            var affine = given.Offset is { } offset && given.Slope is { } slope
                ? offset + Expr.MatrixProduct(slope, x - given.Mean)
                : throw new ArgumentException("This score has an affine part that must be given.", nameof(given));
            known = known is null ? affine : known + affine;
        }

        return (learned, known);
    }

    /// <summary>Multiplies the learned part by a factor, in its last layers.</summary>
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

    private static Expr Time(ScoreInputs given) => given.Time ?? throw new ArgumentException("This score needs the time.", nameof(given));

    private Expr Seen(Expr z) => _options.Reach is { } r ? z / (1 + ((z * z).Sum() / (r * r))).Sqrt() : z;

    // A times a vector; of like particles each by itself, and their mean.
    private Expr Respond(Expr vector)
    {
        if (_commonResponse is null)
        {
            return Expr.MatrixProduct(_response!, vector);
        }

        var p = _options.ParticleDimension!.Value;
        var (each, transposed) = (vector.Reshape(Dimension / p, p), _commonResponse.Transpose(1, 0));
        var common = Expr.MatrixProduct(each.Mean(0).Reshape(1, p), transposed);
        return (Expr.MatrixProduct(each, _response!.Transpose(1, 0)) + common).Reshape(Dimension);
    }
}

/// <summary>What a <see cref="ScoreNetwork"/> goes by at a time.</summary>
/// <param name="Mean">m [d].</param>
/// <param name="Whitener">W [d, d].</param>
/// <param name="Drift">b(x, t) [d]; needed for the part of its own alone.</param>
/// <param name="Offset">c [d]; needed for the affine part alone.</param>
/// <param name="Slope">K [d, d]; needed for the affine part alone.</param>
/// <param name="Time">t; needed for one network of all times alone.</param>
public sealed record ScoreInputs(Expr Mean, Expr Whitener, Expr? Drift = null, Expr? Offset = null, Expr? Slope = null, Expr? Time = null)
{
    /// <summary>Arrays that all samples share, by the names "mean", "whitener", "offset", "slope" and "t".</summary>
    /// <param name="dimension">d.</param>
    /// <param name="time">The time "t", where the drift has it too; null for one of its own.</param>
    public static ScoreInputs Shared(int dimension, Expr? time = null) => new(
        Expr.Shared("mean", dimension), Expr.Shared("whitener", dimension, dimension), null, Expr.Shared("offset", dimension),
        Expr.Shared("slope", dimension, dimension), time ?? Expr.Shared("t"));
}
