using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>How a <see cref="ConvexNetwork"/> is built.</summary>
public sealed record ConvexNetworkOptions
{
    /// <summary>Units of each of the two hidden layers, at least 1.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Rank R of each unit's quadratic form, at least 1.</summary>
    public int Rank { get; init; } = 5;

    /// <summary>
    /// Quadratics p that a unit joins, a divisor of the width: log(1 + e^z_1 + ... + e^z_p). The source's 1 is softplus(z), and sums of such units follow
    /// edges where three or more of a law's modes part badly; logs of sums of exponentials come near any convex function (G. C. Calafiore, S. Gaubert and
    /// C. Possieri, arXiv:1806.07850).
    /// </summary>
    public int Pieces { get; init; } = 1;

    /// <summary>The strong convexity epsilon added as epsilon |x|^2 / 2, at least 0.</summary>
    public double Convexity { get; init; } = 1e-6;

    /// <summary>
    /// Whether |A x|^2 / 2 + a . x, with a free matrix that starts at the identity and a free vector that starts at 0, is added: training then starts near the
    /// identity map, and affine maps are exact.
    /// </summary>
    public bool HasAffinePart { get; init; }

    /// <summary>
    /// Whether a network without an affine part starts where its mean Hessian is about the identity. The source starts with the deviation 1 / sqrt(width) in
    /// the last layer too, far from there: the way back takes thousands of steps, on which the network learns features of all scales.
    /// </summary>
    public bool StartsNearIdentity { get; init; }
}

/// <summary>
/// A convex potential psi on R^d: the input-convex network with quadratic units of A. Korotin et al. (arXiv:1909.13082) in the form with two hidden layers that
/// P. Mokrov et al. (arXiv:2106.00736) use,
/// <code>
/// q_l(x) = sum_r (B_lr . x)^2 + c_l . x + b_l,    z(x) = W q_1(x) + q_2(x),    psi(x) = w . softplus(z(x)) + epsilon |x|^2 / 2,    W, w >= 0        (1)
/// </code>
/// whose first layer has no nonlinearity. Each z_j is a convex quadratic with a Hessian M_j that is the same for all samples, so value, gradient and Hessian
/// have closed forms:
/// <code>
/// g_j = M_j x + n_j,    grad psi = sum_j w_j s(z_j) g_j + epsilon x,    Hess psi = sum_j w_j (s'(z_j) g_j g_j^T + s(z_j) M_j) + epsilon I,   s logistic  (2)
/// </code>
/// With <see cref="ConvexNetworkOptions.Pieces"/> above 1 the z come in groups G, one weight w_G and one term log(1 + sum_j e^z_j) each: s_j = e^z_j / (1 +
/// sum_k e^z_k), and w_G (sum_j s_j (g_j g_j^T + M_j) - m m^T) with m = sum_j s_j g_j is the group's Hessian.
/// Convexity holds as long as W and w are not negative: train with <see cref="NonNegative"/> held so.
/// </summary>
public sealed class ConvexNetwork
{
    // Beside a free quadratic part the network starts nearly at zero.
    private const double SmallShare = 0.05;

