using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by many chains of Langevin steps with Metropolis correction at once. log Z comes from bridge sampling.
/// Source: G. Roberts and R. Tweedie, "Exponential convergence of Langevin distributions and their discrete approximations", Bernoulli 2 (1996).
/// </summary>
public sealed class MalaSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "mala";

    private readonly ChainSampling _sampling;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MalaSampler(Density target, MalaOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        _sampling = new ChainSampling(MethodName, "Langevin", target, options ?? new MalaOptions());
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
