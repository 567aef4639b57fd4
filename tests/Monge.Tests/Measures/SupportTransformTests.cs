using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class SupportTransformTests
{
    public static TheoryData<string> Kinds => ["real", "positive", "interval", "simplex", "simplex2", "ordered", "ordered1"];

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
                    jacobian[i, j] = (above[i] - below[i]) / 2e-5;
                }
            }

            Assert.Equal(Math.Log(Math.Abs(Determinant(jacobian))), Apply(transform, u).LogJacobian, 1e-7);
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
    public void ValuesOutsideTheSupportAreRefused(string kind)
    {
        var transform = Make(kind);
        var outside = new double[transform.ConstrainedSize];
        Array.Fill(outside, -1.5);
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

    private static SupportTransform Make(string kind) => kind switch
    {
        "real" => SupportTransform.Real(3),
        "positive" => SupportTransform.Positive(3),
        "interval" => SupportTransform.Interval(-1, 3, 2),
        "simplex" => SupportTransform.Simplex(4),
        "simplex2" => SupportTransform.Simplex(2),
        "ordered" => SupportTransform.Ordered(4),
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
