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

/// <summary>
/// Learns a transport from data by regression on a stochastic interpolant (M. Albergo and E. Vanden-Eijnden, arXiv:2209.15571; M. Albergo, N. Boffi and
/// E. Vanden-Eijnden, arXiv:2303.08797): no path is simulated while training. Each step draws pairs, times and noise, and lowers
/// sum_f E(|f|^2 / 2 - target . f) over the learned fields f (<see cref="InterpolantRegression"/>); the averaged parameters with the least loss on held-out
/// rows are kept.
/// </summary>
/// <param name="data">The data and the base.</param>
/// <param name="options">The options; null for the defaults.</param>
public sealed class InterpolantFit(FlowData data, InterpolantOptions? options = null) : IMethod<FlowModel>
{
    internal const string Name = "interpolant";

    private const int LossIntervals = 10;
    private const long DefaultIterations = 10_000;

    private readonly InterpolantOptions _options = (options ?? new InterpolantOptions()).Resolved();

    /// <inheritdoc/>
    public IMethodOptions Options => _options;

    /// <summary>Fits a model.</summary>
    /// <param name="run">Seed, threads, folder and the like.</param>
    /// <exception cref="ArgumentException">Data and options don't go together.</exception>
    /// <exception cref="DataFormatException">The table has too few rows, or a constant column.</exception>
    /// <exception cref="CheckpointException">The checkpoint belongs to another fit, or is damaged.</exception>
    /// <exception cref="ArithmeticException">A loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; the state was saved first.</exception>
    public FlowModel Run(Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var training = _options.Training;
        var unsaved = _options with { Training = training with { CheckpointSeconds = new TrainingOptions().CheckpointSeconds } };
        var session = new RunSession(run, new RunIdentity(Name, new FitProblem(data).Identity(), unsaved));
        session.Report("prepare");
        using var fit = new FlowTraining(data, _options, run);
        var law = data.Types is { } types ? Discrete(types, fit, session) : null;

        // A table without densities has nothing to carry.
        var hasDensity = data.Types is not { Continuous.Count: 0 };
        var outcome = session.Iterate(
            "train", fit, hasDensity ? training.Iterations ?? DefaultIterations : 1, hasDensity ? training.Budget : null, training.CheckpointSeconds,
            _options.Validations);
        return fit.Best(LossIntervals, outcome.Elapsed.TotalSeconds, law);
    }

    // Short fits, as for a trial, take as few steps here.
    private DiscreteLaw Discrete(ColumnTypes types, FlowTraining fit, RunSession session)
    {
        double[][] numbers = [.. types.Numbers.Select(t => data.Typed!.Column(t.Name))];
        using var discrete = new DiscreteTraining(types, [.. data.Codes], numbers, fit.Order, fit.Held, session.Run);
        var iterations = Math.Min(DiscreteTraining.Iterations, _options.Training.Iterations ?? DiscreteTraining.Iterations);
        session.Iterate(
            "probabilities", discrete, iterations, null, _options.Training.CheckpointSeconds, DiscreteTraining.Validations);
        return discrete.Law();
    }

    /// <summary>Begins a fit that is taken step by step, without checkpoint or early end: for measurements.</summary>
    /// <param name="run">Seed and threads.</param>
    /// <exception cref="ArgumentException">Data and options don't go together.</exception>
    public FlowTraining Begin(Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return new FlowTraining(data, _options, run);
    }
}

