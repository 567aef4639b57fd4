using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// A smooth one-to-one map from R^m onto the support of a block of coordinates, with its log-Jacobian, so that samplers work on all of R^m.
/// The maps are those of the Stan reference manual ("constraint transforms").
/// </summary>
public abstract partial class SupportTransform
{
    /// <summary>Number of free coordinates m.</summary>
    public abstract int UnconstrainedSize { get; }

    /// <summary>Number of constrained coordinates.</summary>
    public abstract int ConstrainedSize { get; }

    /// <summary>All real numbers: the identity.</summary>
    /// <param name="size">Number of coordinates.</param>
    public static SupportTransform Real(int size = 1) => new RealSupport(Checked(size, 1, nameof(size)));

    /// <summary>Positive numbers, x = exp(u).</summary>
    /// <param name="size">Number of coordinates.</param>
    public static SupportTransform Positive(int size = 1) => new PositiveSupport(Checked(size, 1, nameof(size)));

    /// <summary>Numbers between two bounds, x = a + (b - a) / (1 + exp(-u)).</summary>
    /// <param name="lower">The lower bound a.</param>
    /// <param name="upper">The upper bound b.</param>
    /// <param name="size">Number of coordinates.</param>
    /// <exception cref="ArgumentException">The bounds are not finite or not in order.</exception>
    public static SupportTransform Interval(double lower, double upper, int size = 1) => double.IsFinite(lower) && double.IsFinite(upper) && lower < upper
        ? new IntervalSupport(lower, upper, Checked(size, 1, nameof(size)))
        : throw new ArgumentException($"The bounds {lower} and {upper} of an interval must be finite and in order.", nameof(upper));

    /// <summary>
    /// K positive numbers that add up to 1, by stick breaking; K - 1 free coordinates. Densities are with respect to the first K - 1 numbers.
    /// </summary>
    /// <param name="size">K, at least 2.</param>
    public static SupportTransform Simplex(int size) => new SimplexSupport(Checked(size, 2, nameof(size)));

    /// <summary>Increasing numbers: x_1 = u_1, x_k = x_(k-1) + exp(u_k).</summary>
    /// <param name="size">Number of coordinates.</param>
    public static SupportTransform Ordered(int size) => new OrderedSupport(Checked(size, 1, nameof(size)));

    /// <summary>
    /// Names of the constrained coordinates, to be given as <see cref="DensityOptions.Names"/>: name[1], name[2], ..., counted from 1; a single one has the
    /// bare name.
    /// </summary>
    /// <param name="name">The name of the block.</param>
    public virtual IReadOnlyList<string> Names(string name) =>
        ConstrainedSize == 1 ? [name] : [.. Enumerable.Range(1, ConstrainedSize).Select(i => $"{name}[{i}]")];

    /// <summary>The constrained values.</summary>
    /// <param name="u">Free coordinates [UnconstrainedSize].</param>
    /// <returns>[ConstrainedSize].</returns>
    public abstract Expr ToConstrained(Expr u);

    /// <summary>The logarithm of the absolute Jacobian determinant of <see cref="ToConstrained"/>.</summary>
    /// <param name="u">Free coordinates [UnconstrainedSize].</param>
    /// <returns>A scalar.</returns>
    public abstract Expr LogJacobian(Expr u);

    /// <summary>The free coordinates of constrained values.</summary>
    /// <param name="x">Values inside the support [ConstrainedSize].</param>
    /// <exception cref="ArgumentException">The values aren't inside the support.</exception>
    public double[] ToUnconstrained(ReadOnlySpan<double> x)
    {
        if (x.Length != ConstrainedSize)
        {
            throw new ArgumentException($"{x.Length} values were given for {this}, which has {ConstrainedSize}.", nameof(x));
        }

        var u = Invert(x);
        return u.All(double.IsFinite) ? u : throw new ArgumentException(
            $"The values {string.Join(", ", x.ToArray())} are not inside the support, {this}.", nameof(x));
    }

    /// <summary>
    /// log(a x + b) [ConstrainedSize] where a x + b is the distance to an edge of the support times a positive number; null where it is not. It has all its
    /// digits however near the edge x lies, where a x + b in x has none left.
    /// </summary>
    /// <param name="u">Free coordinates [UnconstrainedSize].</param>
    /// <param name="slope">a.</param>
    /// <param name="offset">b.</param>
    internal abstract Expr? LogDistance(Expr u, double slope, double offset);

    private protected abstract double[] Invert(ReadOnlySpan<double> x);

    // Whether a x + b is 0 at an edge, but for rounding of a and b.
    private protected static bool IsZeroAt(double edge, double slope, double offset) =>
        Math.Abs((slope * edge) + offset) <= 1e-15 * (Math.Abs(slope * edge) + Math.Abs(offset));

    private static int Checked(int size, int least, string name) => size >= least
        ? size
        : throw new ArgumentOutOfRangeException(name, size, $"The block needs at least {least} coordinates.");
}

