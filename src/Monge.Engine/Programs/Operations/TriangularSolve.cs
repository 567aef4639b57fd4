using Monge.Engine.Arrays;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Programs;

/// <summary>X = L^-1 B, or L^-T B, with a lower triangular L [n, n], of which the lower triangle is read, and columns B [n, m].</summary>
internal sealed class TriangularSolveOperation(bool transposed) : Operation
{
    public override string Name => "triangular solve";

    public override string Key => transposed ? "transposed" : "";

    /// <summary>Applies the operation to columns B [n, m] or, for every direction at once, [n, m, K].</summary>
    public static Expr Apply(Expr factor, Expr right, bool transposed) =>
        SquareMatrix.OnColumns(right, b => Expr.Create(new TriangularSolveOperation(transposed), factor, b));

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => SquareMatrix.CheckSystem(Name, inputs[0], inputs[1]);

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        inputs[1].CopyTo(output, 0);
        Substitute(inputs[0], output, shapes[1][0], shapes[1][1], transposed);
    }

    /// <summary>Solves in place by substitution, from the first row on or, transposed, from the last.</summary>
    internal static void Substitute(double[] factor, double[] x, int n, int columns, bool transposed)
    {
        for (var step = 0; step < n; step++)
        {
            var i = transposed ? n - 1 - step : step;
            for (var c = 0; c < columns; c++)
            {
                var rest = x[(i * columns) + c];
                for (var k = transposed ? i + 1 : 0; k < (transposed ? n : i); k++)
                {
                    rest -= factor[transposed ? (k * n) + i : (i * n) + k] * x[(k * columns) + c];
                }

                x[(i * columns) + c] = rest / factor[i * (n + 1)];
            }
        }
    }

    // L X = B gives dX = L^-1 (dB - dL X).
    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions)
    {
        var moved = tangents[0] is { } factor ? -MatrixProductOperation.LeftTangent(Read(factor), node) : null;
        return Plus(moved, tangents[1]) is { } change ? Apply(node.Inputs[0], change, transposed) : null;
    }

    public override Expr? Cotangent(Expr node, Expr cotangent, int index)
    {
        var right = Apply(node.Inputs[0], cotangent, !transposed);
        return index == 1 ? right
            : -SquareMatrix.LowerTriangle(transposed ? Expr.MatrixProduct(node, right.Transpose()) : Expr.MatrixProduct(right, node.Transpose()));
    }

    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights) =>
        tangents[0] is { } factor && Tangent(node, tangents, weights.Size) is { } tangent
            ? -2 * Apply(node.Inputs[0], MatrixProductOperation.SumOfProducts(Read(factor), tangent, weights), transposed)
            : null;

    internal override void Lower(Expr node, ILowering machine) =>
        machine.Run(new Kernel(node.Shape[0], node.Shape[1], transposed), node.Inputs[0], node.Inputs[1]);

    // What the equation's matrix changes by.
    private Expr Read(Expr tangent)
    {
        var lower = SquareMatrix.LowerTriangle(tangent);
        return transposed ? lower.Transpose(1, 0, 2) : lower;
    }

    private sealed class Kernel(int n, int columns, bool transposed) : SolveKernel(n, columns)
    {
        protected override unsafe void Solve<L, V, T>(V* factor, V* reciprocals, V* x)
        {
            if (transposed)
            {
                LaneMatrices<L, V, T>.SolveUpper(factor, Rows, LaneMatrices<L, V, T>.Even(Rows), reciprocals, x, Columns);
            }
            else
            {
                LaneMatrices<L, V, T>.SolveLower(factor, Rows, LaneMatrices<L, V, T>.Even(Rows), reciprocals, x, Columns);
            }
        }
    }
}
