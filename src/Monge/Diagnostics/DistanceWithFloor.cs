using System.Globalization;
using Monge.Measures;

namespace Monge.Diagnostics;

/// <summary>A distance between a sample set and its target beside the distance between two exact sample sets of the same size.</summary>
/// <param name="Value">Mean distance between the samples and independent exact sets.</param>
/// <param name="Floor">Mean distance between two independent exact sets.</param>
/// <param name="FloorSpread">Standard deviation of the floor over its repetitions.</param>
/// <param name="Samples">Number of samples n on each side.</param>
/// <param name="Cost">What the distance is, such as "W2" or "mean squared cost".</param>
/// <remarks>A value near its floor can't be told from exact samples; a value well below it is under-dispersed or lucky, not better.</remarks>
public sealed record DistanceWithFloor(double Value, double Floor, double FloorSpread, int Samples, string Cost)
{
    /// <summary>Value divided by floor: about 1 for exact samples.</summary>
    public double Ratio => Value / Floor;

    /// <summary>Whether the value lies within two spreads above its floor.</summary>
    public bool IsAtFloor => Value <= Floor + 2 * FloorSpread;

    /// <summary>Standard error of <see cref="Value"/> over the repetitions; null if it wasn't computed.</summary>
    public double? ValueError { get; init; }

    /// <summary>The distances between the samples and the exact sets, one for each repetition.</summary>
    public IReadOnlyList<double> Values { get; init; } = [];

    /// <summary>The distances between two exact sets, one for each repetition.</summary>
    public IReadOnlyList<double> Floors { get; init; } = [];

    /// <summary>Median of <see cref="Values"/>; the mean if they weren't kept.</summary>
    public double ValueMedian => Values.Count > 0 ? Median(Values) : Value;

    /// <summary>Median of <see cref="Floors"/>; the mean if they weren't kept.</summary>
    public double FloorMedian => Floors.Count > 0 ? Median(Floors) : Floor;

    /// <summary>
    /// Median of the values divided by the median of the floors: the fair ratio where the cost has no expectation, as a squared cost between laws of infinite
    /// variance. There the means are ruled by single pairs and converge to nothing.
    /// </summary>
    public double MedianRatio => ValueMedian / FloorMedian;

    /// <summary>
    /// How far the value lies above the floor, in spreads of the floor: within about 2 for exact samples. For an unbiased distance, whose floor is zero on
    /// average, it says what the ratio can't.
    /// </summary>
    public double Excess => (Value - Floor) / FloorSpread;

    /// <summary>Measures samples and floor with the same distance, the same size and the same number of repetitions.</summary>
    /// <param name="samples">Samples to judge, [n, d] row-major, equally weighted (resample first if they carry weights).</param>
    /// <param name="dimension">d.</param>
    /// <param name="sampler">Draws exact or held-out sets.</param>
    /// <param name="distance">The distance between two sets [n, d].</param>
    /// <param name="cost">Its name.</param>
    /// <param name="repetitions">Number of repetitions, at least 2.</param>
    /// <param name="seed">Seed of the first exact set; the following integers are used for the others.</param>
    /// <exception cref="ArgumentException">The samples do not fill whole points, or the sampler returns another size.</exception>
    public static DistanceWithFloor Compute(
        double[] samples, int dimension, ExactSampler sampler, Func<double[], double[], double> distance, string cost, int repetitions = 5, int seed = 1)
    {
        int count = WeightedSamples.Normalise(samples, dimension, null).Length;
        return Compute((_, _) => samples, count, dimension, sampler, distance, cost, repetitions, seed);
    }

    /// <summary>
    /// As the other overload, with another set of samples to judge in each repetition, so that <see cref="ValueError"/> holds their scatter too.
    /// </summary>
    /// <param name="samples">Draws the sets to judge.</param>
    /// <param name="count">Number of samples n in each set.</param>
    /// <param name="dimension">d.</param>
    /// <param name="sampler">Draws exact or held-out sets.</param>
    /// <param name="distance">The distance between two sets [n, d].</param>
    /// <param name="cost">Its name.</param>
    /// <param name="repetitions">Number of repetitions, at least 2.</param>
    /// <param name="seed">Seed of the first set; the following integers are used for the others.</param>
    /// <exception cref="ArgumentException">A sampler returns another size.</exception>
    public static DistanceWithFloor Compute(ExactSampler samples, int count, int dimension, ExactSampler sampler, Func<double[], double[], double> distance,
        string cost, int repetitions = 5, int seed = 1)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(distance);
        ArgumentOutOfRangeException.ThrowIfLessThan(repetitions, 2);
        double[] Draw(ExactSampler from, int offset)
        {
            double[] drawn = from(count, seed + offset);
            return drawn.Length == count * dimension
                ? drawn
                : throw new ArgumentException($"The exact sampler returned {drawn.Length} values where {count * dimension} were asked for.", nameof(sampler));
        }
        var values = new double[repetitions];
        var floors = new double[repetitions];
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            double[] exact = Draw(sampler, 2 * repetition);
            values[repetition] = distance(Draw(samples, repetition), exact);
            floors[repetition] = distance(exact, Draw(sampler, 2 * repetition + 1));
        }
        return From(values, floors, count, cost);
    }

    /// <summary>Measures a quantity of one set, such as <see cref="KernelSteinDiscrepancy"/>, beside that of exact sets of the same size.</summary>
    /// <param name="samples">Draws the sets to judge.</param>
    /// <param name="count">Number of samples n in each set.</param>
    /// <param name="sampler">Draws exact or held-out sets.</param>
    /// <param name="quantity">The quantity of a set [n, d].</param>
    /// <param name="name">Its name.</param>
    /// <param name="repetitions">Number of repetitions, at least 2.</param>
    /// <param name="seed">Seed of the first set; the following integers are used for the others.</param>
    public static DistanceWithFloor Compute(
        ExactSampler samples, int count, ExactSampler sampler, Func<double[], double> quantity, string name, int repetitions = 5, int seed = 1)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(quantity);
        ArgumentOutOfRangeException.ThrowIfLessThan(repetitions, 2);
        double[] values = [.. Enumerable.Range(seed, repetitions).Select(s => quantity(samples(count, s)))];
        double[] floors = [.. Enumerable.Range(seed, repetitions).Select(s => quantity(sampler(count, s)))];
        return From(values, floors, count, name);
    }

    private static DistanceWithFloor From(double[] values, double[] floors, int count, string cost) =>
        new(values.Average(), floors.Average(), Spread(floors), count,
            cost)
        { ValueError = Spread(values) / Math.Sqrt(values.Length), Values = values, Floors = floors };

    private static double Median(IReadOnlyList<double> values)
    {
        double[] sorted = [.. values.Order()];
        return 0.5 * (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]);
    }

    private static double Spread(double[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(each => (each - mean) * (each - mean)) / (values.Length - 1));
    }

    /// <summary>One line such as "W2 0.150 (floor 0.148 +- 0.010 at n = 2000, ratio 1.01, of medians 1.02, excess 0.2 spreads)".</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Cost} {Value:G4} (floor {Floor:G4} +- {FloorSpread:G2} at n = {Samples}, ratio {Ratio:0.00}, of medians {MedianRatio:0.00}, excess "
            + $"{Excess:0.0} spreads)");
}
