using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Objectives;
using Monge.Paths;
using Monge.Training;

namespace Monge.Tests.Training;

public class GaussNewtonTests
{
    private const int Stream = 45;
    private static readonly ExecutionOptions s_one = new() { Threads = 1 };

    // A drift between Gaussians by the annealing loss: a residual with second derivatives, bent in its parameters.
    private static (ParameterSet Parameters, ParameterInitializer Initializer, Expr Residual, Func<Expr, Expr, Expr> Drift) Annealing(
        int width, bool quadratic = false)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var path = new AnnealingPath(2, x => -0.5 / 0.49 * (x - Expr.Constant([1.0, -0.5], 2)).SquaredNorm());
        var field = new PotentialField(2, new ScalarNetwork(parameters, initializer, "phi", 2, width, 1, 0, quadratic).Apply);
        var c = new TimeNetwork(parameters, initializer, "c", 1, 4, 0);
        var t = Expr.Random(RandomLaw.Uniform, Stream);
        var x = (t * Expr.Constant([1.0, -0.5], 2)) + ((1 - (0.3 * t)) * 3 * ((2 * Expr.Random(RandomLaw.Uniform, Stream + 1, 2)) - 1));
        return (parameters, initializer, ContinuityResidual.Exact(path, field, c.Apply(t)[0], x, t), field.Apply);
    }

    private static GaussNewton Start(int width, int samples, GaussNewtonOptions? options = null)
    {
        var (parameters, initializer, residual, _) = Annealing(width);
        var newton = new GaussNewton(parameters, residual, samples, options, s_one);
        Fill(newton, initializer);
        return newton;
    }

    private static void Fill(GaussNewton newton, ParameterInitializer initializer)
    {
        initializer.Fill(newton.Parameters.Span, new RandomKey(2, 1));
        for (var i = 0; i < newton.Parameters.Length; i++)
        {
            // Last layers begin at zero; move them off it so that every parameter matters.
            newton.Parameters[i] += 0.2 * Math.Cos(3 * i);
        }
    }

    [Theory]
    [InlineData(GaussNewtonSolver.Dense)]
    [InlineData(GaussNewtonSolver.ConjugateGradient)]
    public void OneStepSolvesLinearLeastSquares(GaussNewtonSolver solver)
    {
        const int n = 40;
        const int p = 6;
        var parameters = new ParameterSet();
        var w = parameters.Add("w", p);
        var (row, y) = (Expr.Input("row", p), Expr.Input("y"));
        using var newton = new GaussNewton(
            parameters, Expr.Dot(row, w) - y, n,
            new GaussNewtonOptions { Solver = solver, LargestDamping = 1e-14, Krylov = new KrylovOptions { RelativeTolerance = 1e-14 } }, s_one);
        var random = new RandomStream(4, Stream);
        var (rows, values) = (new NdArray<double>(n, p), new NdArray<double>(n));
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = random.NextNormal();
        }

        for (var i = 0; i < n; i++)
        {
            values[i] = random.NextNormal();
        }

        newton.Bind("row", rows);
        newton.Bind("y", values);
        var info = newton.Step(default);
        var exact = QrLeastSquares.Solve(rows.Span, n, p, values.Span);
        Assert.Equal(1, info.StepSize);
        Assert.Equal(exact.ResidualNorm * exact.ResidualNorm / n, info.Loss, 12);
        for (var j = 0; j < p; j++)
        {
            Assert.Equal(exact.Solution[j], newton.Parameters[j], 9);
        }
    }

    [Theory]
    [InlineData(30)]
    [InlineData(200)]
    public void DenseKernelAndMatrixFreeStepsAgree(int samples)
    {
        // More parameters than residuals, and fewer.
        double[][] directions = [.. new[] { GaussNewtonSolver.Dense, GaussNewtonSolver.Kernel, GaussNewtonSolver.ConjugateGradient }.Select(solver =>
        {
            using var newton = Start(
                12, samples, new GaussNewtonOptions { Solver = solver, Krylov = new KrylovOptions { RelativeTolerance = 1e-13, MaximumIterations = 5000 } });
            return newton.Direction(new DrawKey(3), 1e-2).Direction;
        })];
        var size = Math.Sqrt(directions[0].Sum(v => v * v));
        Assert.True(size > 1e-3);
        foreach (var other in directions[1..])
        {
            var difference = Math.Sqrt(directions[0].Zip(other, (a, b) => (a - b) * (a - b)).Sum());
            Assert.True(difference < 1e-8 * size, $"the directions differ by {difference / size:g3} relative");
        }
    }

    [Fact]
    public void TheDirectionMinimisesTheDampedLinearModel()
    {
        using var newton = Start(8, 100);
        const double damping = 1e-4;
        var (direction, used, _) = newton.Direction(new DrawKey(3), damping);
        Assert.Equal(damping, used);

        // Its gradient J^T (J delta - r) + lambda delta by finite differences of r along the direction: |r|^2 falls at the
        // rate 2 (|J delta|^2 + lambda |delta|^2).
        var start = newton.Parameters.Span.ToArray();
        double LossAt(double share)
        {
            for (var i = 0; i < start.Length; i++)
            {
                newton.Parameters[i] = start[i] - (share * direction[i]);
            }

            return newton.Loss(new DrawKey(3));
        }

        const double h = 1e-5;
        var (loss, above, below) = (LossAt(0), LossAt(h), LossAt(-h));
        var slope = (above - below) / (2 * h);
        Assert.True(slope < 0);
        Assert.InRange(-slope, damping * direction.Sum(v => v * v), 2 * loss * (1 + 1e-6));
    }

    [Theory]
    [InlineData(1UL, false)]
    [InlineData(2UL, false)]
    [InlineData(3UL, true)]
    public void TheLossNeverGrowsOnAStepsOwnPoints(ulong seed, bool adaptive)
    {
        // Hardly damped, so that the full direction often overshoots.
        using var newton = Start(10, 50, new GaussNewtonOptions { LargestDamping = 1e-9, Adaptive = adaptive });
        var shortened = 0;
        for (var k = 0; k < 15; k++)
        {
            var points = new DrawKey(seed, (ulong)k);
            var info = newton.Step(points);
            Assert.True(info.Loss <= info.LossBefore);
            Assert.Equal(info.Loss, newton.Loss(points));
            shortened += info.StepSize < 1 || info.Solves > 1 ? 1 : 0;
        }

        Assert.True(shortened > 0, "some direction must have been too long");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 7)]
    [InlineData(32, 16)]
    [InlineData(70, 300)]
    [InlineData(101, 523)]
    public void TheGramProductIsThatOfItsDefinition(int rows, int columns)
    {
        var random = new RandomStream(7, Stream);
        double[] matrix = [.. Enumerable.Range(0, rows * columns).Select(_ => random.NextNormal())];
        var (alone, shared) = (new double[rows * rows], new double[rows * rows]);
        new GramMatrix().Compute(matrix, rows, columns, alone, new ThreadTeam(1));
        new GramMatrix().Compute(matrix, rows, columns, shared, new ThreadTeam(2));
        Assert.Equal(alone, shared);
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var sum = Enumerable.Range(0, columns).Sum(k => matrix[(i * columns) + k] * matrix[(j * columns) + k]);
                Assert.Equal(sum, alone[(i * rows) + j], 1e-12 * columns);
            }
        }
    }

    // The banana valley of Rosenbrock, along which a straight step leaves the floor.
    private static int StepsAlongTheValley(GaussNewtonSolver solver, bool accelerated)
    {
        var parameters = new ParameterSet();
        var w = parameters.Add("w", 2);
        using var newton = new GaussNewton(
            parameters,
            Expr.Vector(1 - w[0], 100 * (w[1] - w[0].Square())),
            1,
            new GaussNewtonOptions { Solver = solver, Adaptive = true, Accelerated = accelerated, LargestDamping = 1e-1 },
            s_one);
        (newton.Parameters[0], newton.Parameters[1]) = (-1.2, 1);
        for (var k = 0; k < 200; k++)
        {
            var info = newton.Step(default);
            Assert.True(info.Loss <= info.LossBefore);
            if (info.Loss < 1e-16)
            {
                Assert.Equal(1, newton.Parameters[0], 6);
                Assert.Equal(1, newton.Parameters[1], 6);
                return k + 1;
            }
        }

        throw new InvalidOperationException("the valley's end was not reached");
    }

    [Theory]
    [InlineData(GaussNewtonSolver.Dense)]
    [InlineData(GaussNewtonSolver.Kernel)]
    public void AccelerationShortensTheWayAlongABentValley(GaussNewtonSolver solver)
    {
        var (plain, accelerated) = (StepsAlongTheValley(solver, false), StepsAlongTheValley(solver, true));
        Assert.True(accelerated < plain, $"{accelerated} steps with acceleration and {plain} without");
    }

    [Fact]
    public void AdaptiveStepsOfAllSolversAreTheSame()
    {
        var steps = StepsAlongTheValley(GaussNewtonSolver.Dense, false);
        Assert.Equal(steps, StepsAlongTheValley(GaussNewtonSolver.Kernel, false));
        Assert.Equal(steps, StepsAlongTheValley(GaussNewtonSolver.ConjugateGradient, true));
    }

    [Fact]
    public void AStepIsTheSameForAnyNumberOfThreads()
    {
        double[] After(int threads)
        {
            var (parameters, initializer, residual, _) = Annealing(9);
            using var newton = new GaussNewton(parameters, residual, 150, null, new ExecutionOptions { Threads = threads });
            Fill(newton, initializer);
            newton.Step(new DrawKey(1));
            newton.Step(new DrawKey(1, 1));
            return newton.Parameters.Span.ToArray();
        }

        Assert.Equal(After(1), After(2));
    }

    [Fact]
    public void RefusesALossThatIsNotFinite()
    {
        var parameters = new ParameterSet();
        var w = parameters.Add("w");
        using var newton = new GaussNewton(parameters, (w - 1).Log(), 3, null, s_one);
        Assert.Throws<ArithmeticException>(() => newton.Step(default));
    }

    [Fact]
    public void FindsTheAnnealingsDriftToFourDigits()
    {
        var (parameters, initializer, residual, drift) = Annealing(8, quadratic: true);
        using var newton = new GaussNewton(parameters, residual, 300, new GaussNewtonOptions { LargestDamping = 1e-3, Adaptive = true }, s_one);
        initializer.Fill(newton.Parameters.Span, new RandomKey(1, 1));
        var exact = new GaussianAnnealing(new double[2], 1, [1.0, -0.5], 0.7);
        var (x, t) = (1.5 * Expr.Random(RandomLaw.Normal, Stream, 2), Expr.Random(RandomLaw.Uniform, Stream + 1));
        using var check = new CompiledProgram<double>(new TracedProgram(
            parameters, ("error", (drift(x, t) - exact.Drift(x, t)).SquaredNorm().BatchSum()), ("size", exact.Drift(x, t).SquaredNorm().BatchSum())), s_one);
        for (var k = 0; k < 60; k++)
        {
            newton.Step(new DrawKey(1, (ulong)(k / 10)));
        }

        check.Parameters = newton.Parameters;
        check.Run(2000, new DrawKey(9));
        var error = Math.Sqrt(check["error"][0] / check["size"][0]);
        Assert.True(error < 2e-3, $"relative error {error:g3}");
        Assert.True(newton.Loss(new DrawKey(7)) < 1e-4, $"loss {newton.Loss(new DrawKey(7)):g3} on fresh points");
    }
}
