
namespace Monge.Engine.Arrays;

/// <summary>
/// A dense row-major host array that never moves in memory, so that the tile machine reads and writes it in place. Arrays of samples are [n, ...].
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class NdArray<T>
    where T : unmanaged
{
    private readonly T[] _values;

    /// <summary>Makes an array of zeros.</summary>
    /// <param name="sizes">Sizes along the axes; none for a scalar. A size may be 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative.</exception>
    public NdArray(params ReadOnlySpan<int> sizes)
    {
        long length = 1;
        foreach (var size in sizes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(sizes));
            length *= size;
        }

        Sizes = sizes.ToArray();
        _values = GC.AllocateArray<T>(checked((int)length), pinned: true);
    }

    /// <summary>Sizes along the axes.</summary>
    public IReadOnlyList<int> Sizes { get; }

    /// <summary>Number of elements.</summary>
    public int Length => _values.Length;

    /// <summary>Size of the first axis.</summary>
    public int Rows => Sizes[0];

    /// <summary>Elements of one row: the product of the sizes after the first.</summary>
    public int RowLength => Rows == 0 ? 0 : Length / Rows;

    /// <summary>All elements, row-major.</summary>
    public Span<T> Span => _values;

    /// <summary>The elements of row <paramref name="i"/> of the first axis.</summary>
    public Span<T> Row(int i) => _values.AsSpan(i * RowLength, RowLength);

    /// <summary>An element by its row-major number.</summary>
    public ref T this[int index] => ref _values[index];

    internal T* Pointer => _values.Length == 0 ? null : (T*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_values, 0);

    /// <summary>Makes an array of a sample shape for n samples: [n, shape...].</summary>
    public static NdArray<T> ForSamples(int samples, Shape shape) => new([samples, .. shape.Sizes]);

    /// <summary>A copy of values in a shape.</summary>
    /// <exception cref="ArgumentException">The number of values is not that of the shape.</exception>
    public static NdArray<T> From(ReadOnlySpan<T> values, params ReadOnlySpan<int> sizes)
    {
        var array = new NdArray<T>(sizes);
        if (array.Length != values.Length)
        {
            throw new ArgumentException($"{values.Length} values were given for an array of shape [{string.Join(", ", sizes.ToArray())}].", nameof(values));
        }

        values.CopyTo(array.Span);
        return array;
    }
}
