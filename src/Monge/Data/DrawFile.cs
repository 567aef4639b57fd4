using System.Text.Json;
using System.Text.Json.Nodes;

namespace Monge.Data;

/// <summary>How draws are written for other programs.</summary>
public enum DrawFormat
{
    /// <summary>A comma-separated table with a column for each coordinate and, last, the log-weights.</summary>
    Csv,

    /// <summary>A NumPy archive with an array [n, ...] for each variable and the log-weights [n]; [chain, draw, ...] for chains.</summary>
    Npz,

    /// <summary>JSON as ArviZ reads it: an array [chain, draw, ...] for each variable of the group "posterior". ArviZ knows no weights.</summary>
    Arviz,
}

/// <summary>Writes draws for other programs, and reads them back.</summary>
/// <remarks>
/// Coordinates named theta[0], theta[1], ... with indices from 0 or from 1 are one variable theta in npz and ArviZ files. Sources: NumPy's format of .npz;
/// the schema of InferenceData, "arviz.from_json" and "arviz.from_dict", in which arrays are nested lists.
/// </remarks>
public static class DrawFile
{
    /// <summary>The name of the log-weights, by which R's package posterior knows them too.</summary>
    public const string LogWeightName = ".log_weight";

    private const string Group = "posterior";

    /// <summary>How a file of a format ends: .csv, .npz or .json.</summary>
    /// <param name="format">The format.</param>
    public static string Ending(DrawFormat format) => format switch { DrawFormat.Csv => ".csv", DrawFormat.Npz => ".npz", _ => ".json" };

    /// <summary>Writes draws.</summary>
    /// <param name="path">The file; replaced only when the new one is complete.</param>
    /// <param name="format">The format.</param>
    /// <param name="names">Names [d] of the coordinates.</param>
    /// <param name="values">Values [n, d], row-major.</param>
    /// <param name="logWeights">Log-weights [n]; null where all draws weigh the same.</param>
    /// <param name="chains">Chains of equal length that the draws are of, one after the other: the first axis of arrays, where there are several.</param>
    /// <exception cref="ArgumentException">
    /// The values don't fill whole rows, or weights that differ, or numbers that aren't finite, are written for ArviZ: resample first.
    /// </exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, DrawFormat format, IReadOnlyList<string> names, double[] values, double[]? logWeights = null, int chains = 1)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(chains, 1);
        if (names.Count == 0 || values.Length % ((long)names.Count * chains) != 0 || (logWeights?.Length * names.Count ?? values.Length) != values.Length)
        {
            throw new ArgumentException(
                $"{values.Length} values and {logWeights?.Length ?? 0} log-weights aren't draws of {names.Count} coordinates in {chains} equal chains.",
                nameof(values));
        }

        switch (format)
        {
            case DrawFormat.Csv:
                var (heads, rows) = logWeights is null ? (names, values) : ([.. names, LogWeightName], Beside(values, logWeights, names.Count));
                CsvTable.Write(path, heads, rows);
                break;
            case DrawFormat.Npz:
                NumpyFile.WriteArchive(path, Arrays(names, values, logWeights, chains));
                break;
            default:
                if (logWeights is not null && logWeights.Any(weight => weight != logWeights[0]))
                {
                    throw new ArgumentException("ArviZ knows no weights, and these draws don't weigh the same; resample them first.", nameof(logWeights));
                }

                if (!values.All(double.IsFinite))
                {
                    throw new ArgumentException("JSON has no numbers that aren't finite, and some of these draws aren't.", nameof(values));
                }

                AtomicFile.Write(path, stream => WriteJson(stream, names, values, chains));
                break;
        }
    }

    /// <summary>Reads the variables of a file of the ArviZ format.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Arrays [chain, draw, ...] by the variables' names.</returns>
    /// <exception cref="DataFormatException">The file isn't of this format.</exception>
    /// <exception cref="IOException">The file doesn't exist or can't be opened.</exception>
    public static IReadOnlyDictionary<string, NumericArray> ReadArviz(string path)
    {
        try
        {
            var group = JsonNode.Parse(File.ReadAllBytes(path))?[Group] as JsonObject
                ?? throw new DataFormatException(path, $"holds no group '{Group}'");
            return group.ToDictionary(variable => variable.Key, variable => Array(path, variable.Key, variable.Value));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new DataFormatException(path, $"isn't draws as JSON ({error.Message.TrimEnd('.')})", error);
        }
    }

    private static IEnumerable<(string Name, NumericArray Values)> Arrays(IReadOnlyList<string> names, double[] values, double[]? logWeights, int chains)
    {
        var rows = values.Length / names.Count;
        int[] axes = chains > 1 ? [chains, rows / chains] : [rows];
        foreach (var variable in DrawVariable.Of(names))
        {
            yield return (variable.Name, NumericArray.Create(variable.Take(values, names.Count), [.. axes, .. variable.Shape]));
        }

        if (logWeights is not null)
        {
            yield return (LogWeightName, NumericArray.Create(logWeights, axes));
        }
    }

    private static double[] Beside(double[] values, double[] logWeights, int dimension)
    {
        var joined = new double[values.Length + logWeights.Length];
        for (var i = 0; i < logWeights.Length; i++)
        {
            values.AsSpan(i * dimension, dimension).CopyTo(joined.AsSpan(i * (dimension + 1)));
            joined[(i * (dimension + 1)) + dimension] = logWeights[i];
        }

        return joined;
    }

    private static void WriteJson(Stream stream, IReadOnlyList<string> names, double[] values, int chains)
    {
        using var writer = new Utf8JsonWriter(stream);
        writer.WriteStartObject();
        writer.WriteStartObject(Group);
        foreach (var variable in DrawVariable.Of(names))
        {
            writer.WritePropertyName(variable.Name);
            var at = 0;
            WriteAxis(writer, variable.Take(values, names.Count), [chains, values.Length / names.Count / chains, .. variable.Shape], ref at);
            writer.Flush();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteAxis(Utf8JsonWriter writer, double[] values, ReadOnlySpan<int> shape, ref int at)
    {
        if (shape.IsEmpty)
        {
            writer.WriteNumberValue(values[at++]);
            return;
        }

        writer.WriteStartArray();
        for (var k = 0; k < shape[0]; k++)
        {
            WriteAxis(writer, values, shape[1..], ref at);
        }

        writer.WriteEndArray();
    }

    private static NumericArray Array(string path, string name, JsonNode? node)
    {
        List<int> shape = [];
        for (var inner = node; inner is JsonArray { Count: > 0 } axis; inner = axis[0])
        {
            shape.Add(axis.Count);
        }

        List<double> values = [];
        Collect(node, values);
        return shape.Aggregate(1L, (product, size) => product * size) == values.Count
            ? NumericArray.Create([.. values], [.. shape])
            : throw new DataFormatException(path, $"the lists of '{name}' have different lengths");
    }

    private static void Collect(JsonNode? node, List<double> values)
    {
        if (node is not JsonArray axis)
        {
            values.Add(node!.GetValue<double>());
            return;
        }

        foreach (var inner in axis)
        {
            Collect(inner, values);
        }
    }
}
