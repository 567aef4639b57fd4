using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Trains networks of neurons on a table, f(x) = m^-g sum_i c_i s(z_i.x), each from a start of its own, by squared error. For three layers x are the features
/// of a <see cref="RandomFirstLayer"/>. Trial networks on a part of the rows choose scale and penalty by the error on the rest; the networks that are kept
/// learn from all rows. Their mean predicts; by the central limit theorem of the neurons' law they differ from it by Gaussian fluctuations of size m^(-1/2)
/// (Z. Chen, G. Rotskoff, J. Bruna, E. Vanden-Eijnden, arXiv:2008.09623), which their spread estimates.
/// </summary>
/// <param name="problem">The table and the target.</param>
/// <param name="options">The options; null for the defaults.</param>
public sealed class NetworkTraining(NetworkProblem problem, NetworkTrainingOptions? options = null) : IMethod<NetworkModel>
{
    internal const string Name = "neurons";

    private const int LeastRows = 10;
    private const int CourseLooks = 20;

    private NetworkTrainingOptions _options = options ?? new NetworkTrainingOptions();

    /// <inheritdoc/>
    /// <remarks>After a run with a budget, with the iterations that it found.</remarks>
    public IMethodOptions Options => _options;

    /// <summary>Trains the networks.</summary>
    /// <param name="run">Seed, threads, folder and the like.</param>
    /// <exception cref="ArgumentException">The target is missing or holds words, or the flow's step is beyond 2 / lambda_max.</exception>
    /// <exception cref="DataFormatException">The table has too few rows, or a constant column.</exception>
    /// <exception cref="CheckpointException">The checkpoint belongs to another run, or is damaged.</exception>
    /// <exception cref="ArithmeticException">A loss is not finite.</exception>
    /// <exception cref="InvalidOperationException">Not even one step of each network fits into the budget.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; the state was saved first.</exception>
    public NetworkModel Run(Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (problem.Table.Rows < LeastRows)
        {
            throw new DataFormatException(
                problem.Table.Source, FormattableString.Invariant($"has {problem.Table.Rows} rows; at least {LeastRows} are needed"));
        }

        var columns = RegressionColumns.Of(problem.Table, problem.Target, _options.Scores, _options.Levels);
        var unsaved = _options with { CheckpointSeconds = new NetworkTrainingOptions().CheckpointSeconds };
        var session = new RunSession(run, new RunIdentity(Name, problem.Identity(), unsaved));
        session.Report("prepare");
        using var training = new NeuronTraining(columns, problem.Table, _options, run);
        if (_options.Budget is { } budget)
        {
            // Networks of half the width take about half the time.
            var others = Enumerable.Range(1, _options.Halvings).Sum(k => Math.ScaleB(_options.Runs, -k));
            training.Iterations = StepBudget.Iterations(
                session, budget, training.Networks + (int)Math.Ceiling(others), training.Try, words: ("networks", "fewer networks (--runs)"));
            _options = _options with { Iterations = training.Iterations };
        }

        Train(session, "train", training);
        var model = training.Model(session.Elapsed.TotalSeconds);
        if (_options.Halvings == 0)
        {
            return model;
        }

        try
        {
            return model with { Course = model.Course! with { Scaling = Scale(session, columns, training, model) } };
        }
        catch (Exception error) when (error is ArgumentException or ArithmeticException)
        {
            // What narrower networks can't bear is no reason to lose those that were asked for.
            return model with { Course = model.Course! with { NoScaling = error.Message } };
        }
    }

    private void Train(RunSession session, string phase, NeuronTraining training) => session.Iterate(
        phase, training, training.Networks * _options.Iterations, null, _options.CheckpointSeconds, training.Networks * CourseLooks);

    // Networks of other widths are trained as those that are kept: for as long, with the penalty that was found.
    private NetworkScaling Scale(RunSession session, RegressionColumns columns, NeuronTraining training, NetworkModel model)
    {
        List<NetworkWidth> widths = [training.Measure()];
        for (var k = 1; k <= _options.Halvings; k++)
        {
            var narrower = model.Options with { Width = _options.Width >> k, HeldOut = 0, Step = training.StepTime };
            using var others = new NeuronTraining(columns, problem.Table, narrower, session.Run, k);
            Train(session, FormattableString.Invariant($"train {narrower.Width} neurons"), others);
            widths.Add(others.Measure());
        }

        return NetworkScaling.Of([.. widths.AsEnumerable().Reverse()]);
    }
}

