using System.Diagnostics;

namespace Monge.Engine.Execution;

/// <summary>
/// Whether calls of one kind run on all threads or on the caller alone, chosen by measurement: all threads at first, and now and then a few calls the
/// other way. Where work is too little to share, or other programs have the cores, one thread is faster. Calls that take long are always shared.
/// </summary>
internal sealed class ThreadChoice
{
    // Calls of a trial, of which the first are not counted: threads may have to wake.
    private const int TrialCalls = 8;
    private const int Counted = 5;
    private const int ShortestInterval = 64;
    private const int LongestInterval = 4096;

    // A change must pay by so much, or noise would decide.
    private const double WorthChanging = 0.9;

    private static readonly long s_long = Stopwatch.Frequency / 1000;

    private readonly double[] _usual = new double[Counted];
    private readonly double[] _trial = new double[Counted];
    private int _calls;
    private int _trialCall = -1;
    private int _interval = ShortestInterval;
    private bool _usuallyAll = true;
    private double _lastTime;

    /// <summary>Whether a call runs on all threads.</summary>
    /// <param name="work">How much it does, in any unit.</param>
    public bool UsesAll(double work) => IsLong(work) || _usuallyAll != (_trialCall >= 0);

    /// <summary>Learns from a call made as <see cref="UsesAll"/> said.</summary>
    /// <param name="work">How much it did.</param>
    /// <param name="ticks">What it took.</param>
    public void Learn(double work, long ticks)
    {
        var wasLong = IsLong(work);
        _lastTime = ticks / work;
        if (wasLong)
        {
            return;
        }

        if (_trialCall < 0)
        {
            _usual[_calls++ % Counted] = _lastTime;
            _trialCall = _calls >= _interval ? 0 : -1;
            return;
        }

        _trial[_trialCall++ % Counted] = _lastTime;
        if (_trialCall < TrialCalls)
        {
            return;
        }

        if (Median(_trial) < WorthChanging * Median(_usual))
        {
            _usuallyAll = !_usuallyAll;
            _interval = ShortestInterval;
        }
        else
        {
            _interval = Math.Min(2 * _interval, LongestInterval);
        }

        (_calls, _trialCall) = (0, -1);
    }

    private bool IsLong(double work) => work * _lastTime > s_long;

    private static double Median(double[] times)
    {
        var median = double.PositiveInfinity;
        foreach (var time in times)
        {
            var notAbove = 0;
            foreach (var other in times)
            {
                notAbove += other <= time ? 1 : 0;
            }

            median = notAbove > Counted / 2 && time < median ? time : median;
        }

        return median;
    }
}
