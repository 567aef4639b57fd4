using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>
/// A program made ready to run over batches. Inputs and outputs are bound by name to arrays and stay bound from call to call; a call allocates nothing.
/// Not safe for use by several threads at once; each call uses the machine's threads itself.
/// </summary>
/// <typeparam name="T">float or double: the precision of every value of the program.</typeparam>
public sealed unsafe partial class CompiledProgram<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int MostGroups = 8;
    private const nuint PageBytes = 4096;

    private readonly ProgramPlan<T> _plan;
    private readonly Dictionary<string, NdArray<T>> _bound = [];
    private readonly (string Output, string Input)[] _feedback;
    private readonly ThreadTeam _team;
    private readonly TileContext[] _contexts;
    private readonly Action<int> _work;
    private readonly NdArray<T>?[] _loadArrays;
    private readonly NdArray<T>?[] _storeArrays;
    private readonly byte* _uniform;
    private TileBody _body;
    private byte* _perStep;
    private nuint _perStepCapacity;
    private byte* _accumulators;
    private int _accumulatorGroups;
    private bool _disposed;

    // The call in progress, as the threads see it.
    private int _samples;
    private int _steps;
    private DrawKey _draw;
    private int _tiles;
    private int _groups;
    private int _nextGroup;

    /// <summary>Plans a program.</summary>
    /// <param name="program">The program.</param>
    /// <param name="options">Threads, tile size and the like.</param>
    /// <param name="feedback">For <see cref="Iterate"/>: per-sample outputs that become the named inputs of the next step.</param>
    /// <exception cref="ArgumentException">A feedback pair doesn't name an output and a per-sample input of one shape.</exception>
    /// <exception cref="NotSupportedException">T is neither float nor double, or a per-sample value uses a sum over the batch.</exception>
    public CompiledProgram(TracedProgram program, ExecutionOptions? options = null, params (string Output, string Input)[] feedback)
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
        {
            throw new NotSupportedException($"Programs run in float or double, not in {typeof(T).Name}.");
        }

        Program = program;
        Options = options ?? new ExecutionOptions();
        _feedback = feedback;
        _plan = new ProgramPlan<T>(program, Options, feedback);
        Parameters = new NdArray<T>(program.Parameters.Count);
        foreach (var input in program.Inputs.Where(i => i.Operation is SharedLeaf))
        {
            _bound[input.Operation.Name] = new NdArray<T>(input.Shape.Sizes);
        }

        foreach (var (name, value) in program.Outputs.Where(o => o.Value.IsUniform))
        {
            _bound[name] = new NdArray<T>(value.Shape.Sizes);
        }

        _body = _plan.BodyFor(1);
        _loadArrays = new NdArray<T>?[_body.Loads.Count];
        _storeArrays = new NdArray<T>?[_body.Stores.Count];
        _team = Options.Team ?? ThreadTeam.Of(Options.Threads);
        _work = Work;
        _uniform = Allocate((nuint)_plan.UniformSize);
        foreach (var (values, location) in _plan.Constants)
        {
            Numbers.Copy(values, new Span<T>(_uniform + location.Offset, values.Length));
        }

        _contexts = new TileContext[_team.ThreadCount];
        for (var i = 0; i < _contexts.Length; i++)
        {
            _contexts[i] = new TileContext();
            _contexts[i].Bases[(int)Space.Uniform] = (nint)_uniform;
            _contexts[i].Scratch = Allocate((nuint)_plan.ScratchBytes);
        }
    }

    /// <summary>Releases the program's memory.</summary>
    ~CompiledProgram() => Release();

    /// <summary>The program.</summary>
    public TracedProgram Program { get; }

    /// <summary>How it is executed.</summary>
    public ExecutionOptions Options { get; }

    /// <summary>The threads that calls run on, for work beside them.</summary>
    public ThreadTeam Team => _team;

    /// <summary>Samples in a tile of a large batch; small batches are cut smaller.</summary>
    public int TileLanes => _plan.LargestLanes;

    /// <summary>The flat parameter vector [P] that calls read; assign to bind another array.</summary>
    public NdArray<T> Parameters { get; set; }

    /// <summary>
    /// The array bound to an input or output. Per-sample inputs and outputs are [n, ...] and must be bound before a call (n at least its number of samples);
    /// per-step inputs are [steps, ...]; shared inputs and uniform outputs are [...] and have an array from the start.
    /// </summary>
    /// <exception cref="ArgumentException">Nothing is bound to the name, or the program has no such input or output, or the
    /// array's rows have another size.</exception>
    public NdArray<T> this[string name]
    {
        get => _bound.TryGetValue(name, out var array) ? array : throw new ArgumentException($"Nothing is bound to '{name}'.", nameof(name));
        set
        {
            CheckBinding(name, value);
            _bound[name] = value;
        }
    }

    /// <summary>Whether the program has an input of a name; one may lack, such as the time of a field that is constant in time.</summary>
    public bool Uses(string input) => Program.Inputs.Any(i => i.Operation.Name == input);

    /// <summary>Binds an array if the program has an input of that name.</summary>
    /// <exception cref="ArgumentException">The array's rows have another size than the input.</exception>
    public void BindIfUsed(string input, NdArray<T> array)
    {
        if (Uses(input))
        {
            this[input] = array;
        }
    }

    /// <summary>Runs the program once on samples 0 to <paramref name="samples"/> - 1 of the bound arrays.</summary>
    /// <param name="samples">Number of samples, at least 1.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <exception cref="InvalidOperationException">An input or output is not bound, or its array is too short.</exception>
    /// <exception cref="AnomalyException">With <see cref="ExecutionOptions.DetectAnomaly"/>: an output is not finite.</exception>
    public void Run(int samples, DrawKey draw = default) => Iterate(samples, 1, draw);

    /// <summary>
    /// Runs the program <paramref name="steps"/> times with the feedback given at construction, each tile all its steps at a stretch. The first step reads the
    /// bound inputs, the last writes the bound outputs. Sums over the batch add up over the steps of the call. Step k draws from step <c>draw.Step + k</c>.
    /// </summary>
    /// <param name="samples">Number of samples, at least 1.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <exception cref="InvalidOperationException">An input or output is not bound, or its array is too short.</exception>
    /// <exception cref="NotSupportedException">Over several steps, a per-step input enters a uniform output other than through the samples.</exception>
    /// <exception cref="AnomalyException">With <see cref="ExecutionOptions.DetectAnomaly"/>: an output is not finite.</exception>
    public void Iterate(int samples, int steps, DrawKey draw = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        if (steps > 1 && _plan.UsesPerStepAfterTiles)
        {
            throw new NotSupportedException("A uniform output uses a per-step input outside of the samples, so it has no one value over several steps.");
        }

        (_samples, _steps, _draw) = (samples, steps, draw);
        SelectBody(samples);
        _tiles = (samples + _body.Lanes - 1) / _body.Lanes;
        _groups = _plan.AccumulatorCount == 0 ? _tiles : Math.Min(_tiles, MostGroups);
        _nextGroup = 0;
        BindArrays();
        RunUniformStages();
        if (_body.Kernels.Count + _body.Loads.Count + _plan.AccumulatorCount > 0)
        {
            RunTiles();
        }

        var main = _contexts[0];
        main.Bases[(int)Space.Accumulators] = (nint)_accumulators;
        foreach (var kernel in _plan.Epilogue)
        {
            kernel.Run(main);
        }

        foreach (var (name, location, size) in _plan.UniformOutputs)
        {
            new Span<T>(main.Address(location), size).CopyTo(_bound[name].Span);
        }

        if (Options.DetectAnomaly)
        {
            CheckFinite();
        }
    }

    /// <summary>Frees the program's memory.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void SelectBody(int samples)
    {
        _body = _plan.BodyFor(samples);
        foreach (var context in _contexts)
        {
            if (context.ArenaBytes < _body.ArenaSize || context.TableBytes < _body.TableBytes || context.Tables is null)
            {
                NativeMemory.AlignedFree((void*)context.Bases[(int)Space.Arena]);
                NativeMemory.AlignedFree(context.Tables);
                context.Bases[(int)Space.Arena] = (nint)Allocate((nuint)_body.ArenaSize);
                context.Tables = Allocate((nuint)_body.TableBytes);
                (context.ArenaBytes, context.TableBytes) = (_body.ArenaSize, _body.TableBytes);
            }
        }
    }

    private void CheckBinding(string name, NdArray<T> array)
    {
        var value = Program.Inputs.FirstOrDefault(i => i.Operation.Name == name) ?? Program.Outputs.FirstOrDefault(o => o.Name == name).Value
            ?? throw new ArgumentException($"The program has no input or output '{name}'.", nameof(name));
        var isSeries = !value.IsUniform || value.Operation is StepLeaf;
        var fits = isSeries ? array.Sizes.Count > 0 && (array.Rows == 0 || array.RowLength == value.Size) : array.Length == value.Size;
        if (!fits)
        {
            throw new ArgumentException(
                $"'{name}' has shape {value.Shape}{(isSeries ? " for each sample or step" : "")}; an array of shape [{string.Join(", ", array.Sizes)}] can't "
                + "be bound to it.", nameof(array));
        }
    }

    private NdArray<T> Bound(string name, int rows)
    {
        if (!_bound.TryGetValue(name, out var array))
        {
            throw new InvalidOperationException($"No array is bound to '{name}'.");
        }

        return array.Rows >= rows ? array : throw new InvalidOperationException($"The array bound to '{name}' has {array.Rows} rows; the call needs {rows}.");
    }

    private void BindArrays()
    {
        for (var i = 0; i < _loadArrays.Length; i++)
        {
            _loadArrays[i] = Bound(_body.Loads[i].Name, _samples);
        }

        for (var i = 0; i < _storeArrays.Length; i++)
        {
            // An output that only feeds an input need not be bound.
            var name = _body.Stores[i].Name;
            _storeArrays[i] = _bound.ContainsKey(name) || !IsFedBack(name) ? Bound(name, _samples) : null;
        }

        if (Parameters.Length != Program.Parameters.Count)
        {
            throw new InvalidOperationException(
                $"The parameter vector has {Parameters.Length} elements; the program has {Program.Parameters.Count} parameters.");
        }

        var perStep = (nuint)_plan.PerStepSize * (nuint)_steps;
        if (perStep > _perStepCapacity)
        {
            NativeMemory.AlignedFree(_perStep);
            _perStep = Allocate(perStep);
            _perStepCapacity = perStep;
        }

        if (_groups > _accumulatorGroups && _plan.AccumulatorCount > 0)
        {
            NativeMemory.AlignedFree(_accumulators);
            _accumulators = Allocate((nuint)_groups * GroupBytes);
            _accumulatorGroups = _groups;
        }

        foreach (var context in _contexts)
        {
            context.Bases[(int)Space.Parameters] = (nint)Parameters.Pointer;
            context.Bases[(int)Space.PerStep] = (nint)_perStep;
            context.Draw = _draw;
        }
    }

    private bool IsFedBack(string output)
    {
        foreach (var (name, _) in _feedback)
        {
            if (name == output)
            {
                return true;
            }
        }

        return false;
    }

    private nuint GroupBytes => ((nuint)_plan.AccumulatorCount * (nuint)sizeof(T) + 127) / 64 * 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunUniformStages()
    {
        var main = _contexts[0];
        foreach (var (leaf, location) in _plan.UniformInputs)
        {
            if (leaf.Operation is SharedLeaf)
            {
                var to = new Span<T>(_uniform + location.Offset, leaf.Size);
                if (ReferenceEquals(leaf, _plan.SampleCount))
                {
                    to[0] = T.CreateTruncating(_samples);
                }
                else
                {
                    _bound[leaf.Operation.Name].Span.CopyTo(to);
                }
            }
        }

        foreach (var kernel in _plan.Prologue)
        {
            kernel.Run(main);
        }

        if (_plan.PerStepSize == 0)
        {
            return;
        }

        for (var k = 0; k < _steps; k++)
        {
            var memory = _perStep + (_plan.PerStepSize * k);
            foreach (var (leaf, location) in _plan.UniformInputs)
            {
                if (leaf.Operation is StepLeaf)
                {
                    Bound(leaf.Operation.Name, _steps).Span.Slice(k * leaf.Size, leaf.Size).CopyTo(new Span<T>(memory + location.Offset, leaf.Size));
                }
            }

            main.Bases[(int)Space.PerStep] = (nint)memory;
            foreach (var kernel in _plan.PerStep)
            {
                kernel.Run(main);
            }
        }

        main.Bases[(int)Space.PerStep] = (nint)_perStep;
    }

    private static byte* Allocate(nuint bytes)
    {
        var size = (bytes / PageBytes + 1) * PageBytes;
        var memory = (byte*)NativeMemory.AlignedAlloc(size, PageBytes);
        NativeMemory.Clear(memory, size);
        return memory;
    }

    private void Release()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        NativeMemory.AlignedFree(_uniform);
        NativeMemory.AlignedFree(_perStep);
        NativeMemory.AlignedFree(_accumulators);
        foreach (var context in _contexts ?? [])
        {
            NativeMemory.AlignedFree((void*)context.Bases[(int)Space.Arena]);
            NativeMemory.AlignedFree(context.Tables);
            NativeMemory.AlignedFree(context.Scratch);
        }
    }
}
