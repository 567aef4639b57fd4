namespace Monge.Data;

/// <summary>Finds the types of columns from their values, by one rule.</summary>
public static class ColumnTypeRule
{
    /// <summary>The rule in words.</summary>
    public const string Words =
        "words are categorical; two values binary; whole numbers of which each is met twice on average integer (five times where they span more than 255); few "
        + "other numbers, each met ten times on average, ordinal; numbers among which zero is met five times and in one row of a hundred, and most "
        + "others once, zero-inflated; all else continuous";

    /// <summary>Most columns that are taken as other than continuous without being told: more are an image or a profile.</summary>
    public const int MostFound = 32;

    private const int MostWords = 64;
    private const int MostOrdinal = 64;
    private const int RepeatsOfOrdinal = 10;
    private const int NarrowRange = 255;
    private const int LeastZeros = 5;
    private const double ShareOfZeros = 0.01;

    // An end that is met so often is a bound, not a tail.
    private const int RepeatsOfBound = 5;
    private const double LargestWhole = 9e15;

    /// <summary>Finds the types of all columns of a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="stated">Kinds that are known, by column; for whole numbers bounds may be known too.</param>
    /// <param name="conditions">Columns that a model is conditioned on.</param>
    /// <exception cref="ArgumentException">A stated column is missing, or its values are not of the kind.</exception>
    /// <exception cref="DataFormatException">A column of words holds too many kinds, dates, or empty fields.</exception>
    public static ColumnTypes Find(
        DataTable table, IReadOnlyDictionary<string, StatedKind>? stated = null, IReadOnlyCollection<string>? conditions = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        foreach (var name in (stated?.Keys ?? []).Where(name => !table.Order.Contains(name)))
        {
            var near = NearestName.Find(name, table.Order);
            throw new ArgumentException(
                $"{table.Source} has no column '{name}'{(near is null ? "" : $" (is '{near}' meant?)")}; it has {string.Join(", ", table.Order)}.");
        }

        var types = table.Order.Select(name =>
        {
            var known = stated?.GetValueOrDefault(name) ?? (table.Classes.Contains(name) ? OfClasses(table, name) : null);
            var type = table.LabelNames.Contains(name) ? OfWords(table, name, known?.Kind) : OfNumbers(table, name, known);
            return conditions?.Contains(name) == true ? AsCondition(table, type) : type;
        }).ToArray();
        bool IsFound(ColumnType type) => type.IsDiscrete && !type.IsWords && stated?.ContainsKey(type.Name) != true && !table.Classes.Contains(type.Name);
        var found = types.Count(IsFound);
        return new ColumnTypes(found <= MostFound ? types
            : [.. types.Select(t => IsFound(t) && !t.IsCondition
                ? new ColumnType { Name = t.Name, Kind = ColumnKind.Continuous } : t)]);
    }

    private static StatedKind OfClasses(DataTable table, string name) =>
        new(table.Column(name).Distinct().Count() == 2 ? ColumnKind.Binary : ColumnKind.Categorical);

    private static ColumnType OfWords(DataTable table, string name, ColumnKind? stated)
    {
        var words = table.Labels(name);
        if (stated is null && DateWords.Are(words))
        {
            throw new DataFormatException(
                table.Source,
                $"column '{name}' holds dates or times such as '{words.First(word => !string.IsNullOrWhiteSpace(word))}', which have no type here; "
                + $"put numbers in their place (days since a date, the hour, the month) or leave the column out (--drop {name})");
        }

        for (var row = 0; row < words.Count; row++)
        {
            if (string.IsNullOrWhiteSpace(words[row]))
            {
                throw new DataFormatException(
                    table.Source,
                    FormattableString.Invariant($"row {row + 1}, column '{name}' is empty; write a word such as 'none' there, or remove the row"));
            }
        }

        string[] values = [.. words.Distinct().Order(StringComparer.Ordinal)];
        if (stated is not (null or ColumnKind.Categorical or ColumnKind.Binary or ColumnKind.Ordinal))
        {
            throw new ArgumentException(
                $"The column '{name}' of {table.Source} holds words such as '{words[0]}', so it can't be {ColumnType.Word(stated.Value)}; it is categorical.");
        }

        if (stated is null && (values.Length > MostWords || values.Length * 2 > words.Count))
        {
            throw new DataFormatException(
                table.Source, FormattableString.Invariant($"column '{name}' holds {values.Length} kinds of words in {words.Count} rows, too many to learn; ")
                + $"leave it out (--drop {name}), or say that they are classes (--types {name}=categorical)");
        }

        CheckVaried(table, name, values);
        return Classes(name, stated ?? (values.Length == 2 ? ColumnKind.Binary : ColumnKind.Categorical), values) with { IsWords = true };
    }

    private static ColumnType OfNumbers(DataTable table, string name, StatedKind? stated)
    {
        var column = table.Column(name);
        var counts = new Dictionary<double, int>();
        foreach (var value in column)
        {
            counts[value + 0.0] = counts.GetValueOrDefault(value + 0.0) + 1;
        }

        return (stated?.Kind ?? Rule(counts, column.Length)) switch
        {
            ColumnKind.Continuous => new ColumnType { Name = name, Kind = ColumnKind.Continuous },
            ColumnKind.Integer => Integer(table, name, column, counts, stated),
            ColumnKind.ZeroInflated => ZeroInflated(table, name, counts),
            var kind => NumberClasses(table, name, kind, counts),
        };
    }

