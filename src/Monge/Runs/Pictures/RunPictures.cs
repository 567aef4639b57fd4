using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Monge.Data;

namespace Monge.Runs;

/// <summary>
/// What a run says of itself: its words, figures and pictures, from which reports are made. Its file is <see cref="FileName"/> in the folder of the run.
/// </summary>
/// <param name="Title">What was run.</param>
/// <param name="Command">The command that repeats it.</param>
public sealed record RunPictures(string Title, string Command)
{
    /// <summary>The name of the file in a folder of a run.</summary>
    public const string FileName = "pictures.json";

    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        Converters = { new PictureNumberConverter(), new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>How it was made, in lines for a person.</summary>
    public IReadOnlyList<string> Summary { get; init; } = [];

    /// <summary>What is doubtful and what to try; empty when nothing is.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The numbers that came out.</summary>
    public IReadOnlyList<RunFigure> Figures { get; init; } = [];

    /// <summary>The pictures, the most telling first.</summary>
    public IReadOnlyList<Picture> Pictures { get; init; } = [];

    /// <summary>The description as JSON, numbers rounded to six digits where they aren't whole.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_options);

    /// <summary>Reads a description.</summary>
    /// <param name="json">What <see cref="ToJson"/> wrote.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <exception cref="DataFormatException">It isn't one.</exception>
    public static RunPictures Parse(string json, string source)
    {
        try
        {
            return JsonSerializer.Deserialize<RunPictures>(json, s_options) ?? throw new JsonException("it is empty");
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new DataFormatException(source, $"isn't a description of pictures ({error.Message.TrimEnd('.')}); repeat the run to write it anew");
        }
    }

    /// <summary>Reads the description in a folder.</summary>
    /// <param name="folder">The folder of a run.</param>
    /// <exception cref="DataFormatException">The file isn't such a description.</exception>
    /// <exception cref="IOException">There is none, or it can't be read.</exception>
    public static RunPictures Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>Writes the description into a folder.</summary>
    /// <param name="folder">The folder of a run; it must exist.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Write(string folder) => AtomicFile.WriteText(Path.Combine(folder, FileName), ToJson());

    // Six digits are more than a picture shows and half the bytes, but counts stay whole; what isn't finite is null, which readers take for a gap.
    private sealed class PictureNumberConverter : JsonConverter<double>
    {
        private const double LargestCount = 1e15;

        public override bool HandleNull => true;

        public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value))
            {
                writer.WriteRawValue(value.ToString(double.IsInteger(value) && Math.Abs(value) < LargestCount ? "F0" : "G6", CultureInfo.InvariantCulture));
            }
            else
            {
                writer.WriteNullValue();
            }
        }
    }
}

/// <summary>A number that came out of a run.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">Its value.</param>
public sealed record RunFigure(string Name, double Value)
{
    /// <summary>Its standard error; null if it has none.</summary>
    public double? Error { get; init; }

    /// <summary>What it should be; null if that isn't known.</summary>
    public double? Reference { get; init; }

    /// <summary>Its unit, such as "%" or "s"; may be empty.</summary>
    public string Unit { get; init; } = "";
}
