
namespace Monge.Data;

/// <summary>An array of numbers as files hold it: element type, shape and values in row-major (C) order.</summary>
public sealed class NumericArray
{
    private readonly int[] shape;
    private readonly Array values;

    internal NumericArray(ElementType elementType, int[] shape, Array values)
    {
        ElementType = elementType;
        this.shape = shape;
        this.values = values;
    }

    /// <summary>The type of the stored numbers.</summary>
    public ElementType ElementType { get; }

    /// <summary>Sizes of the axes, slowest first; empty for a single number.</summary>
    public ReadOnlySpan<int> Shape => shape;

    /// <summary>Number of elements.</summary>
    public int Length => values.Length;

    /// <summary>Wraps values without copying them.</summary>
    /// <typeparam name="T">double, float, Half, an integer of 1 to 8 bytes, or bool.</typeparam>
    /// <param name="values">The elements in row-major order.</param>
    /// <param name="shape">Sizes of the axes; their product is the number of elements.</param>
    /// <exception cref="ArgumentException">The shape does not fit the number of values.</exception>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> can't be stored.</exception>
    public static NumericArray Create<T>(T[] values, params ReadOnlySpan<int> shape) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(values);
        var sizes = new long[shape.Length];
        for (int axis = 0; axis < shape.Length; axis++)
            sizes[axis] = shape[axis];
        if (ElementTypes.CountElements(sizes) != values.Length)
            throw new ArgumentException($"The shape ({string.Join(", ", sizes)}) does not hold {values.Length} values.", nameof(shape));
        return new NumericArray(ElementKind.Of<T>().Type, shape.ToArray(), values);
    }

    /// <summary>The stored values without conversion.</summary>
    /// <typeparam name="T">The C# type of <see cref="ElementType"/>.</typeparam>
    /// <exception cref="InvalidOperationException">The array holds another type.</exception>
    public ReadOnlySpan<T> Values<T>() where T : unmanaged =>
        ElementKind.Of<T>().Type == ElementType
            ? (T[])values
            : throw new InvalidOperationException($"The array holds {ElementType}, not {typeof(T).Name}.");

    /// <summary>A copy of the values as doubles, row-major; 64-bit integers beyond 2^53 are rounded, truth values become 0 and 1.</summary>
    public double[] ToDoubles() => ElementKind.Of(ElementType).ToDoubles(values);

    /// <summary>Writes the raw little-endian values.</summary>
    internal void WriteValues(Stream stream) => ElementKind.Of(ElementType).Write(stream, values);

    /// <summary>The same array with values that were stored with the first axis fastest put into row-major order.</summary>
    internal NumericArray FromFortranOrder() =>
        shape.Length < 2 ? this : new NumericArray(ElementType, shape, ElementKind.Of(ElementType).FromFortranOrder(values, shape));
}
