using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>Where collocation points come from.</summary>
internal sealed record CollocationSettings
{
    /// <summary>Points per step.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Share of points from the interpolated box instead of the current particles.</summary>
    public required double BoxShare { get; init; }

    /// <summary>Half-width of the box at t = 0 in standard deviations of the base.</summary>
    public required double BoxHalfWidth { get; init; }

    /// <summary>Optimiser steps between two simulations.</summary>
    public required int RefreshInterval { get; init; }

    /// <summary>Particles simulated at each refresh.</summary>
    public required int Walkers { get; init; }

    /// <summary>Steps of those simulations.</summary>
    public required int WalkerSteps { get; init; }
}

/// <summary>
/// Collocation points of a training: stratified times; positions from the particles of the transport as it was at the last refresh, moved to nearby times, and from
/// boxes interpolated between base and target. All random numbers are keyed by (seed, stream, step), so a resumed run repeats an uninterrupted one to the bit.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class CollocationPoints<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const double LangevinStep = 0.1;
    private const int MaximumSegments = 32;

    // A particle this far out in units of the base is lost; it is put back on the base's draw.
    private const double LostAt = 100;

    private readonly TransportProblem _problem;
    private readonly CollocationSettings _settings;
    private readonly ulong _seed;
    private readonly int _segments;
    private readonly ParticleWalk<T> _sde;
    private readonly TimeGrid[] _grids;
    private long _filled;

    public CollocationPoints(TransportProblem problem, TrainedTransport transport, CollocationSettings settings, ulong seed, ExecutionOptions execution)
    {
        (_problem, _settings, _seed) = (problem, settings, seed);
        _segments = Math.Min(MaximumSegments, settings.WalkerSteps);
        _sde = TransportSde.Forward<T>(transport.Path, transport.Parameters, transport.Velocity, SdeScheme.EulerMaruyama, settings.Walkers, SamplingStreams.WalkerStart, SamplingStreams.WalkerNoise, execution);
        _grids = new TimeGrid[_segments];
        for (var s = 0; s < _segments; s++)
        {
            var (first, end) = (SegmentStart(s), SegmentStart(s + 1));
            _grids[s] = new TimeGrid(first, end - first, settings.WalkerSteps, (t, next) => transport.Diffusion(problem, LangevinStep, t, next));
        }
    }

    /// <summary>Rows of the stored particles: (segments + 1) x walkers.</summary>
    public int Stored => (_segments + 1) * _settings.Walkers;

    /// <summary>Evaluations of the target so far: one for each point and each particle's step.</summary>
    public long TargetCalls => _sde.TargetCalls + _filled;

    /// <summary>Simulates the particles anew with the current parameters if it is their turn, and stores them at the segments' ends.</summary>
    public void Refresh(TransportState<T> state, long iteration)
    {
        if (iteration % _settings.RefreshInterval != 0)
        {
            return;
        }

        var n = _settings.Walkers;
        var first = (ulong)(iteration / _settings.RefreshInterval) * (ulong)_settings.WalkerSteps;
        var draw = new DrawKey(_seed, first);
        _sde.Start(state.Adam.Parameters, n, draw);
        Store(state, 0);
        for (var s = 0; s < _segments; s++)
        {
            _sde.Advance(state.Adam.Parameters, n, _grids[s], draw with { Step = first + (ulong)SegmentStart(s) });
            Store(state, s + 1);
        }
    }

    /// <summary>Fills positions [n, d] and times [n] of a step's batch.</summary>
    public void Fill(NdArray<T> positions, NdArray<T> times, TransportState<T> state, long iteration)
    {
        const double unit = 1 / 4294967296.0;
        var n = _settings.BatchSize;
        _filled += n;
        var key = new RandomKey(_seed, SamplingStreams.Batch).PhiloxKey;
        for (var i = 0; i < n; i++)
        {
            var (time, walker, kind, _) = Philox.Block(key, (ulong)iteration, (ulong)i, 0);
            var at = (i + ((time + 0.5) * unit)) / n;
            times[i] = T.CreateChecked(at);
            var row = positions.Row(i);
            if (kind * unit >= _settings.BoxShare)
            {
                // The stored time nearest to t: at most half a segment away, so the point is near the particles' law at t.
                var slot = (int)Math.Round(at * _segments);
                state.Particles.Row((slot * _settings.Walkers) + (int)(walker * unit * _settings.Walkers)).CopyTo(row);
                continue;
            }

            for (var j = 0; j < row.Length; j++)
            {
                var half = ((1 - at) * _settings.BoxHalfWidth) + (at * _problem.TargetBox[j]);
                var (word, _, _, _) = Philox.Block(key, (ulong)iteration, (ulong)i, (uint)(j + 1));
                row[j] = T.CreateChecked(half * ((2 * (word + 0.5) * unit) - 1));
            }
        }
    }

    public void Dispose() => _sde.Dispose();

    private int SegmentStart(int segment) => (int)((long)segment * _settings.WalkerSteps / _segments);

    private void Store(TransportState<T> state, int slot)
    {
        var n = _settings.Walkers;
        for (var i = 0; i < n; i++)
        {
            var from = _sde.Positions.Row(i);
            var lost = false;
            foreach (var z in from)
            {
                lost |= !(T.Abs(z) < T.CreateChecked(LostAt));
            }

            (lost ? state.Particles.Row(i) : from).CopyTo(state.Particles.Row((slot * n) + i));
        }
    }
}
