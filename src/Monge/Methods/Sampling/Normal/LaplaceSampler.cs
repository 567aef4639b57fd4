using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples from Gaussians at the modes of a density, each with the curvature there, and weighs the draws. Modes are what Newton's method finds from the ends of
/// ways uphill, and from the modes of a search far and wide where that takes no long time. log Z is exact up to its error by the weights, not Laplace's
/// estimate. Source: L. Tierney and J. Kadane, "Accurate approximations for posterior moments and marginal densities", JASA 81 (1986).
/// </summary>
public sealed class LaplaceSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "laplace";

    // Modes nearer to each other than this, in deviations of one of them, are one.
    private const double SameMode = 0.1;

    private readonly Density _target;
    private readonly WaysUphillOptions _options;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public LaplaceSampler(Density target, WaysUphillOptions? options = null)
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
    /// <exception cref="DensityException">The density has no mode with a definite curvature, as a funnel has none.</exception>
    public SampleSet Sample(int samples, Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        _target.CheckTails(run.Cancellation);
        var session = new RunSession(run, new RunIdentity(MethodName, SamplingMethods.Identity(_target), _options));
        session.Report("modes");
        using var pathfinder = new Pathfinder(_target, run.Execution);
        var paths = NormalPath.Good(pathfinder.FindFromUniform(_options.StartSpread, NormalDraws.Starts(run.Seed, _options.Starts)), _target.Dimension);
        using var finder = new LaplaceApproximation.Finder(_target);
        List<LaplaceApproximation> modes = [];
        double[][] starts =
        [
            .. NormalDraws.Modes(_target, run.Cancellation)?.Modes.Select(m => m.Position) ?? [],
            .. paths.Select(p => p.Law.Centre),
        ];
        foreach (var start in starts)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            if (!modes.Any(m => Distance(m, start) < SameMode) && finder.TryFind(start) is { Converged: true } mode
                && !modes.Any(m => Distance(m, mode.Mode) < SameMode))
            {
                modes.Add(mode);
            }
        }

        if (modes.Count == 0)
        {
            throw new DensityException(
                $"'{_target.Name}' has no mode with a definite curvature that {_options.Starts} ways uphill would lead to; take vi, nuts or smc instead.");
        }

        var law = MixedLaw.Of([.. modes.Select(m => new NormalLaw(m.ToGaussian()))], [.. modes.Select(m => m.LogZ)]);
        var draws = NormalDraws.Weigh(
            _target, law, samples, MethodName, _options,
            modes.Count == 1 ? "independent draws of a Gaussian at the mode" : $"independent draws of Gaussians at {modes.Count} modes", run);
        return draws with
        {
            TargetCalls = pathfinder.TargetCalls + samples,
            Preparation = FormattableString.Invariant($"{modes.Count} mode{(modes.Count == 1 ? "" : "s")} by Newton's method from {starts.Length} starts"),
        };
    }

    private static double Distance(LaplaceApproximation mode, double[] point)
    {
        var noise = new double[point.Length];
        mode.ToGaussian().ToNoise(point, noise);
        return Math.Sqrt(noise.Average(u => u * u));
    }
}
