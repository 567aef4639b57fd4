using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Engine.Arrays;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>What may be wrong with draws that the weights alone don't tell.</summary>
internal static class SampleWarnings
{
    private const double FarthestPosition = 1e6;
    private const double ManyOutside = 0.7;
    private const double LeftRegionShare = 0.01;
    private const double LargestStableStep = 2;
    private const double LowEffectiveFraction = 0.1;

    /// <summary>Whether uneven weights may come from scales near zero at which the density rises without bound, as it does in a centred hierarchy.</summary>
    /// <param name="target">The density, whose base says which modes a search found.</param>
    /// <param name="weights">The weights.</param>
    public static IEnumerable<Status> NoMode(Density target, ImportanceWeights weights)
    {
        if (target.HasSupport && target.Base.Modes is { Modes.Count: 0, Starts: > 0 } found && weights.EffectiveSampleFraction < LowEffectiveFraction)
        {
            yield return Status.Warn(
                FormattableString.Invariant(
                    $"a search from {found.Starts:N0} starts found no mode with mass about it, as where the scale of a hierarchy is near zero"),
                "write effects as their mean plus their scale times standard normal coordinates (the non-centred form)");
        }
    }

    /// <summary>
    /// Whether modes are so unequal in width that the search which found them can't exclude another narrow one: beside a wide mode a narrow one far away is
    /// reached
    /// from the share (narrow width / wide width)^d of the directions, which is less than one of its starts.
    /// </summary>
    /// <param name="target">The density, whose base says which modes the search found.</param>
    public static IEnumerable<Status> UnequalModes(Density target)
    {
        if (target.Base.Modes is not { Modes.Count: > 1 } found)
        {
            yield break;
        }

        double[] volumes = [.. found.Modes.Select(m => m.Gaussian.LogDeterminant)];
        if (volumes.Max() - volumes.Min() > Math.Log(found.Starts))
        {
            var width = Math.Exp(volumes.Min() / target.Dimension);
            yield return Status.Warn(
                FormattableString.Invariant(
                    $"modes of unequal widths were found ({found}), beside which the search may miss a mode of deviations about {width:g2} or less"),
                "name the places of modes that you know of (DensityOptions.Base), or compare log Z with that of a longer method");
        }
    }

    /// <summary>
    /// A step that a given diffusion makes unstable: an explicit Langevin step multiplies an error by 1 - eps h times the curvature, and beyond 2 it grows.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <param name="steps">Steps over [0, 1].</param>
    /// <param name="diffusion">The constant diffusion, as the option says it; null if none was given.</param>
    /// <param name="unit">The diffusion in z of one unit of the option.</param>
    public static IEnumerable<Status> UnstableStep(TransportProblem problem, int steps, double? diffusion, double unit = 1)
    {
        if (diffusion is not { } eps)
        {
            yield break;
        }

        var steepest = unit * Enumerable.Range(0, steps + 1).Max(k => problem.Curvature((double)k / steps));
        var factor = eps * steepest / steps;
        if (factor > LargestStableStep)
        {
            yield return Status.Warn(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the step size 1/{steps} is unstable for the diffusion {eps:g3}: diffusion x step x mean curvature is {factor:g3}, above "
                    + $"{LargestStableStep}"),
                string.Create(
                    CultureInfo.InvariantCulture, $"lower the option diffusion to at most {LargestStableStep * steps / steepest:g2}, or raise samplerSteps "
                    + $"to at least {Math.Ceiling(eps * steepest / LargestStableStep)}"));
        }
    }

    /// <summary>Weight outside the region in which the drift was trained.</summary>
    /// <param name="problem">The problem, whose box holds all particles of the preparation.</param>
    /// <param name="positions">Positions z [n, d].</param>
    /// <param name="weights">Normalised weights [n].</param>
    public static IEnumerable<Status> LeftRegion<T>(TransportProblem problem, NdArray<T> positions, IReadOnlyList<double> weights)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var outside = 0.0;
        for (var i = 0; i < positions.Rows; i++)
        {
            var row = positions.Row(i);
            for (var j = 0; j < row.Length; j++)
            {
                // A margin of half the box's width allows for the tails of larger runs.
                if (double.CreateChecked(T.Abs(row[j])) > 1.5 * problem.TargetBox[j])
                {
                    outside += weights[i];
                    break;
                }
            }
        }

        if (outside > LeftRegionShare)
        {
            yield return Status.Warn(
                string.Create(CultureInfo.InvariantCulture, $"{outside:P1} of the weight lies outside the region in which the drift was trained"),
                "widen the base (option baseInflation) and train anew");
        }
    }

    /// <summary>The particles [...] at finite positions where the density is zero or not finite.</summary>
    /// <param name="positions">Positions z [n, d].</param>
    /// <param name="logTarget">The log density [n] there.</param>
    public static IReadOnlyList<int> Outside<T>(NdArray<T> positions, double[] logTarget)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var outside = new List<int>();
        for (var i = 0; i < logTarget.Length; i++)
        {
            var finite = !double.IsFinite(logTarget[i]);
            foreach (var z in positions.Row(i))
            {
                finite &= double.CreateChecked(T.Abs(z)) < FarthestPosition;
            }

            if (finite)
            {
                outside.Add(i);
            }
        }

        return outside;
    }

    /// <summary>Many particles where the density is zero or not finite.</summary>
    /// <param name="target">The density.</param>
    /// <param name="reported">Reported values [n, names].</param>
    /// <param name="logWeights">Log-weights [n].</param>
    /// <param name="outside">The particles there.</param>
    public static IEnumerable<Status> Outside(Density target, double[] reported, double[] logWeights, IReadOnlyList<int> outside)
    {
        if (outside.Count > ManyOutside * logWeights.Length)
        {
            var (names, first) = (target.Names.Count, outside[0]);
            yield return Status.Warn(
                $"{outside.Count} of {logWeights.Length} particles ended where the density is zero or not finite, such as at "
                + target.Describe(reported[(first * names)..((first + 1) * names)]),
                "give the coordinates a support, add exponentials by LogSumExp, or suggest a base inside (DensityOptions.Base)");
        }
    }

    /// <summary>Particles whose positions or densities are not finite.</summary>
    /// <param name="logWeights">Log-weights [n]; minus infinity for a lost particle.</param>
    /// <param name="outside">Those of them that aren't lost but where the density is zero.</param>
    public static IEnumerable<Status> LostParticles(double[] logWeights, IReadOnlyList<int> outside)
    {
        var lost = logWeights.Count(double.IsNegativeInfinity) - outside.Count;
        if (lost > 0)
        {
            yield return Status.Warn($"{lost} of {logWeights.Length} particles were lost (their positions or densities are not finite) and weigh nothing",
                "train longer, lower the learning rate, or widen the base");
        }
    }
}
