using System.Globalization;
using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
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
/// Learns a transport from data by regression on a stochastic interpolant (M. Albergo and E. Vanden-Eijnden, arXiv:2209.15571; M. Albergo, N. Boffi and E. Vanden-Eijnden,
/// arXiv:2303.08797): no path is simulated while training.
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
        ArgumentNullException.ThrowIfNull(data);
        options = (options ?? new InterpolantOptions()).Checked();
        settings ??= new FitSettings();
        settings.Progress?.Report(new TrainingProgress(0, options.Iterations, double.NaN, null, TimeSpan.Zero, TimeSpan.Zero, "prepare"));
        var problem = FlowProblem.Prepare(data, options, settings.Seed, settings.Threads, cancellation);
        var execution = new ExecutionOptions { Threads = settings.Threads };
        using var trainer = new FlowTrainer(problem, settings.Seed, execution);
        var checkpoint = new FlowCheckpoint(settings.Checkpoint, problem, settings.Seed);
        var state = trainer.Init();
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
            (iteration, total) => trainer.Step(state, iteration, total),
            null,
            settings.Checkpoint is null ? null : (_, total, elapsed) => checkpoint.Save(state, total, elapsed))
        {
            ValidationLoss = trainer.HasValidation ? () => trainer.Judge(state) : null,
            IsDone = () => options.Patience > 0 && state.SinceBest >= options.Patience,
        };
        if (resumed is null && trainer.HasValidation)
        {
            // Where training finds nothing that holds on other rows, the start is the best: the linear part alone, or a mixture base as it is.
            trainer.Judge(state);
        }

        TrainingLoop.Run(task, plan, settings.Progress, cancellation);
        return Model(problem, trainer, state, settings.Seed, trainer.HasValidation ? trainer.ResidualByTime(state.Best, LossIntervals, execution) : null);
    }

    /// <summary>Begins a fit that is taken step by step, without checkpoint or early end: for measurements.</summary>
    /// <param name="data">The data and the base.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="settings">Seed and threads; null for the defaults.</param>
    public static FlowTraining Begin(FlowData data, InterpolantOptions? options = null, FitSettings? settings = null)
    {
        options = (options ?? new InterpolantOptions()).Checked();
        settings ??= new FitSettings();
        return new FlowTraining(FlowProblem.Prepare(data, options, settings.Seed, settings.Threads), settings);
    }

    /// <summary>Removes the checkpoint of a fit whose model has been saved.</summary>
    /// <param name="path">The checkpoint's file; nothing happens if there is none.</param>
    public static void RemoveCheckpoint(string path) => File.Delete(path);

    internal static FlowModel Model(FlowProblem problem, FlowTrainer trainer, FlowState state, ulong seed, IReadOnlyList<LossInterval>? lossByTime)
    {
        var isBest = lossByTime is not null;
        var parameters = new NdArray<float>(state.Best.Length);
        (isBest ? state.Best : state.Adam.Average).Span.CopyTo(parameters.Span);
        var report = new FitReport(
            problem.Data.Table?.Source is { } source ? Path.GetFileName(source) : "sampler",
            problem.Train?.Rows ?? 0,
            problem.Validation?.Rows ?? 0,
            state.Adam.Steps,
            isBest ? state.BestStep : state.Adam.Steps,
            isBest ? state.BestLoss : double.NaN,
            seed);
        return new FlowModel(
            new FlowDescription(problem.Options, problem.Form, problem.Data.Names, problem.Data.Conditions, problem.Standardisation, problem.Moments, problem.Data.HasGaussianBase, report) { Mixture = problem.Mixture },
            parameters)
        {
            LossByTime = lossByTime,
            HeldOutRows = problem.Validation is { } held ? problem.Standardisation.Undo(Array.ConvertAll(held.Values, v => (double)v)) : null,
            HeldOutGiven = problem.Validation is { } rows && problem.Inputs > 0 ? FlowGiven.Inputs(WithoutFlag(rows.Conditions, problem.Inputs)) : null,
        };
    }

    private static float[] WithoutFlag(float[] conditions, int inputs)
    {
        var result = new float[conditions.Length / (inputs + 1) * inputs];
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = conditions[(i / inputs * (inputs + 1)) + (i % inputs)];
        }

        return result;
    }
}

/// <summary>A fit that is taken step by step.</summary>
public sealed class FlowTraining : IDisposable
{
    private readonly FlowProblem _problem;
    private readonly FlowTrainer _trainer;
    private readonly FlowState _state;
    private readonly ulong _seed;
    private readonly ExecutionOptions _execution;

    internal FlowTraining(FlowProblem problem, FitSettings settings)
    {
        (_problem, _seed) = (problem, settings.Seed);
        _execution = new ExecutionOptions { Threads = settings.Threads };
        _trainer = new FlowTrainer(problem, settings.Seed, _execution);
        _state = _trainer.Init();
    }

    /// <summary>The networks' parameters, declared.</summary>
    public Engine.Programs.ParameterSet Parameters => _trainer.Fields.Parameters;

