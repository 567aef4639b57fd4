using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples from the normal approximations along several ways uphill, of each way the one nearest to the density, and weighs the draws by the mixture of all.
/// Source: L. Zhang, B. Carpenter, A. Gelman and A. Vehtari, "Pathfinder: Parallel quasi-Newton variational inference", JMLR 23 (2022), algorithm 2; weights
/// are those of the mixture (M. Owen and Y. Zhou, "Safe and effective importance sampling", JASA 95 (2000)), which no single part that misses mass can spoil.
/// </summary>
public sealed class PathfinderSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "pathfinder";

    private readonly Density _target;
    private readonly WaysUphillOptions _options;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public PathfinderSampler(Density target, WaysUphillOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        (_target, _options) = (target, options ?? new WaysUphillOptions());
        _options.Check();
    }

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public IMethodOptions Options => _options;

    /// <inheritdoc/>
    /// <exception cref="DensityException">No way uphill led to mass.</exception>
    public SampleSet Sample(int samples, Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        _target.CheckTails(run.Cancellation);
        var session = new RunSession(run, new RunIdentity(MethodName, SamplingMethods.Identity(_target), _options));
        session.Report("ways uphill");
        using var pathfinder = new Pathfinder(_target, run.Execution);
        var paths = NormalPath.Good(pathfinder.FindFromUniform(_options.StartSpread, NormalDraws.Starts(run.Seed, _options.Starts)), _target.Dimension);
        if (paths.Length == 0)
        {
            throw new DensityException($"None of {_options.Starts} ways uphill led to mass of '{_target.Name}'; set startSpread to where it lies.");
        }

        var law = MixedLaw.Of([.. paths.Select(p => p.Law)], new double[paths.Length]);
        var draws = NormalDraws.Weigh(
            _target, law, samples, MethodName, _options, $"independent draws of normal approximations on {paths.Length} ways uphill", run);
        return draws with
        {
            TargetCalls = pathfinder.TargetCalls + samples,
            Preparation = $"{_options.Starts} ways uphill, of which {_options.Starts - paths.Length} led nowhere",
        };
    }
}
