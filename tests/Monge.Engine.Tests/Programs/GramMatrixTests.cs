using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Programs;

/// <summary>Gram matrices against the matrix products that define them, and matrix products of factors that stand transposed.</summary>
public sealed class GramMatrixTests
{
    private static double[] Numbers(int count, double phase) => [.. Enumerable.Range(0, count).Select(i => Math.Sin(phase + (1.7 * i) + (0.01 * i * i)))];

    private static Dictionary<string, T[]> Run<T>(TracedProgram program, int samples, ExecutionOptions options)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        using var run = new CompiledProgram<T>(program, options)
        {
            Parameters = NdArray<T>.From(Array.ConvertAll(Numbers(program.Parameters.Count, 9), T.CreateTruncating), program.Parameters.Count),
        };
        foreach (var (name, values) in Inputs(program, samples))
        {
            var shape = program.Inputs.Single(i => i.Operation.Name == name).Shape;
            run[name] = NdArray<T>.From(Array.ConvertAll(values, T.CreateTruncating), [samples, .. shape.Sizes]);
        }

        foreach (var (name, value) in program.Outputs.Where(o => !o.Value.IsUniform))
        {
            run[name] = NdArray<T>.ForSamples(samples, value.Shape);
        }

        run.Run(samples);
        return program.Outputs.ToDictionary(o => o.Name, o => run[o.Name].Span.ToArray());
    }

    private static Dictionary<string, double[]> Inputs(TracedProgram program, int samples) =>
        program.Inputs.ToDictionary(i => i.Operation.Name, i => Numbers(samples * i.Shape.Size, i.Operation.Name[0]));

    private static void AgreeWithTheInterpreterAtEveryWidth(TracedProgram program)
    {
        const int Samples = 75;
        var expected = ReferenceInterpreter.Evaluate(program, Samples, Inputs(program, Samples), Numbers(program.Parameters.Count, 9));
        var first = Run<float>(program, Samples, new ExecutionOptions { Threads = 1 });
        foreach (var width in SimdWidths.Supported)
        {
            var options = new ExecutionOptions { Threads = 2, Width = width };
            var single = Run<float>(program, Samples, options);
            foreach (var (name, values) in Run<double>(program, Samples, options))
            {
                Assert.Equal(first[name], single[name]);
                Assert.All(values.Zip(expected[name]), p => Assert.Equal(p.Second, p.First, 1e-11 * (1 + Math.Abs(p.Second))));
            }
        }
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 1)]
    [InlineData(5, 2)]
    [InlineData(16, 5)]
    [InlineData(37, 12)]
    [InlineData(4, 7)]
    public void AGramMatrixIsTheProductOfTheTransposedAndTheWeightedMatrix(int rows, int columns)
    {
        var (a, w, turned) = (Expr.Input("a", rows, columns), Expr.Input("w", rows), Expr.Input("b", columns, rows).Transpose());
        var parameters = new ParameterSet();
        var shared = parameters.Add("p", rows, columns);
        var (stack, weights) = (Expr.Stack(0, a, turned), Expr.Stack(0, w, w.Sin()));
        Expr Product(Expr matrix, Expr? by = null) => Expr.MatrixProduct(matrix.Transpose(), by is null ? matrix : by.WithTrailingAxis() * matrix);
        var program = new TracedProgram(
            parameters,
            ("plain", a.Gram() - Product(a)),
            ("weighted", a.Gram(w) - Product(a, w)),
            ("turned", turned.Gram(w) - Product(turned, w)),
            ("shared", shared.Gram() - Product(shared)),
            ("shared weighted", shared.Gram(w) - Product(shared, w)),
            ("stack", stack.Gram() - Expr.Stack(0, Product(a), Product(turned))),
            ("stack weighted", stack.Gram(weights) - Expr.Stack(0, Product(a, w), Product(turned, w.Sin()))),
            ("symmetric", a.Gram(w) - a.Gram(w).Transpose()));
        foreach (var (name, values) in Run<double>(program, 37, new ExecutionOptions { Threads = 1 }))
        {
            Assert.True(values.Max(Math.Abs) < (name == "symmetric" ? double.Epsilon : 1e-13 * rows), $"{name}: {values.Max(Math.Abs)}");
        }

        var gradient = Derivative.ParameterGradient((shared.Gram(w) * a.Gram(w.Cos())).Sum(), parameters).BatchSum();
        AgreeWithTheInterpreterAtEveryWidth(new TracedProgram(
            parameters, ("weighted", a.Gram(w)), ("turned", turned.Gram()), ("stack", stack.Gram(weights)), ("gradient", gradient),
            ("cotangent", Derivative.Gradient((a.Gram(w) * turned.Gram()).Sum(), a))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void DerivativesUpToTheThirdAreThoseOfTheProduct(bool isStack)
    {
        const int K = 3;
        const int N = 2;
        var x = Expr.Input("x", 2);
        Expr Entry(int i) => (x[0] * Math.Cos(i) + 0.4 * i).Sin() + x[0] * x[1] * Math.Sin(2.0 * i);
        Expr Make(int first, params int[] sizes) => Expr.Vector([.. Enumerable.Range(first, new Shape(sizes).Size).Select(Entry)]).Reshape(sizes);
        var (a, w) = isStack ? (Make(0, 2, K, N), Make(30, 2, K)) : (Make(0, K, N), Make(30, K));
        var turned = isStack ? a.Transpose(0, 2, 1) : a.Transpose();
        Expr Third(Expr v) => Derivative.Jacobian(Derivative.Laplacian(v, x).Laplacian, x);
        Expr Reverse(Expr v) => Derivative.Hessian((v * Expr.Constant(Numbers(v.Size, 1), v.Size)).Sum(), x);
        (Expr Gram, Expr Product)[] pairs =
        [
            (a.Gram(), Expr.MatrixProduct(turned, a)),
            (a.Gram(w), Expr.MatrixProduct(turned, a * w.WithTrailingAxis())),
            (a.StopGradient().Gram(w), Expr.MatrixProduct(turned.StopGradient(), a.StopGradient() * w.WithTrailingAxis())),
            (a.Gram(w.StopGradient()), Expr.MatrixProduct(turned, a * w.StopGradient().WithTrailingAxis())),
        ];
        foreach (var (gram, product) in pairs)
        {
            foreach (var derivative in (Func<Expr, Expr>[])[v => v, v => Derivative.Jacobian(v, x), v => Derivative.Laplacian(v, x).Laplacian, Reverse, Third])
            {
                var program = new TracedProgram(null, ("gram", derivative(gram.Reshape(gram.Size))), ("product", derivative(product.Reshape(gram.Size))));
                var values = ReferenceInterpreter.Evaluate(program, 1, new Dictionary<string, double[]> { ["x"] = [0.3, -0.4] }, []);
                Assert.All(values["gram"].Zip(values["product"]), p => Assert.Equal(p.Second, p.First, 1e-11 * (1 + Math.Abs(p.Second))));
            }
        }
    }

    [Fact]
    public void ShapesThatDontFitAreNamed()
    {
        var error = Assert.Throws<ShapeException>(() => Expr.Input("a", 4, 3).Gram(Expr.Input("w", 3)));
        Assert.Contains("[3]", error.Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => Expr.Input("x", 4).Gram());
    }

    [Theory]
    [InlineData(3, 4, 5)]
    [InlineData(1, 6, 9)]
    [InlineData(7, 2, 1)]
    [InlineData(5, 1, 6)]
    [InlineData(16, 16, 16)]
    public void ProductsReadTransposedFactorsWhereTheyStand(int m, int k, int n)
    {
        var parameters = new ParameterSet();
        Expr[] Four(string name, int rows, int columns)
        {
            var (own, shared) = (Expr.Input(name, rows, columns), parameters.Add(name, rows, columns));
            return [own, shared, Expr.Input(name + "t", columns, rows).Transpose(), parameters.Add(name + "t", columns, rows).Transpose()];
        }

        var (lefts, rights) = (Four("a", m, k), Four("b", k, n));
        var outputs = new List<(string, Expr)>();
        foreach (var left in lefts)
        {
            foreach (var right in rights)
            {
                var (repeated, turned) = (right.Reshape(1, k, n).BroadcastTo(new Shape(2, k, n)), left.Reshape(1, m, k).BroadcastTo(new Shape(2, m, k)));
                outputs.Add(($"{outputs.Count}", Expr.MatrixProduct(left, right)));
                outputs.Add(($"{outputs.Count}", Expr.MatrixProduct(Expr.Stack(0, left, left + 1), repeated)));
                outputs.Add(($"{outputs.Count}", Expr.MatrixProduct(turned, Expr.Stack(0, right, -right))));
            }
        }

        AgreeWithTheInterpreterAtEveryWidth(new TracedProgram(parameters, [.. outputs]));
    }
}
