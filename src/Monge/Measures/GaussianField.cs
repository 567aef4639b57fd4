using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// A stationary Gaussian field on a periodic lattice: independent plane waves with variances given by a spectrum, scaled to unit variance at every site. Its
/// covariance is known exactly, and so is every law given linear observations (<see cref="GaussianConditional"/>).
/// </summary>
public sealed class GaussianField
{
    private readonly double[] _waves;

    /// <summary>Makes a field.</summary>
    /// <param name="basis">An orthonormal basis [V, V] of plane waves, one in each row, and the eigenvalue khat^2 of each.</param>
    /// <param name="spectrum">Variance of a wave by its eigenvalue khat^2 of the negative lattice Laplacian, up to a factor.</param>
    public GaussianField((double[] Waves, double[] Eigenvalues) basis, Func<double, double> spectrum)
    {
        (_waves, Eigenvalues) = basis;
        Sites = Eigenvalues.Count;
        double[] variances = [.. Eigenvalues.Select(spectrum)];
        var total = variances.Average();
        Variances = Array.ConvertAll(variances, v => v / total);
    }

    /// <summary>V.</summary>
    public int Sites { get; }

    /// <summary>khat^2 of each wave [V].</summary>
    public IReadOnlyList<double> Eigenvalues { get; }

    /// <summary>Variance of each wave's amplitude [V]; their mean is 1.</summary>
    public IReadOnlyList<double> Variances { get; }

    /// <summary>The covariance [V, V].</summary>
    public double[] Covariance()
    {
        double[] scaled = [.. _waves.Select((v, k) => Variances[k / Sites] * v)];
        return HostMatrices.Product(HostMatrices.Transposed(scaled, Sites, Sites), _waves, Sites, Sites, Sites);
    }

    /// <summary>A traced draw [V].</summary>
    /// <param name="noise">Standard normal [V].</param>
    public Expr Draw(Expr noise)
    {
        var scaled = new double[Sites * Sites];
        for (var i = 0; i < Sites; i++)
        {
            for (var wave = 0; wave < Sites; wave++)
            {
                scaled[(i * Sites) + wave] = _waves[(wave * Sites) + i] * Math.Sqrt(Variances[wave]);
            }
        }

        return Expr.MatrixProduct(Expr.Constant(scaled, Sites, Sites), noise);
    }

    /// <summary>The amplitudes of all waves of a field.</summary>
    /// <param name="field">The field [V].</param>
    /// <returns>Amplitudes [V], whose squares have the expectations <see cref="Variances"/>.</returns>
    public double[] Amplitudes(ReadOnlySpan<double> field)
    {
        var result = new double[Sites];
        for (var wave = 0; wave < Sites; wave++)
        {
            result[wave] = HostVectors.Dot(_waves.AsSpan(wave * Sites, Sites), field);
        }

        return result;
    }
}
