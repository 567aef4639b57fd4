namespace Monge.Data;

/// <summary>A column as a regression sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Mean">The mean of a column of numbers.</param>
/// <param name="Scale">Its standard deviation.</param>
/// <param name="Curve">The normal scores of a column of numbers, seen beside its numbers; null for none.</param>
/// <param name="CurveScale">Their standard deviation.</param>
/// <param name="Classes">The words of a column of classes, each of which is a feature that is 0 or 1; empty for numbers.</param>
public sealed record RegressionColumn(string Name, double Mean, double Scale, NormalScores? Curve, double CurveScale, IReadOnlyList<string> Classes)
{
    /// <summary>The values of a column of whole numbers, each of which is a feature that is 0 or 1 beside the number; empty for none.</summary>
    public IReadOnlyList<double> Levels { get; init; } = [];

    /// <summary>How many features it makes.</summary>
    public int Features => Classes.Count > 0 ? Classes.Count : Curved + Levels.Count;

    /// <summary>How many of a column of numbers grow with it: itself, and its scores.</summary>
    internal int Curved => Curve is null ? 1 : 2;
}

/// <summary>
/// The inputs and the target of a regression on a table: numbers are standardised, with their <see cref="NormalScores"/> beside them where asked for, words
/// become a feature of 0 or 1 each, and so do whole numbers of few values, as they often count kinds; a constant feature comes last, and the features are
/// divided by the root of their number.
/// </summary>
/// <param name="Inputs">The input columns.</param>
/// <param name="Target">The target's name.</param>
/// <param name="TargetMean">Its mean.</param>
/// <param name="TargetScale">Its standard deviation.</param>
public sealed record RegressionColumns(IReadOnlyList<RegressionColumn> Inputs, string Target, double TargetMean, double TargetScale)
{
    /// <summary>Values of a column of whole numbers that become features of their own at most, where nothing else is asked for.</summary>
    public const int UsualLevels = 8;

    // The scores of two values are a straight scale, and so are features of their own.
    private const int LeastCurved = 3;

    // Met less often, a value's own feature would be learned from chance.
    private const int RepeatsOfLevel = 10;

    /// <summary>Number of features p, the constant one included.</summary>
    public int Features => Inputs.Sum(i => i.Features) + 1;

    /// <summary>The names of input columns.</summary>
    public IReadOnlyList<string> Names => [.. Inputs.Select(i => i.Name)];

    /// <summary>The input columns that hold words.</summary>
    public IReadOnlyList<string> Words => [.. Inputs.Where(i => i.Classes.Count > 0).Select(i => i.Name)];

    /// <summary>Finds the scales and classes of a table.</summary>
    /// <param name="table">The rows, two or more.</param>
    /// <param name="target">The column to predict.</param>
    /// <param name="withScores">Whether numbers have their normal scores beside them.</param>
    /// <param name="mostLevels">Most values of a column of whole numbers that become features of their own, each met ten times on average; 0 for none.</param>
    /// <exception cref="ArgumentException">There is no such column, it holds words, or there is no other.</exception>
    /// <exception cref="DataFormatException">A column is constant, or has too many kinds of words.</exception>
    public static RegressionColumns Of(DataTable table, string target, bool withScores = true, int mostLevels = UsualLevels)
    {
        ArgumentNullException.ThrowIfNull(table);
        if (!table.Order.Contains(target))
        {
            var near = NearestName.Find(target, table.Order);
            throw new ArgumentException(
                $"{table.Source} has no column '{target}' to predict{(near is null ? "" : $" (is '{near}' meant?)")}; "
                + $"it has {string.Join(", ", table.Order)}.");
        }

        if (!table.Has(target))
        {
            throw new ArgumentException($"The target '{target}' of {table.Source} holds words; a regression predicts numbers, so put numbers in their place.");
        }

        string[] names = [.. table.Order.Where(name => name != target)];
        if (names.Length == 0)
        {
            throw new ArgumentException($"{table.Source} has no column beside the target '{target}' to predict it from.");
        }

        var (mean, scale) = Moments(table, target, "there is nothing to learn");
        var words = table.LabelNames.Any()
            ? ColumnTypeRule.Find(table).All.Where(t => t.IsWords).ToDictionary(t => t.Name, t => t.Values, StringComparer.Ordinal) : [];
        return new RegressionColumns([.. names.Select(name => words.TryGetValue(name, out var classes)
            ? new RegressionColumn(name, 0, 1, null, 1, classes) : Numbers(table, name, withScores, mostLevels))], target, mean, scale);
    }

