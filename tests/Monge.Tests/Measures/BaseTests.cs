using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class BaseTests
{
    private static readonly double[,] s_factor = { { 2, 0, 0 }, { 0.5, 1, 0 }, { -0.3, 0.4, 0.7 } };

    [Fact]
    public void FullGaussianHasTheDensityOfItsCovariance()
    {
        var law = GaussianBase.Full([1, -2, 0.5], s_factor);

        // The covariance L L^T, its determinant det(L)^2 and its inverse by cofactors.
        double[] x = [0.2, 0.1, -0.4];
        double[] y = [x[0] - 1, x[1] + 2, x[2] - 0.5];
        var (a, b, c, d, e, f) = (4.0, 1.0, -0.6, 1.25, 0.25, 0.74);
        var determinant = (a * ((d * f) - (e * e))) - (b * ((b * f) - (c * e))) + (c * ((b * e) - (c * d)));
        var form = ((y[0] * y[0] * ((d * f) - (e * e))) + (y[1] * y[1] * ((a * f) - (c * c))) + (y[2] * y[2] * ((a * d) - (b * b)))
            + (2 * y[0] * y[1] * ((c * e) - (b * f))) + (2 * y[0] * y[2] * ((b * e) - (c * d))) + (2 * y[1] * y[2] * ((b * c) - (a * e)))) / determinant;
        Assert.Equal((-0.5 * form) - (0.5 * Math.Log(determinant)) - (1.5 * Math.Log(2 * Math.PI)), Evaluate(law, x), 1e-12);
        Assert.Equal(0.5 * Math.Log(determinant), law.LogDeterminant, 1e-12);
        Assert.Equal([2, Math.Sqrt(1.25), Math.Sqrt(0.74)], law.StandardDeviation.Select(v => Math.Round(v, 15)).ToArray(), (p, q) => Math.Abs(p - q) < 1e-12);
    }

    [Fact]
    public void DiagonalAndFullAgree()
    {
        var diagonal = GaussianBase.Diagonal([1, 2], [0.5, 3]);
        var full = GaussianBase.Full([1, 2], new[,] { { 0.5, 0 }, { 0, 3 } });
        Assert.Equal(Evaluate(diagonal, [0.3, 0.9]), Evaluate(full, [0.3, 0.9]), 1e-13);
        Assert.Equal(diagonal.Sample(5, new RandomStream(3)), full.Sample(5, new RandomStream(3)));
        Assert.Equal(Evaluate(GaussianBase.Isotropic(2, 3), [1, 1]), Evaluate(GaussianBase.Isotropic(2).Inflate(3), [1, 1]), 1e-13);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void SamplesHaveMeanAndCovariance(ulong seed)
    {
        const int Samples = 20_000;
        var draws = GaussianBase.Full([1, -2, 0.5], s_factor).Sample(Samples, new RandomStream(seed));
        double[] mean = [1, -2, 0.5];
        for (var i = 0; i < 3; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var exact = Enumerable.Range(0, 3).Sum(k => s_factor[i, k] * s_factor[j, k]);
                double[] products = [.. Enumerable.Range(0, Samples).Select(s => (draws[(3 * s) + i] - mean[i]) * (draws[(3 * s) + j] - mean[j]))];
                var average = products.Average();
                var error = Math.Sqrt(products.Average(p => (p - average) * (p - average)) / Samples);
                Assert.InRange(average, exact - (5 * error), exact + (5 * error));
            }

            Assert.InRange(Enumerable.Range(0, Samples).Average(s => draws[(3 * s) + i]) - mean[i], -0.07, 0.07);
        }
    }

    [Fact]
    public void TracedAndHostMapsAgreeAndAreInverse()
    {
        var law = GaussianBase.Full([1, -2, 0.5], s_factor);
        double[] noise = [0.3, -1.1, 0.8];
        var (position, back) = (new double[3], new double[3]);
        law.ToPosition(noise, position);
        law.ToNoise(position, back);
        var z = Expr.Input("z", 3);
        var traced = law.FromNoise(z);
        var outputs = ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("x", traced), ("z", law.ToNoise(traced))), 1, new Dictionary<string, double[]> { ["z"] = noise }, []);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(noise[i], back[i], 1e-13);
            Assert.Equal(position[i], outputs["x"][i], 1e-13);
            Assert.Equal(noise[i], outputs["z"][i], 1e-13);
        }
    }

    [Fact]
    public void BoxIsUniformInsideAndImpossibleOutside()
    {
        var box = new BoxBase([-1, 2], [3, 4]);
        Assert.Equal(-Math.Log(8), Evaluate(box, [2.9, 2.1]), 1e-14);
        Assert.Equal(double.NegativeInfinity, Evaluate(box, [3.1, 2.1]));
        Assert.Equal(double.NegativeInfinity, Evaluate(box, [0, 1.9]));
        var draws = box.Sample(10_000, new RandomStream(4));
        for (var i = 0; i < 2; i++)
        {
            double[] column = [.. Enumerable.Range(0, 10_000).Select(s => (draws[(2 * s) + i] - box.Lower[i]) / box.Width[i])];
            Assert.InRange(column.Min(), 0, 0.01);
            Assert.InRange(column.Max(), 0.99, 1);
            Assert.InRange(column.Average(), 0.485, 0.515);
        }
    }

    [Fact]
    public void ImpossibleLawsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => GaussianBase.Diagonal([0, 0], [1]));
        Assert.Throws<ArgumentException>(() => GaussianBase.Diagonal([0], [0]));
        Assert.Throws<ArgumentException>(() => GaussianBase.Diagonal([double.NaN], [1]));
        Assert.Throws<ArgumentException>(() => GaussianBase.Full([0, 0], new[,] { { 1.0, 0 }, { 0, -1 } }));
        Assert.Throws<ArgumentException>(() => new BoxBase([0], [0]));
        Assert.Throws<ArgumentException>(() => new BoxBase([0, 1], [1]));
    }

    private static double Evaluate(IBase law, double[] x)
    {
        var input = Expr.Input("x", x.Length);
        return ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("p", law.LogDensity(input))), 1, new Dictionary<string, double[]> { ["x"] = x }, [])["p"][0];
    }
}
