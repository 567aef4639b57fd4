using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Monge.Training;

/// <summary>Operations on vectors in lanes of one fixed width, so that the order of their sums is the same on every machine.</summary>
internal static class FixedLanes
{
    /// <summary>sum_i a_i b_i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b)
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

    /// <summary>to_i += factor * values_i.</summary>
    public static void AddScaled<T>(Span<T> to, T factor, ReadOnlySpan<T> values)
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

    /// <summary>values_i *= factor.</summary>
    public static void Scale<T>(Span<T> values, double factor)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (ref var value in values)
        {
            value *= T.CreateChecked(factor);
        }
    }
}
