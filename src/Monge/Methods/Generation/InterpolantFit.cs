using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Objectives;
using Monge.OptimalTransport;
using Monge.Paths;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>How a fit is run.</summary>
public sealed record FitSettings
{
    /// <summary>Seed of all draws: equal data, options and seeds give equal models to the bit, whatever the threads (without a budget of time).</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads, 0 for all.</summary>
    public int Threads { get; init; }

    /// <summary>Time to train, in place of a number of steps.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>A file to save the state in now and then; it is removed when the fit is complete. Null saves none.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Whether to go on from the checkpoint if there is one.</summary>
    public bool Resume { get; init; }

    /// <summary>Receives progress.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }
}

/// <summary>
/// Learns a transport from data by regression on a stochastic interpolant (M. Albergo and E. Vanden-Eijnden, arXiv:2209.15571; M. Albergo, N. Boffi and
/// E. Vanden-Eijnden, arXiv:2303.08797): no path is simulated while training. Each step draws pairs, times and noise, and lowers
/// sum_f E(|f|^2 / 2 - target . f) over the learned fields f (<see cref="InterpolantRegression"/>); the averaged parameters with the least loss on held-out
/// rows are kept.
/// </summary>
public static class InterpolantFit
{
    private const int LossIntervals = 10;

    /// <summary>Fits a model.</summary>
    /// <param name="data">The data and the base.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="settings">Seed, threads, checkpoint and the like; null for the defaults.</param>
    /// <param name="cancellation">Stops between two steps; the checkpoint is written first.</param>
    /// <exception cref="ArgumentException">Data and options don't go together, or an option is out of range.</exception>
    /// <exception cref="DataFormatException">The table has too few rows, or a constant column.</exception>
    /// <exception cref="CheckpointException">The checkpoint belongs to another fit, or is damaged.</exception>
    /// <exception cref="ArithmeticException">A loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static FlowModel Run(FlowData data, InterpolantOptions? options = null, FitSettings? settings = null, CancellationToken cancellation = default)
    {
        (options, settings) = ((options ?? new InterpolantOptions()).Checked(), settings ?? new FitSettings());
        settings.Progress?.Report(new TrainingProgress(0, options.Iterations, double.NaN, TimeSpan.Zero, TimeSpan.Zero, "prepare"));
        using var training = new FlowTraining(data, options, settings, cancellation);
        var state = training.State;
        var checkpoint = new FlowCheckpoint(settings.Checkpoint, training.Fingerprint, options, settings.Seed);
        var resumed = settings.Resume ? checkpoint.Load(state) : null;
        var plan = new TrainingPlan
        {
            Iterations = resumed?.Total ?? options.Iterations,
            Budget = settings.Budget,
            FirstIteration = state.Adam.Steps,
            ElapsedBefore = resumed?.Elapsed ?? TimeSpan.Zero,
            CheckpointSeconds = options.CheckpointSeconds,
            Validations = options.Validations,
        };
        var task = new TrainingTask(
            training.Step,
            training.HasValidation ? () => [Figure.ValidationLoss(training.ValidationLoss())] : null,
            settings.Checkpoint is null ? null : (_, total, elapsed) => checkpoint.Save(state, total, elapsed))
        {
            IsDone = () => options.Patience > 0 && state.SinceBest >= options.Patience,
        };
        if (resumed is null)
        {
            // Where training finds nothing that holds on other rows, the start is the best: the linear part alone, or a mixture base as it is.
            training.ValidationLoss();
        }

        var outcome = TrainingLoop.Run(task, plan, settings.Progress, cancellation);
        var model = training.Best(LossIntervals);
        model.TrainSeconds = outcome.Elapsed.TotalSeconds;
        return model;
    }

    /// <summary>Begins a fit that is taken step by step, without checkpoint or early end: for measurements.</summary>
    /// <param name="data">The data and the base.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="settings">Seed and threads; null for the defaults.</param>
    public static FlowTraining Begin(FlowData data, InterpolantOptions? options = null, FitSettings? settings = null) =>
        new(data, (options ?? new InterpolantOptions()).Checked(), settings ?? new FitSettings(), CancellationToken.None);

    /// <summary>Removes the checkpoint of a fit whose model has been saved.</summary>
    /// <param name="path">The checkpoint's file; nothing happens if there is none.</param>
    public static void RemoveCheckpoint(string path) => File.Delete(path);
}

