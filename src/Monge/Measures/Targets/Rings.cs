using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>
/// Three concentric rings in the plane. With q = |x|^2 the density is sum_k exp(-(q - R_k^2)^2 / (2 (2 R_k s)^2)): near ring k a Gaussian of width s in
/// the radius, and smooth at the origin. In q each ring is a truncated Gaussian, so everything is known in closed form.
/// </summary>
internal static class Rings
{
    private const double Width = 0.25;
    private static readonly double[] s_radii = [2, 4, 6];

    public static Density Create()
    {
        // The plane's area element is pi dq.
        double[] scales = [.. s_radii.Select(r => 2 * r * Width)];
        double[] masses = [.. s_radii.Zip(scales, (r, s) => Math.PI * s * Math.Sqrt(2 * Math.PI) * Upper(-r * r / s))];
        var total = masses.Sum();
        double[] edges = [0, 9, 25, double.PositiveInfinity];
        double[] weights =
            [.. Enumerable.Range(0, 3).Select(label => Enumerable.Range(0, 3).Sum(k => MassBetween(k, scales, edges[label], edges[label + 1])) / total)];
        var (squares, inverse) = (Expr.Constant([.. s_radii.Select(r => r * r)], 3), Expr.Constant([.. scales.Select(s => 1 / s)], 3));
        var deviation = Math.Sqrt(0.5 * Quadrature.Segment(q => q * Enumerable.Range(0, 3).Sum(k => Bump(q, k, scales)), 0, 100) * Math.PI / total);
        return Density.Create("rings", 2, x => (-0.5 * ((x.SquaredNorm() - squares) * inverse).Square()).LogSumExp(), new DensityOptions
        {
            Description = "Three concentric rings of radius 2, 4 and 6 and width 0.25 in the plane.",
            Base = BaseSuggestion.Isotropic(2, 4, 8, "about the spread of the rings", true),
            Facts = new TargetFacts
            {
                LogZ = Math.Log(total),
                LogZSource = "exact: closed form in the squared radius",
                Moments = new ReferenceMoments([0, 0], [deviation, deviation], "exact: quadrature in the squared radius"),
                Modes = new ModeSet(weights, x => Array.FindIndex(edges, 1, e => (x[0] * x[0]) + (x[1] * x[1]) < e) - 1, k => $"radius {s_radii[k]}"),
                ExactSampler = (n, random) => Sample(n, random, masses, scales),
            },
        });
    }

    private static double Bump(double q, int k, double[] scales)
    {
        var z = (q - (s_radii[k] * s_radii[k])) / scales[k];
        return Math.Exp(-0.5 * z * z);
    }

    private static double MassBetween(int k, double[] scales, double from, double to)
    {
        var square = s_radii[k] * s_radii[k];
        return Math.PI * scales[k] * Math.Sqrt(2 * Math.PI) * (Upper((from - square) / scales[k]) - Upper((to - square) / scales[k]));
    }

    // The mass of the standard normal law above z.
    private static double Upper(double z) => double.IsPositiveInfinity(z) ? 0 : 0.5 * HostFunctions.Erfc(z / Math.Sqrt(2));

    private static double[] Sample(int samples, RandomStream random, double[] masses, double[] scales)
    {
        var positions = new double[samples * 2];
        for (var s = 0; s < samples; s++)
        {
            var ring = random.NextCategorical(masses);
            var square = -1.0;
            while (square < 0)
            {
                square = (s_radii[ring] * s_radii[ring]) + (scales[ring] * random.NextNormal());
            }

            var angle = 2 * Math.PI * random.NextDouble();
            positions[2 * s] = Math.Sqrt(square) * Math.Cos(angle);
            positions[(2 * s) + 1] = Math.Sqrt(square) * Math.Sin(angle);
        }

        return positions;
    }
}
