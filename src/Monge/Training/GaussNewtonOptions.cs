using Monge.Engine.LinearAlgebra;

namespace Monge.Training;

/// <summary>How a Gauss-Newton step's linear system is solved.</summary>
public enum GaussNewtonSolver
{
    /// <summary><see cref="Dense"/> when there are at least as many residuals as parameters, otherwise <see cref="Kernel"/>.</summary>
    Automatic,

    /// <summary>(J^T J + lambda I) delta = J^T r by Cholesky, P x P.</summary>
    Dense,

    /// <summary>(J J^T + lambda I) y = r by Cholesky, N x N, and delta = J^T y: the same step for many parameters.</summary>
    Kernel,

    /// <summary>The dense system by conjugate gradients, J only by its products: no matrix is ever stored.</summary>
    ConjugateGradient,
}

/// <summary>Settings of <see cref="GaussNewton"/>.</summary>
public sealed record GaussNewtonOptions
{
    /// <summary>How the system is solved.</summary>
    public GaussNewtonSolver Solver { get; init; }

    /// <summary>The damping lambda is the loss, but at most this (1e-5 in MariusZeinhofer/unified-pinns). Positive.</summary>
    public double LargestDamping { get; init; } = 1e-5;

    /// <summary>
    /// Whether the damping follows the gain ratio instead (Levenberg and Marquardt, by the rule of Nielsen, IMM-REP-1999-05): a full step whose decrease is
    /// what the linear model promised divides it by up to five, one that lowers nothing is taken back and multiplies it. It starts at the loss, at most
    /// <see cref="LargestDamping"/>. Where the residual bends strongly this takes far fewer steps than the line search.
    /// </summary>
    public bool Adaptive { get; init; }

    /// <summary>
    /// Whether an adaptive step follows the bend of the residual to second order (geodesic acceleration; Transtrum and Sethna, arXiv:1201.5885): one more
    /// evaluation of the residuals and one more solve with the same factor. Direct solvers only.
    /// </summary>
    public bool Accelerated { get; init; } = true;

    /// <summary>The line search tries the steps 2^-k for k = 0 to this; adaptive steps have none. Not negative.</summary>
    public int Halvings { get; init; } = 30;

    /// <summary>
    /// Rounds of refinement of a direct solve against J itself; the normal equations square J's condition, and this wins most of it back. Not negative.
    /// </summary>
    public int Refinements { get; init; } = 2;

    /// <summary>When conjugate gradients stop.</summary>
    public KrylovOptions Krylov { get; init; } = new();
}

/// <summary>What a step did.</summary>
/// <param name="LossBefore">The loss at the points before the step.</param>
/// <param name="Loss">The loss at the same points after it; never larger.</param>
/// <param name="StepSize">The share of the direction that was taken; 0 if no share lowered the loss.</param>
/// <param name="Damping">lambda; raised above its rule when the matrix could otherwise not be factored.</param>
/// <param name="KrylovIterations">Iterations of conjugate gradients; 0 for direct solves.</param>
/// <param name="Solves">Directions that were tried; more than 1 only when the damping is adaptive.</param>
public readonly record struct GaussNewtonInfo(double LossBefore, double Loss, double StepSize, double Damping, int KrylovIterations, int Solves);
