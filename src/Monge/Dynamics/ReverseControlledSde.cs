using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Dynamics;

/// <summary>
/// Carries particles from the target's end back along the backward kernels of a <see cref="ControlledKernels"/> and adds up the same log-ratios of backward and forward kernels as <see cref="ControlledSde{T}"/>. From exact samples
/// of the target, the log-weight (1) of <see cref="KernelSchedule"/> is then log Z plus the divergence of both path laws on average: an upper bound.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class ReverseControlledSde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T> _step;
    private readonly StepBinding<T> _binding;
    private readonly ControlledKernels _kernels;

    /// <summary>Compiles the step.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public ReverseControlledSde(ControlledKernels kernels, int capacity, int noiseStream, ExecutionOptions? options = null)
    {
        var d = kernels.Dimension;
        _kernels = kernels;
        (Positions, Gains) = (new NdArray<T>(capacity, d), new NdArray<T>(capacity));
        var (x, gain) = (Expr.Input("x", d), Expr.Input("gain"));
        var (begin, gained) = kernels.StepBack(x, Expr.Random(RandomLaw.Normal, noiseStream, d));
        _step = new CompiledProgram<T>(
            new TracedProgram(kernels.Parameters, ("xNext", begin), ("gainNext", gain + gained)), options, ("xNext", "x"), ("gainNext", "gain"))
        {
            ["x"] = Positions,
            ["xNext"] = Positions,
            ["gain"] = Gains,
            ["gainNext"] = Gains,
        };
        _binding = new StepBinding<T>(_step, kernels.Schedule);
    }

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

    /// <summary>Evaluations of the target so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>Carries particles from t = 1 to 0.</summary>
    /// <param name="parameters">The controls' parameters [P].</param>
    /// <param name="ends">The positions [n, d] at t = 1, n at most the capacity.</param>
    /// <param name="draw">The place in the random streams.</param>
    public void Run(NdArray<T> parameters, ReadOnlySpan<T> ends, DrawKey draw)
    {
        var (n, steps) = (ends.Length / _kernels.Dimension, _kernels.Schedule.Count);
        Gains.Span.Clear();
        ends.CopyTo(Positions.Span);
        _step.Parameters = parameters;
        _binding.Load(0, steps, backward: true);
        _step.Iterate(n, steps, draw);
        TargetCalls += (long)n * steps * _kernels.TargetCallsPerStep;
    }

    /// <inheritdoc/>
    public void Dispose() => _step.Dispose();
}
