using Monge.Dynamics;
using Monge.Engine.LinearAlgebra;
using Monge.Fields;

namespace Monge.Runs;

/// <summary>A score as it was at one time: the parameters of its network, and the moments it goes by.</summary>
/// <param name="Parameters">The network's parameters [P].</param>
/// <param name="Mean">The law's mean m [d].</param>
/// <param name="Whitener">W [d * d], row-major: W C W^T = I with the law's covariance C.</param>
/// <param name="Offset">The affine part's c [d]; empty where there is no such part.</param>
/// <param name="Slope">The affine part's K [d * d], row-major; empty where there is no such part.</param>
public sealed record KeptScore(float[] Parameters, double[] Mean, double[] Whitener, double[] Offset, double[] Slope)
{
    /// <summary>Room for the scores of so many times; those of one network of all times share its parameters.</summary>
    internal static KeptScore[] Room(int times, int parameters, int d, ScoreNetworkOptions network)
    {
        var (offset, slope) = network.HasAffinePart ? (d, d * d) : (0, 0);
        var common = new float[parameters];
        return
        [
            .. Enumerable.Range(0, times).Select(_ => new KeptScore(
                network.Duration is null ? new float[parameters] : common, new double[d], new double[d * d], new double[offset], new double[slope])),
        ];
    }

    /// <summary>
    /// Takes the moments of samples. Of like particles those are taken as the same for all: one mean, one covariance of each, one between any two; they are
    /// those of the samples in every order.
    /// </summary>
    /// <param name="positions">Samples [n * d], row-major; n above d, or above the coordinates of one particle.</param>
    /// <param name="time">Their time, for errors.</param>
    /// <param name="particleDimension">Coordinates of each of several like particles; null for one whole.</param>
    /// <exception cref="ArithmeticException">The samples lie in a plane of fewer dimensions, or have spread too far for numbers.</exception>
    internal void TakeMoments(ReadOnlySpan<double> positions, double time, int? particleDimension = null)
    {
        var (d, p) = (Mean.Length, particleDimension ?? Mean.Length);
        TakeMean(positions, p);
        try
        {
            if (p == d)
            {
                TakeCovariance(positions, Whitener);
                Whiten(Whitener, d);
            }
            else
            {
                WhitenEach(positions, p);
            }
        }
        catch (LinearAlgebraException error)
        {
            throw new ArithmeticException(FormattableString.Invariant(
                $"The particles have no positive definite covariance at t = {time:g6}: take more particles or shorter steps."), error);
        }
    }

    /// <summary>
    /// Changes the affine part so that Stein's identities hold over the samples, E s = 0 and E s (x - m)^T = -I: those of any law's own score that say how mean
    /// and covariance move.
    /// </summary>
    /// <param name="positions">Samples [n * d] whose moments were taken last.</param>
    /// <param name="scores">The score at them as it is [n * d].</param>
    /// <param name="particleDimension">Coordinates of each of several like particles; null for one whole.</param>
    internal void KeepMoments(ReadOnlySpan<double> positions, ReadOnlySpan<double> scores, int? particleDimension)
    {
        var (d, p) = (Mean.Length, particleDimension ?? Mean.Length);
        var (n, sum, product, precision) = (positions.Length / d, new double[d], new double[d * d], new double[d * d]);
        for (var row = 0; row < positions.Length; row += d)
        {
            for (var i = 0; i < d; i++)
            {
                sum[i] += scores[row + i] / n;
                for (var j = 0; j < d; j++)
                {
                    product[(i * d) + j] += scores[row + i] * (positions[row + j] - Mean[j]) / n;
                }
            }
        }

        for (var i = 0; i < d; i++)
        {
            product[i * (d + 1)] += 1;
            for (var j = 0; j < d; j++)
            {
                for (var k = 0; k < d; k++)
                {
                    precision[(i * d) + j] += Whitener[(k * d) + i] * Whitener[(k * d) + j];
                }
            }
        }

        var (own, other) = BlockMeans(product, d, p);
        for (var i = 0; i < d; i++)
        {
            Offset[i] -= Each(sum, p, i);
            for (var j = 0; j < d; j++)
            {
                for (var k = 0; k < d; k++)
                {
                    Slope[(i * d) + j] -= (i / p == k / p ? own : other)[(i % p * p) + (k % p)] * precision[(k * d) + j];
                }
            }
        }
    }

    /// <summary>Goes on with the affine part of the time before.</summary>
    internal void TakeAffine(KeptScore before)
    {
        before.Offset.CopyTo(Offset, 0);
        before.Slope.CopyTo(Slope, 0);
    }