    private readonly ConvexNetworkOptions _options;
    private readonly ParameterBlock[] _constrained;
    private readonly (Expr Quadratic, Expr Linear, Expr Bias) _first;
    private readonly (Expr Quadratic, Expr Linear, Expr Bias) _second;
    private readonly Expr _mixing;
    private readonly Expr _last;
    private readonly Expr _hessians;
    private readonly Expr _affineSlopes;
    private readonly Expr _affineLevels;
    private readonly Expr? _factor;
    private readonly Expr? _shift;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start: with deviation 1 / sqrt(width) as in the source, smaller in the last layer beside an affine
    /// part.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">How it is built; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, the convexity negative, or the pieces don't divide the width.</exception>
    public ConvexNetwork(
        ParameterSet parameters, ParameterInitializer initializer, string name, int dimension, ConvexNetworkOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(initializer);
        _options = options ?? new ConvexNetworkOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Width, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Rank, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Pieces, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNotEqual(_options.Width % _options.Pieces, 0, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Convexity, nameof(options));
        var (width, rank, deviation) = (_options.Width, _options.Rank, 1 / Math.Sqrt(_options.Width));
        Expr Add(string part, params ReadOnlySpan<int> sizes) => initializer.Add(parameters, $"{name}.{part}", deviation, sizes);
        (Expr Quadratic, Expr Linear, Expr Bias) Layer(int layer) => (
            Add($"{layer}.quadratic", width, rank, dimension), Add($"{layer}.linear", width, dimension), Add($"{layer}.bias", width));

        Dimension = dimension;
        var first = Layer(0);
        var mixing = Add("1.weight", width, width);
        var second = Layer(1);
        (_first, _second, _mixing) = (first, second, mixing);
        var last = _options.HasAffinePart ? SmallShare * deviation : _options.StartsNearIdentity ? ToIdentity(width, rank, _options.Pieces) : deviation;
        _last = initializer.Add(parameters, $"{name}.2.weight", last, Groups);
        _constrained = [.. parameters.Blocks.Where(b => b.Name == $"{name}.1.weight" || b.Name == $"{name}.2.weight")];
        _hessians = 2 * (Expr.MatrixProduct(mixing, Squares(first.Quadratic)) + Squares(second.Quadratic));
        var slopes = Expr.MatrixProduct(mixing, first.Linear) + second.Linear;
        var levels = Expr.MatrixProduct(mixing, first.Bias) + second.Bias;
        _affineSlopes = Expr.Concat(1, _hessians.Reshape(width * dimension, dimension), slopes.Reshape(width * dimension, 1));
        _affineLevels = Expr.Concat(1, 0.5 * slopes, levels.Reshape(width, 1));
        if (_options.HasAffinePart)
        {
            _factor = Expr.Identity(dimension) + initializer.Add(parameters, $"{name}.affine.factor", 0, dimension, dimension);
            _shift = initializer.Add(parameters, $"{name}.affine.shift", 0, dimension);
        }
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Names of the blocks that must not be negative for the potential to be convex; a projection holds them so after every step.</summary>
    public IReadOnlyList<string> NonNegative => [.. _constrained.Select(b => b.Name)];

    /// <summary>Makes the potential convex: blocks that must not be negative are replaced by their absolute values, as at the start of a training.</summary>
    /// <param name="values">All parameters [P] of the network's set.</param>
    public void MakeConvex<T>(Span<T> values)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (var block in _constrained)
        {
            foreach (ref var value in values.Slice(block.Offset, block.Shape.Size))
            {
                value = T.Abs(value);
            }
        }
    }

    /// <summary>psi(x), a scalar.</summary>
    /// <param name="x">A position [d].</param>
    public Expr Value(Expr x)
    {
        var levels = Units(x).Levels;
        var value = Expr.Dot(_last, _options.Pieces == 1 ? levels.Softplus() : WithNought(levels).LogSumExp(1)) + (0.5 * _options.Convexity * x.SquaredNorm());
        return _factor is null ? value : value + (0.5 * Expr.MatrixProduct(_factor, x).SquaredNorm()) + Expr.Dot(_shift!, x);
    }

    /// <summary>grad psi(x) [d]: the transport map.</summary>
    /// <param name="x">A position [d].</param>
    public Expr Gradient(Expr x)
    {
        var (levels, slopes) = Units(x);
        return Gradient(x, Weights(levels).Weight, slopes);
    }

    /// <summary>grad psi(x) [d] and the Hessian of psi [d, d], positive definite while <see cref="NonNegative"/> holds: the map and its Jacobian.</summary>
    /// <param name="x">A position [d].</param>
    public (Expr Gradient, Expr Hessian) GradientAndHessian(Expr x)
    {
        var (levels, slopes) = Units(x);
        var (weight, share) = Weights(levels);
        var flat = Expr.MatrixProduct(weight, _hessians).Reshape(Dimension, Dimension) + (_options.Convexity * Expr.Identity(Dimension));
        var hessian = flat + (_options.Pieces == 1
            ? slopes.Gram(weight * (1 - share))
            : slopes.Gram(weight) - Means(share, slopes).Gram(_last));
        return (Gradient(x, weight, slopes), _factor is null ? hessian : hessian + _factor.Gram());
    }

