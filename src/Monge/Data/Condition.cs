using System.Globalization;

namespace Monge.Data;

/// <summary>
/// A column that a model is conditioned on: classes (words, or whole numbers of at most 32 kinds), each with an input of its own, or a continuous number,
/// standardised.
/// </summary>
public sealed record Condition
{
    /// <summary>Most kinds of whole numbers that are taken as classes.</summary>
    public const int MostClasses = 32;

    /// <summary>The column's name.</summary>
    public required string Name { get; init; }

    /// <summary>The classes in their order; empty for a continuous column.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>The mean of a continuous column.</summary>
    public double Mean { get; init; }

    /// <summary>The standard deviation of a continuous column.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Whether it is a class.</summary>
    public bool IsClass => Classes.Count > 0;

    /// <summary>How many inputs it takes.</summary>
    public int Inputs => IsClass ? Classes.Count : 1;

    /// <summary>Decides what a column of a table is.</summary>
    /// <exception cref="ArgumentException">The column is missing or constant.</exception>
    public static Condition Of(DataTable table, string name)
    {
        string[] classes;
        if (table.LabelNames.Contains(name))
        {
            classes = [.. table.Labels(name).Distinct().Order(StringComparer.Ordinal)];
        }
        else
        {
            var column = table.Column(name);
            var kinds = column.Distinct().Order().Take(MostClasses + 1).ToArray();
            if (kinds.Length > MostClasses || kinds.Any(k => k != Math.Floor(k)))
            {
                var mean = column.Average();
                var scale = Math.Sqrt(column.Average(v => (v - mean) * (v - mean)));
                (mean, scale) = scale is > 1e-140 and < 1e140 ? (mean, scale) : ColumnMoments.Of(column);
                return scale > 0 && double.IsFinite(scale) && double.IsFinite(mean) ? new Condition { Name = name, Mean = mean, Scale = scale }
                    : throw new ArgumentException($"The condition '{name}' in {table.Source} holds numbers that have no scale; give it other units.");
            }

            classes = [.. kinds.Select(Text)];
        }

        return classes.Length > 1 ? new Condition { Name = name, Classes = classes }
            : throw new ArgumentException($"The condition '{name}' has one value only ({classes[0]}) in {table.Source}; a condition must vary.");
    }

    /// <summary>The inputs [n, c + 1] that stand for the columns of a table, the last entry of each row the flag 1; empty without conditions.</summary>
    internal static float[] Encode(IReadOnlyList<Condition> conditions, DataTable table)
    {
        var inputs = conditions.Sum(c => c.Inputs);
        var result = new float[inputs == 0 ? 0 : table.Rows * (inputs + 1)];
        var at = 0;
        foreach (var condition in conditions)
        {
            var labels = table.LabelNames.Contains(condition.Name) ? table.Labels(condition.Name) : null;
            var column = labels is null ? table.Column(condition.Name) : [];
            for (var row = 0; row < table.Rows; row++)
            {
                var to = result.AsSpan((row * (inputs + 1)) + at);
                if (labels is null && !condition.IsClass)
                {
                    to[0] = (float)((column[row] - condition.Mean) / condition.Scale);
                }
                else
                {
                    condition.Encode(labels is null ? Text(column[row]) : labels[row], to, table.Source);
                }
            }

            at += condition.Inputs;
        }

        return WithFlags(result, inputs);
    }

    /// <summary>One number for each combination of classes in encoded rows [n, c + 1]; empty without classes.</summary>
    internal static int[] Combinations(IReadOnlyList<Condition> conditions, float[] encoded)
    {
        var stride = conditions.Sum(c => c.Inputs) + 1;
        var labels = new int[conditions.Any(c => c.IsClass) ? encoded.Length / stride : 0];
        for (var row = 0; row < labels.Length; row++)
        {
            var at = row * stride;
            foreach (var condition in conditions)
            {
                labels[row] = condition.IsClass ? (labels[row] * condition.Inputs) + encoded.AsSpan(at, condition.Inputs).IndexOf(1f) : labels[row];
                at += condition.Inputs;
            }
        }

        return labels;
    }

    /// <summary>Sets the flag of every row [n, c + 1].</summary>
    internal static float[] WithFlags(float[] rows, int inputs)
    {
        for (var at = inputs; at < rows.Length; at += inputs + 1)
        {
            rows[at] = 1;
        }

        return rows;
    }

    /// <summary>The inputs that stand for one value, given in words.</summary>
    /// <exception cref="ArgumentException">The value is not a known class, or not a number.</exception>
    internal void Encode(string value, Span<float> inputs, string source = "the request")
    {
        if (!IsClass)
        {
            inputs[0] = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                ? (float)((number - Mean) / Scale)
                : throw new ArgumentException($"The condition '{Name}' takes a number, not '{value}'.");
            return;
        }

        var at = ((IList<string>)Classes).IndexOf(value);
        inputs[..Inputs].Clear();
        inputs[at >= 0 ? at
            : throw new ArgumentException($"The model knows no class '{value}' of '{Name}' ({source}); it knows {string.Join(", ", Classes)}.")] = 1;
    }

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
