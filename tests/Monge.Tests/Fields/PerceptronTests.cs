using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Tests.Fields;

public class PerceptronTests
{
    public static TheoryData<Activation, bool, bool, bool> Kinds
    {
        get
        {
            var kinds = new TheoryData<Activation, bool, bool, bool>();
            foreach (var (activation, choice) in Enum.GetValues<Activation>().SelectMany(a => Enumerable.Range(0, 8).Select(choice => (a, choice))))
            {
                kinds.Add(activation, (choice & 1) > 0, (choice & 2) > 0, (choice & 4) > 0);
            }

            return kinds;
        }
    }

    // Two scalars, one with features and one alone, and a vector, beside a position of three coordinates.
    [Theory]
    [MemberData(nameof(Kinds))]
    public void ValuesAreThoseOfPlainLoops(Activation activation, bool residual, bool lastConditions, bool biasLast)
    {
        const int width = 5;
        const int depth = 3;
        const int outputs = 2;
        var options = new PerceptronOptions
        {
            Width = width,
            Depth = depth,
            Activation = activation,
            Residual = residual,
            LastConditions = lastConditions,
            BiasLast = biasLast,
            LastBiasScale = biasLast ? null : 0,
        };
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        PerceptronCondition[] conditions = [PerceptronCondition.Time(2), PerceptronCondition.Scalar("end"), PerceptronCondition.Vector("label", 4)];
        var network = new Perceptron(parameters, initializer, "net", 3, outputs, options, conditions);
        double[] values = [.. Enumerable.Range(0, parameters.Count).Select(i => 0.4 * Math.Sin(1 + (i * 0.7)))];
        double[] x = [0.3, -1.2, 0.8];
        var (t, s) = (0.35, 0.9);
        double[] label = [1, 0, -1, 0.5];

        var output = network.Apply(Expr.Input("x", 3), Expr.Input("t"), Expr.Input("s"), Expr.Input("label", 4));
        using var program = new CompiledProgram<double>(new TracedProgram(parameters, ("value", output)), new ExecutionOptions { Threads = 1 })
        {
            Parameters = NdArray<double>.From(values, values.Length),
            ["x"] = NdArray<double>.From(x, 1, 3),
            ["t"] = NdArray<double>.From([t], 1),
            ["s"] = NdArray<double>.From([s], 1),
            ["label"] = NdArray<double>.From(label, 1, 4),
            ["value"] = new NdArray<double>(1, outputs),
        };
        program.Run(1);

        double[] Product(string name, double[] by)
        {
            var block = parameters.Blocks.Single(b => b.Name == name);
            var weights = values.AsSpan(block.Offset, block.Shape.Size).ToArray();
            return [.. weights.Chunk(by.Length).Select(row => row.Zip(by, (w, v) => w * v).Sum())];
        }

        double[] time = [t, Math.Cos(Math.PI * t), Math.Sin(Math.PI * t), Math.Cos(2 * Math.PI * t), Math.Sin(2 * Math.PI * t)];
        double[] Sum(int layer, double[] hidden, bool withConditions, bool withBias)
        {
            var sum = Product($"net.{layer}.weight", hidden);
            foreach (var (name, by) in withConditions ? new[] { ("time", time), ("end", [s]), ("label", label) } : [])
            {
                sum = [.. sum.Zip(Product($"net.{layer}.{name}", by), (a, b) => a + b)];
            }

            return withBias ? [.. sum.Zip(Product($"net.{layer}.bias", [1]), (a, b) => a + b)] : sum;
        }

        double[] state = x;
        for (var layer = 0; layer < depth; layer++)
        {
            double[] next = [.. Sum(layer, state, true, true).Select(v => Activate(activation, v))];
            state = residual && layer > 0 ? [.. state.Zip(next, (a, b) => a + b)] : next;
        }

        double[] expected = Sum(depth, state, lastConditions, !biasLast);
        Assert.All(expected, (v, i) => Assert.Equal(v, program["value"][i], 12));
    }

    [Fact]
    public void BlocksStartAsTheirScalesSay()
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var options = new PerceptronOptions { Width = 60, Depth = 2, FirstScale = 2, HiddenScale = 3, BiasScale = 0.5, LastScale = 0.7, FirstNumber = 4 };
        _ = new Perceptron(parameters, initializer, "net", 50, 40, options, PerceptronCondition.Vector("label", 30, 1.5));
        var values = new NdArray<double>(parameters.Count);
        initializer.Fill(values.Span, new(5, 1));
        (string Name, double Deviation)[] expected =
        [
            ("net.4.weight", 2 / Math.Sqrt(50)), ("net.4.label", 1.5 / Math.Sqrt(30)), ("net.4.bias", 0.5), ("net.5.weight", 3 / Math.Sqrt(60)),
            ("net.5.label", 1.5 / Math.Sqrt(30)), ("net.5.bias", 0), ("net.6.weight", 0.7 / Math.Sqrt(60)), ("net.6.bias", 0),
        ];
        Assert.Equal(expected.Select(e => e.Name), parameters.Blocks.Select(b => b.Name));
        foreach (var (block, (_, deviation)) in parameters.Blocks.Zip(expected))
        {
            var found = Math.Sqrt(values.Span.Slice(block.Offset, block.Shape.Size).ToArray().Average(v => v * v));

            // Five standard errors of a deviation estimated from so many numbers.
            Assert.InRange(found, deviation * (1 - (5 / Math.Sqrt(2 * block.Shape.Size))), deviation * (1 + (5 / Math.Sqrt(2 * block.Shape.Size))));
        }
    }

    [Fact]
    public void AScalarHeadAndAnEmptyDepthAreLinearForms()
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new Perceptron(parameters, initializer, "form", 3, null, new PerceptronOptions { Depth = 0, LastScale = 1 });
        Assert.Equal(["form.0.weight", "form.0.bias"], parameters.Blocks.Select(b => b.Name));
        var x = Expr.Input("x", 3);
        var value = network.Apply(x);
        Assert.Equal(0, value.Shape.Rank);
        var result = ReferenceInterpreter.Evaluate(
            new TracedProgram(parameters, ("value", value)), 1, new Dictionary<string, double[]> { ["x"] = [1, 2, 3] }, [0.5, -1, 2, 0.25]);
        Assert.Equal(0.5 - 2 + 6 + 0.25, result["value"][0], 12);
    }

    [Fact]
    public void RefusesConditionsItDoesNotHave()
    {
        static Perceptron Network(int outputs, PerceptronOptions options) =>
            new(new ParameterSet(), new ParameterInitializer(), "net", 1, outputs, options, PerceptronCondition.Time(1));
        Assert.Throws<ArgumentException>(() => Network(1, new PerceptronOptions()).Apply(Expr.Input("x", 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Network(0, new PerceptronOptions()));
        Assert.Throws<ArgumentOutOfRangeException>(() => Network(1, new PerceptronOptions { Width = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Network(1, new PerceptronOptions { Depth = -1 }));
    }

    private static double Activate(Activation activation, double x) => activation switch
    {
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Tanh => Math.Tanh(x),
        Activation.Gelu => x * 0.5 * (1 + MathNet.Numerics.SpecialFunctions.Erf(x / Math.Sqrt(2))),
        _ => Math.Log(1 + Math.Exp(x)),
    };
}
