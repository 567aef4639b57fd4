using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class DensityTests
{
    [Fact]
    public void ALogDensityThatIsNotAScalarIsRefusedByName()
    {
        var density = Density.Create("mine", 3, x => -x.Square());
        var error = Assert.Throws<DensityException>(() => density.LogDensity(Expr.Input("x", 3)));
        Assert.Equal("The log density of 'mine' has shape [3]; it must be a scalar (sum over the coordinates, for example with Sum()).", error.Message);
        Assert.Throws<DensityException>(() => density.Check());
    }

    [Fact]
    public void ShapeErrorsInsideTheFormulaNameTheDensity()
    {
        var density = Density.Create("mine", 3, x => (x + Expr.Constant([1, 2], 2)).Sum());
        var error = Assert.Throws<DensityException>(() => density.LogDensity(Expr.Input("x", 3)));
        Assert.StartsWith("The log density of 'mine' can't be traced: add", error.Message);
        Assert.IsType<ShapeException>(error.InnerException);
        Assert.Contains("needs [3]", Assert.Throws<DensityException>(() => density.LogDensity(Expr.Input("y", 4))).Message);
    }

    [Fact]
    public void NotANumberIsFoundAtTheFirstCheck()
    {
        var start = new BaseSuggestion([0], [1], "test");
        var density = Density.Create("root", 1, x => -(x[0] - 1).Sqrt(), new DensityOptions { Base = start });
        var error = Assert.Throws<DensityException>(() => density.Check());
        Assert.Equal(
            "The log density of 'root' is NaN at x[0] = 0; check the formula there (a logarithm or root of a negative number, 0/0), or give the coordinates "
            + "a support.", error.Message);
    }

    [Fact]
    public void NowherePossibleAndUnboundedDensitiesAreRefused()
    {
        var start = new BaseSuggestion([0, 0], [1, 1], "test");
        var nowhere = Density.Create(
            "far", 2, x => Expr.Select(x[0].Greater(100), -x.SquaredNorm(), double.NegativeInfinity), new DensityOptions { Base = start });
        Assert.Contains("minus infinity at the centre", Assert.Throws<DensityException>(() => nowhere.Check()).Message);
        var unbounded = Density.Create("pole", 2, x => -x.SquaredNorm().Log(), new DensityOptions { Base = start });
        Assert.Contains("'pole' is infinite at x[0] = 0, x[1] = 0", Assert.Throws<DensityException>(() => unbounded.Check()).Message);
        var kinks = Density.Create("kinks", 2, x => -Expr.Max(x[0], 0).Sqrt() - x.SquaredNorm(), new DensityOptions { Base = start });
        Assert.Contains("gradient of the log density of 'kinks' is not finite", Assert.Throws<DensityException>(() => kinks.Check()).Message);
        Density.Create("kink", 2, x => -x.Norm(), new DensityOptions { Base = start }).Check();
        var flat = Density.Create("flat", 2, _ => -1, new DensityOptions { Base = start });
        Assert.Contains("'flat' seems to have no finite integral", Assert.Throws<DensityException>(() => flat.Check()).Message);
    }

    [Fact]
    public void OptionsThatDoNotFitAreRefused()
    {
        Assert.Contains("cover 2 coordinates",
            Assert.Throws<ArgumentException>(() => Density.Create("a", 3, x => x.Sum(), new DensityOptions { Support = [SupportTransform.Real(2)] })).Message);
        Assert.Contains(
            "1 names for 3", Assert.Throws<ArgumentException>(() => Density.Create("a", 3, x => x.Sum(), new DensityOptions { Names = ["mu"] })).Message);
        Assert.Contains(
            "no names", Assert.Throws<ArgumentException>(() => Density.Create("a", 3, x => x.Sum(), new DensityOptions { Report = x => x })).Message);
        Assert.Contains("unconstrained", Assert.Throws<ArgumentException>(
            () => Density.Create("a", 3, x => x.Sum(), new DensityOptions { Base = new BaseSuggestion([0], [1], "") })).Message);
        var wrong = Density.Create("a", 3, x => x.Sum(), new DensityOptions { Names = ["one"], Report = x => x[..2] });
        Assert.Contains("has shape [2]", Assert.Throws<DensityException>(() => wrong.Report(Expr.Input("x", 3))).Message);
    }

    [Fact]
    public void ReportsAreConstrainedValues()
    {
        var density = Density.Create("a", 4, x => -x.SquaredNorm(),
            new DensityOptions { Support = [SupportTransform.Real(2), SupportTransform.Positive(), SupportTransform.Interval(0, 2)] });
        double[] reported = density.ReportAt([0.5, -1, Math.Log(3), 0]);
        Assert.Equal([0.5, -1, 3, 1], reported.Select(v => Math.Round(v, 12)));
        Assert.Equal(["x[0]", "x[1]", "x[2]", "x[3]"], density.Names);
    }

    [Fact]
    public void WhiteningKeepsTheMeasure()
    {
        var density = KnownTargets.Get("gmm9");
        var gaussian = GaussianBase.Full([0.5, -1], new[,] { { 2, 0 }, { 0.7, 1.5 } });
        var white = density.Whiten(gaussian);
        var draws = density.Facts.ExactSampler!(50, new RandomStream(8));
        var same = white.Facts.ExactSampler!(50, new RandomStream(8));
        var (before, after, reported) = (density.LogDensityAt(draws), white.LogDensityAt(same), white.ReportAt(same));
        for (var s = 0; s < 50; s++)
        {
            Assert.Equal(before[s] + Math.Log(3), after[s], 1e-9);
            Assert.Equal(draws[2 * s], reported[2 * s], 1e-12);
            Assert.Equal(density.Facts.Modes!.Label([draws[2 * s], draws[(2 * s) + 1]]), white.Facts.Modes!.Label([same[2 * s], same[(2 * s) + 1]]));
        }

        Assert.Equal(4, white.Facts.Modes!.Label(white.Facts.Modes.Position(4)!));
    }

    [Fact]
    public void LaplaceApproximationOfAGaussianIsExact()
    {
        var density = KnownTargets.Get("gaussian-6");
        var found = LaplaceApproximation.TryFind(density)!;
        Assert.True(found.Converged);
        Assert.Equal(density.Facts.LogZ!.Value, found.LogZ, 1e-10);
        Assert.All(found.Mode, m => Assert.Equal(1, m, 1e-10));
        Assert.All(found.StandardDeviation, s => Assert.Equal(1, s, 1e-10));
        Assert.Equal(0.5, found.CovarianceFactor[1, 0], 1e-10);
    }

    [Fact]
    public void LaplaceApproximationClimbsFromConvexGround()
    {
        // At the origin a double well curves upwards; a start beside it must end in the well of its side.
        var density = KnownTargets.Get("many-well-5");
        var found = LaplaceApproximation.TryFind(density, [0.1, -0.1, 0.2, 3, -5])!;
        Assert.True(found.Converged);
        double[] expected = [2, -2, 2, 2, -2];
        Assert.All(expected.Zip(found.Mode), p => Assert.Equal(p.First, p.Second, 1e-8));
        Assert.All(found.StandardDeviation, s => Assert.Equal(Math.Sqrt(1.0 / 32), s, 1e-8));
    }

    [Fact]
    public void ADensityWithoutAModeFallsBackToTheStandardNormal()
    {
        var density = Density.Create("slope", 2, x => x.Sum());
        Assert.Null(LaplaceApproximation.TryFind(density));
        Assert.Equal([1, 1], density.Base.Scale);
        Assert.Null(density.Base.CovarianceFactor);
        Assert.Contains("neither a mode nor moments were found", density.Base.Source);
    }

    // Formulas given without any hint: the search must match the true moments, also of a bent density and of one with several modes.
    [Theory]
    [InlineData("banana", 0.25)]
    [InlineData("gmm9", 0.25)]
    [InlineData("many-well-2", 0.25)]
    [InlineData("gaussian-20", 0.25)]
    public void TheBaseOfABareFormulaCoversIt(string name, double tolerance)
    {
        var known = KnownTargets.Get(name);
        var bare = Density.Create("bare", known.Dimension, known.LogDensity);
        for (var i = 0; i < known.Dimension; i++)
        {
            var sd = known.Facts.StandardDeviation![i];
            Assert.InRange((bare.Base.Center[i] - known.Facts.Mean![i]) / sd, -tolerance, tolerance);
            Assert.InRange(Math.Log(bare.Base.Scale[i] / sd), -tolerance, tolerance);
        }
    }

    [Theory]
    [InlineData("eight-schools")]
    [InlineData("kidscore")]
    [InlineData("german-credit")]
    [InlineData("ionosphere")]
    public void TheBasesOfPosteriorsCoverTheReference(string name)
    {
        var density = KnownTargets.Get(name);
        Assert.False(density.Base.UsesModeKnowledge);
        var draws = density.Base.ToGaussian().Sample(4000, new RandomStream(5));
        var reported = density.ReportAt(draws);
        var n = density.Names.Count;
        for (var i = 0; i < n; i++)
        {
            double[] column = [.. Enumerable.Range(0, 4000).Select(s => reported[(s * n) + i])];
            Array.Sort(column);
            var (mean, sd) = (density.Facts.Mean![i], density.Facts.StandardDeviation![i]);
            Assert.InRange(column.Count(v => v < mean) / 4000.0, 0.25, 0.75);
            Assert.InRange((column[3365] - column[635]) / (2 * sd), 0.7, 1.5);
        }
    }
}