/// <summary>All there is to checkpoint of a fit.</summary>
internal sealed class InterpolantState(int parameters)
{
    /// <summary>Parameters, moments, average, steps.</summary>
    public AdamState<float> Adam { get; } = new(parameters);

    /// <summary>The averaged parameters at the best judgement.</summary>
    public NdArray<float> Best { get; } = new(parameters);

    /// <summary>The running spread of the loss over time, for importance sampling.</summary>
    public double[] Spread { get; } = new double[RegressionTimes.Bins];

    /// <summary>The best loss on held-out rows.</summary>
    public double BestLoss { get; set; } = double.PositiveInfinity;

    /// <summary>The step of the best judgement.</summary>
    public long BestStep { get; set; }

    /// <summary>Judgements since the best.</summary>
    public int SinceBest { get; set; }
}

/// <summary>
/// A fit that is taken step by step. One program draws noise and times, forms the position, evaluates the networks and the gradient; samplers of data without a
/// table draw for the next step on another thread meanwhile.
/// </summary>
public sealed class FlowTraining : IDisposable
{
    // A step in the random streams that no training reaches.
    private const ulong ValidationStep = 1UL << 39;

    private readonly FlowData _data;
    private readonly InterpolantOptions _options;
    private readonly ulong _seed;
    private readonly ExecutionOptions _execution;
    private readonly InterpolantKind _form;
    private readonly PreparedPairs _pairs;
    private readonly InterpolantFields _fields;
    private readonly CompiledProgram<float> _step;
    private readonly PairBatches _batches;
    private readonly RegressionTimes _times;
    private readonly NdArray<float> _residuals;
    private readonly PairBatch? _validation;
    private readonly RegressionTimes? _validationTimes;
    private readonly NdArray<float>? _validationResiduals;

    internal FlowTraining(FlowData data, InterpolantOptions options, FitSettings settings, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(data);
        (_data, _options, _seed, _execution) = (data, options, settings.Seed, new ExecutionOptions { Threads = settings.Threads });
        _form = Form(data, options);
        _pairs = PreparedPairs.Prepare(data, options.Pairing, _form == InterpolantKind.TwoSided, _seed, settings.Threads, cancellation);
        var initializer = new ParameterInitializer();
        _fields = options.NewFields(Parameters, initializer, _form, _pairs.Inputs, _pairs.Moments, _pairs.Mixture);
        _step = new CompiledProgram<float>(Trace(), _execution);
        _batches = new PairBatches(_pairs, options.BatchSize, _seed, _step.Team);
        (_times, _residuals) = (new RegressionTimes(options.Times, options.BatchSize), new NdArray<float>(options.BatchSize));
        _validation = _batches.Validation();
        if (_validation is not null)
        {
            (_validationTimes, _validationResiduals) = (new RegressionTimes(options.Times, _validation.Size), new NdArray<float>(_validation.Size));
        }

        State = new InterpolantState(Parameters.Count);
        initializer.Fill(State.Adam.Parameters.Span, new RandomKey(_seed, TrainingStreams.Parameters));
        State.Adam.BeginAverage();
        Array.Fill(State.Spread, 1);
    }

    /// <summary>The networks' parameters, declared.</summary>
    public ParameterSet Parameters { get; } = new();

    internal InterpolantState State { get; }

    /// <summary>Whether rows are held out to judge by.</summary>
    internal bool HasValidation => _validation is not null;

    /// <summary>Names the data in checkpoints.</summary>
    internal string Fingerprint
    {
        get
        {
            var start = _data.HasGaussianBase ? "gaussian"
                : _data.BaseMixture is { } mixture ? $"mixture {MethodOptions.Format(mixture)} {_data.BroadShare}" : "sampler";
            return $"{_data.Table?.Fingerprint() ?? "sampler"}/{_data.Base?.Fingerprint() ?? start}";
        }
    }

    /// <summary>Takes the next optimiser step of a run of the options' length.</summary>
    /// <returns>The batch's loss and the gradient's norm.</returns>
    public StepInfo Step() => Step(State.Adam.Steps, _options.Iterations);

    /// <summary>The loss of the averaged parameters on the held-out rows, with the same noise and times at each call; not a number without such rows.</summary>
    public double ValidationLoss()
    {
        if (_validation is null)
        {
            return double.NaN;
        }

        Bind(_validation, _validationTimes!, _validationResiduals!, rowNoise: 0);
        _step.Parameters = State.Adam.Average;
        _step.Run(_validation.Size, new DrawKey(_seed, ValidationStep));
        double loss = _step["loss"][0];
        State.SinceBest++;
        if (loss < State.BestLoss)
        {
            (State.BestLoss, State.BestStep, State.SinceBest) = (loss, State.Adam.Steps, 0);
            State.Adam.Average.Span.CopyTo(State.Best.Span);
        }

        return loss;
    }

