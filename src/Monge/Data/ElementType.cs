using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Monge.Data;

/// <summary>The number types that the array files can hold.</summary>
public enum ElementType
{
    /// <summary>IEEE single precision, 4 bytes.</summary>
    Float32,

    /// <summary>IEEE double precision, 8 bytes.</summary>
    Float64,

    /// <summary>Signed integer, 2 bytes.</summary>
    Int16,

    /// <summary>Signed integer, 4 bytes.</summary>
    Int32,

    /// <summary>Signed integer, 8 bytes.</summary>
    Int64,

    /// <summary>Unsigned integer, 1 byte.</summary>
    UInt8,

    /// <summary>Truth value, 1 byte of 0 or 1.</summary>
    Boolean,

    /// <summary>IEEE half precision, 2 bytes.</summary>
    Float16,

    /// <summary>Signed integer, 1 byte.</summary>
    Int8,

    /// <summary>Unsigned integer, 2 bytes.</summary>
    UInt16,

    /// <summary>Unsigned integer, 4 bytes.</summary>
    UInt32,

    /// <summary>Unsigned integer, 8 bytes.</summary>
    UInt64,
}

/// <summary>What is done with values of an element type, whatever it is.</summary>
internal abstract class ElementKind(ElementType type, Type number, int width)
{
    // In the order of the element types.
    private static readonly ElementKind[] s_all =
    [
        new Kind<float>(ElementType.Float32, static value => value),
        new Kind<double>(ElementType.Float64, static value => value),
        new Kind<short>(ElementType.Int16, static value => value),
        new Kind<int>(ElementType.Int32, static value => value),
        new Kind<long>(ElementType.Int64, static value => value),
        new Kind<byte>(ElementType.UInt8, static value => value),
        new Kind<bool>(ElementType.Boolean, static value => value ? 1 : 0),
        new Kind<Half>(ElementType.Float16, static value => (double)value),
        new Kind<sbyte>(ElementType.Int8, static value => value),
        new Kind<ushort>(ElementType.UInt16, static value => value),
        new Kind<uint>(ElementType.UInt32, static value => value),
        new Kind<ulong>(ElementType.UInt64, static value => value),
    ];

    /// <summary>The element type.</summary>
    public ElementType Type => type;

    /// <summary>Bytes per element.</summary>
    public int Width => width;

    /// <summary>The kind of an element type.</summary>
    public static ElementKind Of(ElementType type) => s_all[(int)type];

    /// <summary>The kind of a C# number type.</summary>
    /// <exception cref="NotSupportedException">No file format here holds <typeparamref name="T"/>.</exception>
    public static ElementKind Of<T>() where T : unmanaged => Array.Find(s_all, kind => kind.Number == typeof(T))
        ?? throw new NotSupportedException($"Arrays of {typeof(T).Name} can't be stored; use double, float, Half, an integer of 1 to 8 bytes, or bool.");

    /// <summary>Reads elements; the caller has checked that the stream holds them.</summary>
    /// <exception cref="EndOfStreamException">The stream ended early.</exception>
    public abstract Array Read(Stream stream, int count, bool bigEndian);

    /// <summary>Writes elements in little-endian order.</summary>
    public abstract void Write(Stream stream, Array values);

    /// <summary>A copy in double precision.</summary>
    public abstract double[] ToDoubles(Array values);

    /// <summary>A copy of values that were stored with the first axis fastest, in row-major order.</summary>
    public abstract Array FromFortranOrder(Array values, int[] shape);

    private Type Number => number;

