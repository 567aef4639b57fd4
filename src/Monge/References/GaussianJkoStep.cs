using Monge.Engine.LinearAlgebra;
using Monge.OptimalTransport;

namespace Monge.References;

/// <summary>
/// The step of the scheme of Jordan, Kinderlehrer and Otto for Gaussians, exactly: from N(m, S) by the potential (x - b)^T A (x - b) / 2 and the temperature
/// eps to the Gaussian that is least in W2^2 / (2 h) plus the free energy. The optimal map back is y -> y + h grad(Phi + eps log rho')(y), so with P = I + h A
/// <code>
/// m' = P^-1 (m + h A b),    S = (P - h eps S'^-1) S' (P - h eps S'^-1),                                                                                (1)
/// X - 2 h eps I + (h eps)^2 X^-1 = P^-1/2 S P^-1/2    for    X = P^1/2 S' P^1/2,                                                                       (2)
/// </code>
/// whose solution shares the right-hand side's eigenvectors; its eigenvalues are those above h eps. Matrices need not commute.
/// </summary>
public static class GaussianJkoStep
{
    /// <summary>Takes one step.</summary>
    /// <param name="mean">m [d].</param>
    /// <param name="covariance">S [d, d], symmetric positive definite.</param>
    /// <param name="centre">b [d].</param>
    /// <param name="precision">A [d, d], symmetric positive semidefinite.</param>
    /// <param name="temperature">eps, at least 0.</param>
    /// <param name="step">h, above 0.</param>
    /// <returns>m' [d] and S' [d, d].</returns>
    /// <exception cref="ArgumentException">A size doesn't fit, or a matrix isn't symmetric.</exception>
    public static (double[] Mean, double[,] Covariance) Take(
        double[] mean, double[,] covariance, double[] centre, double[,] precision, double temperature, double step)
    {
        ArgumentNullException.ThrowIfNull(mean);
        ArgumentNullException.ThrowIfNull(centre);
        ArgumentOutOfRangeException.ThrowIfNegative(temperature);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        var d = mean.Length;
        if (centre.Length != d || covariance.Length != d * d || precision.Length != d * d)
        {
            throw new ArgumentException(
                $"A step in {d} coordinates was given a centre of {centre.Length}, a covariance of {covariance.Length} and a precision of "
                + $"{precision.Length} numbers.",
                nameof(centre));
        }

        // P = V diag(p) V^T.
        double[] scaled = [.. precision.Cast<double>().Select(a => step * a)];
        var (added, vectors) = SymmetricEigen.Decompose(scaled, d);
        double[] p = [.. added.Select(a => 1 + a)];
        double[] pulled = [.. Enumerable.Range(0, d).Select(i => mean[i] + Enumerable.Range(0, d).Sum(j => scaled[(i * d) + j] * centre[j]))];
        var next = HostMatrices.Product(SymmetricRoots.Compose([.. p.Select(v => 1 / v)], vectors, d), pulled, d, d, 1);

        var inverseRoot = SymmetricRoots.Compose([.. p.Select(v => 1 / Math.Sqrt(v))], vectors, d);
        double[] flat = [.. covariance.Cast<double>()];
        var right = SymmetricRoots.Sandwich(inverseRoot, flat, d);
        var (values, axes) = SymmetricEigen.Decompose(right, d);
        var heat = step * temperature;
        var middle = SymmetricRoots.Compose(
            [.. values.Select(y => 0.5 * (y + (2 * heat) + Math.Sqrt(Math.Max(0, y * (y + (4 * heat))))))], axes, d);
        var result = SymmetricRoots.Sandwich(inverseRoot, middle, d);
        var matrix = new double[d, d];
        Buffer.BlockCopy(result, 0, matrix, 0, result.Length * sizeof(double));
        return (next, matrix);
    }
}