    /// <summary>The features [n, p] of a table's rows.</summary>
    /// <param name="table">The rows; columns that aren't inputs are not looked at.</param>
    /// <exception cref="ArgumentException">A column is missing.</exception>
    /// <exception cref="DataFormatException">A word was not among the rows that were learned from; the message names row and column.</exception>
    public double[] Encode(DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var (p, at) = (Features, 0);
        var features = new double[table.Rows * p];
        foreach (var input in Inputs)
        {
            if (input.Classes.Count > 0)
            {
                EncodeWords(table, input, features, at);
            }
            else
            {
                EncodeNumbers(table.Column(input.Name), input, features, at);
            }

            at += input.Features;
        }

        var norm = 1 / Math.Sqrt(p);
        for (var i = 0; i < features.Length; i++)
        {
            features[i] = norm * ((i + 1) % p == 0 ? 1 : features[i]);
        }

        return features;
    }

    /// <summary>The standardised target [n].</summary>
    /// <param name="table">The rows.</param>
    /// <exception cref="ArgumentException">The target is missing.</exception>
    public double[] Targets(DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return [.. table.Column(Target).Select(y => (y - TargetMean) / TargetScale)];
    }

    /// <summary>Predictions in the target's own units.</summary>
    /// <param name="standardised">Standardised predictions.</param>
    public double[] Undo(double[] standardised) => Array.ConvertAll(standardised, f => TargetMean + (TargetScale * f));

    private static RegressionColumn Numbers(DataTable table, string name, bool withScores, int mostLevels)
    {
        var (mean, scale) = Moments(table, name, $"it says nothing; leave it out (--drop {name})");
        var column = table.Column(name);
        double[] values = [.. column.Distinct().Order()];
        var curve = withScores && values.Length >= LeastCurved ? NormalScores.Of(column) : null;
        var isCount = values.Length >= LeastCurved && values.Length <= mostLevels && values.Length * RepeatsOfLevel <= column.Length
            && Array.TrueForAll(values, double.IsInteger);
        return new RegressionColumn(name, mean, scale, curve, curve is null ? 1 : ColumnMoments.Of([.. column.Select(curve.Apply)]).Deviation, [])
        {
            Levels = isCount ? values : [],
        };
    }

    private static (double Mean, double Scale) Moments(DataTable table, string name, string said)
    {
        var column = table.Column(name);
        var (mean, deviation) = ColumnMoments.Of(column);
        return Array.TrueForAll(column, v => v == column[0])
            ? throw new DataFormatException(
                table.Source, FormattableString.Invariant($"column '{name}' holds {column[0]} in all {table.Rows} rows, so {said}"))
            : deviation > 0 && double.IsFinite(deviation) ? (mean, deviation)
            : throw new DataFormatException(table.Source, $"column '{name}' holds numbers too large for a scale; give it other units");
    }

    // A value that was not among those learned from has the number alone.
    private void EncodeNumbers(double[] column, RegressionColumn input, double[] features, int at)
    {
        var p = Features;
        for (var row = 0; row < column.Length; row++)
        {
            var place = (row * p) + at;
            features[place] = (column[row] - input.Mean) / input.Scale;
            if (input.Curve is not null)
            {
                features[place + 1] = input.Curve.Apply(column[row]) / input.CurveScale;
            }

            for (var level = 0; level < input.Levels.Count; level++)
            {
                features[place + input.Curved + level] = column[row] == input.Levels[level] ? 1 : 0;
            }
        }
    }

    private void EncodeWords(DataTable table, RegressionColumn input, double[] features, int at)
    {
        if (table.Has(input.Name))
        {
            throw new DataFormatException(
                table.Source, $"column '{input.Name}' holds numbers; the model learned the words {string.Join(", ", input.Classes)} there");
        }

        var (words, p) = (table.Labels(input.Name), Features);
        var places = input.Classes.Select((word, place) => (word, place)).ToDictionary(w => w.word, w => w.place, StringComparer.Ordinal);
        for (var row = 0; row < words.Count; row++)
        {
            if (!places.TryGetValue(words[row], out var place))
            {
                throw new DataFormatException(
                    table.Source, FormattableString.Invariant($"row {row + 1}, column '{input.Name}' holds '{words[row]}', which was not among the rows ")
                        + $"that were learned from ({string.Join(", ", input.Classes)})");
            }

            features[(row * p) + at + place] = 1;
        }
    }
}
