using System.IO.Compression;

namespace Monge.Data;

/// <summary>Reads and writes NumPy arrays: .npy files of format versions 1.0 to 3.0, and .npz archives.</summary>
/// <remarks>
/// Types: f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 in either byte order, and b1. Arrays in Fortran order are returned in row-major order.
/// Source: NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays", and the format's later versions.
/// </remarks>
public static class NumpyFile
{
    private const string Ending = ".npy";

    // The earliest that a zip archive can tell; a time of writing would make equal arrays different files.
    private static readonly DateTimeOffset EarliestTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Reads one .npy file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The array in row-major order.</returns>
    /// <exception cref="DataFormatException">The file is truncated, foreign, or holds a type that is not supported.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static NumericArray Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Read(stream, stream.Length, detail => new DataFormatException(path, detail));
    }

    /// <summary>Reads all arrays of a .npz archive, stored or deflated.</summary>
    /// <param name="path">The archive.</param>
    /// <returns>Arrays by name (without the .npy ending), in the order of the archive.</returns>
    /// <exception cref="DataFormatException">The archive or one of its arrays can't be read; the message names the entry.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static IReadOnlyDictionary<string, NumericArray> ReadArchive(string path)
    {
        var arrays = new OrderedDictionary<string, NumericArray>();
        ReadEntries(path, null, arrays);
        return arrays;
    }

    /// <summary>The names of the arrays of a .npz archive (without the .npy ending), in its order.</summary>
    /// <param name="path">The archive.</param>
    /// <exception cref="DataFormatException">The archive can't be read.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static IReadOnlyList<string> ArrayNames(string path) =>
        [.. ZipContents.Names(path).Where(static name => name.EndsWith(Ending, StringComparison.Ordinal)).Select(static name => name[..^Ending.Length])];

    /// <summary>Reads one array of a .npz archive; what stands beside it is not looked at.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="name">The array's name, without the .npy ending.</param>
    /// <exception cref="DataFormatException">There is no such array, or it can't be read.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static NumericArray ReadArchive(string path, string name)
    {
        var arrays = new OrderedDictionary<string, NumericArray>();
        ReadEntries(path, name + Ending, arrays);
        return arrays.TryGetValue(name, out NumericArray? array) ? array : throw new DataFormatException(path, $"has no array '{name}'");
    }

    private static void ReadEntries(string path, string? wanted, OrderedDictionary<string, NumericArray> arrays) => ZipContents.Read(
        path,
        (entry, content) =>
        {
            if (!entry.EndsWith(Ending, StringComparison.Ordinal))
                throw new DataFormatException(path, $"has the entry '{entry}', which is not a .npy array");
            NumericArray array = Read(new MemoryStream(content), content.Length, detail => new DataFormatException(path, $"the entry '{entry}' {detail}"));
            if (!arrays.TryAdd(entry[..^Ending.Length], array))
                throw new DataFormatException(path, $"has two entries named '{entry}'");
        },
        wanted is null ? null : entry => entry == wanted);

    /// <summary>Writes one array of any type and shape as .npy version 1.0.</summary>
    /// <param name="path">The file; replaced only when the new one is complete.</param>
    /// <param name="array">The array.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, NumericArray array)
    {
        ArgumentNullException.ThrowIfNull(array);
        AtomicFile.Write(path, stream => Write(stream, array));
    }

    /// <summary>Writes a .npz archive, stored without compression; equal arrays give equal bytes.</summary>
    /// <param name="path">The file; replaced only when the new one is complete.</param>
    /// <param name="arrays">Arrays by name, without the .npy ending; names are unique.</param>
    /// <exception cref="ArgumentException">A name stands twice.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void WriteArchive(string path, IEnumerable<(string Name, NumericArray Values)> arrays)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        AtomicFile.Write(path, stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach ((string name, NumericArray values) in arrays)
            {
                if (!seen.Add(name))
                    throw new ArgumentException($"The name '{name}' stands twice.", nameof(arrays));
                ZipArchiveEntry entry = archive.CreateEntry(name + Ending, CompressionLevel.NoCompression);
                entry.LastWriteTime = EarliestTime;
                using Stream content = entry.Open();
                Write(content, values);
            }
        });
    }

    private static void Write(Stream stream, NumericArray array)
    {
        var shape = new long[array.Shape.Length];
        for (int axis = 0; axis < shape.Length; axis++)
            shape[axis] = array.Shape[axis];
        stream.Write(NumpyHeader.Format(array.ElementType, shape));
        array.WriteValues(stream);
    }

    /// <summary>Writes float64 values as .npy version 1.0.</summary>
    /// <param name="path">The file; replaced only when the new one is complete.</param>
    /// <param name="values">The values in row-major order.</param>
    /// <param name="shape">Sizes of the axes; their product is the number of values.</param>
    /// <exception cref="ArgumentException">The shape does not fit the number of values.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, double[] values, params ReadOnlySpan<int> shape) => Write(path, NumericArray.Create(values, shape));

    /// <summary>Opens a .npy file that is written row by row, for arrays larger than memory.</summary>
    /// <param name="path">The file; it appears when the writer is committed.</param>
    /// <param name="elementType"><see cref="ElementType.Float32"/> or <see cref="ElementType.Float64"/>.</param>
    /// <param name="rowShape">Sizes of the axes after the first; none writes a vector.</param>
    /// <exception cref="ArgumentException">The type is not a floating type, or a size is below 1.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static NumpyWriter CreateWriter(string path, ElementType elementType, params ReadOnlySpan<int> rowShape) => new(path, elementType, rowShape);

    private static NumericArray Read(Stream stream, long length, Func<string, DataFormatException> fail)
    {
        NumpyHeader header = NumpyHeader.Read(stream, length, fail);
        long dataStart = stream.Position;
        long needed = (long)header.Count * ElementKind.Of(header.ElementType).Width;
        if (length - dataStart < needed)
            throw fail($"is truncated at byte {length}: {header.Count} values from byte {dataStart} on need {dataStart + needed} bytes");
        if (length - dataStart > needed)
            throw fail($"has {length - dataStart - needed} bytes too many after the data, from byte {dataStart + needed} on");
        Array values = ElementKind.Of(header.ElementType).Read(stream, header.Count, header.BigEndian);
        if (header.ElementType == ElementType.Boolean)
            ElementTypes.CheckTruthValues((bool[])values, dataStart, fail);
        var array = new NumericArray(header.ElementType, header.Shape, values);
        return header.FortranOrder ? array.FromFortranOrder() : array;
    }
}

