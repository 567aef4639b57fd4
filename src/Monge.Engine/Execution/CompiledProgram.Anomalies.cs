using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <content>What made a value that is not finite.</content>
public sealed unsafe partial class CompiledProgram<T>
{
    private void CheckFinite()
    {
        foreach (var (name, _) in Program.Outputs)
        {
            if (!_bound.TryGetValue(name, out var array))
            {
                continue;
            }

            foreach (var value in array.Span)
            {
                if (!T.IsFinite(value))
                {
                    throw new AnomalyException(DescribeAnomaly(name));
                }
            }
        }
    }

    private string DescribeAnomaly(string output)
    {
        var inputs = Program.Inputs.ToDictionary(
            i => i.Operation.Name,
            i => Numbers.Doubles<T>(i.Operation is StepLeaf ? _bound[i.Operation.Name].Span[..i.Size] : _bound[i.Operation.Name].Span));
        var found = ReferenceInterpreter.FirstNonFinite(Program, _samples, inputs, Numbers.Doubles<T>(Parameters.Span), _draw);
        return found is { } f
            ? $"The output '{output}' is not finite: the first operation that made such a value is '{f.Node.Operation.Name}' (shape {f.Node.Shape}) at "
                + $"sample {f.Sample}, "
                + $"from {(f.Node.Inputs.Count == 0 ? "outside" : string.Join(", ", f.Node.Inputs.Select(i => i.ToString())))}."
            : $"The output '{output}' is not finite, but a float64 evaluation of the first step is: the value overflows in {typeof(T).Name}, or in a later "
                + "step.";
    }
}
