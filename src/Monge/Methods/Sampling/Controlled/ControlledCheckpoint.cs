using System.Globalization;
using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// The files of a training, both safetensors: "checkpoint.safetensors" (everything to go on from) and "model.safetensors" (what sampling needs; its bytes
/// depend on method, target, options, seed and version only).
/// </summary>
internal sealed class ControlledCheckpoint(string method, Density target, ControlledOptions options, ulong seed)
{
    public const string CheckpointName = "checkpoint.safetensors";
    public const string ModelName = "model.safetensors";

    /// <summary>The library's version.</summary>
    public static string Version { get; } = typeof(SampleSet).Assembly.GetName().Version!.ToString(3);

    public void Save<T>(string path, AdamState<T> state, TransportProblem problem, long total, TimeSpan elapsed)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (tensors, metadata) = problem.ToFile();
        SafetensorsFile.Write(
            path,
            [.. tensors, .. Vectors(state).Select(v => Vector(v.Name, v.Values))],
            [
                .. metadata,
                .. Metadata("checkpoint"),
                new("iteration", Text(state.Steps)), new("total", Text(total)), new("elapsedSeconds", elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture)),
            ]);
    }

    public void SaveModel<T>(string path, AdamState<T> state, TransportProblem problem)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (tensors, metadata) = problem.ToFile();
        SafetensorsFile.Write(path, [.. tensors, Vector("average", state.Average)], [.. metadata, .. Metadata("model"), new("iteration", Text(state.Steps))]);
    }

    /// <summary>Opens a checkpoint and refuses one of another run.</summary>
    public Resumption Open(string path)
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

        foreach (var (name, value) in Metadata("checkpoint"))
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
            return new Resumption(
                path,
                file,
                TransportProblem.FromFile(file),
                long.Parse(file.Metadata["iteration"], CultureInfo.InvariantCulture),
                long.Parse(file.Metadata["total"], CultureInfo.InvariantCulture),
                TimeSpan.FromSeconds(double.Parse(file.Metadata["elapsedSeconds"], CultureInfo.InvariantCulture)));
        }
        catch (Exception error) when (error is KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new CheckpointException($"{path} is damaged: {error.Message} Remove it to start anew.", error);
        }
    }

    private static (string Name, NdArray<T> Values)[] Vectors<T>(AdamState<T> state)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        [("parameters", state.Parameters), ("firstMoment", state.FirstMoment), ("secondMoment", state.SecondMoment), ("average", state.Average)];

    private static KeyValuePair<string, NumericArray> Vector<T>(string name, NdArray<T> values)
        where T : unmanaged, IFloatingPointIeee754<T> => new(name, NumericArray.Create(values.Span.ToArray(), [.. values.Sizes]));

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    // What names a run; options that don't change the training are left at their defaults.
    private IEnumerable<KeyValuePair<string, string>> Metadata(string kind) =>
    [
        new("kind", $"monge {method} {kind}"),
        new("version", Version),
        new("target", target.Name),
        new("dimension", target.Dimension.ToString(CultureInfo.InvariantCulture)),
        new("seed", seed.ToString(CultureInfo.InvariantCulture)),
        new("options", MethodOptions.Format(options with { Threads = 0, Segments = null, CheckpointSeconds = new ControlledOptions().CheckpointSeconds })),
    ];

    /// <summary>An opened checkpoint.</summary>
    internal sealed record Resumption(string Path, SafetensorsFile File, TransportProblem Problem, long Iteration, long Total, TimeSpan Elapsed)
    {
        /// <summary>Copies its vectors into a state.</summary>
        public void Restore<T>(AdamState<T> state)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            foreach (var (name, values) in Vectors(state))
            {
                if (!File.Tensors.TryGetValue(name, out var tensor) || tensor.Length != values.Length)
                {
                    throw new CheckpointException($"{Path} is damaged: the array '{name}' is missing or has another size; remove it to start anew.");
                }

                tensor.Values<T>().CopyTo(values.Span);
            }

            state.Steps = Iteration;
        }
    }
}
