using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// The two-dimensional data sets of the literature, each pinned to one of the definitions in use, which differ in scale and noise from code to code. Names say
/// whose definition it is where two are common.
/// </summary>
public static class DataSetLibrary
{
    private const double NotebookSpread = 0.562341325190349; // 0.1^(1/4): the notebooks take the root of a deviation
    private const double RunnerNoise = 0.05;

    /// <summary>All data sets.</summary>
    public static IReadOnlyList<SampledLaw> All { get; } =
    [
        Normal(2),
        Checkerboard(),
        EightGaussians("eight-gaussians", 5, NotebookSpread, "torchdyn and TorchCFM notebooks"),
        Moons(),
        NotebookMoons(),
        SCurve(),
        SwissRoll(),
        Spirals(),
        Circles(),
    ];

    /// <summary>A data set by its name.</summary>
    /// <exception cref="ArgumentException">There is none of that name; the message lists them.</exception>
    public static SampledLaw Get(string name) => All.FirstOrDefault(law => law.Name == name)
        ?? throw new ArgumentException($"There is no data set '{name}'; there are {string.Join(", ", All.Select(law => law.Name))}.", nameof(name));

    /// <summary>The standard normal law.</summary>
    /// <param name="dimension">d.</param>
    public static SampledLaw Normal(int dimension) =>
        new("normal", $"the standard normal law in {dimension} dimensions", dimension, (count, random) => Noise(count * dimension, 1, random))
        {
            LogDensity = x => (-0.5 * HostVectors.Dot(x, x)) - (x.Length * LogDensities.HalfLogTwoPi),
            EntropyFormula = () => dimension * (0.5 + LogDensities.HalfLogTwoPi),
        };

    /// <summary>
    /// Equal Gaussians on a circle, the first at angle 0. With 8 of radius 5 and deviation 0.1^(1/4) the law of the notebooks; the
    /// published moons to 8 Gaussians takes radius 12.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="radius">Radius of the circle.</param>
    /// <param name="deviation">Standard deviation of each Gaussian.</param>
    /// <param name="source">Whose definition it is.</param>
    public static SampledLaw EightGaussians(string name, double radius, double deviation, string source = "own")
    {
        const int count = 8;
        double[][] means = [.. Enumerable.Range(0, count).Select(k => new[] { radius * Math.Cos(k * Math.PI / 4), radius * Math.Sin(k * Math.PI / 4) })];
        double LogDensity(ReadOnlySpan<double> x)
        {
            // Summed from the largest, so that far points keep a finite logarithm.
            Span<double> terms = stackalloc double[count];
            for (var k = 0; k < count; k++)
            {
                var (u, v) = ((x[0] - means[k][0]) / deviation, (x[1] - means[k][1]) / deviation);
                terms[k] = -0.5 * ((u * u) + (v * v));
            }

            var (largest, sum) = HostVectors.SumOfExponentials(terms);
            return largest + Math.Log(sum / count) - (2 * (Math.Log(deviation) + LogDensities.HalfLogTwoPi));
        }

        return new SampledLaw(name, FormattableString.Invariant($"eight Gaussians of deviation {deviation:g4} on a circle of radius {radius} ({source})"), 2,
            (n, random) => Draw(n, random, _ =>
        {
            var mean = means[random.NextInt(count)];
            return (mean[0] + (deviation * random.NextNormal()), mean[1] + (deviation * random.NextNormal()));
        }))
        {
            LogDensity = LogDensity,
            EntropyFormula = () => PlaneEntropy(LogDensity, radius + (9 * deviation), deviation / 6),
        };
    }

    private static SampledLaw Checkerboard()
    {
        // Cells of side 2 whose indices floor(x / 2) and floor(y / 2) have an even sum.
        static bool Inside(ReadOnlySpan<double> x) =>
            Math.Abs(x[0]) <= 4 && Math.Abs(x[1]) <= 4 && ((int)Math.Floor(x[0] / 2) + (int)Math.Floor(x[1] / 2)) % 2 == 0;
        return new SampledLaw(
            "checkerboard", "uniform on eight squares of side 2 in [-4, 4]^2 (stochastic-interpolants notebooks)", 2, (n, random) => Draw(n, random, _ =>
        {
            var column = random.NextInt(4) - 2;
            var row = (2 * random.NextInt(2)) - 2 + (column & 1);
            return (2 * (column + random.NextDouble()), 2 * (row + random.NextDouble()));
        }))
        {
            LogDensity = x => Inside(x) ? -Math.Log(32) : double.NegativeInfinity,
            Contains = Inside,
            EntropyFormula = () => Math.Log(32),
        };
    }

