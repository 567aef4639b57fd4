using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Objectives;
using Monge.Paths;
using Monge.Training;

namespace Monge.Methods;

/// <summary>The drift and c(t) of one problem as networks, and their parameters.</summary>
internal sealed class NetsNetworks
{
    public NetsNetworks(TransportProblem problem, IDensityPath path, NetsOptions options, NetsDriftFactory? factory)
    {
        IVectorField? Network() => factory is not null ? factory(Parameters, Initializer, path)
            : options.Network == NetsNetwork.None ? null
            : options.Network == NetsNetwork.Separable ? new SiteNetwork(Parameters, Initializer, path.Dimension, new SiteNetworkOptions { Width = options.Width!.Value, Depth = options.Depth!.Value })
            : options.Network == NetsNetwork.Selecting ? new SelectingDrift(Parameters, Initializer, path.Dimension, problem.Curvature, options.Velocities)
            : new DriftNetwork(Parameters, Initializer, path.Dimension, options.Width!.Value, options.Depth!.Value);

        if (options.Drift == NetsDrift.Potential)
        {
            var network = Network()!;
            Potential = (x, t) => Expr.Dot(x, network.Apply(x, t));
            Drift = new PotentialField(path.Dimension, Potential);
        }
        else
        {
            var network = Network();
            Drift = options.ScoreGate!.Value ? new GatedDrift(Parameters, Initializer, path, problem.Curvature, network) : network!;
        }

        LogNormaliserSlope = new TimeNetwork(Parameters, Initializer, "logNormaliserSlope", 1, 32);
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public IVectorField Drift { get; }

    /// <summary>phi, if the drift is its gradient.</summary>
    public Func<Expr, Expr, Expr>? Potential { get; }

    public TimeNetwork LogNormaliserSlope { get; }
}

/// <summary>
/// The training of the non-equilibrium transport sampler (arXiv:2410.02711, Algorithm 1). A simulation: walkers along the current SDE on sorted random times, one in each of equal intervals up to
/// the horizon, kept for replay. A step: points from the kept simulations, some moved off the walkers' law, the loss and its gradient in one program, Adam. No gradient goes
/// through the simulation. All random numbers are keyed by (seed, stream, step), so a resumed run repeats an uninterrupted one to the bit.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class NetsTrainer<T> : ITransportTrainer<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // A walker this far out in units of the coordinates is lost; its last place is kept.
    private const double LostAt = 300;

    // The largest Langevin step in units of the inverse mean curvature, and the least step in time.
    private const double LargestLangevinStep = 0.3;
    private const double LeastStep = 1e-5;

    // What is stored beside the walkers' positions [nodes x walkers, d]: the nodes' times [nodes], the walkers' log-weights [nodes x walkers] and their standard deviations [nodes, d].
    private const string TimesName = "times";
    private const string LogWeightsName = "logWeights";
    private const string DeviationsName = "deviations";

    private readonly TransportProblem _problem;
    private readonly NetsOptions _options;
    private readonly ulong _seed;
    private readonly int _dimension;
    private readonly int _nodes;
    private readonly CompiledProgram<T> _loss;
    private readonly ParticleWalk<T>? _sde;
    private readonly ParticleWalk<T>? _escorted;

    public NetsTrainer(IDensityPath path, TransportProblem problem, NetsOptions options, NetsDriftFactory? factory, ulong seed, ExecutionOptions execution)
    {
        (_problem, _options, _seed, _dimension, _nodes) = (problem, options, seed, path.Dimension, options.GridTimes + 1);
        Networks = new NetsNetworks(problem, path, options, factory);
        Transport = new TrainedTransport(path, Networks.Drift, Networks.Parameters, problem.Curvature);
        var parameters = Networks.Parameters;
        if (options.Objective == NetsObjective.ActionMatching)
        {
            _loss = new CompiledProgram<T>(ActionProgram(), execution);
            _escorted = ExactDivergence
                ? EscortedLangevin.Walk<T>(path, parameters, Networks.Drift, options.Walkers, SamplingStreams.WalkerStart, SamplingStreams.WalkerNoise, execution)
                : EscortedLangevin.Walk<T>(path, parameters, Networks.Potential!, options.Walkers, SamplingStreams.WalkerStart, SamplingStreams.WalkerNoise, execution);
            _loss["weight"] = new NdArray<T>(BatchSize);
            _loss["boundary"] = new NdArray<T>(BatchSize);
        }
        else
        {
            _loss = new CompiledProgram<T>(ResidualProgram(path), execution);
            _sde = TransportSde.Forward<T>(path, parameters, Networks.Drift, SdeScheme.EulerMaruyama, options.Walkers, SamplingStreams.WalkerStart, SamplingStreams.WalkerNoise, execution);
        }

        _loss["x"] = new NdArray<T>(BatchSize, _dimension);
        _loss["t"] = new NdArray<T>(BatchSize);
    }

