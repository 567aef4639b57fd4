using System.Text.Json;

namespace Monge.Data;

/// <summary>
/// The data of a model, by name, as Stan and posteriordb write them: numbers, vectors and matrices in a JSON object, or the columns of a table. Every question
/// about them is answered or ends in one sentence that names the file and the entry.
/// </summary>
public sealed class ModelData
{
    private readonly Dictionary<string, Entry> _entries;
    private readonly IReadOnlyList<string> _columns;

    private ModelData(string source, Dictionary<string, Entry> entries, IReadOnlyList<string> columns)
    {
        Source = source;
        _entries = entries;
        _columns = columns;
    }

    private sealed record Entry(double[] Values, int[] Shape);

    /// <summary>Where the data come from: a path, or words.</summary>
    public string Source { get; }

    /// <summary>The names of all entries.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>Data of a program's own.</summary>
    /// <param name="source">Where they come from, for messages.</param>
    /// <param name="entries">Names and values; a single value is a number, more are a vector.</param>
    public static ModelData Of(string source, params IReadOnlyList<(string Name, double[] Values)> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return new ModelData(source, entries.ToDictionary(
            e => e.Name, e => new Entry(e.Values, e.Values.Length == 1 ? [] : [e.Values.Length]), StringComparer.Ordinal), []);
    }

