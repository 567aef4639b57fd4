using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Monge.Data;

/// <summary>How a table is read.</summary>
public sealed record DataTableOptions
{
    /// <summary>Columns that may hold words, such as a class label, if they are there; in files without names they are called column1, column2, ...</summary>
    public IReadOnlyList<string> LabelColumns { get; init; } = [];

    /// <summary>Whether columns that hold words for the most part are read as columns of words.</summary>
    public bool Words { get; init; }

    /// <summary>
    /// The columns that are needed; where a text table has them all by name, it is read for these and the label columns only. Empty reads all.
    /// </summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Columns to leave out.</summary>
    public IReadOnlyList<string> Drop { get; init; } = [];

    /// <summary>Whether a column to leave out may be missing, as where several tables are read alike.</summary>
    public bool DropIfThere { get; init; }

    /// <summary>What is known of a text table's layout; the rest is seen from its rows.</summary>
    public TableLayout Layout { get; init; } = new();

    /// <summary>The least number of rows.</summary>
    public int MinimumRows { get; init; } = 1;

    /// <summary>Whether a column that holds one value only is refused, as a density on it doesn't exist.</summary>
    public bool RefuseConstantColumns { get; init; }
}

/// <summary>A column of a table: numbers or words.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Numbers">The numbers [n]; null for words.</param>
/// <param name="Words">The words [n]; null for numbers.</param>
public sealed record TableColumn(string Name, double[]? Numbers, string[]? Words);