    public NetsNetworks Networks { get; }

    /// <inheritdoc/>
    public TrainedTransport Transport { get; }

    /// <inheritdoc/>
    public long TargetCalls { get; private set; }

    // Action matching takes each walker of the newest simulation once, for its integral and its boundary terms.
    private int BatchSize => _options.Objective == NetsObjective.ActionMatching ? _nodes * _options.Walkers : _options.BatchSize!.Value;

    private bool ExactDivergence => _dimension <= _options.ExactDivergenceLimit || Networks.Drift.HasCheapDivergence;

    private int Kept => _options.Objective == NetsObjective.ActionMatching ? 1 : _options.Replay;

    /// <summary>The state before the first step.</summary>
    public TransportState<T> Init()
    {
        var state = NewState();
        Networks.Initializer.Fill(state.Adam.Parameters.Span, new RandomKey(_seed, TrainingStreams.Parameters));
        state.Adam.BeginAverage();
        return state;
    }

    /// <summary>A state of zeros, to be filled from a checkpoint.</summary>
    public TransportState<T> NewState()
    {
        var (nodes, walkers) = (Kept * _nodes, Kept * _nodes * _options.Walkers);
        return new(
            Networks.Parameters.Count, walkers, _dimension,
            (TimesName, new NdArray<T>(nodes)), (LogWeightsName, new NdArray<T>(walkers)), (DeviationsName, new NdArray<T>(nodes, _dimension)));
    }

    /// <summary>Takes one step of a run of a total length.</summary>
    public StepInfo Step(TransportState<T> state, long iteration, long total)
    {
        if (iteration % _options.RefreshInterval == 0)
        {
            Simulate(state, iteration, total);
        }

        if (_options.Objective == NetsObjective.ActionMatching)
        {
            FillAction(state);
        }
        else
        {
            FillResidual(state, iteration);
            TargetCalls += BatchSize;
        }

        _loss.Parameters = state.Adam.Parameters;
        _loss.Run(BatchSize, new DrawKey(_seed, (ulong)iteration));
        var rate = LearningRate.WarmCosine(iteration, total, _options.LearningRate!.Value, _options.FinalLearningRateShare);
        var norm = state.Adam.Step(_loss["gradient"], rate, _options.GradientClip, _options.AverageDecay, _loss.Team);
        return new StepInfo(double.CreateChecked(_loss["loss"][0]), norm);
    }

    public void Dispose()
    {
        _loss.Dispose();
        _sde?.Dispose();
        _escorted?.Dispose();
    }

    private TracedProgram ResidualProgram(IDensityPath path)
    {
        var (x, t) = (Expr.Input("x", _dimension), Expr.Input("t"));
        var slope = Networks.LogNormaliserSlope.Apply(t)[0];
        var loss = ExactDivergence
            ? ContinuityResidual.CauchyLoss(ContinuityResidual.Exact(path, Networks.Drift, slope, x, t), _options.ResidualScale!.Value)
            : ContinuityResidual.CauchyLoss(
                ContinuityResidual.Estimated(path, Networks.Drift, slope, x, t, Expr.Random(RandomLaw.Rademacher, SamplingStreams.Probes, _dimension, 2)),
                _options.ResidualScale!.Value);
        return Program(loss / BatchSize);
    }

    private TracedProgram ActionProgram()
    {
        var (x, t) = (Expr.Input("x", _dimension), Expr.Input("t"));
        return Program(ActionMatching.Loss(Networks.Potential!, x, t, Expr.Input("weight"), Expr.Input("boundary")));
    }

    private TracedProgram Program(Expr loss) =>
        new(Networks.Parameters, ("loss", loss.BatchSum()), ("gradient", Derivative.ParameterGradient(loss, Networks.Parameters).BatchSum()));

    /// <summary>The horizon at a step: it grows linearly over the first share of the training.</summary>
    private double Horizon(long iteration, long total)
    {
        var growth = _options.HorizonShare!.Value * total;
        return growth <= iteration ? 1 : _options.FirstHorizon + ((1 - _options.FirstHorizon) * iteration / growth);
    }

