using Monge.Engine.Arrays;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Paths;

/// <summary>The squares of an interpolant's scalars and half their derivatives, traced.</summary>
internal sealed record ScheduleSquares(Expr Alpha, Expr Beta, Expr Gamma, Expr AlphaHalfRate, Expr BetaHalfRate, Expr GammaHalfRate);

/// <summary>What a Gaussian of covariance C = alpha^2 A + beta^2 B + gamma^2 I says about a displacement y from its mean.</summary>
/// <param name="Quadratic">y . C^-1 y.</param>
/// <param name="LogDeterminant">log det C.</param>
/// <param name="Solved">C^-1 y [d].</param>
/// <param name="PrecisionTrace">tr C^-1.</param>
/// <param name="Stretch">(dC/dt) C^-1 y / 2 [d].</param>
/// <param name="StretchTrace">tr((dC/dt) C^-1) / 2.</param>
/// <param name="FromBase">A C^-1 y [d].</param>
/// <param name="FromData">B C^-1 y [d].</param>
internal sealed record PairMoments(
    Expr Quadratic, Expr LogDeterminant, Expr Solved, Expr PrecisionTrace, Expr Stretch, Expr StretchTrace, Expr FromBase, Expr FromData);

/// <summary>The covariance of an interpolant between one component of the base and one of the data, at a traced time.</summary>
internal interface IPairCovariance
{
    /// <summary>The moments of a displacement [d].</summary>
    PairMoments At(ScheduleSquares s, Expr y);
}

/// <summary>Chooses how the covariance of a pair is inverted at all times.</summary>
internal static class PairCovariance
{
    private const double CommutationTolerance = 1e-12;

    /// <summary>Makes the covariance.</summary>
    /// <param name="a">A [d, d].</param>
    /// <param name="b">B [d, d].</param>
    /// <param name="hasLatent">Whether there is a third matrix, gamma^2 I.</param>
    public static IPairCovariance Create(double[,] a, double[,] b, bool hasLatent)
    {
        var d = a.GetLength(0);
        if (LowerTriangle.IsDiagonal(a) && LowerTriangle.IsDiagonal(b))
        {
            return new DiagonalPair(null, null, 0, Diagonal(a), Diagonal(b), [.. Enumerable.Repeat(1.0, d)]);
        }

        if (Commute(a, b))
        {
            return Joint(a, b);
        }

        if (!hasLatent)
        {
            return Generalised(a, b);
        }

        return new TracedPair(a, b);
    }

    // A and B commute, so one orthonormal basis diagonalises both and the identity.
    private static DiagonalPair Joint(double[,] a, double[,] b)
    {
        var d = a.GetLength(0);
        var sum = new double[d * d];
        var (sizeOfA, sizeOfB) = (LargestOf(a), LargestOf(b));
        for (var i = 0; i < sum.Length; i++)
        {
            // An irrational ratio, so that no pair of eigenvalues of the sum coincides unless those of both do.
            sum[i] = (a[i / d, i % d] / sizeOfA) + (0.6180339887498949 * b[i / d, i % d] / sizeOfB);
        }

        var vectors = SymmetricEigen.Decompose(sum, d).Vectors;
        return new DiagonalPair(vectors, vectors, 0, Rotated(a, vectors), Rotated(b, vectors), [.. Enumerable.Repeat(1.0, d)]);
    }

    // V = L^-T Q with A = L L^T and L^-1 B L^-T = Q diag Q^T makes V^T A V = I and V^T B V diagonal.
    private static DiagonalPair Generalised(double[,] a, double[,] b)
    {
        var d = a.GetLength(0);
        var factor = LowerTriangle.TryFactor(a)!;
        var inverse = LowerTriangle.Invert(factor);
        var middle = new double[d * d];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var sum = 0.0;
                for (var k = 0; k <= i; k++)
                {
                    for (var l = 0; l <= j; l++)
                    {
                        sum += inverse[i, k] * b[k, l] * inverse[j, l];
                    }
                }

                middle[(i * d) + j] = middle[(j * d) + i] = sum;
            }
        }

        var (values, vectors) = SymmetricEigen.Decompose(middle, d);
        var (basis, dual) = (new double[d * d], new double[d * d]);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                for (var k = 0; k < d; k++)
                {
                    basis[(i * d) + j] += inverse[k, i] * vectors[(k * d) + j];
                    dual[(i * d) + j] += factor[i, k] * vectors[(k * d) + j];
                }
            }
        }

        return new DiagonalPair(basis, dual, 2 * LowerTriangle.LogDeterminant(factor), [.. Enumerable.Repeat(1.0, d)], values, new double[d]);
    }

    private static bool Commute(double[,] a, double[,] b)
    {
        var (d, largest) = (a.GetLength(0), 0.0);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                var sum = 0.0;
                for (var k = 0; k < d; k++)
                {
                    sum += (a[i, k] * b[k, j]) - (b[i, k] * a[k, j]);
                }

                largest = Math.Max(largest, Math.Abs(sum));
            }
        }

        return largest <= CommutationTolerance * d * LargestOf(a) * LargestOf(b);
    }

    private static double LargestOf(double[,] matrix) => matrix.Cast<double>().Max(Math.Abs);

    private static double[] Diagonal(double[,] matrix) => [.. Enumerable.Range(0, matrix.GetLength(0)).Select(i => matrix[i, i])];

    private static double[] Rotated(double[,] matrix, double[] vectors)
    {
        var d = matrix.GetLength(0);
        var values = new double[d];
        for (var k = 0; k < d; k++)
        {
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                {
                    values[k] += vectors[(i * d) + k] * matrix[i, j] * vectors[(j * d) + k];
                }
            }
        }

        return values;
    }
}

