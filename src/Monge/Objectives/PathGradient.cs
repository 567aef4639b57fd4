using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Objectives;

/// <summary>
/// Gradients of path-space losses by the parameters of the controls. rnd = -log w of every path comes from a forward run. The Kullback-Leibler loss is
/// differentiated through the paths by an <see cref="AdjointRun{T}"/>, in memory of about sqrt(K) states. For the log-variance loss the paths are held fixed,
/// no cotangent passes from step to step, and a second forward run is enough. After the first call nothing is allocated; results are the same to the bit for
/// any number of threads and segments.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class PathGradient<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ParticleWalk<T> _walk;
    private readonly CompiledProgram<T> _end;
    private readonly AdjointRun<T>? _adjoint;
    private readonly ParticleWalk<T>? _again;
    private readonly ControlledKernels _kernels;
    private readonly KernelSchedule _schedule;
    private readonly BatchStatistic _statistic;
    private readonly int _batch;
    private readonly int _dimension;
    private readonly NdArray<T> _coefficients;
    private readonly double[] _rnd;
    private readonly double[] _weights;
    private double _clip = ControlledKernels.FirstClip;

    /// <summary>Compiles the programs.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="logTarget">log rho of a position [d], traced.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="batch">Number of paths n, at least 2.</param>
    /// <param name="segments">Segments, 1 to the number of steps; null for about the square root.</param>
    /// <param name="startStream">The random stream of the starts.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public PathGradient(
        ControlledKernels kernels,
        Func<Expr, Expr> logTarget,
        PathSpaceLoss loss,
        int batch,
        int? segments,
        int startStream,
        int noiseStream,
        ExecutionOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 2);
        if (kernels.Schedule.Start == PathStart.Given)
        {
            throw new ArgumentException(
                "Path gradients draw the starts of the paths; for given starts use AdjointRun on ControlledSde.Forward.", nameof(kernels));
        }

        (_kernels, _schedule, _batch, _dimension) = (kernels, kernels.Schedule, batch, kernels.Dimension);
        _statistic = PathSpaceLosses.Statistic(loss, kernels.Dimension);
        _walk = ControlledSde.Forward<T>(kernels, batch, startStream, noiseStream, options);
        _coefficients = new NdArray<T>(batch);
        LogTarget = new NdArray<T>(batch);
        (_rnd, _weights) = (new double[batch], new double[batch]);
        var x = Expr.Input("x", _dimension);
        var value = logTarget(x);
        if (loss == PathSpaceLoss.Kl)
        {
            _adjoint = new AdjointRun<T>(_walk, _schedule.Grid, batch, segments);
            var end = new TracedProgram(null, ("logTarget", value), ("score", Derivative.Gradient(value, x)));
            _end = new CompiledProgram<T>(end, options) { ["score"] = _adjoint.Cotangent("x") };
        }
        else
        {
            _again = FixedPaths(noiseStream, options);
            _end = new CompiledProgram<T>(new TracedProgram(null, ("logTarget", value)), options);
        }

        (_end["x"], _end["logTarget"]) = (_walk.Positions, LogTarget);
        Gradient = _adjoint?.Gradient ?? new NdArray<T>(kernels.Parameters.Count);
    }

    /// <summary>The threads that calls run on, for work beside them.</summary>
    public ThreadTeam Team => _walk.Team;

    /// <summary>The gradient [P] of the last call.</summary>
    public NdArray<T> Gradient { get; }

    /// <summary>rnd = -log w [n] of the paths of the last call.</summary>
    public ReadOnlySpan<double> Rnd => _rnd;

    /// <summary>log rho [n] at the ends of the paths of the last call.</summary>
    public NdArray<T> LogTarget { get; }

    /// <summary>The bound that controls may lay on scores and on themselves.</summary>
    public double Clip
    {
        get => _clip;
        set
        {
            if (value != _clip)
            {
                _clip = value;
                _walk.Set("clip", value);
                _again?.Set("clip", value);
            }
        }
    }

    /// <summary>Evaluations of the target's log density or score that one call takes.</summary>
    public long TargetCallsPerRun =>
        _batch * (1 + (((_schedule.Count * (_adjoint is null ? 2L : 3)) - (_adjoint?.Segments ?? 0)) * _kernels.TargetCallsPerStep));

    /// <summary>
    /// Bytes of the arrays of positions that this object holds; what its programs hold beside depends on the machine's tiles, not on n, and on the steps only
    /// by a few numbers for each.
    /// </summary>
    public long StateBytes => Unsafe.SizeOf<T>() * (long)_batch * _dimension * (3 + (_adjoint is null ? 0 : _adjoint.Segments + _adjoint.LongestSegment));

    /// <summary>Draws n paths and computes loss and gradient.</summary>
    /// <param name="parameters">The controls' parameters [P].</param>
    /// <param name="draw">The place in the random streams of the first step; step k draws k places on.</param>
    /// <returns>The loss divided by d; not a number, with a gradient of zeros, if fewer than two paths count.</returns>
    public double Run(NdArray<T> parameters, DrawKey draw)
    {
        if (_adjoint is not null)
        {
            _adjoint.Forward(parameters, draw);
        }
        else
        {
            _walk.Start(parameters, _batch, draw);
            _walk.Positions.Span.CopyTo(_again!.Positions.Span);
            _walk.Advance(parameters, _batch, _schedule.Grid, draw);
        }

        _end.Run(_batch);
        var constant = _dimension * _schedule.LogConstantPerCoordinate;
        for (var i = 0; i < _batch; i++)
        {
            var logBase = double.CreateChecked(_walk["logBase"][i]);
            _rnd[i] = logBase - double.CreateChecked(LogTarget[i]) - double.CreateChecked(_walk["gain"][i]) - constant;
        }

        var loss = _statistic(_rnd, _weights);
        for (var i = 0; i < _batch; i++)
        {
            _coefficients[i] = T.CreateChecked(_weights[i]);
        }

        if (_adjoint is not null)
        {
            Backward(_adjoint);
        }
        else
        {
            Again(_again!, parameters, draw);
        }

        return loss;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _walk.Dispose();
        _end.Dispose();
        _adjoint?.Dispose();
        _again?.Dispose();
    }

    // The paths once more, with the derivative of each step's share of rnd as a sum over the batch.
    private ParticleWalk<T> FixedPaths(int noiseStream, ExecutionOptions? options)
    {
        // A path that doesn't count is put to 0, so that what it lost can't reach the sums.
        var (position, coefficient) = (Expr.Input("x", _dimension), Expr.Input("coefficient"));
        var lost = coefficient.EqualTo(0).BroadcastTo(position.Shape);
        var x = Expr.Select(lost, Expr.Constant(0).BroadcastTo(position.Shape), position);
        var (end, gained) = _kernels.Step(x, Expr.Random(RandomLaw.Normal, noiseStream, _dimension), detached: true);
        var gradient = Derivative.ParameterGradient(-coefficient * gained, _kernels.Parameters).BatchSum();
        var walk = new ParticleWalk<T>(_kernels.Parameters, [new(position, end, IsGiven: true)], _batch, options, ("gradient", gradient));
        walk.Set("clip", _clip);
        walk.Bind("coefficient", _coefficients);
        return walk;
    }

    private void Again(ParticleWalk<T> walk, NdArray<T> parameters, DrawKey draw)
    {
        Gradient.Span.Clear();
        for (var k = 0; k < _schedule.Count; k++)
        {
            walk.Advance(parameters, _batch, _schedule.Grid, k, 1, draw);
            AdjointRun<T>.Add(walk.Sum("gradient").Span, Gradient.Span);
        }
    }

    // d rnd / d x_K = -score, and d rnd / d gain = -1: the cotangents before any step.
    private void Backward(AdjointRun<T> adjoint)
    {
        var (positions, gains) = (adjoint.Cotangent("x"), adjoint.Cotangent("gain"));
        for (var i = 0; i < _batch; i++)
        {
            var factor = -_coefficients[i];
            foreach (ref var value in positions.Row(i))
            {
                value *= factor;
            }

            gains[i] = factor;
            if (factor == T.Zero)
            {
                adjoint.Drop(i);
            }
        }

        adjoint.Backward();
    }
}
