namespace Monge.Methods;

/// <summary>Where the annealing starts.</summary>
public enum BaseChoice
{
    /// <summary>Several bases are tried by annealed importance sampling, and the best is fitted to the target's mean and covariance.</summary>
    Automatic,

    /// <summary>The Gaussian N(0, s^2 I) in unconstrained coordinates, s being <see cref="PreparationOptions.BaseScale"/>.</summary>
    Isotropic,

    /// <summary>The Laplace approximation of the target, its standard deviations widened by <see cref="PreparationOptions.BaseInflation"/>.</summary>
    Laplace,
}