/// <summary>One network after the other, each step one of the optimiser: the trials first, then those that are kept.</summary>
internal sealed class NeuronTraining : IIterative, IDisposable
{
    private static readonly StreamName s_splitStream = StreamName.Of("network held-out rows");
    private static readonly StreamName s_startStream = StreamName.Of("network neurons");
    private static readonly StreamName s_batchStream = StreamName.Of("network batches");
    private static readonly StreamName s_birthStream = StreamName.Of("network birth and death");

    // What trials set side by side: penalties in the mean-field scale of a standardised target, and scales. Between the mean field and the tangent kernel
    // features move less, which suits tables of few rows.
    private static readonly double[] s_penalties = [1e-6, 1e-5, 1e-4];
    private static readonly double[] s_exponents = [1, 0.85];
    private const double DefaultPenalty = 1e-5;
    private const int FewRows = 1000;
    private const int FoldsOfFew = 3;
    private const int Snapshots = 24;

    private readonly RegressionColumns _columns;
    private readonly DataTable _table;
    private readonly NetworkTrainingOptions _options;
    private readonly Run _run;
    private readonly int _group;
    private readonly double[] _inputs;
    private readonly double[] _targets;
    private readonly int[] _order;
    private readonly int _held;
    private readonly (double Exponent, double Penalty)[] _settings;
    private readonly int _folds;
    private readonly int _trials;
    private readonly Dictionary<double, GradientStep<float>> _steps = [];
    private readonly int _features;

    // The state: the network under way, the trials' errors, the networks that are done and the course of the first of them.
    private OptimiserState<float> _state;
    private readonly double[] _errors;
    private readonly List<NetworkMember> _members = [];
    private readonly List<(long Step, NeuronEnsemble Neurons)> _course = [];
    private readonly double[] _heldPredictions;

    private int _at = -1;
    private RandomFirstLayer? _first;
    private float[] _rows = [];
    private double[] _lifted = [];
    private int[] _learned = [];
    private int[] _permutation = [];
    private long _epoch = -1;
    private NeuronBirthDeath? _birthDeath;

    /// <summary>Makes ready for a group of networks, whose random numbers are its own.</summary>
    public NeuronTraining(RegressionColumns columns, DataTable table, NetworkTrainingOptions options, Run run, int group = 0)
    {
        (_columns, _table, _options, _run, _group, Iterations) = (columns, table, options, run, group, options.Iterations);
        (_inputs, _targets) = (columns.Encode(table), columns.Targets(table));
        var n = _targets.Length;
        _order = Stream(s_splitStream, 0).Permutation(n);
        var isTried = options.HeldOut > 0 && options.Optimiser == NetworkOptimiser.Adam;
        _held = isTried ? Math.Clamp((int)Math.Round(options.HeldOut * n), 1, n / 2) : 0;
        double[] exponents = options.Exponent is { } exponent ? [exponent] : s_exponents;
        double[] penalties = options.Penalty is { } penalty ? [penalty] : s_penalties;
        _settings = !isTried ? [] : [.. exponents.SelectMany(_ => penalties, (e, p) => (e, p))];
        _folds = isTried ? Math.Min(options.Folds ?? (n < FewRows ? FoldsOfFew : 1), n / _held) : 1;
        _trials = _settings.Length * _folds;
        (_errors, _heldPredictions) = (new double[_trials], new double[_settings.Length * _held]);
        _features = options.Layers == 3 ? options.FirstWidth : columns.Features;
        Certificate = new NetworkCertifier(_inputs, _targets, columns.Features, options, run.Threads);
        StepTime = options.Optimiser == NetworkOptimiser.Flow ? FlowStep() : 1;
        _state = Step(Setting(0).Exponent).NewState();
    }

    /// <summary>Networks to train, trials included.</summary>
    public int Networks => _trials + _options.Runs;

    /// <summary>Steps of each network.</summary>
    public long Iterations { get; set; }

    public NetworkCertifier Certificate { get; }

    /// <summary>Mean-field time of a step of the flow; 1 for Adam, which has no such time.</summary>
    public double StepTime { get; }

    private Kernel Unit => NetworkModel.UnitOf(_options.Unit);

    /// <inheritdoc/>
    public void Init()
    {
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        var (network, local) = ((int)(iteration / Iterations), iteration % Iterations);
        if (local == 0)
        {
            Begin(network);
        }

        Enter(network);
        var info = _birthDeath is null ? Descend(local, network) : Renew(local, network);
        if (network == _trials && IsLook(local + 1))
        {
            _course.Add((local + 1, Neurons(Reached())));
        }

        if (local == Iterations - 1)
        {
            Leave(network);
        }

        return info;
    }

