using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>The sphere of a radius around 0 in d coordinates: uniform draws and tangents.</summary>
public static class Sphere
{
    /// <summary>Draws a point of the uniform law.</summary>
    /// <param name="random">The random numbers.</param>
    /// <param name="point">Receives the point [d].</param>
    /// <param name="radius">The radius, above 0.</param>
    public static void Uniform(RandomStream random, Span<double> point, double radius = 1)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(radius);
        ArgumentOutOfRangeException.ThrowIfLessThan(point.Length, 1, nameof(point));
        var square = 0.0;
        while (!(square > 0))
        {
            foreach (ref var value in point)
            {
                value = random.NextNormal();
            }

            square = HostVectors.Dot(point, point);
        }

        foreach (ref var value in point)
        {
            value *= radius / Math.Sqrt(square);
        }
    }

    /// <summary>Draws points of the uniform law.</summary>
    /// <param name="count">n, at least 1.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="radius">The radius, above 0.</param>
    /// <returns>Points [n, d], row-major.</returns>
    public static double[] Uniform(int count, int dimension, RandomStream random, double radius = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        var points = new double[checked(count * dimension)];
        for (var a = 0; a < count; a++)
        {
            Uniform(random, points.AsSpan(a * dimension, dimension), radius);
        }

        return points;
    }

    /// <summary>Takes off a vector what it has along a point, so that a tangent of the sphere through the point is left.</summary>
    /// <param name="point">The point [d], not 0.</param>
    /// <param name="vector">The vector [d], replaced by its projection.</param>
    public static void Project(ReadOnlySpan<double> point, Span<double> vector) =>
        HostVectors.AddScaled(-HostVectors.Dot(point, vector) / HostVectors.Dot(point, point), point, vector);
}
