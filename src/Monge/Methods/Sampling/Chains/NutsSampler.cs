using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by many chains of the no-U-turn sampler at once, with one adaptation for all of them. log Z comes from bridge sampling.
/// Source: M. Hoffman and A. Gelman, "The No-U-Turn Sampler", JMLR 15 (2014), with the later changes of Stan.
/// </summary>
public sealed class NutsSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "nuts";

    private readonly ChainSampling _sampling;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public NutsSampler(Density target, NutsOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        _sampling = new ChainSampling(MethodName, "no-U-turn", target, options ?? new NutsOptions());
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
