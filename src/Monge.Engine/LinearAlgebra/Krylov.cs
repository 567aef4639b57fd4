namespace Monge.Engine.LinearAlgebra;

/// <summary>Applies a symmetric linear operator: output = A input. Both spans have the operator's size and do not overlap.</summary>
/// <param name="input">The vector, [n].</param>
/// <param name="output">A times the vector, [n]; every entry is written.</param>
public delegate void LinearOperator(ReadOnlySpan<double> input, Span<double> output);

/// <summary>When a Krylov solver stops.</summary>
public sealed record KrylovOptions
{
    /// <summary>Stop when |b - A x| is at most this share of |b|. Default 1e-10; zero or more and below one.</summary>
    public double RelativeTolerance { get; init; } = 1e-10;

    /// <summary>Stop after so many applications of the operator. Default 1,000; positive.</summary>
    public int MaximumIterations { get; init; } = 1_000;

    internal void Check()
    {
        if (!(RelativeTolerance is >= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(RelativeTolerance), RelativeTolerance, "Must be at least zero and below one.");
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaximumIterations);
    }
}

/// <summary>Why a Krylov solver stopped.</summary>
public enum KrylovStatus
{
    /// <summary>The residual is within the tolerance.</summary>
    Converged,

    /// <summary>The iteration limit was reached; raise it, or precondition, or accept the residual.</summary>
    IterationLimit,

    /// <summary>
    /// Conjugate gradients met a direction p with p^T A p not positive: the operator (or preconditioner) is not positive definite; use MinRes.
    /// </summary>
    NotPositiveDefinite,

    /// <summary>
    /// The Krylov space is exhausted or rounding allows no further progress above the tolerance: the operator is singular and b is not in its
    /// range, or the tolerance is below what the condition number allows.
    /// </summary>
    Stagnated,
}

/// <summary>What a Krylov solver did.</summary>
/// <param name="Status">Why it stopped.</param>
/// <param name="Iterations">Iterations done, each one application of the operator.</param>
/// <param name="ResidualNorm">|b - A x|, computed anew from the returned x.</param>
/// <param name="RelativeResidual">The residual norm divided by |b| (zero when b is zero).</param>
public sealed record KrylovResult(KrylovStatus Status, int Iterations, double ResidualNorm, double RelativeResidual)
{
    /// <summary>Whether the residual is within the tolerance.</summary>
    public bool Converged => Status == KrylovStatus.Converged;
}

/// <summary>What both solvers need: the true residual, and loud failure on numbers that are not finite.</summary>
internal static class Krylov
{
    // The recursive residual drifts from the true one by rounding; a true one within this factor of the goal counts as reached.
    private const double DriftFactor = 2;

    public static void Residual(LinearOperator apply, ReadOnlySpan<double> rightHandSide, ReadOnlySpan<double> solution, Span<double> residual)
    {
        apply(solution, residual);
        for (int index = 0; index < residual.Length; index++)
        {
            residual[index] = rightHandSide[index] - residual[index];
        }
    }

    public static KrylovResult Finish(
        LinearOperator apply, ReadOnlySpan<double> rightHandSide, ReadOnlySpan<double> solution, Span<double> scratch, double goal, double rightNorm,
        KrylovStatus status, int iterations)
    {
        Residual(apply, rightHandSide, solution, scratch);
        double norm = VectorKernels.Norm(scratch);
        ThrowIfNotFinite(norm, iterations);
        bool reached = norm <= DriftFactor * goal;
        if (status == KrylovStatus.Converged && !reached)
        {
            status = KrylovStatus.Stagnated;
        }
        else if (status == KrylovStatus.Stagnated && reached)
        {
            status = KrylovStatus.Converged;
        }

        return new KrylovResult(status, iterations, norm, rightNorm == 0 ? 0 : norm / rightNorm);
    }

    public static void ThrowIfNotFinite(double value, int iteration)
    {
        if (!double.IsFinite(value))
        {
            throw new LinearAlgebraException(
                $"The operator, the preconditioner or the right-hand side gave a number that is not finite at iteration {iteration}; check them for NaN and "
                + "overflow.");
        }
    }
}
