using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>A law that is known by an exact sampler: what a generative model is fitted to and judged against when there is no end of data.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">One line about it: formula, scale and noise.</param>
/// <param name="Dimension">d.</param>
/// <param name="Sampler">Draws n independent samples, [n, d] row-major.</param>
public sealed record SampledLaw(string Name, string Description, int Dimension, Func<int, RandomStream, double[]> Sampler)
{
    private readonly Lazy<double>? _entropy;

    /// <summary>The normalised log density at a point [d]; minus infinity outside the support, null where it has no closed form.</summary>
    public Func<ReadOnlySpan<double>, double>? LogDensity { get; init; }

    /// <summary>Whether a point [d] lies in the support; null where the support is the whole space.</summary>
    public Func<ReadOnlySpan<double>, bool>? Contains { get; init; }

    /// <summary>The entropy -E log p in nats, the least cross-entropy that any model can have; null where it isn't known.</summary>
    public double? Entropy => _entropy?.Value;

    /// <summary>How the entropy is found when it is first asked for.</summary>
    internal Func<double> EntropyFormula
    {
        init => _entropy = new Lazy<double>(value);
    }

    /// <summary>Independent samples.</summary>
    /// <param name="count">Number of samples n.</param>
    /// <param name="seed">Seed; different seeds give independent sets.</param>
    /// <returns>Samples [n, d], row-major.</returns>
    public double[] Draw(int count, ulong seed) => Sampler(count, new RandomStream(seed, MeasureStreams.DataSetDraws));
}
