using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Runs;

/// <summary>The networks of a discrete law, compiled when they are first needed, and how they are declared and what they see of a row.</summary>
internal sealed class DiscreteNetworks(
    ColumnTypes types, IReadOnlyList<TracedProgram> programs, IReadOnlyList<DiscreteHead> heads, NdArray<float> values, int threads) : IDisposable
{
    /// <summary>Units of a network's hidden layer.</summary>
    public const int Width = 64;

    private readonly CompiledProgram<float>?[] _compiled = new CompiledProgram<float>?[heads.Count];

    public NdArray<float> Evaluate(int column, float[] rows)
    {
        var count = rows.Length / Inputs(types);
        var program = _compiled[column] ??= new CompiledProgram<float>(programs[column], new ExecutionOptions { Threads = threads })
        {
            Parameters = values,
        };
        program["row"] = NdArray<float>.From(rows, count, Inputs(types));
        program["outputs"] = new NdArray<float>(count, heads[column].Outputs);
        program.Run(count);
        return program["outputs"];
    }

    public void Dispose()
    {
        foreach (var program in _compiled)
        {
            program?.Dispose();
        }
    }

    /// <summary>Declares the networks of the columns: their parameters, and the numbers that they make of the input "row".</summary>
    public static (ParameterSet Parameters, Expr[] Outputs) Declare(ColumnTypes types, IReadOnlyList<DiscreteChoice> choices)
    {
        var (parameters, row) = (new ParameterSet(), Expr.Input("row", Inputs(types)));
        Expr Output(DiscreteChoice choice, int k) =>
            Network(parameters, new ParameterInitializer(), types, k, new DiscreteHead(types.Discrete[k], choice.Family, []), choice.Depth, row);
        return (parameters, [.. choices.Select(Output)]);
    }

    /// <summary>Numbers of a row that networks see: 1, the conditions that are numbers, the features of all columns.</summary>
    public static int Inputs(ColumnTypes types) => First(types, types.Discrete.Count);

    /// <summary>Where the features of a column begin: how many numbers the network of its law sees.</summary>
    public static int First(ColumnTypes types, int column) => 1 + types.Numbers.Count + types.Discrete.Take(column).Sum(t => t.Features);

    /// <summary>The numbers [n, <see cref="Inputs"/>] of rows; a code that is not a number has features 0.</summary>
    public static float[] Encode(ColumnTypes types, double[] codes, IReadOnlyList<double[]> numbers, int rows)
    {
        var (inputs, m) = (Inputs(types), types.Discrete.Count);
        var result = new float[rows * inputs];
        for (var row = 0; row < rows; row++)
        {
            var to = result.AsSpan(row * inputs, inputs);
            to[0] = 1;
            for (var k = 0; k < numbers.Count; k++)
            {
                types.Numbers[k].Encode(numbers[k][row], to[(1 + k)..]);
            }

            var at = 1 + numbers.Count;
            for (var k = 0; k < m; k++)
            {
                if (!double.IsNaN(codes[(row * m) + k]))
                {
                    types.Discrete[k].Encode(codes[(row * m) + k], to[at..]);
                }

                at += types.Discrete[k].Features;
            }
        }

        return result;
    }

    /// <summary>The numbers that the law of a column is made of, from what stands before it in a row.</summary>
    public static Expr Network(
        ParameterSet parameters, ParameterInitializer initializer, ColumnTypes types, int column, DiscreteHead head, int depth, Expr row)
    {
        var inputs = First(types, column);
        var options = new PerceptronOptions { Width = Width, Depth = depth, LastBiasScale = null, FirstScale = 1, HiddenScale = 1 };
        var name = FormattableString.Invariant($"discrete.{column}.{head.Family}.{depth}");
        return new Perceptron(parameters, initializer, name, inputs, head.Outputs, options).Apply(row[..inputs]);
    }
}
