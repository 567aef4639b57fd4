using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Training;

namespace Monge.Methods;

/// <summary>All there is to checkpoint of a fit.</summary>
internal sealed class FlowState(int parameters)
{
    /// <summary>Parameters, moments, average, steps.</summary>
    public AdamState<float> Adam { get; } = new(parameters);

    /// <summary>The averaged parameters at the best judgement.</summary>
    public NdArray<float> Best { get; } = new(parameters);

    /// <summary>The running spread of the loss over time, for importance sampling.</summary>
    public double[] Spread { get; } = new double[ImportanceTimes.Bins];

    /// <summary>The best loss on held-out rows.</summary>
    public double BestLoss { get; set; } = double.PositiveInfinity;

    /// <summary>The step of the best judgement.</summary>
    public long BestStep { get; set; }

    /// <summary>Judgements since the best.</summary>
    public int SinceBest { get; set; }
}

/// <summary>
/// The regression of an interpolant's fields: one program draws noise and times, forms the position, evaluates the networks and the gradient; the samplers of
/// data without a table draw for the next step on another thread meanwhile.
/// </summary>
internal sealed class FlowTrainer : IDisposable
{
    // A step in the random streams that no training reaches.
    private const ulong ValidationStep = 1UL << 39;

    private readonly FlowProblem _problem;
    private readonly InterpolantOptions _options;
    private readonly ulong _seed;
    private readonly CompiledProgram<float> _step;
    private readonly FlowBatches _batches;
    private readonly FlowBatch? _validation;
    private readonly bool _ahead;
    private readonly ImportanceTimes? _importance;
    private readonly NdArray<float> _strata;
    private readonly NdArray<float> _validationStrata;
    private readonly NdArray<float>? _residuals;
    private readonly NdArray<float>? _validationResiduals;
    private readonly NdArray<float>? _weights;
    private readonly NdArray<float>? _validationWeights;
    private FlowBatch _current;
    private FlowBatch _next;
    private long _prepared = -1;
    private Task? _preparation;

    public FlowTrainer(FlowProblem problem, ulong seed, ExecutionOptions execution)
    {
        (_problem, _options, _seed) = (problem, problem.Options, seed);
        Fields = new FlowFields(_options, problem.Form, problem.Dimension, problem.Inputs, problem.Moments, problem.Mixture);
        _step = new CompiledProgram<float>(Trace(), execution);
        _batches = new FlowBatches(problem, seed, _step.Team);
        _validation = _batches.Validation();
        (_current, _next) = (new FlowBatch(_options.BatchSize, problem), new FlowBatch(_options.BatchSize, problem));

        // Reading rows of a table is cheaper than another thread's share of the caches.
        _ahead = execution.Threads != 1 && problem.Train is null;
        _strata = Strata(_options.BatchSize, _options.Times == TimeLaw.Uniform);
        _validationStrata = Strata(_validation?.Size ?? 1, _options.Times == TimeLaw.Uniform);
        if (_options.Times == TimeLaw.Importance)
        {
            _importance = new ImportanceTimes(seed);
            (_residuals, _weights) = (new NdArray<float>(_options.BatchSize), new NdArray<float>(_options.BatchSize));
            (_validationResiduals, _validationWeights) = (new NdArray<float>(_validation?.Size ?? 1), new NdArray<float>(_validation?.Size ?? 1));
            _validationWeights.Span.Fill(1);
        }
    }

    public FlowFields Fields { get; }

    /// <summary>Whether rows are held out to judge by.</summary>
    public bool HasValidation => _validation is not null;

    /// <summary>The state before the first step.</summary>
    public FlowState Init()
    {
        var state = new FlowState(Fields.Parameters.Count);
        Fields.Initializer.Fill(state.Adam.Parameters.Span, new RandomKey(_seed, TrainingStreams.Parameters));
        state.Adam.BeginAverage();
        Array.Fill(state.Spread, 1);
        return state;
    }

    /// <summary>Takes one step of a run of a total length.</summary>
    public StepInfo Step(FlowState state, long iteration, long total)
    {
        Await(iteration);
        if (_ahead)
        {
            var next = _next;
            _preparation = Task.Run(() => _batches.Fill(next, iteration + 1));
            _prepared = iteration + 1;
        }

        _batches.Couple(_current, iteration);
        _importance?.Draw(state.Spread, _strata.Span, _weights!.Span, iteration);
        Bind(_current, _strata, _residuals, _weights);
        SetRowNoise(_options.RowNoise);
        _step.Parameters = state.Adam.Parameters;
        _step.Run(_current.Size, new DrawKey(_seed, (ulong)iteration));
        _importance?.Observe(state.Spread, _strata.Span, _residuals!.Span);
        var rate = LearningRate.WarmCosine(iteration, total, _options.LearningRate, _options.FinalLearningRateShare);
        var norm = state.Adam.Step(_step["gradient"], rate, _options.GradientClip, _options.AverageDecay, _step.Team);
        return new StepInfo(_step["loss"][0], norm);
    }

    /// <summary>The loss of the averaged parameters on the held-out rows, with the same noise and times at each call; keeps the best.</summary>
    public double Judge(FlowState state)
    {
        Bind(_validation!, _validationStrata, _validationResiduals, _validationWeights);
        SetRowNoise(0);
        _step.Parameters = state.Adam.Average;
        _step.Run(_validation!.Size, new DrawKey(_seed, ValidationStep));
        double loss = _step["loss"][0];
        state.SinceBest++;
        if (loss < state.BestLoss)
        {
            (state.BestLoss, state.BestStep, state.SinceBest) = (loss, state.Adam.Steps, 0);
            state.Adam.Average.Span.CopyTo(state.Best.Span);
        }

        return loss;
    }