    /// <summary>
    /// Where in time the loss is large and spread: |f - target|^2 of the averaged parameters on the held-out rows, its mean and standard deviation in equal
    /// intervals of time. The mean contains what no field can lower.
    /// </summary>
    /// <param name="intervals">Number of intervals.</param>
    /// <exception cref="InvalidOperationException">No rows are held out.</exception>
    public IReadOnlyList<LossInterval> LossByTime(int intervals = 10) => LossByTime(State.Adam.Average, intervals);

    /// <summary>The model of the averaged parameters.</summary>
    public FlowModel Model() => Model(State.Adam.Average, State.Adam.Steps, double.NaN, null);

    /// <inheritdoc/>
    public void Dispose()
    {
        _batches.Dispose();
        _step.Dispose();
    }

    /// <summary>Takes one step of a run of a total length.</summary>
    internal StepInfo Step(long iteration, long total)
    {
        var batch = _batches.Next(iteration);
        if (_options.Times == TimeLaw.Importance)
        {
            _times.Draw(State.Spread, _seed, iteration);
        }

        Bind(batch, _times, _residuals, _options.RowNoise);
        _step.Parameters = State.Adam.Parameters;
        _step.Run(batch.Size, new DrawKey(_seed, (ulong)iteration));
        if (_options.Times == TimeLaw.Importance)
        {
            _times.Observe(State.Spread, _residuals.Span);
        }

        var rate = LearningRate.WarmCosine(iteration, total, _options.LearningRate, _options.FinalLearningRateShare);
        var norm = State.Adam.Step(_step["gradient"], rate, _options.GradientClip, _options.AverageDecay, _step.Team);
        return new StepInfo(_step["loss"][0], norm);
    }

    /// <summary>The model of the best judged parameters, or of the averaged ones where no rows are held out.</summary>
    internal FlowModel Best(int intervals) => HasValidation ? Model(State.Best, State.BestStep, State.BestLoss, LossByTime(State.Best, intervals)) : Model();

    private static InterpolantKind Form(FlowData data, InterpolantOptions options)
    {
        if (data.BaseMixture is not null)
        {
            CheckMixture(data, options);
        }

        var isNoise = data.HasGaussianBase && options.Coupling == CouplingKind.Independent;
        if (options.Form == InterpolantKind.OneSided && !isNoise)
        {
            throw new ArgumentException(
                "A one-sided interpolant has a Gaussian base drawn independently of the data; choose the form 'twoSided' for another base or coupling.");
        }

        if (options.Form == InterpolantKind.Mirror && !isNoise)
        {
            throw new ArgumentException("A mirror interpolant has the data on both sides; give it no base, and leave the coupling 'independent'.");
        }

        return options.Form != InterpolantKind.Automatic ? options.Form : isNoise ? InterpolantKind.OneSided : InterpolantKind.TwoSided;
    }

    private static void CheckMixture(FlowData data, InterpolantOptions options)
    {
        var schedule = InterpolantSchedules.Get(options.Schedule);
        var (start, end) = (schedule.At(0), schedule.At(1));
        var isExact = Math.Abs(start.Alpha - 1) + Math.Abs(start.Beta) + Math.Abs(end.Alpha) + Math.Abs(end.Beta - 1) < 1e-9;
        var problem = data.Table is null || data.Base is not null || data.BaseSampler is not null ? "it is fitted to the rows of one table"
            : data.Conditions.Count > 0 ? "it can't depend on conditions; use a Gaussian base with them"
            : options.Coupling != CouplingKind.Independent ? "rows are paired within its components; leave the coupling 'independent'"
            : options.Form is not (InterpolantKind.Automatic or InterpolantKind.TwoSided) ? "the interpolant is two-sided; leave the form 'automatic'"
            : options.Learn != LearnedFields.Velocity ? "the velocity alone is learned; choose learn 'velocity'"
            : schedule.HasLatent || !isExact
            ? $"the schedule leads from base to data without a latent, which '{options.Schedule}' does not; choose 'trigonometric' or 'linear'"
            : null;
        if (problem is not null)
        {
            throw new ArgumentException($"With a mixture base {problem}.");
        }
    }

