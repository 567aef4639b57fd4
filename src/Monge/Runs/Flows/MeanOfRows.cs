using Monge.Data;

namespace Monge.Runs;

/// <summary>The mean of a value of rows with its error, in which copies of a row count as one.</summary>
public static class MeanOfRows
{
    /// <summary>Mean and standard error; the error is not a number for one row, or copies of one.</summary>
    /// <param name="values">The values of the first n of the rows [n].</param>
    /// <param name="rows">The rows [m, d], row-major.</param>
    /// <param name="dimension">d.</param>
    public static (double Mean, double Error) Of(double[] values, ReadOnlySpan<double> rows, int dimension)
    {
        ArgumentNullException.ThrowIfNull(values);
        var (n, mean) = (values.Length, values.Average());
        var copies = RowCopies.Of(rows[..(n * dimension)], dimension);
        return (mean, copies.Any || n == 1 ? copies.ErrorOfMean(values) : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (n - 1) / n));
    }

    /// <summary>Mean and standard error of values of rows that are each of their own; the error is not a number for one row.</summary>
    /// <param name="values">The values [n].</param>
    public static (double Mean, double Error) Of(double[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var (n, mean) = (values.Length, values.Average());
        return (mean, n > 1 ? Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (n - 1) / n) : double.NaN);
    }

    /// <summary>Mean and error in words.</summary>
    /// <param name="mean">The mean.</param>
    /// <param name="error">Its error; not a number where it is unknown.</param>
    /// <param name="unit">The unit.</param>
    public static string Text(double mean, double error, string unit) => double.IsNaN(error)
        ? ResultText.Of($"{mean:F4} {unit} a row (of unknown error: one row says nothing of it)") : ResultText.Of($"{mean:F4} +- {error:F4} {unit} a row");
}
