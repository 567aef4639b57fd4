using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Monge.Data;

/// <summary>
/// The header of a .npy file: a magic string, a version, a length and a dictionary in Python notation (NumPy format specification, versions 1.0 to 3.0).
/// </summary>
internal readonly record struct NumpyHeader(ElementType ElementType, bool BigEndian, bool FortranOrder, int[] Shape, int Count)
{
    private const int MaximumHeaderLength = 1 << 20;
    private static readonly byte[] Magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a header and leaves the stream at the first data byte.</summary>
    /// <param name="stream">The file's bytes from the beginning.</param>
    /// <param name="length">Number of bytes that the stream holds.</param>
    /// <param name="fail">Makes the error from a detail.</param>
    public static NumpyHeader Read(Stream stream, long length, Func<string, DataFormatException> fail)
    {
        Span<byte> start = stackalloc byte[12];
        int startLength = (int)Math.Min(8, length);
        stream.ReadExactly(start[..startLength]);
        if (!start[..Math.Min(6, startLength)].SequenceEqual(Magic.AsSpan(0, Math.Min(6, startLength))))
            throw fail("is not a NumPy array: the bytes 0 to 5 are not the NumPy signature");
        if (length < 10)
            throw fail($"is truncated at byte {length}, inside the NumPy signature and version");
        int major = start[6];
        if (major is < 1 or > 3 || start[7] != 0)
            throw fail($"has NumPy format version {major}.{start[7]} at byte 6, but only 1.0, 2.0 and 3.0 are known");
        int prefix = major == 1 ? 10 : 12;
        if (length < prefix)
            throw fail($"is truncated at byte {length}, inside the header length");
        stream.ReadExactly(start[8..prefix]);
        uint headerLength = major == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (headerLength > MaximumHeaderLength)
            throw fail($"has a header of {headerLength} bytes at byte 8, more than the {MaximumHeaderLength} allowed");
        if (length < prefix + headerLength)
            throw fail($"is truncated at byte {length}: the header needs {prefix + headerLength} bytes");
        var bytes = new byte[headerLength];
        stream.ReadExactly(bytes);
        return Parse(Encoding.Latin1.GetString(bytes), prefix, fail);
    }

    /// <summary>The bytes before the data, padded so that the data begin at a multiple of 64.</summary>
    /// <param name="type">Type of the elements.</param>
    /// <param name="shape">Sizes of the axes.</param>
    /// <param name="minimumLength">Least number of bytes, to keep room for a shape that is not known yet.</param>
    public static byte[] Format(ElementType type, ReadOnlySpan<long> shape, int minimumLength = 0)
    {
        var sizes = new StringBuilder();
        for (int axis = 0; axis < shape.Length; axis++)
            sizes.Append(axis > 0 ? ", " : "").Append(shape[axis].ToString(CultureInfo.InvariantCulture));
        if (shape.Length == 1)
            sizes.Append(',');
        string text = $"{{'descr': '{Descriptor(type)}', 'fortran_order': False, 'shape': ({sizes}), }}";
        int total = (Math.Max(10 + text.Length + 1, minimumLength) + 63) / 64 * 64;
        var bytes = new byte[total];
        Magic.CopyTo(bytes, 0);
        bytes[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), checked((ushort)(total - 10)));
        bytes.AsSpan(10).Fill((byte)' ');
        Encoding.ASCII.GetBytes(text, bytes.AsSpan(10));
        bytes[^1] = (byte)'\n';
        return bytes;
    }

    private static string Descriptor(ElementType type) => type switch
    {
        ElementType.Float32 => "<f4",
        ElementType.Float64 => "<f8",
        ElementType.Int16 => "<i2",
        ElementType.Int32 => "<i4",
        ElementType.Int64 => "<i8",
        ElementType.UInt8 => "|u1",
        ElementType.Float16 => "<f2",
        ElementType.Int8 => "|i1",
        ElementType.UInt16 => "<u2",
        ElementType.UInt32 => "<u4",
        ElementType.UInt64 => "<u8",
        _ => "|b1",
    };

    private static NumpyHeader Parse(string text, int firstByte, Func<string, DataFormatException> fail)
    {
        var cursor = new Cursor(text, firstByte, fail);
        string? descriptor = null;
        bool? fortranOrder = null;
        List<long>? shape = null;
        cursor.Expect('{');
        while (!cursor.Accept('}'))
        {
            string key = cursor.Text();
            cursor.Expect(':');
            bool repeated =
                key switch { "descr" => descriptor is not null, "fortran_order" => fortranOrder is not null, "shape" => shape is not null, _ => false };
            if (repeated)
                throw fail($"has the header field '{key}' twice");
            if (key == "descr")
                descriptor = cursor.Peek() is '[' or '('
                    ? throw fail("holds a structured type in the header field 'descr'; save each column as an array of its own") : cursor.Text();
            else if (key == "fortran_order")
                fortranOrder = cursor.Truth();
            else if (key == "shape")
                shape = cursor.Tuple();
            else
                throw fail($"has the unknown header field '{key}'");
            if (!cursor.Accept(','))
            {
                cursor.Expect('}');
                break;
            }
        }
        cursor.ExpectEnd();
        if (descriptor is null || fortranOrder is null || shape is null)
            throw fail($"lacks the header field '{(descriptor is null ? "descr" : fortranOrder is null ? "fortran_order" : "shape")}'");
        long count = ElementTypes.CountElements(CollectionsMarshal.AsSpan(shape));
        if (count < 0 || shape.Exists(static size => size > int.MaxValue))
            throw fail($"has the shape ({string.Join(", ", shape)}), more elements than an array can hold");
        (ElementType type, bool bigEndian) = ParseDescriptor(descriptor, fail);
        return new NumpyHeader(type, bigEndian, fortranOrder.Value, [.. shape.Select(static size => (int)size)], (int)count);
    }

    private static (ElementType Type, bool BigEndian) ParseDescriptor(string descriptor, Func<string, DataFormatException> fail)
    {
        char order = descriptor.Length > 0 ? descriptor[0] : ' ';
        ElementType? type = descriptor.Length > 0 ? descriptor[1..] switch
        {
            "f4" => ElementType.Float32,
            "f8" => ElementType.Float64,
            "i2" => ElementType.Int16,
            "i4" => ElementType.Int32,
            "i8" => ElementType.Int64,
            "u1" => ElementType.UInt8,
            "b1" => ElementType.Boolean,
            "f2" => ElementType.Float16,
            "i1" => ElementType.Int8,
            "u2" => ElementType.UInt16,
            "u4" => ElementType.UInt32,
            "u8" => ElementType.UInt64,
            _ => null,
        } : null;
        bool orderKnown = type is not null && (order is '<' or '>' || (order == '|' && ElementKind.Of(type.Value).Width == 1));
        return orderKnown
            ? (type!.Value, order == '>')
            : throw fail($"has the type '{descriptor}' in the header field 'descr'; save it as f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1");
    }

    /// <summary>Reads the few Python literals that a header consists of.</summary>
    private sealed class Cursor(string text, int firstByte, Func<string, DataFormatException> fail)
    {
        private int position;

        public char Peek()
        {
            while (position < text.Length && text[position] is ' ' or '\n' or '\t' or '\r')
                position++;
            return position < text.Length ? text[position] : '\0';
        }

        public bool Accept(char symbol)
        {
            if (Peek() != symbol || position >= text.Length)
                return false;
            position++;
            return true;
        }

        public void Expect(char symbol)
        {
            if (!Accept(symbol))
                throw Unexpected($"'{symbol}'");
        }

        public void ExpectEnd()
        {
            Peek();
            if (position < text.Length)
                throw Unexpected("the end of the header");
        }

        public string Text()
        {
            char quote = Peek();
            int end = quote is '\'' or '"' ? text.IndexOf(quote, position + 1) : -1;
            if (end < 0)
                throw Unexpected("a quoted text");
            string result = text[(position + 1)..end];
            position = end + 1;
            return result;
        }

        public bool Truth()
        {
            Peek();
            foreach ((string word, bool value) in new[] { ("True", true), ("False", false) })
            {
                if (string.CompareOrdinal(text, position, word, 0, word.Length) == 0)
                {
                    position += word.Length;
                    return value;
                }
            }
            throw Unexpected("True or False");
        }

        public List<long> Tuple()
        {
            var sizes = new List<long>();
            Expect('(');
            while (!Accept(')'))
            {
                Peek();
                int end = position;
                while (end < text.Length && char.IsAsciiDigit(text[end]))
                    end++;
                if (!long.TryParse(text.AsSpan(position, end - position), NumberStyles.None, CultureInfo.InvariantCulture, out long size))
                    throw Unexpected("the size of an axis");
                position = end;
                // Python 2 wrote long integers with a trailing L.
                Accept('L');
                sizes.Add(size);
                if (sizes.Count > 64)
                    throw fail("has more than 64 axes in the header field 'shape'");
                if (!Accept(','))
                {
                    Expect(')');
                    break;
                }
            }
            return sizes;
        }

        private DataFormatException Unexpected(string wanted) => fail($"has a malformed header: {wanted} was expected at byte {firstByte + position}");
    }
}
