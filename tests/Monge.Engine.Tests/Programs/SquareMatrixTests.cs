using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Lanes;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Testing;

namespace Monge.Engine.Tests.Programs;

/// <summary>Operations on each sample's own matrices: identities, closed forms of their derivatives, and the machine's promises.</summary>
public sealed class SquareMatrixTests
{
    public static TheoryData<int> Sizes => [1, 2, 3, 4, 5, 7, 8, 12, 13, 32];

    // Positive definite, with an antisymmetric part that must not count.
    private static double[] Matrices(int samples, int n, ulong seed = 5)
    {
        var random = new RandomStream(seed, 78);
        var values = new double[samples * n * n];
        for (var s = 0; s < samples; s++)
        {
            double[] root = [.. Enumerable.Range(0, n * n).Select(_ => random.NextNormal())];
            for (var e = 0; e < n * n; e++)
            {
                var (i, j) = (e / n, e % n);
                var sum = i == j ? 0.2 : 0.03 * Math.Sign(i - j);
                for (var k = 0; k < n; k++)
                {
                    sum += root[(i * n) + k] * root[(j * n) + k] / n;
                }

                values[(s * n * n) + e] = sum;
            }
        }

        return values;
    }

    private static Dictionary<string, double[]> Run<T>(TracedProgram program, int samples, double[] matrices, ExecutionOptions? options = null)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        using var run = new CompiledProgram<T>(program, options ?? new ExecutionOptions { Threads = 1 });
        foreach (var input in program.Inputs)
        {
            run[input.Operation.Name] = NdArray<T>.From(Array.ConvertAll(matrices, T.CreateTruncating), [samples, .. input.Shape.Sizes]);
        }

        foreach (var (name, value) in program.Outputs.Where(o => !o.Value.IsUniform))
        {
            run[name] = NdArray<T>.ForSamples(samples, value.Shape);
        }

