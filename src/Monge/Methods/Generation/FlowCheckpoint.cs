using System.Globalization;
using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>The checkpoint of a fit: all of its state, and what names the fit.</summary>
internal sealed class FlowCheckpoint(string? path, string fingerprint, InterpolantOptions options, ulong seed)
{
    private const string Kind = "monge flow checkpoint";

    public void Save(InterpolantState state, long total, TimeSpan elapsed)
    {
        static KeyValuePair<string, NumericArray> Vector<T>(string name, ReadOnlySpan<T> values)
            where T : unmanaged => new(name, NumericArray.Create(values.ToArray(), values.Length));
        SafetensorsFile.Write(
            path!,
            [
                Vector<float>("parameters", state.Adam.Parameters.Span), Vector<float>("firstMoment", state.Adam.FirstMoment.Span),
                Vector<float>("secondMoment", state.Adam.SecondMoment.Span),
                Vector<float>("average", state.Adam.Average.Span), Vector<float>("best", state.Best.Span), Vector<double>("spread", state.Spread),
                Vector<double>("bestLoss", [state.BestLoss]),
            ],
            [
                .. Identity(),
                new("iteration", Text(state.Adam.Steps)), new("total", Text(total)), new("bestStep", Text(state.BestStep)),
                new("sinceBest", Text(state.SinceBest)),
                new("elapsedSeconds", elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture)),
            ]);
    }

    /// <summary>Fills a state from the file; null if there is none.</summary>
    public (long Total, TimeSpan Elapsed)? Load(InterpolantState state)
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
                throw new CheckpointException(
                    $"{path} belongs to another fit (its {name} differ{(name is "data" or "options" ? "" : "s")}); repeat that command, or leave out "
                    + "--resume to start anew.");
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
        new("kind", Kind), new("version", RunIdentity.Version), new("data", fingerprint), new("seed", Text((long)seed)),
        new("options", MethodOptions.Format(options with { CheckpointSeconds = 15 })),
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
