using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Monge.Engine.LinearAlgebra;

/// <summary>The few float64 vector operations that the factorisations and the Krylov solvers are made of.</summary>
internal static class VectorKernels
{
    /// <summary>sum_i left_i right_i over the length of <paramref name="left"/>.</summary>
    public static double Dot(ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        int width = Vector<double>.Count;
        int length = left.Length;
        ref double a = ref MemoryMarshal.GetReference(left);
        ref double b = ref MemoryMarshal.GetReference(right[..length]);
        Vector<double> sum0 = default;
        Vector<double> sum1 = default;
        Vector<double> sum2 = default;
        Vector<double> sum3 = default;
        int index = 0;
        for (; index <= length - 4 * width; index += 4 * width)
        {
            sum0 = Vector.FusedMultiplyAdd(Load(ref a, index), Load(ref b, index), sum0);
            sum1 = Vector.FusedMultiplyAdd(Load(ref a, index + width), Load(ref b, index + width), sum1);
            sum2 = Vector.FusedMultiplyAdd(Load(ref a, index + 2 * width), Load(ref b, index + 2 * width), sum2);
            sum3 = Vector.FusedMultiplyAdd(Load(ref a, index + 3 * width), Load(ref b, index + 3 * width), sum3);
        }

        for (; index <= length - width; index += width)
        {
            sum0 = Vector.FusedMultiplyAdd(Load(ref a, index), Load(ref b, index), sum0);
        }

        double sum = Vector.Sum(sum0 + sum1 + (sum2 + sum3));
        for (; index < length; index++)
        {
            sum += left[index] * right[index];
        }

        return sum;
    }

    /// <summary>target_i += factor * source_i over the length of <paramref name="source"/>.</summary>
    public static void AddScaled(double factor, ReadOnlySpan<double> source, Span<double> target)
    {
        int width = Vector<double>.Count;
        int length = source.Length;
        ref double a = ref MemoryMarshal.GetReference(source);
        ref double b = ref MemoryMarshal.GetReference(target[..length]);
        Vector<double> factors = new(factor);
        int index = 0;
        for (; index <= length - width; index += width)
        {
            Vector.FusedMultiplyAdd(factors, Load(ref a, index), Load(ref b, index)).StoreUnsafe(ref b, (nuint)index);
        }

        for (; index < length; index++)
        {
            target[index] += factor * source[index];
        }
    }

    /// <summary>
    /// The Euclidean norm. Scaled by the largest magnitude only when the sum of squares leaves the range of float64.
    /// </summary>
    public static double Norm(ReadOnlySpan<double> vector)
    {
        double squares = Dot(vector, vector);
        if (squares is > 1e-280 and < 1e300)
        {
            return Math.Sqrt(squares);
        }

        double largest = 0;
        foreach (double value in vector)
        {
            double magnitude = Math.Abs(value);
            if (!(magnitude <= double.MaxValue))
            {
                return double.NaN;
            }

            largest = Math.Max(largest, magnitude);
        }

        if (largest == 0)
        {
            return 0;
        }

        double sum = 0;
        foreach (double value in vector)
        {
            sum += value / largest * (value / largest);
        }

        return largest * Math.Sqrt(sum);
    }

    /// <summary>Refuses a span that is not the row-major [rows, columns] matrix it should be, or that holds NaN or infinity.</summary>
    public static void CheckMatrix(ReadOnlySpan<double> matrix, int rows, int columns, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        CheckLength(matrix, (long)rows * columns, name);
        for (int index = 0; index < matrix.Length; index++)
        {
            if (!double.IsFinite(matrix[index]))
            {
                throw new ArgumentException($"Entry [{index / columns}, {index % columns}] of {name} is {matrix[index]}; every entry must be finite.", name);
            }
        }
    }

    public static void CheckLength(ReadOnlySpan<double> values, long length, string name)
    {
        if (values.Length != length)
        {
            throw new ArgumentException($"{name} has {values.Length} numbers but must have {length}.", name);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<double> Load(ref double start, int index) => Vector.LoadUnsafe(ref start, (nuint)index);
}
