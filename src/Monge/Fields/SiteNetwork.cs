using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>How a <see cref="SiteNetwork"/> is built.</summary>
public sealed record SiteNetworkOptions
{
    /// <summary>Units of a hidden layer, at each site.</summary>
    public int Width { get; init; } = 32;

    /// <summary>Hidden layers, at least 1.</summary>
    public int Depth { get; init; } = 2;

    /// <summary>Frequencies of the time features.</summary>
    public int Frequencies { get; init; } = 4;

    /// <summary>
    /// The sites [d][k] that the value at each site depends on, the site's own number among them; null for the site alone, a separable field. An equivariant
    /// field needs the neighbours of all sites in one order.
    /// </summary>
    public IReadOnlyList<int[]>? Patches { get; init; }

    /// <summary>
    /// Whether each site has learned numbers of its own, so that unlike sites may move differently. Without them equal patches give equal values.
    /// </summary>
    public bool Embedded { get; init; } = true;

    /// <summary>
    /// Whether b(-x, t) = -b(x, t), for densities that don't change when all signs do: no biases, and time enters as factors on the odd units.
    /// </summary>
    public bool Odd { get; init; }

    /// <summary>Whether every site also sees the mean of all coordinates.</summary>
    public bool MeanField { get; init; }
}

/// <summary>
/// A drift b(x, t) on R^d whose coordinate at a site is one shared perceptron of the site's patch of coordinates, numbers learned for the site and the time:
/// b_i = f(x_patch(i), e_i, t) + s_i(t) x_i + m_i(t). A patch of one coordinate makes a separable field, a patch of lattice neighbours a local one that
/// commutes with translations. Since f_i depends on x_i through its own patch only, a single tangent gives all the derivatives df_i/dx_i at once: the
/// divergence is exact at the price of one Jacobian-vector product in any dimension (arXiv:2410.02711 needs it for lattices; there by probes).
/// </summary>
public sealed class SiteNetwork : IVectorField
{
    private const int TimeWidth = 32;
    private readonly SiteNetworkOptions _options;
    private readonly int[]? _gather;
    private readonly int _patch;
    private readonly Expr[] _weights;
    private readonly Expr[] _times;
    private readonly Expr[] _biases;
    private readonly Expr? _embedding;
    private readonly Expr _last;
    private readonly TimeNetwork _affine;
    private readonly Expr _ownShare;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="dimension">d, the number of sites.</param>
    /// <param name="options">How it is built; null for the defaults.</param>
    /// <exception cref="ArgumentException">The patches are not d lists of one length, name a site that doesn't exist, or miss their own site.</exception>
    public SiteNetwork(ParameterSet parameters, ParameterInitializer initializer, int dimension, SiteNetworkOptions? options = null)
    {
        _options = options ??= new SiteNetworkOptions();
        Dimension = dimension;
        _patch = options.Patches is { Count: > 0 } patches ? patches[0].Length : 1;
        _gather = options.Patches is null ? null : Flatten(options.Patches, dimension, _patch);
        var rows = _patch + (options.MeanField ? 1 : 0);
        _ownShare = OwnShare(rows);
        var features = TimeFeatures.Count(options.Frequencies);
        _weights = new Expr[options.Depth];
        _times = new Expr[options.Depth];
        _biases = new Expr[options.Depth];
        for (var layer = 0; layer < options.Depth; layer++)
        {
            var inputs = layer == 0 ? rows : options.Width;
            _weights[layer] = initializer.Add(parameters, $"site.{layer}.weight", (layer == 0 ? 1.5 : 1.3) / Math.Sqrt(inputs), options.Width, inputs);
            _times[layer] = initializer.Add(parameters, $"site.{layer}.time", (options.Odd ? 0.3 : 1) / Math.Sqrt(features), options.Width, features);
            _biases[layer] = options.Odd ? Expr.Constant(1) : initializer.Add(parameters, $"site.{layer}.bias", layer == 0 ? 1 : 0, options.Width, 1);
        }

        _embedding = options.Embedded ? initializer.Add(parameters, "site.embedding", 0, options.Width, dimension) : null;
        _last = initializer.Add(parameters, $"site.{options.Depth}.weight", 0, 1, options.Width);
        var gates = options.Embedded ? dimension : 1;
        _affine = new TimeNetwork(parameters, initializer, "site.affine", options.Odd ? gates : 2 * gates, TimeWidth, options.Frequencies);
    }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <inheritdoc/>
    public bool HasCheapDivergence => true;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t)
    {
        var (slope, shift) = Affine(t);
        return Local(Features(x), t) + (slope * x) + shift;
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var features = Features(x);
        var local = Local(features, t);
        var (slope, shift) = Affine(t);
        var own = Derivative.JacobianVector(local, features, _ownShare);
        return (local + (slope * x) + shift, own.Sum() + slope.Sum());
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var (value, divergence) = WithDivergence(x, t);
        return (value, divergence.Reshape(1).BroadcastTo(new Shape(probes.Shape[1])));
    }

    private static int[] Flatten(IReadOnlyList<int[]> patches, int dimension, int size)
    {
        if (patches.Count != dimension)
        {
            throw new ArgumentException($"There are {patches.Count} patches for {dimension} sites; give one for each site.", nameof(patches));
        }

        var flat = new int[size * dimension];
        for (var i = 0; i < dimension; i++)
        {
            if (patches[i].Length != size || patches[i].Any(site => site < 0 || site >= dimension) || !patches[i].Contains(i))
            {
                throw new ArgumentException($"The patch of site {i} must hold {size} sites from 0 to {dimension - 1}, site {i} among them.", nameof(patches));
            }

            for (var k = 0; k < size; k++)
            {
                flat[(k * dimension) + i] = patches[i][k];
            }
        }

        return flat;
    }

    // What each feature of a site [rows, d] gains per unit of the site's own coordinate: the one tangent of the divergence.
    private Expr OwnShare(int rows)
    {
        var share = new double[rows * Dimension];
        for (var i = 0; i < Dimension; i++)
        {
            for (var k = 0; k < _patch; k++)
            {
                share[(k * Dimension) + i] = _gather is null || _gather[(k * Dimension) + i] == i ? 1 : 0;
            }

            if (_options.MeanField)
            {
                share[(_patch * Dimension) + i] = 1.0 / Dimension;
            }
        }

        return Expr.Constant(share, rows, Dimension);
    }

    private Expr Features(Expr x)
    {
        var patches = _gather is null ? x.Reshape(1, Dimension) : x.Gather(0, _gather).Reshape(_patch, Dimension);
        return _options.MeanField ? Expr.Concat(0, patches, x.Mean().Reshape(1, 1).BroadcastTo(new Shape(1, Dimension))) : patches;
    }

    private Expr Local(Expr features, Expr t)
    {
        var time = TimeFeatures.Of(t, _options.Frequencies);
        var hidden = features;
        for (var layer = 0; layer < _weights.Length; layer++)
        {
            var modulation = Expr.MatrixProduct(_times[layer], time).Reshape(_options.Width, 1) + _biases[layer];
            var sum = Expr.MatrixProduct(_weights[layer], hidden);
            sum = _options.Odd ? sum * modulation : sum + modulation;
            hidden = (layer == 0 && _embedding is { } embedding ? Embed(sum, embedding) : sum).Tanh();
        }

        return Expr.MatrixProduct(_last, hidden).Reshape(Dimension);
    }

    private Expr Embed(Expr sum, Expr embedding) => _options.Odd ? sum * (1 + embedding) : sum + embedding;

    // Slope and shift of the affine part, [d] or scalars [1].
    private (Expr Slope, Expr Shift) Affine(Expr t)
    {
        var numbers = _affine.Apply(t);
        var gates = _options.Embedded ? Dimension : 1;
        var ones = new Shape(Dimension);
        return (numbers[..gates].BroadcastTo(ones), _options.Odd ? 0 : numbers[gates..].BroadcastTo(ones));
    }
}
