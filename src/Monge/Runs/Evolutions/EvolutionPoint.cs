namespace Monge.Runs;

/// <summary>What is told of a law in time at one time. Errors are standard errors over the samples.</summary>
public sealed record EvolutionPoint
{
    /// <summary>The time.</summary>
    public required double Time { get; init; }

    /// <summary>The means [d].</summary>
    public required double[] Mean { get; init; }

    /// <summary>The standard deviations [d].</summary>
    public required double[] Deviation { get; init; }

    /// <summary>The differential entropy -int rho log rho, and its error.</summary>
    public required (double Value, double Error) Entropy { get; init; }

    /// <summary>
    /// The entropy above that of the Gaussian with the samples' covariance, which is the largest there is, and its error: positive only where log densities and
    /// samples don't go together. Null where the covariance is singular.
    /// </summary>
    public (double Value, double Error)? EntropyAboveGaussian { get; init; }

    /// <summary>The free energy, and its error; null where the evolution isn't a gradient flow.</summary>
    public (double Value, double Error)? FreeEnergy { get; init; }

    /// <summary>
    /// The rate at which the law's current produces entropy, E |b - D score|^2 in the metric of the inverse of D, with the method's estimate of the score; null
    /// where D is degenerate.
    /// </summary>
    public (double Value, double Error)? EntropyProduction { get; init; }

    /// <summary>The mean size of the velocity of the law's current.</summary>
    public required double MeanSpeed { get; init; }

    /// <summary>
    /// The method's own estimate of its error: a bound on KL(rho_t | true law), from how far the velocity that moved the samples was from b - D score all the
    /// way (arXiv:2206.04642, proposition 1: dKL/dt is at most a quarter of E |velocity - (b - D score)|^2 in the metric of the inverse of D). NaN where D is
    /// degenerate, the drift depends on the law, as an interaction's does, or something was observed.
    /// </summary>
    public required double DivergenceBound { get; init; }

    /// <summary>KL(rho_t | true law) by the exact law; null where that isn't known.</summary>
    public (double Value, double Error)? Divergence { get; init; }

    /// <summary>
    /// KL(rho_t | the invariant law), how far there is still to go; null where that law isn't known. At temperature 1 it is the free energy above its least.
    /// </summary>
    public (double Value, double Error)? DivergenceFromInvariant { get; init; }
}
