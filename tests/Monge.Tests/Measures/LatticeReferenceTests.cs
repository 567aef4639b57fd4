using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class LatticeReferenceTests
{
    // Published constants by transfer matrix (row by row) to the digits given.
    [Theory]
    [InlineData(-1, 0.8, 1.27966907, 0.38728976)]
    [InlineData(-1, 0.9, 1.13712554, 0.33879098)]
    public void TwoByTwo(double massSquared, double coupling, double logZ, double magnetisation)
    {
        var averages = LatticeReference.Compute(new LatticeField([2, 2], massSquared, coupling));
        Assert.Equal(logZ, averages.LogNormaliser, 6e-9);
        Assert.Equal(magnetisation, averages.MagnetisationSquare, 6e-9);
    }

    [Fact]
    public void Chain()
    {
        var averages = LatticeReference.Compute(new LatticeField([16], -1, 0.8));
        Assert.Equal(8.20454621, averages.LogNormaliser, 6e-9);
        Assert.Equal(0.40573434, averages.MeanSquare, 6e-9);
    }

    [Theory]
    [InlineData(-1, 0.8, 1.708387)]
    [InlineData(-1, 0.9, 1.449711)]
    [InlineData(-4.75, 5.1, 5.344033)]
    public void ThreeByThree(double massSquared, double coupling, double logZ) =>
        Assert.Equal(logZ, LatticeReference.Compute(new LatticeField([3, 3], massSquared, coupling), 12, 32).LogNormaliser, 6e-7);

    [Theory]
    [InlineData(-1, 0.8, 2.40196, 6e-6)]
    [InlineData(-1, 0.9, 1.9905, 6e-5)]
    [InlineData(-4.75, 5.1, 8.9329, 6e-5)]
    public void FourByFour(double massSquared, double coupling, double logZ, double tolerance) =>
        Assert.Equal(logZ, LatticeReference.Compute(new LatticeField([4, 4], massSquared, coupling), 10, 28).LogNormaliser, tolerance);
}
