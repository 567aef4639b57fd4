using System.Numerics;

namespace Monge.Engine.Arrays;

/// <summary>Numbers in the other format; float32 is the nearest to a float64, and infinite beyond its range.</summary>
public static class Numbers
{
    /// <summary>Copies numbers into another format.</summary>
    /// <typeparam name="TFrom">float or double.</typeparam>
    /// <typeparam name="TTo">float or double.</typeparam>
    /// <param name="from">The numbers.</param>
    /// <param name="to">Receives them; at least as long.</param>
    public static void Copy<TFrom, TTo>(ReadOnlySpan<TFrom> from, Span<TTo> to)
        where TFrom : unmanaged, INumberBase<TFrom>
        where TTo : unmanaged, INumberBase<TTo>
    {
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = TTo.CreateTruncating(from[i]);
        }
    }

    /// <summary>The numbers in float64.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    public static double[] Doubles<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumberBase<T>
    {
        var result = new double[values.Length];
        Copy(values, result.AsSpan());
        return result;
    }

    /// <summary>The numbers in float32.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    public static float[] Singles<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumberBase<T>
    {
        var result = new float[values.Length];
        Copy(values, result.AsSpan());
        return result;
    }
}
