using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>
/// A program made ready to run over batches. Inputs and outputs are bound by name to arrays and stay bound from call to call; a call allocates nothing.
/// Not safe for use by several threads at once; each call uses the machine's threads itself.
/// </summary>
/// <typeparam name="T">float or double: the precision of every value of the program.</typeparam>
public sealed class CompiledProgram<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Dictionary<string, NdArray<T>> _bound = [];
    private readonly (string Output, string Input)[] _feedback;

    /// <summary>Plans a program.</summary>
    /// <param name="program">The program.</param>
    /// <param name="options">Threads, tile size and the like.</param>
    /// <param name="feedback">For <see cref="Iterate"/>: per-sample outputs that become the named inputs of the next step.</param>
    /// <exception cref="ArgumentException">A feedback pair doesn't name an output and a per-sample input of one shape.</exception>
    public CompiledProgram(TracedProgram program, ExecutionOptions? options = null, params (string Output, string Input)[] feedback)
    {
        Program = program;
        Options = options ?? new ExecutionOptions();
        _feedback = feedback;
        Parameters = new NdArray<T>(program.Parameters.Count);
        foreach (var input in program.Inputs.Where(i => i.Operation is SharedLeaf))
        {
            _bound[input.Operation.Name] = new NdArray<T>(input.Shape.Sizes);
        }

        foreach (var (name, value) in program.Outputs.Where(o => o.Value.IsUniform))
        {
            _bound[name] = new NdArray<T>(value.Shape.Sizes);
        }
    }

    /// <summary>The program.</summary>
    public TracedProgram Program { get; }

    /// <summary>How it is executed.</summary>
    public ExecutionOptions Options { get; }

    /// <summary>The flat parameter vector [P] that calls read; assign to bind another array.</summary>
    public NdArray<T> Parameters { get; set; }

    /// <summary>
    /// The array bound to an input or output. Per-sample inputs and outputs are [n, ...] and must be bound before a call (n at least its number of samples);
    /// per-step inputs are [steps, ...]; shared inputs and uniform outputs are [...] and have an array from the start.
    /// </summary>
    public NdArray<T> this[string name]
    {
        get => _bound.TryGetValue(name, out var array) ? array : throw new ArgumentException($"Nothing is bound to '{name}'.", nameof(name));
        set => _bound[name] = value;
    }

    /// <summary>Runs the program once on samples 0 to <paramref name="samples"/> - 1 of the bound arrays.</summary>
    public void Run(int samples, DrawKey draw = default) => Iterate(samples, 1, draw);

    /// <summary>
    /// Runs the program <paramref name="steps"/> times with the feedback given at construction, each tile all its steps at a stretch. The first step reads the
    /// bound inputs, the last writes the bound outputs. Uniform outputs are summed over the steps of the call. Step k draws from step <c>draw.Step + k</c>.
    /// </summary>
    public void Iterate(int samples, int steps, DrawKey draw = default)
    {
        var state = _feedback.ToDictionary(f => f.Input, f => Array.ConvertAll(_bound[f.Input].Span.ToArray(), v => double.CreateChecked(v)));
        var parameters = Array.ConvertAll(Parameters.Span.ToArray(), v => double.CreateChecked(v));
        foreach (var (name, value) in Program.Outputs.Where(o => o.Value.IsUniform))
        {
            _bound[name].Span.Clear();
        }

        for (var k = 0; k < steps; k++)
        {
            var inputs = new Dictionary<string, double[]>();
            foreach (var leaf in Program.Inputs)
            {
                var name = leaf.Operation.Name;
                var source = _bound[name].Span;
                if (leaf.Operation is StepLeaf)
                {
                    source = source.Slice(k * leaf.Size, leaf.Size);
                }

                inputs[name] = state.TryGetValue(name, out var carried) ? carried : Array.ConvertAll(source.ToArray(), v => double.CreateChecked(v));
            }

            var outputs = ReferenceInterpreter.Evaluate(Program, samples, inputs, parameters, draw with { Step = draw.Step + (ulong)k });
            foreach (var (name, value) in Program.Outputs)
            {
                if (_bound.TryGetValue(name, out var array))
                {
                    for (var i = 0; i < outputs[name].Length; i++)
                    {
                        array[i] = value.IsUniform ? array[i] + T.CreateChecked(outputs[name][i]) : T.CreateChecked(outputs[name][i]);
                    }
                }
            }

            foreach (var (output, input) in _feedback)
            {
                state[input] = outputs[output];
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
