using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// The trainings of all maps as one algorithm: a step of it is an optimiser's, and after every so many the map is kept, the pool moved, and the next map begins
/// where this one ended. Batches run through the pool in its order; all else is keyed by the seed, so maps and the optimiser's state are all there is to save.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class JkoTraining<T> : IIterative, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const double PaperWeightDecay = 1e-9;

    // Units that hardly any sample of the pool switches on have gradients far below this. With the usual guard of 1e-8 each would still move by a whole step,
    // and after dozens of maps such units throw a rare fresh sample far away.
    private const double LeastGradient = 1e-5;

    // A pool with weights has many samples where there is little mass: no unit is without one, and their small gradients are what keeps the tails.
    private const double LeastWeightedGradient = 1e-8;

    private readonly EvolutionProblem _problem;
    private readonly JkoOptions _options;
    private readonly IReadOnlyList<double> _times;
    private readonly ulong _seed;
    private readonly RowBatches<T>? _rows;
    private readonly Predicate<double[]>? _accepts;
    private readonly ParameterSet _parameters = new();
    private readonly ParameterInitializer _initializer = new();
    private readonly ConvexNetwork _network;
    private readonly GradientStep<T> _step;
    private readonly ConvexMaps _maps;
    private readonly NdArray<T> _length = new();
    private readonly List<double[]> _kept = [];
    private readonly double[] _pool;
    private readonly double[] _logDensity;
    private readonly double[] _weights;
    private readonly Func<IReadOnlyList<double[]>, int, (double[] Positions, double[] Weights)?>? _redraw;
    private OptimiserState<T> _state;
    private int _moved;
    private int _taken;

    /// <summary>Draws the pool and compiles the loss.</summary>
    /// <param name="problem">The gradient flow.</param>
    /// <param name="options">Options.</param>
    /// <param name="times">The times at which steps begin and end, ascending from 0.</param>
    /// <param name="run">Seed and threads.</param>
    /// <param name="redraw">
    /// Draws the pool anew at a time, given the maps up to there and the time's number, with weights of mean 1: always the same for the same maps. Null, or a
    /// result of null, leaves it.
    /// </param>
    /// <param name="rows">Where the rows of data come from that the potential reads; null where it reads none.</param>
    /// <param name="accepts">Whether a trained map is kept; null keeps all.</param>
    public JkoTraining(
        EvolutionProblem problem,
        JkoOptions options,
        IReadOnlyList<double> times,
        Run run,
        Func<IReadOnlyList<double[]>, int, (double[] Positions, double[] Weights)?>? redraw = null,
        RowBatches<T>? rows = null,
        Predicate<double[]>? accepts = null)
    {
        (_problem, _options, _times, _seed, Iterations) = (problem, options, times, run.Seed, options.Iterations);
        (_redraw, _rows, _accepts) = (redraw, rows, accepts);
        _weights = redraw is null ? [] : [.. Enumerable.Repeat(1.0, options.Pool)];
        _network = new ConvexNetwork(_parameters, _initializer, "psi", problem.Dimension, options.Network);
        _step = Compile(run);
        _maps = new ConvexMaps(_parameters, _network, run.Execution);
        _pool = problem.Initial.Sample(options.Pool, new RandomStream(run.Seed, GradientFlowStreams.Pool));
        _logDensity = problem.Energy!.PorousFactor > 0 ? PointFunction.At(problem.Initial.LogDensity, _pool, problem.Dimension, run.Execution) : [];
        _state = _step.NewState();
        ToIdentity = new IdentityTraining(this, run);
    }

    /// <summary>The maps kept so far, the parameters of each.</summary>
    public IReadOnlyList<double[]> Maps => _kept;

    /// <summary>Optimiser steps for each map.</summary>
    public int Iterations { get; set; }

    /// <summary>The steps taken, those whose map was not kept included.</summary>
    public int Taken => _taken;

    /// <summary>Parameters of a map.</summary>
    public int ParameterCount => _parameters.Count;

    /// <summary>Brings the first map to the identity, from where the maps then start.</summary>
    public IIterative ToIdentity { get; }

    /// <inheritdoc/>
    public void Init()
    {
        if (_options.IdentityIterations == 0)
        {
            Start(_state);
        }

        GoOnFrom(_state.Parameters);
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total) => Step(iteration, iteration % Iterations, Iterations);

    /// <summary>Takes one step, of a map that is trained by so many; the last of them keeps it.</summary>
    /// <param name="iteration">Its number among all.</param>
    /// <param name="local">Its number among the map's, from 0.</param>
    /// <param name="ofMap">The map's steps.</param>
    public StepInfo Step(long iteration, long local, long ofMap)
    {
        _length[0] = T.CreateChecked(_times[_taken + 1] - _times[_taken]);
        Fill(_step.Program, iteration);
        _rows?.Fill(iteration);
        var info = _step.Run(_state, local, ofMap, new DrawKey(_seed, (ulong)iteration));
        if (local == ofMap - 1)
        {
            Keep();
        }

        return info;
    }

    /// <summary>Takes the step of a number and leaves no trace of it, to measure how long it takes.</summary>
    public void Try(int number)
    {
        var scratch = _step.NewState();
        _state.Parameters.Span.CopyTo(scratch.Parameters.Span);
        scratch.BeginAverage();
        _length[0] = T.CreateChecked(_times[1] - _times[0]);
        Fill(_step.Program, number);
        _rows?.Fill(number);
        _ = _step.Run(scratch, 0, 1, new DrawKey(_seed, (ulong)number));
    }

    /// <summary>Moves some of the pool and leaves no trace of it, to measure how long it takes; gives the share that was moved.</summary>
    public double TryPool()
    {
        var moved = Math.Max(1, _options.Pool / 8);
        double[] positions = _pool[..(moved * _problem.Dimension)];
        double[] logs = _logDensity.Length > 0 ? _logDensity[..moved] : [];
        _state.Parameters.Span.ToArray().Select(double.CreateChecked).ToArray().CopyTo(_maps.Values);
        _maps.Push(positions, logs);
        return (double)moved / _options.Pool;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Figure> Validate() => [new Figure("time", "t", _times[_kept.Count])];

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        var maps = _kept.Count;
        state.Exchange("maps", ref maps);
        for (var k = 0; k < maps; k++)
        {
            var values = k < _kept.Count ? _kept[k] : new double[_parameters.Count];
            state.Exchange<double>($"map.{k}", values);
            if (k == _kept.Count)
            {
                _kept.Add(values);
            }
        }

        state.Exchange("taken", ref _taken);
        state.Exchange(_state);
        MovePool();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _maps.Dispose();
        (ToIdentity as IDisposable)?.Dispose();
    }

    private void Keep()
    {
        double[] map = [.. _state.Average.Span.ToArray().Select(double.CreateChecked)];
        _taken++;
        if (_accepts?.Invoke(map) != false)
        {
            _kept.Add(map);
            MovePool();
        }

        GoOnFrom(_state.Average);
    }

    // The next map begins at these parameters with an optimiser that remembers nothing.
    private void GoOnFrom(NdArray<T> parameters)
    {
        var next = _step.NewState();
        parameters.Span.CopyTo(next.Parameters.Span);
        next.BeginAverage();
        _state = next;
    }

    private void MovePool()
    {
        for (; _moved < _kept.Count; _moved++)
        {
            _kept[_moved].CopyTo(_maps.Values);
            _maps.Push(_pool, _logDensity);
            if (_redraw?.Invoke(_kept, _moved + 1) is var (positions, weights))
            {
                positions.CopyTo(_pool, 0);
                weights.CopyTo(_weights, 0);
            }
        }
    }

    private void Start(OptimiserState<T> state)
    {
        _initializer.Fill(state.Parameters.Span, new RandomKey(_seed, TrainingStreams.Parameters));
        _network.MakeConvex(state.Parameters.Span);
    }

    private GradientStepOptions StepOptions() => new()
    {
        Optimiser = new Adam(SecondDecay: 0.999, Guard: _redraw is null ? LeastGradient : LeastWeightedGradient, WeightDecay: PaperWeightDecay),
        LearningRate = new WarmCosineRate(_options.LearningRate, _options.FinalLearningRateShare),
        GradientClip = _options.GradientClip,
        AverageDecay = _options.AverageDecay,
        Projections = [new NonNegative([.. _network.NonNegative])],
    };

    private GradientStep<T> Compile(Run run)
    {
        var (d, energy) = (_problem.Dimension, _problem.Energy!);
        var (x, length) = (Expr.Input("x", d), Expr.Shared("h"));
        var (moved, logDeterminant) = Move(x);
        var partner = energy.Interaction is null ? null : _network.Gradient(Expr.Input("partner", d));
        var logDensity = energy.PorousFactor > 0 ? Expr.Input("logDensity") : null;
        var loss = JkoStep.Loss(energy, length, x, moved, logDeterminant, logDensity, partner);
        loss = _redraw is null ? loss : Expr.Input("weight") * loss;
        var step = new GradientStep<T>(_parameters, loss / _options.BatchSize, _options.BatchSize, StepOptions(), run.Execution);
        foreach (var name in (string[])["x", "partner"])
        {
            step.Program.BindIfUsed(name, new NdArray<T>(_options.BatchSize, d));
        }

        step.Program.BindIfUsed("logDensity", new NdArray<T>(_options.BatchSize));
        step.Program.BindIfUsed("weight", new NdArray<T>(_options.BatchSize));
        step.Program["h"] = _length;
        _rows?.Bind(step.Program);
        return step;
    }

    private (Expr Moved, Expr LogDeterminant) Move(Expr x)
    {
        if (_options.LogDeterminant == LogDeterminantForm.Lanczos)
        {
            var probes = Expr.Random(RandomLaw.Rademacher, GradientFlowStreams.Probes, _problem.Dimension, _options.LanczosProbes);
            var (gradient, times) = _network.GradientAndHessianProducts(x);
            return (gradient, LanczosLogDeterminant.Of(times, probes, _options.LanczosSteps));
        }

        var (moved, hessian) = _network.GradientAndHessian(x);
        return (moved, hessian.LogDeterminant());
    }

    // The pool is independent draws, so its order is as good as any; partners are those of half a pool further on.
    private void Fill(Engine.Execution.CompiledProgram<T> program, long iteration)
    {
        var (d, first) = (_problem.Dimension, iteration * _options.BatchSize % _options.Pool);
        var x = program["x"].Span;
        for (var i = 0; i < _options.BatchSize; i++)
        {
            var row = (int)((first + i) % _options.Pool);
            for (var k = 0; k < d; k++)
            {
                x[(i * d) + k] = T.CreateChecked(_pool[(row * d) + k]);
            }
        }

        if (program.Uses("partner"))
        {
            var partner = program["partner"].Span;
            for (var i = 0; i < _options.BatchSize; i++)
            {
                var row = (int)((first + i + (_options.Pool / 2)) % _options.Pool);
                for (var k = 0; k < d; k++)
                {
                    partner[(i * d) + k] = T.CreateChecked(_pool[(row * d) + k]);
                }
            }
        }

        FillScalars(program, "logDensity", _logDensity, first);
        FillScalars(program, "weight", _weights, first);
    }

    private void FillScalars(Engine.Execution.CompiledProgram<T> program, string name, double[] values, long first)
    {
        if (!program.Uses(name))
        {
            return;
        }

        var scalars = program[name].Span;
        for (var i = 0; i < scalars.Length; i++)
        {
            scalars[i] = T.CreateChecked(values[(first + i) % _options.Pool]);
        }
    }

    /// <summary>The mean of |grad psi(x) - x|^2 over the initial law, to 1e-5 (arXiv:2106.00736, section 4.1).</summary>
    private sealed class IdentityTraining : IIterative, IDisposable
    {
        private const double Enough = 1e-5;

        private readonly JkoTraining<T> _owner;
        private readonly GradientStep<T> _step;
        private double _loss = double.PositiveInfinity;

        public IdentityTraining(JkoTraining<T> owner, Run run)
        {
            _owner = owner;
            var (options, x) = (owner._options, Expr.Input("x", owner._problem.Dimension));
            var loss = (owner._network.Gradient(x) - x).SquaredNorm() / options.BatchSize;
            _step = new GradientStep<T>(owner._parameters, loss, options.BatchSize, owner.StepOptions(), run.Execution);
            _step.Program["x"] = new NdArray<T>(options.BatchSize, owner._problem.Dimension);
        }

        public bool IsDone => _loss < Enough;

        public void Init()
        {
            _owner.Start(_owner._state);
            _owner._state.BeginAverage();
        }

        public StepInfo Step(long iteration, long total)
        {
            _owner.Fill(_step.Program, iteration);
            var info = _step.Run(_owner._state, iteration, total, new DrawKey(_owner._seed, (ulong)iteration));
            _loss = info.Loss!.Value;
            return info;
        }

        public IReadOnlyList<Figure> Validate() => [new Figure("identity", "distance from the identity", _loss)];

        public void Exchange(RunState state)
        {
            state.Exchange(_owner._state);
            state.Exchange("loss", ref _loss);
        }

        public void Dispose() => _step.Dispose();
    }
}
