using System.Globalization;
using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>The law of rows that have both probabilities and densities, in nats.</summary>
/// <param name="LogProbability">The log probability of words, whole numbers and zeros [n], given the conditions.</param>
/// <param name="LogDensity">The log density of the other numbers given those [n], in the table's units; 0 for a row without such.</param>
public sealed record TableDensity(double[] LogProbability, double[] LogDensity)
{
    /// <summary>The log likelihood [n], the sum of both: it compares with that of any law of the same columns with the same kinds.</summary>
    public double[] Sum => [.. LogProbability.Zip(LogDensity, (p, q) => p + q)];
}

/// <summary>
/// A fitted model of a table whose columns have types: the exact law of what has a probability, and the transport of the rest given it. Rows are tables
/// with the columns' names, words included.
/// </summary>
public sealed class TableModel
{
    private readonly TableLaw _law;

    /// <summary>A model of a fit.</summary>
    /// <param name="flow">The model, as a fit or a file gives it.</param>
    /// <exception cref="ArgumentException">It is of a table without types.</exception>
    public TableModel(FlowModel flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        _law = flow.Table ?? throw new ArgumentException("The model is of a table whose columns are all continuous; it has no types.", nameof(flow));
        Flow = flow;
    }

    /// <summary>The transport.</summary>
    public FlowModel Flow { get; }

    /// <summary>The types of the columns.</summary>
    public ColumnTypes Types => _law.Types;

    /// <summary>The names of the columns that are generated.</summary>
    public IReadOnlyList<string> Columns => [.. Types.Generated.Select(t => t.Name)];

    /// <summary>The names of the conditions.</summary>
    public IReadOnlyList<string> Conditions => [.. Types.All.Where(t => t.IsCondition).Select(t => t.Name)];

    /// <summary>Draws rows.</summary>
    /// <param name="count">n.</param>
    /// <param name="settings">How; null for the defaults. What is given there is not looked at.</param>
    /// <param name="given">
    /// Values that are given, by column: any columns and conditions with probabilities, zero for a zero-inflated one. What is not given is drawn; a
    /// condition that is a number has no law and must be given.
    /// </param>
    /// <param name="conditions">A table of n rows with the conditions; null for none.</param>
    /// <exception cref="ArgumentException">A value can't be given, or must be; the message says which.</exception>
    public DataTable Generate(
        int count, FlowSettings? settings = null, IReadOnlyDictionary<string, string>? given = null, DataTable? conditions = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        settings ??= new FlowSettings();
        var numbers = Numbers(count, given, conditions);
        var random = new RandomStream(settings.Seed, RunStreams.DiscreteDraws);
        var codes = _law.Discrete.Draw(count, Given(count, given, conditions), numbers, random, settings.Threads);
        var coordinates = Types.Continuous.Count == 0 ? [] : Flow.Generate(count, settings with { Given = Seen(codes, numbers, count) });
        return Types.Compose(codes, coordinates, count, "drawn rows");
    }

    /// <summary>The law of rows under the ODE's transport.</summary>
    /// <param name="table">The rows.</param>
    /// <param name="settings">How; null for the exact divergence by adaptive steps.</param>
    /// <param name="given">Conditions that the table lacks.</param>
    /// <exception cref="DataFormatException">A value has no probability under the model; the message names row and column.</exception>
    /// <exception cref="ArgumentException">A column or condition is missing.</exception>
    public TableDensity LogDensity(DataTable table, FlowSettings? settings = null, IReadOnlyDictionary<string, string>? given = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        settings ??= new FlowSettings();
        var (codes, numbers) = Read(table, given);
        var probability = _law.Discrete.LogProbability(codes, numbers, settings.Threads);
        if (Types.Continuous.Count == 0)
        {
            return new TableDensity(probability, new double[table.Rows]);
        }

        var (d, (coordinates, isThere)) = (Types.Continuous.Count, Types.Coordinates(table));
        var standard = Flow.Standardisation;
        var corrections = new double[table.Rows];
        for (var i = 0; i < coordinates.Length; i++)
        {
            var k = i % d;
            if (!isThere[i])
            {
                // At the base's mean, and its density there is that of nothing else.
                coordinates[i] = standard.Mean[k];
                corrections[i / d] += (0.5 * Math.Log(2 * Math.PI)) + Math.Log(Flow.BaseScale) + Math.Log(standard.Scales[k]);
            }
            else if (Types.Continuous[k].IsLogarithmic)
            {
                corrections[i / d] -= coordinates[i];
            }
        }

        var values = Flow.LogDensity(coordinates, settings with { Given = Seen(codes, numbers, table.Rows) });
        return new TableDensity(probability, [.. values.Zip(corrections, (v, c) => v + c)]);
    }

    /// <summary>
    /// Carries rows back to the base: columns with a density become standard normal numbers, 0 where a zero-inflated one is zero; all else stays.
    /// </summary>
    /// <param name="table">The rows.</param>
    /// <param name="settings">How; null for the defaults.</param>
    /// <param name="given">Conditions that the table lacks.</param>
    public DataTable ToBase(DataTable table, FlowSettings? settings = null, IReadOnlyDictionary<string, string>? given = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        var (codes, numbers) = Read(table, given);
        var (coordinates, isThere) = Types.Coordinates(table);
        var (d, standard) = (Math.Max(1, Types.Continuous.Count), Flow.Standardisation);
        double[] start = [.. coordinates.Select((v, i) => isThere[i] ? v : standard.Mean[i % d])];
        var carried = start.Length == 0 ? [] : Flow.ToBase(start, (settings ?? new FlowSettings()) with { Given = Seen(codes, numbers, table.Rows) });
        return With(table, [.. carried.Select((v, i) => isThere[i] ? v : 0)]);
    }

