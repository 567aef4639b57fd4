using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Execution;

/// <summary>What the tile machine promises beside right values: determinism, no allocation, loops in tiles, clear errors.</summary>
public sealed class CompiledProgramTests
{
    internal static (TracedProgram Program, ParameterSet Parameters) Network(int width = 48)
    {
        var parameters = new ParameterSet();
        var x = Expr.Random(RandomLaw.Normal, 1, 3);
        var hidden = (Expr.MatrixProduct(parameters.Add("w0", width, 3), x) + parameters.Add("b0", width)).Tanh();
        var second = (Expr.MatrixProduct(parameters.Add("w1", width, width), hidden) + parameters.Add("b1", width)).Silu();
        var u = Expr.MatrixProduct(parameters.Add("w2", 1, width), second)[0];
        var pass = Derivative.Laplacian(u, x);
        var loss = (pass.Laplacian - pass.Gradient.SquaredNorm() - u).Square();
        return (new TracedProgram(parameters, ("loss", loss.BatchSum()), ("gradient", Derivative.ParameterGradient(loss, parameters).BatchSum()), ("u", u)),
            parameters);
    }

    internal static void Start(NdArray<float> parameters)
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            parameters[i] = (float)(0.3 * Math.Sin(i + 1));
        }
    }

    private static (float[] Gradient, float[] Values) RunNetwork(int samples, ExecutionOptions options)
    {
        var (program, _) = Network();
        using var run = new CompiledProgram<float>(program, options);
        Start(run.Parameters);
        run["u"] = new NdArray<float>(samples);
        run.Run(samples, new DrawKey(7, 3));
        return (run["gradient"].Span.ToArray(), run["u"].Span.ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(1000)]
    public void ResultsAreTheSameToTheBitForAnyNumberOfThreads(int samples)
    {
        var (gradient, values) = RunNetwork(samples, new ExecutionOptions { Threads = 1 });
        for (var threads = 2; threads <= 3; threads++)
        {
            var other = RunNetwork(samples, new ExecutionOptions { Threads = threads });
            Assert.Equal(gradient, other.Gradient);
            Assert.Equal(values, other.Values);
        }
    }

    [Fact]
    public void PerSampleValuesDoNotDependOnTheTiling()
    {
        var (_, values) = RunNetwork(300, new ExecutionOptions { TileLanes = 16 });
        var (_, others) = RunNetwork(300, new ExecutionOptions { TileLanes = 64 });
        Assert.Equal(values, others);
    }

    [Fact]
    public void EveryVectorWidthGivesTheSameValuesToRounding()
    {
        var (gradient, values) = RunNetwork(100, new ExecutionOptions { Width = SimdWidth.Scalar });
        var scale = gradient.Max(MathF.Abs);
        foreach (var width in SimdWidths.Supported)
        {
            var other = RunNetwork(100, new ExecutionOptions { Width = width });
            Assert.All(values.Zip(other.Values), p => Assert.Equal(p.First, p.Second, 1e-5f));
            Assert.All(gradient.Zip(other.Gradient), p => Assert.Equal(p.First / scale, p.Second / scale, 1e-5f));
        }
    }

    [Fact]
    public void IterationInTilesEqualsStepByStepRuns()
    {
        var x = Expr.Input("x", 3);
        var (t, h) = (Expr.PerStep("t"), Expr.Shared("h"));
        var next = x + h * (t - x).Sin() + h.Sqrt() * Expr.Random(RandomLaw.Normal, 4, 3);
        var program = new TracedProgram(null, ("next", next), ("sum", next.SquaredNorm().BatchSum()));
        const int Samples = 77, Steps = 9;
        var start = new NdArray<double>(Samples, 3);
        for (var i = 0; i < start.Length; i++)
        {
            start[i] = Math.Sin(i);
        }

        using var loop = new CompiledProgram<double>(program, null, ("next", "x"));
        using var single = new CompiledProgram<double>(program);
        loop["x"] = start;
        loop["next"] = new NdArray<double>(Samples, 3);
        loop["t"] = NdArray<double>.From([.. Enumerable.Range(0, Steps).Select(k => 0.1 * k)], Steps);
        loop["h"][0] = single["h"][0] = 0.05;
        loop.Iterate(Samples, Steps, new DrawKey(3, 100, 40));
        var state = NdArray<double>.From(start.Span, Samples, 3);
        double sum = 0;
        for (var k = 0; k < Steps; k++)
        {
            single["x"] = state;
            single["next"] = new NdArray<double>(Samples, 3);
            single["t"] = NdArray<double>.From([0.1 * k], 1);
            single.Run(Samples, new DrawKey(3, 100 + (ulong)k, 40));
            state = single["next"];
            sum += single["sum"][0];
        }

        Assert.Equal(state.Span.ToArray(), loop["next"].Span.ToArray());
        Assert.Equal(sum, loop["sum"][0], 1e-9);
    }

    [Fact]
    public void BatchSumsOfUniformValuesCountTheSamples()
    {
        var s = Expr.Shared("s", 2);
        var x = Expr.Input("x");
        using var run = new CompiledProgram<double>(new TracedProgram(null, ("a", (s * 2).BatchSum()), ("b", (s[0] * x + s[1]).BatchSum())));
        run["s"].Span[0] = 3;
        run["s"].Span[1] = 0.5;
        run["x"] = NdArray<double>.From([1, 2, 4], 3);
        run.Run(3);
        Assert.Equal(new double[] { 18, 3 }, run["a"].Span.ToArray());
        Assert.Equal(22.5, run["b"][0], 12);
    }

    [Fact]
    public void AnomalyDetectionNamesTheFirstOperation()
    {
        var x = Expr.Input("x", 2);
        var program = new TracedProgram(null, ("y", (x - 1).Log().Sum() + x.Exp().Sum()));
        using var run = new CompiledProgram<double>(program, new ExecutionOptions { DetectAnomaly = true });
        run["x"] = NdArray<double>.From([2, 3, 0.5, 4], 2, 2);
        run["y"] = new NdArray<double>(2);
        var error = Assert.Throws<AnomalyException>(() => run.Run(2));
        Assert.Contains("'log'", error.Message);
        Assert.Contains("sample 1", error.Message);
    }

    [Fact]
    public void BindingMistakesAreNamed()
    {
        var program = new TracedProgram(null, ("y", Expr.Input("x", 2).Sum()));
        using var run = new CompiledProgram<double>(program);
        Assert.Contains("'x'", Assert.Throws<InvalidOperationException>(() => run.Run(2)).Message);
        Assert.Contains("[2]", Assert.Throws<ArgumentException>(() => run["x"] = new NdArray<double>(4, 3)).Message);
        Assert.Contains("'z'", Assert.Throws<ArgumentException>(() => run["z"] = new NdArray<double>(4)).Message);
        run["x"] = new NdArray<double>(4, 2);
        run["y"] = new NdArray<double>(4);
        Assert.Contains("needs 5", Assert.Throws<InvalidOperationException>(() => run.Run(5)).Message);
        var mean = Expr.Input("x").BatchSum();
        Assert.Throws<NotSupportedException>(() => new CompiledProgram<double>(new TracedProgram(null, ("y", Expr.Input("z") * mean))));
    }

    [Fact]
    public void UserOperationsRunWithTheirOwnDerivatives()
    {
        var x = Expr.Input("x", 2);
        var norm = new HypotenuseOperation().Apply(x);
        var program = new TracedProgram(null, ("y", norm.Square()), ("g", Derivative.Gradient(norm.Square(), x)), ("l", Derivative.Divergence(norm * x, x)));
        using var run = new CompiledProgram<double>(program);
        run["x"] = NdArray<double>.From([3, 4, 1, 2], 2, 2);
        (run["y"], run["g"], run["l"]) = (new NdArray<double>(2), new NdArray<double>(2, 2), new NdArray<double>(2));
        run.Run(2);
        Assert.Equal(25, run["y"][0], 12);
        Assert.All(new double[] { 6, 8, 2, 4 }.Zip(run["g"].Span.ToArray()), p => Assert.Equal(p.First, p.Second, 12));
        Assert.Equal(15, run["l"][0], 12);
    }

    [Fact]
    public void ABatchMayBeBoundToAnOutputThatDoesNotDependOnTheSample()
    {
        var x = Expr.Input("x", 2);
        var value = Expr.Select(x.SquaredNorm().Less(1), 0, double.NegativeInfinity);
        var program = new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, x)), ("constant", Expr.Constant([3, 4], 2)));
        using var run = new CompiledProgram<float>(program);
        run["x"] = NdArray<float>.From([0, 0, 2, 2, 0, 1], 3, 2);
        (run["value"], run["gradient"], run["constant"]) = (new NdArray<float>(3), NdArray<float>.From([9, 9, 9, 9, 9, 9], 3, 2), new NdArray<float>(3, 2));
        run.Run(3);
        Assert.Equal(new float[6], run["gradient"].Span.ToArray());
        Assert.Equal([3, 4, 3, 4, 3, 4], run["constant"].Span.ToArray());
        run["constant"] = new NdArray<float>(2);
        run.Run(3);
        Assert.Equal([3, 4], run["constant"].Span.ToArray());
        run["constant"] = new NdArray<float>(2, 2);
        Assert.Contains("the call needs 3", Assert.Throws<InvalidOperationException>(() => run.Run(3)).Message, StringComparison.Ordinal);
    }

    private sealed class HypotenuseOperation : UserOperation
    {
        public override string Name => "hypotenuse";

        public override Shape InferShape(ReadOnlySpan<Shape> inputs) => Shape.Scalar;

        public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output) =>
            output[0] = Math.Sqrt((inputs[0][0] * inputs[0][0]) + (inputs[0][1] * inputs[0][1]));

        public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) =>
            (node.Inputs[0].Reshape(2, 1) * tangents[0]!).Sum(0) / node;

        public override Expr? Cotangent(Expr node, Expr cotangent, int index) => cotangent * node.Inputs[0] / node;
    }
}
