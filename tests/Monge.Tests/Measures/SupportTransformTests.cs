using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class SupportTransformTests
{
    public static TheoryData<string> Kinds => ["real", "positive", "interval", "simplex", "simplex2", "ordered", "ordered1", "lower", "upper",
        "positive-ordered", "sum-to-zero", "correlation", "covariance"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void InverseUndoesTheMap(string kind)
    {
        var transform = Make(kind);
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            var u = Draw(transform.UnconstrainedSize, seed);
            var (x, _) = Apply(transform, u);
            Assert.Equal(transform.ConstrainedSize, x.Length);
            var back = transform.ToUnconstrained(x);
            for (var i = 0; i < u.Length; i++)
            {
                Assert.Equal(u[i], back[i], 1e-9);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void LogJacobianIsThatOfTheDifferenceQuotients(string kind)
    {
        var transform = Make(kind);
        var m = transform.UnconstrainedSize;
        foreach (var seed in new ulong[] { 4, 5, 6 })
        {
            var u = Draw(m, seed);
            var jacobian = new double[m, m];
            for (var j = 0; j < m; j++)
            {
                double[] up = [.. u], down = [.. u];
                up[j] += 1e-5;
                down[j] -= 1e-5;
                var (above, below) = (Apply(transform, up).Values, Apply(transform, down).Values);
                for (var i = 0; i < m; i++)
                {
                    jacobian[i, j] = (above[Rows(kind)[i]] - below[Rows(kind)[i]]) / 2e-5;
                }
            }

            // The first n - 1 of n numbers that add up to 0 span 1 / sqrt(n) of the area in their plane.
            var area = kind == "sum-to-zero" ? 0.5 * Math.Log(m + 1) : 0;
            Assert.Equal(area + Math.Log(Math.Abs(Determinant(jacobian))), Apply(transform, u).LogJacobian, 1e-7);
        }
    }

    // The mass of a density on the support is the integral of the transformed density over the line.
    [Fact]
    public void MassIsPreservedByPositiveNumbers()
    {
        // Gamma(2.5), normaliser Gamma(2.5) = 0.75 sqrt(pi).
        var density = Density.Create("gamma", 1, x => (1.5 * x.Log().Sum()) - x.Sum(), new DensityOptions { Support = [SupportTransform.Positive()] });
        Assert.Equal(0.75 * Math.Sqrt(Math.PI), IntegrateLine(density, -20, 6), 1e-10);
    }

    [Fact]
    public void MassIsPreservedByIntervals()
    {
        // (x - 1)^2 (4 - x) on (1, 4): 27 B(3, 2) 3 = 6.75.
        var density = Density.Create(
            "beta", 1, x => (2 * (x[0] - 1).Log()) + (4 - x[0]).Log(), new DensityOptions { Support = [SupportTransform.Interval(1, 4)] });
        Assert.Equal(6.75, IntegrateLine(density, -25, 25), 1e-9);
    }

    [Fact]
    public void MassIsPreservedBySimplices()
    {
        // Dirichlet(2, 3, 1.5): Gamma(2) Gamma(3) Gamma(1.5) / Gamma(6.5).
        var powers = Expr.Constant([1, 2, 0.5], 3);
        var density = Density.Create("dirichlet", 3, x => (powers * x.Log()).Sum(), new DensityOptions { Support = [SupportTransform.Simplex(3)] });
        Assert.Equal(2, density.Dimension);
        var exact = 2 * 0.5 * Math.Sqrt(Math.PI) / (5.5 * 4.5 * 3.5 * 2.5 * 1.5 * 0.5 * Math.Sqrt(Math.PI));
        Assert.Equal(exact, IntegratePlane(density, (-18, 22), (-18, 22), 120), 1e-8 * exact);
    }

    [Fact]
    public void MassIsPreservedByOrderedNumbers()
    {
        // Two standard normal numbers in order: one half.
        var density = Density.Create(
            "pair", 2, x => (-0.5 * x.SquaredNorm()) - Math.Log(2 * Math.PI), new DensityOptions { Support = [SupportTransform.Ordered(2)] });
        Assert.Equal(0.5, IntegratePlane(density, (-8, 8), (-26, 4), 120), 1e-7);
    }

    [Theory]
    [InlineData("positive")]
    [InlineData("interval")]
    [InlineData("simplex")]
    [InlineData("ordered")]
    [InlineData("lower")]
    [InlineData("positive-ordered")]
    [InlineData("sum-to-zero")]
    [InlineData("unit")]
    [InlineData("correlation")]
    [InlineData("covariance")]
    public void ValuesOutsideTheSupportAreRefused(string kind)
    {
        var transform = Make(kind);
        var outside = new double[transform.ConstrainedSize];
        Array.Fill(outside, kind == "lower" ? -3 : -1.5);
        Assert.Contains("not inside the support", Assert.Throws<ArgumentException>(() => transform.ToUnconstrained(outside)).Message);
    }

    [Fact]
    public void ImpossibleSupportsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => SupportTransform.Interval(2, 1));
        Assert.Throws<ArgumentException>(() => SupportTransform.Interval(0, double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => SupportTransform.Simplex(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => SupportTransform.Positive(0));
    }

    // The coordinates that densities are with respect to: of a correlation's factor those below the diagonal.
    private static int[] Rows(string kind) => kind == "correlation" ? [0, 2, 3, 5, 6, 7] : [.. Enumerable.Range(0, 20)];

    private static SupportTransform Make(string kind) => kind switch
    {
        "real" => SupportTransform.Real(3),
        "positive" => SupportTransform.Positive(3),
        "interval" => SupportTransform.Interval(-1, 3, 2),
        "simplex" => SupportTransform.Simplex(4),
        "simplex2" => SupportTransform.Simplex(2),
        "ordered" => SupportTransform.Ordered(4),
        "lower" => SupportTransform.LowerBound(-2.5, 2),
        "upper" => SupportTransform.UpperBound(3.5, 2),
        "positive-ordered" => SupportTransform.PositiveOrdered(3),
        "sum-to-zero" => SupportTransform.SumToZero(4),
        "unit" => SupportTransform.UnitVector(3),
        "correlation" => SupportTransform.CorrelationCholesky(4),
        "covariance" => SupportTransform.CovarianceCholesky(3),
        _ => SupportTransform.Ordered(1),
    };

    private static double[] Draw(int count, ulong seed)
    {
        var random = new RandomStream(seed);
        return [.. Enumerable.Range(0, count).Select(_ => 1.5 * random.NextNormal())];
    }

    private static (double[] Values, double LogJacobian) Apply(SupportTransform transform, double[] u)
    {
        var input = Expr.Input("u", u.Length);
        var program = new TracedProgram(null, ("x", transform.ToConstrained(input)), ("j", transform.LogJacobian(input)));
        var outputs = ReferenceInterpreter.Evaluate(program, 1, new Dictionary<string, double[]> { ["u"] = u }, []);
        return (outputs["x"], outputs["j"][0]);
    }

    [Fact]
    public void MassIsPreservedByOneBound()
    {
        var above = Density.Create("shifted", 1, x => -(x[0] - 3) + LogDensities.Exponential(0, 1), new() { Support = [SupportTransform.LowerBound(3)] });
        Assert.Equal(1, IntegrateLine(above, -40, 6), 1e-10);
        var below = Density.Create("mirrored", 1, x => LogDensities.Gamma(-2 - x[0], 2.5, 1.5), new() { Support = [SupportTransform.UpperBound(-2)] });
        Assert.Equal(1, IntegrateLine(below, -30, 6), 1e-10);
    }

    [Fact]
    public void MassIsPreservedByPositiveOrderedNumbers()
    {
        // Two exponential numbers in order: one half.
        var pair = Density.Create("pair", 2, x => LogDensities.Exponential(x, 1).Sum(), new() { Support = [SupportTransform.PositiveOrdered(2)] });
        Assert.Equal(0.5, IntegratePlane(pair, (-26, 5), (-26, 5), 160), 1e-8);
    }

    [Fact]
    public void MassIsPreservedByUnitVectors()
    {
        // The surface integral of exp(k x_1): 2 pi I_0(k) on the circle, and 4 pi sinh(k) / k on the sphere.
        var circle = Density.Create("circle", 2, x => 1.5 * x[0], new() { Support = [SupportTransform.UnitVector(2)] });
        Assert.Equal(2 * Math.PI * 1.6467231897728904, IntegratePlane(circle, (-9.05, 9), (-9.05, 9), 1200), 1e-4);
        var sphere = SupportTransform.UnitVector(3);
        var random = new RandomStream(3);
        const int Draws = 40_000;
        var mass = 0.0;
        for (var i = 0; i < Draws; i++)
        {
            var x = random.NextNormal();
            var norm = Math.Sqrt((x * x) + Math.Pow(random.NextNormal(), 2) + Math.Pow(random.NextNormal(), 2));
            mass += Math.Exp(1.5 * x / norm) / Draws;
        }

        // Directions of normal draws are even on the sphere: the radial law's normaliser is what is left to check, at any one point.
        Assert.Equal(Math.Sinh(1.5) / 1.5, mass, 0.02);
        var (_, jacobian) = Apply(sphere, [1, -2, 0.5]);
        var normal = (-0.5 * 5.25) - (1.5 * Math.Log(2 * Math.PI));
        Assert.Equal(normal + Math.Log(4 * Math.PI), jacobian, 1e-12);
        var unit = Apply(sphere, [1, -2, 0.5]).Values;
        Assert.Equal(1, unit.Sum(v => v * v), 1e-14);
        Assert.All(unit.Zip(Apply(sphere, sphere.ToUnconstrained(unit)).Values), p => Assert.Equal(p.First, p.Second, 1e-14));
    }

    [Fact]
    public void MassIsPreservedByNumbersThatAddUpToZero()
    {
        // In their plane of two dimensions the standard normal law of x has the mass 1 by its own constant.
        var plane = Density.Create(
            "plane", 3, x => (-0.5 * x.SquaredNorm()) - Math.Log(2 * Math.PI), new() { Support = [SupportTransform.SumToZero(3)] });
        Assert.Equal(1, IntegratePlane(plane, (-8, 8), (-8, 8), 100), 1e-10);
        var (x, _) = Apply(SupportTransform.SumToZero(5), [1, -2, 0.5, 3]);
        Assert.Equal(0, x.Sum(), 1e-14);
    }

    [Theory]
    [InlineData(0.75)]
    [InlineData(1)]
    [InlineData(4)]
    public void CorrelationMatricesHaveTheMassOne(double concentration)
    {
        var two = Density.Create(
            "two", 2, x => LogDensities.LkjCorrelationCholesky(SupportTransform.CholeskyFactor(x), concentration),
            new() { Support = [SupportTransform.CorrelationCholesky(2)] });
        Assert.Equal(1, IntegrateLine(two, -40, 40), 1e-10);
        var three = Density.Create(
            "three", 5, x => LogDensities.LkjCorrelationCholesky(SupportTransform.CholeskyFactor(x), concentration),
            new() { Support = [SupportTransform.CorrelationCholesky(3)] });

        // The free coordinates are independent; along the third alone the density is a product with those at 0.
        var at0 = three.LogDensityAt([0, 0, 0])[0];
        double Line(int axis)
        {
            const int Points = 4001;
            return 80.0 / (Points - 1) * Enumerable.Range(0, Points).Sum(i =>
            {
                var u = new double[3];
                u[axis] = -40 + (i * 80.0 / (Points - 1));
                return Math.Exp(three.LogDensityAt(u)[0] - at0);
            });
        }

        Assert.Equal(1, Math.Exp(at0) * Line(0) * Line(1) * Line(2), 1e-9);
    }

    [Fact]
    public void CovarianceFactorsHaveTheMassOfTheirLaw()
    {
        // Entries that are independent: two half-normal numbers on the diagonal and a normal one below it.
        var density = Density.Create(
            "factor", 3, x => LogDensities.HalfNormal(x[0], 1) + LogDensities.Normal(x[1], 0.3, 1) + LogDensities.HalfNormal(x[2], 2),
            new() { Support = [SupportTransform.CovarianceCholesky(2)] });
        var at0 = density.LogDensityAt([0, 0, 0])[0];
        double Line(int axis)
        {
            const int Points = 4001;
            return 60.0 / (Points - 1) * Enumerable.Range(0, Points).Sum(i =>
            {
                var u = new double[3];
                u[axis] = -50 + (i * 60.0 / (Points - 1));
                return Math.Exp(density.LogDensityAt(u)[0] - at0);
            });
        }

        Assert.Equal(1, Math.Exp(at0) * Line(0) * Line(1) * Line(2), 1e-9);
    }

    [Fact]
    public void FactorsHaveTheirMatrixAndTheirNames()
    {
        var correlation = SupportTransform.CorrelationCholesky(3);
        var (entries, _) = Apply(correlation, [0.5, -1, 2]);
        var factor = SupportTransform.CholeskyFactor(Expr.Constant(entries, 5));
        var product = Expr.MatrixProduct(factor, factor.Transpose());
        var values = ReferenceInterpreter.Evaluate(new TracedProgram(null, ("m", product)), 1, new Dictionary<string, double[]>(), [])["m"];
        Assert.All(new[] { 0, 4, 8 }, i => Assert.Equal(1, values[i], 1e-14));
        Assert.Equal(Math.Tanh(0.5), values[1], 1e-14);
        Assert.Equal(["L[2,1]", "L[2,2]", "L[3,1]", "L[3,2]", "L[3,3]"], correlation.Names("L"));
        Assert.Equal(["S[1,1]", "S[2,1]", "S[2,2]"], SupportTransform.CovarianceCholesky(2).Names("S"));
        Assert.Equal(["tau"], SupportTransform.Positive().Names("tau"));
        Assert.Equal(["b[1]", "b[2]"], SupportTransform.Real(2).Names("b"));
        Assert.Contains("n (n + 1) / 2", Assert.Throws<Monge.Engine.Arrays.ShapeException>(() => SupportTransform.CholeskyFactor(Expr.Input("x", 4))).Message);
    }

    private static double IntegrateLine(Density density, double from, double to)
    {
        const int Points = 4001;
        var step = (to - from) / (Points - 1);
        return step * density.LogDensityAt([.. Enumerable.Range(0, Points).Select(i => from + (i * step))]).Sum(Math.Exp);
    }

    private static double IntegratePlane(Density density, (double From, double To) first, (double From, double To) second, int points)
    {
        var (step0, step1) = ((first.To - first.From) / points, (second.To - second.From) / points);
        var sum = 0.0;
        for (var i = 0; i <= points; i++)
        {
            sum += density.LogDensityAt(
                [.. Enumerable.Range(0, points + 1).SelectMany(j => new[] { first.From + (i * step0), second.From + (j * step1) })]).Sum(Math.Exp);
        }

        return sum * step0 * step1;
    }

    // Gauss's elimination with row exchanges.
    private static double Determinant(double[,] matrix)
    {
        var n = matrix.GetLength(0);
        var determinant = 1.0;
        for (var k = 0; k < n; k++)
        {
            var pivot = Enumerable.Range(k, n - k).MaxBy(i => Math.Abs(matrix[i, k]));
            for (var j = 0; j < n; j++)
            {
                (matrix[k, j], matrix[pivot, j]) = (matrix[pivot, j], matrix[k, j]);
            }

            determinant *= pivot == k ? matrix[k, k] : -matrix[k, k];
            for (var i = k + 1; i < n; i++)
            {
                var factor = matrix[i, k] / matrix[k, k];
                for (var j = k; j < n; j++)
                {
                    matrix[i, j] -= factor * matrix[k, j];
                }
            }
        }

        return determinant;
    }
}
