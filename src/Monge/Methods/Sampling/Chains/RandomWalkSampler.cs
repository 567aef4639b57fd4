using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by many chains of random-walk Metropolis at once, which use no gradient to move. log Z comes from bridge sampling.
/// Source: A. Gelman, G. Roberts and W. Gilks, "Efficient Metropolis jumping rules", Bayesian Statistics 5 (1996).
/// </summary>
public sealed class RandomWalkSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "random-walk";

    private readonly ChainSampling _sampling;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public RandomWalkSampler(Density target, RandomWalkOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        _sampling = new ChainSampling(MethodName, "random-walk", target, options ?? new RandomWalkOptions());
        _sampling.Options.Check();
    }

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public IMethodOptions Options => _sampling.Options;

    /// <inheritdoc/>
    /// <remarks>As many draws as all chains need to have at least <paramref name="samples"/> together.</remarks>
    /// <exception cref="ArgumentException">Chains and draws are more than an array can hold.</exception>
    public SampleSet Sample(int samples, Run run) => _sampling.Sample(samples, run);
}
