using CsCheck;

namespace Monge.Testing;

/// <summary>Tries a property on generated values, the same ones in every run, and reports the smallest value found to break it.</summary>
internal static class Smallest
{
    private const int Shrinks = 4000;

    /// <summary>Tries the property; a failure is shrunk by drawing ever smaller values that still fail.</summary>
    public static void Failure<T>(Gen<T> values, int tries, Action<T> property, Func<T, string> print)
    {
        for (var k = 0; k < tries; k++)
        {
            var value = values.Generate(new PCG(1, (ulong)k), null, out var size);
            if (ErrorOf(property, value) is not { } error)
            {
                continue;
            }

            for (var s = 0; s < Shrinks; s++)
            {
                var other = values.Generate(new PCG(2, (ulong)s), size, out var smaller);
                if (Size.IsLessThan(smaller, size) && ErrorOf(property, other) is { } otherError)
                {
                    (value, size, error) = (other, smaller, otherError);
                }
            }

            Assert.Fail($"Value {k} of the generator breaks the property; the smallest found that does is {print(value)}: {error.Message}");
        }
    }

    private static Exception? ErrorOf<T>(Action<T> property, T value)
    {
        try
        {
            property(value);
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }
}
