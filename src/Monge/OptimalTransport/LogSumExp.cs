using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Monge.OptimalTransport;

/// <summary>Log-sum-exp of h - s c without intermediate arrays, stable for any size of the exponents.</summary>
/// <remarks>
/// Two sweeps: the largest exponent, then the sum of exponentials below it. Groups of exponents that are all more than 50 below the
/// largest are skipped, which changes the sum by less than e^-50 per term and makes small temperatures cheap.
/// </remarks>
internal static class LogSumExp
{
    private const double Negligible = -50;

    /// <summary>log sum_j exp(shift[j] - scale * cost[j]); minus infinity for an empty or entirely vanishing sum.</summary>
    public static double Of(ReadOnlySpan<double> shift, ReadOnlySpan<double> cost, double scale)
    {
        ref double shifts = ref MemoryMarshal.GetReference(shift);
        ref double costs = ref MemoryMarshal.GetReference(cost);
        double largest = Largest(ref shifts, ref costs, cost.Length, scale);
        if (double.IsInfinity(largest))
            return largest;
        double sum = Vector512.IsHardwareAccelerated
            ? Sum512(ref shifts, ref costs, cost.Length, scale, largest)
            : Sum(ref shifts, ref costs, cost.Length, scale, largest);
        return largest + Math.Log(sum);
    }

    /// <summary>sum_j exp(offset + shift[j] - scale * cost[j]) * cost[j], for exponents that are logs of a plan and do not overflow.</summary>
    public static double MeanCost(ReadOnlySpan<double> shift, ReadOnlySpan<double> cost, double scale, double offset)
    {
        double sum = 0;
        for (int index = 0; index < cost.Length; index++)
        {
            double exponent = offset + shift[index] - scale * cost[index];
            if (exponent > -745)
                sum += Math.Exp(exponent) * cost[index];
        }
        return sum;
    }

    private static double Largest(ref double shifts, ref double costs, int count, double scale)
    {
        int width = Vector<double>.Count;
        var scales = new Vector<double>(-scale);
        var largest = new Vector<double>(double.NegativeInfinity);
        int index = 0;
        for (; index <= count - width; index += width)
            largest = Vector.MaxNative(
                largest, Vector.FusedMultiplyAdd(scales, Vector.LoadUnsafe(ref costs, (nuint)index), Vector.LoadUnsafe(ref shifts, (nuint)index)));
        double result = double.NegativeInfinity;
        for (int lane = 0; lane < width; lane++)
            result = Math.Max(result, largest[lane]);
        for (; index < count; index++)
            result = Math.Max(result, Exponent(ref shifts, ref costs, index, scale));
        return result;
    }

    private static double Sum512(ref double shifts, ref double costs, int count, double scale, double largest)
    {
        Vector512<double> scales = Vector512.Create(-scale);
        Vector512<double> largests = Vector512.Create(largest);
        Vector512<double> limit = Vector512.Create(Negligible);
        Vector512<double> sums = Vector512<double>.Zero;
        int index = 0;
        for (; index <= count - 8; index += 8)
        {
            Vector512<double> exponent = Vector512.FusedMultiplyAdd(
                scales, Vector512.LoadUnsafe(ref costs, (nuint)index), Vector512.LoadUnsafe(ref shifts, (nuint)index)) - largests;
            if (Vector512.GreaterThanAny(exponent, limit))
                sums += Vector512.Exp(exponent);
        }
        return Vector512.Sum(sums) + Tail(ref shifts, ref costs, index, count, scale, largest);
    }

    private static double Sum(ref double shifts, ref double costs, int count, double scale, double largest)
    {
        var scales = new Vector<double>(-scale);
        var largests = new Vector<double>(largest);
        var limit = new Vector<double>(Negligible);
        var sums = Vector<double>.Zero;
        int index = 0;
        for (; index <= count - Vector<double>.Count; index += Vector<double>.Count)
        {
            Vector<double> exponent = Vector.FusedMultiplyAdd(
                scales, Vector.LoadUnsafe(ref costs, (nuint)index), Vector.LoadUnsafe(ref shifts, (nuint)index)) - largests;
            if (Vector.GreaterThanAny(exponent, limit))
                sums += Vector.Exp(exponent);
        }
        return Vector.Sum(sums) + Tail(ref shifts, ref costs, index, count, scale, largest);
    }

    private static double Tail(ref double shifts, ref double costs, int index, int count, double scale, double largest)
    {
        double sum = 0;
        for (; index < count; index++)
            sum += Math.Exp(Exponent(ref shifts, ref costs, index, scale) - largest);
        return sum;
    }

    private static double Exponent(ref double shifts, ref double costs, int index, double scale) =>
        Math.FusedMultiplyAdd(-scale, Unsafe.Add(ref costs, index), Unsafe.Add(ref shifts, index));
}
