using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>
/// The law of a Gaussian vector x ~ N(m, C) given a linear observation y = A x (+ noise): N(m + G (y - A m), C - G A C) with
/// the gain G = C A^T (A C A^T + s^2 I)^-1.
/// </summary>
public sealed class GaussianConditional
{
    private readonly double[] _mean;
    private readonly double[] _observedMean;
    private readonly double[] _gain;
    private readonly int _observations;

    /// <summary>Works out gain and conditional covariance.</summary>
    /// <param name="mean">m [d].</param>
    /// <param name="covariance">C [d, d], row-major.</param>
    /// <param name="observation">A [k, d], row-major, of full row rank.</param>
    /// <param name="noiseVariance">s^2 of each observation; 0 for exact ones.</param>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    /// <exception cref="LinearAlgebraException">The observations are dependent.</exception>
    public GaussianConditional(double[] mean, double[] covariance, double[] observation, double noiseVariance = 0)
    {
        var d = mean.Length;
        if (covariance.Length != d * d || observation.Length == 0 || observation.Length % d != 0)
        {
            throw new ArgumentException(
                $"A covariance of {covariance.Length} and an observation of {observation.Length} numbers don't belong to {d} coordinates.", nameof(covariance));
        }

        _observations = observation.Length / d;
        _mean = mean;
        var crossed = HostMatrices.Product(observation, covariance, _observations, d, d);
        var system = HostMatrices.Product(crossed, HostMatrices.Transposed(observation, _observations, d), _observations, d, _observations);
        for (var i = 0; i < _observations; i++)
        {
            system[(i * _observations) + i] += noiseVariance;
        }

        Cholesky.Factor(system, _observations);
        var solved = (double[])crossed.Clone();
        Cholesky.SolveMany(system, _observations, solved, d);
        _gain = HostMatrices.Transposed(solved, _observations, d);
        _observedMean = HostMatrices.Product(observation, mean, _observations, d, 1);
        Covariance = HostMatrices.Product(_gain, crossed, d, _observations, d);
        for (var i = 0; i < Covariance.Length; i++)
        {
            Covariance[i] = covariance[i] - Covariance[i];
        }
    }

    /// <summary>The conditional covariance [d, d]; the same for every observation.</summary>
    public double[] Covariance { get; }

    /// <summary>The conditional mean [d].</summary>
    /// <param name="y">The observation [k].</param>
    public double[] Mean(ReadOnlySpan<double> y)
    {
        var mean = (double[])_mean.Clone();
        for (var i = 0; i < mean.Length; i++)
        {
            for (var k = 0; k < _observations; k++)
            {
                mean[i] += _gain[(i * _observations) + k] * (y[k] - _observedMean[k]);
            }
        }

        return mean;
    }
}