internal sealed class RealSupport(int size) : SupportTransform
{
    public override int UnconstrainedSize => size;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u) => u;

    public override Expr LogJacobian(Expr u) => 0;

    public override string ToString() => $"{size} real numbers";

    internal override Expr? LogDistance(Expr u, double slope, double offset) => null;

    private protected override double[] Invert(ReadOnlySpan<double> x) => x.ToArray();
}

internal sealed class PositiveSupport(int size) : SupportTransform
{
    public override int UnconstrainedSize => size;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u) => u.Exp();

    public override Expr LogJacobian(Expr u) => u.Sum();

    public override string ToString() => $"{size} positive numbers";

    internal override Expr? LogDistance(Expr u, double slope, double offset) => slope > 0 && offset == 0 ? u + Math.Log(slope) : null;

    private protected override double[] Invert(ReadOnlySpan<double> x) => Array.ConvertAll(x.ToArray(), Math.Log);
}

internal sealed class IntervalSupport(double lower, double upper, int size) : SupportTransform
{
    public override int UnconstrainedSize => size;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u) => lower + ((upper - lower) * u.Sigmoid());

    public override Expr LogJacobian(Expr u) => (size * Math.Log(upper - lower)) - (u.Softplus() + (-u).Softplus()).Sum();

    public override string ToString() => $"{size} numbers between {lower} and {upper}";

    internal override Expr? LogDistance(Expr u, double slope, double offset) =>
        slope > 0 && IsZeroAt(lower, slope, offset) ? Math.Log(slope * (upper - lower)) - (-u).Softplus()
        : slope < 0 && IsZeroAt(upper, slope, offset) ? Math.Log(-slope * (upper - lower)) - u.Softplus()
        : null;

    private protected override double[] Invert(ReadOnlySpan<double> x) => Array.ConvertAll(x.ToArray(), v => Math.Log((v - lower) / (upper - v)));
}

/// <summary>
/// Stick breaking: piece k is the share s(u_k - log(K - k)), k = 1 .. K - 1, of what is left, so that u = 0 gives equal pieces; s is the logistic function.
/// </summary>
internal sealed class SimplexSupport(int size) : SupportTransform
{
    public override int UnconstrainedSize => size - 1;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u) => LogPieces(u).Exp();

    public override Expr LogJacobian(Expr u)
    {
        var (shifted, kept) = Break(u);
        return (LogLeft(kept) - (-shifted).Softplus() - kept).Sum();
    }

    public override string ToString() => $"a simplex of {size} numbers";

    internal override Expr? LogDistance(Expr u, double slope, double offset) =>
        slope > 0 && offset == 0 ? LogPieces(u) + Math.Log(slope)
        : slope < 0 && IsZeroAt(1, slope, offset) ? LogOthers(u) + Math.Log(-slope)
        : null;

    private protected override double[] Invert(ReadOnlySpan<double> x)
    {
        var u = new double[size - 1];
        var left = 1.0;
        var valid = Math.Abs(x.ToArray().Sum() - 1) < 1e-6;
        for (var k = 0; k < u.Length; k++)
        {
            u[k] = valid ? Math.Log(x[k] / (left - x[k])) + Math.Log(size - 1 - k) : double.NaN;
            left -= x[k];
        }

        return u;
    }

    private Expr LogPieces(Expr u)
    {
        var (shifted, kept) = Break(u);
        var left = LogLeft(kept);
        return Expr.Concat(0, left - (-shifted).Softplus(), (left[-1] - kept[-1]).Reshape(1));
    }

    // The logarithm of the sum of all pieces but each one.
    private Expr LogOthers(Expr u)
    {
        var pieces = LogPieces(u);
        return Expr.Stack(0, [.. Enumerable.Range(0, size).Select(
            k => pieces.Gather(0, [.. Enumerable.Range(0, size).Where(j => j != k)]).LogSumExp())]);
    }

    // The shifted coordinates v and -log(1 - s(v)), what each break takes from the logarithm of the rest.
    private (Expr Shifted, Expr Kept) Break(Expr u)
    {
        var shifted = u - Expr.Constant([.. Enumerable.Range(0, size - 1).Select(k => Math.Log(size - 1 - k))], size - 1);
        return (shifted, shifted.Softplus());
    }

    // The logarithm of what is left before each break.
    private static Expr LogLeft(Expr kept) => kept - kept.CumulativeSum();
}

internal sealed class OrderedSupport(int size) : SupportTransform
{
    public override int UnconstrainedSize => size;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u) => size == 1 ? u : Expr.Concat(0, u[..1], u[1..].Exp()).CumulativeSum();

    public override Expr LogJacobian(Expr u) => size == 1 ? 0 : u[1..].Sum();

    public override string ToString() => $"{size} increasing numbers";

    internal override Expr? LogDistance(Expr u, double slope, double offset) => null;

    private protected override double[] Invert(ReadOnlySpan<double> x)
    {
        var u = x.ToArray();
        for (var k = size - 1; k > 0; k--)
        {
            u[k] = Math.Log(u[k] - u[k - 1]);
        }

        return u;
    }
}
