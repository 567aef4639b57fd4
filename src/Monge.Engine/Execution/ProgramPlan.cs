using System.Numerics;
using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>
/// A program laid out for the tile machine: kernels for the uniform values of a call, for those of a step, for a tile and for what follows the tiles,
/// and where every stored value lies.
/// </summary>
internal sealed partial class ProgramPlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private static readonly int s_elementSize = typeof(T) == typeof(float) ? 4 : 8;

    private readonly ViewResolver _views = new();
    private readonly Dictionary<Expr, Location> _locations = [];
    private readonly KernelLowering<T> _lowering;
    private readonly ElementType _type = typeof(T) == typeof(float) ? ElementType.Float32 : ElementType.Float64;
    private readonly SimdWidth _width;
    private readonly TracedProgram _program;
    private readonly List<PlanStep> _bodySteps;
    private readonly List<(string Name, Expr Value)> _varying;
    private readonly (string Output, string Input)[] _feedback;
    private readonly List<(Expr Leaf, Expr Left, Expr? Right)>[] _accumulations;
    private readonly Dictionary<int, TileBody> _bodies = [];
    private readonly int _fixedLanes;
    private readonly int _largestLanes;
    private long _uniformSize;
    private long _perStepSize;

    public ProgramPlan(TracedProgram program, ExecutionOptions options, (string Output, string Input)[] feedback)
    {
        _program = program;
        _width = options.Width ?? SimdWidths.Best;
        if (!SimdWidths.Supported.Contains(_width))
        {
            throw new PlatformNotSupportedException($"This machine has no vectors of width {_width}; leave ExecutionOptions.Width unset to use the widest.");
        }

        _lowering = new KernelLowering<T>(_views, _locations, _width);
        var sums = new BatchSumLowering();
        SampleCount = sums.SampleCount;
        var rolled = ScalarLoops.Roll(ScanMerging.Apply([.. program.Outputs.Select(o => o.Value)]), StagePlan.LargestGroupWeight);
        var outputs = program.Outputs.Select((o, i) => (o.Name, Value: sums.Lower(rolled[i]))).ToList();
        var varying = outputs.Where(o => !o.Value.IsUniform).ToList();
        var uniform = outputs.Where(o => o.Value.IsUniform).ToList();
        var uniformNodes = TracedProgram.Collect(uniform.Select(u => u.Value));
        var afterTiles = new Dictionary<Expr, bool>();

        // Views that planning makes of a value are as late as the value.
        bool IsAfterTiles(Expr value)
        {
            if (!afterTiles.ContainsKey(value))
            {
                foreach (var node in TracedProgram.Collect([value]))
                {
                    afterTiles[node] = node.Operation is AccumulatorLeaf || node.Inputs.Any(i => afterTiles[i]);
                }
            }

            return afterTiles[value];
        }

        LayOutAccumulators(uniform.Select(u => u.Value), uniformNodes);
        bool IsEarlier(Expr e) => e.Operation is Leaf || !IsAfterTiles(e);
        List<PlanStep> bodySteps, epilogue, perStep, prologue;
        HashSet<Expr> bodyReads, epilogueReads, perStepReads, prologueReads;
        List<Expr> uniformBases;
        int changes;
        do
        {
            changes = _views.Changes;
            (bodySteps, bodyReads) = PlanBody(varying, feedback);
            uniformBases = [.. uniform.Where(u => AccumulatorRun(u.Value) is null).Select(u => DenseBase(u.Value))];
            (epilogue, epilogueReads) = StagePlan.Make(_views, uniformBases.Where(b => !IsEarlier(b)), IsEarlier);
            var needed = bodyReads.Concat(epilogueReads).Concat(uniformBases.Where(IsEarlier)).Where(e => e.Operation is not Leaf).Distinct().ToList();
            (perStep, perStepReads) = StagePlan.Make(_views, needed.Where(e => e.IsPerStep), e => e.Operation is Leaf || !e.IsPerStep);
            (prologue, prologueReads) = StagePlan.Make(
                _views, needed.Where(e => !e.IsPerStep).Concat(perStepReads.Where(e => e.Operation is not Leaf)).Distinct(), e => e.Operation is Leaf);
        }
        while (_views.Changes != changes);

        var leaves = bodyReads.Concat(epilogueReads).Concat(perStepReads).Concat(prologueReads).Concat(uniformBases).Where(e => e.Operation is Leaf).Distinct();
        LocateLeaves(leaves);
        UsesPerStepAfterTiles = epilogueReads.Any(e => e.IsPerStep) || uniform.Any(u => !IsAfterTiles(u.Value) && u.Value.IsPerStep);
        Prologue = BuildUniform(prologue, Space.Uniform, ref _uniformSize);
        PerStep = BuildUniform(perStep, Space.PerStep, ref _perStepSize);
        Epilogue = BuildUniform(epilogue, Space.Uniform, ref _uniformSize);
        UniformOutputs = [.. uniform.Select(u => (u.Name, AccumulatorRun(u.Value) ?? _lowering.Place(u.Value, 1), u.Value.Size))];
        _bodySteps = bodySteps;
        _varying = varying;
        _feedback = feedback;
        _accumulations = AccumulationSteps(bodySteps);
        _fixedLanes = options.TileLanes;
        _largestLanes = ChooseLanes(options, bodySteps);
        BodyFor(1);
    }

    /// <summary>The samples of a tile for large batches.</summary>
    public int LargestLanes => _largestLanes;

    public Expr SampleCount { get; }

    public List<TileKernel> Prologue { get; }

    public List<TileKernel> PerStep { get; }

    public List<TileKernel> Epilogue { get; }

    /// <summary>Constants with their places in the uniform memory.</summary>
    public List<(double[] Values, Location Location)> Constants { get; } = [];

    /// <summary>Shared and per-step inputs with their places.</summary>
    public List<(Expr Leaf, Location Location)> UniformInputs { get; } = [];

    public List<(string Name, Location Location, int Size)> UniformOutputs { get; }

    public long UniformSize => _uniformSize;

    public long PerStepSize => _perStepSize;

    /// <summary>Elements that each group of tiles adds up.</summary>
    public int AccumulatorCount { get; private set; }

    /// <summary>Bytes of table for the kernels of the uniform stages; a tile's tables follow.</summary>
    public int UniformTableBytes { get; private set; }

    /// <summary>Bytes of scratch memory that a kernel needs at most, whatever the size of the tile.</summary>
    public int ScratchBytes { get; private set; }

    public bool UsesPerStepAfterTiles { get; }

    private Expr BaseOf(Expr value) => _views.Resolve(value).Base;

    private Expr DenseBase(Expr value)
    {
        if (!_views.Resolve(value).IsDense)
        {
            _views.ForceCopy(value);
        }

        return BaseOf(value);
    }

    private (List<PlanStep> Steps, HashSet<Expr> Reads) PlanBody(List<(string Name, Expr Value)> varying, (string Output, string Input)[] feedback)
    {
        var roots = new HashSet<Expr>();
        foreach (var (name, value) in varying)
        {
            // An output that is an input, fed back to another input, must be kept apart from it.
            if (BaseOf(value).Operation is InputLeaf && feedback.Any(f => f.Output == name))
            {
                throw new ArgumentException($"The output '{name}' is an input handed through; feed back a computed value.");
            }

            roots.Add(DenseBase(value));
        }

        foreach (var leaf in _locations.Keys.ToList())
        {
            foreach (var (left, right) in ((AccumulatorLeaf)leaf.Operation).Contributions)
            {
                roots.Add(right is null ? DenseBase(left) : RowBase(left));
                if (right is not null)
                {
                    roots.Add(RowBase(right));
                }
            }
        }

        var (steps, reads) = StagePlan.Make(_views, roots, e => e.IsUniform);
        return (steps, reads);
    }

    // Rows whose columns lie side by side.
    private Expr RowBase(Expr matrix)
    {
        var view = _views.Resolve(matrix);
        if (view.Shape[1] != 1 && view.Strides[1] != 1)
        {
            _views.ForceCopy(matrix);
        }

        return BaseOf(matrix);
    }

    private void LocateLeaves(IEnumerable<Expr> leaves)
    {
        foreach (var leaf in leaves)
        {
            switch (leaf.Operation)
            {
                case ParameterLeaf:
                    _locations[leaf] = new Location(Space.Parameters, (long)_program.Parameters.OffsetOf(leaf) * s_elementSize);
                    break;
                case ConstantLeaf constant:
                    _locations[leaf] = Reserve(Space.Uniform, ref _uniformSize, leaf.Size);
                    Constants.Add((constant.Values, _locations[leaf]));
                    break;
                case SharedLeaf:
                    _locations[leaf] = Reserve(Space.Uniform, ref _uniformSize, leaf.Size);
                    UniformInputs.Add((leaf, _locations[leaf]));
                    break;
                case StepLeaf:
                    _locations[leaf] = Reserve(Space.PerStep, ref _perStepSize, leaf.Size);
                    UniformInputs.Add((leaf, _locations[leaf]));
                    break;
            }
        }
    }

    private static Location Reserve(Space space, ref long size, int elements)
    {
        var location = new Location(space, size);
        size += (((long)elements * s_elementSize) + 63) / 64 * 64;
        return location;
    }

    private List<TileKernel> BuildUniform(List<PlanStep> steps, Space space, ref long size)
    {
        var kernels = new List<TileKernel>();
        foreach (var step in steps)
        {
            foreach (var value in step.Writes)
            {
                _locations[value] = Reserve(space, ref size, value.Size + (int)(_views.WorkspaceBytes(value, s_elementSize) / s_elementSize));
            }

            kernels.Add(_lowering.Make(step, 1, SimdWidth.Scalar));
        }

        UniformTableBytes = Register(kernels, UniformTableBytes);
        return kernels;
    }

    private int Register(List<TileKernel> kernels, int offset)
    {
        foreach (var kernel in kernels)
        {
            ScratchBytes = Math.Max(ScratchBytes, kernel.ScratchBytes);
            kernel.TableOffset = offset;
            offset += (kernel.TableBytes + 63) / 64 * 64;
        }

        return offset;
    }

    /// <summary>
    /// The kernels of a tile for a batch of some size: smaller batches are cut in smaller tiles, so that there is work for several threads. The size of the
    /// tile depends on the batch alone, not on the number of threads, so that results don't either.
    /// </summary>
    public TileBody BodyFor(int samples)
    {
        const int Unit = 16;
        const int Tiles = 4;
        var lanes = Unit;
        while (lanes < _largestLanes && lanes * Tiles < samples)
        {
            lanes *= 2;
        }

        lanes = _fixedLanes > 0 ? _fixedLanes : Math.Min(lanes, _largestLanes);
        if (!_bodies.TryGetValue(lanes, out var body))
        {
            _bodies[lanes] = body = BuildBody(lanes);
        }

        return body;
    }

    // As many lanes as keep a tile's values in half of a typical second-level cache, so that weights and gradients find room beside them.
    private int ChooseLanes(ExecutionOptions options, List<PlanStep> steps)
    {
        const int Unit = 16;
        if (options.TileLanes > 0)
        {
            return options.TileLanes % Unit == 0
                ? options.TileLanes
                : throw new ArgumentException($"ExecutionOptions.TileLanes is {options.TileLanes}; it must be a multiple of {Unit}.", nameof(options));
        }

        const long CacheBytes = 1 << 20;
        var perLane = Math.Max(LayOut(steps, [], 1, assign: false) / 64 * s_elementSize, 1);
        var lanes = Unit;
        while (lanes < 256 && lanes * 2 * perLane <= CacheBytes)
        {
            lanes *= 2;
        }

        return lanes;
    }

    // Assigns places to the tile's values; with one lane and rows of a cache line it only measures.
    private long LayOut(List<PlanStep> steps, HashSet<Expr> pinned, int lanes, bool assign)
    {
        var last = new Dictionary<Expr, int>();
        for (var i = 0; i < steps.Count; i++)
        {
            foreach (var value in steps[i].Reads.Concat(steps[i].Writes))
            {
                last[value] = pinned.Contains(value) || value.Operation is InputLeaf ? int.MaxValue : i;
            }
        }

        var allocator = new SlotAllocator();
        var inputs = steps.Where(s => s.Single?.Operation is InputLeaf);
        foreach (var (step, index) in inputs.Select(s => (s, 0)).Concat(steps.Select((s, i) => (s, i)).Where(p => p.s.Single?.Operation is not InputLeaf)))
        {
            foreach (var value in step.Writes)
            {
                var row = assign ? lanes * s_elementSize : 64;
                var bytes = ((long)value.Size * row) + _views.WorkspaceBytes(value, row);
                var offset = allocator.Allocate(bytes, index, last[value]);
                if (assign)
                {
                    _locations[value] = new Location(Space.Arena, offset);
                }
            }
        }

        return allocator.Size;
    }

    private TileBody BuildBody(int lanes)
    {
        // What is accumulated is consumed right after the step that makes the last of its factors; outputs live to the end of the tile.
        var pinned = _varying.Select(v => BaseOf(v.Value)).ToHashSet();
        var body = new TileBody { Lanes = lanes, ArenaSize = LayOut(ExtendReads(_bodySteps, _accumulations), pinned, lanes, assign: true) };
        var matrix = MatrixKernels.Get(_type, SimdWidths.Best);
        var begun = new HashSet<Expr>();
        for (var i = 0; i < _bodySteps.Count; i++)
        {
            var step = _bodySteps[i];
            if (step.Single?.Operation is InputLeaf input)
            {
                body.Loads.Add((input.Name, new LoadKernel(_locations[step.Single], step.Single.Size, lanes, s_elementSize, matrix)));
            }
            else
            {
                body.Kernels.Add(_lowering.Make(step, lanes, _width));
            }

            foreach (var (leaf, left, right) in _accumulations[i])
            {
                body.Kernels.Add(_lowering.MakeAccumulation(leaf, left, right, lanes, begun.Add(leaf)));
            }
        }

        foreach (var (name, value) in _varying)
        {
            body.Stores.Add((name, new StoreKernel(_lowering.Place(value, lanes), value.Size, lanes, s_elementSize, matrix)));
        }

        foreach (var (output, input) in _feedback)
        {
            var source = _varying.FirstOrDefault(v => v.Name == output).Value;
            var target = _program.Inputs.FirstOrDefault(i => i.Operation is InputLeaf && i.Operation.Name == input);
            if (source is null || target is null || source.Shape != target.Shape)
            {
                throw new ArgumentException(
                    $"The feedback from output '{output}' to input '{input}' doesn't join a per-sample output and a per-sample input of one shape.");
            }

            if (_locations.TryGetValue(target, out var place))
            {
                body.Feedbacks.Add(new FeedbackKernel(_lowering.Place(source, lanes), place, (long)source.Size * lanes * s_elementSize));
            }
        }

        body.TableBytes = Register(body.Kernels, UniformTableBytes);
        return body;
    }
}
