using System.Globalization;
using System.Text;

namespace Monge.Diagnostics;

/// <summary>Moments and quantiles of one coordinate under weighted samples.</summary>
/// <param name="Name">Name of the coordinate.</param>
/// <param name="Mean">Weighted mean.</param>
/// <param name="MeanError">Monte Carlo standard error of the mean.</param>
/// <param name="StandardDeviation">Weighted standard deviation, with the small-sample correction 1 / (1 - sum w^2).</param>
/// <param name="StandardDeviationError">Monte Carlo standard error of the standard deviation.</param>
/// <param name="Quantile05">5% quantile.</param>
/// <param name="Quantile25">25% quantile.</param>
/// <param name="Median">50% quantile.</param>
/// <param name="Quantile75">75% quantile.</param>
/// <param name="Quantile95">95% quantile.</param>
public sealed record MomentRow(
    string Name,
    double Mean,
    double MeanError,
    double StandardDeviation,
    double StandardDeviationError,
    double Quantile05,
    double Quantile25,
    double Median,
    double Quantile75,
    double Quantile95);

/// <summary>Means, standard deviations and quantiles of each coordinate with their Monte Carlo errors.</summary>
/// <remarks>
/// Errors are those of self-normalised importance sampling by the delta method (A. B. Owen, "Monte Carlo theory, methods and examples", section 9.2);
/// they hold for independent samples. Quantiles interpolate between sorted samples placed at the middle of their weight.
/// </remarks>
public sealed class MomentTable
{
    private MomentTable(IReadOnlyList<MomentRow> rows) => Rows = rows;

    /// <summary>One row for each of the d coordinates.</summary>
    public IReadOnlyList<MomentRow> Rows { get; }

    /// <summary>Computes the table.</summary>
    /// <param name="samples">Samples, [n, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="logWeights">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="names">d names; null for x[0], x[1], ...</param>
    /// <exception cref="ArgumentException">Samples or weights are not finite, or a size does not fit.</exception>
    public static MomentTable Compute(double[] samples, int dimension, double[]? logWeights = null, IReadOnlyList<string>? names = null)
    {
        double[] weights = WeightedSamples.Normalise(samples, dimension, logWeights);
        if (names is not null && names.Count != dimension)
            throw new ArgumentException($"There are {names.Count} names for {dimension} coordinates.", nameof(names));
        var rows = new MomentRow[dimension];
        var values = new double[weights.Length];
        for (int axis = 0; axis < dimension; axis++)
        {
            for (int index = 0; index < values.Length; index++)
                values[index] = samples[index * dimension + axis];
            rows[axis] = ComputeRow(names is null ? $"x[{axis.ToString(CultureInfo.InvariantCulture)}]" : names[axis], values, weights);
        }
        return new MomentTable(rows);
    }

    /// <summary>Weighted quantiles of one sample.</summary>
    /// <param name="values">n values.</param>
    /// <param name="weights">n weights that add to one.</param>
    /// <param name="levels">Levels in [0, 1].</param>
    /// <returns>One quantile for each level.</returns>
    internal static double[] Quantiles(double[] values, double[] weights, params ReadOnlySpan<double> levels)
    {
        double[] sorted = [.. values];
        double[] sortedWeights = [.. weights];
        Array.Sort(sorted, sortedWeights);
        var result = new double[levels.Length];
        for (int level = 0; level < levels.Length; level++)
            result[level] = Quantile(sorted, sortedWeights, levels[level]);
        return result;
    }

    private static double Quantile(double[] sorted, double[] weights, double level)
    {
        double reached = 0, previousPosition = double.NegativeInfinity, previousValue = double.NaN;
        for (int index = 0; index < sorted.Length; index++)
        {
            if (weights[index] == 0)
                continue;
            double position = reached + weights[index] / 2;
            if (position >= level)
            {
                return double.IsNegativeInfinity(previousPosition)
                    ? sorted[index]
                    : previousValue + (sorted[index] - previousValue) * (level - previousPosition) / (position - previousPosition);
            }
            (previousPosition, previousValue) = (position, sorted[index]);
            reached += weights[index];
        }
        return previousValue;
    }

    private static MomentRow ComputeRow(string name, double[] values, double[] weights)
    {
        // Summed from the first value: exact for a constant and accurate for a large offset.
        double mean = values[0], squaredWeights = 0;
        for (int index = 0; index < values.Length; index++)
        {
            mean += weights[index] * (values[index] - values[0]);
            squaredWeights += weights[index] * weights[index];
        }
        double spread = 0, meanSquares = 0;
        for (int index = 0; index < values.Length; index++)
        {
            double square = (values[index] - mean) * (values[index] - mean);
            spread += weights[index] * square;
            meanSquares += weights[index] * weights[index] * square;
        }
        double spreadSquares = 0;
        for (int index = 0; index < values.Length; index++)
        {
            double excess = (values[index] - mean) * (values[index] - mean) - spread;
            spreadSquares += weights[index] * weights[index] * excess * excess;
        }
        double correction = squaredWeights < 1 ? 1 / (1 - squaredWeights) : 1;
        double deviation = Math.Sqrt(spread * correction);
        double varianceError = WeightedSamples.MeanError(spreadSquares, squaredWeights);
        // A constant coordinate has no spread to be uncertain about, unless one sample alone makes it look constant.
        double deviationError = deviation > 0 ? varianceError / (2 * deviation) : squaredWeights < 1 ? 0 : double.PositiveInfinity;
        double[] quantiles = Quantiles(values, weights, 0.05, 0.25, 0.5, 0.75, 0.95);
        return new MomentRow(name, mean, WeightedSamples.MeanError(meanSquares, squaredWeights), deviation, deviationError, quantiles[0], quantiles[1],
            quantiles[2], quantiles[3], quantiles[4]);
    }

    /// <summary>The table as aligned text, one line for each coordinate.</summary>
    public override string ToString()
    {
        int width = Math.Max(4, Rows.Max(static row => row.Name.Length));
        var text = new StringBuilder();
        text.Append("name".PadRight(width)).Append("        mean     +-           sd     +-           5%        25%        50%        75%        95%\n");
        foreach (MomentRow row in Rows)
        {
            text.Append(row.Name.PadRight(width));
            text.Append(
                CultureInfo.InvariantCulture, $" {row.Mean,11:G5} {row.MeanError,8:G2} {row.StandardDeviation,11:G5} {row.StandardDeviationError,8:G2}");
            foreach (double quantile in new[] { row.Quantile05, row.Quantile25, row.Median, row.Quantile75, row.Quantile95 })
                text.Append(CultureInfo.InvariantCulture, $" {quantile,10:G4}");
            text.Append('\n');
        }
        return text.ToString();
    }
}
