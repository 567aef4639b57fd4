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

/// <summary>Widths and raw input and output of element types.</summary>
internal static class ElementTypes
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Bytes per element.</summary>
    public static int Width(ElementType type) => type switch
    {
        ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 => 8,
        ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 4,
        ElementType.Int16 or ElementType.UInt16 or ElementType.Float16 => 2,
        _ => 1,
    };

    /// <summary>The element type of a C# number type.</summary>
    /// <exception cref="NotSupportedException">No file format here holds <typeparamref name="T"/>.</exception>
    public static ElementType Of<T>() where T : unmanaged
    {
        if (typeof(T) == typeof(double))
            return ElementType.Float64;
        if (typeof(T) == typeof(float))
            return ElementType.Float32;
        if (typeof(T) == typeof(short))
            return ElementType.Int16;
        if (typeof(T) == typeof(int))
            return ElementType.Int32;
        if (typeof(T) == typeof(long))
            return ElementType.Int64;
        if (typeof(T) == typeof(byte))
            return ElementType.UInt8;
        if (typeof(T) == typeof(bool))
            return ElementType.Boolean;
        if (typeof(T) == typeof(Half))
            return ElementType.Float16;
        if (typeof(T) == typeof(sbyte))
            return ElementType.Int8;
        if (typeof(T) == typeof(ushort))
            return ElementType.UInt16;
        if (typeof(T) == typeof(uint))
            return ElementType.UInt32;
        if (typeof(T) == typeof(ulong))
            return ElementType.UInt64;
        throw new NotSupportedException($"Arrays of {typeof(T).Name} can't be stored; use double, float, Half, an integer of 1 to 8 bytes, or bool.");
    }

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
    public static Array Read(Stream stream, ElementType type, int count, bool bigEndian) => type switch
    {
        ElementType.Float64 => Read<double>(stream, count, bigEndian),
        ElementType.Float32 => Read<float>(stream, count, bigEndian),
        ElementType.Int16 => Read<short>(stream, count, bigEndian),
        ElementType.Int32 => Read<int>(stream, count, bigEndian),
        ElementType.Int64 => Read<long>(stream, count, bigEndian),
        ElementType.UInt8 => Read<byte>(stream, count, bigEndian),
        ElementType.Float16 => Read<Half>(stream, count, bigEndian),
        ElementType.Int8 => Read<sbyte>(stream, count, bigEndian),
        ElementType.UInt16 => Read<ushort>(stream, count, bigEndian),
        ElementType.UInt32 => Read<uint>(stream, count, bigEndian),
        ElementType.UInt64 => Read<ulong>(stream, count, bigEndian),
        _ => Read<bool>(stream, count, bigEndian),
    };

    /// <summary>Reads numbers of the upper halves of single-precision ones (bfloat16), exactly.</summary>
    /// <exception cref="EndOfStreamException">The stream ended early.</exception>
    public static float[] ReadUpperHalves(Stream stream, int count) =>
        Array.ConvertAll(Read<ushort>(stream, count, bigEndian: false), static bits => BitConverter.UInt32BitsToSingle((uint)bits << 16));

    private static T[] Read<T>(Stream stream, int count, bool bigEndian) where T : unmanaged
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