    private static (double X, double Y) HalfMoon(RandomStream random)
    {
        var angle = Math.PI * random.NextDouble();
        return random.NextInt(2) == 0 ? (Math.Cos(angle), Math.Sin(angle)) : (1 - Math.Cos(angle), 0.5 - Math.Sin(angle));
    }

    private static SampledLaw Moons() =>
        new("moons", "two half circles with Gaussian noise 0.05, times 2 (scikit-learn's shape, TorchCFM runner)", 2, (n, random) => Draw(n, random, _ =>
    {
        var (x, y) = HalfMoon(random);
        return (2 * (x + (RunnerNoise * random.NextNormal())), 2 * (y + (RunnerNoise * random.NextNormal())));
    }));

    private static SampledLaw NotebookMoons() =>
        new("moons-notebook", "two half circles with one uniform number of [0, 0.2] added to both coordinates, times 3 minus 1 (TorchCFM notebooks)", 2,
            (n, random) => Draw(n, random, _ =>
    {
        var (x, y) = HalfMoon(random);
        var noise = 0.2 * random.NextDouble();
        return ((3 * (x + noise)) - 1, (3 * (y + noise)) - 1);
    }));

    private static SampledLaw SCurve() =>
        new("s-curve", "(sin t, sign(t) (cos t - 1)), t uniform on [-3 pi / 2, 3 pi / 2], Gaussian noise 0.05, times 1.5 (TorchCFM runner)", 2,
            (n, random) => Draw(n, random, _ =>
    {
        var t = 3 * Math.PI * (random.NextDouble() - 0.5);
        return (1.5 * (Math.Sin(t) + (RunnerNoise * random.NextNormal())), 1.5 * ((Math.Sign(t) * (Math.Cos(t) - 1)) + (RunnerNoise * random.NextNormal())));
    }));

    private static SampledLaw SwissRoll() =>
        new("swiss-roll", "(t cos t, t sin t), t uniform on [3 pi / 2, 9 pi / 2], Gaussian noise 1, divided by 5 (FFJORD)", 2,
            (n, random) => Draw(n, random, _ =>
    {
        var t = 1.5 * Math.PI * (1 + (2 * random.NextDouble()));
        return (((t * Math.Cos(t)) + random.NextNormal()) / 5, ((t * Math.Sin(t)) + random.NextNormal()) / 5);
    }));

    private static SampledLaw Spirals() =>
        new("spirals", "two spirals +-(-r cos r, r sin r) / 3, r = 3 pi sqrt(u), with uniform shifts below 0.5 / 3 and Gaussian noise 0.1 (FFJORD)", 2,
            (n, random) => Draw(n, random, _ =>
    {
        var r = 3 * Math.PI * Math.Sqrt(random.NextDouble());
        var (x, y) = ((-Math.Cos(r) * r) + (0.5 * random.NextDouble()), (Math.Sin(r) * r) + (0.5 * random.NextDouble()));
        var sign = random.NextRademacher();
        return ((sign * x / 3) + (0.1 * random.NextNormal()), (sign * y / 3) + (0.1 * random.NextNormal()));
    }));

    private static SampledLaw Circles() =>
        new("circles", "two circles of radius 1 and 0.5 with Gaussian noise 0.08, times 3 (FFJORD)", 2, (n, random) => Draw(n, random, _ =>
    {
        var (angle, radius) = (2 * Math.PI * random.NextDouble(), random.NextInt(2) == 0 ? 1.0 : 0.5);
        return (3 * ((radius * Math.Cos(angle)) + (0.08 * random.NextNormal())), 3 * ((radius * Math.Sin(angle)) + (0.08 * random.NextNormal())));
    }));

    private static double[] Draw(int count, RandomStream random, Func<RandomStream, (double X, double Y)> one)
    {
        var points = new double[2 * count];
        for (var i = 0; i < count; i++)
        {
            (points[2 * i], points[(2 * i) + 1]) = one(random);
        }

        return points;
    }

    private static double[] Noise(int count, double deviation, RandomStream random)
    {
        var values = new double[count];
        foreach (ref var value in values.AsSpan())
        {
            value = deviation * random.NextNormal();
        }

        return values;
    }

    // The trapezoidal rule on a square at whose edge the density has vanished converges exponentially.
    private static double PlaneEntropy(Func<ReadOnlySpan<double>, double> logDensity, double halfWidth, double step)
    {
        var (cells, sum) = ((int)Math.Ceiling(halfWidth / step), 0.0);
        Span<double> x = stackalloc double[2];
        for (var i = -cells; i <= cells; i++)
        {
            for (var j = -cells; j <= cells; j++)
            {
                (x[0], x[1]) = (i * step, j * step);
                var value = logDensity(x);
                sum -= value * Math.Exp(value);
            }
        }

        return sum * step * step;
    }
}
