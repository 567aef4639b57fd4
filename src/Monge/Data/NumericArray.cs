
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
    /// <typeparam name="T">double, float, short, int, long, byte or bool.</typeparam>
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
        return new NumericArray(ElementTypes.Of<T>(), shape.ToArray(), values);
    }

    /// <summary>The stored values without conversion.</summary>
    /// <typeparam name="T">The C# type of <see cref="ElementType"/>.</typeparam>
    /// <exception cref="InvalidOperationException">The array holds another type.</exception>
    public ReadOnlySpan<T> Values<T>() where T : unmanaged =>
        ElementTypes.Of<T>() == ElementType
            ? (T[])values
            : throw new InvalidOperationException($"The array holds {ElementType}, not {typeof(T).Name}.");

    /// <summary>A copy of the values as doubles, row-major; 64-bit integers beyond 2^53 are rounded, truth values become 0 and 1.</summary>
    public double[] ToDoubles()
    {
        switch (values)
        {
            case double[] doubles:
                return (double[])doubles.Clone();
            case float[] floats:
                return Array.ConvertAll(floats, static value => (double)value);
            case short[] shorts:
                return Array.ConvertAll(shorts, static value => (double)value);
            case int[] integers:
                return Array.ConvertAll(integers, static value => (double)value);
            case long[] longs:
                return Array.ConvertAll(longs, static value => (double)value);
            case byte[] bytes:
                return Array.ConvertAll(bytes, static value => (double)value);
            default:
                return Array.ConvertAll((bool[])values, static value => value ? 1.0 : 0.0);
        }
    }

    /// <summary>Writes the raw little-endian values.</summary>
    internal void WriteValues(Stream stream)
    {
        switch (values)
        {
            case double[] doubles:
                ElementTypes.Write<double>(stream, doubles);
                break;
            case float[] floats:
                ElementTypes.Write<float>(stream, floats);
                break;
            case short[] shorts:
                ElementTypes.Write<short>(stream, shorts);
                break;
            case int[] integers:
                ElementTypes.Write<int>(stream, integers);
                break;
            case long[] longs:
                ElementTypes.Write<long>(stream, longs);
                break;
            case byte[] bytes:
                ElementTypes.Write<byte>(stream, bytes);
                break;
            default:
                ElementTypes.Write<bool>(stream, (bool[])values);
                break;
        }
    }

    /// <summary>The same array with values that were stored with the first axis fastest put into row-major order.</summary>
    internal NumericArray FromFortranOrder()
    {
        if (shape.Length < 2)
            return this;
        Array reordered = values switch
        {
            double[] doubles => Reorder(doubles),
            float[] floats => Reorder(floats),
            short[] shorts => Reorder(shorts),
            int[] integers => Reorder(integers),
            long[] longs => Reorder(longs),
            byte[] bytes => Reorder(bytes),
            _ => Reorder((bool[])values),
        };
        return new NumericArray(ElementType, shape, reordered);
    }

    private T[] Reorder<T>(T[] source)
    {
        var result = new T[source.Length];
        var index = new int[shape.Length];
        var strides = new int[shape.Length];
        for (int axis = 0, stride = 1; axis < shape.Length; axis++)
        {
            strides[axis] = stride;
            stride *= shape[axis];
        }
        int offset = 0;
        for (int position = 0; position < result.Length; position++)
        {
            result[position] = source[offset];
            for (int axis = shape.Length - 1; axis >= 0; axis--)
            {
                offset += strides[axis];
                if (++index[axis] < shape[axis])
                    break;
                offset -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
        return result;
    }
}
