using System.Globalization;
using Monge.Data;

namespace Monge.Methods;

/// <summary>
/// A column that a model is conditioned on: classes (words, or whole numbers of at most 32 kinds), each with an input of its own, or a continuous number, standardised.
/// </summary>
public sealed record FlowCondition
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
    public static FlowCondition Of(DataTable table, string name)
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
                return new FlowCondition { Name = name, Mean = mean, Scale = Math.Sqrt(column.Average(v => (v - mean) * (v - mean))) };
            }

            classes = [.. kinds.Select(Text)];
        }

        return classes.Length > 1 ? new FlowCondition { Name = name, Classes = classes }
            : throw new ArgumentException($"The condition '{name}' has one value only ({classes[0]}) in {table.Source}; a condition must vary.");
    }

    /// <summary>The inputs [n, Inputs] that stand for a table's column.</summary>
    internal void Encode(DataTable table, Span<float> inputs, int stride)
    {
        if (table.LabelNames.Contains(Name))
        {
            var labels = table.Labels(Name);
            for (var row = 0; row < table.Rows; row++)
            {
                Encode(labels[row], inputs[(row * stride)..], table.Source);
            }

            return;
        }

        var column = table.Column(Name);
        for (var row = 0; row < table.Rows; row++)
        {
            if (IsClass)
            {
                Encode(Text(column[row]), inputs[(row * stride)..], table.Source);
            }
            else
            {
                inputs[row * stride] = (float)((column[row] - Mean) / Scale);
            }
        }
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
        inputs[at >= 0 ? at : throw new ArgumentException($"The model knows no class '{value}' of '{Name}' ({source}); it knows {string.Join(", ", Classes)}.")] = 1;
    }

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
