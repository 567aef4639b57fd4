using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>What several experiments measure alike.</summary>
internal static class Measurements
{
    /// <summary>(k + 1/2) / n for k from 0: the nodes of the midpoint rule on [0, 1].</summary>
    public static double[] Midpoints(int count) => [.. Enumerable.Range(0, count).Select(k => (k + 0.5) / count)];

    /// <summary>Preparation and training in full, as published figures are made; by default a run ends when its weights are even enough.</summary>
    public static PreparationOptions WholeTraining { get; } = new() { EnoughEss = 1 };

    /// <summary>Standard normal numbers.</summary>
    public static double[] Normal(RandomStream random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];

    /// <summary>The largest absolute value; not a number if one isn't.</summary>
    public static double LargestMagnitude(ReadOnlySpan<double> values)
    {
        var largest = 0.0;
        foreach (var value in values)
        {
            largest = double.IsNaN(value) ? double.NaN : Math.Max(largest, Math.Abs(value));
        }

        return largest;
    }

    /// <summary>The mean and its standard error.</summary>
    public static (double Mean, double Error) Mean(double[] values)
    {
        var mean = values.Average();
        return (mean, Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1) / values.Length));
    }

    /// <summary>The slope of the line nearest to points in least squares.</summary>
    public static double Slope(IReadOnlyCollection<(double X, double Y)> points)
    {
        var (x, y) = (points.Average(p => p.X), points.Average(p => p.Y));
        return points.Sum(p => (p.X - x) * (p.Y - y)) / points.Sum(p => (p.X - x) * (p.X - x));
    }

    /// <summary>The largest difference between a mode's weight among weighted draws and its exact one.</summary>
    public static double LargestModeError(Density target, SampleSet draws)
    {
        var modes = target.Facts.Modes!;
        var weights = modes.Occupancy(draws.UnconstrainedPositions, target.Dimension, draws.NormalizedWeights());
        return Enumerable.Range(0, modes.Count).Max(k => Math.Abs(weights[k] - modes.Weights[k]));
    }
}
