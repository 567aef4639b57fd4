namespace Monge.Training;

/// <summary>A schedule of the learning rate.</summary>
public abstract record LearningRate
{
    /// <summary>The rate of a step.</summary>
    /// <param name="iteration">The step, from 0.</param>
    /// <param name="total">Steps of the whole run.</param>
    public abstract double At(long iteration, long total);
}

/// <summary>A linear rise over the first steps (a twentieth, at most 200), then half a cosine from the peak down to a share of it.</summary>
/// <param name="Peak">The highest rate.</param>
/// <param name="FinalShare">The last rate divided by the peak.</param>
public sealed record WarmCosineRate(double Peak, double FinalShare = 0.01) : LearningRate
{
    /// <inheritdoc/>
    public override double At(long iteration, long total)
    {
        var warm = Math.Min(200, Math.Max(1, total / 20));
        if (iteration < warm)
        {
            return Peak * (iteration + 1) / warm;
        }

        var progress = Math.Min(1, (double)(iteration - warm) / Math.Max(1, total - warm));
        return Peak * (FinalShare + ((1 - FinalShare) * 0.5 * (1 + Math.Cos(Math.PI * progress))));
    }
}

/// <summary>A rate that is multiplied by a factor every so many steps; the factor 1 keeps it.</summary>
/// <param name="First">The first rate.</param>
/// <param name="Interval">Steps between two reductions, at least 1.</param>
/// <param name="Factor">What each multiplies by.</param>
public sealed record StepRate(double First, long Interval = 1000, double Factor = 1) : LearningRate
{
    /// <inheritdoc/>
    public override double At(long iteration, long total) => First * Math.Pow(Factor, iteration / Interval);
}

/// <summary>
/// A linear rise over the first steps, then a fall with the root of the step's number: peak min(k / warm, sqrt(warm / k)), k from 1 (A. Vaswani et al.,
/// arXiv:1706.03762).
/// </summary>
/// <param name="Peak">The highest rate.</param>
/// <param name="WarmSteps">Steps of the rise, at least 1.</param>
public sealed record InverseRootRate(double Peak, long WarmSteps = 200) : LearningRate
{
    /// <inheritdoc/>
    public override double At(long iteration, long total) =>
        Peak * Math.Min((iteration + 1.0) / WarmSteps, Math.Sqrt(WarmSteps / (iteration + 1.0)));
}

/// <summary>
/// Lowers the learning rate of any schedule while the loss stands still: the mean loss of each window of steps is compared with the best before, and after
/// more than so many
/// windows without a better one the rate is multiplied by a factor (as ReduceLROnPlateau of PyTorch does with epochs).
/// </summary>
/// <param name="Factor">What each reduction multiplies by.</param>
/// <param name="Patience">Windows without a better loss that are borne.</param>
/// <param name="Window">Steps of a window, at least 1.</param>
/// <param name="Threshold">A loss is better when it lies below the best by more than this share of the best's size.</param>
public sealed record Plateau(double Factor = 0.1, int Patience = 10, int Window = 100, double Threshold = 1e-4)
{
    // What is remembered: steps of the open window, their sum of losses, the best window's mean, windows since (-1 before the first), reductions.
    internal const int MemorySize = 5;

    internal static double[] NewMemory() => [0, 0, 0, -1, 0];

    internal double Share(ReadOnlySpan<double> memory) => Math.Pow(Factor, memory[4]);

    internal void Observe(double loss, Span<double> memory)
    {
        memory[0]++;
        memory[1] += loss;
        if (memory[0] < Window)
        {
            return;
        }

        var mean = memory[1] / memory[0];
        memory[..2].Clear();
        if (memory[3] < 0 || mean < memory[2] - (Threshold * Math.Abs(memory[2])))
        {
            (memory[2], memory[3]) = (mean, 0);
        }
        else if (++memory[3] > Patience)
        {
            memory[3] = 0;
            memory[4]++;
        }
    }
}