    private sealed class Kind<T>(ElementType type, Converter<T, double> toDouble) : ElementKind(type, typeof(T), Unsafe.SizeOf<T>())
        where T : unmanaged
    {
        public override Array Read(Stream stream, int count, bool bigEndian) => ElementTypes.Read<T>(stream, count, bigEndian);

        public override void Write(Stream stream, Array values) => ElementTypes.Write<T>(stream, (T[])values);

        public override double[] ToDoubles(Array values) =>
            typeof(T) == typeof(double) ? (double[])values.Clone() : Array.ConvertAll((T[])values, toDouble);

        public override Array FromFortranOrder(Array values, int[] shape)
        {
            var source = (T[])values;
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
}

/// <summary>Raw input and output of elements.</summary>
internal static class ElementTypes
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Product of the sizes, or -1 if it passes the largest array or a size is negative.</summary>
    public static long CountElements(ReadOnlySpan<long> shape)
    {
        long count = 1;
        bool tooLarge = false;
        foreach (long size in shape)
        {
            if (size < 0)
                return -1;
            if (size == 0)
                return 0;
            tooLarge |= size > Array.MaxLength || count * size > Array.MaxLength;
            count = tooLarge ? 1 : count * size;
        }
        return tooLarge ? -1 : count;
    }

    /// <summary>Reads <paramref name="count"/> elements; the caller has checked that the stream holds them.</summary>
    /// <exception cref="EndOfStreamException">The stream ended early.</exception>
    public static T[] Read<T>(Stream stream, int count, bool bigEndian) where T : unmanaged
    {
        var values = new T[count];
        int step = ChunkBytes / Unsafe.SizeOf<T>();
        for (int start = 0; start < count; start += step)
        {
            Span<byte> bytes = MemoryMarshal.AsBytes(values.AsSpan(start, Math.Min(step, count - start)));
            stream.ReadExactly(bytes);
            if (bigEndian == BitConverter.IsLittleEndian)
                Swap(bytes, Unsafe.SizeOf<T>());
        }
        return values;
    }

    /// <summary>Reads numbers of the upper halves of single-precision ones (bfloat16), exactly.</summary>
    /// <exception cref="EndOfStreamException">The stream ended early.</exception>
    public static float[] ReadUpperHalves(Stream stream, int count) =>
        Array.ConvertAll(Read<ushort>(stream, count, bigEndian: false), static bits => BitConverter.UInt32BitsToSingle((uint)bits << 16));

    /// <summary>Writes elements in little-endian order.</summary>
    public static void Write<T>(Stream stream, ReadOnlySpan<T> values) where T : unmanaged
    {
        int step = ChunkBytes / Unsafe.SizeOf<T>();
        byte[] swapped = BitConverter.IsLittleEndian ? [] : new byte[ChunkBytes];
        for (int start = 0; start < values.Length; start += step)
        {
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values.Slice(start, Math.Min(step, values.Length - start)));
            if (!BitConverter.IsLittleEndian)
            {
                bytes.CopyTo(swapped);
                Swap(swapped.AsSpan(0, bytes.Length), Unsafe.SizeOf<T>());
                bytes = swapped.AsSpan(0, bytes.Length);
            }
            stream.Write(bytes);
        }
    }

    /// <summary>Refuses bytes other than 0 and 1, which C# would treat as truth values of undefined behaviour.</summary>
    public static void CheckTruthValues(bool[] values, long firstByte, Func<string, DataFormatException> fail)
    {
        int bad = MemoryMarshal.AsBytes(values.AsSpan()).IndexOfAnyExcept((byte)0, (byte)1);
        if (bad >= 0)
            throw fail($"holds a truth value other than 0 and 1 at byte {firstByte + bad}");
    }

    private static void Swap(Span<byte> bytes, int width)
    {
        if (width == 8)
        {
            Span<long> words = MemoryMarshal.Cast<byte, long>(bytes);
            BinaryPrimitives.ReverseEndianness(words, words);
        }
        else if (width == 4)
        {
            Span<int> words = MemoryMarshal.Cast<byte, int>(bytes);
            BinaryPrimitives.ReverseEndianness(words, words);
        }
        else if (width == 2)
        {
            Span<short> words = MemoryMarshal.Cast<byte, short>(bytes);
            BinaryPrimitives.ReverseEndianness(words, words);
        }
    }
}
