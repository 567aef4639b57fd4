using Monge.Engine.LinearAlgebra;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>A mean with its standard error.</summary>
/// <param name="Value">The mean.</param>
/// <param name="StandardError">Its standard error.</param>
public readonly record struct MeanWithError(double Value, double StandardError);

/// <summary>How far independent networks of m neurons lie from each other, as m times a variance, and how far networks drawn from their neurons would.</summary>
public static class NeuronFluctuations
{
    /// <summary>
    /// m / (R - 1) times the sum over R runs of |f_r - mean f|^2, in the norm of the inputs' law: unbiased without any reference. Its error is that of the mean
    /// over runs of |f_r - mean of the others|^2.
    /// </summary>
    /// <param name="kernel">K(z, z') = E phi(x, z) phi(x, z').</param>
    /// <param name="runs">Networks of as many neurons each, two runs at least.</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    /// <exception cref="ArgumentException">There is one run only, or they differ in size.</exception>
    public static MeanWithError BetweenRuns(Kernel kernel, IReadOnlyList<NeuronEnsemble> runs, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        CheckRuns(runs, run => (run.Count, run.Dimension));
        var (count, d, repeats) = (runs[0].Count, runs[0].Dimension, runs.Count);
        double[] features = [.. runs.SelectMany(run => run.Features)], masses = [.. runs.SelectMany(run => run.Masses())];

        // What the sum of all runs is at each neuron gives every inner product that is needed.
        var total = kernel.Sums(features, features, d, masses, threads);
        var (own, withTotal) = (new double[repeats], new double[repeats]);
        for (var r = 0; r < repeats; r++)
        {
            var mass = masses.AsSpan(r * count, count);
            own[r] = HostVectors.Dot(mass, kernel.Sums(runs[r].Features, runs[r].Features, d, mass.ToArray(), threads));
            withTotal[r] = HostVectors.Dot(mass, total.AsSpan(r * count, count));
        }

        return Spread(own, withTotal, count);
    }

    /// <summary>The same for what networks say at points: the norm is the mean square over them.</summary>
    /// <param name="outputs">f_r at the points [n], of two runs at least.</param>
    /// <param name="neurons">m.</param>
    /// <exception cref="ArgumentException">There is one run only, or they differ in size.</exception>
    public static MeanWithError BetweenRuns(IReadOnlyList<double[]> outputs, int neurons)
    {
        CheckRuns(outputs, run => run.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(neurons, 1);
        var n = outputs[0].Length;
        var total = new double[n];
        foreach (var run in outputs)
        {
            HostVectors.AddScaled(1, run, total);
        }

        return Spread(
            [.. outputs.Select(run => HostVectors.Dot(run, run) / n)], [.. outputs.Select(run => HostVectors.Dot(run, total) / n)], neurons);
    }

    /// <summary>
    /// int |phi|^2 dmu - |f|^2 of a network: m times the squared distance from it of one whose m neurons, pairs of c and z, are drawn from its own.
    /// </summary>
    /// <param name="kernel">K.</param>
    /// <param name="network">The network.</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    public static double ResamplingError(Kernel kernel, NeuronEnsemble network, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(network);
        var (d, masses, sum) = (network.Dimension, network.Masses(), 0.0);
        for (var i = 0; i < network.Count; i++)
        {
            var z = network.Features[(i * d)..((i + 1) * d)];
            sum += network.Outputs[i] * network.Outputs[i] * kernel.Value(z, z);
        }

        return (sum / network.Count) - HostVectors.Dot(masses, kernel.Sums(network.Features, network.Features, d, masses, threads));
    }

    // From |f_r|^2 and f_r . (sum of all): |f_r - mean|^2 = |f_r|^2 - 2 f_r . S / R + |S|^2 / R^2.
    private static MeanWithError Spread(double[] own, double[] withTotal, int count)
    {
        var repeats = own.Length;
        var all = withTotal.Sum() / repeats / repeats;
        double[] terms = [.. own.Zip(withTotal, (o, w) => count * (repeats / (repeats - 1.0)) * (o - (2 * w / repeats) + all))];
        var mean = terms.Average();
        return new MeanWithError(mean, Math.Sqrt(terms.Sum(v => (v - mean) * (v - mean)) / (repeats - 1) / repeats));
    }

    private static void CheckRuns<TRun, TSize>(IReadOnlyList<TRun> runs, Func<TRun, TSize> size)
    {
        ArgumentNullException.ThrowIfNull(runs);
        if (runs.Count < 2 || runs.Select(size).Distinct().Count() > 1)
        {
            throw new ArgumentException($"A spread is that of two runs or more of the same size; these are {runs.Count}.", nameof(runs));
        }
    }
}