/// <summary>
/// A fit that is taken step by step. One program draws noise and times, forms the position, evaluates the networks and the gradient; samplers of data without a
/// table draw for the next step on another thread meanwhile.
/// </summary>
public sealed class FlowTraining : IIterative, IDisposable
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
    private readonly GradientStep<float> _step;
    private readonly PairBatches _batches;
    private readonly RegressionTimes _times;
    private readonly NdArray<float> _residuals;
    private readonly PairBatch? _validation;
    private readonly RegressionTimes? _validationTimes;
    private readonly NdArray<float>? _validationResiduals;

    // The state: the optimiser's and the averaged parameters, the best judged ones, and the running spread of the loss over time for importance sampling.
    private readonly OptimiserState<float> _state;
    private readonly BestParameters _best;
    private readonly double[] _spread = new double[RegressionTimes.Bins];

    internal FlowTraining(FlowData data, InterpolantOptions options, Run run)
    {
        ArgumentNullException.ThrowIfNull(data);
        (_data, _options, _seed, _execution) = (data, options, run.Seed, run.Execution);
        _form = Form(data, options);
        _pairs = PreparedPairs.Prepare(data, options.Pairing, _form == InterpolantKind.TwoSided, _seed, run.Threads, run.Cancellation);
        var initializer = new ParameterInitializer();
        _fields = options.Fields(_pairs.Ends, Parameters, initializer);
        _step = Compile();
        var size = _step.BatchSize;
        _batches = new PairBatches(_pairs, size, _seed, _step.Program.Team);
        (_times, _residuals) = (new RegressionTimes(options.Times, size), new NdArray<float>(size));
        _validation = _batches.Validation();
        if (_validation is not null)
        {
            (_validationTimes, _validationResiduals) = (new RegressionTimes(options.Times, _validation.Size), new NdArray<float>(_validation.Size));
        }

        (_state, _best) = (_step.Init(initializer, new RandomKey(_seed, TrainingStreams.Parameters)), new BestParameters(Parameters.Count));
        Array.Fill(_spread, 1);
    }

    /// <summary>The networks' parameters, declared.</summary>
    public ParameterSet Parameters { get; } = new();

    /// <summary>The table's rows in the order in which they were split, those held out first.</summary>
    internal int[] Order => _pairs.Order;

    /// <summary>How many rows are held out.</summary>
    internal int Held => _pairs.Validation?.Rows ?? 0;

    /// <inheritdoc/>
    public bool IsDone => _options.Patience > 0 && _best.Since >= _options.Patience;

    /// <inheritdoc/>
    public void Init()
    {
        // Where training finds nothing that holds on other rows, the start is the best: the linear part alone, or a mixture base as it is.
        ValidationLoss();
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        var batch = _batches.Next(iteration);
        if (_options.Times == TimeLaw.Importance)
        {
            _times.Draw(_spread, _seed, iteration);
        }

        Bind(_step.Program, batch, _times, _residuals, _options.RowNoise);
        var info = _step.Run(_state, iteration, total, new DrawKey(_seed, (ulong)iteration));
        if (_options.Times == TimeLaw.Importance)
        {
            _times.Observe(_spread, _residuals.Span);
        }

        return info;
    }

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.Exchange(_state);
        _best.Exchange(state);
        state.Exchange<double>("spread", _spread);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Figure> Validate() => _validation is null ? [] : [Figure.ValidationLoss(ValidationLoss())];

    /// <summary>Takes the next optimiser step of a run of the options' length.</summary>
    /// <returns>The batch's loss and the gradient's norm.</returns>
    public StepInfo Step() => Step(_state.Steps, _options.Training.Iterations!.Value);

    /// <summary>The loss of the averaged parameters on the held-out rows, with the same noise and times at each call; not a number without such rows.</summary>
    public double ValidationLoss()
    {
        if (_validation is null)
        {
            return double.NaN;
        }

        var program = _step.Program;
        Bind(program, _validation, _validationTimes!, _validationResiduals!, rowNoise: 0);
        program.Parameters = _state.Average;
        program.Run(_validation.Size, new DrawKey(_seed, ValidationStep));
        double loss = program["loss"][0];
        _best.Judge(loss, _state.Steps, _state.Average);
        return loss;
    }

    /// <summary>
    /// Where in time the loss is large and spread: |f - target|^2 of the averaged parameters on the held-out rows, its mean and standard deviation in equal
    /// intervals of time. The mean contains what no field can lower.
    /// </summary>
    /// <param name="intervals">Number of intervals.</param>
    /// <exception cref="InvalidOperationException">No rows are held out.</exception>
    public IReadOnlyList<LossInterval> LossByTime(int intervals = 10) => LossByTime(_state.Average, intervals);

    /// <summary>The model of the averaged parameters.</summary>
    public FlowModel Model() => Model(_state.Average, _state.Steps, double.NaN, null, double.NaN, null);

    /// <inheritdoc/>
    public void Dispose()
    {
        _batches.Dispose();
        _step.Dispose();
    }

    /// <summary>The model of the best judged parameters, or of the averaged ones where no rows are held out.</summary>
    internal FlowModel Best(int intervals, double seconds, DiscreteLaw? law) => _validation is null
        ? Model(_state.Average, _state.Steps, double.NaN, null, seconds, law)
        : Model(_best.Values, _best.Step, _best.Loss, LossByTime(_best.Values, intervals), seconds, law);

    private static InterpolantKind Form(FlowData data, InterpolantOptions options)
    {
        if (data.BaseMixture is not null)
        {
            CheckMixture(data, options);
        }

        if (data.Presence.Any(input => input != FlowEnds.AlwaysThere) && options.Standardisation == StandardisationKind.Whitened)
        {
            throw new ArgumentException(
                "A zero-inflated column has no place among whitened ones; use standardisation 'columns', or take it as continuous (--types NAME=continuous).");
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

        return options.FormFrom(data.HasGaussianBase);
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

    private GradientStep<float> Compile()
    {
        var (t, weight) = RegressionTimes.Trace(_options.Times, _fields.Margin);
        var pair = Pair(_options.RowNoise > 0);
        var loss = InterpolantRegression.Loss(_fields, t, pair, _options.Antithetic ?? _fields.Interpolant.HasLatent);
        var share = (weight is null ? loss : weight * loss) * Expr.Shared("share");
        (string, Expr)[] residual = weight is null ? [] : [("residual", InterpolantRegression.SquaredResidual(_fields, t, pair))];
        var training = _options.Training;
        return new GradientStep<float>(Parameters, share, training.BatchSize!.Value, training.ToStep(), _execution, further: residual);
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

    private void Bind(CompiledProgram<float> program, PairBatch batch, RegressionTimes times, NdArray<float> residuals, double rowNoise)
    {
        batch.Bind(program);
        times.Bind(program);
        program["share"][0] = 1f / batch.Size;
        if (_options.RowNoise > 0)
        {
            program["rowNoise"][0] = (float)rowNoise;
        }

        if (_options.Times == TimeLaw.Importance)
        {
            program["residual"] = residuals;
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

    private FlowModel Model(
        NdArray<float> parameters, long step, double loss, IReadOnlyList<LossInterval>? lossByTime, double seconds, DiscreteLaw? law)
    {
        var report = new FitReport(
            _data.Table?.Source is { } source ? Path.GetFileName(source) : "sampler",
            _pairs.Train?.Rows ?? 0,
            _pairs.Validation?.Rows ?? 0,
            _state.Steps,
            step,
            loss,
            _seed);
        return new FlowModel(InterpolantFit.Name, _options, _pairs.Ends, report, NdArray<float>.From(parameters.Span, parameters.Length))
        {
            LossByTime = lossByTime,
            TrainSeconds = seconds,
            HeldOutRows = _pairs.HeldOutRows,
            HeldOutGiven = _pairs.HeldOutGiven,
            Table = law is null ? null : new TableLaw(law.Types, law),
            HeldOutTable = law is null || Held == 0 ? null : _data.Typed!.Take(Order.AsSpan(0, Held)),
        };
    }
}
