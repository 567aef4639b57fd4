using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
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

    // Sums in lanes of one fixed width, so that their order is the same on every machine.
    private protected static double Dot<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (sum, i) = (Vector512<T>.Zero, 0);
        for (; i <= a.Length - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            sum += Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(a), (nuint)i) * Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(b), (nuint)i);
        }

        var total = double.CreateChecked(Vector512.Sum(sum));
        for (; i < a.Length; i++)
        {
            total += double.CreateChecked(a[i] * b[i]);
        }

        return total;
    }

    private protected static void AddScaled<T>(Span<T> to, T factor, ReadOnlySpan<T> values)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var i = 0;
        for (; i <= to.Length - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            var added = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(values), (nuint)i) * factor;
            (Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(to), (nuint)i) + added).StoreUnsafe(ref MemoryMarshal.GetReference(to), (nuint)i);
        }

        for (; i < to.Length; i++)
        {
            to[i] += values[i] * factor;
        }
    }

    private protected static void Scale<T>(Span<T> values, double factor)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (ref var value in values)
        {
            value *= T.CreateChecked(factor);
        }
    }
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
            var norm = Math.Sqrt(Dot<T>(block[..length], block[..length]));
            if (norm == 0)
            {
                throw new ArithmeticException(
                    "A vector that is held on a sphere is zero, which has no nearest point there; start it elsewhere or lower the learning rate.");
            }

            Scale(block[..length], Radius / norm);
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
                AddScaled<T>(right, left[i], block.Slice(i * columns, columns));
            }

            var norm = Math.Sqrt(Dot<T>(right, right));
            if (norm == 0)
            {
                return;
            }

            Scale(right, 1 / norm);
            for (var i = 0; i < rows; i++)
            {
                left[i] = T.CreateChecked(Dot<T>(block.Slice(i * columns, columns), right));
            }

            var value = Math.Sqrt(Dot<T>(left, left));
            Scale(left, 1 / value);
            var isSettled = value <= largest * (1 + Growth);
            largest = Math.Max(largest, value);
            if (isSettled)
            {
                break;
            }
        }

        if (largest > Bound)
        {
            Scale(block, Bound / largest);
        }
    }
}
