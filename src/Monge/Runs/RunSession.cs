using System.Diagnostics;
using System.Globalization;
using Monge.Data;
using Monge.Training;

namespace Monge.Runs;

/// <summary>What names a run: two checkpoints are of one run when all of this, the seed and the version agree.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Problem">What names the problem, such as a target's name and dimension or a table's fingerprint.</param>
/// <param name="Options">The options, those that don't change the training left at their defaults.</param>
public sealed record RunIdentity(string Method, IReadOnlyList<(string Name, string Value)> Problem, IMethodOptions Options)
{
    /// <summary>The name under which a density's fingerprint stands.</summary>
    internal const string DensityName = "density";

    /// <summary>The library's version.</summary>
    public static string Version { get; } = typeof(RunIdentity).Assembly.GetName().Version!.ToString(3);

    /// <summary>The identity as a file says it.</summary>
    /// <param name="kind">The file's kind: "checkpoint" or "model".</param>
    /// <param name="seed">The seed.</param>
    public IEnumerable<(string Name, string Value)> Words(string kind, ulong seed) =>
    [
        ("kind", $"monge {Method} {kind}"),
        ("version", Version),
        .. Problem,
        ("seed", seed.ToString(CultureInfo.InvariantCulture)),
        ("options", MethodOptions.Format(Options)),
    ];
}

/// <summary>
/// A run under way. A method says, from top to bottom, which phases it has: what is found out once (<see cref="Once"/>) and what is iterated
/// (<see cref="Iterate"/>), as many of each as it likes. The session keeps what each has reached, writes all of it to one checkpoint now and then, and gives it
/// back when the run is resumed: phases that had ended are not run again, the one that was under way goes on at its next step.
/// </summary>
public sealed class RunSession
{
    /// <summary>The name of a checkpoint in a run's folder.</summary>
    public const string CheckpointName = "checkpoint.safetensors";

    /// <summary>The name of the model in a run's folder.</summary>
    public const string ModelName = "model.safetensors";

    private const string ElapsedName = "elapsedSeconds";
    private const string PhasesName = "phases";
    private const string EvolutionName = "evolution";

    private readonly RunIdentity _identity;
    private readonly OrderedDictionary<string, RunState> _phases = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TimeSpan _elapsedBefore;

    /// <summary>Begins a run, or opens the checkpoint of one that is to be resumed.</summary>
    /// <param name="run">Seed, threads, folder and the like.</param>
    /// <param name="identity">What names the run.</param>
    /// <param name="checkpoint">The file to go on from, wherever it is; null goes on from the folder's if the run says so.</param>
    /// <exception cref="CheckpointException">The checkpoint can't be read, or is of another run.</exception>
    public RunSession(Run run, RunIdentity identity, string? checkpoint = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(identity);
        (Run, _identity) = (run, identity);
        if (checkpoint is not null)
        {
            _elapsedBefore = Open(checkpoint);
        }
        else if (run.Resume && CheckpointPath is { } path && File.Exists(path))
        {
            _elapsedBefore = Open(path);
        }
    }

    /// <summary>Seed, threads, folder and the like.</summary>
    public Run Run { get; }

    /// <summary>Time since the start, over all resumed parts.</summary>
    public TimeSpan Elapsed => _elapsedBefore + _clock.Elapsed;

    /// <summary>The phases that have begun, in their order.</summary>
    public IReadOnlyList<string> Phases => [.. _phases.Keys];

    private string? CheckpointPath => Run.Folder is { } folder ? Path.Combine(folder, CheckpointName) : null;

    /// <summary>Says what is being done.</summary>
    /// <param name="phase">The phase, such as "prepare".</param>
    /// <param name="detail">What within it, in a few words; null for nothing to add.</param>
    /// <param name="step">Steps taken of it.</param>
    /// <param name="steps">Its steps; 0 if they aren't counted.</param>
    /// <param name="figures">Figures by now.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public void Report(string phase, string? detail = null, long step = 0, long steps = 0, IReadOnlyList<Figure>? figures = null)
    {
        Run.Cancellation.ThrowIfCancellationRequested();
        Run.Progress?.Report(new TrainingProgress(step, steps, double.NaN, Elapsed, TimeSpan.Zero, phase, detail) { Figures = figures ?? [] });
    }

    /// <summary>What a phase finds out once and the run goes on from: made now, or what it made before the run was resumed.</summary>
    /// <param name="phase">Its name, unlike that of all others.</param>
    /// <param name="make">Makes it.</param>
    /// <param name="save">Writes it.</param>
    /// <param name="load">Reads what <paramref name="save"/> wrote: the same to the bit.</param>
    /// <exception cref="CheckpointException">The checkpoint is damaged.</exception>
    public TOutcome Once<TOutcome>(string phase, Func<TOutcome> make, Action<TOutcome, RunState> save, Func<RunState, TOutcome> load)
    {
        ArgumentNullException.ThrowIfNull(make);
        ArgumentNullException.ThrowIfNull(save);
        if (_phases.TryGetValue(phase, out var saved))
        {
            return Restore(() => load(saved));
        }

        Report(phase);
        var outcome = make();
        var state = new RunState();
        save(outcome, state);
        _phases.Add(phase, state);
        SaveCheckpoint();
        return outcome;
    }

