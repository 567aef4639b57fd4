using Monge.Data;

namespace Monge.Methods;

/// <summary>What the columns are that a model is conditioned on: the same for all rows, or row by row.</summary>
public sealed class FlowGiven
{
    private readonly IReadOnlyDictionary<string, string>? _values;
    private readonly DataTable? _table;
    private readonly float[]? _raw;

    private FlowGiven(IReadOnlyDictionary<string, string>? values, DataTable? table, float[]? raw) => (_values, _table, _raw) = (values, table, raw);

    /// <summary>The same values for all rows, in words: a class's name or a number for each column.</summary>
    public static FlowGiven Values(IReadOnlyDictionary<string, string> values) => new(values, null, null);

    /// <summary>One value for all rows of a model with one condition.</summary>
    public static FlowGiven Value(string column, string value) => new(new Dictionary<string, string> { [column] = value }, null, null);

    /// <summary>Row by row from the columns of a table.</summary>
    public static FlowGiven Rows(DataTable table) => new(null, table, null);

    /// <summary>Row by row as the network receives them, without the flag [n, c].</summary>
    public static FlowGiven Inputs(float[] inputs) => new(null, null, inputs);

    /// <summary>The conditions of the first rows of those given by <see cref="Inputs"/>; what is the same for all rows stays so.</summary>
    /// <param name="rows">Their number.</param>
    /// <param name="inputs">Numbers c of a row.</param>
    public FlowGiven First(int rows, int inputs) => _raw is null ? this : new FlowGiven(null, null, _raw[..(rows * inputs)]);

    /// <summary>The network's inputs [n, c + 1].</summary>
    internal float[] Encode(IReadOnlyList<FlowCondition> conditions, int rows)
    {
        var inputs = conditions.Sum(c => c.Inputs);
        var stride = inputs + 1;
        var result = new float[rows * stride];
        if (_table is { } table && table.Rows != rows)
        {
            throw new ArgumentException($"{table.Source} gives conditions for {table.Rows} rows, not {rows}.");
        }

        if (_raw is not null && _raw.Length != rows * inputs)
        {
            throw new ArgumentException($"{_raw.Length} numbers are not the conditions of {rows} rows, {inputs} each.");
        }

        var unknown = _values?.Keys.FirstOrDefault(name => conditions.All(c => c.Name != name));
        if (unknown is not null)
        {
            throw new ArgumentException($"The model isn't conditioned on '{unknown}'; it is on {(conditions.Count == 0 ? "nothing" : string.Join(", ", conditions.Select(c => c.Name)))}.");
        }

        var at = 0;
        foreach (var condition in conditions)
        {
            if (_table is not null)
            {
                condition.Encode(_table, result.AsSpan(at), stride);
            }

            for (var row = 0; row < rows && _table is null; row++)
            {
                var to = result.AsSpan((row * stride) + at);
                if (_raw is not null)
                {
                    _raw.AsSpan((row * inputs) + at, condition.Inputs).CopyTo(to);
                }
                else if (row == 0)
                {
                    condition.Encode(_values!.TryGetValue(condition.Name, out var value) ? value : throw new ArgumentException($"The model is conditioned on '{condition.Name}' too; give a value for it."), to);
                }
                else
                {
                    result.AsSpan(at, condition.Inputs).CopyTo(to);
                }
            }

            at += condition.Inputs;
        }

        for (var row = 0; row < rows; row++)
        {
            result[(row * stride) + inputs] = 1;
        }

        return result;
    }
}
