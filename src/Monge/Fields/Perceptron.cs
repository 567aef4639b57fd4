using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>The nonlinearity of a network's hidden layers; smooth ones only, as likelihoods need derivatives of fields.</summary>
public enum Activation
{
    /// <summary>x sigmoid(x).</summary>
    Silu,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh,

    /// <summary>x Phi(x), Phi the normal distribution function.</summary>
    Gelu,

    /// <summary>log(1 + exp(x)).</summary>
    Softplus,
}

/// <summary>
/// How a <see cref="Perceptron"/> is built. A scale is the standard deviation of a block's start, for weights times the root of their number of inputs.
/// </summary>
public sealed record PerceptronOptions
{
    /// <summary>Units of a hidden layer, at least 1.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Hidden layers; 0 leaves a linear map.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>The nonlinearity.</summary>
    public Activation Activation { get; init; }

    /// <summary>Whether hidden layers after the first add to what they receive (He et al., arXiv:1512.03385).</summary>
    public bool Residual { get; init; }

    /// <summary>Scale of the first layer's weights.</summary>
    public double FirstScale { get; init; } = 1.4;

    /// <summary>Scale of the other hidden layers' weights.</summary>
    public double HiddenScale { get; init; } = 1.4;

    /// <summary>Scale of the first layer's biases: it spreads the units over the inputs.</summary>
    public double BiasScale { get; init; } = 0.5;

    /// <summary>Scale of the other hidden layers' biases.</summary>
    public double HiddenBiasScale { get; init; }

    /// <summary>Scale of the last layer's weights; 0 lets training start from the function 0.</summary>
    public double LastScale { get; init; }

    /// <summary>Scale of the last layer's biases; null for a last layer without.</summary>
    public double? LastBiasScale { get; init; } = 0;

    /// <summary>Whether the last layer sees the conditions too, with weights that start at zero.</summary>
    public bool LastConditions { get; init; }

    /// <summary>
    /// Whether a layer's sum is (W h + C c) + b; otherwise it is W h + (C c + b), whose bracket is worked out once for all samples where they share the
    /// conditions. The
    /// two differ in the last bit.
    /// </summary>
    public bool BiasLast { get; init; }

    /// <summary>The number in the first layer's name.</summary>
    public int FirstNumber { get; init; }
}

/// <summary>What every layer of a <see cref="Perceptron"/> sees besides the layer before it.</summary>
/// <param name="Name">The end of its weights' names.</param>
/// <param name="Size">Numbers that enter the layers' sums.</param>
/// <param name="Scale">Its weights' standard deviation at the start times the root of <paramref name="Size"/>.</param>
/// <param name="Features">Makes these numbers [Size] of the given value.</param>
public sealed record PerceptronCondition(string Name, int Size, double Scale, Func<Expr, Expr> Features)
{
    /// <summary>The time t: its <see cref="TimeFeatures"/>.</summary>
    /// <param name="frequencies">Their frequencies; 0 leaves t alone.</param>
    public static PerceptronCondition Time(int frequencies) => Scalar("time", frequencies);

    /// <summary>A scalar, such as the end s of a step beside its start t.</summary>
    /// <param name="name">The end of the weights' names.</param>
    /// <param name="frequencies">Frequencies of its features, those of time; 0 leaves the number alone.</param>
    public static PerceptronCondition Scalar(string name, int frequencies = 0) =>
        new(name, TimeFeatures.Count(frequencies), 1, value => TimeFeatures.Of(value, frequencies));

    /// <summary>A vector as it is.</summary>
    /// <param name="name">The end of the weights' names.</param>
    /// <param name="size">Its length.</param>
    /// <param name="scale">Its weights' scale.</param>
    public static PerceptronCondition Vector(string name, int size, double scale = 1) => new(name, size, scale, value => value);
}

