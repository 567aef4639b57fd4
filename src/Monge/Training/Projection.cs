using System.Numerics;
using Monge.Engine.Arrays;

namespace Monge.Training;

/// <summary>A set to which some parameters return after each step: the nearest point in it, or one nearby.</summary>
/// <param name="Blocks">Names of the blocks that are held in it.</param>
public abstract record Projection(params string[] Blocks)
{
    /// <summary>Numbers that the projection remembers of a block from step to step; they start at zero.</summary>
    internal abstract int MemorySize(Shape shape);

    /// <summary>Puts a block back.</summary>
    internal abstract void Apply<T>(Span<T> block, Shape shape, Span<T> memory)
        where T : unmanaged, IFloatingPointIeee754<T>;
}

/// <summary>Numbers that aren't negative, such as the weights of a convex network (B. Amos et al., arXiv:1609.07152): negative ones become zero.</summary>
/// <param name="Blocks">Names of the blocks.</param>
public sealed record NonNegative(params string[] Blocks) : Projection(Blocks)
{
    internal override int MemorySize(Shape shape) => 0;

    internal override void Apply<T>(Span<T> block, Shape shape, Span<T> memory)
    {
        foreach (ref var value in block)
        {
            value = T.Max(value, T.Zero);
        }
    }
}

/// <summary>Vectors of one length: each row of a matrix, or a vector as a whole.</summary>
/// <param name="Radius">The length, above 0.</param>
/// <param name="Blocks">Names of the blocks.</param>
public sealed record Sphere(double Radius, params string[] Blocks) : Projection(Blocks)
{
    internal override int MemorySize(Shape shape) => 0;

    internal override void Apply<T>(Span<T> block, Shape shape, Span<T> memory)
    {
        for (var length = shape.Rank == 0 ? 1 : shape[^1]; !block.IsEmpty; block = block[length..])
        {
            var norm = Math.Sqrt(FixedLanes.Dot<T>(block[..length], block[..length]));
            if (norm == 0)
            {
                throw new ArithmeticException(
                    "A vector that is held on a sphere is zero, which has no nearest point there; start it elsewhere or lower the learning rate.");
            }

            FixedLanes.Scale(block[..length], Radius / norm);
        }
    }
}

/// <summary>
/// Matrices of a bounded spectral norm (T. Miyato et al., arXiv:1802.05957): one whose largest singular value is above the bound is scaled down to it. The
/// value comes from
/// power iteration that goes on from the last step's singular vector, until it grows by less than 1e-5 of itself.
/// </summary>
/// <param name="Bound">The largest spectral norm, above 0.</param>
/// <param name="Blocks">Names of the blocks, matrices.</param>
public sealed record SpectralNorm(double Bound, params string[] Blocks) : Projection(Blocks)
{
    private const int MostIterations = 100;
    private const double Growth = 1e-5;

    internal override int MemorySize(Shape shape) => shape.Rank == 2
        ? shape[0] + shape[1]
        : throw new ArgumentException($"A spectral norm is one of a matrix; a block of shape {shape} was given.");

    internal override void Apply<T>(Span<T> block, Shape shape, Span<T> memory)
    {
        var (rows, columns) = (shape[0], shape[1]);
        var left = memory[..rows];
        var right = memory[rows..];
        for (var i = 0; i < rows && left[0] == T.Zero; i++)
        {
            // Any vector that no matrix is likely to avoid.
            left[i] = T.CreateChecked(Math.Cos(i));
        }

        var largest = 0.0;
        for (var k = 0; k < MostIterations; k++)
        {
            right.Clear();
            for (var i = 0; i < rows; i++)
            {
                FixedLanes.AddScaled<T>(right, left[i], block.Slice(i * columns, columns));
            }

            var norm = Math.Sqrt(FixedLanes.Dot<T>(right, right));
            if (norm == 0)
            {
                return;
            }

            FixedLanes.Scale(right, 1 / norm);
            for (var i = 0; i < rows; i++)
            {
                left[i] = T.CreateChecked(FixedLanes.Dot<T>(block.Slice(i * columns, columns), right));
            }

            var value = Math.Sqrt(FixedLanes.Dot<T>(left, left));
            FixedLanes.Scale(left, 1 / value);
            var isSettled = value <= largest * (1 + Growth);
            largest = Math.Max(largest, value);
            if (isSettled)
            {
                break;
            }
        }

        if (largest > Bound)
        {
            FixedLanes.Scale(block, Bound / largest);
        }
    }
}
