using System.Globalization;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Finds densities that grow without bound along a ray, which have no finite integral: the log density is followed far out along the coordinates and some
/// random directions. Only growth over the last decades counts, so a target far from the origin passes. Where coordinates have a support, so far out they
/// round to its edge: what is infinite there is followed nearer by.
/// </summary>
internal static class UnboundedCheck
{
    private const int MostCoordinates = 32;
    private const int RandomRays = 8;

    // Growth that rounding can't feign, and that no normalisable density has.
    private const double LeastGrowth = 0.5;

    private static readonly double[] s_radii = [1e9, 1e10, 1e11, 1e12];
    private static readonly double[] s_nearRadii = [8, 12, 16, 20];

    /// <summary>Throws if the density grows along a ray.</summary>
    /// <exception cref="DensityException">It does; the message says where.</exception>
    public static void Run(Density density)
    {
        var (d, count) = (density.Dimension, s_radii.Length);
        List<(string Name, double[] Axis)> rays = [.. Rays(d)];
        var positions = rays.SelectMany(ray => s_radii.SelectMany(r => ray.Axis.Select(a => r * a))).ToArray();
        var values = density.LogDensityAt(positions);
        for (var k = 0; k < rays.Count; k++)
        {
            var (along, radii) = (values[(k * count)..((k + 1) * count)], s_radii);
            if (density.HasSupport && along.Any(double.IsPositiveInfinity))
            {
                radii = s_nearRadii;
                along = density.LogDensityAt([.. radii.SelectMany(r => rays[k].Axis.Select(a => r * a))]);
            }

            var grows = Enumerable.Range(1, count - 1).All(
                i => along[i] > along[i - 1] + LeastGrowth || (double.IsPositiveInfinity(along[i]) && !double.IsNaN(along[i - 1])));
            if (grows)
            {
                throw new DensityException(
                    string.Create(
                        CultureInfo.InvariantCulture, $"The log density of '{density.Name}' is unbounded above: along {rays[k].Name} it grows without end "
                        + $"({along[0]:g3} at a distance of {radii[0]:g2}, {along[^1]:g3} at {radii[^1]:g2}), so it has no finite integral; check its "
                        + $"sign (log density, not energy), or give the coordinates a support or a prior."));
            }
        }
    }

    private static IEnumerable<(string Name, double[] Axis)> Rays(int d)
    {
        var random = new RandomStream(0);
        for (var j = 0; j < Math.Min(d, MostCoordinates); j++)
        {
            foreach (var sign in new[] { 1.0, -1.0 })
            {
                var axis = new double[d];
                axis[j] = sign;
                yield return ($"unconstrained coordinate {j}{(sign > 0 ? "" : ", downwards,")}", axis);
            }
        }

        for (var k = 0; k < RandomRays; k++)
        {
            var axis = Enumerable.Range(0, d).Select(_ => random.NextNormal()).ToArray();
            var norm = Math.Sqrt(axis.Sum(a => a * a));
            yield return ("a random direction", Array.ConvertAll(axis, a => a / norm));
        }
    }
}
