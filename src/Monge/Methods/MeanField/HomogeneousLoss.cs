using Monge.Engine.LinearAlgebra;

namespace Monge.Methods;

/// <summary>
/// The loss of positively homogeneous units, phi(x, a z) = a phi(x, z) for a above 0, with neurons of any length, by way of a loss of neurons of length 1:
/// U(z) = |z| U(z / |z|).
/// </summary>
/// <param name="unitLength">The loss of neurons of length 1.</param>
public sealed class HomogeneousLoss(INeuronLoss unitLength) : INeuronLoss
{
    private double[] _directions = [];
    private double[] _masses = [];
    private double[] _lengths = [];

    /// <inheritdoc/>
    public int Dimension => unitLength.Dimension;

    /// <inheritdoc/>
    public double Evaluate(ReadOnlySpan<double> features, ReadOnlySpan<double> masses, Span<double> potential, Span<double> slopes)
    {
        var d = Dimension;
        if (_lengths.Length != masses.Length)
        {
            (_directions, _masses, _lengths) = (new double[features.Length], new double[masses.Length], new double[masses.Length]);
        }

        for (var i = 0; i < masses.Length; i++)
        {
            var z = features.Slice(i * d, d);
            var direction = _directions.AsSpan(i * d, d);

            // A neuron at 0 has no direction: any will do for its potential, which is 0.
            _lengths[i] = Math.Sqrt(HostVectors.Dot(z, z));
            _masses[i] = masses[i] * _lengths[i];
            for (var k = 0; k < d; k++)
            {
                direction[k] = _lengths[i] > 0 ? z[k] / _lengths[i] : k == 0 ? 1 : 0;
            }
        }

        var loss = unitLength.Evaluate(_directions, _masses, potential, slopes);
        for (var i = 0; i < masses.Length && !slopes.IsEmpty; i++)
        {
            var direction = _directions.AsSpan(i * d, d);
            var slope = slopes.Slice(i * d, d);
            HostVectors.AddScaled(potential[i] - HostVectors.Dot(direction, slope), direction, slope);
        }

        for (var i = 0; i < masses.Length; i++)
        {
            potential[i] *= _lengths[i];
        }

        return loss;
    }
}