    // Simulates walkers with the current parameters on random sorted times from 0 to the horizon.
    private void Simulate(TransportState<T> state, long iteration, long total)
    {
        var simulation = iteration / _options.RefreshInterval;
        var first = (int)(simulation % Kept) * _nodes;
        var times = RandomTimes(simulation, Horizon(iteration, total));
        var (n, p) = (_options.Walkers, state.Adam.Parameters);
        var draw = new DrawKey(_seed, (ulong)simulation * (ulong)_nodes);
        _sde?.Start(p, n, draw);
        _escorted?.Start(p, n, draw);
        Store(state, first, times[0]);
        for (var k = 1; k < _nodes; k++)
        {
            double Diffusion(double t, double next) =>
                Math.Min(_options.Relaxation, LargestLangevinStep / (next - t)) / Math.Max(_problem.Curvature(t), _problem.Curvature(next));
            var grid = new TimeGrid(times.AsSpan(k - 1, 2), Diffusion);
            var key = draw with { Step = draw.Step + (ulong)(k - 1) };
            _sde?.Advance(p, n, grid, key);
            _escorted?.Advance(p, n, grid, key);
            Store(state, first + k, times[k]);
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

    private void Store(TransportState<T> state, int node, double time)
    {
        var n = _options.Walkers;
        var (times, stored, deviations) = (state[TimesName], state[LogWeightsName], state[DeviationsName]);
        var (positions, logWeights) = _sde is not null ? (_sde.Positions, null) : (_escorted!.Positions, _escorted["logWeight"]);
        times[node] = T.CreateChecked(time);
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
            (lost ? state.Particles.Row(before) : from).CopyTo(state.Particles.Row(at));
            var weight = logWeights is null ? T.Zero : logWeights[i];
            stored[at] = lost || !T.IsFinite(weight) ? T.NegativeInfinity : weight;
        }

        var rows = state.Particles.Span.Slice(node * n * _dimension, n * _dimension);
        for (var j = 0; j < _dimension; j++)
        {
            var (sum, squares) = (0.0, 0.0);
            for (var at = j; at < rows.Length; at += _dimension)
            {
                var value = double.CreateChecked(rows[at]);
                sum += value;
                squares += value * value;
            }

            deviations.Row(node)[j] = T.CreateChecked(Math.Sqrt(Math.Max(0, (squares / n) - (sum / n * (sum / n)))));
        }
    }

    // Points from the kept simulations: the nodes in turn, simulation and walker at random; a share is moved off the walkers' law.
    private void FillResidual(TransportState<T> state, long iteration)
    {
        const double unit = 1 / 4294967296.0;
        var kept = (int)Math.Min(Kept, (iteration / _options.RefreshInterval) + 1);
        var choice = new RandomKey(_seed, SamplingStreams.ReplayChoice).PhiloxKey;
        var noise = new RandomKey(_seed, SamplingStreams.ReplaySpread).PhiloxKey;
        var (x, t) = (_loss["x"], _loss["t"]);
        var (times, spreads) = (state[TimesName], state[DeviationsName]);
        for (var i = 0; i < BatchSize; i++)
        {
            var (simulation, walker, kind, _) = Philox.Block(choice, (ulong)iteration, (ulong)i, 0);
            var node = ((int)(simulation * unit * kept) * _nodes) + (i % _nodes);
            t[i] = times[node];
            var row = x.Row(i);
            state.Particles.Row((node * _options.Walkers) + (int)(walker * unit * _options.Walkers)).CopyTo(row);
            if (kind * unit >= _options.SpreadShare)
            {
                continue;
            }

            var deviations = spreads.Row(node);
            for (var j = 0; j < row.Length; j++)
            {
                var (word0, word1, _, _) = Philox.Block(noise, (ulong)iteration, (ulong)i, (uint)j);
                var normal = Math.Sqrt(-2 * Math.Log((word0 + 0.5) * unit)) * Math.Cos(2 * Math.PI * word1 * unit);
                row[j] += T.CreateChecked(_options.Spread * normal) * deviations[j];
            }
        }
    }

    // Self-normalised weights at each node times the trapezoidal rule, and the boundary terms.
    private void FillAction(TransportState<T> state)
    {
        var n = _options.Walkers;
        var (times, logWeights) = (state[TimesName], state[LogWeightsName]);
        var (x, t, weight, boundary) = (_loss["x"], _loss["t"], _loss["weight"], _loss["boundary"]);
        state.Particles.Span.CopyTo(x.Span);
        Span<double> shares = new double[n];
        for (var node = 0; node < _nodes; node++)
        {
            var time = double.CreateChecked(times[node]);
            var before = node > 0 ? double.CreateChecked(times[node - 1]) : time;
            var after = node < _nodes - 1 ? double.CreateChecked(times[node + 1]) : time;
            var (largest, sum) = (double.NegativeInfinity, 0.0);
            for (var i = 0; i < n; i++)
            {
                shares[i] = double.CreateChecked(logWeights[(node * n) + i]);
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
                t[at] = times[node];
                weight[at] = T.CreateChecked(0.5 * (after - before) * share);
                boundary[at] = T.CreateChecked(node == 0 ? share : node == _nodes - 1 ? -share : 0);
            }
        }
    }
}
