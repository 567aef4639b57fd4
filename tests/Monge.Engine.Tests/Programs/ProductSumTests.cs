using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Programs;

/// <summary>Sums of products of shared matrices, which are added up where they are stored, against the reference interpreter.</summary>
public sealed class ProductSumTests
{
    private const int Rows = 5;

    public static TheoryData<string> Sums => ["two", "reshaped", "same", "read elsewhere", "views", "columns", "three", "output", "derivative"];

    [Theory]
    [MemberData(nameof(Sums))]
    public void AgreeWithTheInterpreter(string kind)
    {
        var parameters = new ParameterSet();
        var (a, b, c) = (parameters.Add("a", Rows, 3), parameters.Add("b", Rows, 4), parameters.Add("c", Rows, 6));
        var (x, y) = (Expr.Input("x", 3), Expr.Input("y", 4));
        var (first, second) = (Expr.MatrixProduct(a, x.Sin()), Expr.MatrixProduct(b, y.Exp()));
        var wide = Expr.MatrixProduct(a, Expr.Stack(1, x, x.Square())) + Expr.MatrixProduct(b, Expr.Stack(1, y.Square(), y));
        var value = kind switch
        {
            "two" => (first + second).Tanh(),
            "reshaped" => (first.Reshape(1, Rows) + second.Reshape(1, Rows)).Tanh(),
            "same" => (first + first).Tanh() + second,
            "read elsewhere" => (first + second) * first,
            "views" => (Expr.MatrixProduct(a, y[1..]) + Expr.MatrixProduct(a, x)).Tanh(),
            "columns" => wide.Tanh(),
            "three" => (first + second + Expr.MatrixProduct(c, Expr.Concat(0, x, x.Tanh())) + 1).Tanh(),
            "output" => first + second,
            _ => Derivative.Gradient((first + second).Tanh().Sum(), x),
        };
        var program = new TracedProgram(parameters, ("value", value), ("gradient", Derivative.ParameterGradient(value.Square().Sum(), parameters).BatchSum()));
        foreach (var samples in new[] { 1, 7, 64, 150 })
        {
            double[] Numbers(int count, double phase) => [.. Enumerable.Range(0, count).Select(i => Math.Sin(phase + (1.7 * i)))];
            var inputs = new Dictionary<string, double[]> { ["x"] = Numbers(3 * samples, 1), ["y"] = Numbers(4 * samples, 2) };
            var weights = Numbers(parameters.Count, 3);
            var expected = ReferenceInterpreter.Evaluate(program, samples, inputs, weights);
            foreach (var threads in new[] { 1, 2 })
            {
                using var run = new CompiledProgram<double>(program, new ExecutionOptions { Threads = threads })
                {
                    Parameters = NdArray<double>.From(weights, weights.Length),
                    ["x"] = NdArray<double>.From(inputs["x"], samples, 3),
                    ["y"] = NdArray<double>.From(inputs["y"], samples, 4),
                    ["value"] = NdArray<double>.From(new double[samples * value.Size], [samples, .. value.Shape.Sizes]),
                };
                run.Run(samples);
                Assert.All(run["value"].Span.ToArray().Zip(expected["value"]), p => Assert.Equal(p.Second, p.First, 12));
                Assert.All(run["gradient"].Span.ToArray().Zip(expected["gradient"]), p => Assert.Equal(p.Second, p.First, 1e-11 * samples));
            }
        }
    }

    // A weight that is itself a product of parameters, as a layer of a layer: its gradient is an outer product of each sample, and what follows is linear.
    [Fact]
    public void AGradientBehindASharedProductIsAddedUpBeforeTheProduct()
    {
        const int Inner = 30;
        const int Samples = 64;
        var parameters = new ParameterSet();
        var (a, b) = (parameters.Add("a", Rows, Rows), parameters.Add("b", Rows, Inner));
        var x = Expr.Input("x", Inner);
        var weight = Expr.MatrixProduct(a, Expr.MatrixProduct(a, b) / 3 + b.Square());
        var gradient = Derivative.ParameterGradient(Expr.MatrixProduct(weight, x).Tanh().Sum(), parameters).BatchSum();
        var program = new TracedProgram(parameters, ("gradient", gradient));
        var body = new ProgramPlan<double>(program, new ExecutionOptions { Threads = 1 }, []).BodyFor(Samples);
        Assert.True(body.ArenaSize / (sizeof(double) * body.Lanes) < Rows * Inner, $"{body.ArenaSize} bytes");

        double[] values = [.. Enumerable.Range(0, Samples * Inner).Select(i => Math.Sin(1.3 * i))];
        double[] weights = [.. Enumerable.Range(0, parameters.Count).Select(i => 0.4 * Math.Cos(0.7 * i))];
        var expected = ReferenceInterpreter.Evaluate(program, Samples, new Dictionary<string, double[]> { ["x"] = values }, weights)["gradient"];
        using var run = new CompiledProgram<double>(program, new ExecutionOptions { Threads = 1 })
        {
            Parameters = NdArray<double>.From(weights, weights.Length),
            ["x"] = NdArray<double>.From(values, Samples, Inner),
        };
        run.Run(Samples);
        Assert.All(run["gradient"].Span.ToArray().Zip(expected), p => Assert.Equal(p.Second, p.First, 1e-11));
    }
}
