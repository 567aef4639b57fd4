using System.Globalization;
using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Measures;
using Monge.Training;

namespace Monge.Methods;

/// <summary>What a checkpoint says besides the state's vectors.</summary>
/// <param name="Problem">Coordinates and path.</param>
/// <param name="Iteration">Steps taken.</param>
/// <param name="Total">Steps planned.</param>
/// <param name="Elapsed">Time used.</param>
/// <param name="TargetCalls">Evaluations of the target so far.</param>
internal sealed record NetsResumption(NetsProblem Problem, long Iteration, long Total, TimeSpan Elapsed, long TargetCalls);

/// <summary>
/// The files of a training, both safetensors: "checkpoint.safetensors" (everything to go on from) and "model.safetensors" (what sampling needs; its bytes
/// depend on target, options, seed and version only).
/// </summary>
internal static class NetsCheckpoint
{
    public const string CheckpointName = "checkpoint.safetensors";
    public const string ModelName = "model.safetensors";

    public static void Save<T>(string path, NetsState<T> state, NetsProblem problem, NetsRun run, long total, TimeSpan elapsed)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var adam = state.Adam;
        var (tensors, metadata) = problem.ToFile();
        SafetensorsFile.Write(
            path,
            [
                .. tensors,
                Vector("parameters", adam.Parameters), Vector("firstMoment", adam.FirstMoment), Vector("secondMoment", adam.SecondMoment),
                Vector("average", adam.Average), Vector("positions", state.Positions),
                Vector("times", state.Times), Vector("logWeights", state.LogWeights), Vector("deviations", state.Deviations),
            ],
            [
                .. metadata,
                .. run.Metadata("checkpoint"),
                new("iteration", Text(adam.Steps)), new("total", Text(total)), new("targetCalls", Text(state.TargetCalls)), new("elapsedSeconds", elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture)),
            ]);
    }

    public static void SaveModel<T>(string path, NetsState<T> state, NetsProblem problem, NetsRun run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (tensors, metadata) = problem.ToFile();
        SafetensorsFile.Write(path, [.. tensors, Vector("average", state.Adam.Average)], [.. metadata, .. run.Metadata("model"), new("iteration", Text(state.Adam.Steps))]);
    }

    /// <summary>Opens a checkpoint and refuses one of another run.</summary>
    public static (SafetensorsFile File, NetsResumption Resumption) Open(string path, NetsRun run)
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
            return (file, new NetsResumption(
                NetsProblem.FromFile(file),
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
    public static void Restore<T>(string path, SafetensorsFile file, NetsState<T> state, NetsResumption resumption)
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
        Copy("positions", state.Positions);
        Copy("times", state.Times);
        Copy("logWeights", state.LogWeights);
        Copy("deviations", state.Deviations);
        state.Adam.Steps = resumption.Iteration;
        state.TargetCalls = resumption.TargetCalls;
    }

    private static KeyValuePair<string, NumericArray> Vector<T>(string name, NdArray<T> values)
        where T : unmanaged, IFloatingPointIeee754<T> => new(name, NumericArray.Create(values.Span.ToArray(), [.. values.Sizes]));

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What names a run: two checkpoints are of one run when all of this agrees.</summary>
/// <param name="Target">The target.</param>
/// <param name="Options">The resolved options.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Path">The given path in words; empty for the annealing.</param>
internal sealed record NetsRun(Density Target, NetsOptions Options, ulong Seed, string Path)
{
    /// <summary>The library's version.</summary>
    public static string Version { get; } = typeof(SampleSet).Assembly.GetName().Version!.ToString(3);

    /// <summary>The run's description in a file. Options that don't change the training are left at their defaults.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata(string kind)
    {
        var defaults = new NetsOptions();
        var training = Options with
        {
            Threads = 0,
            CheckpointSeconds = defaults.CheckpointSeconds,
            Sampler = defaults.Sampler,
            SamplerSteps = null,
            Diffusion = null,
            Weights = defaults.Weights,
            ResamplingThreshold = 0,
            IslandSize = defaults.IslandSize,
        };
        return
        [
            new("kind", $"monge nets {kind}"),
            new("version", Version),
            new("target", Target.Name),
            new("dimension", Target.Dimension.ToString(CultureInfo.InvariantCulture)),
            new("givenPath", Path),
            new("seed", Seed.ToString(CultureInfo.InvariantCulture)),
            new("options", MethodOptions.Format(training)),
        ];
    }
}
