using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Objectives;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// The training of controls by whole paths: each step draws paths, computes the loss and its gradient through them, and takes a step of the optimiser. All
/// random numbers are keyed by (seed, stream, optimiser step and path step), so the optimiser's state is all there is to checkpoint.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class PathTraining<T> : ITransportTraining<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ParameterInitializer _initializer;
    private readonly PathGradient<T> _gradient;
    private readonly Func<long, double> _clip;
    private readonly ulong _seed;
    private readonly ulong _pathSteps;
    private readonly OptimiserState<T> _state;

    /// <summary>Makes the optimiser's state.</summary>
    /// <param name="kernels">The kernels with the controls' parameters.</param>
    /// <param name="initializer">How they start.</param>
    /// <param name="gradient">Draws paths and differentiates their loss; disposed with this.</param>
    /// <param name="clip">The bound on scores and controls after a number of steps.</param>
    /// <param name="options">Resolved options.</param>
    /// <param name="run">The seed.</param>
    public PathTraining(
        ControlledKernels kernels, ParameterInitializer initializer, PathGradient<T> gradient, Func<long, double> clip, TrainingOptions options, Run run)
    {
        (_initializer, _gradient, _clip, _seed, _pathSteps) = (initializer, gradient, clip, run.Seed, (ulong)kernels.Schedule.Count);
        _state = new OptimiserState<T>(kernels.Parameters.Blocks, options.ToStep());
    }

    /// <inheritdoc/>
    public NdArray<T> Average => _state.Average;

    /// <inheritdoc/>
    public long TargetCalls => _state.Steps * _gradient.TargetCallsPerRun;

    /// <summary>The bound on scores and controls.</summary>
    public double Clip => _clip(_state.Steps);

    /// <inheritdoc/>
    public void Init()
    {
        _initializer.Fill(_state.Parameters.Span, new RandomKey(_seed, TrainingStreams.Parameters));
        _state.BeginAverage();
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        _gradient.Clip = Clip;
        var loss = _gradient.Run(_state.Parameters, new DrawKey(_seed, (ulong)iteration * _pathSteps));
        return _state.Step(_gradient.Gradient, loss, iteration, total, _gradient.Team);
    }

    /// <inheritdoc/>
    public void Exchange(RunState state) => state.Exchange(_state);

    /// <inheritdoc/>
    public void Dispose() => _gradient.Dispose();
}