    /// <summary>Takes a step of the first network for its time, before any other step is taken.</summary>
    public void Try(int number)
    {
        if (number == 0)
        {
            Begin(0);
        }

        Enter(0);
        _ = _birthDeath is null ? Descend(number, 0) : Renew(number, 0);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Figure> Validate()
    {
        if (_at < 0 || _at >= _trials)
        {
            return [];
        }

        var error = Error(Neurons(Reached()), Held(_at % _folds), out _);
        return double.IsFinite(error) ? [new Figure("held_out_rmse", "held out", error * _columns.TargetScale)] : [];
    }

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        state.Exchange(_state);
        state.Exchange<double>("errors", _errors);
        Exchange(state, "member", _members, m => m.Neurons, (_, k) => new NetworkMember(Blank(), FirstLayer(_trials + k)));
        Exchange<(long Step, NeuronEnsemble Neurons)>(state, "course", _course, c => c.Neurons, (_, k) => (0L, Blank()));
        for (var k = 0; k < _course.Count; k++)
        {
            var step = _course[k].Step;
            state.Exchange($"course{k}.step", ref step);
            _course[k] = (step, _course[k].Neurons);
        }

        state.Exchange<double>("heldPredictions", _heldPredictions);
        _at = -1;
    }

    /// <summary>The networks that are kept, and what was found on the way.</summary>
    public NetworkModel Model(double seconds)
    {
        var (exponent, penalty) = Chosen();
        return new NetworkModel(_columns, Kept(), [.. _members], _targets.Length, _run.Seed)
        {
            Course = new NetworkCourse(Certificate.Describe(_course, _members[0], StepTime, exponent), StepTime, penalty, seconds)
            {
                Trials = [.. _settings.Select((t, k) => new NetworkTrial(t.Exponent, t.Penalty, Error(k) * _columns.TargetScale))],
                Snapshots = [.. _course],
                HeldOutRows = Held(0),
                LearnedRows = Learned(0),
                HeldOutPredictions = _settings.Length == 0 ? [] : _columns.Undo(_heldPredictions[(Best * _held)..((Best + 1) * _held)]),
            },
        };
    }

