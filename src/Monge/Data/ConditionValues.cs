namespace Monge.Data;

/// <summary>What the columns are that a model is conditioned on: the same for all rows, or row by row.</summary>
public sealed class ConditionValues
{
    private readonly IReadOnlyDictionary<string, string>? _values;
    private readonly DataTable? _table;
    private readonly float[]? _raw;

    private ConditionValues(IReadOnlyDictionary<string, string>? values, DataTable? table, float[]? raw) => (_values, _table, _raw) = (values, table, raw);

    /// <summary>The same values for all rows, in words: a class's name or a number for each column.</summary>
    public static ConditionValues Values(IReadOnlyDictionary<string, string> values) => new(values, null, null);

    /// <summary>One value for all rows of a model with one condition.</summary>
    public static ConditionValues Value(string column, string value) => new(new Dictionary<string, string> { [column] = value }, null, null);

    /// <summary>Row by row from the columns of a table.</summary>
    public static ConditionValues Rows(DataTable table) => new(null, table, null);

    /// <summary>Row by row as the network receives them, without the flag [n, c].</summary>
    public static ConditionValues Inputs(float[] inputs) => new(null, null, inputs);

    /// <summary>Row by row as the network receives them, with the flag [n, c + 1].</summary>
    internal static ConditionValues Encoded(float[] rows, int inputs) => Inputs([.. rows.Where((_, i) => i % (inputs + 1) < inputs)]);

    /// <summary>The conditions of the first rows of those given by <see cref="Inputs"/>; what is the same for all rows stays so.</summary>
    /// <param name="rows">Their number.</param>
    /// <param name="inputs">Numbers c of a row.</param>
    public ConditionValues First(int rows, int inputs) => _raw is null ? this : new ConditionValues(null, null, _raw[..(rows * inputs)]);

    /// <summary>The inputs [n, c + 1] that stand for them, the last entry of each row the flag 1 that says that the condition is there.</summary>
    /// <param name="conditions">The columns that a model is conditioned on.</param>
    /// <param name="rows">n.</param>
    /// <exception cref="ArgumentException">A column or class is missing or unknown, or the rows are of another number.</exception>
    public float[] Encode(IReadOnlyList<Condition> conditions, int rows)
    {
        var inputs = conditions.Sum(c => c.Inputs);
        if (_table is { } table)
        {
            return table.Rows == rows ? Condition.Encode(conditions, table)
                : throw new ArgumentException($"{table.Source} gives conditions for {table.Rows} rows, not {rows}.");
        }

        if (_raw is not null && _raw.Length != rows * inputs)
        {
            throw new ArgumentException($"{_raw.Length} numbers are not the conditions of {rows} rows, {inputs} each.");
        }

        var one = _values is null ? [] : Encode(conditions, _values, inputs);
        var result = new float[rows * (inputs + 1)];
        for (var row = 0; row < rows; row++)
        {
            (_raw is null ? one : _raw.AsSpan(row * inputs, inputs)).CopyTo(result.AsSpan(row * (inputs + 1)));
        }

        return Condition.WithFlags(result, inputs);
    }

    private static Span<float> Encode(IReadOnlyList<Condition> conditions, IReadOnlyDictionary<string, string> values, int inputs)
    {
        var unknown = values.Keys.FirstOrDefault(name => conditions.All(c => c.Name != name));
        if (unknown is not null)
        {
            var known = conditions.Count == 0 ? "nothing" : string.Join(", ", conditions.Select(c => c.Name));
            throw new ArgumentException($"The model isn't conditioned on '{unknown}'; it is on {known}.");
        }

        var result = new float[inputs];
        var at = 0;
        foreach (var condition in conditions)
        {
            condition.Encode(
                values.TryGetValue(condition.Name, out var value) ? value
                    : throw new ArgumentException(
                        $"The model is conditioned on '{condition.Name}' too and has not learned its law: give a value for it, or none at all for the "
                        + "mixture of all."),
                result.AsSpan(at));
            at += condition.Inputs;
        }

        return result;
    }
}