/// <summary>A basis V in which A, B and (if needed) I are diagonal: V^T A V = diag(a) and so on; null for the axes.</summary>
/// <param name="basis">V [d, d].</param>
/// <param name="dual">V^-T [d, d].</param>
/// <param name="logScale">-2 log |det V|.</param>
/// <param name="a">The diagonal of A [d].</param>
/// <param name="b">The diagonal of B [d].</param>
/// <param name="identity">The diagonal of I [d].</param>
internal sealed class DiagonalPair(double[]? basis, double[]? dual, double logScale, double[] a, double[] b, double[] identity) : IPairCovariance
{
    /// <inheritdoc/>
    public PairMoments At(ScheduleSquares s, Expr y)
    {
        var d = a.Length;
        var (ofBase, ofData, ofNoise) = (Expr.Constant(a, d), Expr.Constant(b, d), Expr.Constant(identity, d));
        var variances = (s.Alpha * ofBase) + (s.Beta * ofData) + (s.Gamma * ofNoise);
        var halfRates = (s.AlphaHalfRate * ofBase) + (s.BetaHalfRate * ofData) + (s.GammaHalfRate * ofNoise);
        var forward = basis is null ? null : Expr.Constant(basis, d, d);
        var back = dual is null ? null : Expr.Constant(dual, d, d);
        var u = forward is null ? y : Expr.MatrixProduct(forward.Transpose(), y);
        var scaled = u / variances;
        Expr ToAxes(Expr value, Expr? matrix) => matrix is null ? value : Expr.MatrixProduct(matrix, value);

        // tr C^-1 = sum_k |V_k|^2 / c_k.
        var lengths = basis is null ? Expr.Constant(1).BroadcastTo(new Shape(d)) : forward!.Square().Sum(0);
        return new PairMoments(
            Expr.Dot(u, scaled),
            variances.Log().Sum() + logScale,
            ToAxes(scaled, forward),
            (lengths / variances).Sum(),
            ToAxes(halfRates * scaled, back),
            (halfRates / variances).Sum(),
            ToAxes(ofBase * scaled, back),
            ToAxes(ofData * scaled, back));
    }
}

/// <summary>A covariance inverted at the traced time; if all samples share the time, once for all of them.</summary>
/// <param name="a">A [d, d].</param>
/// <param name="b">B [d, d].</param>
internal sealed class TracedPair(double[,] a, double[,] b) : IPairCovariance
{
    /// <inheritdoc/>
    public PairMoments At(ScheduleSquares s, Expr y)
    {
        var d = a.GetLength(0);
        var (ofBase, ofData) = (Expr.Constant(LowerTriangle.Flatten(a), d, d), Expr.Constant(LowerTriangle.Flatten(b), d, d));
        var covariance = (s.Alpha * ofBase) + (s.Beta * ofData) + (s.Gamma * Expr.Identity(d));
        var halfRate = (s.AlphaHalfRate * ofBase) + (s.BetaHalfRate * ofData) + (s.GammaHalfRate * Expr.Identity(d));
        var precision = covariance.InversePositiveDefinite();
        var solved = Expr.MatrixProduct(precision, y);
        return new PairMoments(
            Expr.Dot(y, solved), covariance.LogDeterminant(), solved, precision.Trace(), Expr.MatrixProduct(halfRate, solved), (halfRate * precision).Sum(),
            Expr.MatrixProduct(ofBase, solved), Expr.MatrixProduct(ofData, solved));
    }
}