        run.Run(samples);
        return program.Outputs.ToDictionary(o => o.Name, o => Array.ConvertAll(run[o.Name].Span.ToArray(), double.CreateTruncating));
    }

    private static double Largest(double[] values) => values.Max(Math.Abs);

    // Each entry is zero where an identity holds.
    private static TracedProgram Identities(int n)
    {
        var a = Expr.Input("a", n, n);
        var (symmetric, identity) = (0.5 * (a + a.Transpose()), Expr.Identity(n));
        var factor = a.Cholesky();
        var columns = Expr.Concat(1, a, a.Slice(1, 0, 1).Square(), Expr.Constant(1).BroadcastTo(new Shape(n, 1)));
        var (values, vectors) = a.SymmetricEigen();
        var upper = Expr.Constant([.. Enumerable.Range(0, n * n).Select(e => e / n < e % n ? 1.0 : 0)], n, n);
        return new TracedProgram(
            null,
            ("L L^T = A", Expr.MatrixProduct(factor, factor.Transpose()) - symmetric),
            ("L is lower", factor * upper),
            ("A^-1 A = I", Expr.MatrixProduct(a.InversePositiveDefinite(), symmetric) - identity),
            ("A X = B", Expr.MatrixProduct(symmetric, a.SolvePositiveDefinite(columns)) - columns),
            ("A x = b", Expr.MatrixProduct(symmetric, a.SolvePositiveDefinite(a[0])) - a[0]),
            ("L X = B", Expr.MatrixProduct(factor, factor.SolveTriangular(columns)) - columns),
            ("L^T X = B", Expr.MatrixProduct(factor.Transpose(), (factor + upper).SolveTriangular(columns, transposed: true)) - columns),
            ("log det A = sum log values", a.LogDeterminant() - values.Log().Sum()),
            ("V diag V^T = A", Expr.MatrixProduct(vectors * values, vectors.Transpose()) - symmetric),
            ("V^T V = I", Expr.MatrixProduct(vectors.Transpose(), vectors) - identity),
            ("values ascend", n == 1 ? 0 * values : Expr.Min(values[1..] - values[..^1], 0)),
            ("grad log det A = A^-T", Derivative.Gradient(a.LogDeterminant(), a) - a.InversePositiveDefinite().Transpose()),
            ("grad log det by way of L", Derivative.Gradient(2 * factor.Diagonal().Log().Sum(), a) - a.InversePositiveDefinite()),
            ("grad sum log values", Derivative.Gradient(values.Log().Sum(), a) - a.InversePositiveDefinite()));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void IdentitiesHold(int n)
    {
        var samples = n > 16 ? 17 : 37;
        var (program, matrices) = (Identities(n), Matrices(samples, n));
        foreach (var (name, values) in Run<double>(program, samples, matrices))
        {
            Assert.True(Largest(values) < 1e-12 * n, $"{name}: {Largest(values)}");
        }

        foreach (var (name, values) in Run<float>(program, samples, matrices))
        {
            Assert.True(Largest(values) < 1e-4 * n, $"{name} in float32: {Largest(values)}");
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(13)]
    public void EveryWidthAndNumberOfThreadsGivesTheSameBits(int n)
    {
        const int Samples = 75;
        var (program, matrices) = (Results(n), Matrices(Samples, n));
        var expected = Run<double>(program, Samples, matrices);
        var single = Run<float>(program, Samples, matrices);
        foreach (var width in SimdWidths.Supported)
        {
            for (var threads = 1; threads < 4; threads++)
            {
                var options = new ExecutionOptions { Threads = threads, Width = width, TileLanes = 16 * threads };
                foreach (var (name, values) in Run<double>(program, Samples, matrices, options))
                {
                    Assert.Equal(expected[name], values);
                }

                foreach (var (name, values) in Run<float>(program, Samples, matrices, options))
                {
                    Assert.Equal(single[name], values);
                }
            }
        }
    }

    private static TracedProgram Results(int n)
    {
        var a = Expr.Input("a", n, n);
        var (values, vectors) = a.SymmetricEigen();
        return new TracedProgram(
            null,
            ("factor", a.Cholesky()),
            ("inverse", a.InversePositiveDefinite()),
            ("solved", a.SolvePositiveDefinite(a.Sin())),
            ("lower", a.SolveTriangular(a.Cos())),
            ("upper", a.SolveTriangular(a[0], transposed: true)),
            ("values", values),
            ("vectors", vectors),
            ("gradient", Derivative.Gradient(a.LogDeterminant() + (vectors * a).Sum(), a)));
    }

    [Fact]
    public void TheInterpreterAgreesWithTheMachine()
    {
        foreach (var n in (int[])[1, 2, 5, 6, 12])
        {
            var (program, matrices) = (Results(n), Matrices(9, n));
            var expected = ReferenceInterpreter.Evaluate(program, 9, new Dictionary<string, double[]> { ["a"] = matrices }, []);
            foreach (var (name, values) in Run<double>(program, 9, matrices))
            {
                var scale = Math.Max(1, Largest(expected[name]));
                Assert.True(Largest([.. values.Zip(expected[name], (x, y) => x - y)]) < 1e-10 * scale, $"{name}, n = {n}");
            }
        }
    }

    [Fact]
    public void AMatrixThatIsNotPositiveDefiniteMakesNaNOfItsSampleOnly()
    {
        const int N = 4;
        const int Samples = 21;
        var matrices = Matrices(Samples, N);
        var broken = matrices.ToArray();
        foreach (var s in (int[])[3, 8, 15])
        {
            Array.Clear(broken, s * N * N, N * N);
            for (var i = 0; i < N; i++)
            {
                // Indefinite, singular, and with an entry that isn't a number.
                broken[(s * N * N) + (i * (N + 1))] = s == 3 && i == 2 ? -1 : s == 8 && i == 3 ? 0 : s == 15 && i == 0 ? double.NaN : 1;
            }
        }

        var a = Expr.Input("a", N, N);
        var lower = a.Cholesky().Reshape(N * N).Gather(0, [0, 4, 5, 8, 9, 10, 12, 13, 14, 15]);
        var program = new TracedProgram(
            null, ("factor", lower), ("log det", a.LogDeterminant()), ("inverse", a.InversePositiveDefinite()), ("solved", a.SolvePositiveDefinite(a)),
            ("gradient", Derivative.Gradient(a.LogDeterminant(), a)));
        var whole = Run<double>(program, Samples, matrices);
        var part = Run<double>(program, Samples, broken);
        var interpreted = ReferenceInterpreter.Evaluate(program, Samples, new Dictionary<string, double[]> { ["a"] = broken }, []);
        foreach (var (name, values) in part)
        {
            var size = values.Length / Samples;
            for (var i = 0; i < values.Length; i++)
            {
                var expected = i / size is 3 or 8 or 15 ? double.NaN : whole[name][i];
                Assert.True(expected.Equals(values[i]), $"{name}[{i}] is {values[i]}");
                Assert.Equal(double.IsNaN(expected), double.IsNaN(interpreted[name][i]));
            }
        }
    }

    // A(x) = B + x_1 C_1 + x_2 C_2 + x_1 x_2 C_3, all but B not symmetric.
    private static (Expr A, Expr X, Func<double[], double[]> At, double[][] Parts) Family(int n)
    {
        var random = new RandomStream(11, 79);
        var parts = new double[4][];
        for (var k = 1; k < 4; k++)
        {
            parts[k] = [.. Enumerable.Range(0, n * n).Select(_ => 0.1 * random.NextNormal())];
        }

        parts[0] = [.. Matrices(1, n).Select((v, e) => v + (e / n == e % n ? 1 + (0.7 * (e / n)) : 0))];
        var x = Expr.Input("x", 2);
        Expr Part(int k) => Expr.Constant(parts[k], n, n);
        double[] At(double[] v) =>
            [.. Enumerable.Range(0, n * n).Select(e => parts[0][e] + (v[0] * parts[1][e]) + (v[1] * parts[2][e]) + (v[0] * v[1] * parts[3][e]))];
        return (Part(0) + (x[0] * Part(1)) + (x[1] * Part(2)) + (x[0] * x[1] * Part(3)), x, At, parts);
    }

    private static double[] Evaluate(Expr value, double[] x) =>
        ReferenceInterpreter.Evaluate(new TracedProgram(null, ("value", value)), 1, new Dictionary<string, double[]> { ["x"] = x }, [])["value"];

    private static Expr[] UnrolledFactor(Expr a)
    {
        var n = a.Shape[0];
        var factor = new Expr[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var rest = 0.5 * (a[i][j] + a[j][i]);
                for (var k = 0; k < j; k++)
                {
                    rest -= factor[(i * n) + k] * factor[(j * n) + k];
                }

                factor[(i * n) + j] = i == j ? rest.Sqrt() : rest / factor[j * (n + 1)];
            }

            for (var j = i + 1; j < n; j++)
            {
                factor[(i * n) + j] = 0;
            }
        }

        return factor;
    }

    private static Expr[] UnrolledSolve(Expr[] factor, Expr[] right, bool transposed)
    {
        var n = right.Length;
        var x = right.ToArray();
        for (var step = 0; step < n; step++)
        {
            var i = transposed ? n - 1 - step : step;
            for (var k = transposed ? i + 1 : 0; k < (transposed ? n : i); k++)
            {
                x[i] -= (transposed ? factor[(k * n) + i] : factor[(i * n) + k]) * x[k];
            }

            x[i] /= factor[i * (n + 1)];
        }

        return x;
    }

    /// <summary>Pairs of an operation's value and the same value from scalar operations only, whose second derivatives are exact.</summary>
    public static TheoryData<string> Functions => ["factor", "log det", "inverse", "solved", "lower", "upper"];

    [Theory]
    [MemberData(nameof(Functions))]
    public void DerivativesUpToTheThirdAreThoseOfTheUnrolledForm(string function)
    {
        const int N = 4;
        var (a, x, _, _) = Family(N);
        var b = Expr.Vector(x[0].Sin(), x[1], 1 + (x[0] * x[1]), x[1].Cos());
        var factor = UnrolledFactor(a);
        Expr[] right = [.. Enumerable.Range(0, N).Select(i => b[i])];
        Expr[] Unit(int c) => [.. Enumerable.Range(0, N).Select(i => Expr.Constant(i == c ? 1 : 0))];
        Expr[] Column(int c) => UnrolledSolve(factor, UnrolledSolve(factor, Unit(c), false), true);
        var (value, unrolled) = function switch
        {
            "factor" => (a.Cholesky().Reshape(N * N), Expr.Vector(factor)),
            "log det" => (a.LogDeterminant().Reshape(1), Expr.Vector(2 * factor[0].Log() + 2 * factor[5].Log() + 2 * factor[10].Log() + 2 * factor[15].Log())),
            "inverse" => (a.InversePositiveDefinite().Reshape(N * N), Expr.Vector([.. Enumerable.Range(0, N).SelectMany(Column)])),
            "solved" => (a.SolvePositiveDefinite(b), Expr.Vector(UnrolledSolve(factor, UnrolledSolve(factor, right, false), true))),
            "lower" => (a.SolveTriangular(b), Expr.Vector(UnrolledSolve([.. Enumerable.Range(0, N * N).Select(e => a[e / N][e % N])], right, false))),
            _ => (a.SolveTriangular(b, true), Expr.Vector(UnrolledSolve([.. Enumerable.Range(0, N * N).Select(e => a[e / N][e % N])], right, true))),
        };
        Agree(value, unrolled, x, [0.3, -0.4]);
    }

    private static void Agree(Expr value, Expr reference, Expr x, double[] at)
    {
        Expr Third(Expr v) => Derivative.Jacobian(Derivative.Laplacian(v, x).Laplacian, x);
        Expr Reverse(Expr v) => Derivative.Hessian((v * Expr.Constant([.. Enumerable.Range(0, v.Size).Select(i => Math.Cos(i))], v.Size)).Sum(), x);
        foreach (var derivative in (Func<Expr, Expr>[])[v => v, v => Derivative.Jacobian(v, x), v => Derivative.Laplacian(v, x).Laplacian, Reverse, Third])
        {
            var (actual, expected) = (Evaluate(derivative(value), at), Evaluate(derivative(reference), at));
            for (var i = 0; i < expected.Length; i++)
            {
                Assert.True(Math.Abs(actual[i] - expected[i]) <= 1e-10 * Math.Max(1, Largest(expected)), $"[{i}]: {actual[i]} instead of {expected[i]}");
            }
        }
    }

    [Fact]
    public void EigenvaluesAndVectorsOfTwoRowsHaveTheDerivativesOfTheirClosedForm()
    {
        var (a, x, _, _) = Family(2);
        var (p, q, b) = (a[0][0], a[1][1], 0.5 * (a[0][1] + a[1][0]));
        var (mean, half) = (0.5 * (p + q), 0.5 * (q - p));
        var root = (half.Square() + b.Square()).Sqrt();

        // The vector of the larger value makes the angle phi with the second axis; p < q here, so it is less than pi / 4.
        var phi = 0.5 * Expr.Atan2(b, half);
        var (values, vectors) = a.SymmetricEigen();
        Agree(values, Expr.Vector(mean - root, mean + root), x, [0.3, -0.4]);
        Agree(vectors.Reshape(4), Expr.Vector(phi.Cos(), phi.Sin(), -phi.Sin(), phi.Cos()), x, [0.3, -0.4]);
    }

    [Fact]
    public void TheSecondDerivativesOfEigenvaluesAgreeWithFiniteDifferences()
    {
        const int N = 5;
        var (a, x, at, _) = Family(N);
        var (values, vectors) = a.SymmetricEigen();
        var projector = Expr.MatrixProduct(vectors.Slice(1, 1, 2), vectors.Slice(1, 1, 2).Transpose());
        var scalar = Expr.Dot(values, Expr.Constant([1, -2, 0.5, 3, 1], N)) + (projector * Expr.Constant(Matrices(1, N, 9), N, N)).Sum();
        double[] point = [0.2, -0.3];
        var gradient = Derivative.Gradient(scalar, x);
        var hessian = Evaluate(Derivative.Hessian(scalar, x), point);
        for (var i = 0; i < 2; i++)
        {
            const double H = 1e-5;
            double[] up = [.. point], down = [.. point];
            up[i] += H;
            down[i] -= H;
            var first = (Evaluate(scalar, up)[0] - Evaluate(scalar, down)[0]) / (2 * H);
            Assert.Equal(first, Evaluate(gradient, point)[i], 1e-7);
            var (g1, g0) = (Evaluate(gradient, up), Evaluate(gradient, down));
            for (var j = 0; j < 2; j++)
            {
                Assert.Equal((g1[j] - g0[j]) / (2 * H), hessian[(i * 2) + j], 1e-6);
            }
        }

        Assert.Equal(hessian[0] + hessian[3], Evaluate(Derivative.Laplacian(scalar, x).Laplacian, point)[0], 1e-10);
    }

    [Fact]
    public void TheHessianOfTheLogDeterminantIsMinusTheTraceOfItsClosedForm()
    {
        const int N = 12;
        var (a, x, at, parts) = Family(N);
        double[] point = [0.25, 0.15];
        var inverse = Inverse(Symmetric(at(point), N), N);
        double[][] changes = [Moved(1, point[1]), Moved(2, point[0])];
        double[] Moved(int k, double other) => Symmetric([.. parts[k].Select((v, e) => v + (other * parts[3][e]))], N);
        var hessian = Evaluate(Derivative.Hessian(a.LogDeterminant(), x), point);
        var gradient = Evaluate(Derivative.Gradient(a.LogDeterminant(), x), point);
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(Trace(inverse, changes[i]), gradient[i], 1e-11);
            for (var j = 0; j < 2; j++)
            {
                var mixed = i == j ? 0 : Trace(inverse, Symmetric(parts[3], N));
                var expected = mixed - Trace(Times(inverse, changes[i]), Times(inverse, changes[j]));
                Assert.Equal(expected, hessian[(i * 2) + j], 1e-10);
            }
        }

        Assert.Equal(hessian[0] + hessian[3], Evaluate(Derivative.Laplacian(a.LogDeterminant(), x).Laplacian, point)[0], 1e-10);

        double Trace(double[] left, double[] right) => Enumerable.Range(0, N * N).Sum(e => left[e] * right[(e % N * N) + (e / N)]);
        double[] Times(double[] left, double[] right) =>
            [.. Enumerable.Range(0, N * N).Select(e => Enumerable.Range(0, N).Sum(k => left[(e / N * N) + k] * right[(k * N) + (e % N)]))];
    }

    private static double[] Symmetric(double[] matrix, int n) => [.. matrix.Select((v, e) => 0.5 * (v + matrix[(e % n * n) + (e / n)]))];

    private static double[] Inverse(double[] matrix, int n)
    {
        var (values, vectors) = SymmetricEigen.Decompose(matrix, n);
        return [.. matrix.Select((_, e) => Enumerable.Range(0, n).Sum(k => vectors[(e / n * n) + k] * vectors[(e % n * n) + k] / values[k]))];
    }

    [Fact]
    public void FirstDerivativesOfEqualEigenvaluesAreFinite()
    {
        const int N = 3;
        var a = Expr.Input("a", N, N);
        var gradient = Derivative.Gradient(a.SymmetricEigen().Values.Square().Sum(), a);
        var identity = new double[N * N];
        identity[0] = identity[4] = identity[8] = 2;
        var result = Run<double>(new TracedProgram(null, ("g", gradient)), 1, identity)["g"];
        Assert.Equal([.. identity.Select(v => 2 * v)], result, (double x, double y) => Math.Abs(x - y) < 1e-12);
    }

    [Fact]
    public void MatricesThatAllSamplesShareAreMixedWithThoseOfOne()
    {
        const int N = 5;
        var parameters = new ParameterSet();
        var shared = parameters.Add("shared", N, N);
        var own = Expr.Input("a", N, N);
        var program = new TracedProgram(
            parameters,
            ("log det", shared.LogDeterminant()),
            ("values", shared.SymmetricEigen().Values),
            ("shared factor", shared.SolvePositiveDefinite(own)),
            ("shared columns", own.SolvePositiveDefinite(shared)),
            ("gradient", Derivative.ParameterGradient((shared.SolvePositiveDefinite(own) * own.SolvePositiveDefinite(shared)).Sum(), parameters).BatchSum()));
        const int Samples = 19;
        var (matrices, one) = (Matrices(Samples, N), Matrices(1, N, 6));
        var expected = ReferenceInterpreter.Evaluate(program, Samples, new Dictionary<string, double[]> { ["a"] = matrices }, one);
        using var run = new CompiledProgram<double>(program, new ExecutionOptions { Threads = 2 });
        one.CopyTo(run.Parameters.Span);
        run["a"] = NdArray<double>.From(matrices, Samples, N, N);
        foreach (var (name, value) in program.Outputs.Where(o => !o.Value.IsUniform))
        {
            run[name] = NdArray<double>.ForSamples(Samples, value.Shape);
        }

        run.Run(Samples);
        foreach (var (name, _) in program.Outputs)
        {
            var scale = Math.Max(1, Largest(expected[name]));
            Assert.Equal(expected[name], run[name].Span.ToArray(), (double x, double y) => Math.Abs(x - y) < 1e-11 * scale);
        }
    }

    [Fact]
    public void ACallAllocatesNothing()
    {
        var a = Expr.Input("a", 6, 6);
        var (values, vectors) = a.SymmetricEigen();
        var loss = a.LogDeterminant() + a.SolvePositiveDefinite(a[0]).Sum() + (values * vectors[0]).Sum();
        using var run = new CompiledProgram<float>(new TracedProgram(null, ("g", Derivative.Gradient(loss, a))), new ExecutionOptions { Threads = 1 });
        run["a"] = NdArray<float>.From(Array.ConvertAll(Matrices(100, 6), v => (float)v), 100, 6, 6);
        run["g"] = new NdArray<float>(100, 6, 6);
        Assert.Equal(0, Allocation.Least(() =>
        {
            for (var i = 0; i < 20; i++)
            {
                run.Run(100);
            }
        }));
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 5, 9)]
    [InlineData(2, 3, 4)]
    [InlineData(3, 7, 5)]
    [InlineData(6, 4, 1)]
    public void ProductsOfASamplesMatricesAreSummedInTheOrderOfTheInnerIndex(int m, int k, int n)
    {
        const int Samples = 18;
        var program = new TracedProgram(null, ("c", Expr.MatrixProduct(Expr.Input("a", m, k), Expr.Input("b", k, n))));
        double[] Normals(int count, ulong seed)
        {
            var random = new RandomStream(seed, 80);
            return [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];
        }

        var (a, b) = (Normals(Samples * m * k, 1), Normals(Samples * k * n, 2));
        var expected = new double[Samples * m * n];
        for (var e = 0; e < expected.Length; e++)
        {
            var (sample, i, j) = (e / (m * n), e / n % m, e % n);
            for (var p = 0; p < k; p++)
            {
                expected[e] = double.MultiplyAddEstimate(a[(((sample * m) + i) * k) + p], b[(((sample * k) + p) * n) + j], expected[e]);
            }
        }

        foreach (var width in SimdWidths.Supported)
        {
            using var run = new CompiledProgram<double>(program, new ExecutionOptions { Threads = 1, Width = width });
            run["a"] = NdArray<double>.From(a, Samples, m, k);
            run["b"] = NdArray<double>.From(b, Samples, k, n);
            run["c"] = new NdArray<double>(Samples, m, n);
            run.Run(Samples);
            Assert.Equal(expected, run["c"].Span.ToArray());
        }
    }

    [Fact]
    public void ErrorsNameTheOperationAndTheShapes()
    {
        var wide = Expr.Input("w", 2, 3);
        Assert.Equal("Cholesky factor: the matrix has shape [2, 3]; it must be square.", Assert.Throws<ShapeException>(() => wide.Cholesky()).Message);
        Assert.Throws<ShapeException>(() => wide.LogDeterminant());
        Assert.Throws<ShapeException>(() => wide.InversePositiveDefinite());
        Assert.Throws<ShapeException>(() => wide.SymmetricEigen());
        var square = Expr.Input("s", 3, 3);
        Assert.Throws<ShapeException>(() => square.SolveTriangular(wide));
        Assert.Throws<ShapeException>(() => square.SolvePositiveDefinite(Expr.Input("v", 2)));
    }
}
