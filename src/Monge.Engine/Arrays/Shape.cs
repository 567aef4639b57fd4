namespace Monge.Engine.Arrays;

/// <summary>The shape of one sample's value: sizes along its axes, row-major. Rank 0 is a scalar. There is no batch axis.</summary>
public readonly struct Shape : IEquatable<Shape>
{
    private readonly int[]? _sizes;

    /// <summary>Makes a shape from its sizes.</summary>
    /// <param name="sizes">Sizes along the axes, each at least 1.</param>
    /// <exception cref="ShapeException">A size is smaller than 1.</exception>
    public Shape(params ReadOnlySpan<int> sizes)
    {
        foreach (var size in sizes)
        {
            if (size < 1)
            {
                throw new ShapeException($"shape [{string.Join(", ", sizes.ToArray())}]: every size must be at least 1.");
            }
        }

        _sizes = sizes.ToArray();
    }

    /// <summary>The shape of a scalar.</summary>
    public static Shape Scalar => default;

    /// <summary>Number of axes.</summary>
    public int Rank => _sizes?.Length ?? 0;

    /// <summary>Number of elements (1 for a scalar).</summary>
    public int Size
    {
        get
        {
            var size = 1;
            foreach (var s in Sizes)
            {
                size = checked(size * s);
            }

            return size;
        }
    }

    /// <summary>Sizes along the axes.</summary>
    public ReadOnlySpan<int> Sizes => _sizes;

    /// <summary>Size along one axis.</summary>
    public int this[int axis] => _sizes![axis];

    /// <summary>Size along one axis, also counted from the end.</summary>
    public int this[Index axis] => _sizes![axis];

    /// <summary>The sizes of a range of axes as a shape.</summary>
    public Shape this[Range range] => new(Sizes[range]);

    /// <summary>This shape with one more trailing axis.</summary>
    public Shape Append(int size) => new([.. Sizes, size]);

    /// <summary>Row-major strides in elements.</summary>
    public int[] Strides()
    {
        var strides = new int[Rank];
        var step = 1;
        for (var axis = Rank - 1; axis >= 0; axis--)
        {
            strides[axis] = step;
            step *= this[axis];
        }

        return strides;
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Sizes.SequenceEqual(other.Sizes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var size in Sizes)
        {
            hash.Add(size);
        }

        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", Sizes.ToArray())}]";

    /// <summary>Whether two shapes are equal.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether two shapes differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>The common shape of two values under NumPy's broadcasting rule (axes aligned at the end, size 1 stretches).</summary>
    /// <exception cref="ShapeException">The shapes don't broadcast; the message names the operation, both shapes and the axis.</exception>
    internal static Shape Broadcast(string operation, Shape left, Shape right)
    {
        if (left == right)
        {
            return left;
        }

        var rank = Math.Max(left.Rank, right.Rank);
        var sizes = new int[rank];
        for (var axis = 1; axis <= rank; axis++)
        {
            var a = axis <= left.Rank ? left[left.Rank - axis] : 1;
            var b = axis <= right.Rank ? right[right.Rank - axis] : 1;
            if (a != b && a != 1 && b != 1)
            {
                throw new ShapeException(
                    $"{operation}: the left argument has shape {left} and the right argument {right}; sizes {a} and {b} (axis {axis} from the end) neither "
                    + "agree nor are 1.");
            }

            sizes[rank - axis] = Math.Max(a, b);
        }

        return new Shape(sizes);
    }
}

/// <summary>A value of the wrong shape was given while tracing; the message names the operation, the shapes and the argument.</summary>
public sealed class ShapeException(string message) : Exception(message);