    /// <summary>
    /// grad psi(x) [d] as <see cref="Gradient(Expr)"/> gives it, and the product of the Hessian with any vector [d], without any matrix [d, d]: by the forms
    /// B of (1) alone, whose cost is of the order of width rank d where the closed forms' is width d^2.
    /// </summary>
    /// <param name="x">A position [d].</param>
    public (Expr Gradient, Func<Expr, Expr> HessianTimes) GradientAndHessianProducts(Expr x)
    {
        var (width, rank, d) = (_options.Width, _options.Rank, Dimension);
        var (first, second) = (Along(_first, x), Along(_second, x));
        var levels = Expr.MatrixProduct(_mixing, first.Square().Sum(1) + Expr.MatrixProduct(_first.Linear, x) + _first.Bias)
            + second.Square().Sum(1) + Expr.MatrixProduct(_second.Linear, x) + _second.Bias;
        var ((weight, share), mixed) = (Weights(levels), _mixing.Transpose(1, 0));
        var inner = Expr.MatrixProduct(mixed, weight);
        var gradient = Back(_first, inner.Reshape(width, 1) * first, inner) + Back(_second, weight.Reshape(width, 1) * second, weight)
            + (_options.Convexity * x);
        return (AddAffineGradient(gradient, x), Times);

        Expr Times(Expr v)
        {
            // g_j . v by both layers, then what it weighs them by, beside s M_j.
            var (firstV, secondV) = (Along(_first, v), Along(_second, v));
            var slope = Expr.MatrixProduct(_mixing, (2 * (first * firstV).Sum(1)) + Expr.MatrixProduct(_first.Linear, v))
                + (2 * (second * secondV).Sum(1)) + Expr.MatrixProduct(_second.Linear, v);
            var bend = weight * (_options.Pieces == 1 ? (1 - share) * slope : slope - Spread(Means(share, slope.Reshape(width, 1))));
            var innerBend = Expr.MatrixProduct(mixed, bend);
            var times = Back(_first, (innerBend.Reshape(width, 1) * first) + (inner.Reshape(width, 1) * firstV), innerBend)
                + Back(_second, (bend.Reshape(width, 1) * second) + (weight.Reshape(width, 1) * secondV), bend) + (_options.Convexity * v);
            return _factor is null ? times : times + Expr.MatrixProduct(_factor.Transpose(1, 0), Expr.MatrixProduct(_factor, v));
        }

        // B v [width, rank].
        Expr Along((Expr Quadratic, Expr Linear, Expr Bias) layer, Expr v) =>
            Expr.MatrixProduct(layer.Quadratic.Reshape(width * rank, d), v).Reshape(width, rank);

        // 2 sum_jr e_jr B_jr + sum_j a_j c_j.
        Expr Back((Expr Quadratic, Expr Linear, Expr Bias) layer, Expr e, Expr a) =>
            (2 * Expr.MatrixProduct(e.Reshape(width * rank), layer.Quadratic.Reshape(width * rank, d))) + Expr.MatrixProduct(a, layer.Linear);
    }

    private Expr AddAffineGradient(Expr gradient, Expr x) => _factor is null
        ? gradient
        : gradient + Expr.MatrixProduct(_factor.Transpose(1, 0), Expr.MatrixProduct(_factor, x)) + _shift!;

    private Expr Gradient(Expr x, Expr weight, Expr slopes) =>
        AddAffineGradient(Expr.MatrixProduct(weight, slopes) + (_options.Convexity * x), x);

    // z [width] and the slopes g [width, d] of (2): with (x, 1) in place of x, g is one product (M, n) (x, 1), and z = g . x / 2 + (n / 2, b) . (x, 1) with
    // b the biases of both layers together.
    private (Expr Levels, Expr Slopes) Units(Expr x)
    {
        var affine = Expr.Concat(0, x, Expr.Constant([1], 1));

        // As a row, so that the gradient's sum over samples [d + 1, width d] has its long side in the vectors.
        var slopes = Expr.MatrixProduct(affine, _affineSlopes.Transpose()).Reshape(_options.Width, Dimension);
        return ((0.5 * Expr.MatrixProduct(slopes, x)) + Expr.MatrixProduct(_affineLevels, affine), slopes);
    }

    private int Groups => _options.Width / _options.Pieces;

    // w_G s_j and s_j [width] of (2).
    private (Expr Weight, Expr Share) Weights(Expr levels)
    {
        if (_options.Pieces == 1)
        {
            var share = levels.Sigmoid();
            return (_last * share, share);
        }

        var shares = WithNought(levels).Softmax(1).Slice(1, 1, _options.Pieces).Reshape(_options.Width);
        return (Spread(_last) * shares, shares);
    }

    // The levels of each group after a 0, [groups, 1 + pieces].
    private Expr WithNought(Expr levels) =>
        Expr.Concat(1, Expr.Constant(0).BroadcastTo(new Shape(Groups, 1)), levels.Reshape(Groups, _options.Pieces));

    // What a group has [groups], for each of its units [width].
    private Expr Spread(Expr ofGroups) =>
        ofGroups.Reshape(Groups, 1).BroadcastTo(new Shape(Groups, _options.Pieces)).Reshape(_options.Width);

    // m = sum_j s_j v_j of each group [groups, k], for values [width, k].
    private Expr Means(Expr share, Expr values) =>
        (share.Reshape(Groups, _options.Pieces, 1) * values.Reshape(Groups, _options.Pieces, values.Shape[1])).Sum(1);

    // Where all units are on, the mean Hessian is 2 E w (width E W + 1) (rank / pieces) I, as the shares of a unit's pieces add up to 1, with elements of B of
    // variance 1 / width: this deviation of w makes it I.
    private static double ToIdentity(int width, int rank, int pieces)
    {
        var mean = Math.Sqrt(2 / Math.PI);
        return pieces / (2 * mean * rank * ((mean * Math.Sqrt(width)) + 1));
    }

    // sum_r B_r B_r^T of each unit, [width, d * d].
    private Expr Squares(Expr quadratic) => quadratic.Gram().Reshape(_options.Width, Dimension * Dimension);
}
