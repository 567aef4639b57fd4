namespace Monge.Methods;

/// <summary>Which evolution of densities from the base to the target is learned.</summary>
public enum Evolution
{
    /// <summary>Any, by a drift and a log density with noise: the log-density Fokker-Planck residual in both.</summary>
    GeneralStochastic,

    /// <summary>Any, by a drift and a log density without noise: the log-density continuity residual in both.</summary>
    GeneralDeterministic,

    /// <summary>
    /// The annealing path, by the part w of the drift w + eps grad V that Langevin noise leaves: the continuity residual in w and c(t); sampled by the SDE.
    /// </summary>
    AnnealingStochastic,

    /// <summary>The time reversal of a variance-preserving noising of the target: the log density alone (its gradient is the score).</summary>
    TimeReversal,

    /// <summary>
    /// The Schroedinger bridge over a noised reference: the Fokker-Planck residual and the Hamilton-Jacobi-Bellman residual in a potential and a log density.
    /// </summary>
    SchroedingerBridge,

    /// <summary>Optimal transport with quadratic cost: the continuity and the Hamilton-Jacobi residual in a potential and a log density.</summary>
    OptimalTransport,
}

/// <summary>How the drift of a general or annealing evolution is parametrised; the others are gradients by themselves.</summary>
public enum DriftForm
{
    /// <summary>A vector network.</summary>
    Network,

    /// <summary>The gradient of a scalar network.</summary>
    Potential,

    /// <summary>A vector network plus g(t) grad I with a learned gate g, I being the annealing that V starts from; with noise g starts at eps.</summary>
    GatedScore,

    /// <summary>eps grad V plus a vector network: with noise only, and the default there.</summary>
    HalfScore,
}
