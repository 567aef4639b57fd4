using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of Laplace's approximation and of Pathfinder.</summary>
public sealed record WaysUphillOptions : IMethodOptions
{
    /// <summary>Ways uphill, each from a start of its own.</summary>
    public int Starts { get; init; } = 32;

    /// <summary>Ways start at points drawn uniformly from (-startSpread, startSpread) in each unconstrained coordinate.</summary>
    public double StartSpread { get; init; } = 2;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Starts, 1, 10_000);
        OptionCheck.Above<double>(StartSpread, 0);
    }
}

/// <summary>Options of a variational Gaussian.</summary>
public sealed record VariationalOptions : IMethodOptions
{
    /// <summary>Whether coordinates may be correlated.</summary>
    public GaussianFamily Family { get; init; } = GaussianFamily.Automatic;

    /// <summary>Steps of the optimiser.</summary>
    public int Iterations { get; init; } = 3000;

    /// <summary>Draws of a step.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>The optimiser's step in units of the deviations at the start; it falls to a hundredth in the course.</summary>
    public double LearningRate { get; init; } = 0.03;

    /// <summary>The Gaussian starts where the best of some ways uphill led, which set out from (-startSpread, startSpread) in each coordinate.</summary>
    public double StartSpread { get; init; } = 2;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Known<GaussianFamily>(Family);
        OptionCheck.Within<int>(Iterations, 1, 10_000_000);
        OptionCheck.Within<int>(BatchSize, 1, 100_000);
        OptionCheck.Above<double>(LearningRate, 0);
        OptionCheck.Above<double>(StartSpread, 0);
    }
}

/// <summary>Gaussians among which one is chosen.</summary>
public enum GaussianFamily
{
    /// <summary>Dense up to 100 coordinates, beyond that diagonal.</summary>
    Automatic,

    /// <summary>Independent coordinates (the mean field).</summary>
    Diagonal,

    /// <summary>Any covariance (full rank).</summary>
    Dense,
}