    /// <summary>Carries rows of the base to the data: what <see cref="ToBase"/> makes is brought back.</summary>
    /// <param name="table">The rows.</param>
    /// <param name="settings">How; null for the defaults.</param>
    /// <param name="given">Conditions that the table lacks.</param>
    public DataTable ToData(DataTable table, FlowSettings? settings = null, IReadOnlyDictionary<string, string>? given = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        var (codes, numbers) = Read(table, given);
        if (Types.Continuous.Count == 0)
        {
            return Types.Compose(codes, [], table.Rows, table.Source);
        }

        var start = table.Select([.. Types.Continuous.Select(t => t.Name)]).Values;
        var carried = Flow.ToData(start, (settings ?? new FlowSettings()) with { Given = Seen(codes, numbers, table.Rows) });
        return Types.Compose(codes, carried, table.Rows, table.Source);
    }

    private DataTable With(DataTable table, double[] coordinates)
    {
        var d = Types.Continuous.Count;
        return DataTable.Of(table.Source, [.. Types.Generated.Select(type =>
        {
            var k = Types.Continuous.ToList().IndexOf(type);
            return k >= 0 ? new TableColumn(type.Name, [.. Enumerable.Range(0, table.Rows).Select(row => coordinates[(row * d) + k])], null)
                : type.IsWords ? new TableColumn(type.Name, null, [.. table.Labels(type.Name)])
                : new TableColumn(type.Name, table.Column(type.Name), null);
        })]);
    }

    private ConditionValues Seen(double[] codes, IReadOnlyList<double[]> numbers, int rows) =>
        ConditionValues.Rows(TypedRows.Table(Types, codes, null, null, numbers, rows, "the rows"));

    private (double[] Codes, double[][] Numbers) Read(DataTable table, IReadOnlyDictionary<string, string>? given)
    {
        bool IsGiven(ColumnType type) => type.IsCondition && given?.ContainsKey(type.Name) == true;
        var codes = Types.Codes(table, [.. Types.Discrete.Where(IsGiven).Select(t => t.Name)]);
        var m = Types.Discrete.Count;
        for (var k = 0; k < m; k++)
        {
            if (IsGiven(Types.Discrete[k]))
            {
                var code = ColumnTypes.Code(Types.Discrete[k], given![Types.Discrete[k].Name]);
                for (var row = 0; row < table.Rows; row++)
                {
                    codes[(row * m) + k] = code;
                }
            }
        }

        return (codes, Numbers(table.Rows, given, table));
    }

    private double[][] Numbers(int count, IReadOnlyDictionary<string, string>? given, DataTable? table) => [.. Types.Numbers.Select(type =>
    {
        if (given?.TryGetValue(type.Name, out var text) == true)
        {
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                ? [.. Enumerable.Repeat(number, count)]
                : throw new ArgumentException($"The condition '{type.Name}' takes a number, not '{text}'.");
        }

        return table?.Has(type.Name) == true ? table.Column(type.Name)
            : throw new ArgumentException(
                $"The condition '{type.Name}' is a number whose law the model has not learned; give a value for it, or fit with it as a column.");
    })];

    private double[] Given(int count, IReadOnlyDictionary<string, string>? given, DataTable? conditions)
    {
        if (given?.Keys.FirstOrDefault(name => Types.All.All(t => t.Name != name)) is { } unknown)
        {
            var near = NearestName.Find(unknown, Types.All.Select(t => t.Name));
            throw new ArgumentException(
                $"The model has no column '{unknown}'{(near is null ? "" : $" (is '{near}' meant?)")}; "
                + $"it has {string.Join(", ", Types.All.Select(t => t.Name))}.");
        }

        var m = Types.Discrete.Count;
        var codes = new double[count * m];
        Array.Fill(codes, double.NaN);
        if (conditions is not null)
        {
            Types.Codes(conditions, [.. Types.Discrete.Where(t => !t.IsCondition).Select(t => t.Name)]).CopyTo(codes, 0);
        }

        foreach (var type in Types.All.Where(t => given?.ContainsKey(t.Name) == true && !(t.IsCondition && !t.IsDiscrete)))
        {
            var value = given![type.Name];
            if (type.HasDensity && (type.Kind == ColumnKind.Continuous || ColumnTypes.Code(type, value) != 0))
            {
                throw new ArgumentException(
                    $"The column '{type.Name}' has a density, so '{value}' can't be given after the fit; fit with it as a condition "
                    + $"(--condition {type.Name}){(type.Kind == ColumnKind.Continuous ? "" : ", or give it as 0")}.");
            }

            var (code, k) = (ColumnTypes.Code(type, value), Types.Discrete.ToList().IndexOf(type));
            for (var row = 0; row < count; row++)
            {
                codes[(row * m) + k] = code;
            }
        }

        return codes;
    }
}
