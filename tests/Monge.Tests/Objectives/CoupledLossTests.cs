using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Objectives;

namespace Monge.Tests.Objectives;

/// <summary>
/// Losses that couple a batch against finite differences, against a program with all rows unrolled, and their statistics against closed forms.
/// </summary>
public sealed class CoupledLossTests
{
    private const int Rows = 37;
    private const double Difference = 1e-5;

    public static TheoryData<string> Statistics => ["mean", "variance", "log-mean-exp", "traced", "pairs"];

    [Theory]
    [MemberData(nameof(Statistics))]
    public void Gradients_are_those_of_finite_differences(string name)
    {
        var (parameters, x, value) = Program(noisy: true);
        using var traced = Traced();
        using var loss = new CoupledLoss<double>(parameters, value, Rows, Statistic(name, traced), new ExecutionOptions { Threads = 2 }, x);
        var (values, inputs, gradient) = (Start(parameters), Inputs(), new NdArray<double>(Rows, 2));
        loss.Bind("x", inputs);
        loss.BindGradient(0, gradient);
        var draw = new DrawKey(3, 5);
        loss.Run(values, draw);
        var (ofParameters, ofInputs) = (loss.Gradient.Span.ToArray(), gradient.Span.ToArray());
        Check(values, ofParameters);
        Check(inputs, ofInputs);

        void Check(NdArray<double> at, double[] exact)
        {
            for (var i = 0; i < at.Length; i++)
            {
                var before = at[i];
                at[i] = before + Difference;
                var up = loss.Run(values, draw);
                at[i] = before - Difference;
                var down = loss.Run(values, draw);
                at[i] = before;
                Assert.Equal((up - down) / (2 * Difference), exact[i], 1e-7 * (1 + Math.Abs(exact[i])));
            }
        }
    }

    [Theory]
    [InlineData("variance")]
    [InlineData("log-mean-exp")]
    [InlineData("traced")]
    [InlineData("pairs")]
    public void Gradients_are_those_of_all_rows_in_one_sample(string name)
    {
        var (parameters, _, value) = Program(noisy: false);
        using var traced = Traced();
        using var coupled = new CoupledLoss<double>(parameters, value, Rows, Statistic(name, traced), new ExecutionOptions { Threads = 1 });
        var (values, inputs) = (Start(parameters), Inputs());
        coupled.Bind("x", inputs);
        var loss = coupled.Run(values);

        var all = Expr.Input("all", Rows, 2);
        Expr[] v = [.. Enumerable.Range(0, Rows).Select(i => Value(parameters, all[i], null))];
        var mean = v.Aggregate((a, b) => a + b) / Rows;
        var whole = name switch
        {
            "variance" => v.Select(e => (e - mean).Square()).Aggregate((a, b) => a + b) / (Rows - 1),
            "log-mean-exp" => ((2 * Expr.Vector(v)).LogSumExp() - Math.Log(Rows)) / 2,
            "traced" => v.Select(e => (e - mean).Square() * (1 + mean.Square())).Aggregate((a, b) => a + b) / Rows,
            _ => v.SelectMany(a => v.Select(b => (-(a - b).Square()).Exp())).Aggregate((a, b) => a + b) / (Rows * Rows),
        };
        using var unrolled = new CompiledProgram<double>(
            new TracedProgram(parameters, ("loss", whole.BatchSum()), ("gradient", Derivative.ParameterGradient(whole, parameters).BatchSum())))
        { Parameters = values, ["all"] = NdArray<double>.From(inputs.Span, 1, Rows, 2) };
        unrolled.Run(1);
        Assert.Equal(unrolled["loss"][0], loss, 1e-12);
        for (var i = 0; i < values.Length; i++)
        {
            Assert.Equal(unrolled["gradient"][i], coupled.Gradient[i], 1e-12);
        }
    }

