using Monge.Dynamics;
using Monge.Engine.LinearAlgebra;

namespace Monge.Runs;

/// <summary>A score as it was at one time: the parameters of its network, and the moments it goes by.</summary>
/// <param name="Parameters">The network's parameters [P].</param>
/// <param name="Mean">The law's mean m [d].</param>
/// <param name="Whitener">W [d * d], row-major, lower triangular: W C W^T = I with the law's covariance C.</param>
public sealed record KeptScore(float[] Parameters, double[] Mean, double[] Whitener)
{
    /// <summary>Takes the moments of samples. Allocates nothing.</summary>
    /// <param name="positions">Samples [n * d], row-major; n above d.</param>
    /// <param name="time">Their time, for errors.</param>
    /// <exception cref="ArithmeticException">The samples lie in a plane of fewer dimensions, or have spread too far for numbers.</exception>
    internal void TakeMoments(ReadOnlySpan<double> positions, double time)
    {
        var (d, mean, factor) = (Mean.Length, Mean, Whitener);
        var n = positions.Length / d;
        Array.Clear(mean);
        Array.Clear(factor);
        for (var i = 0; i < positions.Length; i += d)
        {
            for (var k = 0; k < d; k++)
            {
                mean[k] += positions[i + k] / n;
            }
        }

        for (var i = 0; i < positions.Length; i += d)
        {
            for (var k = 0; k < d; k++)
            {
                var centred = (positions[i + k] - mean[k]) / n;
                for (var j = 0; j <= k; j++)
                {
                    factor[(k * d) + j] += centred * (positions[i + j] - mean[j]);
                }
            }
        }

        try
        {
            Cholesky.Factor(factor, d);
        }
        catch (LinearAlgebraException error)
        {
            throw new ArithmeticException(FormattableString.Invariant(
                $"The particles have no positive definite covariance at t = {time:g6}: take more particles or shorter steps."), error);
        }

        Invert(factor, d);
    }

    /// <summary>Lets a flow go by this score.</summary>
    internal void Drive(ScoreFlow flow) => flow.Use(Parameters, Mean, Whitener);

    /// <summary>Writes the score of a number to a state, or fills it from one.</summary>
    internal void Exchange(RunState state, int number)
    {
        state.Exchange<float>($"parameters.{number}", Parameters);
        state.Exchange<double>($"mean.{number}", Mean);
        state.Exchange<double>($"whitener.{number}", Whitener, Mean.Length, Mean.Length);
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
