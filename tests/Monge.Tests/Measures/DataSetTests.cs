using Monge.Measures;
using Monge.OptimalTransport;

namespace Monge.Tests.Measures;

/// <summary>The planar data sets: their definitions by moments, support and entropy, and the published distances between two exact sets.</summary>
public sealed class DataSetTests
{
    private const int Many = 40_000;

    [Theory]
    [InlineData("normal", 0, 1, 0, 1)]
    [InlineData("checkerboard", 0, 5.333333, 0, 5.333333)]
    [InlineData("eight-gaussians", 0, 12.816228, 0, 12.816228)]
    [InlineData("moons", 1, 3.01, 0.5, 0.9880)]
    [InlineData("moons-notebook", 0.8, 6.78, 0.05, 2.2317)]
    [InlineData("s-curve", 0, 1.130625, 0, 4.3355)]
    [InlineData("circles", 0, 2.8701, 0, 2.8701)]
    public void MomentsAreThoseOfTheDefinition(string name, double meanX, double varianceX, double meanY, double varianceY)
    {
        var x = DataSetLibrary.Get(name).Draw(Many, 3);
        foreach (var (axis, mean, variance) in new[] { (0, meanX, varianceX), (1, meanY, varianceY) })
        {
            double[] column = [.. Enumerable.Range(0, Many).Select(i => x[(2 * i) + axis])];
            var deviation = Math.Sqrt(variance / Many);
            Assert.InRange(column.Average(), mean - (4 * deviation), mean + (4 * deviation));
            var squares = column.Select(v => (v - mean) * (v - mean)).ToArray();
            var error = Math.Sqrt(squares.Average(s => s * s) / Many);
            Assert.InRange(squares.Average(), variance - (4 * error), variance + (4 * error));
        }
    }

    // On a curve of length L two sets of n uniform points are L^2 / (3 n) apart in mean squared cost (the variance of a quantile, twice):
    // it sees the scale and the noise together.
    [Fact]
    public void TwoExactSetsOfTheCurveAreAsFarApartAsItsLengthSays()
    {
        const int points = 200;
        const int pairs = 40;
        var law = DataSetLibrary.Get("s-curve");
        var length = 1.5 * 3 * Math.PI;
        var found = Enumerable.Range(0, pairs).Average(
            k => Wasserstein.Exact(law.Draw(points, (ulong)(2 * k)), law.Draw(points, (ulong)((2 * k) + 1)), 2).MeanCost);
        Assert.InRange(found * 3 * points / (length * length), 0.6, 1.5);
    }

    [Theory]
    [InlineData("normal")]
    [InlineData("eight-gaussians")]
    [InlineData("checkerboard")]
    public void EntropyIsTheMeanOfMinusTheLogDensity(string name)
    {
        var law = DataSetLibrary.Get(name);
        var x = law.Draw(Many, 5);
        double[] terms = [.. Enumerable.Range(0, Many).Select(i => -law.LogDensity!(x.AsSpan(2 * i, 2)))];
        var mean = terms.Average();
        var error = Math.Sqrt(terms.Sum(v => (v - mean) * (v - mean))) / Many;
        Assert.Equal(law.Entropy!.Value, mean, (4 * error) + 1e-9);
    }

    [Fact]
    public void EntropiesHaveTheirClosedForms()
    {
        Assert.Equal(Math.Log(32), DataSetLibrary.Get("checkerboard").Entropy!.Value, 12);
        Assert.Equal(Math.Log(2 * Math.PI * Math.E), DataSetLibrary.Get("normal").Entropy!.Value, 12);

        // Far apart the Gaussians don't overlap, and the choice among them adds log 8.
        var apart = DataSetLibrary.EightGaussians("apart", 12, 0.4);
        Assert.Equal(Math.Log(8) + Math.Log(2 * Math.PI * Math.E * 0.16), apart.Entropy!.Value, 1e-9);
    }

    [Fact]
    public void TheCheckerboardFillsItsEightSquaresEvenly()
    {
        var law = DataSetLibrary.Get("checkerboard");
        var x = law.Draw(Many, 1);
        var counts = new Dictionary<(int, int), int>();
        for (var i = 0; i < Many; i++)
        {
            Assert.True(law.Contains!(x.AsSpan(2 * i, 2)));
            var cell = ((int)Math.Floor(x[2 * i] / 2), (int)Math.Floor(x[(2 * i) + 1] / 2));
            counts[cell] = counts.GetValueOrDefault(cell) + 1;
        }

        Assert.Equal(8, counts.Count);
        Assert.All(counts.Values, c => Assert.InRange(c, (Many / 8) - 400, (Many / 8) + 400));
        Assert.False(law.Contains!([1, -1]));
        Assert.True(law.Contains!([1, 1]));
    }

    [Fact]
    public void ShapesKeepToTheirCurves()
    {
        double[] Radii(string name) => [.. DataSetLibrary.Get(name).Draw(2000, 2).Chunk(2).Select(p => Math.Sqrt((p[0] * p[0]) + (p[1] * p[1])))];
        Assert.All(Radii("circles"), r => Assert.True(Math.Abs(r - 3) < 1.3 || Math.Abs(r - 1.5) < 1.3));
        Assert.All(Radii("swiss-roll"), r => Assert.InRange(r, (1.5 * Math.PI / 5) - 1, (4.5 * Math.PI / 5) + 1));
        Assert.All(Radii("spirals"), r => Assert.InRange(r, 0, Math.PI + 0.9));
    }

    [Fact]
    public void AnUnknownNameIsToldWithTheKnownOnes() =>
        Assert.Contains("checkerboard", Assert.Throws<ArgumentException>(() => DataSetLibrary.Get("chequers")).Message, StringComparison.Ordinal);
}