    [Fact]
    public void Threads_change_no_bit()
    {
        float[] Gradient(int threads)
        {
            var (parameters, _, value) = Program(noisy: true);
            using var loss = new CoupledLoss<float>(parameters, value, Rows, BatchStatistics.Variance(), new ExecutionOptions { Threads = threads });
            loss.Bind("x", NdArray<float>.From([.. Inputs().Span.ToArray().Select(v => (float)v)], Rows, 2));
            loss.Run(NdArray<float>.From([.. Start(parameters).Span.ToArray().Select(v => (float)v)], parameters.Count), new DrawKey(1));
            return loss.Gradient.Span.ToArray();
        }

        Assert.Equal(Gradient(1), Gradient(2));
    }

    [Fact]
    public void Values_that_do_not_count_change_nothing_and_one_is_not_enough()
    {
        double[] counted = [0.5, -1, 2, 0.25];
        double[] lost = [0.5, double.NaN, -1, 2, 1e9, 0.25, double.PositiveInfinity];
        foreach (var statistic in new[] { BatchStatistics.Mean(3, 1e8), BatchStatistics.Variance(3, 1e8), BatchStatistics.LogMeanExp(0.7, 1e8) })
        {
            var (few, all) = (new double[counted.Length], new double[lost.Length]);
            Assert.Equal(statistic(counted, few), statistic(lost, all));
            Assert.Equal(few, new[] { all[0], all[2], all[3], all[5] });
            Assert.Equal([0, 0, 0], new[] { all[1], all[4], all[6] });
            var one = new double[2];
            Assert.True(double.IsNaN(statistic([1, double.NaN], one)));
            Assert.Equal([0, 0], one);
        }
    }

    private static Expr Value(ParameterSet parameters, Expr x, Expr? noise)
    {
        var (weight, bias) = (parameters.Blocks.Count == 0 ? parameters.Add("weight", 3, 2) : parameters.Blocks[0].Value, parameters.Blocks.Count < 2
            ? parameters.Add("bias", 3) : parameters.Blocks[1].Value);
        var hidden = (Expr.MatrixProduct(weight, x) + bias).Tanh();
        return (hidden * (noise ?? 1)).Sum() + (0.3 * hidden.Square().Sum());
    }

    private static (ParameterSet Parameters, Expr X, Expr Value) Program(bool noisy)
    {
        var (parameters, x) = (new ParameterSet(), Expr.Input("x", 2));
        return (parameters, x, Value(parameters, x, noisy ? Expr.Random(RandomLaw.Normal, 901, 3) : null));
    }

    private static TracedStatistic Traced() => new(Rows, 1, v => v, (v, mean) => ((v - mean).Square() * (1 + mean.Square())).Sum());

    private static BatchStatistic Statistic(string name, TracedStatistic traced) => name switch
    {
        "mean" => BatchStatistics.Mean(2),
        "variance" => BatchStatistics.Variance(),
        "log-mean-exp" => BatchStatistics.LogMeanExp(2),
        "traced" => traced.Evaluate,
        _ => Pairs,
    };

    // The mean of a Gaussian kernel over all pairs, the coupled part of a maximum mean discrepancy.
    private static double Pairs(ReadOnlySpan<double> v, Span<double> cotangents)
    {
        var sum = 0.0;
        for (var i = 0; i < v.Length; i++)
        {
            cotangents[i] = 0;
            for (var j = 0; j < v.Length; j++)
            {
                var kernel = Math.Exp(-(v[i] - v[j]) * (v[i] - v[j])) / (v.Length * v.Length);
                sum += kernel;
                cotangents[i] -= 4 * (v[i] - v[j]) * kernel;
            }
        }

        return sum;
    }

    private static NdArray<double> Start(ParameterSet parameters)
    {
        var values = new NdArray<double>(parameters.Count);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Math.Sin(1 + (1.7 * i));
        }

        return values;
    }

    private static NdArray<double> Inputs()
    {
        var values = new NdArray<double>(Rows, 2);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = 1.2 * Math.Cos(0.3 + (2.1 * i));
        }

        return values;
    }
}