    /// <summary>Takes the steps of an algorithm: from its beginning, or from where it was when the run was stopped.</summary>
    /// <param name="phase">The phase's name, unlike that of all others.</param>
    /// <param name="algorithm">What is iterated.</param>
    /// <param name="iterations">Steps in all; ignored with a budget.</param>
    /// <param name="budget">Time of all phases up to this one, from which the steps follow; null for the number of steps.</param>
    /// <param name="checkpointSeconds">Seconds between two checkpoints.</param>
    /// <param name="validations">Validations in the whole phase, at equal numbers of steps.</param>
    /// <exception cref="ArithmeticException">A loss or gradient is not finite.</exception>
    /// <exception cref="CheckpointException">The checkpoint is damaged.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; the state was saved.</exception>
    public TrainingOutcome Iterate(
        string phase, IIterative algorithm, long iterations, TimeSpan? budget = null, double checkpointSeconds = 15, int validations = 10)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        var (first, total) = (0L, iterations);
        if (_phases.TryGetValue(phase, out var saved))
        {
            (first, total) = Restore(() =>
            {
                algorithm.Exchange(saved.ToFill());
                return ((long)saved.Number("iteration"), (long)saved.Number("total"));
            });
        }
        else
        {
            algorithm.Init();
        }

        void Keep(long iteration, long of, TimeSpan _)
        {
            var state = new RunState();
            algorithm.Exchange(state);
            state.Put("iteration", iteration);
            state.Put("total", of);
            _phases[phase] = state;
            SaveCheckpoint();
        }

        var task = new TrainingTask(algorithm.Step, algorithm.Validate, CheckpointPath is null ? null : Keep)
        {
            IsDone = () => algorithm.IsDone,
            Total = algorithm.Total,
            IsRepeatable = algorithm.IsRepeatable,
        };
        var plan = new TrainingPlan
        {
            Iterations = iterations,
            Total = total,
            Budget = budget,
            FirstIteration = first,
            ElapsedBefore = Elapsed,
            CheckpointSeconds = checkpointSeconds,
            Validations = validations,
            Phase = phase,
        };
        var outcome = TrainingLoop.Run(task, plan, Run.Progress, Run.Cancellation);
        if (CheckpointPath is null)
        {
            Keep(outcome.Iterations, outcome.Iterations, outcome.Elapsed);
        }

        return outcome;
    }

    /// <summary>
    /// Writes "model.safetensors" to the run's folder: arrays and words beside what names the run; its bytes don't depend on times or threads.
    /// </summary>
    /// <param name="model">Arrays and words.</param>
    public void SaveModel(RunState model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (Run.Folder is { } folder)
        {
            Write(Path.Combine(folder, ModelName), "model", model.Arrays, model.Words);
        }
    }

    /// <summary>Writes what all phases have reached to a file, from which a run can go on.</summary>
    /// <param name="path">The file.</param>
    internal void SaveCheckpoint(string path) => Write(
        path,
        "checkpoint",
        _phases.SelectMany(p => p.Value.Arrays.Select(a => KeyValuePair.Create($"{p.Key}/{a.Key}", a.Value))),
        _phases.SelectMany(p => p.Value.Words.Select(w => KeyValuePair.Create($"{p.Key}/{w.Key}", w.Value)))
            .Append(KeyValuePair.Create(PhasesName, string.Join(',', _phases.Keys)))
            .Append(KeyValuePair.Create(ElapsedName, Elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture))));

    private void SaveCheckpoint()
    {
        if (CheckpointPath is { } path)
        {
            SaveCheckpoint(path);
        }
    }

    private void Write(string path, string kind, IEnumerable<KeyValuePair<string, NumericArray>> arrays, IEnumerable<KeyValuePair<string, string>> words) =>
        SafetensorsFile.Write(path, arrays, [.. _identity.Words(kind, Run.Seed).Select(w => KeyValuePair.Create(w.Name, w.Value)), .. words]);

    private TimeSpan Open(string path)
    {
        SafetensorsFile file;
        try
        {
            file = SafetensorsFile.Read(path);
        }
        catch (DataFormatException error)
        {
            throw new CheckpointException($"{error.Message}; remove it to start anew.", error);
        }

        foreach (var (name, value) in _identity.Words("checkpoint", Run.Seed))
        {
            if (!file.Metadata.TryGetValue(name, out var found))
            {
                throw new CheckpointException($"{path} is not a checkpoint of this method: it lacks '{name}'; choose another folder or remove it.");
            }

            if (found != value)
            {
                throw new CheckpointException(name == RunIdentity.DensityName
                    ? $"{path} was made with another log density of the same name: its formula or its data have changed; take those again, or choose another "
                        + "folder."
                    : name == EvolutionName
                    ? $"{path} was made with another evolution of the same name: its drift, diffusion or initial law has changed; take those again, or choose "
                        + "another folder."
                    : name is "options" or "data"
                    ? $"{path} was made with other {name}; repeat that command, or choose another folder."
                    : $"{path} was made with {name} {found}, not {value}; repeat that command, or choose another folder.");
            }
        }

        RunState Phase(string name) => _phases.TryGetValue(name, out var known) ? known : _phases[name] = new RunState();
        foreach (var phase in file.Metadata.GetValueOrDefault(PhasesName, "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            Phase(phase);
        }

        foreach (var (name, values) in file.Tensors)
        {
            var slash = name.IndexOf('/', StringComparison.Ordinal);
            Phase(name[..Math.Max(0, slash)]).Put(name[(slash + 1)..], values);
        }

        foreach (var (name, value) in file.Metadata)
        {
            if (name.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash)
            {
                Phase(name[..slash]).Put(name[(slash + 1)..], value);
            }
        }

        return file.Metadata.TryGetValue(ElapsedName, out var text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : throw new CheckpointException($"{path} is damaged: '{ElapsedName}' is missing; remove it to start anew.");
    }

    private T Restore<T>(Func<T> restore)
    {
        try
        {
            return restore();
        }
        catch (Exception error) when (error is CheckpointException or ArgumentException or InvalidOperationException)
        {
            throw new CheckpointException($"{CheckpointPath} is damaged: {error.Message.TrimEnd('.')}; remove it to start anew.", error);
        }
    }
}
