using System.Globalization;

namespace Monge.Data;

/// <summary>
/// The types of a table's columns, and what follows from them: codes of what has a probability (the place among the values, a whole number, or 0 for zero and 1
/// for other) and coordinates of what has a density.
/// </summary>
public sealed class ColumnTypes
{
    private readonly ColumnType[] _discrete;
    private readonly ColumnType[] _continuous;

    /// <summary>Types that are known.</summary>
    /// <param name="all">The types in the table's order.</param>
    public ColumnTypes(IReadOnlyList<ColumnType> all)
    {
        All = all;

        // Conditions come first, so that what is learned is a law given them.
        _discrete = [.. all.Where(t => t.IsDiscrete && t.IsCondition), .. all.Where(t => t.IsDiscrete && !t.IsCondition)];
        _continuous = [.. all.Where(t => t.HasDensity && !t.IsCondition)];
    }

    /// <summary>All types in the table's order.</summary>
    public IReadOnlyList<ColumnType> All { get; }

    /// <summary>The columns with probabilities [m], conditions first: the order of codes.</summary>
    public IReadOnlyList<ColumnType> Discrete => _discrete;

    /// <summary>How many of them are conditions.</summary>
    public int DiscreteConditions => _discrete.Count(t => t.IsCondition);

    /// <summary>The columns with densities [d]: the order of coordinates.</summary>
    public IReadOnlyList<ColumnType> Continuous => _continuous;

    /// <summary>Conditions that are numbers with a density, whose law isn't learned.</summary>
    public IReadOnlyList<ColumnType> Numbers => [.. All.Where(t => t.IsCondition && !t.IsDiscrete)];

    /// <summary>The columns that are generated.</summary>
    public IReadOnlyList<ColumnType> Generated => [.. All.Where(t => !t.IsCondition)];

    /// <summary>Whether a column that is generated has values of a probability.</summary>
    public bool AnyDiscrete => All.Any(t => t.IsDiscrete && !t.IsCondition);

    /// <summary>The codes [n, m] of a table's rows.</summary>
    /// <param name="table">The table.</param>
    /// <param name="except">Columns whose codes are not wanted, which are not a number; null for none.</param>
    /// <exception cref="DataFormatException">A value has no probability; the message names row and column.</exception>
    public double[] Codes(DataTable table, IReadOnlyCollection<string>? except = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        var m = _discrete.Length;
        var codes = new double[table.Rows * m];
        for (var k = 0; k < m; k++)
        {
            var type = _discrete[k];
            if (except?.Contains(type.Name) == true)
            {
                for (var row = 0; row < table.Rows; row++)
                {
                    codes[(row * m) + k] = double.NaN;
                }

                continue;
            }

            var words = table.LabelNames.Contains(type.Name) ? table.Labels(type.Name) : null;
            var column = words is null ? table.Column(type.Name) : [];
            var places = type.Values.Select((value, place) => (value, place)).ToDictionary(v => v.value, v => v.place, StringComparer.Ordinal);
            for (var row = 0; row < table.Rows; row++)
            {
                codes[(row * m) + k] = Code(type, words?[row], words is null ? column[row] : 0, places)
                    ?? throw Impossible(table.Source, row, type, words?[row] ?? ColumnType.Text(column[row]));
            }
        }

        return codes;
    }