    private TracedProgram Trace()
    {
        var share = Expr.Shared("share");
        var (t, weight) = RegressionTimes.Trace(_options.Times, _fields.Margin);
        var pair = Pair(_options.RowNoise > 0);
        var loss = InterpolantRegression.Loss(_fields, t, pair, _options.Antithetic ?? _fields.Interpolant.HasLatent);
        var weighted = (weight is null ? loss : weight * loss) * share;
        List<(string, Expr)> outputs = [("loss", weighted.BatchSum()), ("gradient", Derivative.ParameterGradient(weighted, Parameters).BatchSum())];
        if (weight is not null)
        {
            outputs.Add(("residual", InterpolantRegression.SquaredResidual(_fields, t, pair)));
        }

        return new TracedProgram(Parameters, [.. outputs]);
    }

    // Both ends of a pair; of a mixture base their deviations from the component's mean, and that.
    private InterpolantPair Pair(bool rowNoise)
    {
        var d = _pairs.Dimension;
        var row = Expr.Input("x1", d);
        row = rowNoise ? row + (Expr.Shared("rowNoise") * Expr.Random(RandomLaw.Normal, GenerationStreams.RowNoise, d)) : row;
        var noise = Expr.Random(RandomLaw.Normal, GenerationStreams.Noise, d);
        var centre = _pairs.Mixture is null ? null : Expr.Input("centre", d);
        var x0 = _pairs.HasBaseRows ? Expr.Input("x0", d)
            : _form == InterpolantKind.OneSided ? noise
            : Expr.Random(RandomLaw.Normal, GenerationStreams.Base, d);
        return new InterpolantPair(x0, centre is null ? row : row - centre, noise)
        {
            Centre = centre,
            Condition = _pairs.Inputs > 0 ? Expr.Input("condition", _pairs.Inputs + 1) : null,
        };
    }

    private void Bind(PairBatch batch, RegressionTimes times, NdArray<float> residuals, double rowNoise)
    {
        batch.Bind(_step);
        times.Bind(_step);
        _step["share"][0] = 1f / batch.Size;
        if (_options.RowNoise > 0)
        {
            _step["rowNoise"][0] = (float)rowNoise;
        }

        if (_options.Times == TimeLaw.Importance)
        {
            _step["residual"] = residuals;
        }
    }

    private IReadOnlyList<LossInterval> LossByTime(NdArray<float> parameters, int intervals)
    {
        var batch = _validation ?? throw new InvalidOperationException("No rows are held out to measure the loss on; fit with a validation share.");
        var (t, _) = RegressionTimes.Trace(TimeLaw.Importance, _fields.Margin);
        var residuals = new NdArray<float>(batch.Size);
        using var run = new CompiledProgram<float>(
            new TracedProgram(Parameters, ("residual", InterpolantRegression.SquaredResidual(_fields, t, Pair(rowNoise: false)))), _execution)
        { Parameters = parameters, ["residual"] = residuals };
        batch.Bind(run);
        new RegressionTimes(TimeLaw.Stratified, batch.Size).Bind(run);
        run.Run(batch.Size, new DrawKey(_seed, ValidationStep));
        return LossInterval.Of(residuals.Span.ToArray(), intervals);
    }

    private FlowModel Model(NdArray<float> parameters, long step, double loss, IReadOnlyList<LossInterval>? lossByTime)
    {
        var report = new FitReport(
            _data.Table?.Source is { } source ? Path.GetFileName(source) : "sampler",
            _pairs.Train?.Rows ?? 0,
            _pairs.Validation?.Rows ?? 0,
            State.Adam.Steps,
            step,
            loss,
            _seed);
        var description = new FlowDescription(
            _options, _form, _data.Names, _data.Conditions, _pairs.Standardisation, _pairs.Moments, _data.HasGaussianBase, report)
        { Mixture = _pairs.Mixture };
        var held = _pairs.Validation;
        return new FlowModel(description, NdArray<float>.From(parameters.Span, parameters.Length))
        {
            LossByTime = lossByTime,
            HeldOutRows = held is null ? null : _pairs.Standardisation.Undo(Array.ConvertAll(held.Values, v => (double)v)),
            HeldOutGiven = held is null || _pairs.Inputs == 0 ? null : ConditionValues.Encoded(held.Conditions, _pairs.Inputs),
        };
    }
}
