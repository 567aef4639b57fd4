using Monge.Measures;

namespace Monge.Methods;

/// <summary>Bases fitted to weighted draws of a problem.</summary>
internal static class BaseFit
{
    private const int FewestForMoments = 4;
    private const double LeastModeWeight = 0.02;

    /// <summary>The bent coordinates in which weighted draws z [n, d] of a problem look most normal; null for none.</summary>
    public static TriangularMap? Bend(TransportProblem problem, double[] positions, double[] weights, double inflation)
    {
        var d = problem.Base.Dimension;
        var draws = positions;
        if (problem.Bend is { } before)
        {
            draws = new double[positions.Length];
            for (var at = 0; at < draws.Length; at += d)
            {
                before.Apply(positions.AsSpan(at, d), draws.AsSpan(at, d));
            }
        }

        return TriangularMap.TryFit(draws, weights, d, inflation);
    }

    /// <summary>
    /// The problem whose law at t = 0 is the mixture of the Gaussians at separate modes, weighed by the mass about them, in coordinates that its mean and
    /// deviations standardise.
    /// </summary>
    /// <param name="target">The density.</param>
    /// <param name="modes">The modes.</param>
    /// <param name="inflation">Factor on the standard deviations.</param>
    public static TransportProblem Mixture(Density target, IReadOnlyList<FoundMode> modes, double inflation)
    {
        var whole = Law(modes, inflation);
        var (centre, spread) = (whole.Mean(), whole.Covariance());
        double[] deviation = [.. centre.Select((_, i) => Math.Sqrt(spread[i, i]))];
        return new TransportProblem
        {
            Target = target,
            Base = GaussianBase.Diagonal(centre, deviation),
            Start = Law(modes, inflation, centre, deviation),
            Offset = 0,
            TargetExponent = 1,
            BaseExponent = 1,
            Stiffness = 1,
            TargetBox = new double[target.Dimension],
            Source = "",
        };
    }

    /// <summary>The mixture of the Gaussians at separate modes, weighed by the mass about them.</summary>
    /// <param name="modes">The modes.</param>
    /// <param name="inflation">Factor on the standard deviations.</param>
    /// <param name="centre">What positions are measured from [d]; null for the origin.</param>
    /// <param name="scale">The units of positions [d]; null for ones.</param>
    public static GaussianMixtureLaw Law(IReadOnlyList<FoundMode> modes, double inflation, double[]? centre = null, double[]? scale = null)
    {
        var (top, d) = (modes.Max(m => m.LogZ), modes[0].Position.Length);

        // The masses may be off by much: no mode is left without draws.
        double[] weights = [.. modes.Select(m => Math.Max(LeastModeWeight, Math.Exp(m.LogZ - top)))];
        double Unit(int i) => scale?[i] ?? 1;
        double[,] Covariance(FoundMode mode)
        {
            var factor = LowerTriangle.Scale(mode.Gaussian.Factor!, inflation);
            var covariance = new double[d, d];
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    var sum = Enumerable.Range(0, j + 1).Sum(k => factor[i, k] * factor[j, k]);
                    covariance[i, j] = covariance[j, i] = sum / (Unit(i) * Unit(j));
                }
            }

            return covariance;
        }

        return new GaussianMixtureLaw(
            [.. weights.Select(w => w / weights.Sum())], [.. modes.Select(m => m.Gaussian.Mean.Select((v, i) => (v - (centre?[i] ?? 0)) / Unit(i)).ToArray())],
            [.. modes.Select(Covariance)]);
    }

    /// <summary>The Gaussian with the mean and covariance of weighted draws of a problem, widened; null if they have none.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="positions">Positions z [n, d].</param>
    /// <param name="draws">Normalised weights [n].</param>
    /// <param name="inflation">Factor on the standard deviations.</param>
    public static GaussianBase? Gaussian(TransportProblem problem, double[] positions, double[] draws, double inflation)
    {
        var d = problem.Base.Dimension;

        // Too few effective samples make noise of all moments: flatter weights give steadier moments on the way there.
        var (weights, effective) = Flatten(draws, Math.Min(Math.Max(32, FewestForMoments * d), draws.Length / 4));
        var (mean, covariance) = Moments(positions, weights, d);

        // Few effective samples fix variances but not correlations. When none stands out of the noise all are left out: coordinates that don't depend on one
        // another stay apart, and a separable drift can carry them.
        var keep = Correlated(covariance, effective) ? Math.Max(0, 1 - (2.0 * d / effective)) : 0;
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                covariance[i, j] *= i == j ? 1 : keep;
            }
        }

        if (LowerTriangle.TryFactor(covariance) is not { } inner)
        {
            return null;
        }

        var position = new double[d];
        problem.Base.ToPosition(mean, position);
        var outer = TransportProblem.Factor(problem.Base);
        var factor = new double[d, d];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                for (var k = j; k <= i; k++)
                {
                    factor[i, j] += outer[(i * d) + k] * inner[k, j];
                }
            }
        }

        return GaussianBase.Full(position, factor).Inflate(inflation);
    }

    // Weights w^beta, normalised, with beta <= 1 so small that at least some number of samples is effective.
    private static (double[] Weights, double Effective) Flatten(double[] weights, double fewest)
    {
        (double[] Weights, double Effective) Power(double beta)
        {
            double[] powers = [.. weights.Select(w => w > 0 ? Math.Pow(w, beta) : 0)];
            var (sum, squares) = (powers.Sum(), powers.Sum(p => p * p));
            return ([.. powers.Select(p => p / sum)], sum * sum / squares);
        }

        if (Power(1) is { } plain && plain.Effective >= fewest)
        {
            return plain;
        }

        var (low, high) = (0.0, 1.0);
        for (var k = 0; k < 30; k++)
        {
            var middle = 0.5 * (low + high);
            (low, high) = Power(middle).Effective >= fewest ? (middle, high) : (low, middle);
        }

        return Power(low);
    }

    // Whether the largest of all correlations is larger than chance makes it (two in a hundred thousand normal pairs, corrected for the number of pairs).
    private static bool Correlated(double[,] covariance, double effective)
    {
        var d = covariance.GetLength(0);
        var largest = 0.0;
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < i; j++)
            {
                largest = Math.Max(largest, covariance[i, j] * covariance[i, j] / (covariance[i, i] * covariance[j, j]));
            }
        }

        return effective * largest > (2 * Math.Log(Math.Max(2, d * (d - 1) / 2))) + 9;
    }

    private static (double[] Mean, double[,] Covariance) Moments(double[] positions, double[] weights, int d)
    {
        var mean = new double[d];
        var covariance = new double[d, d];
        for (var i = 0; i < weights.Length; i++)
        {
            for (var j = 0; j < d; j++)
            {
                mean[j] += weights[i] * positions[(i * d) + j];
            }
        }

        for (var i = 0; i < weights.Length; i++)
        {
            for (var j = 0; j < d; j++)
            {
                for (var k = 0; k < d; k++)
                {
                    covariance[j, k] += weights[i] * (positions[(i * d) + j] - mean[j]) * (positions[(i * d) + k] - mean[k]);
                }
            }
        }

        return (mean, covariance);
    }
}
