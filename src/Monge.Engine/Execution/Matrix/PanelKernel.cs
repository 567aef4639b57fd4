namespace Monge.Engine.Execution;

/// <summary>
/// What one emitted kernel works on: <c>Blocks</c> register blocks, one below the other, of a panel of C that is a fixed
/// number of vectors wide. Strides are in bytes.
/// </summary>
internal unsafe struct PanelArguments
{
    /// <summary>Length of the contraction.</summary>
    public nint Depth;

    /// <summary>Number of register blocks.</summary>
    public nint Blocks;

    /// <summary>Not zero when the product is added to C.</summary>
    public nint Accumulate;

    /// <summary>First element of the left matrix.</summary>
    public byte* A;

    /// <summary>Bytes from one row of A to the next.</summary>
    public nint RowStride;

    /// <summary>Bytes from one column of A to the next.</summary>
    public nint ColumnStride;

    /// <summary>First element of the panel of B.</summary>
    public byte* B;

    /// <summary>Bytes from one row of B to the next.</summary>
    public nint StrideB;

    /// <summary>First element of the panel of C.</summary>
    public byte* C;

    /// <summary>Bytes from one row of C to the next.</summary>
    public nint StrideC;
}

/// <summary>An emitted kernel.</summary>
/// <param name="arguments">What to multiply; not changed.</param>
internal unsafe delegate void PanelKernel(PanelArguments* arguments);
