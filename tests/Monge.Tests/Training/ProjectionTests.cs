using MathNet.Numerics.LinearAlgebra;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Training;

namespace Monge.Tests.Training;

public class ProjectionTests
{
    private const int Rows = 6;
    private const int Columns = 19;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void HoldAfterEveryStepForTheirBlocksAlone(ulong seed)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var (free, positive) = (initializer.Add(parameters, "free", 1, 4), initializer.Add(parameters, "positive", 1, 7));
        var (rows, matrix) = (initializer.Add(parameters, "rows", 1, Rows, 3), initializer.Add(parameters, "matrix", 1, Rows, Columns));
        var noise = Expr.Random(RandomLaw.Normal, 3, Columns);
        var loss = (Expr.MatrixProduct(matrix, noise + 1) - 30).SquaredNorm() + (positive + 1 - noise[..7]).SquaredNorm() + (free + 5).SquaredNorm()
            + Expr.MatrixProduct(rows, noise[..3]).Sum().Square();
        var options = new GradientStepOptions
        {
            LearningRate = new StepRate(0.05),
            AverageDecay = 0.5,
            Projections = [new NonNegative("positive"), new Sphere(2, "rows"), new SpectralNorm(1.5, "matrix")],
        };
        using var step = new GradientStep<double>(parameters, loss / 8, 8, options, new ExecutionOptions { Threads = 1 });
        var state = step.Init(initializer, new(seed, 1));
        for (var k = 0; k < 60; k++)
        {
            step.Run(state, k, 60, new DrawKey(seed, (ulong)k));
            Assert.All(Block(parameters, state.Parameters, "positive"), v => Assert.True(v >= 0));
            Assert.All(Block(parameters, state.Average, "positive"), v => Assert.True(v >= 0));
            foreach (var row in Block(parameters, state.Parameters, "rows").Chunk(3))
            {
                Assert.Equal(2, Math.Sqrt(row.Sum(v => v * v)), 12);
            }

            Assert.InRange(Norm(parameters, state.Parameters), 0, 1.5 * (1 + 1e-3));
        }

        // The loss pulls against each of them.
        Assert.Contains(Block(parameters, state.Parameters, "positive"), v => v == 0);
        Assert.InRange(Norm(parameters, state.Parameters), 1.5 * (1 - 1e-6), double.PositiveInfinity);
        Assert.Contains(Block(parameters, state.Parameters, "free"), v => v < -1);
    }

    [Fact]
    public void AMatrixWithinTheBoundStaysAsItIs()
    {
        var parameters = new ParameterSet();
        parameters.Add("matrix", Rows, Columns);
        var state = new OptimiserState<float>(parameters.Blocks, new GradientStepOptions { Projections = [new SpectralNorm(100, "matrix")] });
        for (var i = 0; i < Rows * Columns; i++)
        {
            state.Parameters[i] = MathF.Sin(i);
        }

        var kept = state.Parameters.Span.ToArray();
        state.BeginAverage();
        Assert.Equal(kept, state.Parameters.Span.ToArray());
        new NdArray<float>(kept.Length).Span.CopyTo(state.Parameters.Span);
        state.BeginAverage();
        Assert.All(state.Parameters.Span.ToArray(), v => Assert.Equal(0, v));
    }

    [Fact]
    public void RefuseWhatTheyCannotHold()
    {
        var parameters = new ParameterSet();
        parameters.Add("vector", 3);
        Assert.Contains("'other'", Assert.Throws<ArgumentException>(() => State(new NonNegative("other"))).Message);
        Assert.Throws<ArgumentException>(() => State(new SpectralNorm(1, "vector")));
        Assert.Throws<ArithmeticException>(() => State(new Sphere(1, "vector")).BeginAverage());

        OptimiserState<double> State(Projection projection) => new(parameters.Blocks, new GradientStepOptions { Projections = [projection] });
    }

    private static double[] Block(ParameterSet parameters, NdArray<double> values, string name)
    {
        var block = parameters.Blocks.Single(b => b.Name == name);
        return values.Span.Slice(block.Offset, block.Shape.Size).ToArray();
    }

    private static double Norm(ParameterSet parameters, NdArray<double> values) =>
        Matrix<double>.Build.DenseOfColumnMajor(Columns, Rows, Block(parameters, values, "matrix")).L2Norm();
}
