using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>
/// Runs a program in plain float64, node by node and sample by sample, with no cleverness: what every kernel and derivative rule is tested against.
/// </summary>
public static class ReferenceInterpreter
{
    /// <summary>Evaluates the outputs of a program.</summary>
    /// <param name="program">The program.</param>
    /// <param name="samples">Number of samples n.</param>
    /// <param name="inputs">Per-sample inputs [n, ...], shared inputs [...] and per-step inputs (of this step) [...], by name.</param>
    /// <param name="parameters">The flat parameter vector [P].</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <returns>Outputs by name: [n, ...] for those that depend on samples, [...] for uniform ones.</returns>
    public static Dictionary<string, double[]> Evaluate(
        TracedProgram program, int samples, IReadOnlyDictionary<string, double[]> inputs, ReadOnlySpan<double> parameters, DrawKey draw = default)
    {
        var values = Run(program, samples, inputs, parameters, draw);
        return program.Outputs.ToDictionary(o => o.Name, o => values[o.Value].SelectMany(v => v).ToArray());
    }

    /// <summary>The first node, in the order of tracing, that has a value which is not finite although its arguments are; null if there is none.</summary>
    internal static (Expr Node, int Sample)? FirstNonFinite(
        TracedProgram program, int samples, IReadOnlyDictionary<string, double[]> inputs, ReadOnlySpan<double> parameters, DrawKey draw)
    {
        var values = Run(program, samples, inputs, parameters, draw);
        foreach (var node in program.Nodes)
        {
            for (var s = 0; s < values[node].Length; s++)
            {
                if (values[node][s].Any(v => !double.IsFinite(v)))
                {
                    return (node, s);
                }
            }
        }

        return null;
    }

    // The values of every node: one array for a uniform node, else one for each sample.
    private static Dictionary<Expr, double[][]> Run(
        TracedProgram program, int samples, IReadOnlyDictionary<string, double[]> inputs, ReadOnlySpan<double> parameters, DrawKey draw)
    {
        var values = new Dictionary<Expr, double[][]>();
        foreach (var node in program.Nodes)
        {
            var copies = new double[node.IsUniform ? 1 : samples][];
            for (var s = 0; s < copies.Length; s++)
            {
                copies[s] = node.Operation switch
                {
                    ConstantLeaf c => c.Values,
                    InputLeaf leaf => inputs[leaf.Name].AsSpan(s * node.Size, node.Size).ToArray(),
                    ParameterLeaf => parameters.Slice(program.Parameters.OffsetOf(node), node.Size).ToArray(),
                    NamedLeaf leaf => inputs[leaf.Name],
                    RandomLeaf random => draw.Draw(random.Law, random.Stream, s, node.Size),
                    BatchSumOperation => SumSamples(values[node.Inputs[0]], samples),
                    _ => Apply(node, values, s),
                };
            }

            values[node] = copies;
        }

        return values;
    }

    private static double[] SumSamples(double[][] values, int samples)
    {
        var sum = new double[values[0].Length];
        for (var s = 0; s < samples; s++)
        {
            var one = values[values.Length == 1 ? 0 : s];
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += one[i];
            }
        }

        return sum;
    }

    private static double[] Apply(Expr node, Dictionary<Expr, double[][]> values, int sample)
    {
        var arguments = new double[node.Inputs.Count][];
        var shapes = new Shape[arguments.Length];
        for (var i = 0; i < arguments.Length; i++)
        {
            var copies = values[node.Inputs[i]];
            arguments[i] = copies[copies.Length == 1 ? 0 : sample];
            shapes[i] = node.Inputs[i].Shape;
        }

        var output = new double[node.Size];
        node.Operation.Evaluate(arguments, shapes, output);
        return output;
    }
}
