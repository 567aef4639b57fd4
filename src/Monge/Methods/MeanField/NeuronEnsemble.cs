using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>
/// A shallow network as a measure over neurons: f(x) = m^-g sum_i c_i phi(x, z_i), with the exponent g = 1 of the mean field, in which f is the average over
/// the law of (c, z), g = 1/2 of the tangent kernel, or any other.
/// </summary>
/// <param name="Outputs">The output weights c [m].</param>
/// <param name="Features">The neurons' own weights z [m, d], row-major.</param>
/// <param name="Dimension">d.</param>
public sealed record NeuronEnsemble(double[] Outputs, double[] Features, int Dimension)
{
    /// <summary>Number of neurons m.</summary>
    public int Count => Outputs.Length;

    /// <summary>Neurons with c and z from N(0, I) times their scales.</summary>
    /// <param name="count">m, at least 1.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="outputScale">Standard deviation of c.</param>
    /// <param name="featureScale">Standard deviation of a coordinate of z.</param>
    public static NeuronEnsemble Normal(int count, int dimension, RandomStream random, double outputScale = 1, double featureScale = 1) =>
        Draw(count, dimension, random, r => outputScale * r.NextNormal(), (r, z) =>
        {
            foreach (ref var value in z)
            {
                value = featureScale * r.NextNormal();
            }
        });

    /// <summary>Neurons uniform on the sphere of a radius, with output weights drawn by a rule.</summary>
    /// <param name="count">m, at least 1.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="output">Draws c.</param>
    /// <param name="radius">The radius, above 0.</param>
    public static NeuronEnsemble Spherical(int count, int dimension, RandomStream random, Func<RandomStream, double> output, double radius = 1) =>
        Draw(count, dimension, random, output, (r, z) => Sphere.Uniform(r, z, radius));

    /// <summary>Independent neurons from any law.</summary>
    /// <param name="count">m, at least 1.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="output">Draws c, after z.</param>
    /// <param name="feature">Draws z [d].</param>
    public static NeuronEnsemble Draw(
        int count, int dimension, RandomStream random, Func<RandomStream, double> output, Action<RandomStream, Span<double>> feature)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(feature);
        var (outputs, features) = (new double[count], new double[checked(count * dimension)]);
        for (var i = 0; i < count; i++)
        {
            feature(random, features.AsSpan(i * dimension, dimension));
            outputs[i] = output(random);
        }

        return new NeuronEnsemble(outputs, features, dimension);
    }

    /// <summary>Each neuron and its negative, (c, z) and (-c, z): the network 0 whose neurons have the same law.</summary>
    public NeuronEnsemble Symmetric() => new([.. Outputs, .. Outputs.Select(c => -c)], [.. Features, .. Features], Dimension);

    /// <summary>Neurons drawn from these, with repetition: pairs (c, z) stay together.</summary>
    /// <param name="count">m, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    public NeuronEnsemble Resample(int count, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var next = 0;
        return Draw(count, Dimension, random, _ => Outputs[next], (r, z) =>
        {
            next = r.NextInt(Count);
            Features.AsSpan(next * Dimension, Dimension).CopyTo(z);
        });
    }

    /// <summary>The signed masses m^-g c_i [m] with which f is the sum of the masses' phi(x, z_i).</summary>
    /// <param name="exponent">g.</param>
    public double[] Masses(double exponent = 1)
    {
        var scale = Math.Pow(Count, -exponent);
        return [.. Outputs.Select(c => scale * c)];
    }

    /// <summary>(mean over neurons of c^2 |z|^2)^(1/2): the 2-norm that bounds the error of resampling homogeneous units.</summary>
    public double TwoNorm => Math.Sqrt(Enumerable.Range(0, Count).Average(i => Outputs[i] * Outputs[i] * Square(i)));

    /// <summary>Mean over neurons of |c| |z|: the total variation of the measure on the sphere that homogeneous units amount to.</summary>
    public double TotalVariation => Enumerable.Range(0, Count).Average(i => Math.Abs(Outputs[i]) * Math.Sqrt(Square(i)));

    private double Square(int i)
    {
        var z = Features.AsSpan(i * Dimension, Dimension);
        return HostVectors.Dot(z, z);
    }
}
