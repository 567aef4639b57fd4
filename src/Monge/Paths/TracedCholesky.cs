using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>The Cholesky factorisation of a matrix of traced scalars, for few dimensions; if they are uniform, the work is done once for all samples.</summary>
internal static class TracedCholesky
{
    /// <summary>Dimensions up to which a traced program of d^3 / 3 scalar operations is still small.</summary>
    public const int LargestDimension = 12;

    /// <summary>L^-1 [d, d] and log det A for A = L L^T.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="element">The elements of A, of which the lower triangle is asked for.</param>
    public static (Expr Whitening, Expr LogDeterminant) Factor(int dimension, Func<int, int, Expr> element)
    {
        var (factor, inverse) = (new Expr[dimension, dimension], new Expr[dimension, dimension]);
        Expr log = 0;
        for (var j = 0; j < dimension; j++)
        {
            for (var i = j; i < dimension; i++)
            {
                var rest = element(i, j);
                for (var k = 0; k < j; k++)
                {
                    rest -= factor[i, k] * factor[j, k];
                }

                factor[i, j] = i == j ? rest.Sqrt() : rest / factor[j, j];
            }

            log += 2 * factor[j, j].Log();
        }

        for (var j = 0; j < dimension; j++)
        {
            for (var i = j; i < dimension; i++)
            {
                Expr sum = i == j ? 1 : 0;
                for (var k = j; k < i; k++)
                {
                    sum -= factor[i, k] * inverse[k, j];
                }

                inverse[i, j] = sum / factor[i, i];
            }
        }

        Expr[] rows = [.. Enumerable.Range(0, dimension).Select(i => Expr.Vector([.. Enumerable.Range(0, dimension).Select(j => j <= i ? inverse[i, j] : 0)]))];
        return (Expr.Stack(0, rows), log);
    }
}
