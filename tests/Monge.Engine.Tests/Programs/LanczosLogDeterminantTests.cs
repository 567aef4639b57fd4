using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Engine.Tests.Programs;

/// <summary>log det by Lanczos steps: the mean over all vectors of signs is the exact value, and that of the slopes the exact derivative.</summary>
public sealed class LanczosLogDeterminantTests
{
    private const int Size = 6;
    private const int Signs = 1 << Size;

    // Positive definite with eigenvalues from 0.3 to 9.
    private static readonly double[] s_matrix = Matrix();

    [Fact]
    public void The_mean_over_all_signs_is_the_exact_logarithm()
    {
        var (value, _) = Estimates(s_matrix, Size);
        var exact = SymmetricEigen.Decompose(s_matrix, Size).Values.Sum(Math.Log);
        Assert.InRange(value.Average() - exact, -1e-6, 1e-6);
        Assert.True(value.Max() - value.Min() > 0.1);
    }

    [Fact]
    public void The_mean_of_slopes_over_all_signs_is_the_inverse()
    {
        var (_, slopes) = Estimates(s_matrix, Size);
        var (values, vectors) = SymmetricEigen.Decompose(s_matrix, Size);
        for (var at = 0; at < Size * Size; at++)
        {
            var (i, j) = (at / Size, at % Size);
            var inverse = Enumerable.Range(0, Size).Sum(k => vectors[(i * Size) + k] * vectors[(j * Size) + k] / values[k]);
            Assert.Equal(inverse, Enumerable.Range(0, Signs).Average(row => slopes[(row * Size * Size) + at]), 1e-9);
        }
    }

    [Fact]
    public void Few_steps_come_near_and_more_than_needed_do_no_harm()
    {
        var exact = SymmetricEigen.Decompose(s_matrix, Size).Values.Sum(Math.Log);
        double Off(int steps) => Math.Abs(Estimates(s_matrix, steps).Values.Average() - exact);
        Assert.True(Off(3) < 0.05 && Off(4) < Off(2), FormattableString.Invariant($"{Off(2)}, {Off(3)}, {Off(4)}"));
        Assert.InRange(Off(20), 0, 1e-6);
    }

    [Fact]
    public void The_identity_is_solved_at_once()
    {
        var identity = new double[Size * Size];
        for (var i = 0; i < Size; i++)
        {
            identity[i * (Size + 1)] = 1;
        }

        var (values, slopes) = Estimates(identity, 8);
        Assert.All(values, value => Assert.InRange(value, -1e-12, 1e-12));
        Assert.All(slopes, slope => Assert.True(double.IsFinite(slope)));
    }

    [Fact]
    public void Single_precision_agrees_also_after_all_is_solved()
    {
        var exact = SymmetricEigen.Decompose(s_matrix, Size).Values.Sum(Math.Log);
        foreach (var steps in (int[])[Size, 30])
        {
            using var program = new CompiledProgram<float>(new TracedProgram(
                new ParameterSet(), ("value", LanczosLogDeterminant.Of(
                    v => Expr.MatrixProduct(Expr.Constant(s_matrix, Size, Size), v), Expr.Input("v", Size).Reshape(Size, 1), steps))));
            (program["v"], program["value"]) = (
                NdArray<float>.From([.. AllSigns().Select(sign => (float)sign)], Signs, Size), new NdArray<float>(Signs));
            program.Run(Signs);
            Assert.InRange(program["value"].Span.ToArray().Average() - exact, -1e-4, 1e-4);
        }
    }

    [Fact]
    public void What_cannot_be_estimated_is_refused()
    {
        Assert.Throws<ShapeException>(() => LanczosLogDeterminant.Of(v => v, Expr.Input("v", 3), 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => LanczosLogDeterminant.Of(v => v, Expr.Input("v", 3, 1), 0));
    }

    private static (double[] Values, double[] Slopes) Estimates(double[] matrix, int steps)
    {
        var a = Expr.Shared("a", Size, Size);
        var value = LanczosLogDeterminant.Of(v => Expr.MatrixProduct(a, v), Expr.Input("v", Size).Reshape(Size, 1), steps);
        using var program = new CompiledProgram<double>(
            new TracedProgram(new ParameterSet(), ("value", value), ("slope", Derivative.Gradient(value, a))));
        (program["a"], program["v"]) = (NdArray<double>.From(matrix, Size, Size), NdArray<double>.From(AllSigns(), Signs, Size));
        (program["value"], program["slope"]) = (new NdArray<double>(Signs), new NdArray<double>(Signs, Size, Size));
        program.Run(Signs);
        return (program["value"].Span.ToArray(), program["slope"].Span.ToArray());
    }

    private static double[] AllSigns() =>
        [.. Enumerable.Range(0, Signs).SelectMany(row => Enumerable.Range(0, Size).Select(i => (row >> i) % 2 == 0 ? 1.0 : -1.0))];

    private static double[] Matrix()
    {
        var random = new RandomStream(11, StreamName.Numbered("Lanczos log-determinant tests", 901));
        var factor = new double[Size * Size];
        for (var i = 0; i < factor.Length; i++)
        {
            factor[i] = random.NextNormal();
        }

        return [.. Enumerable.Range(0, Size * Size).Select(at =>
            (at / Size == at % Size ? 0.3 : 0) + Enumerable.Range(0, Size).Sum(k => factor[(at / Size * Size) + k] * factor[(at % Size * Size) + k]) / Size)];
    }
}