    /// <summary>Takes the next optimiser step of a run of the options' length.</summary>
    /// <returns>The batch's loss and the gradient's norm.</returns>
    public StepInfo Step() => _trainer.Step(_state, _state.Adam.Steps, _problem.Options.Iterations);

    /// <summary>The loss of the averaged parameters on the held-out rows; not a number without.</summary>
    public double ValidationLoss() => _trainer.HasValidation ? _trainer.Judge(_state) : double.NaN;

    /// <summary>
    /// Where in time the loss is large and spread: |f - target|^2 of the averaged parameters on the held-out rows, its mean and standard deviation in equal intervals of time. The
    /// mean contains what no field can lower.
    /// </summary>
    /// <param name="intervals">Number of intervals.</param>
    /// <exception cref="InvalidOperationException">No rows are held out.</exception>
    public IReadOnlyList<LossInterval> LossByTime(int intervals = 10) => _trainer.ResidualByTime(_state.Adam.Average, intervals, _execution);

    /// <summary>The model of the averaged parameters.</summary>
    public FlowModel Model() => InterpolantFit.Model(_problem, _trainer, _state, _seed, lossByTime: null);

    /// <inheritdoc/>
    public void Dispose() => _trainer.Dispose();
}

/// <summary>The checkpoint of a fit: all of its state, and what names the fit.</summary>
internal sealed class FlowCheckpoint(string? path, FlowProblem problem, ulong seed)
{
    private const string Kind = "monge flow checkpoint";

    public void Save(FlowState state, long total, TimeSpan elapsed)
    {
        static KeyValuePair<string, NumericArray> Vector<T>(string name, ReadOnlySpan<T> values)
            where T : unmanaged => new(name, NumericArray.Create(values.ToArray(), values.Length));
        SafetensorsFile.Write(
            path!,
            [
                Vector<float>("parameters", state.Adam.Parameters.Span), Vector<float>("firstMoment", state.Adam.FirstMoment.Span), Vector<float>("secondMoment", state.Adam.SecondMoment.Span),
                Vector<float>("average", state.Adam.Average.Span), Vector<float>("best", state.Best.Span), Vector<double>("spread", state.Spread), Vector<double>("bestLoss", [state.BestLoss]),
            ],
            [
                .. Identity(),
                new("iteration", Text(state.Adam.Steps)), new("total", Text(total)), new("bestStep", Text(state.BestStep)), new("sinceBest", Text(state.SinceBest)),
                new("elapsedSeconds", elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture)),
            ]);
    }

    /// <summary>Fills a state from the file; null if there is none.</summary>
    public (long Total, TimeSpan Elapsed)? Load(FlowState state)
    {
        if (path is null || !File.Exists(path))
        {
            return null;
        }

        SafetensorsFile file;
        try
        {
            file = SafetensorsFile.Read(path);
        }
        catch (DataFormatException error)
        {
            throw new CheckpointException($"{error.Message}; remove it to start anew.", error);
        }

        foreach (var (name, value) in Identity())
        {
            if (!file.Metadata.TryGetValue(name, out var found) || found != value)
            {
                throw new CheckpointException($"{path} belongs to another fit (its {name} differ{(name is "data" or "options" ? "" : "s")}); repeat that command, or leave out --resume to start anew.");
            }
        }

        try
        {
            Copy(file, "parameters", state.Adam.Parameters);
            Copy(file, "firstMoment", state.Adam.FirstMoment);
            Copy(file, "secondMoment", state.Adam.SecondMoment);
            Copy(file, "average", state.Adam.Average);
            Copy(file, "best", state.Best);
            file.Tensors["spread"].Values<double>().CopyTo(state.Spread);
            state.BestLoss = file.Tensors["bestLoss"].Values<double>()[0];
            state.Adam.Steps = Number(file, "iteration");
            (state.BestStep, state.SinceBest) = (Number(file, "bestStep"), (int)Number(file, "sinceBest"));
            return (Number(file, "total"), TimeSpan.FromSeconds(double.Parse(file.Metadata["elapsedSeconds"], CultureInfo.InvariantCulture)));
        }
        catch (Exception error) when (error is KeyNotFoundException or FormatException or ArgumentException or InvalidOperationException)
        {
            throw new CheckpointException($"{path} is damaged: {error.Message} Remove it to start anew.", error);
        }
    }

    private IEnumerable<KeyValuePair<string, string>> Identity() =>
    [
        new("kind", Kind), new("version", TrainingRun.Version), new("data", problem.Fingerprint), new("seed", Text((long)seed)),
        new("options", MethodOptions.Format(problem.Options with { CheckpointSeconds = 15 })),
    ];

    private static void Copy<T>(SafetensorsFile file, string name, NdArray<T> values)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var tensor = file.Tensors[name];
        if (tensor.Length != values.Length)
        {
            throw new ArgumentException($"The array '{name}' has {tensor.Length} numbers instead of {values.Length}.");
        }

        tensor.Values<T>().CopyTo(values.Span);
    }

    private static long Number(SafetensorsFile file, string name) => long.Parse(file.Metadata[name], CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
