using Monge.Engine.Programs;

namespace Monge.Measures;

/// <content>Supports of vectors.</content>
public abstract partial class SupportTransform
{
    /// <summary>Increasing positive numbers: x_1 = exp(u_1), x_k = x_(k-1) + exp(u_k).</summary>
    /// <param name="size">Number of coordinates.</param>
    public static SupportTransform PositiveOrdered(int size) => new PositiveOrderedSupport(Checked(size, 1, nameof(size)));

    /// <summary>
    /// Vectors of length 1, x = u / |u| for n free coordinates, whose length is given the law of a standard normal vector's. Densities are with respect to the
    /// surface of the sphere.
    /// </summary>
    /// <param name="size">n, at least 2.</param>
    public static SupportTransform UnitVector(int size) => new UnitVectorSupport(Checked(size, 2, nameof(size)));

    /// <summary>
    /// n numbers that add up to 0, by n - 1 free coordinates along orthogonal directions of length 1 (Stan's sum_to_zero_vector). Densities are with respect to
    /// length, area, ... within that plane.
    /// </summary>
    /// <param name="size">n, at least 2.</param>
    public static SupportTransform SumToZero(int size) => new SumToZeroSupport(Checked(size, 2, nameof(size)));
}

internal sealed class PositiveOrderedSupport(int size) : SupportTransform
{
    public override int UnconstrainedSize => size;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u) => u.Exp().CumulativeSum();

    public override Expr LogJacobian(Expr u) => u.Sum();

    public override string ToString() => $"{size} increasing positive numbers";

    internal override Expr? LogDistance(Expr u, double slope, double offset) => null;

    private protected override double[] Invert(ReadOnlySpan<double> x)
    {
        var u = x.ToArray();
        for (var k = size - 1; k >= 0; k--)
        {
            u[k] = Math.Log(u[k] - (k > 0 ? u[k - 1] : 0));
        }

        return u;
    }
}

internal sealed class UnitVectorSupport(int size) : SupportTransform
{
    // The integral of r^(n-1) exp(-r^2 / 2) is 2^(n/2 - 1) Gamma(n / 2).
    private readonly double _logRadialMass = (((0.5 * size) - 1) * Math.Log(2)) + SpecialFunctions.LogGamma(0.5 * size);

    public override int UnconstrainedSize => size;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u) => u / u.Norm();

    public override Expr LogJacobian(Expr u) => (-0.5 * u.SquaredNorm()) - _logRadialMass;

    public override string ToString() => $"a vector of {size} numbers and length 1";

    internal override Expr? LogDistance(Expr u, double slope, double offset) => null;

    // Of the free vectors in one direction, one of typical length.
    private protected override double[] Invert(ReadOnlySpan<double> x)
    {
        var values = x.ToArray();
        var isUnit = Math.Abs(values.Sum(v => v * v) - 1) < 1e-6;
        return Array.ConvertAll(values, v => isUnit ? v * Math.Sqrt(size) : double.NaN);
    }
}

/// <summary>x_k = w_k + w_(k+1) + ... - (k - 1) w_(k-1) with w_k = u_k / sqrt(k (k + 1)): an orthogonal map, so its log-Jacobian is 0.</summary>
internal sealed class SumToZeroSupport(int size) : SupportTransform
{
    private readonly double[] _scales = [.. Enumerable.Range(1, size - 1).Select(k => 1 / Math.Sqrt(k * (k + 1.0)))];

    public override int UnconstrainedSize => size - 1;

    public override int ConstrainedSize => size;

    public override Expr ToConstrained(Expr u)
    {
        var w = u * Expr.Constant(_scales, size - 1);
        var weighted = w * Expr.Constant([.. Enumerable.Range(1, size - 1).Select(k => (double)k)], size - 1);
        return w.CumulativeSum(fromEnd: true).Pad(0, 0, 1) - weighted.Pad(0, 1, 0);
    }

    public override Expr LogJacobian(Expr u) => 0;

    public override string ToString() => $"{size} numbers that add up to 0";

    internal override Expr? LogDistance(Expr u, double slope, double offset) => null;

    // The map is orthogonal: its inverse is its transpose.
    private protected override double[] Invert(ReadOnlySpan<double> x)
    {
        var u = new double[size - 1];
        var (sum, largest) = (0.0, 0.0);
        for (var k = 0; k < size; k++)
        {
            largest = Math.Max(largest, Math.Abs(x[k]));
            if (k > 0)
            {
                u[k - 1] = _scales[k - 1] * (sum - (k * x[k]));
            }

            sum += x[k];
        }

        return Math.Abs(sum) <= 1e-6 * largest ? u : [double.NaN];
    }
}
