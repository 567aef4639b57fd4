using Monge.Engine.Programs;

namespace Monge.Measures;

/// <content>Supports with one bound.</content>
public abstract partial class SupportTransform
{
    /// <summary>Numbers above a bound, x = a + exp(u).</summary>
    /// <param name="lower">The bound a, finite.</param>
    /// <param name="size">Number of coordinates.</param>
    /// <exception cref="ArgumentException">The bound is not finite.</exception>
    public static SupportTransform LowerBound(double lower, int size = 1) =>
        new BoundedSupport(Finite(lower, nameof(lower)), 1, Checked(size, 1, nameof(size)));

    /// <summary>Numbers below a bound, x = b - exp(u).</summary>
    /// <param name="upper">The bound b, finite.</param>
    /// <param name="size">Number of coordinates.</param>
    /// <exception cref="ArgumentException">The bound is not finite.</exception>
    public static SupportTransform UpperBound(double upper, int size = 1) =>
        new BoundedSupport(Finite(upper, nameof(upper)), -1, Checked(size, 1, nameof(size)));

    private static double Finite(double bound, string name) =>
        double.IsFinite(bound) ? bound : throw new ArgumentException($"The bound {bound} must be a finite number.", name);
}

/// <summary>The distance to the bound is exp(u), above it (direction 1) or below (-1).</summary>
internal sealed class BoundedSupport(double bound, int direction, int size) : SupportTransform
{
    public override int UnconstrainedSize => size;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u) => bound + (direction * u.Exp());

    public override Expr LogJacobian(Expr u) => u.Sum();

    public override string ToString() => $"{size} numbers {(direction > 0 ? "above" : "below")} {bound}";

    internal override Expr? LogDistance(Expr u, double slope, double offset) =>
        slope * direction > 0 && IsZeroAt(bound, slope, offset) ? u + Math.Log(slope * direction) : null;

    private protected override double[] Invert(ReadOnlySpan<double> x) => Array.ConvertAll(x.ToArray(), v => Math.Log(direction * (v - bound)));
}