/// <summary>
/// A perceptron: layers h -> activation(W h + sum_k C_k c_k + b), each of which also sees the conditions c_k (times and other scalars by their features,
/// vectors), then a
/// linear layer. A layer's blocks are named "name.layer.weight", "name.layer.condition" and "name.layer.bias".
/// </summary>
public sealed class Perceptron
{
    private readonly PerceptronOptions _options;
    private readonly PerceptronCondition[] _conditions;
    private readonly Layer[] _hidden;
    private readonly Layer _last;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="inputs">Length of x.</param>
    /// <param name="outputs">Length of the value; null for a scalar.</param>
    /// <param name="options">How it is built.</param>
    /// <param name="conditions">What every layer sees besides, in the order of <see cref="Apply"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1 or the depth is negative.</exception>
    public Perceptron(
        ParameterSet parameters,
        ParameterInitializer initializer,
        string name,
        int inputs,
        int? outputs,
        PerceptronOptions options,
        params PerceptronCondition[] conditions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs ?? 1, 1, nameof(outputs));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Width, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Depth);
        (_options, _conditions, Inputs) = (options, conditions, inputs);
        string Block(int layer, string part) => $"{name}.{options.FirstNumber + layer}.{part}";
        Expr Add(int layer, string part, double deviation, params ReadOnlySpan<int> sizes) => initializer.Add(parameters, Block(layer, part), deviation, sizes);
        _hidden = new Layer[options.Depth];
        for (var layer = 0; layer < _hidden.Length; layer++)
        {
            var from = layer == 0 ? inputs : options.Width;
            _hidden[layer] = new Layer(
                Add(layer, "weight", (layer == 0 ? options.FirstScale : options.HiddenScale) / Math.Sqrt(from), options.Width, from),
                [.. conditions.Select(c => Add(layer, c.Name, c.Scale / Math.Sqrt(c.Size), options.Width, c.Size))],
                Add(layer, "bias", layer == 0 ? options.BiasScale : options.HiddenBiasScale, options.Width));
        }

        int[] shape = outputs is { } count ? [count] : [];
        var (depth, width) = (options.Depth, options.Depth == 0 ? inputs : options.Width);
        _last = new Layer(
            Add(depth, "weight", options.LastScale / Math.Sqrt(width), [.. shape, width]),
            options.LastConditions ? [.. conditions.Select(c => Add(depth, c.Name, 0, [.. shape, c.Size]))] : [],
            options.LastBiasScale is { } scale ? Add(depth, "bias", scale, shape) : null);
    }

    /// <summary>Length of x.</summary>
    public int Inputs { get; }

    /// <summary>The value [outputs], or a scalar.</summary>
    /// <param name="x">The input [inputs].</param>
    /// <param name="conditions">The conditions' values, in their order.</param>
    /// <exception cref="ArgumentException">There are more or fewer conditions than the network has.</exception>
    public Expr Apply(Expr x, params Expr[] conditions)
    {
        if (conditions.Length != _conditions.Length)
        {
            throw new ArgumentException($"The network has {_conditions.Length} conditions; {conditions.Length} were given.", nameof(conditions));
        }

        Expr[] seen = [.. conditions.Select((value, k) => _conditions[k].Features(value))];
        var hidden = x;
        for (var layer = 0; layer < _hidden.Length; layer++)
        {
            var value = Activate(Sum(_hidden[layer], hidden, seen));
            hidden = _options.Residual && layer > 0 ? hidden + value : value;
        }

        return Sum(_last, hidden, seen);
    }

    /// <summary>The scalar values [n] of n inputs, for a network of one output whose last layer sees no conditions.</summary>
    /// <param name="x">The inputs as columns [inputs, n].</param>
    /// <param name="conditions">The conditions' values, the same for all columns.</param>
    internal Expr ApplyToColumns(Expr x, params Expr[] conditions)
    {
        Expr[] seen = [.. conditions.Select((value, k) => _conditions[k].Features(value))];
        var hidden = x;
        foreach (var layer in _hidden)
        {
            var shift = layer.Conditions.Select((weight, k) => Product(weight, seen[k])).Aggregate(layer.Bias!, (total, product) => total + product);
            hidden = Activate(Expr.MatrixProduct(layer.Weight, hidden) + shift.Reshape(_options.Width, 1));
        }

        var sum = Expr.MatrixProduct(_last.Weight, hidden);
        return _last.Bias is null ? sum : sum + _last.Bias;
    }

    private Expr Sum(Layer layer, Expr hidden, Expr[] seen)
    {
        var sum = Product(layer.Weight, hidden);
        var products = layer.Conditions.Select((weight, k) => Product(weight, seen[k])).ToArray();
        if (_options.BiasLast)
        {
            var all = products.Aggregate(sum, (total, product) => total + product);
            return layer.Bias is null ? all : all + layer.Bias;
        }

        var terms = layer.Bias is null ? products : [.. products, layer.Bias];
        return terms.Length == 0 ? sum : sum + terms.Aggregate((total, term) => total + term);
    }

    private static Expr Product(Expr weight, Expr value) => weight.Shape.Rank == 1 ? Expr.Dot(weight, value) : Expr.MatrixProduct(weight, value);

    private Expr Activate(Expr value) => _options.Activation switch
    {
        Activation.Tanh => value.Tanh(),
        Activation.Gelu => value.Gelu(),
        Activation.Softplus => value.Softplus(),
        _ => value.Silu(),
    };

    private sealed record Layer(Expr Weight, Expr[] Conditions, Expr? Bias);
}