    /// <summary>The code of a value in words.</summary>
    /// <param name="type">The column's type.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentException">It has no probability.</exception>
    public static double Code(ColumnType type, string value)
    {
        ArgumentNullException.ThrowIfNull(type);
        var isNumber = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number);
        var places = type.Values.Select((v, place) => (v, place)).ToDictionary(v => v.v, v => v.place, StringComparer.Ordinal);
        var code = isNumber || type.IsWords ? Code(type, type.IsWords ? value : null, number, places) : null;
        return code ?? throw new ArgumentException(
            $"The column '{type.Name}' can't be given as '{value}': it is {type}.{Meant(value, type.Values)}");
    }

    /// <summary>
    /// The coordinates [n, d] of a table's rows, and whether each is there: where a zero-inflated column is zero it isn't, and holds 0.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <exception cref="DataFormatException">A number that should be positive is not.</exception>
    public (double[] Values, bool[] IsThere) Coordinates(DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var d = _continuous.Length;
        var (values, isThere) = (new double[table.Rows * d], new bool[table.Rows * d]);
        for (var k = 0; k < d; k++)
        {
            var (type, column) = (_continuous[k], table.Column(_continuous[k].Name));
            for (var row = 0; row < table.Rows; row++)
            {
                var (value, at) = (column[row], (row * d) + k);
                isThere[at] = type.Kind != ColumnKind.ZeroInflated || value != 0;
                if (type.IsLogarithmic && value < 0)
                {
                    throw Impossible(table.Source, row, type, ColumnType.Text(value));
                }

                values[at] = !isThere[at] ? 0 : type.IsLogarithmic ? Math.Log(value) : value;
            }
        }

        return (values, isThere);
    }

    /// <summary>The table of codes and coordinates, without the conditions.</summary>
    /// <param name="codes">Codes [n, m].</param>
    /// <param name="coordinates">Coordinates [n, d]; what stands where a column is zero is not looked at.</param>
    /// <param name="rows">n.</param>
    /// <param name="source">What messages call the table.</param>
    public DataTable Compose(double[] codes, double[] coordinates, int rows, string source)
    {
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(coordinates);
        var (m, d) = (_discrete.Length, _continuous.Length);
        List<TableColumn> columns = [];
        foreach (var type in Generated)
        {
            var (discrete, continuous) = (Array.IndexOf(_discrete, type), Array.IndexOf(_continuous, type));
            double Number(int row)
            {
                if (type.Kind == ColumnKind.Integer)
                {
                    return codes[(row * m) + discrete];
                }

                if (type.Values.Count > 0)
                {
                    return double.Parse(type.Values[(int)codes[(row * m) + discrete]], CultureInfo.InvariantCulture);
                }

                return discrete >= 0 && codes[(row * m) + discrete] == 0 ? 0 : Value(type, coordinates[(row * d) + continuous]);
            }

            columns.Add(type.IsWords
                ? new TableColumn(type.Name, null, [.. Enumerable.Range(0, rows).Select(row => type.Values[(int)codes[(row * m) + discrete]])])
                : new TableColumn(type.Name, [.. Enumerable.Range(0, rows).Select(Number)], null));
        }

        return DataTable.Of(source, columns);
    }

    // A positive number, however small or large its logarithm is.
    private static double Value(ColumnType type, double coordinate) =>
        type.IsLogarithmic ? Math.Clamp(Math.Exp(coordinate), double.Epsilon, double.MaxValue) : coordinate;

    private static double? Code(ColumnType type, string? word, double number, Dictionary<string, int> places)
    {
        if (type.Values.Count > 0)
        {
            return places.TryGetValue(word ?? ColumnType.Text(number), out var place) ? place : null;
        }

        if (word is not null)
        {
            return null;
        }

        return type.Kind == ColumnKind.ZeroInflated ? (number == 0 ? 0 : 1)
            : number == Math.Floor(number) && number >= (type.Lower ?? double.NegativeInfinity) && number <= (type.Upper ?? double.PositiveInfinity) ? number
            : null;
    }

    private static string Meant(string value, IReadOnlyList<string> known) =>
        NearestName.Find(value, known) is { } near && near != value ? $" Is '{near}' meant?" : "";

    private static DataFormatException Impossible(string source, int row, ColumnType type, string value) => new(
        source, string.Create(
            CultureInfo.InvariantCulture,
            $"row {row + 1}, column '{type.Name}' holds '{value}', which has no probability: the column is {type};{Meant(value, type.Values)} ")
            + "leave the row out, or fit with rows that hold it");
}
