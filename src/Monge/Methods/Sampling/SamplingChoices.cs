namespace Monge.Methods;

/// <summary>The number format of networks, particles and training.</summary>
public enum Precision
{
    /// <summary>32-bit floating point: the default.</summary>
    Float32,

    /// <summary>64-bit floating point: about two to three times slower.</summary>
    Float64,
}

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

/// <summary>How particles are carried from the base to the target.</summary>
public enum SamplerChoice
{
    /// <summary>The ODE and several SDEs compete on a validation batch; the highest effective sample size wins.</summary>
    Automatic,

    /// <summary>The ODE dX = b dt with the density from the divergence (Runge-Kutta 4).</summary>
    Ode,

    /// <summary>The SDE dX = (b + eps grad V) dt + sqrt(2 eps) dW with forward/backward kernel weights, exact at any step size.</summary>
    Sde,
}

/// <summary>What the drift network may couple.</summary>
public enum NetworkChoice
{
    /// <summary>The perceptron up to <see cref="PinnOptions.ExactDivergenceLimit"/> coordinates; above, short trainings of both compete.</summary>
    Automatic,

    /// <summary>A perceptron of all coordinates.</summary>
    Mlp,

    /// <summary>
    /// One shared perceptron of each coordinate alone with numbers learned for the coordinate: a structural assumption that holds when the target nearly
    /// factorises in the base's coordinates. It knows nothing of modes, and its divergence is exact and cheap in any dimension.
    /// </summary>
    Separable,
}
