using Monge.OptimalTransport;

namespace Monge.Tests.OptimalTransport;

public sealed class WassersteinTests
{
    [Fact]
    public void TheSamplingFloorOfPlanarGaussiansIsTheKnownOne()
    {
        // Mean squared cost between two sets of 2000: 0.0220 with the standard deviation 0.0042 over sets.
        double mean = Enumerable.Range(0, 4).Average(
            pair => Wasserstein.Exact(Gaussians.Standard(2000, 2, 2 * pair), Gaussians.Standard(2000, 2, 2 * pair + 1), 2).MeanCost);
        Assert.InRange(mean, 0.0220 - 2 * 0.0042, 0.0220 + 2 * 0.0042);
    }

    [Fact]
    public void TheSamplingFloorInTenDimensionsIsTheKnownOne()
    {
        // 3.644 with the standard deviation 0.047 over sets.
        double mean = Enumerable.Range(0, 4).Average(
            pair => Wasserstein.Exact(Gaussians.Standard(2000, 10, 2 * pair), Gaussians.Standard(2000, 10, 2 * pair + 1), 10).MeanCost);
        Assert.InRange(mean, 3.644 - 1.5 * 0.047, 3.644 + 1.5 * 0.047);
    }

    [Fact]
    public void ATranslationCostsItsLengthToThePower()
    {
        double[] x = Gaussians.Standard(100, 3, 5);
        double[] y = [.. x.Select((value, index) => value + new[] { 1.0, 2.0, 2.0 }[index % 3])];
        ExactTransport squared = Wasserstein.Exact(x, y, 3);
        Assert.Equal(9, squared.MeanCost, 1e-12);
        Assert.Equal(3, squared.Distance, 1e-12);
        Assert.Equal(3, Wasserstein.Exact(x, y, 3, power: 1).MeanCost, 1e-12);
        // The translation is optimal for every convex cost.
        Assert.Equal(3, Wasserstein.Exact(x, y, 3, power: 3).Distance, 1e-12);
        Assert.Equal(0, Wasserstein.Exact(x, x, 3).MeanCost);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3.5)]
    public void OnTheLineSortingAndAssignmentAgree(double power)
    {
        for (int seed = 0; seed < 5; seed++)
        {
            double[] x = Gaussians.Standard(60, 1, seed), y = [.. Gaussians.Standard(60, 1, 100 + seed).Select(static value => 2 * value + 1)];
            Assert.Equal(Wasserstein.Exact(x, y, 1, power).Distance, Wasserstein.OneDimensional(x, y, power), 1e-10);
        }
    }

    [Fact]
    public void WeightsOnTheLineActLikeRepetitions()
    {
        double[] x = [0.3, -1, 4], repeatedX = [0.3, 0.3, 0.3, -1, -1, 4];
        double[] y = [2, 0], repeatedY = [2, 0, 0, 0, 0, 0];
        double[] logX = [Math.Log(3) + 700, Math.Log(2) + 700, 700], logY = [0, Math.Log(5)];
        Assert.Equal(Wasserstein.OneDimensional(repeatedX, repeatedY, 2), Wasserstein.OneDimensional(x, y, 2, logX, logY), 1e-12);
        Assert.Equal(Wasserstein.OneDimensional([0.3], [2], 1), Wasserstein.OneDimensional([0.3, 5], [2], 1, [0, double.NegativeInfinity]), 1e-12);
    }

    [Fact]
    public void GaussianDistancesHaveTheirClosedForms()
    {
        // Isotropic: |m|^2 + d (s - 1)^2; commuting: sum of squared differences of the roots.
        Assert.Equal(25 + 2 * 4, GaussianTransport.SquaredDistance([0, 0], [1, 0, 0, 1], [3, 4], [9, 0, 0, 9]), 1e-12);
        Assert.Equal(1 + 4, GaussianTransport.SquaredDistance([0, 0], [1, 0, 0, 4], [0, 0], [4, 0, 0, 16]), 1e-12);
        // Dirac masses and singular covariances are allowed.
        Assert.Equal(4 + 1, GaussianTransport.SquaredDistance([0, 2], [0, 0, 0, 0], [0, 0], [1, 0, 0, 0]), 1e-12);
        double[] a = [2, 0.7, 0.7, 1], b = [1.5, -0.4, -0.4, 3];
        Assert.Equal(0, GaussianTransport.SquaredDistance([1, 2], a, [1, 2], a), 1e-12);
        Assert.Equal(GaussianTransport.SquaredDistance([1, 0], a, [0, 2], b), GaussianTransport.SquaredDistance([0, 2], b, [1, 0], a), 1e-12);
        // In the plane tr (A^1/2 B A^1/2)^1/2 = sqrt(tr AB + 2 sqrt(det A det B)).
        double traceProduct = 2 * 1.5 + 2 * 0.7 * -0.4 + 1 * 3;
        double determinants = (2 * 1 - 0.49) * (1.5 * 3 - 0.16);
        Assert.Equal(3 + 4.5 - 2 * Math.Sqrt(traceProduct + 2 * Math.Sqrt(determinants)), GaussianTransport.SquaredDistance([0, 0], a, [0, 0], b), 1e-12);
    }

    [Fact]
    public void TheGaussianMapIsSymmetricAndPushesOneCovarianceToTheOther()
    {
        for (int seed = 0; seed < 5; seed++)
        {
            double[] a = Covariance(seed), b = Covariance(100 + seed);
            double[] map = GaussianTransport.Map(a, b, 4);
            for (int row = 0; row < 4; row++)
            {
                for (int column = 0; column < 4; column++)
                {
                    double pushed = 0;
                    for (int i = 0; i < 4; i++)
                        for (int j = 0; j < 4; j++)
                            pushed += map[row * 4 + i] * a[i * 4 + j] * map[column * 4 + j];
                    Assert.Equal(b[row * 4 + column], pushed, 1e-9);
                    Assert.Equal(map[column * 4 + row], map[row * 4 + column], 1e-12);
                }
            }
        }
        Assert.Contains("singular", Assert.Throws<ArgumentException>(() => GaussianTransport.Map([1, 0, 0, 0], [1, 0, 0, 1], 2)).Message);
        Assert.Contains("negative eigenvalue", Assert.Throws<ArgumentException>(() => GaussianTransport.Map([1, 2, 2, 1], [1, 0, 0, 1], 2)).Message);
        Assert.Contains("not symmetric", Assert.Throws<ArgumentException>(() => GaussianTransport.Map([1, 0, 0, 1], [1, 0.5, 0, 1], 2)).Message);
    }

    [Fact]
    public void UnequalOrUnusableSetsAreRefused()
    {
        Assert.Contains("equal size", Assert.Throws<ArgumentException>(() => Wasserstein.Exact([1, 2], [1], 1)).Message);
        Assert.Contains("Point 1, coordinate 0", Assert.Throws<ArgumentException>(() => Wasserstein.Exact([1, 2, double.NaN, 3], [1, 2, 3, 4], 2)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Wasserstein.Exact([1], [1], 1, power: 0.5));
        Assert.Contains(
            "All weights are zero", Assert.Throws<ArgumentException>(() => Wasserstein.OneDimensional([1], [1], 1, [double.NegativeInfinity])).Message);
    }

    private static double[] Covariance(int seed)
    {
        double[] factor = Gaussians.Standard(4, 4, seed);
        var result = new double[16];
        for (int row = 0; row < 4; row++)
        {
            for (int column = 0; column < 4; column++)
            {
                result[row * 4 + column] = row == column ? 0.1 : 0;
                for (int inner = 0; inner < 4; inner++)
                    result[row * 4 + column] += factor[row * 4 + inner] * factor[column * 4 + inner];
            }
        }
        return result;
    }
}
