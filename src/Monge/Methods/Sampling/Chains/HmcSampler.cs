using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by many chains of Hamiltonian Monte Carlo at once, whose trajectories have one mean length. log Z comes from bridge sampling.
/// Source: R. Neal, "MCMC using Hamiltonian dynamics", arXiv:1206.1901.
/// </summary>
public sealed class HmcSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "hmc";

    private readonly ChainSampling _sampling;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public HmcSampler(Density target, HmcOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        _sampling = new ChainSampling(MethodName, "Hamiltonian", target, options ?? new HmcOptions());
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