/// <summary>
/// Rows of finite numbers with named columns, from a .npy or .npz file or a text table; columns of words (class labels) beside them. Whatever can't be used is
/// refused with file, row and column. Rows are counted from 1, the header of a text table not included.
/// </summary>
public sealed class DataTable
{
    private readonly Dictionary<string, string[]> _labels;
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);

    private DataTable(string source, string[] names, double[] values, int rows, Dictionary<string, string[]> labels)
    {
        (Source, Names, Values, Rows, _labels) = (source, names, values, rows, labels);
        Order = [.. names, .. labels.Keys];
        for (var column = 0; column < names.Length; column++)
        {
            _places.TryAdd(names[column], column);
        }
    }

    /// <summary>Where the rows come from: a file's name, or the words that were given.</summary>
    public string Source { get; }

    /// <summary>Names of the columns [d].</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Whether the columns have names of their own, by which they can be matched; else they are known by their places.</summary>
    public bool HasNames => !AreMadeUp(Names);

    /// <summary>The columns that <see cref="DataTableOptions.Drop"/> left out.</summary>
    public IReadOnlyList<string> LeftOut { get; private init; } = [];

    /// <summary>What was decided in reading that could be otherwise, a plain phrase each.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>The columns of numbers that the file says to be classes, as nominal attributes of ARFF files.</summary>
    public IReadOnlyList<string> Classes { get; private init; } = [];

    /// <summary>Names of all columns, of numbers and of words, in their order.</summary>
    public IReadOnlyList<string> Order { get; private init; }

    /// <summary>Number of rows n.</summary>
    public int Rows { get; }

    /// <summary>Number of columns d.</summary>
    public int Columns => Names.Count;

    /// <summary>The numbers [n, d], row-major.</summary>
    public double[] Values { get; }

    /// <summary>Names of the columns of words.</summary>
    public IEnumerable<string> LabelNames => _labels.Keys;

    /// <summary>A column of words [n].</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public IReadOnlyList<string> Labels(string name) =>
        _labels.TryGetValue(name, out var words) ? words : throw new ArgumentException($"{Source} has no column of labels '{name}'.", nameof(name));

    /// <summary>A column of numbers [n].</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public double[] Column(string name)
    {
        var at = IndexOf(name);
        return [.. Enumerable.Range(0, Rows).Select(row => Values[(row * Columns) + at])];
    }

    /// <summary>The table of some of the columns, in the order given; columns of words are kept.</summary>
    /// <exception cref="ArgumentException">A column is missing; the message names it and those that are there.</exception>
    public DataTable Select(IReadOnlyList<string> names)
    {
        int[] from = [.. names.Select(IndexOf)];
        var values = new double[Rows * from.Length];
        for (var row = 0; row < Rows; row++)
        {
            for (var k = 0; k < from.Length; k++)
            {
                values[(row * from.Length) + k] = Values[(row * Columns) + from[k]];
            }
        }

        return new DataTable(Source, [.. names], values, Rows, _labels) { Notes = Notes, LeftOut = LeftOut, Classes = Classes };
    }

    /// <summary>The table of some of the rows.</summary>
    /// <param name="rows">Their places.</param>
    public DataTable Take(ReadOnlySpan<int> rows)
    {
        var values = new double[rows.Length * Columns];
        for (var i = 0; i < rows.Length; i++)
        {
            Values.AsSpan(rows[i] * Columns, Columns).CopyTo(values.AsSpan(i * Columns));
        }

        var chosen = rows.ToArray();
        var labels = _labels.ToDictionary(column => column.Key, column => Array.ConvertAll(chosen, row => column.Value[row]), StringComparer.Ordinal);
        return new DataTable(Source, [.. Names], values, rows.Length, labels) { Notes = Notes, LeftOut = LeftOut, Classes = Classes, Order = Order };
    }

    /// <summary>Whether there is a column of numbers of that name.</summary>
    public bool Has(string name) => _places.ContainsKey(name);

    /// <summary>The content's fingerprint: equal tables have equal ones.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<double>(Values));
        foreach (var text in Names.Concat(_labels.SelectMany(column => column.Value.Prepend(column.Key))))
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(text + "\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>Makes a table of numbers that a program has.</summary>
    /// <param name="values">The numbers [n, d], row-major; not copied.</param>
    /// <param name="columns">d.</param>
    /// <param name="names">The columns' names [d]; null for x[0], x[1], ...</param>
    /// <param name="source">What messages call the table.</param>
    /// <param name="options">What to refuse; null for the defaults.</param>
    /// <exception cref="DataFormatException">A number is not finite, or there are too few rows.</exception>
    public static DataTable From(
        double[] values, int columns, IReadOnlyList<string>? names = null, string source = "the data", DataTableOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (columns < 1 || values.Length % columns != 0)
        {
            throw new DataFormatException(source, $"has {values.Length} numbers, which are not whole rows of {columns} columns");
        }

        names ??= [.. Enumerable.Range(0, columns).Select(k => string.Create(CultureInfo.InvariantCulture, $"x[{k}]"))];
        return Checked(source, [.. names], values, values.Length / columns, [], options ?? new DataTableOptions());
    }

    /// <summary>Makes a table of columns that a program has.</summary>
    /// <param name="source">What messages call the table.</param>
    /// <param name="columns">The columns, of one length.</param>
    /// <exception cref="DataFormatException">A number is not finite.</exception>
    public static DataTable Of(string source, IReadOnlyList<TableColumn> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        TableColumn[] numbers = [.. columns.Where(c => c.Numbers is not null)];
        var rows = columns[0].Numbers?.Length ?? columns[0].Words!.Length;
        var values = new double[rows * numbers.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = numbers[i % numbers.Length].Numbers![i / numbers.Length];
        }

        var labels = columns.Where(c => c.Words is not null).ToDictionary(c => c.Name, c => c.Words!, StringComparer.Ordinal);
        var table = new DataTable(source, [.. numbers.Select(c => c.Name)], values, rows, labels) { Order = [.. columns.Select(c => c.Name)] };
        table.CheckFinite();
        return table;
    }

    /// <summary>
    /// Reads a table. A .npy file holds [n, d] numbers or [n]; of a .npz archive with several arrays one is chosen by writing its name after a
    /// colon, as in "data.npz:train". Every other file is text: fields separated by commas, semicolons, tabs, bars, blanks or colons, lines of comment passed
    /// over; the first line holds the names if it differs from the others as names do, and a line of units under it is left out, like columns without a name
    /// that are empty, or number or name the rows. The head of an attribute-relation file (ARFF) says names, numbers and classes.
    /// <see cref="Notes"/> tell what could be otherwise.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to read; null for the defaults.</param>
    /// <exception cref="DataFormatException">The file can't be used; the message names row and column.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static DataTable Read(string path, DataTableOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new DataTableOptions();
        var (file, entry) = SplitEntry(path);
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"There is no file '{file}'.");
        }

        if (file.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
        {
            return FromArray(path, NumpyFile.Read(file), options);
        }

        if (file.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
        {
            return FromArray(path, Entry(file, entry), options);
        }

        var table = TextTable.Read(file, options);
        var read = Checked(path, table.Names, table.Values, table.Rows, table.Labels, options, table.Notes, table.Dropped);
        var there = read.Names.Concat(read.LabelNames).ToHashSet(StringComparer.Ordinal);
        return new DataTable(read.Source, [.. read.Names], read.Values, read.Rows, read._labels)
        {
            Notes = read.Notes,
            LeftOut = read.LeftOut,
            Classes = table.Classes,
            Order = [.. table.Order.Where(there.Contains)],
        };
    }

    /// <summary>Writes rows as .npy (float64) or, with any other ending, as comma-separated text; the file appears complete or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="names">The columns' names [d].</param>
    /// <param name="values">The numbers [n, d], row-major.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, IReadOnlyList<string> names, double[] values)
    {
        if (path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
        {
            NumpyFile.Write(path, values, values.Length / names.Count, names.Count);
        }
        else
        {
            CsvTable.Write(path, names, values);
        }
    }

    /// <summary>Writes a table, words included, as comma-separated text; one of numbers also as .npy. The file appears complete or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="table">The table.</param>
    /// <exception cref="ArgumentException">A .npy file can't hold words.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        if (table._labels.Count == 0)
        {
            Write(path, table.Order, table.Select(table.Order).Values);
        }
        else if (path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException($"A .npy file holds no words such as those of '{table.LabelNames.First()}'; write a .csv file instead of {path}.");
        }
        else
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            table.WriteText(text);
            AtomicFile.WriteText(path, text.ToString());
        }
    }

    /// <summary>Writes the table as comma-separated text with a line of names; numbers are written so that reading gives the same bits back.</summary>
    /// <param name="writer">Where to.</param>
    public void WriteText(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        Func<int, string>[] cells =
        [
            .. Order.Select<string, Func<int, string>>(name => _labels.TryGetValue(name, out var words)
                ? row => CsvTable.Quote(words[row])
                : row => Values[(row * Columns) + _places[name]].ToString("R", CultureInfo.InvariantCulture)),
        ];
        writer.Write(string.Join(',', Order.Select(CsvTable.Quote)) + "\n");
        for (var row = 0; row < Rows; row++)
        {
            writer.Write(string.Join(',', cells.Select(cell => cell(row))) + "\n");
        }
    }

    /// <summary>Whether names only say the columns' places: column1, column2, ... or x[0], x[1], ...</summary>
    /// <param name="names">The names.</param>
    public static bool AreMadeUp(IReadOnlyList<string> names) =>
        names.All(name => name.StartsWith("column", StringComparison.Ordinal) && TextNumber.IsDigits(name.AsSpan(6)))
        || names.All(name => name is ['x', '[', .. var place, ']'] && TextNumber.IsDigits(place));

    private int IndexOf(string name)
    {
        return _places.TryGetValue(name, out var at) ? at : throw new ArgumentException(_labels.ContainsKey(name)
            ? $"The column '{name}' of {Source} holds words, not numbers."
            : $"{Source} has no column '{name}'; it has {string.Join(", ", Names.Concat(_labels.Keys))}.");
    }

    private static (string File, string? Entry) SplitEntry(string path)
    {
        var at = path.LastIndexOf(".npz:", StringComparison.OrdinalIgnoreCase);
        return at < 0 ? (path, null) : (path[..(at + 4)], path[(at + 5)..]);
    }

    // Entries beside the one that is asked for may hold what can't be read.
    private static NumericArray Entry(string file, string? name)
    {
        var names = NumpyFile.ArrayNames(file);
        if (name is not null)
        {
            return names.Contains(name) ? NumpyFile.ReadArchive(file, name)
                : throw new DataFormatException(file, $"has no array '{name}'; it has {string.Join(", ", names)}");
        }

        return names.Count == 1 ? NumpyFile.ReadArchive(file, names[0])
            : throw new DataFormatException(
                file, $"holds {names.Count} arrays ({string.Join(", ", names)}); choose one by its name after a colon, as in "
                + $"{Path.GetFileName(file)}:{names.FirstOrDefault() ?? "name"}");
    }

    private static DataTable FromArray(string source, NumericArray array, DataTableOptions options)
    {
        if (array.Shape.Length is not (1 or 2))
        {
            throw new DataFormatException(
                source, $"holds an array of shape ({string.Join(", ", array.Shape.ToArray())}); a table has the shape (rows, columns)");
        }

        var (rows, columns) = (array.Shape[0], array.Shape.Length == 2 ? array.Shape[1] : 1);
        string[] names = [.. Enumerable.Range(1, columns).Select(k => string.Create(CultureInfo.InvariantCulture, $"column{k}"))];
        return Checked(source, names, array.ToDoubles(), rows, [], options);
    }

    private static DataTable Checked(
        string source, string[] names, double[] values, int rows, Dictionary<string, string[]> labels, DataTableOptions options,
        IReadOnlyList<string>? notes = null, IReadOnlyList<string>? dropped = null)
    {
        var there = names.Concat(labels.Keys).Concat(dropped ?? []).ToHashSet(StringComparer.Ordinal);
        if (!options.DropIfThere && options.Drop.FirstOrDefault(name => !there.Contains(name)) is { } missing)
        {
            throw new DataFormatException(source, $"has no column '{missing}' to leave out; it has {string.Join(", ", names.Concat(labels.Keys))}");
        }

        if (rows < options.MinimumRows)
        {
            throw new DataFormatException(source, $"has {rows} rows; at least {options.MinimumRows} are needed");
        }

        var table = new DataTable(source, names, values, rows, labels) { Notes = notes ?? [], LeftOut = [.. options.Drop.Where(there.Contains)] };
        foreach (var name in options.Drop)
        {
            labels.Remove(name);
        }

        if (options.Drop.Any(names.Contains))
        {
            table = table.Select([.. names.Where(name => !options.Drop.Contains(name))]);
        }

        if (table.Columns == 0 && (labels.Count == 0 || !options.Words))
        {
            throw new DataFormatException(source, "has no column of numbers left");
        }

        table.CheckFinite();
        if (options.RefuseConstantColumns)
        {
            table.CheckVaried();
        }

        return table;
    }

    private void CheckFinite()
    {
        for (var i = 0; i < Values.Length; i++)
        {
            if (!double.IsFinite(Values[i]))
            {
                var what = double.IsNaN(Values[i]) ? "is missing or not a number" : "is infinite";
                throw new DataFormatException(Source, $"row {(i / Columns) + 1}, column '{Names[i % Columns]}' {what}; remove the row or put a number there");
            }
        }
    }

    private void CheckVaried()
    {
        for (var k = 0; k < Columns; k++)
        {
            var first = Values[k];
            var varies = false;
            for (var row = 1; row < Rows && !varies; row++)
            {
                varies = Values[(row * Columns) + k] != first;
            }

            if (!varies)
            {
                throw new DataFormatException(
                    Source, string.Create(
                        CultureInfo.InvariantCulture, $"column '{Names[k]}' holds {first} in all {Rows} rows, so it has no density; leave it out"));
            }
        }
    }
}
