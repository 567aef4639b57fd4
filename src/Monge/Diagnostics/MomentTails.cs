using System.Globalization;

namespace Monge.Diagnostics;

/// <summary>Whether weighted draws fix the mean and the deviation of one coordinate.</summary>
/// <param name="Name">Name of the coordinate.</param>
/// <param name="Mean">The tail of weight times distance from the mean; null where no tail stands out.</param>
/// <param name="Deviation">The tail of weight times its square; null where no tail stands out.</param>
public sealed record MomentTail(string Name, ParetoTail? Mean, ParetoTail? Deviation)
{
    /// <summary>Whether the mean may be trusted.</summary>
    public bool HasMean => !IsHeavy(Mean);

    /// <summary>Whether the standard deviation may be trusted.</summary>
    public bool HasDeviation => !IsHeavy(Deviation);

    // A shape that is above the limit by chance is no reason for doubt.
    private static bool IsHeavy(ParetoTail? tail) => tail is not null && tail.Shape - tail.ShapeError > ParetoTail.LargestTrustedShape;
}

/// <summary>
/// The Pareto shapes of the terms that make up each coordinate's first and second moment: even weights don't help where the law itself has a heavy tail, and
/// weights with a heavy tail may still give all moments where what is heavy is not far out.
/// </summary>
/// <remarks>Source: A. Vehtari, D. Simpson, A. Gelman, Y. Yao and J. Gabry, "Pareto smoothed importance sampling" (arXiv:1507.02646), section 2.4.</remarks>
public static class MomentTails
{
    private const int Named = 6;

    /// <summary>The tails of every coordinate.</summary>
    /// <param name="samples">Samples [n, d], row-major.</param>
    /// <param name="names">Names [d].</param>
    /// <param name="logWeights">Log-weights [n], up to a constant; null for equal weights.</param>
    /// <exception cref="ArgumentException">A log-weight is NaN or plus infinity, all weights are zero, or a size does not fit.</exception>
    public static IReadOnlyList<MomentTail> Compute(double[] samples, IReadOnlyList<string> names, double[]? logWeights = null)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(samples);
        var (d, log) = (names.Count, logWeights ?? new double[samples.Length / names.Count]);
        if (samples.Length != log.Length * d)
        {
            throw new ArgumentException($"{samples.Length} numbers are not {log.Length} samples of {d} coordinates.", nameof(samples));
        }

        var weights = ImportanceWeights.FromLogWeights(log).Normalised;
        var terms = new double[log.Length];
        MomentTail Of(int axis)
        {
            // A lost sample weighs nothing, wherever it lies.
            var mean = Enumerable.Range(0, log.Length).Where(i => weights[i] > 0).Sum(i => weights[i] * samples[(i * d) + axis]);
            ParetoTail? Fit(int power)
            {
                for (var i = 0; i < terms.Length; i++)
                {
                    terms[i] = weights[i] > 0
                        ? log[i] + (power * Math.Log(Math.Abs(samples[(i * d) + axis] - mean))) : double.NegativeInfinity;
                }

                return terms.All(double.IsNegativeInfinity) || !terms.All(t => t < double.PositiveInfinity) ? null : ParetoTail.Fit(terms);
            }

            return new MomentTail(names[axis], Fit(1), Fit(2));
        }

        return [.. Enumerable.Range(0, d).Select(Of)];
    }

    /// <summary>What the draws don't fix, in one warning; none if they fix all moments.</summary>
    /// <param name="tails">The tails.</param>
    public static IEnumerable<Status> Judge(IReadOnlyList<MomentTail> tails)
    {
        ArgumentNullException.ThrowIfNull(tails);
        (string Text, double Shape)[] bad =
        [
            .. tails.Where(t => !t.HasMean).Select(t => ($"the mean of {t.Name}", t.Mean!.Shape)),
            .. tails.Where(t => !t.HasDeviation).Select(t => ($"the deviation of {t.Name}", t.Deviation!.Shape)),
        ];
        if (bad.Length > 0)
        {
            var shown = string.Join(", ", bad.Take(Named).Select(b => string.Create(CultureInfo.InvariantCulture, $"{b.Text} (Pareto k = {b.Shape:0.00})")));
            var more = bad.Length > Named ? $" and {bad.Length - Named} more" : "";
            yield return Status.Warn(
                $"don't trust {shown}{more}: the terms that make it up have too heavy a tail for these draws",
                "read the quantiles instead, raise --budget, or give the coordinate another scale, such as its logarithm");
        }
    }
}
