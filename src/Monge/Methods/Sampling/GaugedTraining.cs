using System.Numerics;
using Monge.Diagnostics;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// A training whose progress is told by the effective sample size of a batch, and which ends when that is enough or stands. The first step that isn't finite
/// sets a guard before the density, and those that aren't finite even so are left out; where they are many the training ends with what it had learned.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class GaugedTraining<T> : IIterative, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int MostInARow = 50;
    private const string GuardName = "guard";
    private const string LeftOutName = "stepsLeftOut";

    // Whether the weights are even enough is asked after so many steps, twice as many and so on. A share above HighEnough that a doubling raised by less than
    // LeastGain stands.
    private const int FirstGauge = 64;
    private const int Particles = 1024;
    private const double HighEnough = 0.9;
    private const double LeastGain = 0.015;
    private const string GaugeName = "gauge";

    private readonly ITransportMethod _method;
    private readonly Run _run;
    private readonly double _enough;
    private long _callsBefore;
    private int _inARow;
    private long _leftOut;
    private long? _endedAt;
    private StepInfo _last;
    private DensityGuard? _addedGuard;
    private double _ess;
    private bool _isEnding;

    public GaugedTraining(ITransportMethod method, TransportProblem problem, Run run)
    {
        (_method, _run, _enough) = (method, run, method.Setup.Preparation.EnoughEss ?? 1);
        Open(problem);
    }

    public TransportProblem Problem { get; private set; } = null!;

    public ITransportNetworks Networks { get; private set; } = null!;

    public ITransportTraining<T> Training { get; private set; } = null!;

    public ITransportSampling<T> Sampling { get; private set; } = null!;

    public long TargetCalls => _callsBefore + Training.TargetCalls + Sampling.TargetCalls;

    public bool IsDone => _endedAt is not null || Training.IsDone;

    public void Init() => Training.Init();

    /// <summary>As many steps again, in which the learning rate falls, once the weights are even enough.</summary>
    public long Total(long iteration, long total)
    {
        if (Training.IsDone)
        {
            return iteration;
        }

        if (_enough == 1 || _isEnding || iteration % FirstGauge != 0 || !long.IsPow2(iteration / FirstGauge) || 2 * iteration >= total)
        {
            return total;
        }

        var before = _ess;
        _ess = Ess();
        _isEnding = _ess >= _enough || (_ess >= HighEnough && _ess - before < LeastGain);
        return _isEnding ? 2 * iteration : total;
    }

    public StepInfo Step(long iteration, long total)
    {
        if (_endedAt is not null)
        {
            return _last;
        }

        var info = Training.Step(iteration, total);
        if (!IsFinite(info) && Problem.Guard is null && DensityGuard.TryFind<T>(Problem.Target, true, _run.Execution) is { } guard)
        {
            SetGuard(guard);
            info = Training.Step(iteration, total);
        }

        if (IsFinite(info))
        {
            (_inARow, _last) = (0, info);
            return info;
        }

        // Nothing was learned by the step. If it was the first, there is nothing to go on with.
        _leftOut++;
        _endedAt = ++_inARow > MostInARow ? iteration : null;
        return iteration > 0 ? _last : info;
    }

    /// <summary>What is to be said of steps that were left out.</summary>
    public IEnumerable<Status> Judge()
    {
        const string advice = "lower the learning rate, or write the density so that it is finite where particles go (a support, a prior, LogSumExp for a "
            + "sum of exponentials)";
        if (_endedAt is { } iteration)
        {
            yield return Status.Fail(
                $"the training ended at iteration {iteration}, as the loss was no longer finite; what it had learned was kept", advice);
        }
        else if (_leftOut > 0)
        {
            yield return Status.Warn($"{_leftOut} steps of the training were left out, as their loss was not finite", advice);
        }
    }

    public void Exchange(RunState state)
    {
        // A checkpoint may be of a training that needed the guard which the preparation had not.
        if (state.Arrays.ContainsKey(GuardName) && Problem.Guard is null)
        {
            var numbers = state.Doubles(GuardName);
            SetGuard(new DensityGuard(numbers[2..], numbers[0], numbers[1]));
        }
        else if (_addedGuard is { } guard && !state.Arrays.ContainsKey(GuardName))
        {
            state.Put(GuardName, [guard.Low, guard.Share, .. guard.Position]);
        }

        if (state.Arrays.ContainsKey(LeftOutName))
        {
            var numbers = state.Doubles(LeftOutName);
            (_leftOut, _inARow, _endedAt) = ((long)numbers[0], (int)numbers[1], numbers[2] < 0 ? null : (long)numbers[2]);
        }
        else if (_leftOut > 0)
        {
            state.Put(LeftOutName, [_leftOut, _inARow, _endedAt ?? -1]);
        }

        if (_enough < 1)
        {
            double[] gauge = [_ess, _isEnding ? 1 : 0];
            state.Exchange<double>(GaugeName, gauge);
            (_ess, _isEnding) = (gauge[0], gauge[1] == 1);
        }

        Training.Exchange(state);
        var calls = _callsBefore + Sampling.TargetCalls;
        state.Exchange("gaugeCalls", ref calls);
        _callsBefore = calls - Sampling.TargetCalls;
    }

    public IReadOnlyList<Figure> Validate() => [Figure.ValidationEss(Ess())];

    public void Dispose()
    {
        Sampling.Dispose();
        Training.Dispose();
    }

    private double Ess() => TransportRun<T>.Ess(Sampling.Gauge(Particles, _run.Seed));

    private static bool IsFinite(StepInfo info) => double.IsFinite(info.Loss ?? 0) && double.IsFinite(info.GradientNorm ?? 0);

    private void Open(TransportProblem problem)
    {
        (Problem, Networks) = (problem, _method.Networks(problem));
        Training = Networks.Training<T>(_run);
        Sampling = Networks.Sampling(Training, _run);
    }

    // The same training, going on from the same state.
    private void SetGuard(DensityGuard guard)
    {
        var (before, sampling, state) = (Training, Sampling, new RunState());
        _callsBefore += sampling.TargetCalls;
        before.Exchange(state);
        Open(Problem with { Guard = guard });
        foreach (var name in new[] { "pointsSeen", "pointsLeftOut" })
        {
            state.Put(name, 0);
        }

        Training.Exchange(state.ToFill());
        _addedGuard = guard;
        sampling.Dispose();
        before.Dispose();
    }
}