    /// <summary>
    /// Reads a file: a JSON object of numbers and arrays (.json, also alone in a .zip archive), or a table of any form that <see cref="DataTable.Read"/> takes,
    /// whose columns are vectors.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">The file can't be used.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static ModelData Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no file '{path}'.");
        }

        if (path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
        {
            byte[]? content = null;
            ZipContents.Read(path, (_, bytes) => content = bytes, name => content is null && name.EndsWith(".json", StringComparison.OrdinalIgnoreCase));
            return FromJson(path, content ?? throw new DataFormatException(path, "the archive holds no .json file"));
        }

        return path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? FromJson(path, File.ReadAllBytes(path)) : FromTable(DataTable.Read(path));
    }

    /// <summary>The columns of numbers of a table as vectors.</summary>
    /// <param name="table">The table.</param>
    public static ModelData FromTable(DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return new ModelData(
            table.Source, table.Names.ToDictionary(n => n, n => new Entry(table.Column(n), [table.Rows]), StringComparer.Ordinal), [.. table.Names]);
    }

    /// <summary>Reads a JSON object of numbers and (nested) arrays of numbers.</summary>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <param name="utf8">The text.</param>
    /// <exception cref="DataFormatException">It is no such object.</exception>
    public static ModelData FromJson(string source, ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new DataFormatException(source, "data of a model are a JSON object of names and numbers");
            }

            var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                List<double> values = [];
                var shape = Shape(source, property.Name, property.Value);
                Append(source, property.Name, property.Value, shape, values);
                if (!entries.TryAdd(property.Name, new Entry([.. values], shape)))
                {
                    throw new DataFormatException(source, $"'{property.Name}' is given twice");
                }
            }

            return new ModelData(source, entries, []);
        }
        catch (JsonException error)
        {
            throw new DataFormatException(source, $"is no JSON text ({error.Message.Split('.')[0]}; line {error.LineNumber + 1})", error);
        }
    }

    /// <summary>The same data with other values of one entry.</summary>
    /// <param name="name">The entry, there or new.</param>
    /// <param name="values">Its values, of the shape that it had or a vector.</param>
    public ModelData With(string name, params double[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var shape = _entries.TryGetValue(name, out var old) && old.Values.Length == values.Length ? old.Shape : [values.Length];
        return new ModelData(Source, new Dictionary<string, Entry>(_entries, StringComparer.Ordinal) { [name] = new Entry(values, shape) }, _columns);
    }

    /// <summary>Whether there is an entry of a name.</summary>
    public bool Has(string name) => _entries.ContainsKey(name);

    /// <summary>A single finite number.</summary>
    /// <exception cref="DataFormatException">There is none of that name.</exception>
    public double Number(string name)
    {
        var entry = Find(name);
        return entry.Values.Length == 1 ? Finite(name, entry)[0] : throw Wrong($"'{name}' must be a single number, but holds {entry.Values.Length}");
    }

    /// <summary>A single finite number, or another if there is no entry of that name.</summary>
    /// <exception cref="DataFormatException">The entry isn't a single number.</exception>
    public double Number(string name, double otherwise) => Has(name) ? Number(name) : otherwise;

    /// <summary>A vector of finite numbers.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="length">How many there must be; null for any number of at least one.</param>
    /// <param name="counted">What gives that number, for the message, as in "as 'y'".</param>
    /// <exception cref="DataFormatException">There is none of that name, it is of another length, or a value is missing or infinite.</exception>
    public double[] Vector(string name, int? length = null, string? counted = null)
    {
        var entry = Find(name);
        if (entry.Shape.Length > 1)
        {
            throw Wrong($"'{name}' must be a vector, but has the shape {string.Join(" x ", entry.Shape)}");
        }

        if (entry.Values.Length == 0 || (length is { } n && entry.Values.Length != n))
        {
            throw Wrong($"'{name}' holds {entry.Values.Length} numbers" + (length is { } wanted
                ? $"; there must be {wanted}{(counted is null ? "" : ", " + counted)}" : ""));
        }

        return [.. Finite(name, entry)];
    }

    /// <summary>The entries that hold other values in other data of the same form, a matrix's columns one by one: name, values here and there.</summary>
    internal IEnumerable<(string Name, double[] Here, double[] There)> Differences(ModelData other)
    {
        foreach (var (name, entry) in other._entries.Where(e => _entries.TryGetValue(e.Key, out var own) && !own.Values.AsSpan().SequenceEqual(e.Value.Values)))
        {
            var own = _entries[name];
            var columns = entry.Shape.Length == 2 ? entry.Shape[1] : 1;
            for (var j = 0; j < columns; j++)
            {
                double[] Column(double[] values) => [.. values.Where((_, i) => i % columns == j)];
                yield return (columns == 1 ? name : $"{name}[,{j + 1}]", Column(own.Values), Column(entry.Values));
            }
        }
    }

    /// <summary>A vector of positive numbers.</summary>
    /// <inheritdoc cref="Vector"/>
    public double[] Positive(string name, int? length = null, string? counted = null) =>
        Each(name, Vector(name, length, counted), v => v > 0, "must be above 0");

    /// <summary>A vector of whole numbers from 0 on.</summary>
    /// <inheritdoc cref="Vector"/>
    public double[] Counts(string name, int? length = null, string? counted = null) =>
        Each(name, Vector(name, length, counted), v => v >= 0 && v == Math.Floor(v), "must be a count, a whole number from 0 on");

    /// <summary>A matrix [rows, columns] of finite numbers, row-major.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rows">How many rows there must be; null for any number.</param>
    /// <param name="counted">What gives that number, for the message.</param>
    /// <exception cref="DataFormatException">There is none of that name, it is of another shape, or a value is missing or infinite.</exception>
    public double[,] Matrix(string name, int? rows = null, string? counted = null)
    {
        var entry = Find(name);
        if (entry.Shape.Length != 2)
        {
            throw Wrong($"'{name}' must be a matrix, an array of rows of equal length");
        }

        if (rows is { } n && entry.Shape[0] != n)
        {
            throw Wrong($"'{name}' has {entry.Shape[0]} rows; there must be {n}{(counted is null ? "" : ", " + counted)}");
        }

        var (values, matrix) = (Finite(name, entry), new double[entry.Shape[0], entry.Shape[1]]);
        Buffer.BlockCopy(values, 0, matrix, 0, sizeof(double) * values.Length);
        return matrix;
    }

    /// <summary>The features of a regression: the matrix of a name, or of a table all columns but some.</summary>
    /// <param name="name">The matrix.</param>
    /// <param name="rows">How many rows there must be.</param>
    /// <param name="others">The columns of a table that are no features.</param>
    /// <exception cref="DataFormatException">There is no such matrix and no such column, or it is of another shape.</exception>
    public double[,] Features(string name, int rows, params IReadOnlyList<string> others)
    {
        if (Has(name) || _columns.Count == 0)
        {
            return Matrix(name, rows, "a row for each observation");
        }

        var features = FeatureNames(name, others)!;
        if (features.Count == 0)
        {
            throw Wrong($"has no column beside {string.Join(" and ", others.Select(o => $"'{o}'"))}; features are missing");
        }

        var matrix = new double[rows, features.Count];
        for (var j = 0; j < features.Count; j++)
        {
            var column = Vector(features[j], rows);
            for (var i = 0; i < rows; i++)
            {
                matrix[i, j] = column[i];
            }
        }

        return matrix;
    }

    /// <summary>The names of the features of <see cref="Features"/>: a table's columns; null of a matrix, whose columns have none.</summary>
    /// <param name="name">The matrix.</param>
    /// <param name="others">The columns of a table that are no features.</param>
    public IReadOnlyList<string>? FeatureNames(string name, params IReadOnlyList<string> others) =>
        Has(name) || _columns.Count == 0 ? null : [.. _columns.Where(c => !others.Contains(c))];

    /// <summary>Checks an entry that states a number that is known already; one that isn't there is right.</summary>
    /// <param name="name">The entry, as in N.</param>
    /// <param name="known">The number.</param>
    /// <param name="meaning">What it counts, as in "'y' holds 17 numbers".</param>
    /// <exception cref="DataFormatException">It states another number.</exception>
    public void Stated(string name, int known, string meaning)
    {
        if (Has(name) && Number(name) is var stated && stated != known)
        {
            throw Wrong(FormattableString.Invariant($"'{name}' is {stated}, but {meaning}"));
        }
    }

    /// <summary>Checks each value of an entry.</summary>
    /// <param name="name">The entry, for the message.</param>
    /// <param name="values">Its values.</param>
    /// <param name="accept">Whether a value is right.</param>
    /// <param name="demand">What a value must be, as in "must be above 0".</param>
    /// <returns>The values.</returns>
    /// <exception cref="DataFormatException">One isn't.</exception>
    public double[] Each(string name, double[] values, Predicate<double> accept, string demand)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(accept);
        var wrong = Array.FindIndex(values, v => !accept(v));
        return wrong < 0 ? values : throw Wrong(FormattableString.Invariant($"value {wrong + 1} of '{name}' is {values[wrong]}; it {demand}"));
    }

    /// <summary>An error about these data, to be thrown.</summary>
    /// <param name="detail">What is wrong, without the source and a full stop.</param>
    public DataFormatException Wrong(string detail) => new(Source, detail);

    private static int[] Shape(string source, string name, JsonElement value)
    {
        List<int> shape = [];
        while (value.ValueKind == JsonValueKind.Array)
        {
            shape.Add(value.GetArrayLength());
            if (shape[^1] == 0)
            {
                throw new DataFormatException(source, $"'{name}' is empty");
            }

            value = value[0];
        }

        return [.. shape];
    }

    private static void Append(string source, string name, JsonElement value, ReadOnlySpan<int> shape, List<double> values)
    {
        if (shape.Length == 0)
        {
            values.Add(value.ValueKind switch
            {
                JsonValueKind.Number => value.GetDouble(),
                JsonValueKind.True => 1,
                JsonValueKind.False => 0,
                JsonValueKind.Null or JsonValueKind.String => double.NaN,
                _ => throw new DataFormatException(source, $"'{name}' is no number or array of numbers, all rows of equal length"),
            });
            return;
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != shape[0])
        {
            throw new DataFormatException(source, $"the rows of '{name}' are not all of the same length");
        }

        foreach (var element in value.EnumerateArray())
        {
            Append(source, name, element, shape[1..], values);
        }
    }

    private Entry Find(string name) => _entries.TryGetValue(name, out var entry) ? entry : throw Wrong(
        $"there is no '{name}'; there {(_entries.Count == 1 ? "is" : "are")} {string.Join(", ", _entries.Keys.Take(20).Select(n => $"'{n}'"))}");

    private double[] Finite(string name, Entry entry)
    {
        var wrong = Array.FindIndex(entry.Values, v => !double.IsFinite(v));
        if (wrong < 0)
        {
            return entry.Values;
        }

        var columns = entry.Shape.Length == 2 ? entry.Shape[1] : 0;
        var place = columns == 0 ? $"value {wrong + 1}" : $"row {(wrong / columns) + 1}, column {(wrong % columns) + 1}";
        throw Wrong($"{place} of '{name}' is missing or not finite; leave incomplete rows out, or fill them");
    }
}