    // A column with one value is left to whoever refuses those.
    private static ColumnKind Rule(Dictionary<double, int> counts, int rows)
    {
        var kinds = counts.Count;
        if (kinds <= 2)
        {
            return kinds == 2 && rows > 2 ? ColumnKind.Binary : ColumnKind.Continuous;
        }

        var range = counts.Keys.Max() - counts.Keys.Min();
        if (counts.Keys.All(v => v == Math.Floor(v) && Math.Abs(v) < LargestWhole) && kinds * (range <= NarrowRange ? 2 : 5) <= rows)
        {
            return ColumnKind.Integer;
        }

        if (kinds <= MostOrdinal && kinds * RepeatsOfOrdinal <= rows)
        {
            return ColumnKind.Ordinal;
        }

        var zeros = counts.GetValueOrDefault(0.0);
        return zeros >= LeastZeros && zeros >= ShareOfZeros * rows && (kinds - 1) * 2 > rows - zeros && kinds > LeastZeros
            ? ColumnKind.ZeroInflated : ColumnKind.Continuous;
    }

    private static ColumnType Integer(DataTable table, string name, double[] column, Dictionary<double, int> counts, StatedKind? stated)
    {
        var wrong = Array.FindIndex(column, v => v != Math.Floor(v) || Math.Abs(v) >= LargestWhole);
        if (wrong >= 0)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"Row {wrong + 1}, column '{name}' of {table.Source} holds {column[wrong]}, which is no whole number, so the column can't be integer."));
        }

        CheckVaried(table, name, [.. counts.Keys.Select(ColumnType.Text)]);
        var (least, most) = (counts.Keys.Min(), counts.Keys.Max());
        if (least < stated?.Lower || most > stated?.Upper)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The column '{name}' of {table.Source} goes from {least} to {most}, beyond the bounds that --types gives it."));
        }

        double? lower = stated?.Lower ?? (counts[least] >= RepeatsOfBound ? least : least >= 0 ? 0 : null);
        double? upper = stated?.Upper ?? (counts[most] >= RepeatsOfBound ? most : null);
        var (mean, deviation) = ColumnMoments.Of(column);
        return new ColumnType { Name = name, Kind = ColumnKind.Integer, Lower = lower, Upper = upper, Centre = mean, Scale = deviation };
    }

    private static ColumnType ZeroInflated(DataTable table, string name, Dictionary<double, int> counts)
    {
        var others = counts.Where(c => c.Key != 0).ToArray();
        if (others.Length < 3 || !counts.ContainsKey(0))
        {
            throw new ArgumentException(
                $"The column '{name}' of {table.Source} holds {(counts.ContainsKey(0) ? "hardly a number but zero" : "no zero")}, so it can't be "
                + "zero-inflated.");
        }

        // Positive numbers are learned in the units in which they are less skewed.
        var isLogarithmic = others.All(o => o.Key > 0) && Math.Abs(Skewness(others, Math.Log)) < Math.Abs(Skewness(others, v => v));
        return new ColumnType { Name = name, Kind = ColumnKind.ZeroInflated, IsLogarithmic = isLogarithmic };
    }

    private static ColumnType NumberClasses(DataTable table, string name, ColumnKind kind, Dictionary<double, int> counts)
    {
        string[] values = [.. counts.Keys.Order().Select(ColumnType.Text)];
        CheckVaried(table, name, values);
        if (values.Length > 1000)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The column '{name}' of {table.Source} holds {values.Length} values, too many for {ColumnType.Word(kind)}; say integer or continuous."));
        }

        return Classes(name, kind, values);
    }

    private static ColumnType Classes(string name, ColumnKind kind, string[] values) => kind == ColumnKind.Binary && values.Length != 2
        ? throw new ArgumentException(FormattableString.Invariant($"The column '{name}' holds {values.Length} values, so it can't be binary."))
        : new ColumnType { Name = name, Kind = kind, Values = values };

    // A condition needs no law of its own where it is a number with a density.
    private static ColumnType AsCondition(DataTable table, ColumnType type)
    {
        if (!type.HasDensity)
        {
            return type with { IsCondition = true };
        }

        var (mean, deviation) = ColumnMoments.Of(table.Column(type.Name));
        return deviation > 0 && double.IsFinite(deviation)
            ? new ColumnType { Name = type.Name, Kind = ColumnKind.Continuous, IsCondition = true, Centre = mean, Scale = deviation }
            : throw new ArgumentException($"The condition '{type.Name}' in {table.Source} has no scale; a condition must vary.");
    }

    private static void CheckVaried(DataTable table, string name, string[] values)
    {
        if (values.Length < 2)
        {
            throw new DataFormatException(table.Source, $"column '{name}' holds '{values[0]}' in all {table.Rows} rows, so it says nothing; leave it out");
        }
    }

    private static double Skewness(KeyValuePair<double, int>[] counts, Func<double, double> of)
    {
        double rows = counts.Sum(c => c.Value);
        var mean = counts.Sum(c => c.Value * of(c.Key)) / rows;
        var deviation = Math.Sqrt(counts.Sum(c => c.Value * Math.Pow(of(c.Key) - mean, 2)) / rows);
        return counts.Sum(c => c.Value * Math.Pow((of(c.Key) - mean) / deviation, 3)) / rows;
    }
}
