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
/// The points on which the drift is trained (arXiv:2410.02711, Algorithm 1). A simulation: walkers along the current SDE on sorted random times, one in each of
/// equal intervals up to the horizon, kept for replay. A step: points from the kept simulations, some moved off the walkers' law. No gradient goes through the
/// simulation. All random numbers are keyed by (seed, stream, step), so a resumed run repeats an uninterrupted one to the bit.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class WalkerReplay<T> : IBatchSource<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // A walker this far out in units of the coordinates is lost; its last place is kept.
    private const double LostAt = 300;

    // The largest Langevin step in units of the inverse mean curvature, and the least step in time.
    private const double LargestLangevinStep = 0.3;
    private const double LeastStep = 1e-5;

    private readonly TransportProblem _problem;
    private readonly ReplayOptions _options;
    private readonly bool _isWeighted;
    private readonly ulong _seed;
    private readonly int _nodes;
    private readonly WalkerPool<T> _pool;
    private readonly ParticleWalk<T> _walk;

    /// <summary>Compiles the walk.</summary>
    /// <param name="problem">Coordinates and curvature.</param>
    /// <param name="transport">Path and drift of the walkers.</param>
    /// <param name="weighted">
    /// Walkers with continuous weights, of which each step takes all of the newest simulation, with the inputs "weight" and "boundary" of action matching; null
    /// for walkers without weights, from which points are drawn.
    /// </param>
    /// <param name="options">How they are simulated and kept.</param>
    /// <param name="batchSize">Points of a step, where they are drawn.</param>
    /// <param name="run">Seed and threads.</param>
    public WalkerReplay(TransportProblem problem, TrainedTransport transport, ParticleWalk<T>? weighted, ReplayOptions options, int batchSize, Run run)
    {
        (_problem, _options, _isWeighted, _seed, _nodes) = (problem, options, weighted is not null, run.Seed, options.GridTimes + 1);
        _walk = weighted ?? TransportSde.Forward<T>(
            transport.Path, transport.Parameters, transport.Velocity, SdeScheme.EulerMaruyama, options.Walkers, SamplingStreams.WalkerStart,
            SamplingStreams.WalkerNoise, run.Execution);
        _pool = new WalkerPool<T>(Kept * _nodes, options.Walkers, transport.Path.Dimension, LostAt);
        BatchSize = _isWeighted ? _nodes * options.Walkers : batchSize;
    }

    /// <inheritdoc/>
    public long TargetCalls { get; private set; }

    /// <inheritdoc/>
    public int BatchSize { get; }

    private int Kept => _isWeighted ? 1 : _options.Replay;

    /// <inheritdoc/>
    public void Bind(CompiledProgram<T> loss)
    {
        (loss["x"], loss["t"]) = (new NdArray<T>(BatchSize, _pool.Positions.RowLength), new NdArray<T>(BatchSize));
        if (_isWeighted)
        {
            (loss["weight"], loss["boundary"]) = (new NdArray<T>(BatchSize), new NdArray<T>(BatchSize));
        }
    }

    /// <inheritdoc/>
    public void Fill(CompiledProgram<T> loss, NdArray<T> parameters, long iteration, long total)
    {
        if (iteration % _options.RefreshInterval == 0)
        {
            Simulate(parameters, iteration, total);
        }

        if (_isWeighted)
        {
            FillWeighted(loss);
            return;
        }

        FillDrawn(loss["x"], loss["t"], iteration);
        TargetCalls += BatchSize;
    }

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        state.Exchange("particles", _pool.Positions);
        state.Exchange("times", _pool.Times);
        state.Exchange("logWeights", _pool.LogWeights);
        state.Exchange("deviations", _pool.Deviations);
    }

    /// <inheritdoc/>
    public void Dispose() => _walk.Dispose();

    /// <summary>The horizon at a step: it grows linearly over the first share of the training.</summary>
    private double Horizon(long iteration, long total)
    {
        var growth = _options.HorizonShare!.Value * total;
        return growth <= iteration ? 1 : _options.FirstHorizon + ((1 - _options.FirstHorizon) * iteration / growth);
    }

    // Simulates walkers with the current parameters on random sorted times from 0 to the horizon.
    private void Simulate(NdArray<T> p, long iteration, long total)
    {
        var simulation = iteration / _options.RefreshInterval;
        var first = (int)(simulation % Kept) * _nodes;
        var times = RandomTimes(simulation, Horizon(iteration, total));
        var n = _options.Walkers;
        var draw = new DrawKey(_seed, (ulong)simulation * (ulong)_nodes);
        _walk.Start(p, n, draw);
        Keep(first, times[0]);
        for (var k = 1; k < _nodes; k++)
        {
            double Diffusion(double t, double next) =>
                Math.Min(_options.Relaxation, LargestLangevinStep / (next - t)) / Math.Max(_problem.Curvature(t), _problem.Curvature(next));
            var grid = new TimeGrid(times.AsSpan(k - 1, 2), Diffusion);
            var key = draw with { Step = draw.Step + (ulong)(k - 1) };
            _walk.Advance(p, n, grid, key);
            Keep(first + k, times[k]);
        }

        TargetCalls += (long)n * _nodes;
    }

    // 0, one random time in each of equal intervals, and the horizon: the integral over time then has little noise.
    private double[] RandomTimes(long simulation, double horizon)
    {
        var key = new RandomKey(_seed, SamplingStreams.GridTimes).PhiloxKey;
        var times = new double[_nodes];
        for (var k = 1; k < _nodes - 1; k++)
        {
            var (word, _, _, _) = Philox.Block(key, (ulong)simulation, (ulong)k, 0);
            times[k] = horizon * (k - 1 + ((word + 0.5) / 4294967296.0)) / (_nodes - 2);
        }

        times[^1] = horizon;
        for (var k = _nodes - 2; k > 0; k--)
        {
            times[k] = Math.Min(times[k], times[k + 1] - LeastStep);
        }

        for (var k = 1; k < _nodes; k++)
        {
            times[k] = Math.Max(times[k], times[k - 1] + (0.5 * LeastStep));
        }

        return times;
    }

    // At its first node a lost walker keeps its place of the simulation before.
    private void Keep(int node, double time) =>
        _pool.Keep(node, time, _walk.Positions, time == 0 ? node : node - 1, _isWeighted ? _walk["logWeight"] : null);

    // Points from the kept simulations: the nodes in turn, simulation and walker at random; a share is moved off the walkers' law.
    private void FillDrawn(NdArray<T> x, NdArray<T> t, long iteration)
    {
        const double unit = 1 / 4294967296.0;
        var kept = (int)Math.Min(Kept, (iteration / _options.RefreshInterval) + 1);
        var choice = new RandomKey(_seed, SamplingStreams.ReplayChoice).PhiloxKey;
        var noise = new RandomKey(_seed, SamplingStreams.ReplaySpread).PhiloxKey;
        for (var i = 0; i < BatchSize; i++)
        {
            var (simulation, walker, kind, _) = Philox.Block(choice, (ulong)iteration, (ulong)i, 0);
            var node = ((int)(simulation * unit * kept) * _nodes) + (i % _nodes);
            t[i] = _pool.Times[node];
            var row = x.Row(i);
            _pool.Position(node, (int)(walker * unit * _options.Walkers)).CopyTo(row);
            if (kind * unit >= _options.SpreadShare)
            {
                continue;
            }

            var deviations = _pool.Deviations.Row(node);
            for (var j = 0; j < row.Length; j++)
            {
                var (word0, word1, _, _) = Philox.Block(noise, (ulong)iteration, (ulong)i, (uint)j);
                var normal = Math.Sqrt(-2 * Math.Log((word0 + 0.5) * unit)) * Math.Cos(2 * Math.PI * word1 * unit);
                row[j] += T.CreateChecked(_options.Spread * normal) * deviations[j];
            }
        }
    }

    // Self-normalised weights at each node times the trapezoidal rule, and the boundary terms.
    private void FillWeighted(CompiledProgram<T> loss)
    {
        var n = _options.Walkers;
        var (x, t, weight, boundary) = (loss["x"], loss["t"], loss["weight"], loss["boundary"]);
        _pool.Positions.Span.CopyTo(x.Span);
        Span<double> shares = new double[n];
        for (var node = 0; node < _nodes; node++)
        {
            var time = double.CreateChecked(_pool.Times[node]);
            var before = node > 0 ? double.CreateChecked(_pool.Times[node - 1]) : time;
            var after = node < _nodes - 1 ? double.CreateChecked(_pool.Times[node + 1]) : time;
            var (largest, sum) = (double.NegativeInfinity, 0.0);
            for (var i = 0; i < n; i++)
            {
                shares[i] = double.CreateChecked(_pool.LogWeights[(node * n) + i]);
                largest = Math.Max(largest, shares[i]);
            }

            for (var i = 0; i < n; i++)
            {
                shares[i] = Math.Exp(shares[i] - largest);
                sum += shares[i];
            }

            for (var i = 0; i < n; i++)
            {
                var share = shares[i] / sum;
                var at = (node * n) + i;
                t[at] = _pool.Times[node];
                weight[at] = T.CreateChecked(0.5 * (after - before) * share);
                boundary[at] = T.CreateChecked(node == 0 ? share : node == _nodes - 1 ? -share : 0);
            }
        }
    }
}