/// <summary>Writes a .npy file row by row; nothing appears under its name before <see cref="Commit"/>.</summary>
public sealed class NumpyWriter : IDisposable
{
    private readonly AtomicFile file;
    private readonly ElementType elementType;
    private readonly long[] shape;
    private readonly int rowLength;
    private readonly int headerLength;
    private long written;

    internal NumpyWriter(string path, ElementType elementType, ReadOnlySpan<int> rowShape)
    {
        if (elementType is not (ElementType.Float32 or ElementType.Float64))
            throw new ArgumentException($"A row-wise file holds Float32 or Float64, not {elementType}.", nameof(elementType));
        shape = new long[rowShape.Length + 1];
        rowLength = 1;
        for (int axis = 0; axis < rowShape.Length; axis++)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(rowShape[axis], 1, nameof(rowShape));
            shape[axis + 1] = rowShape[axis];
            rowLength = checked(rowLength * rowShape[axis]);
        }
        this.elementType = elementType;
        // Room for the longest number of rows, so that the header can be rewritten in place.
        shape[0] = long.MaxValue;
        byte[] header = NumpyHeader.Format(elementType, shape);
        headerLength = header.Length;
        file = new AtomicFile(path);
        file.Stream.Write(header);
    }

    /// <summary>Complete rows written so far.</summary>
    public long Rows => written / rowLength;

    /// <summary>Appends rows.</summary>
    /// <param name="rows">A whole number of rows, row-major; rounded to single precision for <see cref="ElementType.Float32"/>.</param>
    /// <exception cref="ArgumentException">The values do not fill whole rows.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Append(ReadOnlySpan<double> rows)
    {
        if (rows.Length % rowLength != 0)
            throw new ArgumentException($"{rows.Length} values do not fill whole rows of {rowLength}.", nameof(rows));
        if (elementType == ElementType.Float64)
        {
            ElementTypes.Write(file.Stream, rows);
        }
        else
        {
            var singles = new float[Math.Min(rows.Length, 1 << 14)];
            for (int start = 0; start < rows.Length; start += singles.Length)
            {
                int count = Math.Min(singles.Length, rows.Length - start);
                for (int i = 0; i < count; i++)
                    singles[i] = (float)rows[start + i];
                ElementTypes.Write<float>(file.Stream, singles.AsSpan(0, count));
            }
        }
        written += rows.Length;
    }

    /// <summary>Writes the number of rows into the header and makes the file appear under its name.</summary>
    /// <exception cref="IOException">The file can't be completed.</exception>
    public void Commit()
    {
        shape[0] = Rows;
        file.Stream.Position = 0;
        file.Stream.Write(NumpyHeader.Format(elementType, shape, headerLength));
        file.Commit();
    }

    /// <summary>Gives the file up unless it was committed.</summary>
    public void Dispose() => file.Dispose();
}
