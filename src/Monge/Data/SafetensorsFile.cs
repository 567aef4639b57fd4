using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Monge.Data;

/// <summary>A safetensors file: named arrays and text metadata, without any code.</summary>
/// <remarks>
/// Layout: 8 bytes little-endian header length, a JSON object of name to dtype, shape and data_offsets, then the raw values.
/// Read types: F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, BOOL, and BF16, which becomes single precision.
/// Source: the format section of the safetensors project's read-me.
/// </remarks>
public sealed class SafetensorsFile
{
    private const long MaximumHeaderLength = 100_000_000;
    private const string UpperHalves = "BF16";
    private const string MetadataName = "__metadata__";

    private SafetensorsFile(IReadOnlyDictionary<string, NumericArray> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>The arrays by name, in the order of the header.</summary>
    public IReadOnlyDictionary<string, NumericArray> Tensors { get; }

    /// <summary>The text metadata; empty if the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">The file is truncated, foreign, has overlapping or missing data ranges, repeated names or
    /// a type that is not supported.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static SafetensorsFile Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        DataFormatException Fail(string detail) => new(path, detail);
        if (stream.Length < 8)
            throw Fail($"is truncated at byte {stream.Length}: a safetensors file begins with a header length of 8 bytes");
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > (ulong)MaximumHeaderLength)
            throw Fail($"is not a safetensors file: the bytes 0 to 7 announce a header of {headerLength} bytes, more than the {MaximumHeaderLength} allowed");
        if (headerLength > (ulong)(stream.Length - 8))
            throw Fail($"is truncated at byte {stream.Length}: the header needs {8 + headerLength} bytes");
        var header = new byte[headerLength];
        stream.ReadExactly(header);
        if (header.Length == 0 || header[0] != (byte)'{')
            throw Fail("is not a safetensors file: the header at byte 8 does not begin with '{'");
        try
        {
            using JsonDocument json = JsonDocument.Parse(header);
            long dataStart = 8 + header.Length;
            (List<Entry> entries, Dictionary<string, string> metadata) = ParseHeader(json.RootElement, Fail);
            CheckCoverage(entries, stream.Length - dataStart, dataStart, Fail);
            var tensors = new OrderedDictionary<string, NumericArray>();
            foreach (Entry entry in entries)
                tensors.Add(entry.Name, ReadTensor(stream, dataStart, entry, Fail));
            return new SafetensorsFile(tensors, metadata);
        }
        catch (JsonException error)
        {
            throw new DataFormatException(
                path, $"has a header that is not JSON, near byte {8 + (error.LineNumber is 0 or null ? error.BytePositionInLine ?? 0 : 0)}", error);
        }
        catch (InvalidOperationException error)
        {
            // A JSON text that is not valid Unicode shows only when it is read.
            throw new DataFormatException(path, "has a header with a text that is not valid Unicode, after byte 8", error);
        }
    }

    /// <summary>Writes arrays and metadata; the values of each array are aligned to their width.</summary>
    /// <param name="path">The file; replaced only when the new one is complete.</param>
    /// <param name="tensors">Arrays by name; names are unique and not "__metadata__".</param>
    /// <param name="metadata">Text metadata, or null for none.</param>
    /// <exception cref="ArgumentException">A name is repeated or reserved.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, NumericArray>> tensors, IEnumerable<KeyValuePair<string, string>>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        // Widest first: then every array begins at a multiple of its own width.
        KeyValuePair<string, NumericArray>[] ordered = [.. tensors.OrderByDescending(static pair => ElementKind.Of(pair.Value.ElementType).Width)];
        var names = new HashSet<string>(StringComparer.Ordinal) { MetadataName };
        foreach ((string name, _) in ordered)
        {
            if (!names.Add(name))
                throw new ArgumentException($"The tensor name '{name}' is repeated or reserved.", nameof(tensors));
        }
        byte[] header = FormatHeader(ordered, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
            stream.Write(prefix);
            stream.Write(header);
            foreach ((_, NumericArray array) in ordered)
                array.WriteValues(stream);
        });
    }

    private static byte[] FormatHeader(KeyValuePair<string, NumericArray>[] tensors, IEnumerable<KeyValuePair<string, string>>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject(MetadataName);
                foreach ((string name, string value) in metadata)
                    json.WriteString(name, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach ((string name, NumericArray array) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", TypeName(array.ElementType));
                json.WriteStartArray("shape");
                foreach (int size in array.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += (long)array.Length * ElementKind.Of(array.ElementType).Width;
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    private static string TypeName(ElementType type) => type switch
    {
        ElementType.Float32 => "F32",
        ElementType.Float64 => "F64",
        ElementType.Int16 => "I16",
        ElementType.Int32 => "I32",
        ElementType.Int64 => "I64",
        ElementType.UInt8 => "U8",
        ElementType.Float16 => "F16",
        ElementType.Int8 => "I8",
        ElementType.UInt16 => "U16",
        ElementType.UInt32 => "U32",
        ElementType.UInt64 => "U64",
        _ => "BOOL",
    };

    private static (List<Entry> Entries, Dictionary<string, string> Metadata) ParseHeader(JsonElement root, Func<string, DataFormatException> fail)
    {
        var entries = new List<Entry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!names.Add(property.Name))
                throw fail($"has the name '{property.Name}' twice in its header");
            if (property.Value.ValueKind != JsonValueKind.Object)
                throw fail($"has a header entry '{property.Name}' that is not an object");
            if (property.Name != MetadataName)
            {
                entries.Add(ParseEntry(property.Name, property.Value, fail));
                continue;
            }
            foreach (JsonProperty item in property.Value.EnumerateObject())
            {
                if (item.Value.ValueKind != JsonValueKind.String || !metadata.TryAdd(item.Name, item.Value.GetString()!))
                    throw fail($"has the metadata '{item.Name}' twice or not as a text");
            }
        }
        return (entries, metadata);
    }

    private static Entry ParseEntry(string name, JsonElement element, Func<string, DataFormatException> fail)
    {
        var fields = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (JsonProperty field in element.EnumerateObject())
        {
            if (field.Name is not ("dtype" or "shape" or "data_offsets") || !fields.TryAdd(field.Name, field.Value))
                throw fail($"has the unknown or repeated field '{field.Name}' in the tensor '{name}'");
        }
        foreach (string required in new[] { "dtype", "shape", "data_offsets" })
        {
            if (!fields.ContainsKey(required))
                throw fail($"lacks the field '{required}' in the tensor '{name}'");
        }
        string typeName = fields["dtype"].ValueKind == JsonValueKind.String ? fields["dtype"].GetString()! : fields["dtype"].GetRawText();
        ElementType type = typeName switch
        {
            "F32" or UpperHalves => ElementType.Float32,
            "F64" => ElementType.Float64,
            "I16" => ElementType.Int16,
            "I32" => ElementType.Int32,
            "I64" => ElementType.Int64,
            "U8" => ElementType.UInt8,
            "BOOL" => ElementType.Boolean,
            "F16" => ElementType.Float16,
            "I8" => ElementType.Int8,
            "U16" => ElementType.UInt16,
            "U32" => ElementType.UInt32,
            "U64" => ElementType.UInt64,
            _ => throw fail($"has the dtype '{typeName}' in the tensor '{name}'; save it as F16, BF16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64 or BOOL"),
        };
        long[] shape = Integers(fields["shape"], name, "shape", fail);
        long[] offsets = Integers(fields["data_offsets"], name, "data_offsets", fail);
        long count = ElementTypes.CountElements(shape);
        if (count < 0 || Array.Exists(shape, static size => size > int.MaxValue))
            throw fail($"has the shape [{string.Join(", ", shape)}] in the tensor '{name}', more elements than an array can hold");
        if (offsets.Length != 2 || offsets[1] < offsets[0])
            throw fail($"has the data_offsets [{string.Join(", ", offsets)}] in the tensor '{name}', which are not a begin and an end");
        bool isUpperHalf = typeName == UpperHalves;
        long needed = count * (isUpperHalf ? 2 : ElementKind.Of(type).Width);
        if (offsets[1] - offsets[0] != needed)
            throw fail($"has {offsets[1] - offsets[0]} bytes in data_offsets of the tensor '{name}', but its shape and dtype need {needed}");
        return new Entry(name, type, Array.ConvertAll(shape, static size => (int)size), (int)count, offsets[0], offsets[1], isUpperHalf);
    }

    private static long[] Integers(JsonElement element, string name, string field, Func<string, DataFormatException> fail)
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw fail($"has a field '{field}' in the tensor '{name}' that is not a list");
        var result = new long[element.GetArrayLength()];
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out result[index]) || result[index] < 0)
                throw fail($"has {item.GetRawText()} in the field '{field}' of the tensor '{name}', where a whole number of at least 0 belongs");
            index++;
        }
        return result;
    }

    private static void CheckCoverage(List<Entry> entries, long dataLength, long dataStart, Func<string, DataFormatException> fail)
    {
        long end = 0;
        string before = "the header";
        foreach (Entry entry in entries.OrderBy(static entry => entry.Begin).ThenBy(static entry => entry.End))
        {
            if (entry.Begin < end)
                throw fail($"has overlapping data: the tensor '{entry.Name}' begins at byte {dataStart + entry.Begin}, inside '{before}'");
            if (entry.Begin > end)
                throw fail(
                    $"has a gap in its data: the bytes {dataStart + end} to {dataStart + entry.Begin - 1} before the tensor '{entry.Name}' belong to no "
                    + "tensor");
            end = entry.End;
            before = entry.Name;
        }
        if (end > dataLength)
            throw fail($"is truncated at byte {dataStart + dataLength}: the tensor '{before}' ends at byte {dataStart + end}");
        if (end < dataLength)
            throw fail($"has {dataLength - end} bytes too many after the last tensor, from byte {dataStart + end} on");
    }

    private static NumericArray ReadTensor(FileStream stream, long dataStart, Entry entry, Func<string, DataFormatException> fail)
    {
        stream.Position = dataStart + entry.Begin;
        Array values = entry.IsUpperHalf ? ElementTypes.ReadUpperHalves(stream, entry.Count)
            : ElementKind.Of(entry.Type).Read(stream, entry.Count, bigEndian: false);
        if (entry.Type == ElementType.Boolean)
            ElementTypes.CheckTruthValues((bool[])values, dataStart + entry.Begin, fail);
        return new NumericArray(entry.Type, entry.Shape, values);
    }

    private readonly record struct Entry(string Name, ElementType Type, int[] Shape, int Count, long Begin, long End, bool IsUpperHalf);
}
