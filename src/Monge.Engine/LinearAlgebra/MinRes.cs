namespace Monge.Engine.LinearAlgebra;

/// <summary>
/// Minimal residuals for A x = b, A symmetric (indefinite allowed) and given only by its action. Own code, since MathNet.Numerics has no such
/// solver. Source: Paige and Saunders, "Solution of sparse indefinite systems of linear equations", 1975.
/// </summary>
public static class MinRes
{
    // A pivot or a Lanczos norm this small beside the size of the operator is taken for rounding noise: the condition number that the
    // solver will work with ends at 1e13.
    private const double BreakdownTolerance = 1e-13;

    /// <summary>
    /// Solves A x = b, each iterate minimising |b - A x| over the Krylov space. When A is singular and b is not in its range, x is a
    /// least-squares solution and the status is <see cref="KrylovStatus.Stagnated"/>.
    /// </summary>
    /// <param name="apply">The operator A.</param>
    /// <param name="rightHandSide">b, [n].</param>
    /// <param name="solution">The first guess, [n]; x on return.</param>
    /// <param name="options">Tolerance and iteration limit; null for the defaults.</param>
    /// <returns>Status, iterations and the true residual.</returns>
    /// <exception cref="ArgumentException">The spans differ in length, or an option is out of range.</exception>
    /// <exception cref="LinearAlgebraException">A number that is not finite came up.</exception>
    public static KrylovResult Solve(LinearOperator apply, ReadOnlySpan<double> rightHandSide, Span<double> solution, KrylovOptions? options = null)
    {
        options ??= new KrylovOptions();
        options.Check();
        int n = rightHandSide.Length;
        VectorKernels.CheckLength(solution, n, nameof(solution));
        double rightNorm = VectorKernels.Norm(rightHandSide);
        Krylov.ThrowIfNotFinite(rightNorm, 0);
        double goal = options.RelativeTolerance * rightNorm;

        // v: Lanczos vectors; w: search directions, the columns of V R^-1.
        double[] v = new double[n];
        double[] previousV = new double[n];
        double[] nextV = new double[n];
        double[] w = new double[n];
        double[] previousW = new double[n];
        double[] nextW = new double[n];
        Krylov.Residual(apply, rightHandSide, solution, v);
        double residualNorm = VectorKernels.Norm(v);
        Krylov.ThrowIfNotFinite(residualNorm, 0);
        Scale(v, residualNorm == 0 ? 0 : 1 / residualNorm);
        double eta = residualNorm;
        double beta = 0;
        double operatorSize = 0;
        (double cosine, double sine, double previousCosine, double previousSine) = (1, 0, 1, 0);
        KrylovStatus status = KrylovStatus.IterationLimit;
        int iteration = 0;
        while (true)
        {
            if (Math.Abs(eta) <= goal)
            {
                status = KrylovStatus.Converged;
                break;
            }

            if (iteration == options.MaximumIterations)
            {
                break;
            }

            // One Lanczos step: A v = beta v_previous + alpha v + nextBeta v_next.
            apply(v, nextV);
            iteration++;
            double alpha = VectorKernels.Dot(v, nextV);
            VectorKernels.AddScaled(-alpha, v, nextV);
            VectorKernels.AddScaled(-beta, previousV, nextV);
            double nextBeta = VectorKernels.Norm(nextV);
            Krylov.ThrowIfNotFinite(alpha + nextBeta, iteration);
            operatorSize = Math.Max(operatorSize, Math.Abs(alpha) + beta + nextBeta);

            // The two earlier rotations act on the new column of the tridiagonal matrix; a third removes its subdiagonal entry.
            double diagonal = cosine * alpha - previousCosine * sine * beta;
            double pivot = Math.Sqrt(diagonal * diagonal + nextBeta * nextBeta);
            if (!(pivot > BreakdownTolerance * operatorSize))
            {
                status = KrylovStatus.Stagnated;
                break;
            }

            double upper = sine * alpha + previousCosine * cosine * beta;
            double second = previousSine * beta;
            (previousCosine, previousSine) = (cosine, sine);
            cosine = diagonal / pivot;
            sine = nextBeta / pivot;
            for (int index = 0; index < n; index++)
            {
                nextW[index] = (v[index] - second * previousW[index] - upper * w[index]) / pivot;
            }

            VectorKernels.AddScaled(cosine * eta, nextW, solution);
            eta = -sine * eta;
            (previousW, w, nextW) = (w, nextW, previousW);
            if (!(nextBeta > BreakdownTolerance * operatorSize))
            {
                status = KrylovStatus.Stagnated;
                break;
            }

            Scale(nextV, 1 / nextBeta);
            (previousV, v, nextV) = (v, nextV, previousV);
            beta = nextBeta;
        }

        return Krylov.Finish(apply, rightHandSide, solution, nextV, goal, rightNorm, status, iteration);
    }

    private static void Scale(Span<double> values, double factor)
    {
        for (int index = 0; index < values.Length; index++)
        {
            values[index] *= factor;
        }
    }
}
