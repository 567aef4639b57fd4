using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class LatticeReferenceTests
{
    // Constants computed independently, by transfer matrices with a plain grid for each site, to the digits given.
    [Theory]
    [InlineData(-1, 0.8, 1.27966907, 0.38728976)]
    [InlineData(-1, 0.9, 1.13712554, 0.33879098)]
    public void TwoByTwo(double massSquared, double coupling, double logZ, double magnetisation)
    {
        var averages = LatticeReference.Compute(new LatticeField([2, 2], massSquared, coupling), 16, 40);
        Assert.Equal(logZ, averages.LogNormaliser, 6e-9);
        Assert.Equal(magnetisation, averages.MagnetisationSquare, 6e-9);
    }

    [Fact]
    public void Chain()
    {
        var averages = LatticeReference.Compute(new LatticeField([16], -1, 0.8), 16, 40);
        Assert.Equal(8.20454621, averages.LogNormaliser, 6e-9);
        Assert.Equal(0.40573434, averages.MeanSquare, 6e-9);
    }

    [Theory]
    [InlineData(-1, 0.8, 1.708387)]
    [InlineData(-1, 0.9, 1.449711)]
    [InlineData(-4.75, 5.1, 5.344033)]
    public void ThreeByThree(double massSquared, double coupling, double logZ) =>
        Assert.Equal(logZ, LatticeReference.Compute(new LatticeField([3, 3], massSquared, coupling), 10, 32).LogNormaliser, 6e-7);

    [Theory]
    [InlineData("phi4-4x4", 2.40196, 6e-6)]
    [InlineData("phi4-4x4@lambda=0.9", 1.9905, 6e-5)]
    [InlineData("phi4-4x4@m2=-4.75,lambda=5.1", 8.9329, 6e-5)]
    public void FourByFour(string name, double logZ, double tolerance) => Assert.Equal(logZ, KnownTargets.Get(name).Facts.LogZ!.Value, tolerance);

    // The error falls at least tenfold with each two degrees: the series of product functions converges exponentially.
    [Fact]
    public void MoreProductFunctionsConverge()
    {
        var field = new LatticeField([3, 4], -1, 0.8);
        double[] logZ = [.. new[] { 4, 6, 8, 10 }.Select(degree => LatticeReference.Compute(field, degree, 28).LogNormaliser)];
        Assert.True(Math.Abs(logZ[2] - logZ[3]) < 0.1 * Math.Abs(logZ[1] - logZ[2]));
        Assert.True(Math.Abs(logZ[1] - logZ[2]) < 0.1 * Math.Abs(logZ[0] - logZ[1]));
        Assert.Equal(logZ[3], LatticeReference.Compute(field, 10, 40).LogNormaliser, 1e-7);
    }

    // For the free field everything is known twice: <phi^2> from the momenta, and <M^2> = 1 / (2 m^2 V) from the zero momentum.
    [Theory]
    [InlineData(5)]
    [InlineData(3, 3)]
    [InlineData(4, 2)]
    [InlineData(3, 6)]
    public void FreeFieldsAgreeWithTheSumsOverMomenta(params int[] sizes)
    {
        var field = new LatticeField(sizes, 1, 0);
        var averages = LatticeReference.Compute(field, 12, 40);
        Assert.Equal(field.FreeLogNormaliser(1), averages.LogNormaliser, 1e-6);
        Assert.Equal(field.FreeMeanSquare(1), averages.MeanSquare, 1e-6);
        Assert.Equal(0.5 / field.Sites, averages.MagnetisationSquare, 1e-6);
    }

    [Theory]
    [InlineData(3, -1.513125)]
    [InlineData(8, -11.622885)]
    [InlineData(16, -46.496347)]
    [InlineData(20, -72.650543)]
    public void FreeLogNormalisersArePublished(int length, double logZ) =>
        Assert.Equal(logZ, new LatticeField([length, length], 1, 0).FreeLogNormaliser(1), 6e-7);

    // The root squared is the inverse of the Hessian of U: -(gradient of log density at a column of the covariance) is a unit vector.
    [Theory]
    [InlineData("phi4-chain-7@m2=0.7,lambda=0")]
    [InlineData("phi4-3x4@m2=0.7,lambda=0")]
    [InlineData("phi4-2x3x2@m2=0.7,lambda=0")]
    public void TheRootOfTheFreeFieldGivesItsCovariance(string name)
    {
        var density = KnownTargets.Get(name);
        int[] sizes = name.StartsWith("phi4-chain", StringComparison.Ordinal)
            ? [7] : name.StartsWith("phi4-3x4", StringComparison.Ordinal) ? [3, 4] : [2, 3, 2];
        var field = new LatticeField(sizes, 0.7, 0);
        var (root, v) = (field.FreeFieldRoot(0.7), field.Sites);
        var columns = new double[v * v];
        for (var i = 0; i < v; i++)
        {
            for (var j = 0; j < v; j++)
            {
                columns[(i * v) + j] = Enumerable.Range(0, v).Sum(k => root[(i * v) + k] * root[(k * v) + j]);
            }
        }

        var gradients = density.GradientAt(columns);
        for (var k = 0; k < v * v; k++)
        {
            Assert.Equal(k / v == k % v ? -1 : 0, gradients[k], 1e-10);
        }
    }

    [Fact]
    public void HartreesMassSolvesItsEquation()
    {
        var field = new LatticeField([8, 8], -1, 0.8);
        var mass = field.HartreeMassSquared();
        Assert.Equal(mass, -1 + (6 * 0.8 * field.FreeMeanSquare(mass)), 1e-9);
        Assert.Equal(1.3, new LatticeField([4, 4], 1.3, 0).HartreeMassSquared(), 1e-9);
    }

    [Fact]
    public void WideLatticesAreRefused()
    {
        Assert.False(LatticeReference.IsFeasible(new LatticeField([8, 8], -1, 0.8)));
        Assert.Contains("a side of at most 4", Assert.Throws<ArgumentException>(() => LatticeReference.Compute(new LatticeField([5, 5], -1, 0.8))).Message);
    }

    // U by its definition, site by site.
    [Fact]
    public void TheActionIsThatOfItsDefinition()
    {
        var density = KnownTargets.Get("phi4-3x4@m2=-0.5,lambda=0.7");
        var random = new RandomStream(4);
        double[] phi = [.. Enumerable.Range(0, 12).Select(_ => random.NextNormal())];
        var action = 0.0;
        for (var i = 0; i < 3; i++)
        {
            for (var j = 0; j < 4; j++)
            {
                var (here, right, up) = (phi[(4 * i) + j], phi[(4 * i) + ((j + 1) % 4)], phi[(4 * ((i + 1) % 3)) + j]);
                action += (3.5 * here * here) + (0.7 * Math.Pow(here, 4)) - (2 * here * (right + up));
            }
        }

        Assert.Equal(-action, density.LogDensityAt(phi)[0], 1e-10);
    }
}
