namespace Monge.Engine.LinearAlgebra;

/// <summary>
/// Conjugate gradients for A x = b, A symmetric positive definite and given only by its action. Own code, since MathNet.Numerics needs an
/// explicit matrix. Source: Hestenes and Stiefel 1952; preconditioned as in Golub and Van Loan, section 11.5.
/// </summary>
public static class ConjugateGradient
{
    /// <summary>Solves A x = b.</summary>
    /// <param name="apply">The operator A.</param>
    /// <param name="rightHandSide">b, [n].</param>
    /// <param name="solution">The first guess, [n]; x on return.</param>
    /// <param name="options">Tolerance and iteration limit; null for the defaults.</param>
    /// <param name="precondition">The action of an approximate inverse of A, symmetric positive definite; null for none.</param>
    /// <returns>Status, iterations and the true residual.</returns>
    /// <exception cref="ArgumentException">The spans differ in length, or an option is out of range.</exception>
    /// <exception cref="LinearAlgebraException">A number that is not finite came up.</exception>
    public static KrylovResult Solve(
        LinearOperator apply, ReadOnlySpan<double> rightHandSide, Span<double> solution, KrylovOptions? options = null, LinearOperator? precondition = null)
    {
        options ??= new KrylovOptions();
        options.Check();
        int n = rightHandSide.Length;
        VectorKernels.CheckLength(solution, n, nameof(solution));
        double[] residual = new double[n];
        double[] direction = new double[n];
        double[] image = new double[n];
        double[] preconditioned = precondition is null ? residual : new double[n];
        double rightNorm = VectorKernels.Norm(rightHandSide);
        Krylov.ThrowIfNotFinite(rightNorm, 0);
        double goal = options.RelativeTolerance * rightNorm;
        Krylov.Residual(apply, rightHandSide, solution, residual);
        double previous = 1;
        KrylovStatus status = KrylovStatus.IterationLimit;
        int iteration = 0;
        for (; ; iteration++)
        {
            double norm = VectorKernels.Norm(residual);
            Krylov.ThrowIfNotFinite(norm, iteration);
            if (norm <= goal)
            {
                status = KrylovStatus.Converged;
                break;
            }

            if (iteration == options.MaximumIterations)
            {
                break;
            }

            precondition?.Invoke(residual, preconditioned);
            double product = VectorKernels.Dot(residual, preconditioned);
            double beta = iteration == 0 ? 0 : product / previous;
            for (int index = 0; index < n; index++)
            {
                direction[index] = preconditioned[index] + beta * direction[index];
            }

            apply(direction, image);
            double curvature = VectorKernels.Dot(direction, image);
            Krylov.ThrowIfNotFinite(curvature, iteration);
            if (!(curvature > 0) || !(product > 0))
            {
                status = KrylovStatus.NotPositiveDefinite;
                break;
            }

            double step = product / curvature;
            VectorKernels.AddScaled(step, direction, solution);
            VectorKernels.AddScaled(-step, image, residual);
            previous = product;
        }

        return Krylov.Finish(apply, rightHandSide, solution, image, goal, rightNorm, status, iteration);
    }
}
