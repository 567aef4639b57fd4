namespace Monge.Engine.LinearAlgebra;

/// <summary>Float64 vectors on the host. Sums go element by element in their order; the right side is read as far as the left goes.</summary>
public static class HostVectors
{
    /// <summary>sum_i a_i b_i.</summary>
    /// <param name="left">a.</param>
    /// <param name="right">b, at least as long.</param>
    public static double Dot(ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        var sum = 0.0;
        for (var i = 0; i < left.Length; i++)
        {
            sum += left[i] * right[i];
        }

        return sum;
    }

    /// <summary>sum_i (a_i - b_i)^2.</summary>
    /// <param name="left">a.</param>
    /// <param name="right">b, at least as long.</param>
    public static double SquaredDistance(ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        var sum = 0.0;
        for (var i = 0; i < left.Length; i++)
        {
            sum += (left[i] - right[i]) * (left[i] - right[i]);
        }

        return sum;
    }

    /// <summary>target_i += factor * source_i, each in one rounding where the processor has whole vectors of them.</summary>
    /// <param name="factor">The factor.</param>
    /// <param name="source">The vector that is added.</param>
    /// <param name="target">At least as long.</param>
    public static void AddScaled(double factor, ReadOnlySpan<double> source, Span<double> target) => VectorKernels.AddScaled(factor, source, target);

    /// <summary>Exponentials from the largest on, so that far logarithms don't vanish all together: sum_i exp(l_i) = exp(Largest) Sum.</summary>
    /// <param name="logs">l, at least one.</param>
    public static (double Largest, double Sum) SumOfExponentials(ReadOnlySpan<double> logs)
    {
        var largest = logs[0];
        foreach (var log in logs)
        {
            largest = Math.Max(largest, log);
        }

        var sum = 0.0;
        foreach (var log in logs)
        {
            sum += Math.Exp(log - largest);
        }

        return (largest, sum);
    }
}
