using System.Numerics;
using System.Runtime.CompilerServices;

namespace Monge.Runs;

/// <summary>A record of options: every property has a default that works, and <see cref="Check"/> says which values are accepted.</summary>
public interface IMethodOptions
{
    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it, its value and what is accepted.</exception>
    void Check();
}

/// <summary>Options that several methods share. In JSON the properties of a group stand among those of the record that has it: files stay flat.</summary>
public interface IOptionGroup : IMethodOptions;

/// <summary>
/// The checks of option records: each throws one sentence with the option's name as JSON has it, its value and what is accepted. A missing (null) value passes.
/// </summary>
public static class OptionCheck
{
    /// <summary>A condition that no other check has.</summary>
    /// <param name="holds">Whether it holds.</param>
    /// <param name="value">The value.</param>
    /// <param name="accepted">What is accepted, to be read after "it must be".</param>
    /// <param name="name">The property; filled in by the compiler.</param>
    /// <exception cref="ArgumentException">It doesn't hold.</exception>
    public static void Require(bool holds, object? value, string accepted, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (!holds)
        {
            var word = MethodOptions.NameOf(name[(name.LastIndexOf('.') + 1)..]);
            throw new ArgumentException(FormattableString.Invariant($"The option '{word}' is {value ?? "null"}; it must be {accepted}."));
        }
    }

    /// <summary>A finite number within bounds, both accepted.</summary>
    /// <exception cref="ArgumentException">It is outside.</exception>
    public static void Within<T>(T? value, T least, T most, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, INumber<T> => Require(value is null || (value >= least && value <= most), value, $"{Words(least)} to {Words(most)}", name);

    /// <summary>A finite number that may not be smaller than a bound.</summary>
    /// <exception cref="ArgumentException">It is smaller, or not finite.</exception>
    public static void AtLeast<T>(T? value, T least, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, INumber<T> => Require(value is null || (value >= least && T.IsFinite(value.Value)), value, $"at least {Words(least)}", name);

    /// <summary>A finite number larger than a bound.</summary>
    /// <exception cref="ArgumentException">It is not larger, or not finite.</exception>
    public static void Above<T>(T? value, T bound, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, INumber<T> => Require(value is null || (value > bound && T.IsFinite(value.Value)), value, $"above {Words(bound)}", name);

    /// <summary>A number larger than a bound and at most another.</summary>
    /// <exception cref="ArgumentException">It is outside.</exception>
    public static void AboveTo<T>(T? value, T bound, T most, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, INumber<T> =>
            Require(value is null || (value > bound && value <= most), value, $"above {Words(bound)} and at most {Words(most)}", name);

    /// <summary>A number from a bound to below another.</summary>
    /// <exception cref="ArgumentException">It is outside.</exception>
    public static void Below<T>(T? value, T least, T bound, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, INumber<T> => Require(value is null || (value >= least && value < bound), value, $"{Words(least)} to below {Words(bound)}", name);

    /// <summary>One of an enumeration's words.</summary>
    /// <exception cref="ArgumentException">It is none of them.</exception>
    public static void Known<T>(T? value, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, Enum
    {
        string[] words = [.. Enum.GetNames<T>().Select(MethodOptions.NameOf)];
        Require(value is null || Enum.IsDefined(value.Value), value, words.Length < 2 ? words[0] : $"{string.Join(", ", words[..^1])} or {words[^1]}", name);
    }

    private static string Words<T>(T bound)
        where T : INumber<T> => T.IsInteger(bound) && T.Abs(bound) >= T.CreateChecked(10_000)
            ? bound.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)
            : bound.ToString(null, System.Globalization.CultureInfo.InvariantCulture);
}
