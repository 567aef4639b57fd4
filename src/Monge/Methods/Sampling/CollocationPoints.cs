using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Collocation points of a training: stratified times; positions from the particles of the transport as it was at the last refresh, moved to
/// nearby times, and from boxes interpolated between base and target. All random numbers are keyed by (seed, stream, step), so a resumed run
/// repeats an uninterrupted one to the bit.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class CollocationPoints<T> : IBatchSource<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const double LangevinStep = 0.1;
    private const int MaximumSegments = 32;

    // A particle this far out in units of the base is lost; it is put back on the base's draw.
    private const double LostAt = 100;

    private readonly TransportProblem _problem;
    private readonly CollocationOptions _options;
    private readonly ulong _seed;
    private readonly int _segments;
    private readonly ParticleWalk<T> _sde;
    private readonly TimeGrid[] _grids;
    private readonly WalkerPool<T> _pool;
    private long _filled;

    /// <summary>Makes the simulation.</summary>
    /// <param name="problem">Coordinates and path.</param>
    /// <param name="transport">What is trained.</param>
    /// <param name="options">Resolved options.</param>
    /// <param name="batchSize">Points of a step.</param>
    /// <param name="run">Seed and threads.</param>
    public CollocationPoints(TransportProblem problem, TrainedTransport transport, CollocationOptions options, int batchSize, Run run)
    {
        (_problem, _options, _seed, BatchSize) = (problem, options, run.Seed, batchSize);
        _segments = Math.Min(MaximumSegments, options.WalkerSteps);
        _pool = new WalkerPool<T>(_segments + 1, options.Walkers, problem.Base.Dimension, LostAt);
        _sde = TransportSde.Forward<T>(
            transport.Path, transport.Parameters, transport.Velocity, SdeScheme.EulerMaruyama, options.Walkers, SamplingStreams.WalkerStart,
            SamplingStreams.WalkerNoise, run.Execution);
        _grids = new TimeGrid[_segments];
        for (var s = 0; s < _segments; s++)
        {
            var (first, end) = (SegmentStart(s), SegmentStart(s + 1));
            _grids[s] = new TimeGrid(first, end - first, options.WalkerSteps, (t, next) => transport.Diffusion(problem, LangevinStep, t, next));
        }
    }

    /// <inheritdoc/>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public long TargetCalls => _sde.TargetCalls + _filled;

    /// <inheritdoc/>
    public void Bind(CompiledProgram<T> loss)
    {
        loss["x"] = new NdArray<T>(BatchSize, _pool.Positions.RowLength);
        loss["t"] = new NdArray<T>(BatchSize);
    }

    /// <inheritdoc/>
    public void Fill(CompiledProgram<T> loss, NdArray<T> parameters, long iteration, long total)
    {
        if (iteration % _options.RefreshInterval == 0)
        {
            Simulate(parameters, iteration);
        }

        Fill(loss["x"], loss["t"], iteration);
    }

    /// <inheritdoc/>
    public void Exchange(RunState state) => state.Exchange("particles", _pool.Positions);

    /// <inheritdoc/>
    public void Dispose() => _sde.Dispose();

    // Simulates the particles anew with the current parameters, and stores them at the segments' ends.
    private void Simulate(NdArray<T> parameters, long iteration)
    {
        var n = _options.Walkers;
        var first = (ulong)(iteration / _options.RefreshInterval) * (ulong)_options.WalkerSteps;
        var draw = new DrawKey(_seed, first);
        _sde.Start(parameters, n, draw);
        Keep(0);
        for (var s = 0; s < _segments; s++)
        {
            _sde.Advance(parameters, n, _grids[s], draw with { Step = first + (ulong)SegmentStart(s) });
            Keep(s + 1);
        }
    }

    // Positions [n, d] and times [n] of a step's batch.
    private void Fill(NdArray<T> positions, NdArray<T> times, long iteration)
    {
        const double unit = 1 / 4294967296.0;
        var n = BatchSize;
        _filled += n;
        var key = new RandomKey(_seed, SamplingStreams.Batch).PhiloxKey;
        for (var i = 0; i < n; i++)
        {
            var (time, walker, kind, _) = Philox.Block(key, (ulong)iteration, (ulong)i, 0);
            var at = (i + ((time + 0.5) * unit)) / n;
            times[i] = T.CreateChecked(at);
            var row = positions.Row(i);
            if (kind * unit >= _options.BoxShare)
            {
                // The stored time nearest to t: at most half a segment away, so the point is near the particles' law at t.
                var slot = (int)Math.Round(at * _segments);
                _pool.Position(slot, (int)(walker * unit * _options.Walkers)).CopyTo(row);
                continue;
            }

            for (var j = 0; j < row.Length; j++)
            {
                var half = ((1 - at) * _options.BoxHalfWidth) + (at * _problem.TargetBox[j]);
                var (word, _, _, _) = Philox.Block(key, (ulong)iteration, (ulong)i, (uint)(j + 1));
                row[j] = T.CreateChecked(half * ((2 * (word + 0.5) * unit) - 1));
            }
        }
    }

    private int SegmentStart(int segment) => (int)((long)segment * _options.WalkerSteps / _segments);

    private void Keep(int slot) => _pool.Keep(slot, (double)slot / _segments, _sde.Positions, fallback: 0);
}
