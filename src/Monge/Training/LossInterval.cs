namespace Monge.Training;

/// <summary>The squared residual |f - target|^2 of the learned fields in an interval of time; its mean contains what no field can lower.</summary>
/// <param name="From">Where the interval begins.</param>
/// <param name="To">Where it ends.</param>
/// <param name="Mean">The mean over samples.</param>
/// <param name="Deviation">The standard deviation over samples.</param>
public sealed record LossInterval(double From, double To, double Mean, double Deviation)
{
    /// <summary>Equal intervals of time from the residuals of a stratified batch.</summary>
    /// <param name="residuals">Residuals [n] in the order of their times.</param>
    /// <param name="count">Number of intervals.</param>
    public static IReadOnlyList<LossInterval> Of(float[] residuals, int count)
    {
        LossInterval Interval(int k)
        {
            var part = residuals[(int)((long)residuals.Length * k / count)..(int)((long)residuals.Length * (k + 1) / count)];
            var mean = part.Average(v => (double)v);
            return new LossInterval((double)k / count, (k + 1.0) / count, mean, Math.Sqrt(part.Average(v => (v - mean) * (v - mean))));
        }

        return [.. Enumerable.Range(0, count).Select(Interval)];
    }
}
