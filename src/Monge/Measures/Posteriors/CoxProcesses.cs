using Monge.Data;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;

namespace Monge.Measures.Posteriors;

/// <summary>
/// Log-Gaussian Cox processes on a grid of the unit square: numbers of points y in n x n cells of area a, y ~ Poisson(a exp(f)), f ~ N(mu, K) with
/// K = 1.91 exp(-distance / (n / 33)), distances in cells, mu = log(126) - 1.91 / 2: what J. Moller, A. Syversveen and R. Waagepetersen (1998) took for 126
/// Finnish pine saplings. The likelihood's constants y log a and log y! are left out, as in the literature of samplers. Whitened: coordinates e of
/// f = mu + L e, L L^T = K.
/// </summary>
internal static class CoxProcesses
{
    private const double Variance = 1.91;
    private const double InverseRange = 33;
    private const int Saplings = 126;

    private static readonly double s_mean = Math.Log(Saplings) - (Variance / 2);

    /// <summary>The saplings on a grid.</summary>
    /// <param name="side">Cells along a side, for the usual data.</param>
    /// <param name="isWhitened">Whether coordinates are those in which the prior is standard normal.</param>
    public static PosteriorModel Pines(int side, bool isWhitened)
    {
        var name = $"pines-lgcp-{side}" + (isWhitened ? "-whitened" : "");
        return new PosteriorModel(
            name, $"a log-Gaussian Cox process: counts of {side} x {side} cells, row by row (any square number of cells){(isWhitened ? ", whitened" : "")}",
            data =>
            {
                var counts = data.Counts("counts");
                var n = Side(data, counts.Length);
                var (cells, area) = (PosteriorParts.Constant(counts), 1.0 / counts.Length);
                var covariance = Covariance(n);
                Expr Likelihood(Expr field) => ((cells * field) - (area * field.Exp())).Sum();
                string[] names = [.. Enumerable.Range(0, n * n).Select(k => $"f[{k / n},{k % n}]")];
                var options = new DensityOptions
                {
                    Description = $"The log intensity of pine saplings in {n} x {n} cells{(isWhitened ? ", in whitened coordinates" : "")}.",
                    Names = names,
                    Facts = Facts(n),
                };
                if (isWhitened)
                {
                    var factor = Expr.Constant(Factor(covariance, n * n), n * n, n * n);
                    Expr Field(Expr e) => s_mean + Expr.MatrixProduct(factor, e);
                    return Density.Create(name, n * n, e => LogDensities.StandardNormal(e).Sum() + Likelihood(Field(e)), options with
                    {
                        Report = Field,
                        Base = BaseSuggestion.Isotropic(n * n, 1, 1, "the prior, in whitened coordinates", false),
                    });
                }

                var (precision, logDeterminant) = Precision(covariance, n * n);
                var matrix = Expr.Constant(precision, n * n, n * n);
                var constant = -(0.5 * logDeterminant) - (n * n * LogDensities.HalfLogTwoPi);
                var centre = new double[n * n];
                Array.Fill(centre, s_mean);
                return Density.Create(
                    name, n * n, f => constant - (0.5 * Expr.Dot(f - s_mean, Expr.MatrixProduct(matrix, f - s_mean))) + Likelihood(f), options with
                    {
                        Base = new BaseSuggestion(centre, [.. centre.Select(_ => Math.Sqrt(Variance))], "the prior's mean and deviations"),
                    });
            },
            () => Binned(side),
            new ModelSimulation(
                (design, random) =>
                {
                    var counts = design.Counts("counts");
                    var n = Side(design, counts.Length);
                    var factor = Factor(Covariance(n), n * n);
                    double[] noise = [.. counts.Select(_ => random.NextNormal())];
                    return [.. Enumerable.Range(0, n * n).Select(
                        i => s_mean + HostVectors.Dot(factor.AsSpan(i * n * n, i + 1), noise.AsSpan(0, i + 1)))];
                },
                (design, f, random) => design.With("counts", [.. f.Select(v => PosteriorParts.Poisson(random, Math.Exp(v) / f.Length))])));
    }

    private static int Side(ModelData data, int cells)
    {
        var n = (int)Math.Round(Math.Sqrt(cells));
        return n * n == cells && n > 1 ? n : throw data.Wrong($"'counts' holds {cells} cells, which make no square; there must be 4, 9, 16, ...");
    }

    private static double[] Covariance(int n)
    {
        var range = n / InverseRange;
        var matrix = new double[n * n * n * n];
        for (var i = 0; i < n * n; i++)
        {
            for (var j = 0; j < n * n; j++)
            {
                matrix[(i * n * n) + j] = Variance * Math.Exp(-Math.Sqrt(Square((i / n) - (j / n)) + Square((i % n) - (j % n))) / range);
            }
        }

        return matrix;
    }

    private static double Square(int difference) => difference * difference;

    // The lower triangle, zeros above it.
    private static double[] Factor(double[] matrix, int size)
    {
        Cholesky.Factor(matrix, size);
        for (var i = 0; i < size; i++)
        {
            matrix.AsSpan((i * size) + i + 1, size - i - 1).Clear();
        }

        return matrix;
    }

    private static (double[] Precision, double LogDeterminant) Precision(double[] matrix, int size)
    {
        Cholesky.Factor(matrix, size);
        var inverse = new double[size * size];
        for (var i = 0; i < size; i++)
        {
            inverse[(i * size) + i] = 1;
        }

        Cholesky.SolveMany(matrix, size, inverse, size);
        return (inverse, 2 * Enumerable.Range(0, size).Sum(i => Math.Log(matrix[(i * size) + i])));
    }

    private static ModelData Binned(int n)
    {
        var counts = new double[n * n];
        foreach (var row in ShippedData.Numbers("pines/pines.csv"))
        {
            int Cell(double x) => Math.Min((int)(n * x), n - 1);
            counts[(Cell(row[0]) * n) + Cell(row[1])]++;
        }

        return ModelData.Of("pines/pines.csv", ("counts", counts));
    }

    private static TargetFacts Facts(int n)
    {
        if (n is not (32 or 40))
        {
            return TargetFacts.None;
        }

        double[] Column(int j) => [.. ShippedData.Numbers($"pines/moments_{n}.csv").Select(row => row[j])];
        return new TargetFacts
        {
            LogZ = n == 32 ? 503.36 : 501.72,
            LogZError = 0.03,
            LogZSource = "log evidence: four long runs of sequential Monte Carlo",
            Moments = new ReferenceMoments(Column(2), Column(3), "the same runs") { MeanError = Column(4) },
        };
    }
}
