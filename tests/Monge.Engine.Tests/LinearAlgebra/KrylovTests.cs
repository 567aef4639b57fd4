using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Tests.LinearAlgebra;

public class KrylovTests
{
    private const int Size = 90;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(9)]
    public void Conjugate_gradients_need_as_many_steps_as_there_are_eigenvalues(int distinct)
    {
        double[] matrix = TestMatrices.Symmetric(TestMatrices.Spectrum(Size, index => 1 + 0.7 * (index % distinct)), 41);
        double[] expected = TestMatrices.Vector(Size, 42);
        double[] solution = new double[Size];
        KrylovResult result = ConjugateGradient.Solve(Operator(matrix), TestMatrices.Multiply(matrix, expected, Size, Size, 1), solution);
        Assert.Equal(KrylovStatus.Converged, result.Status);
        Assert.Equal(distinct, result.Iterations);
        Assert.InRange(TestMatrices.MaximumDifference(solution, expected), 0, 1e-8);
    }

    [Fact]
    public void A_perfect_preconditioner_takes_one_step()
    {
        double[] spectrum = TestMatrices.Spectrum(Size, index => Math.Pow(10, 6.0 * index / Size));
        double[] matrix = TestMatrices.Symmetric(spectrum, 43);
        double[] inverse = TestMatrices.Symmetric([.. spectrum.Select(value => 1 / value)], 43);
        double[] right = TestMatrices.Vector(Size, 44);
        double[] solution = new double[Size];
        var options = new KrylovOptions { RelativeTolerance = 1e-8 };
        KrylovResult plain = ConjugateGradient.Solve(Operator(matrix), right, solution, options);
        Array.Clear(solution);
        KrylovResult preconditioned = ConjugateGradient.Solve(Operator(matrix), right, solution, options, Operator(inverse));
        Assert.True(preconditioned.Converged);
        Assert.InRange(preconditioned.Iterations, 1, 2);
        Assert.True(plain.Iterations > 50);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void Minimal_residuals_solve_indefinite_systems_in_as_many_steps_as_eigenvalues(int distinct)
    {
        double[] matrix = TestMatrices.Symmetric(TestMatrices.Spectrum(Size, index => 1.3 * (index % distinct) - 2), 45);
        double[] expected = TestMatrices.Vector(Size, 46);
        double[] solution = TestMatrices.Vector(Size, 47);
        KrylovResult result = MinRes.Solve(Operator(matrix), TestMatrices.Multiply(matrix, expected, Size, Size, 1), solution);
        Assert.Equal(KrylovStatus.Converged, result.Status);
        Assert.Equal(distinct, result.Iterations);
        Assert.InRange(TestMatrices.MaximumDifference(solution, expected), 0, 1e-8);
    }

    [Fact]
    public void Minimal_residuals_decrease_with_every_step_and_are_the_true_residuals()
    {
        double[] matrix = TestMatrices.Symmetric(TestMatrices.Spectrum(Size, index => index - 30.5), 48);
        double[] right = TestMatrices.Vector(Size, 49);
        double previous = double.PositiveInfinity;
        for (int limit = 1; limit <= 40; limit++)
        {
            double[] solution = new double[Size];
            KrylovResult result = MinRes.Solve(Operator(matrix), right, solution, new KrylovOptions { MaximumIterations = limit });
            double[] residual = TestMatrices.Difference(right, TestMatrices.Multiply(matrix, solution, Size, Size, 1));
            Assert.Equal(KrylovStatus.IterationLimit, result.Status);
            Assert.Equal(TestMatrices.Norm(residual), result.ResidualNorm, 1e-12);
            Assert.True(result.ResidualNorm <= previous * (1 + 1e-12));
            previous = result.ResidualNorm;
        }
    }

    [Fact]
    public void The_solvers_agree_on_a_positive_definite_operator()
    {
        double[] matrix = TestMatrices.Symmetric(TestMatrices.Spectrum(Size, index => 1 + index), 50);
        double[] right = TestMatrices.Vector(Size, 51);
        double[] first = new double[Size];
        double[] second = new double[Size];
        Assert.True(ConjugateGradient.Solve(Operator(matrix), right, first).Converged);
        Assert.True(MinRes.Solve(Operator(matrix), right, second).Converged);
        Assert.InRange(TestMatrices.MaximumDifference(first, second), 0, 1e-8);
    }

    [Fact]
    public void Unsuitable_operators_are_reported()
    {
        double[] indefinite = TestMatrices.Symmetric(TestMatrices.Spectrum(Size, index => index - 30.5), 52);
        double[] right = TestMatrices.Vector(Size, 53);
        Assert.Equal(KrylovStatus.NotPositiveDefinite, ConjugateGradient.Solve(Operator(indefinite), right, new double[Size]).Status);

        LinearOperator broken = (_, output) => output.Fill(double.NaN);
        Assert.Throws<LinearAlgebraException>(() => ConjugateGradient.Solve(broken, right, new double[Size]));
        Assert.Throws<LinearAlgebraException>(() => MinRes.Solve(broken, right, new double[Size]));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => MinRes.Solve(Operator(indefinite), right, new double[Size], new KrylovOptions { RelativeTolerance = double.NaN }));
    }

    /// <summary>Singular with b outside the range: the best residual is the part of b in the null space.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Minimal_residuals_of_an_inconsistent_system_are_a_least_squares_solution(int distinct)
    {
        double[] spectrum = TestMatrices.Spectrum(Size, index => (index % distinct) - 1);
        double[] matrix = TestMatrices.Symmetric(spectrum, 55);
        double[] projection = TestMatrices.Symmetric([.. spectrum.Select(value => value == 0 ? 1.0 : 0.0)], 55);
        double[] right = TestMatrices.Vector(Size, 56);
        double[] solution = new double[Size];
        KrylovResult result = MinRes.Solve(Operator(matrix), right, solution);
        Assert.Equal(KrylovStatus.Stagnated, result.Status);
        Assert.InRange(result.Iterations, 1, distinct);
        Assert.Equal(TestMatrices.Norm(TestMatrices.Multiply(projection, right, Size, Size, 1)), result.ResidualNorm, 1e-11);
    }

    [Fact]
    public void A_zero_right_hand_side_has_the_zero_solution()
    {
        double[] matrix = TestMatrices.Symmetric(TestMatrices.Spectrum(Size, index => 1 + index), 54);
        foreach (Func<double[], KrylovResult> solve in new Func<double[], KrylovResult>[]
        {
            x => ConjugateGradient.Solve(Operator(matrix), new double[Size], x),
            x => MinRes.Solve(Operator(matrix), new double[Size], x),
        })
        {
            double[] solution = new double[Size];
            Assert.True(solve(solution).Converged);
            Assert.Equal(new double[Size], solution);
        }
    }

    private static LinearOperator Operator(double[] matrix) => (input, output) =>
    {
        for (int row = 0; row < output.Length; row++)
        {
            double sum = 0;
            for (int column = 0; column < input.Length; column++)
            {
                sum += matrix[row * input.Length + column] * input[column];
            }

            output[row] = sum;
        }
    };
}
