using Monge.Engine.Random;
using Monge.OptimalTransport;
using Monge.References;

namespace Monge.Tests.References;

/// <summary>The exact step of the scheme of Jordan, Kinderlehrer and Otto between Gaussians.</summary>
public sealed class GaussianJkoStepTests
{
    private const int D = 4;

    [Fact]
    public void Where_all_commutes_it_is_the_formula_along_each_axis()
    {
        double[] targets = [1, 1.3, 2, 0.4], variances = [1, 0.5, 3, 1];
        const double step = 0.1;
        var (mean, covariance) = GaussianJkoStep.Take([1, 0, -2, 0.5], Diagonal(variances), [0, 1, 1, 0], Diagonal([.. targets.Select(s => 1 / s)]), 1, step);
        for (var i = 0; i < D; i++)
        {
            var pull = 1 + (step / targets[i]);
            var stretch = (1 + Math.Sqrt(1 + (4 * step * pull / variances[i]))) / (2 * pull);
            Assert.Equal(stretch * stretch * variances[i], covariance[i, i], 1e-12);
            Assert.Equal((((double[])[1, 0, -2, 0.5])[i] + (step / targets[i] * ((double[])[0, 1, 1, 0])[i])) / pull, mean[i], 1e-12);
        }
    }

    [Fact]
    public void Nothing_near_it_has_less_distance_and_free_energy_together()
    {
        var random = new RandomStream(7, StreamName.Of("gaussian jko test"));
        var (covariance, precision) = (Positive(random), Positive(random));
        double[] mean = [1, 2, 0, -1], centre = [0, 0, 1, 1];
        var (best, spread) = GaussianJkoStep.Take(mean, covariance, centre, precision, 0.7, 0.3);
        double Objective(double[] m, double[,] s) =>
            (GaussianTransport.SquaredDistance(mean, Flat(covariance), m, Flat(s)) / 0.6) + FreeEnergy(m, s, centre, precision, 0.7);
        var least = Objective(best, spread);
        for (var trial = 0; trial < 40; trial++)
        {
            var size = trial % 2 == 0 ? 1e-2 : 1e-3;
            double[] shifted = [.. best.Select(b => b + (size * random.NextNormal()))];
            var change = Positive(random);
            var moved = new double[D, D];
            for (var i = 0; i < D; i++)
            {
                for (var j = 0; j < D; j++)
                {
                    moved[i, j] = spread[i, j] + (size * (trial % 4 < 2 ? 0.3 : -0.05) * change[i, j]);
                }
            }

            Assert.True(Objective(shifted, moved) > least);
        }
    }

    [Fact]
    public void Many_steps_end_at_the_invariant_law()
    {
        var random = new RandomStream(8, StreamName.Of("gaussian jko test"));
        var (mean, covariance, precision) = (new double[D], Positive(random), Positive(random));
        for (var k = 0; k < 2000; k++)
        {
            (mean, covariance) = GaussianJkoStep.Take(mean, covariance, [1, 2, 3, 4], precision, 0.5, 0.1);
        }

        for (var i = 0; i < D; i++)
        {
            Assert.Equal(i + 1, mean[i], 1e-9);
            for (var j = 0; j < D; j++)
            {
                Assert.Equal(i == j ? 0.5 : 0, Enumerable.Range(0, D).Sum(k => precision[i, k] * covariance[k, j]), 1e-9);
            }
        }
    }

    private static double FreeEnergy(double[] mean, double[,] covariance, double[] centre, double[,] precision, double temperature)
    {
        var sum = 0.0;
        for (var i = 0; i < D; i++)
        {
            for (var j = 0; j < D; j++)
            {
                sum += 0.5 * precision[i, j] * (covariance[i, j] + ((mean[i] - centre[i]) * (mean[j] - centre[j])));
            }
        }

        var values = Monge.Engine.LinearAlgebra.SymmetricEigen.Decompose(Flat(covariance), D).Values;
        return sum - (0.5 * temperature * values.Sum(Math.Log));
    }

    private static double[] Flat(double[,] matrix) => [.. matrix.Cast<double>()];

    private static double[,] Diagonal(double[] values)
    {
        var matrix = new double[D, D];
        for (var i = 0; i < D; i++)
        {
            matrix[i, i] = values[i];
        }

        return matrix;
    }

    // A A^T / d + I / 4.
    private static double[,] Positive(RandomStream random)
    {
        var a = Enumerable.Range(0, D * D).Select(_ => random.NextNormal()).ToArray();
        var matrix = Diagonal([0.25, 0.25, 0.25, 0.25]);
        for (var i = 0; i < D; i++)
        {
            for (var j = 0; j < D; j++)
            {
                matrix[i, j] += Enumerable.Range(0, D).Sum(k => a[(i * D) + k] * a[(j * D) + k]) / D;
            }
        }

        return matrix;
    }
}
