
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
    public double[] ToDoubles() => ElementType switch
    {
        ElementType.Float64 => (double[])values.Clone(),
        ElementType.Float32 => Array.ConvertAll((float[])values, static value => (double)value),
        ElementType.Float16 => Array.ConvertAll((Half[])values, static value => (double)value),
        ElementType.Int8 => Array.ConvertAll((sbyte[])values, static value => (double)value),
        ElementType.Int16 => Array.ConvertAll((short[])values, static value => (double)value),
        ElementType.Int32 => Array.ConvertAll((int[])values, static value => (double)value),
        ElementType.Int64 => Array.ConvertAll((long[])values, static value => (double)value),
        ElementType.UInt8 => Array.ConvertAll((byte[])values, static value => (double)value),
        ElementType.UInt16 => Array.ConvertAll((ushort[])values, static value => (double)value),
        ElementType.UInt32 => Array.ConvertAll((uint[])values, static value => (double)value),
        ElementType.UInt64 => Array.ConvertAll((ulong[])values, static value => (double)value),
        _ => Array.ConvertAll((bool[])values, static value => value ? 1.0 : 0.0),
    };

    /// <summary>Writes the raw little-endian values.</summary>
    internal void WriteValues(Stream stream)
    {
        // The element type decides, as an array of int passes for one of uint at run time.
        switch (ElementType)
        {
            case ElementType.Float64:
                ElementTypes.Write<double>(stream, (double[])values);
                break;
            case ElementType.Float32:
                ElementTypes.Write<float>(stream, (float[])values);
                break;
            case ElementType.Float16:
                ElementTypes.Write<Half>(stream, (Half[])values);
                break;
            case ElementType.Int8:
                ElementTypes.Write<sbyte>(stream, (sbyte[])values);
                break;
            case ElementType.Int16:
                ElementTypes.Write<short>(stream, (short[])values);
                break;
            case ElementType.Int32:
                ElementTypes.Write<int>(stream, (int[])values);
                break;
            case ElementType.Int64:
                ElementTypes.Write<long>(stream, (long[])values);
                break;
            case ElementType.UInt8:
                ElementTypes.Write<byte>(stream, (byte[])values);
                break;
            case ElementType.UInt16:
                ElementTypes.Write<ushort>(stream, (ushort[])values);
                break;
            case ElementType.UInt32:
                ElementTypes.Write<uint>(stream, (uint[])values);
                break;
            case ElementType.UInt64:
                ElementTypes.Write<ulong>(stream, (ulong[])values);
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
        Array reordered = ElementType switch
        {
            ElementType.Float64 => Reorder((double[])values),
            ElementType.Float32 => Reorder((float[])values),
            ElementType.Float16 => Reorder((Half[])values),
            ElementType.Int8 => Reorder((sbyte[])values),
            ElementType.Int16 => Reorder((short[])values),
            ElementType.Int32 => Reorder((int[])values),
            ElementType.Int64 => Reorder((long[])values),
            ElementType.UInt8 => Reorder((byte[])values),
            ElementType.UInt16 => Reorder((ushort[])values),
            ElementType.UInt32 => Reorder((uint[])values),
            ElementType.UInt64 => Reorder((ulong[])values),
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
