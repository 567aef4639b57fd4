using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class KernelInterpolationTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: kernel interpolation");

    [Fact]
    public void It_passes_through_its_points_for_every_function()
    {
        var random = new RandomStream(1, s_stream);
        double[] points = [.. Enumerable.Range(0, 120).Select(_ => random.NextNormal())];
        double[] targets = [.. Enumerable.Range(0, 80).Select(_ => random.NextNormal())];
        foreach (IKernel kernel in new IKernel[] { NetworkKernels.NeuralTangent(), NetworkKernels.ArcSine(), Kernel.Gaussian(0.5) })
        {
            var fit = KernelInterpolation.Fit(kernel, points, targets, 3);
            Assert.Equal((40, 2, 3), (fit.Count, fit.Outputs, fit.Dimension));
            Assert.InRange(fit.LargestResidual, 0, 1e-10);
            Assert.All(fit.Predict(points).Zip(targets), pair => Assert.Equal(pair.Second, pair.First, 1e-10));
        }
    }

    [Fact]
    public void A_ridge_shrinks_one_point_by_its_share()
    {
        double[] point = [3, 4];
        var fit = KernelInterpolation.Fit(NetworkKernels.ArcCosine(1), point, [2], 2, ridge: 12.5);
        Assert.Equal(1, fit.Predict(point)[0], 1e-14);
        Assert.Equal(2.0 / 25, fit.Weights[0], 1e-15);
    }

    [Fact]
    public void Rows_that_no_function_tells_apart_are_named()
    {
        string Message(IKernel kernel, double[] points, double[] targets) =>
            Assert.Throws<ArgumentException>(() => KernelInterpolation.Fit(kernel, points, targets, 2)).Message;
        var tangent = NetworkKernels.NeuralTangent();
        Assert.Contains("Rows 0 and 2 (from 0) are the same point", Message(tangent, [1, 2, 0, 1, 1, 2], [1, 1, 1]));
        Assert.Contains("rows 0 and 2 (from 0) lie on one line through 0;", Message(tangent, [1, 2, 0, 1, 2, 4], [1, 1, 1]));
        var opposite = Message(NetworkKernels.AbsolutePower(1), [1, 2, 0, 1, -1, -2], [1, 1, 1]);
        Assert.Contains("rows 0 and 2 (from 0) lie on one line through 0, at opposite ends", opposite);
        Assert.Contains("singular to rounding", Message(NetworkKernels.AbsolutePower(2), [1, 0, 0, 1, 1, 1, 1, -1], [1, 1, 1, 1]));
        Assert.Contains("Row 1 (from 0)", Message(tangent, [1, 2, double.NaN, 1], [1, 1]));
        Assert.Contains("no table", Message(tangent, [1, 2, 3], [1]));
    }

    [Fact]
    public void Repeated_rows_are_averaged_under_a_ridge()
    {
        var fit = KernelInterpolation.Fit(Kernel.Gaussian(1), [0, 0], [1, 3], 1, ridge: 1e-6);
        Assert.Equal(2, fit.Predict([0])[0], 1e-5);
    }
}
