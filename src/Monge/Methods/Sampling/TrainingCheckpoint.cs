using System.Globalization;
using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>What a checkpoint says besides the state's vectors.</summary>
/// <param name="Problem">Coordinates and path.</param>
/// <param name="Choice">What the run chose by itself before training, in the method's words; empty for nothing.</param>
/// <param name="Iteration">Steps taken.</param>
/// <param name="Total">Steps planned.</param>
/// <param name="Elapsed">Time used.</param>
/// <param name="TargetCalls">Evaluations of the target.</param>
internal sealed record Resumption(TransportProblem Problem, string Choice, long Iteration, long Total, TimeSpan Elapsed, long TargetCalls);

/// <summary>All there is to checkpoint of a training: the optimiser's vectors and the stored particles.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="parameters">Number of parameters.</param>
/// <param name="particles">Number of stored particles.</param>
/// <param name="dimension">d.</param>
/// <param name="further">What a method stores besides, by name; each name once.</param>
internal sealed class TransportState<T>(int parameters, int particles, int dimension, params (string Name, NdArray<T> Values)[] further)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Parameters, moments, average and the number of steps.</summary>
    public AdamState<T> Adam { get; } = new(parameters);

    /// <summary>Positions [stored times x walkers, d] of the last simulated particles, time by time.</summary>
    public NdArray<T> Particles { get; } = new(particles, dimension);

    /// <summary>What the method stores besides.</summary>
    public NdArray<T> this[string name] => further.First(f => f.Name == name).Values;

    /// <summary>All vectors with their names in files.</summary>
    public IEnumerable<(string Name, NdArray<T> Values)> Vectors =>
        [("parameters", Adam.Parameters), ("firstMoment", Adam.FirstMoment), ("secondMoment", Adam.SecondMoment), ("average", Adam.Average), ("particles", Particles), .. further];
}

/// <summary>
/// The files of a training, both safetensors: "checkpoint.safetensors" (everything to go on from) and "model.safetensors" (what sampling needs; its bytes
/// depend on target, options, seed and version only).
/// </summary>
internal static class TrainingCheckpoint
{
    public const string CheckpointName = "checkpoint.safetensors";
    public const string ModelName = "model.safetensors";

    public static void Save<T>(
        string path, TransportState<T> state, TransportProblem problem, TrainingRun run, long total, TimeSpan elapsed, long targetCalls = 0, string choice = "")
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (tensors, metadata) = problem.ToFile();
        SafetensorsFile.Write(
            path,
            [.. tensors, .. state.Vectors.Select(v => Vector(v.Name, v.Values))],
            [
                .. metadata,
                .. run.Metadata("checkpoint"), new("choice", choice),
                new("iteration", Text(state.Adam.Steps)), new("total", Text(total)), new("elapsedSeconds", elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture)),
                new("targetCalls", Text(targetCalls)),
            ]);
    }

    public static void SaveModel<T>(string path, TransportState<T> state, TransportProblem problem, TrainingRun run, string choice = "")
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (tensors, metadata) = problem.ToFile();
        SafetensorsFile.Write(path, [.. tensors, Vector("average", state.Adam.Average)], [.. metadata, .. run.Metadata("model"), new("choice", choice), new("iteration", Text(state.Adam.Steps))]);
    }

    /// <summary>Opens a checkpoint and refuses one of another run.</summary>
    public static (SafetensorsFile File, Resumption Resumption) Open(string path, TrainingRun run)
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

        foreach (var (name, value) in run.Metadata("checkpoint"))
        {
            if (!file.Metadata.TryGetValue(name, out var found))
            {
                throw new CheckpointException($"{path} is not a checkpoint of this method: it lacks '{name}'; choose another folder or remove it.");
            }

            if (found != value)
            {
                throw new CheckpointException(name == "options"
                    ? $"{path} was made with other options; repeat that command's options, or choose another folder."
                    : $"{path} was made with {name} {found}, not {value}; repeat that command, or choose another folder.");
            }
        }

        try
        {
            return (file, new Resumption(
                TransportProblem.FromFile(file),
                file.Metadata["choice"],
                long.Parse(file.Metadata["iteration"], CultureInfo.InvariantCulture),
                long.Parse(file.Metadata["total"], CultureInfo.InvariantCulture),
                TimeSpan.FromSeconds(double.Parse(file.Metadata["elapsedSeconds"], CultureInfo.InvariantCulture)),
                long.Parse(file.Metadata["targetCalls"], CultureInfo.InvariantCulture)));
        }
        catch (Exception error) when (error is KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new CheckpointException($"{path} is damaged: {error.Message} Remove it to start anew.", error);
        }
    }

    /// <summary>Copies the vectors of a checkpoint into a state.</summary>
    public static void Restore<T>(string path, SafetensorsFile file, TransportState<T> state, long iteration)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (var (name, values) in state.Vectors)
        {
            if (!file.Tensors.TryGetValue(name, out var tensor) || tensor.Length != values.Length)
            {
                throw new CheckpointException($"{path} is damaged: the array '{name}' is missing or has another size; remove it to start anew.");
            }

            tensor.Values<T>().CopyTo(values.Span);
        }

        state.Adam.Steps = iteration;
    }

    private static KeyValuePair<string, NumericArray> Vector<T>(string name, NdArray<T> values)
        where T : unmanaged, IFloatingPointIeee754<T> => new(name, NumericArray.Create(values.Span.ToArray(), [.. values.Sizes]));

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What names a run: two checkpoints are of one run when all of this agrees.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Target">The target.</param>
/// <param name="Options">The resolved options as JSON, those that don't change the training left at their defaults.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Path">The path in words if the user gave one; empty for the method's own.</param>
internal sealed record TrainingRun(string Method, Density Target, string Options, ulong Seed, string Path = "")
{
    /// <summary>The library's version.</summary>
    public static string Version { get; } = typeof(SampleSet).Assembly.GetName().Version!.ToString(3);

    /// <summary>The run's description in a file.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata(string kind) =>
    [
        new("kind", $"monge {Method} {kind}"),
        new("version", Version),
        new("target", Target.Name),
        new("dimension", Target.Dimension.ToString(CultureInfo.InvariantCulture)),
        new("seed", Seed.ToString(CultureInfo.InvariantCulture)),
        new("options", Options),
        .. Path.Length == 0 ? Array.Empty<KeyValuePair<string, string>>() : [new("path", Path)],
    ];
}
