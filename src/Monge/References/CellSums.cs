namespace Monge.References;

/// <summary>Sums over cells of one size.</summary>
internal static class CellSums
{
    /// <summary>-int p log p for p scaled to mass 1.</summary>
    public static double Entropy(ReadOnlySpan<double> values, double volume)
    {
        var (sum, mass) = (0.0, 0.0);
        foreach (var value in values)
        {
            sum += value > 0 ? value * Math.Log(value) : 0;
            mass += value;
        }

        return Math.Log(mass * volume) - (sum / mass);
    }

    /// <summary>Scales to mass 1 and returns the mass before.</summary>
    public static double Normalise(Span<double> values, double volume, Func<int, string> place)
    {
        ThrowIfNotPositive(values, place);
        var mass = 0.0;
        foreach (var value in values)
        {
            mass += value;
        }

        mass *= volume;
        if (!(mass > 0 && double.IsFinite(mass)))
        {
            throw new ArithmeticException($"The density's mass is {mass}: no cell holds any, or it overflows; shift its logarithm or take another domain.");
        }

        foreach (ref var value in values)
        {
            value /= mass;
        }

        return mass;
    }

    /// <summary>Refuses values that no density has.</summary>
    public static void ThrowIfNotPositive(ReadOnlySpan<double> values, Func<int, string> place)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!(values[i] >= 0 && values[i] <= double.MaxValue))
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"The density is {values[i]:g6} in the cell at {place(i)}; it must be finite and at least 0 everywhere."));
            }
        }
    }
}
