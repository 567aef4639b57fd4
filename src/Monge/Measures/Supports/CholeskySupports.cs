using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Measures;

/// <content>Supports of matrices, by their Cholesky factors.</content>
public abstract partial class SupportTransform
{
    /// <summary>
    /// The Cholesky factor L of a correlation matrix L L^T, by the partial correlations tanh(u). The coordinates are the entries on and below the diagonal, row
    /// by row, but for L_11 = 1; <see cref="CholeskyFactor"/> makes the matrix of them. Densities are with respect to the entries below the diagonal, as
    /// <see cref="LogDensities.LkjCorrelationCholesky"/> is.
    /// </summary>
    /// <param name="size">Rows of the matrix n, at least 2.</param>
    public static SupportTransform CorrelationCholesky(int size) => new CorrelationCholeskySupport(Checked(size, 2, nameof(size)));

    /// <summary>
    /// The Cholesky factor L of a covariance matrix L L^T, its diagonal exp(u). The coordinates are the entries on and below the diagonal, row by row;
    /// <see cref="CholeskyFactor"/> makes the matrix of them. Densities are with respect to these entries; for one with respect to the matrix L L^T add
    /// n log 2 + sum_k (n - k + 1) log L_kk.
    /// </summary>
    /// <param name="size">Rows of the matrix n.</param>
    public static SupportTransform CovarianceCholesky(int size) => new CovarianceCholeskySupport(Checked(size, 1, nameof(size)));

    /// <summary>
    /// The matrix [n, n] of the coordinates of <see cref="CorrelationCholesky"/> or <see cref="CovarianceCholesky"/>, zero above the diagonal.
    /// </summary>
    /// <param name="entries">The coordinates, a vector.</param>
    /// <exception cref="ShapeException">Their number is that of no such matrix.</exception>
    public static Expr CholeskyFactor(Expr entries)
    {
        var n = (int)Math.Sqrt(2 * (entries.Size + 1));
        var missing = (n * (n + 1) / 2) - entries.Size;
        if (entries.Shape.Rank != 1 || missing is not (0 or 1))
        {
            throw new ShapeException(
                $"Cholesky factor: the entries have shape {entries.Shape}; n rows have n (n + 1) / 2 of them, those of a correlation one less.");
        }

        var all = missing == 0 ? entries : Expr.Concat(0, Expr.Constant(1).Reshape(1), entries);
        return all.Gather(0, [.. Enumerable.Range(0, n * n).Select(e => e % n <= e / n ? Triangle.Index(e / n, e % n) : -1)]).Reshape(n, n);
    }
}

/// <summary>Entries on and below the diagonal, row by row.</summary>
internal static class Triangle
{
    public static int Index(int row, int column) => (row * (row + 1) / 2) + column;

    public static IEnumerable<string> Names(string name, int size) =>
        Enumerable.Range(1, size).SelectMany(i => Enumerable.Range(1, i).Select(j => $"{name}[{i},{j}]"));
}

/// <summary>
/// Row i of the factor: L_ij = z_ij sqrt(1 - L_i1^2 - ... - L_i,j-1^2), z = tanh(u), and on the diagonal what is left. With l = log(1 - z^2) the logarithm of
/// what is left before entry j is the sum of the l before it.
/// </summary>
internal sealed class CorrelationCholeskySupport(int size) : SupportTransform
{
    public override int UnconstrainedSize => size * (size - 1) / 2;

    public override int ConstrainedSize => (size * (size + 1) / 2) - 1;

    public override IReadOnlyList<string> Names(string name) => [.. Triangle.Names(name, size).Skip(1)];

    public override Expr ToConstrained(Expr u)
    {
        var rows = new List<Expr>();
        for (var i = 1; i < size; i++)
        {
            var row = Row(u, i);
            var left = (0.5 * LogRest(row).CumulativeSum()).Exp();
            rows.Add(i == 1 ? row.Tanh() : row.Tanh() * Expr.Concat(0, Expr.Constant(1).Reshape(1), left[..^1]));
            rows.Add(left[^1..]);
        }

        return Expr.Concat(0, [.. rows]);
    }

    public override Expr LogJacobian(Expr u)
    {
        Expr sum = 0;
        for (var i = 1; i < size; i++)
        {
            var weights = Expr.Constant([.. Enumerable.Range(0, i).Select(k => 1 + (0.5 * (i - 1 - k)))], i);
            sum += (weights * LogRest(Row(u, i))).Sum();
        }

        return sum;
    }

    public override string ToString() => $"the Cholesky factor of a {size} x {size} correlation matrix";

    internal override Expr? LogDistance(Expr u, double slope, double offset) => null;

    private protected override double[] Invert(ReadOnlySpan<double> x)
    {
        var u = new double[UnconstrainedSize];
        for (var (i, at) = (1, 0); i < size; i++)
        {
            var left = 1.0;
            for (var j = 0; j < i; j++)
            {
                var entry = x[Triangle.Index(i, j) - 1];
                u[at++] = Math.Atanh(entry / Math.Sqrt(left));
                left -= entry * entry;
            }

            var diagonal = x[Triangle.Index(i, i) - 1];
            if (!(diagonal > 0) || Math.Abs((diagonal * diagonal) - left) > 1e-6)
            {
                return [double.NaN];
            }
        }

        return u;
    }

    private static Expr Row(Expr u, int row) => u.Slice(0, row * (row - 1) / 2, row);

    // log(1 - tanh^2 u).
    private static Expr LogRest(Expr u) => (2 * Math.Log(2)) - (2 * u).Softplus() - (-2 * u).Softplus();
}

internal sealed class CovarianceCholeskySupport(int size) : SupportTransform
{
    private readonly int[] _diagonal = [.. Enumerable.Range(0, size).Select(i => Triangle.Index(i, i))];

    public override int UnconstrainedSize => size * (size + 1) / 2;

    public override int ConstrainedSize => UnconstrainedSize;

    public override IReadOnlyList<string> Names(string name) => [.. Triangle.Names(name, size)];

    public override Expr ToConstrained(Expr u)
    {
        var isDiagonal = Expr.Constant([.. Enumerable.Range(0, UnconstrainedSize).Select(e => _diagonal.Contains(e) ? 1.0 : 0.0)], UnconstrainedSize);
        return Expr.Select(isDiagonal, (isDiagonal * u).Exp(), u);
    }

    public override Expr LogJacobian(Expr u) => u.Gather(0, _diagonal).Sum();

    public override string ToString() => $"the Cholesky factor of a {size} x {size} covariance matrix";

    internal override Expr? LogDistance(Expr u, double slope, double offset) => null;

    private protected override double[] Invert(ReadOnlySpan<double> x)
    {
        var u = x.ToArray();
        foreach (var at in _diagonal)
        {
            u[at] = Math.Log(u[at]);
        }

        return u;
    }
}
