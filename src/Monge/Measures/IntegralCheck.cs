using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Finds densities without a finite integral whose logarithm is bounded, by their tails in unconstrained coordinates. Along parallel lines through places drawn
/// at random the density must fall faster than 1 / r, or Fubini's theorem makes its integral infinite: the lines follow the coordinates and the directions in
/// which the curvature vanishes, where a prior may be missing. Along rays in random directions it must fall faster than r^-d. Both hold for every density with
/// a finite integral but for directions and places of measure zero. Only tails that can be evaluated far out count, so a wide density passes.
/// </summary>
internal static class IntegralCheck
{
    private const int MostCoordinates = 32;
    private const int MostCurved = 40;
    private const int Lines = 3;
    private const int Rays = 16;
    private const double FlatShare = 1e-9;
    private const double Rounding = 1e-6;

    // A plateau so far below the mass is a wall: some write a low number for minus infinity.
    private const double Depth = 700;

    // From far to near: the first radii are judged at which the formula has a value; exponentials of coordinates overflow beyond the third.
    private static readonly double[][] s_radii = [[1e9, 1e10, 1e11, 1e12], [1e4, 1e5, 1e6, 1e7], [100, 200, 400, 700], [10, 20, 40, 80]];

    private sealed record Direction(string Name, double[] Axis);

    /// <summary>Throws if the density seems to have no finite integral.</summary>
    /// <param name="density">The density.</param>
    /// <param name="centre">About where its mass lies [d].</param>
    /// <param name="cancellation">Stops the search for a base, which a suspicion needs.</param>
    /// <exception cref="DensityException">It seems to have none; the message says along what.</exception>
    public static void Run(Density density, double[] centre, CancellationToken cancellation = default)
    {
        var (d, random) = (density.Dimension, new RandomStream(0, MeasureStreams.IntegralCheck));
        double[] Normal() => [.. Enumerable.Range(0, d).Select(_ => random.NextNormal())];
        double[][] places = [.. Enumerable.Range(0, Lines).Select(_ => Normal().Zip(centre, (a, b) => a + b).ToArray())];
        var top = density.LogDensityAt([.. centre, .. places.SelectMany(p => p)]).Where(double.IsFinite).DefaultIfEmpty(double.NegativeInfinity).Max();
        var isTopOfModes = false;
        bool Falls(double[] place, double[] axis, double power)
        {
            if (IntegralCheck.Falls(density, place, axis, power, top))
            {
                return true;
            }

            // The centre may lie far below the mass, and what seems a plateau there still farther.
            if (!isTopOfModes && density.FindBase(cancellation) is { } found)
            {
                isTopOfModes = true;
                double[] high = [.. found.Center, .. found.Modes?.Modes.SelectMany(m => m.Position) ?? []];
                top = density.LogDensityAt(high).Where(double.IsFinite).Append(top).Max();
                return IntegralCheck.Falls(density, place, axis, power, top);
            }

            return false;
        }

        foreach (var direction in Coordinates(density).Concat(Flat(density, places[0])))
        {
            if (places.Count(place => !Falls(place, direction.Axis, 1)) > Lines / 2)
            {
                throw Told(density, $"along {direction.Name} it does not fall faster than 1 / r");
            }
        }

        for (var k = 0; k < Rays; k++)
        {
            var axis = Normal();
            var norm = Math.Sqrt(axis.Sum(a => a * a));
            if (!Falls(centre, Array.ConvertAll(axis, a => a / norm), d))
            {
                throw Told(density, $"in directions such as {Describe(density, axis)} it does not fall faster than r^-{d}");
            }
        }
    }

    private static DensityException Told(Density density, string where) => new(
        $"The density '{density.Name}' seems to have no finite integral: {where} at the distance r (does every coordinate have a prior?); add a prior, or give "
        + "the coordinates a support (DensityOptions.Support).");

    // Whether the density falls faster than r^-power, by the farthest radii at which it has values, or is as good as zero there.
    private static bool Falls(Density density, double[] place, double[] axis, double power, double top)
    {
        foreach (var radii in s_radii)
        {
            var values = density.LogDensityAt([.. radii.SelectMany(r => place.Zip(axis, (p, a) => p + (r * a)))]);
            if (values.Any(v => double.IsNaN(v) || double.IsPositiveInfinity(v)))
            {
                continue;
            }

            if (values[^1] < top - Depth - (power * Math.Log(radii[^1])))
            {
                return true;
            }

            for (var k = 1; k < radii.Length; k++)
            {
                var fall = power * Math.Log(radii[k] / radii[k - 1]);
                if (!(values[k] - values[k - 1] >= -fall * (1 + Rounding)))
                {
                    return true;
                }
            }

            return false;
        }

        return true;
    }

    private static IEnumerable<Direction> Coordinates(Density density)
    {
        for (var j = 0; j < Math.Min(density.Dimension, MostCoordinates); j++)
        {
            foreach (var sign in new[] { 1.0, -1.0 })
            {
                var axis = new double[density.Dimension];
                axis[j] = sign;
                yield return new Direction(Describe(density, axis), axis);
            }
        }
    }

    // Directions in which minus the Hessian vanishes at a place.
    private static IEnumerable<Direction> Flat(Density density, double[] place)
    {
        var d = density.Dimension;
        if (d is < 2 or > MostCurved)
        {
            yield break;
        }

        var x = Expr.Input("x", d);
        var program = new TracedProgram(null, ("hessian", Derivative.Hessian(density.LogDensity(x), x)));
        var hessian = ReferenceInterpreter.Evaluate(program, 1, new Dictionary<string, double[]> { ["x"] = place }, [])["hessian"];
        if (!hessian.All(double.IsFinite))
        {
            yield break;
        }

        var symmetric = new double[d * d];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                symmetric[(i * d) + j] = 0.5 * (hessian[(i * d) + j] + hessian[(j * d) + i]);
            }
        }

        var (values, vectors) = SymmetricEigen.DecomposeAsStored(symmetric, d);
        var steepest = values.Max(Math.Abs);
        for (var k = 0; k < d; k++)
        {
            if (Math.Abs(values[k]) > FlatShare * steepest)
            {
                continue;
            }

            foreach (var sign in new[] { 1.0, -1.0 })
            {
                var axis = Enumerable.Range(0, d).Select(i => sign * vectors[(i * d) + k]).ToArray();
                yield return new Direction(Describe(density, axis), axis);
            }
        }
    }

    // The direction in words, by the names of the coordinates if each has one.
    private static string Describe(Density density, double[] axis)
    {
        const int shown = 3;
        var largest = axis.Max(Math.Abs);
        string Name(int j) => density.Names.Count == axis.Length ? density.Names[j] : $"unconstrained coordinate {j}";
        int[] parts = [.. Enumerable.Range(0, axis.Length).Where(j => Math.Abs(axis[j]) > 0.1 * largest).OrderByDescending(j => Math.Abs(axis[j]))];
        var words = parts.Take(shown).Select(j => $"{Name(j)} {(axis[j] > 0 ? "upwards" : "downwards")}");
        return string.Join(" with ", words) + (parts.Length > shown ? $" and {parts.Length - shown} more" : "");
    }
}
