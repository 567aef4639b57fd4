using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Objectives;

/// <summary>
/// Gradients of path-space losses by the parameters of the controls, in memory that doesn't grow with what a step computes. rnd = -log w of every path comes from a forward
/// run. For the Kullback-Leibler loss, the states at the starts of about sqrt(K) segments are kept; going backward, a segment's states are computed anew and each step is
/// differentiated by a program of its own: the cotangent of the step's end and the loss coefficient in, the cotangent of its start and the parameters' share out. Noise is
/// drawn again from its key and never stored. For the log-variance loss the paths are held fixed, no cotangent passes from step to step, and a second forward run is enough.
/// After the first call nothing is allocated; results are the same to the bit for any number of threads and segments.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class PathGradient<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ControlledSde<T> _sde;
    private readonly CompiledProgram<T> _end;
    private readonly CompiledProgram<T> _adjoint;
    private readonly StepBinding<T> _adjointStep;
    private readonly KernelSchedule _schedule;
    private readonly PathSpaceLoss _loss;
    private readonly BatchStatistic _statistic;
    private readonly int _batch;
    private readonly int _dimension;
    private readonly int[] _segments;
    private readonly NdArray<T>[] _starts = [];
    private readonly NdArray<T>[] _states = [];
    private readonly NdArray<T> _positions;
    private readonly NdArray<T> _cotangents;
    private readonly NdArray<T> _coefficients;
    private readonly double[] _rnd;
    private readonly double[] _weights;

    /// <summary>Compiles the programs.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="logTarget">log rho of a position [d], traced.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="batch">Number of paths n, at least 2.</param>
    /// <param name="segments">Segments, 1 to the number of steps; null for about the square root.</param>
    /// <param name="startStream">The random stream of the starts.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public PathGradient(ControlledKernels kernels, Func<Expr, Expr> logTarget, PathSpaceLoss loss, int batch, int? segments, int startStream, int noiseStream, ExecutionOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 2);
        (_schedule, _loss, _batch, _dimension) = (kernels.Schedule, loss, batch, kernels.Dimension);
        _statistic = PathSpaceLosses.Statistic(loss, kernels.Dimension);
        var steps = _schedule.Count;
        var number = segments ?? (int)Math.Round(Math.Sqrt(steps));
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1, nameof(segments));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, steps, nameof(segments));
        _segments = [.. Enumerable.Range(0, number + 1).Select(s => (int)((long)s * steps / number))];
        _sde = new ControlledSde<T>(kernels, batch, startStream, noiseStream, options);
        _positions = new NdArray<T>(batch, _dimension);
        _cotangents = new NdArray<T>(batch, _dimension);
        _coefficients = new NdArray<T>(batch);
        LogTarget = new NdArray<T>(batch);
        (_rnd, _weights) = (new double[batch], new double[batch]);
        Gradient = new NdArray<T>(kernels.Parameters.Count);
        if (loss == PathSpaceLoss.Kl)
        {
            NdArray<T>[] Arrays(int count) => [.. Enumerable.Range(0, count).Select(_ => new NdArray<T>(batch, _dimension))];
            _starts = Arrays(number);
            _states = Arrays(Enumerable.Range(0, number).Max(s => _segments[s + 1] - _segments[s]));
        }

        (_end, _adjoint) = (EndProgram(logTarget, options), AdjointProgram(kernels, noiseStream, options));
        _adjointStep = new StepBinding<T>(_adjoint, _schedule);
    }

    /// <summary>The threads that calls run on, for work beside them.</summary>
    public ThreadTeam Team => _adjoint.Team;

    /// <summary>The gradient [P] of the last call.</summary>
    public NdArray<T> Gradient { get; }

    /// <summary>rnd = -log w [n] of the paths of the last call.</summary>
    public ReadOnlySpan<double> Rnd => _rnd;

    /// <summary>log rho [n] at the ends of the paths of the last call.</summary>
    public NdArray<T> LogTarget { get; }

    /// <summary>The bound that controls may lay on scores and on themselves.</summary>
    public double Clip
    {
        get => _sde.Clip;
        set => (_sde.Clip, _adjointStep.Clip) = (value, value);
    }

    /// <summary>Evaluations of the target's log density or score that one call takes.</summary>
    public long TargetCallsPerRun => _batch * (1 + ((_schedule.Count * (_loss == PathSpaceLoss.Kl ? 3L : 2)) - _starts.Length) * _sde.Kernels.TargetCallsPerStep);

    /// <summary>Bytes of the arrays of states that this object holds; what its programs hold beside depends on the machine's tiles, not on n, and on the steps only by a few numbers for each.</summary>
    public long StateBytes => Unsafe.SizeOf<T>() * (long)_batch * _dimension * (_starts.Length + _states.Length + 3);

    /// <summary>Draws n paths and computes loss and gradient.</summary>
    /// <param name="parameters">The controls' parameters [P].</param>
    /// <param name="draw">The place in the random streams of the first step; step k draws k places on.</param>
    /// <returns>The loss divided by d; not a number, with a gradient of zeros, if fewer than two paths count.</returns>
    public double Run(NdArray<T> parameters, DrawKey draw)
    {
        Simulate(parameters, draw);
        var loss = _statistic(_rnd, _weights);
        for (var i = 0; i < _batch; i++)
        {
            _coefficients[i] = T.CreateChecked(_weights[i]);
        }

        Gradient.Span.Clear();
        _adjoint.Parameters = parameters;
        if (_loss == PathSpaceLoss.Kl)
        {
            Backward(parameters, draw);
        }
        else
        {
            Again(draw);
        }

        return loss;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sde.Dispose();
        _end.Dispose();
        _adjoint.Dispose();
    }

    private CompiledProgram<T> EndProgram(Func<Expr, Expr> logTarget, ExecutionOptions? options)
    {
        var x = Expr.Input("x", _dimension);
        var value = logTarget(x);
        if (_loss == PathSpaceLoss.LogVariance)
        {
            return new CompiledProgram<T>(new TracedProgram(null, ("logTarget", value)), options) { ["x"] = _sde.Positions, ["logTarget"] = LogTarget };
        }

        return new CompiledProgram<T>(new TracedProgram(null, ("logTarget", value), ("score", Derivative.Gradient(value, x))), options)
        {
            ["x"] = _sde.Positions,
            ["logTarget"] = LogTarget,
            ["score"] = _cotangents,
        };
    }

    private CompiledProgram<T> AdjointProgram(ControlledKernels kernels, int noiseStream, ExecutionOptions? options)
    {
        // A path that doesn't count is put to 0, so that what it lost can't reach the sums.
        var (position, coefficient) = (Expr.Input("x", _dimension), Expr.Input("coefficient"));
        var zeros = Expr.Constant(0).BroadcastTo(position.Shape);
        var lost = coefficient.EqualTo(0).BroadcastTo(position.Shape);
        var x = Expr.Select(lost, zeros, position);
        var noise = Expr.Random(RandomLaw.Normal, noiseStream, _dimension);
        if (_loss == PathSpaceLoss.LogVariance)
        {
            var (end, gained) = kernels.Step(x, noise, detached: true);
            var share = -coefficient * gained;
            return new CompiledProgram<T>(
                new TracedProgram(kernels.Parameters, ("xNext", end), ("gradient", Derivative.ParameterGradient(share, kernels.Parameters).BatchSum())), options)
            {
                ["x"] = _positions,
                ["xNext"] = _positions,
                ["coefficient"] = _coefficients,
            };
        }

        var cotangent = Expr.Select(lost, zeros, Expr.Input("cotangent", _dimension));
        var (next, gain) = kernels.Step(x, noise, detached: false);
        var scalar = Expr.Dot(cotangent, next) - (coefficient * gain);
        return new CompiledProgram<T>(
            new TracedProgram(kernels.Parameters, ("cotangentBefore", Derivative.Gradient(scalar, x)), ("gradient", Derivative.ParameterGradient(scalar, kernels.Parameters).BatchSum())), options)
        {
            ["x"] = _positions,
            ["coefficient"] = _coefficients,
            ["cotangent"] = _cotangents,
            ["cotangentBefore"] = _cotangents,
        };
    }

    private void Simulate(NdArray<T> parameters, DrawKey draw)
    {
        _sde.Start(_batch, draw);
        if (_loss == PathSpaceLoss.LogVariance)
        {
            _sde.Positions.Span.CopyTo(_positions.Span);
            _sde.Advance(parameters, _batch, 0, _schedule.Count, draw);
        }

        for (var s = 0; s < _starts.Length; s++)
        {
            _sde.Positions.Span.CopyTo(_starts[s].Span);
            _sde.Advance(parameters, _batch, _segments[s], _segments[s + 1] - _segments[s], draw);
        }

        _end.Run(_batch);
        var constant = _dimension * _schedule.LogConstantPerCoordinate;
        for (var i = 0; i < _batch; i++)
        {
            var logBase = _schedule.StartsAtOrigin ? 0 : double.CreateChecked(_sde.LogBase[i]);
            _rnd[i] = logBase - double.CreateChecked(LogTarget[i]) - double.CreateChecked(_sde.Gains[i]) - constant;
        }
    }

    // The paths once more, with the derivative of each step's share of rnd.
    private void Again(DrawKey draw)
    {
        for (var k = 0; k < _schedule.Count; k++)
        {
            Differentiate(k, draw);
        }
    }

    private void Backward(NdArray<T> parameters, DrawKey draw)
    {
        // d rnd / d x_K = -score: the cotangent before any step.
        for (var i = 0; i < _batch; i++)
        {
            var factor = -_coefficients[i];
            foreach (ref var value in _cotangents.Row(i))
            {
                value *= factor;
            }
        }

        for (var s = _starts.Length - 1; s >= 0; s--)
        {
            var (first, end) = (_segments[s], _segments[s + 1]);
            _starts[s].Span.CopyTo(_sde.Positions.Span);
            for (var k = first; k < end; k++)
            {
                _sde.Positions.Span.CopyTo(_states[k - first].Span);
                if (k + 1 < end)
                {
                    _sde.Advance(parameters, _batch, k, 1, draw);
                }
            }

            for (var k = end - 1; k >= first; k--)
            {
                _states[k - first].Span.CopyTo(_positions.Span);
                Differentiate(k, draw);
            }
        }
    }

    private void Differentiate(int step, DrawKey draw)
    {
        _adjointStep.Load(step, 1);
        _adjoint.Run(_batch, draw with { Step = draw.Step + (ulong)step });
        Add(_adjoint["gradient"].Span, Gradient.Span);
    }

    private static void Add(ReadOnlySpan<T> terms, Span<T> sums)
    {
        var wide = MemoryMarshal.Cast<T, Vector<T>>(sums);
        var added = MemoryMarshal.Cast<T, Vector<T>>(terms);
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] += added[i];
        }

        for (var i = wide.Length * Vector<T>.Count; i < sums.Length; i++)
        {
            sums[i] += terms[i];
        }
    }
}
