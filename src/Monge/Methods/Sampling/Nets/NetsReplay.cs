using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// The points on which the drift is trained (arXiv:2410.02711, Algorithm 1). A simulation: walkers along the current SDE on sorted random times, one in each of
/// equal intervals up to the horizon, kept for replay. A step: points from the kept simulations, some moved off the walkers' law. No gradient goes through the
/// simulation. All random numbers are keyed by (seed, stream, step), so a resumed run repeats an uninterrupted one to the bit.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class NetsReplay<T> : IBatchSource<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // A walker this far out in units of the coordinates is lost; its last place is kept.
    private const double LostAt = 300;

    // The largest Langevin step in units of the inverse mean curvature, and the least step in time.
    private const double LargestLangevinStep = 0.3;
    private const double LeastStep = 1e-5;

    // Kept between steps: the walkers' positions [nodes x walkers, d], the nodes' times [nodes], the walkers' log-weights [nodes x walkers]
    // and their standard deviations [nodes, d].
    private readonly TransportProblem _problem;
    private readonly NetsOptions _options;
    private readonly ulong _seed;
    private readonly int _dimension;
    private readonly int _nodes;
    private readonly NdArray<T> _particles;
    private readonly NdArray<T> _times;
    private readonly NdArray<T> _logWeights;
    private readonly NdArray<T> _deviations;
    private readonly ParticleWalk<T>? _sde;
    private readonly ParticleWalk<T>? _escorted;

    public NetsReplay(TransportProblem problem, NetsNetworks networks, NetsOptions options, Run run)
    {
        (_problem, _options, _seed, _dimension, _nodes) = (problem, options, run.Seed, networks.Path.Dimension, options.GridTimes + 1);
        var (path, parameters, drift) = (networks.Path, networks.Parameters, networks.Drift);
        if (!IsAction)
        {
            _sde = TransportSde.Forward<T>(
                path, parameters, drift, SdeScheme.EulerMaruyama, options.Walkers, SamplingStreams.WalkerStart, SamplingStreams.WalkerNoise, run.Execution);
        }
        else
        {
            _escorted = networks.ExactDivergence
                ? EscortedLangevin.Walk<T>(path, parameters, drift, options.Walkers, SamplingStreams.WalkerStart, SamplingStreams.WalkerNoise, run.Execution)
                : EscortedLangevin.Walk<T>(
                    path, parameters, networks.Potential!, options.Walkers, SamplingStreams.WalkerStart, SamplingStreams.WalkerNoise, run.Execution);
        }

        var (nodes, walkers) = (Kept * _nodes, Kept * _nodes * options.Walkers);
        (_particles, _times, _logWeights, _deviations) = (new(walkers, _dimension), new(nodes), new(walkers), new(nodes, _dimension));
    }

    /// <inheritdoc/>
    public long TargetCalls { get; private set; }

    /// <summary>Points of a step; action matching takes each walker of the newest simulation once, for its integral and its boundary terms.</summary>
    public int BatchSize => IsAction ? _nodes * _options.Walkers : _options.Training.BatchSize!.Value;

    private bool IsAction => _options.Objective == NetsObjective.ActionMatching;

    private int Kept => IsAction ? 1 : _options.Replay;

    /// <inheritdoc/>
    public void Bind(CompiledProgram<T> loss)
    {
        (loss["x"], loss["t"]) = (new NdArray<T>(BatchSize, _dimension), new NdArray<T>(BatchSize));
        if (IsAction)
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

        if (IsAction)
        {
            FillAction(loss);
            return;
        }

        FillResidual(loss["x"], loss["t"], iteration);
        TargetCalls += BatchSize;
    }

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        state.Exchange("particles", _particles);
        state.Exchange("times", _times);
        state.Exchange("logWeights", _logWeights);
        state.Exchange("deviations", _deviations);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sde?.Dispose();
        _escorted?.Dispose();
    }

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
        _sde?.Start(p, n, draw);
        _escorted?.Start(p, n, draw);
        Store(first, times[0]);
        for (var k = 1; k < _nodes; k++)
        {
            double Diffusion(double t, double next) =>
                Math.Min(_options.Relaxation, LargestLangevinStep / (next - t)) / Math.Max(_problem.Curvature(t), _problem.Curvature(next));
            var grid = new TimeGrid(times.AsSpan(k - 1, 2), Diffusion);
            var key = draw with { Step = draw.Step + (ulong)(k - 1) };
            _sde?.Advance(p, n, grid, key);
            _escorted?.Advance(p, n, grid, key);
            Store(first + k, times[k]);
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

    private void Store(int node, double time)
    {
        var n = _options.Walkers;
        var (positions, logWeights) = _sde is not null ? (_sde.Positions, null) : (_escorted!.Positions, _escorted["logWeight"]);
        _times[node] = T.CreateChecked(time);
        for (var i = 0; i < n; i++)
        {
            var from = positions.Row(i);
            var lost = false;
            foreach (var z in from)
            {
                lost |= !(T.Abs(z) < T.CreateChecked(LostAt));
            }

            var at = (node * n) + i;
            var before = time == 0 ? at : at - n;
            (lost ? _particles.Row(before) : from).CopyTo(_particles.Row(at));
            var weight = logWeights is null ? T.Zero : logWeights[i];
            _logWeights[at] = lost || !T.IsFinite(weight) ? T.NegativeInfinity : weight;
        }

        var rows = _particles.Span.Slice(node * n * _dimension, n * _dimension);
        for (var j = 0; j < _dimension; j++)
        {
            var (sum, squares) = (0.0, 0.0);
            for (var at = j; at < rows.Length; at += _dimension)
            {
                var value = double.CreateChecked(rows[at]);
                sum += value;
                squares += value * value;
            }

            _deviations.Row(node)[j] = T.CreateChecked(Math.Sqrt(Math.Max(0, (squares / n) - (sum / n * (sum / n)))));
        }
    }

    // Points from the kept simulations: the nodes in turn, simulation and walker at random; a share is moved off the walkers' law.
    private void FillResidual(NdArray<T> x, NdArray<T> t, long iteration)
    {
        const double unit = 1 / 4294967296.0;
        var kept = (int)Math.Min(Kept, (iteration / _options.RefreshInterval) + 1);
        var choice = new RandomKey(_seed, SamplingStreams.ReplayChoice).PhiloxKey;
        var noise = new RandomKey(_seed, SamplingStreams.ReplaySpread).PhiloxKey;
        for (var i = 0; i < BatchSize; i++)
        {
            var (simulation, walker, kind, _) = Philox.Block(choice, (ulong)iteration, (ulong)i, 0);
            var node = ((int)(simulation * unit * kept) * _nodes) + (i % _nodes);
            t[i] = _times[node];
            var row = x.Row(i);
            _particles.Row((node * _options.Walkers) + (int)(walker * unit * _options.Walkers)).CopyTo(row);
            if (kind * unit >= _options.SpreadShare)
            {
                continue;
            }

            var deviations = _deviations.Row(node);
            for (var j = 0; j < row.Length; j++)
            {
                var (word0, word1, _, _) = Philox.Block(noise, (ulong)iteration, (ulong)i, (uint)j);
                var normal = Math.Sqrt(-2 * Math.Log((word0 + 0.5) * unit)) * Math.Cos(2 * Math.PI * word1 * unit);
                row[j] += T.CreateChecked(_options.Spread * normal) * deviations[j];
            }
        }
    }

    // Self-normalised weights at each node times the trapezoidal rule, and the boundary terms.
    private void FillAction(CompiledProgram<T> loss)
    {
        var n = _options.Walkers;
        var (x, t, weight, boundary) = (loss["x"], loss["t"], loss["weight"], loss["boundary"]);
        _particles.Span.CopyTo(x.Span);
        Span<double> shares = new double[n];
        for (var node = 0; node < _nodes; node++)
        {
            var time = double.CreateChecked(_times[node]);
            var before = node > 0 ? double.CreateChecked(_times[node - 1]) : time;
            var after = node < _nodes - 1 ? double.CreateChecked(_times[node + 1]) : time;
            var (largest, sum) = (double.NegativeInfinity, 0.0);
            for (var i = 0; i < n; i++)
            {
                shares[i] = double.CreateChecked(_logWeights[(node * n) + i]);
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
                t[at] = _times[node];
                weight[at] = T.CreateChecked(0.5 * (after - before) * share);
                boundary[at] = T.CreateChecked(node == 0 ? share : node == _nodes - 1 ? -share : 0);
            }
        }
    }
}