    /// <summary>Lets a flow go by this score.</summary>
    internal void Drive(ScoreFlow flow) => flow.Use(Parameters, Mean, Whitener, Offset, Slope);

    /// <summary>Writes the score of a number to a state, or fills it from one, with its parameters or without.</summary>
    internal void Exchange(RunState state, int number, bool hasParameters)
    {
        if (hasParameters)
        {
            state.Exchange<float>($"parameters.{number}", Parameters);
        }

        state.Exchange<double>($"mean.{number}", Mean);
        state.Exchange<double>($"whitener.{number}", Whitener, Mean.Length, Mean.Length);
        if (Offset.Length > 0)
        {
            state.Exchange<double>($"offset.{number}", Offset);
            state.Exchange<double>($"slope.{number}", Slope, Mean.Length, Mean.Length);
        }
    }

    private void TakeMean(ReadOnlySpan<double> positions, int p)
    {
        var (d, mean) = (Mean.Length, Mean);
        var n = positions.Length / d;
        Array.Clear(mean);
        for (var i = 0; i < positions.Length; i += d)
        {
            for (var k = 0; k < d; k++)
            {
                mean[k] += positions[i + k] / n;
            }
        }

        for (var k = 0; k < p && p < d; k++)
        {
            var common = Each(mean, p, k);
            for (var i = k; i < d; i += p)
            {
                mean[i] = common;
            }
        }
    }

    // The lower triangle.
    private void TakeCovariance(ReadOnlySpan<double> positions, Span<double> covariance)
    {
        var (d, mean) = (Mean.Length, Mean);
        var n = positions.Length / d;
        covariance.Clear();
        for (var i = 0; i < positions.Length; i += d)
        {
            for (var k = 0; k < d; k++)
            {
                var centred = (positions[i + k] - mean[k]) / n;
                for (var j = 0; j <= k; j++)
                {
                    covariance[(k * d) + j] += centred * (positions[i + j] - mean[j]);
                }
            }
        }
    }

    // C = R (x) (I - 11'/N) + S (x) 11'/N with the covariance R of a particle beside the mean of all and N times that of this mean, S; W is made alike of both.
    private void WhitenEach(ReadOnlySpan<double> positions, int p)
    {
        var d = Mean.Length;
        var (particles, covariance, relative, common) = (d / p, new double[d * d], new double[p * p], new double[p * p]);
        TakeCovariance(positions, covariance);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < i; j++)
            {
                covariance[(j * d) + i] = covariance[(i * d) + j];
            }
        }

        var (own, other) = BlockMeans(covariance, d, p);
        for (var i = 0; i < own.Length; i++)
        {
            (relative[i], common[i]) = (own[i] - other[i], own[i] + ((particles - 1) * other[i]));
        }

        Whiten(relative, p);
        Whiten(common, p);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                var at = (i % p * p) + (j % p);
                Whitener[(i * d) + j] = ((common[at] - relative[at]) / particles) + (i / p == j / p ? relative[at] : 0);
            }
        }
    }

    // A covariance's lower triangle becomes the inverse of its factor.
    private static void Whiten(Span<double> covariance, int d)
    {
        for (var i = 0; i < d; i++)
        {
            covariance[((i * d) + i + 1)..((i + 1) * d)].Clear();
        }

        Cholesky.Factor(covariance, d);
        Invert(covariance, d);
    }

    // The mean over like particles of a vector's element at a particle's coordinate.
    private static double Each(ReadOnlySpan<double> vector, int p, int i)
    {
        var sum = 0.0;
        for (var k = i % p; k < vector.Length; k += p)
        {
            sum += vector[k];
        }

        return sum * p / vector.Length;
    }

    // The means of a matrix's blocks [p * p] of a particle with itself, and of those of two.
    private static (double[] Own, double[] Other) BlockMeans(ReadOnlySpan<double> matrix, int d, int p)
    {
        var (particles, own, other) = (d / p, new double[p * p], new double[p * p]);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                var isOwn = i / p == j / p;
                (isOwn ? own : other)[(i % p * p) + (j % p)] += matrix[(i * d) + j] / (isOwn ? particles : particles * (particles - 1.0));
            }
        }

        return (own, other);
    }

    // The inverse of a lower triangle in its place: row i of the inverse needs rows above it alone.
    private static void Invert(Span<double> factor, int d)
    {
        for (var i = 0; i < d; i++)
        {
            var pivot = 1 / factor[(i * d) + i];
            for (var j = 0; j < i; j++)
            {
                var sum = 0.0;
                for (var k = j; k < i; k++)
                {
                    sum += factor[(i * d) + k] * factor[(k * d) + j];
                }

                factor[(i * d) + j] = -pivot * sum;
            }

            factor[(i * d) + i] = pivot;
        }
    }
}
