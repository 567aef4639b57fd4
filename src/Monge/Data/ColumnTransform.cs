namespace Monge.Data;

/// <summary>The curves under which columns of long tails are learned.</summary>
public enum ColumnCurve
{
    /// <summary>v = log x, of positive numbers.</summary>
    Logarithm,

    /// <summary>v = asinh((x - c) / s): x - c in units of s near c, and its logarithm far away, on both sides.</summary>
    InverseHyperbolicSine,
}

/// <summary>
/// A curve v(x) that brings a column's far values near: where few rows or long tails set its standard deviation, a straight scale would leave the model only
/// those.
/// </summary>
/// <param name="Curve">The curve.</param>
/// <param name="Centre">c; 0 for logarithms.</param>
/// <param name="Scale">s; 1 for logarithms.</param>
public sealed record ColumnTransform(ColumnCurve Curve, double Centre, double Scale)
{
    // Tables whose deviations are less than this many times their robust scales are learned well as they are. A lognormal law passes it at a deviation of 1.5
    // of the logarithm, and a Gaussian one with a wild row in a thousand where that is 160 deviations off.
    private const double LongTails = 5;

    // The interquartile range of a Gaussian law of deviation 1.
    private const double GaussianQuartiles = 1.3489795003921634;

    /// <summary>The transform that a column needs; null for most columns, and for those whose middle half holds one number.</summary>
    /// <param name="column">The column [n].</param>
    public static ColumnTransform? Of(double[] column)
    {
        ArgumentNullException.ThrowIfNull(column);
        double[] sorted = [.. column.Order()];
        var n = sorted.Length;
        var (centre, scale) = (sorted[n / 2], (sorted[3 * n / 4] - sorted[n / 4]) / GaussianQuartiles);
        var deviation = ColumnMoments.Of(column).Deviation;
        if (!(scale > 0) || !double.IsFinite(scale) || !(deviation > LongTails * scale))
        {
            return null;
        }

        var sine = new ColumnTransform(ColumnCurve.InverseHyperbolicSine, centre, scale);
        var logarithm = new ColumnTransform(ColumnCurve.Logarithm, 0, 1);
        return sorted[0] > 0 && logarithm.Skewness(column) < sine.Skewness(column) ? logarithm : sine;
    }

    /// <summary>Whether a number has a place on the curve.</summary>
    public bool Takes(double x) => Curve == ColumnCurve.InverseHyperbolicSine || x > 0;

    /// <summary>v(x); not a number where there is none.</summary>
    public double Apply(double x) => Curve == ColumnCurve.Logarithm ? Math.Log(x) : Math.Asinh((x - Centre) / Scale);

    /// <summary>x of v, the nearest finite number, which for logarithms is above 0.</summary>
    public double Undo(double v) => Curve == ColumnCurve.Logarithm ? Math.Clamp(Math.Exp(v), double.Epsilon, double.MaxValue)
        : Math.Clamp(Centre + (Scale * Math.Sinh(v)), double.MinValue, double.MaxValue);

    /// <summary>log dx/dv at x.</summary>
    public double LogSlope(double x) => Curve == ColumnCurve.Logarithm ? Math.Log(x) : Math.Log(Scale) + Math.Log(double.Hypot(1, (x - Centre) / Scale));

    /// <summary>The curve in words.</summary>
    public override string ToString() => Curve == ColumnCurve.Logarithm ? "logarithm" : "inverse hyperbolic sine";

    private double Skewness(double[] column)
    {
        double[] values = [.. column.Select(Apply)];
        var (mean, deviation) = ColumnMoments.Of(values);
        return Math.Abs(values.Average(v => Math.Pow((v - mean) / deviation, 3)));
    }
}
