using Monge.Engine.LinearAlgebra;

namespace Monge.Data;

/// <summary>The scales that belong to all columns together.</summary>
internal static class StandardisationScales
{
    /// <summary>One scale of all columns, by which distances keep their proportions.</summary>
    public static double Common(double[] variance, double[] deviation)
    {
        var scale = Math.Sqrt(Enumerable.Range(0, variance.Length).Average(i => variance[i]));
        if (scale > 1e-140 && double.IsFinite(scale))
        {
            return scale;
        }

        var largest = deviation.Max();
        return largest * Math.Sqrt(deviation.Average(v => v / largest * (v / largest)));
    }

    /// <summary>
    /// The Cholesky factor [d, d] of the covariance; of columns in units in which it has no range the factor of their correlations, in their units.
    /// </summary>
    public static double[] Whitening(ReadOnlySpan<double> rows, int d, double[] mean, double[] deviation)
    {
        var isOrdinary = deviation.All(v => v is > 1e-140 and < 1e140);
        double[] factor;
        if (isOrdinary)
        {
            factor = Standardisation.Moments(rows, d).Covariance;
        }
        else
        {
            var scaled = new double[rows.Length];
            for (var at = 0; at < rows.Length; at++)
            {
                scaled[at] = (rows[at] - mean[at % d]) / deviation[at % d];
            }

            factor = Standardisation.Moments(scaled, d).Covariance;
        }

        try
        {
            Cholesky.Factor(factor, d);
        }
        catch (LinearAlgebraException error)
        {
            throw new ArgumentException(
                "The data's covariance is singular (a column is a combination of others), so they can't be whitened; use standardisation 'columns' "
                + "or leave a column out.", nameof(rows), error);
        }

        for (var at = 0; at < factor.Length && !isOrdinary; at++)
        {
            factor[at] *= deviation[at / d];
        }

        return factor;
    }
}
