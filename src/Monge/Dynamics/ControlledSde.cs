using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Dynamics;

/// <summary>
/// Carries particles along the forward kernels of a <see cref="ControlledKernels"/> and adds up the log-ratios of backward and forward kernels. After the first
/// call nothing is allocated.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class ControlledSde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T>? _start;
    private readonly CompiledProgram<T> _step;
    private readonly StepBinding<T> _binding;

    /// <summary>Compiles the programs.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the starts.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public ControlledSde(ControlledKernels kernels, int capacity, int startStream, int noiseStream, ExecutionOptions? options = null)
    {
        var d = kernels.Dimension;
        (Kernels, Capacity) = (kernels, capacity);
        (Positions, Gains, LogBase) = (new NdArray<T>(capacity, d), new NdArray<T>(capacity), new NdArray<T>(capacity));
        if (!kernels.Schedule.StartsAtOrigin)
        {
            var first = Expr.Random(RandomLaw.Normal, startStream, d);
            var logBase = (-0.5 * first.SquaredNorm()) - (0.5 * d * Math.Log(2 * Math.PI));
            _start = new CompiledProgram<T>(new TracedProgram(null, ("x", first), ("logBase", logBase)), options) { ["x"] = Positions, ["logBase"] = LogBase };
        }

        var (x, gain) = (Expr.Input("x", d), Expr.Input("gain"));
        var (next, gained) = kernels.Step(x, Expr.Random(RandomLaw.Normal, noiseStream, d), detached: false);
        _step = new CompiledProgram<T>(
            new TracedProgram(kernels.Parameters, ("xNext", next), ("gainNext", gain + gained)), options, ("xNext", "x"), ("gainNext", "gain"))
        {
            // A tile reads its rows before it writes them, so a step may end where it began.
            ["x"] = Positions,
            ["xNext"] = Positions,
            ["gain"] = Gains,
            ["gainNext"] = Gains,
        };
        _binding = new StepBinding<T>(_step, kernels.Schedule);
    }

    /// <summary>The kernels.</summary>
    public ControlledKernels Kernels { get; }

    /// <summary>The largest number of particles.</summary>
    public int Capacity { get; }

    /// <summary>The bound that controls may lay on scores and on themselves.</summary>
    public double Clip
    {
        get => _binding.Clip;
        set => _binding.Clip = value;
    }

    /// <summary>Positions [capacity, d]; valid for the particles of the last call.</summary>
    public NdArray<T> Positions { get; }

    /// <summary>Sums of the kernels' log-ratios [capacity], without their normalisers (<see cref="KernelSchedule.LogConstantPerCoordinate"/>).</summary>
    public NdArray<T> Gains { get; }

    /// <summary>log p0 [capacity] at the starts; 0 if all paths start at 0.</summary>
    public NdArray<T> LogBase { get; }

    /// <summary>Evaluations of the target so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>Draws the starts.</summary>
    /// <param name="particles">Their number.</param>
    /// <param name="draw">The place in the random streams.</param>
    public void Start(int particles, DrawKey draw)
    {
        Gains.Span.Clear();
        if (_start is null)
        {
            Positions.Span.Clear();
        }
        else
        {
            _start.Run(particles, draw);
        }
    }

    /// <summary>Takes some steps.</summary>
    /// <param name="parameters">The controls' parameters [P].</param>
    /// <param name="particles">The particles' number.</param>
    /// <param name="first">The first step.</param>
    /// <param name="count">Number of steps.</param>
    /// <param name="draw">The place in the random streams of step 0 of the schedule; step k draws k places on.</param>
    public void Advance(NdArray<T> parameters, int particles, int first, int count, DrawKey draw)
    {
        _step.Parameters = parameters;
        _binding.Load(first, count);
        _step.Iterate(particles, count, draw with { Step = draw.Step + (ulong)first });
        TargetCalls += (long)particles * count * Kernels.TargetCallsPerStep;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _start?.Dispose();
        _step.Dispose();
    }
}

/// <summary>The schedule's numbers in arrays that are bound to a program once and refilled for each call.</summary>
internal sealed class StepBinding<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly List<(NdArray<T> Bound, T[] All)> _series = [];
    private readonly NdArray<T> _clip;

    public StepBinding(CompiledProgram<T> program, KernelSchedule schedule)
    {
        foreach (var (name, value) in KernelLeaves.All)
        {
            var bound = new NdArray<T>(schedule.Count);
            program.BindIfUsed(name, bound);
            _series.Add((bound, [.. schedule.Steps.Select(s => T.CreateChecked(value(s)))]));
        }

        _clip = new NdArray<T>(schedule.Count);
        program.BindIfUsed("Clip", _clip);
    }

    public double Clip { get; set; } = 10;

    public void Load(int first, int count, bool backward = false)
    {
        foreach (var (bound, all) in _series)
        {
            all.AsSpan(first, count).CopyTo(bound.Span);
            if (backward)
            {
                bound.Span[..count].Reverse();
            }
        }

        _clip.Span[..count].Fill(T.CreateChecked(Clip));
    }
}