    /// <summary>The squared residual on the held-out rows in equal intervals of time.</summary>
    public IReadOnlyList<LossInterval> ResidualByTime(NdArray<float> parameters, int intervals, ExecutionOptions execution)
    {
        var batch = _validation ?? throw new InvalidOperationException("No rows are held out to measure the loss on; fit with a validation share.");
        var d = _problem.Dimension;
        var t = Expr.Input("stratum");
        var (x0, x1, centre) = Ends(Expr.Input("x1", d));
        var condition = _problem.Inputs > 0 ? Expr.Input("condition", _problem.Inputs + 1) : null;
        var time = Fields.Margin + ((1 - (2 * Fields.Margin)) * t);
        var residual = Fields.SquaredResidual(time, x0, x1, Expr.Random(RandomLaw.Normal, GenerationStreams.Noise, d), condition, centre);
        using var run = new CompiledProgram<float>(new TracedProgram(Fields.Parameters, ("residual", residual)), execution)
        {
            Parameters = parameters,
            ["x1"] = batch.Data,
            ["stratum"] = Strata(batch.Size, false),
            ["residual"] = new NdArray<float>(batch.Size),
        };
        if (batch.Base is not null)
        {
            run["x0"] = batch.Base;
        }

        if (batch.Centre is not null)
        {
            run["centre"] = batch.Centre;
        }

        if (batch.Condition is not null)
        {
            run["condition"] = batch.Condition;
        }

        run.Run(batch.Size, new DrawKey(_seed, ValidationStep));
        var result = new LossInterval[intervals];
        for (var k = 0; k < intervals; k++)
        {
            var part = run["residual"].Span[(int)((long)batch.Size * k / intervals)..(int)((long)batch.Size * (k + 1) / intervals)].ToArray();
            var mean = part.Average(v => (double)v);
            result[k] = new LossInterval((double)k / intervals, (k + 1.0) / intervals, mean, Math.Sqrt(part.Average(v => (v - mean) * (v - mean))));
        }

        return result;
    }

    public void Dispose()
    {
        _preparation?.Wait();
        _step.Dispose();
    }

    private void Await(long iteration)
    {
        if (_prepared == iteration)
        {
            _preparation!.GetAwaiter().GetResult();
            (_current, _next) = (_next, _current);
            return;
        }

        _preparation?.GetAwaiter().GetResult();
        _batches.Fill(_current, iteration);
    }

    private void Bind(FlowBatch batch, NdArray<float> strata, NdArray<float>? residuals, NdArray<float>? weights)
    {
        _step["x1"] = batch.Data;
        _step["stratum"] = strata;
        _step["share"][0] = 1f / batch.Size;
        if (batch.Base is not null)
        {
            _step["x0"] = batch.Base;
        }

        if (batch.Centre is not null)
        {
            _step["centre"] = batch.Centre;
        }

        if (batch.Condition is not null)
        {
            _step["condition"] = batch.Condition;
        }

        if (_importance is not null)
        {
            (_step["residual"], _step["weight"]) = (residuals!, weights!);
        }
    }

    private void SetRowNoise(double deviation)
    {
        if (_options.RowNoise > 0)
        {
            _step["rowNoise"][0] = (float)deviation;
        }
    }

    private TracedProgram Trace()
    {
        var d = _problem.Dimension;
        var row = Expr.Input("x1", d);
        if (_options.RowNoise > 0)
        {
            row += Expr.Shared("rowNoise") * Expr.Random(RandomLaw.Normal, GenerationStreams.RowNoise, d);
        }

        var (x0, x1, centre) = Ends(row);
        var z = Expr.Random(RandomLaw.Normal, GenerationStreams.Noise, d);
        var condition = _problem.Inputs > 0 ? Expr.Input("condition", _problem.Inputs + 1) : null;
        var (stratum, share) = (Expr.Input("stratum"), Expr.Shared("share"));
        var isImportance = _options.Times == TimeLaw.Importance;
        var width = _options.Times == TimeLaw.Uniform ? 1 : share;
        var unit = isImportance ? stratum : stratum + (width * Expr.Random(RandomLaw.Uniform, GenerationStreams.Times));
        var t = Fields.Margin + ((1 - (2 * Fields.Margin)) * unit);
        var loss = Fields.Loss(t, x0, x1, z, condition, centre);
        if (_options.Antithetic ?? Fields.HasLatent)
        {
            loss = 0.5 * (loss + Fields.Loss(t, x0, x1, -z, condition, centre));
        }

        var weighted = (isImportance ? Expr.Input("weight") * loss : loss) * share;
        List<(string, Expr)> outputs = [("loss", weighted.BatchSum()), ("gradient", Derivative.ParameterGradient(weighted, Fields.Parameters).BatchSum())];
        if (isImportance)
        {
            outputs.Add(("residual", Fields.SquaredResidual(t, x0, x1, z, condition, centre)));
        }

        return new TracedProgram(Fields.Parameters, [.. outputs]);
    }

    // Both ends of a pair; of a mixture base their deviations from the component's mean, and that.
    private (Expr X0, Expr X1, Expr? Centre) Ends(Expr row)
    {
        var d = _problem.Dimension;
        var x0 = _problem.HasBaseInput ? Expr.Input("x0", d) : Expr.Random(RandomLaw.Normal, GenerationStreams.Base, d);
        var centre = _problem.Mixture is null ? null : Expr.Input("centre", d);
        return (x0, centre is null ? row : row - centre, centre);
    }

    private static NdArray<float> Strata(int count, bool uniform)
    {
        var strata = new NdArray<float>(count);
        for (var i = 0; i < count && !uniform; i++)
        {
            strata[i] = (float)((double)i / count);
        }

        return strata;
    }
}
