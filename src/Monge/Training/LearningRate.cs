namespace Monge.Training;

/// <summary>Schedules of the learning rate.</summary>
public static class LearningRate
{
    /// <summary>A linear rise over the first steps, then half a cosine from the peak down to a share of it.</summary>
    /// <param name="iteration">The step, from 0.</param>
    /// <param name="total">Steps of the whole run.</param>
    /// <param name="peak">The highest rate.</param>
    /// <param name="finalShare">The last rate divided by the peak.</param>
    public static double WarmCosine(long iteration, long total, double peak, double finalShare)
    {
        var warm = Math.Min(200, Math.Max(1, total / 20));
        if (iteration < warm)
        {
            return peak * (iteration + 1) / warm;
        }

        var progress = Math.Min(1, (double)(iteration - warm) / Math.Max(1, total - warm));
        return peak * (finalShare + ((1 - finalShare) * 0.5 * (1 + Math.Cos(Math.PI * progress))));
    }
}