    /// <summary>What is said of the networks that are kept, of their width among others.</summary>
    public NetworkWidth Measure()
    {
        var model = new NetworkModel(_columns, Kept(), _members, _targets.Length, _run.Seed);
        var (each, known) = (model.PredictEach(_table, _run.Threads), _columns.Undo(_targets));
        double[] errors = [.. each.Select(f => Math.Sqrt(f.Zip(known, (a, b) => (a - b) * (a - b)).Average()))];
        double[] moved = [.. _members.Select((member, k) => Certificate.Movement(Start(_trials + k), member))];
        var mean = Enumerable.Range(0, known.Length).Select(row => each.Average(f => f[row])).ToArray();
        var unbiased = (double)each.Count / (each.Count - 1);
        double[] variances = [.. each.Select(f => unbiased * f.Zip(mean, (a, b) => (a - b) * (a - b)).Average())];
        return new NetworkWidth(_options.Width, errors.Average(), variances, moved);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var step in _steps.Values)
        {
            step.Dispose();
        }
    }

    private NetworkTrainingOptions Kept() => _options with { Exponent = Chosen().Exponent, Penalty = Chosen().Penalty, Iterations = Iterations };

    // Steps that grow in equal proportions, as a loss falls fastest at first.
    private bool IsLook(long done) =>
        Enumerable.Range(0, Snapshots + 1).Any(k => (long)Math.Round(Math.Pow(Iterations, (double)k / Snapshots)) == done);

    private StepInfo Descend(long local, int network)
    {
        var (exponent, penalty) = Setting(network);
        var step = Step(exponent);
        FillBatch(step, local, network);
        step.Program["penalty"][0] = (float)penalty;
        return step.Run(_state, local, Iterations, new DrawKey(_run.Seed, (ulong)local));
    }

    // A step of the flow, and the deaths and births after it.
    private StepInfo Renew(long local, int network)
    {
        var loss = 0.0;
        var next = _birthDeath!.Run(Neurons(_state.Parameters), 1, Stream(s_birthStream, ((ulong)network << 20) + (ulong)local), (_, l) => loss = l);
        Place(next);
        return new StepInfo(loss);
    }

    private void Place(NeuronEnsemble neurons)
    {
        var parameters = _state.Parameters.Span;
        var size = _features * _options.Width;
        for (var i = 0; i < size; i++)
        {
            parameters[i] = (float)neurons.Features[i];
        }

        for (var i = 0; i < _options.Width; i++)
        {
            parameters[size + i] = (float)neurons.Outputs[i];
        }
    }

    private RandomStream Stream(StreamName name, ulong member) =>
        new(new RandomState(new RandomKey(_run.Seed, _group == 0 ? name : name.Member(_group)).PhiloxKey, member << 32));

    private RandomFirstLayer? FirstLayer(int network) => _options.Layers == 2 ? null
        : RandomFirstLayer.Normal(_options.FirstWidth, _columns.Features, Unit, FirstStream(network));

    private RandomStream FirstStream(int network) => Stream(s_startStream, (2 * (ulong)network) + 1);

    private NeuronEnsemble Start(int network) =>
        NeuronEnsemble.Normal(_options.Width, _features, Stream(s_startStream, 2 * (ulong)network), 1, _options.StartScale);

    private NeuronEnsemble Blank() => new(new double[_options.Width], new double[_options.Width * _features], _features);

    private int Best => Enumerable.Range(0, _settings.Length).MinBy(Error);

    // Over all of a setting's folds, in standardised units.
    private double Error(int setting) => Math.Sqrt(_errors.AsSpan(setting * _folds, _folds).ToArray().Average(e => e * e));

    private int[] Held(int fold) => _order[(fold * _held)..((fold + 1) * _held)];

    private int[] Learned(int fold) => [.. _order[..(fold * _held)], .. _order[((fold + 1) * _held)..]];

    private (double Exponent, double Penalty) Setting(int network) => network < _trials ? _settings[network / _folds] : Chosen();

    private (double Exponent, double Penalty) Chosen() => _trials > 0 ? _settings[Best]
        : (_options.Exponent ?? 1, _options.Penalty ?? (_options.Optimiser == NetworkOptimiser.Flow ? 0 : DefaultPenalty));

    // A first layer as large as the rows' features is lifted once for a network, not once a step.
    private void Enter(int network)
    {
        if (_at == network)
        {
            return;
        }

        (_at, _first, _epoch) = (network, FirstLayer(network), -1);
        _learned = network < _trials ? Learned(network % _folds) : _order;
        _lifted = _first?.Features(_inputs, _run.Threads) ?? _inputs;
        _rows = Array.ConvertAll(_lifted, x => (float)x);
        _birthDeath = _options.BirthDeath == 0 ? null : new NeuronBirthDeath(
            new RegressionLoss(_lifted, _targets, Unit, _run.Execution), new NeuronBirthDeathOptions { Rate = _options.BirthDeath, Step = StepTime });
    }

    private void Begin(int network)
    {
        (_state, _at) = (Step(Setting(network).Exponent).NewState(), -1);
        Place(Start(network));
        _state.BeginAverage();
        if (network == _trials)
        {
            _course.Clear();
            _course.Add((0, Neurons(_state.Parameters)));
        }
    }

    private void Leave(int network)
    {
        var neurons = Neurons(Reached());
        if (network >= _trials)
        {
            _members.Add(new NetworkMember(neurons, _first));
            return;
        }

        var (setting, fold) = Math.DivRem(network, _folds);
        _errors[network] = Error(neurons, Held(fold), out var predictions);
        if (fold == 0)
        {
            predictions.CopyTo(_heldPredictions, setting * _held);
        }
    }

    private NdArray<float> Reached() => _options.Optimiser == NetworkOptimiser.Adam ? _state.Average : _state.Parameters;

    private NeuronEnsemble Neurons(NdArray<float> parameters)
    {
        var values = parameters.Span;
        var size = _features * _options.Width;
        var (features, outputs) = (new double[size], new double[_options.Width]);
        for (var i = 0; i < size; i++)
        {
            features[i] = values[i];
        }

        for (var i = 0; i < outputs.Length; i++)
        {
            outputs[i] = values[size + i];
        }

        return new NeuronEnsemble(outputs, features, _features);
    }

    // The root mean square error on the rows held out, in standardised units.
    private double Error(NeuronEnsemble neurons, int[] rows, out double[] predictions)
    {
        var (q, held) = (_features, new double[rows.Length * _features]);
        for (var i = 0; i < rows.Length; i++)
        {
            _lifted.AsSpan(rows[i] * q, q).CopyTo(held.AsSpan(i * q));
        }

        predictions = Unit.Sums(held, neurons.Features, q, neurons.Masses(Setting(_at).Exponent), _run.Threads);
        return Math.Sqrt(predictions.Zip(rows, (f, row) => Math.Pow(f - _targets[row], 2)).Average());
    }

    // Rows in an order that is drawn anew each time all have been seen; where a step takes all of them they stay as they are.
    private void FillBatch(GradientStep<float> step, long local, int network)
    {
        var rows = _learned;
        var (size, q) = (step.BatchSize, _features);
        var (x, y) = (step.Program["x"], step.Program["y"]);
        if (size == rows.Length && _epoch >= 0)
        {
            return;
        }

        for (var i = 0; i < size; i++)
        {
            var (epoch, k) = Math.DivRem((local * size) + i, (long)rows.Length);
            if (epoch != _epoch)
            {
                _epoch = epoch;
                _permutation = Stream(s_batchStream, ((ulong)network << 20) + (ulong)epoch).Permutation(rows.Length);
            }

            var row = rows[size == rows.Length ? i : _permutation[(int)k]];
            _rows.AsSpan(row * q, q).CopyTo(x.Row(i));
            y.Span[i] = (float)_targets[row];
        }
    }

    private GradientStep<float> Step(double exponent) =>
        _steps.TryGetValue(exponent, out var step) ? step : _steps[exponent] = Compile(exponent);

    private GradientStep<float> Compile(double exponent)
    {
        var (parameters, m, n) = (new ParameterSet(), _options.Width, _targets.Length);
        var isFlow = _options.Optimiser == NetworkOptimiser.Flow;
        var (z, c) = (parameters.Add("features", m, _features), parameters.Add("outputs", m));
        var sums = Expr.MatrixProduct(z, Expr.Input("x", _features));
        var units = _options.Unit == NetworkUnit.Tanh ? sums.Tanh() : Expr.Max(sums, 0);
        var error = (Expr.Dot(c, units) * Math.Pow(m, -exponent)) - Expr.Input("y");
        var penalty = Expr.Shared("penalty") * ((c.SquaredNorm() + z.SquaredNorm()) / m);
        var batch = isFlow ? n : Math.Min(_options.BatchSize, n - _held);
        var step = isFlow
            ? new GradientStepOptions
            {
                // dc/dt = -m^(2g - 1) dL/dc, and so for z: mean-field time, in which velocities don't depend on m.
                Optimiser = new GradientDescent(0),
                LearningRate = new StepRate(StepTime * Math.Pow(m, (2 * exponent) - 1)),
                GradientClip = double.PositiveInfinity,
                AverageDecay = 0,
            }
            : new GradientStepOptions
            {
                LearningRate = new WarmCosineRate(_options.LearningRate * Math.Pow(m, exponent - 1), _options.FinalLearningRateShare),
                GradientClip = double.PositiveInfinity,
                AverageDecay = _options.AverageDecay,
            };
        var loss = (0.5 * error.Square()) + (0.5 * penalty);
        var compiled = new GradientStep<float>(parameters, loss / batch, batch, step, _run.Execution);
        compiled.Program["x"] = new NdArray<float>(batch, _features);
        compiled.Program["y"] = new NdArray<float>(batch);
        return compiled;
    }

    private double FlowStep()
    {
        var longest = Certificate.LongestStep(Start(_trials), FirstLayer(_trials));
        return _options.Step is { } asked && !(asked < longest)
            ? throw new ArgumentException(FormattableString.Invariant(
                $"A step of {asked} is beyond 2 / lambda_max = {longest:g4} of the tangent kernel at the start, where gradient descent grows; ")
                + "take a shorter one.")
            : _options.Step ?? (0.5 * longest);
    }

    private static void Exchange<T>(
        RunState state, string name, List<T> items, Func<T, NeuronEnsemble> neurons, Func<RunState, int, T> blank)
    {
        var count = items.Count;
        state.Exchange($"{name}s", ref count);
        while (items.Count < count)
        {
            items.Add(blank(state, items.Count));
        }

        for (var k = 0; k < count; k++)
        {
            state.Exchange<double>($"{name}{k}.outputs", neurons(items[k]).Outputs);
            state.Exchange<double>($"{name}{k}.features", neurons(items[k]).Features);
        }
    }
}
