using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Dynamics;

/// <summary>
/// Particles along the kernels of a <see cref="ControlledKernels"/>, both ways, with the states "x" [d] and "gain", the sum of the log-ratios of backward and
/// forward kernels without their normalisers (<see cref="KernelSchedule.LogConstantPerCoordinate"/>). The walks take the steps of
/// <see cref="KernelSchedule.Grid"/>; "clip", the bound that controls may lay on scores and on themselves, is 10 until it is set.
/// </summary>
public static class ControlledSde
{
    /// <summary>
    /// The walk along the forward kernels; a further state "logBase" is log p0 at the starts: 0 if all paths start at 0, and put in place with "x" if they are
    /// given.
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="kernels">The kernels.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the starts.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public static ParticleWalk<T> Forward<T>(ControlledKernels kernels, int capacity, int startStream, int noiseStream, ExecutionOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var d = kernels.Dimension;
        var draws = kernels.Schedule.Start == PathStart.StandardNormal;
        var first = draws ? Expr.Random(RandomLaw.Normal, startStream, d) : null;
        var logBase = first is null ? null : (-0.5 * first.SquaredNorm()) - (0.5 * d * Math.Log(2 * Math.PI));
        var (x, gain) = (Expr.Input("x", d), Expr.Input("gain"));
        var (next, gained) = kernels.Step(x, Expr.Random(RandomLaw.Normal, noiseStream, d), detached: false);
        var isGiven = kernels.Schedule.Start == PathStart.Given;
        WalkState start = new(Expr.Input("logBase"), null, logBase, isGiven);
        return Walk<T>(kernels, capacity, options, WalkDirection.Forward, new(x, next, first, isGiven), new(gain, gain + gained), start);
    }

    /// <summary>
    /// The walk from given positions at t = 1 back along the backward kernels. From exact samples of the target, the log-weight (1) of
    /// <see cref="KernelSchedule"/> is then log Z plus the divergence of both path laws on average: an upper bound.
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="kernels">The kernels.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public static ParticleWalk<T> Backward<T>(ControlledKernels kernels, int capacity, int noiseStream, ExecutionOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (x, gain) = (Expr.Input("x", kernels.Dimension), Expr.Input("gain"));
        var (begin, gained) = kernels.StepBack(x, Expr.Random(RandomLaw.Normal, noiseStream, kernels.Dimension));
        return Walk<T>(kernels, capacity, options, WalkDirection.Backward, new(x, begin, IsGiven: true), new(gain, gain + gained));
    }

    private static ParticleWalk<T> Walk<T>(
        ControlledKernels kernels, int capacity, ExecutionOptions? options, WalkDirection direction, params WalkState[] states)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var walk = new ParticleWalk<T>(kernels.Parameters, states, capacity, options) { Direction = direction, CallsPerStep = kernels.TargetCallsPerStep };
        walk.Set("clip", ControlledKernels.FirstClip);
        return walk;
    }
}
