using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>How a <see cref="LatticeConvolution"/> is built.</summary>
public sealed record LatticeConvolutionOptions
{
    /// <summary>Channels of the state at each site.</summary>
    public int Channels { get; init; } = 1;

    /// <summary>Channels of side information at each site, which the field sees but doesn't move.</summary>
    public int SideChannels { get; init; }

    /// <summary>Channels of a hidden layer.</summary>
    public int Width { get; init; } = 32;

    /// <summary>Hidden layers, at least 1.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>Reach of each convolution in lattice steps.</summary>
    public int Radius { get; init; } = 1;

    /// <summary>Frequencies of the time features.</summary>
    public int Frequencies { get; init; } = 4;
}

/// <summary>
/// A small convolutional network on a periodic lattice: layers of local convolutions of channels, each shifted by features of time and added to what it
/// came from, with a local linear part whose kernel moves with time. It commutes with translations of the lattice. The state is a vector of channels
/// times sites, one channel after the other.
/// </summary>
public sealed class LatticeConvolution
{
    private readonly LatticeConvolutionOptions _options;
    private readonly int _sites;
    private readonly int[] _gather;
    private readonly int _patch;
    private readonly Expr[] _weights;
    private readonly Expr[] _times;
    private readonly Expr[] _biases;
    private readonly Expr _last;
    private readonly Expr _linear;
    private readonly TimeNetwork _clock;
    private readonly int _basis;

    /// <summary>Adds the network's parameters to a set; the field starts at 0.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="lattice">The lattice.</param>
    /// <param name="options">How it is built; null for the defaults.</param>
    public LatticeConvolution(ParameterSet parameters, ParameterInitializer initializer, PeriodicLattice lattice, LatticeConvolutionOptions? options = null)
    {
        _options = options ??= new LatticeConvolutionOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Depth, 1, nameof(options));
        _sites = lattice.Sites;
        var patches = lattice.Patches(options.Radius);
        _patch = patches[0].Length;
        _gather = [.. from k in Enumerable.Range(0, _patch) from site in Enumerable.Range(0, _sites) select patches[site][k]];
        var (inputs, features) = (options.Channels + options.SideChannels, TimeFeatures.Count(options.Frequencies));
        (_weights, _times, _biases) = (new Expr[options.Depth], new Expr[options.Depth], new Expr[options.Depth]);
        for (var layer = 0; layer < options.Depth; layer++)
        {
            var rows = _patch * (layer == 0 ? inputs : options.Width);
            _weights[layer] = initializer.Add(parameters, $"convolution.{layer}.weight", 1 / Math.Sqrt(rows), options.Width, rows);
            _times[layer] = initializer.Add(parameters, $"convolution.{layer}.time", 0.5 / Math.Sqrt(features), options.Width, features);
            _biases[layer] = initializer.Add(parameters, $"convolution.{layer}.bias", 0.2, options.Width);
        }

        // The output's kernels are combined by smooth functions of time, so that amplitudes follow the clock.
        _basis = features;
        _last = initializer.Add(parameters, "convolution.out.weight", 0, _basis * options.Channels, _patch * options.Width);
        _linear = initializer.Add(parameters, "convolution.linear.weight", 0, _basis * options.Channels, _patch * inputs);
        _clock = new TimeNetwork(parameters, initializer, "convolution.clock", _basis, 32, options.Frequencies);
    }

    /// <summary>Number of values of the state: channels times sites.</summary>
    public int Dimension => _options.Channels * _sites;

    /// <summary>The field [channels * sites].</summary>
    /// <param name="x">The state [channels * sites].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="side">Side information [side channels * sites]; null without.</param>
    /// <exception cref="ArgumentException">Side information is missing, or there should be none.</exception>
    public Expr Apply(Expr x, Expr t, Expr? side = null)
    {
        if (side is null != (_options.SideChannels == 0))
        {
            throw new ArgumentException($"The network was built for {_options.SideChannels} channels of side information.", nameof(side));
        }

        var input = x.Reshape(_options.Channels, _sites);
        if (side is not null)
        {
            input = Expr.Concat(0, input, side.Reshape(_options.SideChannels, _sites));
        }

        var time = TimeFeatures.Of(t, _options.Frequencies);
        var (first, hidden) = (Patches(input), (Expr?)null);
        for (var layer = 0; layer < _weights.Length; layer++)
        {
            var shift = (Expr.MatrixProduct(_times[layer], time) + _biases[layer]).Reshape(_options.Width, 1);
            var sum = Expr.MatrixProduct(_weights[layer], hidden is null ? first : Patches(hidden)) + shift;
            hidden = hidden is null ? sum.Tanh() : hidden + sum.Tanh();
        }

        var kernels = Expr.MatrixProduct(_last, Patches(hidden!)) + Expr.MatrixProduct(_linear, first);
        var clock = (TimeFeatures.Of(t, _options.Frequencies) + _clock.Apply(t)).Reshape(_basis, 1);
        return (clock * kernels.Reshape(_basis, Dimension)).Sum(0);
    }

    // The neighbourhoods of all sites [channels * patch, sites].
    private Expr Patches(Expr channels) => channels.Gather(1, _gather).Reshape(channels.Shape[0] * _patch, _sites);
}
