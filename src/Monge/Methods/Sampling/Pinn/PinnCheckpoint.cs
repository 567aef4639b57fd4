using System.Globalization;
using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Measures;
using Monge.Training;

namespace Monge.Methods;

/// <summary>What a checkpoint says besides the state's vectors.</summary>
/// <param name="Problem">Coordinates and path.</param>
/// <param name="Network">The network, chosen by then.</param>
/// <param name="Iteration">Steps taken.</param>
/// <param name="Total">Steps planned.</param>
/// <param name="Elapsed">Time used.</param>
/// <param name="TargetCalls">Evaluations of the target.</param>
internal sealed record PinnResumption(TransportProblem Problem, NetworkChoice Network, long Iteration, long Total, TimeSpan Elapsed, long TargetCalls);

/// <summary>
/// The files of a training, both safetensors: "checkpoint.safetensors" (everything to go on from) and "model.safetensors" (what sampling needs; its bytes
/// depend on target, options, seed and version only).
/// </summary>
internal static class PinnCheckpoint
{
    public const string CheckpointName = "checkpoint.safetensors";
    public const string ModelName = "model.safetensors";

    public static void Save<T>(string path, PinnState<T> state, TransportProblem problem, NetworkChoice network, PinnRun run, long total, TimeSpan elapsed, long targetCalls = 0)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var adam = state.Adam;
        var (tensors, metadata) = problem.ToFile();
        SafetensorsFile.Write(
            path,
            [
                .. tensors,
                Vector("parameters", adam.Parameters), Vector("firstMoment", adam.FirstMoment), Vector("secondMoment", adam.SecondMoment),
                Vector("average", adam.Average), Vector("particles", state.Particles),
            ],
            [
                .. metadata,
                .. run.Metadata("checkpoint"), new("network", network.ToString()),
                new("iteration", Text(adam.Steps)), new("total", Text(total)), new("elapsedSeconds", elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture)),
                new("targetCalls", Text(targetCalls)),
            ]);
    }

    public static void SaveModel<T>(string path, PinnState<T> state, TransportProblem problem, NetworkChoice network, PinnRun run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (tensors, metadata) = problem.ToFile();
        SafetensorsFile.Write(path, [.. tensors, Vector("average", state.Adam.Average)], [.. metadata, .. run.Metadata("model"), new("network", network.ToString()), new("iteration", Text(state.Adam.Steps))]);
    }

    /// <summary>Opens a checkpoint and refuses one of another run.</summary>
    public static (SafetensorsFile File, PinnResumption Resumption) Open(string path, PinnRun run)
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
            return (file, new PinnResumption(
                TransportProblem.FromFile(file),
                Enum.Parse<NetworkChoice>(file.Metadata["network"]),
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
    public static void Restore<T>(string path, SafetensorsFile file, PinnState<T> state, long iteration)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        void Copy(string name, NdArray<T> to)
        {
            if (!file.Tensors.TryGetValue(name, out var tensor) || tensor.Length != to.Length)
            {
                throw new CheckpointException($"{path} is damaged: the array '{name}' is missing or has another size; remove it to start anew.");
            }

            tensor.Values<T>().CopyTo(to.Span);
        }

        Copy("parameters", state.Adam.Parameters);
        Copy("firstMoment", state.Adam.FirstMoment);
        Copy("secondMoment", state.Adam.SecondMoment);
        Copy("average", state.Adam.Average);
        Copy("particles", state.Particles);
        state.Adam.Steps = iteration;
    }

    private static KeyValuePair<string, NumericArray> Vector<T>(string name, NdArray<T> values)
        where T : unmanaged, IFloatingPointIeee754<T> => new(name, NumericArray.Create(values.Span.ToArray(), [.. values.Sizes]));

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What names a run: two checkpoints are of one run when all of this agrees.</summary>
/// <param name="Target">The target.</param>
/// <param name="Options">The resolved options.</param>
/// <param name="Seed">The seed.</param>
internal sealed record PinnRun(Density Target, PinnOptions Options, ulong Seed)
{
    /// <summary>The library's version.</summary>
    public static string Version { get; } = typeof(SampleSet).Assembly.GetName().Version!.ToString(3);

    /// <summary>The run's description in a file. Options that don't change the training are left at their defaults.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata(string kind)
    {
        var defaults = new PinnOptions();
        var training = Options with
        {
            Threads = 0,
            CheckpointSeconds = defaults.CheckpointSeconds,
            Sampler = defaults.Sampler,
            SamplerSteps = null,
            Diffusion = null,
        };
        return
        [
            new("kind", $"monge pinn {kind}"),
            new("version", Version),
            new("target", Target.Name),
            new("dimension", Target.Dimension.ToString(CultureInfo.InvariantCulture)),
            new("seed", Seed.ToString(CultureInfo.InvariantCulture)),
            new("options", MethodOptions.Format(training)),
        ];
    }
}
