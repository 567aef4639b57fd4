using System.Reflection.Emit;

namespace Monge.Engine.Execution;

/// <summary>
/// Addresses of a fixed number of equally spaced rows in an emitted kernel. Rows share a pointer by threes (offsets 0, stride and 2
/// stride, which fit the machine's address modes), so that tall blocks stay within the integer registers.
/// </summary>
internal sealed class RowPointers
{
    private const int RowsPerPointer = 3;

    private readonly KernelWriter _writer;
    private readonly LocalBuilder[] _pointers;
    private readonly LocalBuilder _stride;
    private readonly LocalBuilder _twoStrides;

    /// <summary>Declares the pointers and emits the loading of the stride.</summary>
    /// <param name="writer">Where to emit.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="strideField">Field of the arguments with the bytes from one row to the next.</param>
    public RowPointers(KernelWriter writer, int count, string strideField)
    {
        _writer = writer;
        Count = count;
        _pointers = new LocalBuilder[(count + RowsPerPointer - 1) / RowsPerPointer];
        for (int q = 0; q < _pointers.Length; q++) _pointers[q] = writer.Integer();
        _stride = writer.Integer(strideField);
        _twoStrides = writer.Integer();
        writer.Assign(_twoStrides, _stride);
        writer.Advance(_twoStrides, _stride);
    }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>Points at the rows from the given first one on.</summary>
    /// <param name="firstRow">Local with the address of the first row.</param>
    public void Start(LocalBuilder firstRow)
    {
        _writer.Assign(_pointers[0], firstRow);
        for (int q = 1; q < _pointers.Length; q++)
        {
            _writer.Assign(_pointers[q], _pointers[q - 1]);
            _writer.Advance(_pointers[q], _twoStrides);
            _writer.Advance(_pointers[q], _stride);
        }
    }

    /// <summary>Pushes the address of the current column of a row.</summary>
    /// <param name="row">The row.</param>
    public void Push(int row)
    {
        _writer.IL.Emit(OpCodes.Ldloc, _pointers[row / RowsPerPointer]);
        if (row % RowsPerPointer == 0) return;
        _writer.IL.Emit(OpCodes.Ldloc, row % RowsPerPointer == 1 ? _stride : _twoStrides);
        _writer.IL.Emit(OpCodes.Add);
    }

    /// <summary>Moves all rows on by the bytes in a local.</summary>
    /// <param name="bytes">The local.</param>
    public void Advance(LocalBuilder bytes)
    {
        foreach (LocalBuilder pointer in _pointers) _writer.Advance(pointer, bytes);
    }

    /// <summary>Moves all rows on by a constant.</summary>
    /// <param name="bytes">Bytes.</param>
    public void Advance(int bytes)
    {
        foreach (LocalBuilder pointer in _pointers)
        {
            _writer.PushAddress(pointer, bytes);
            _writer.IL.Emit(OpCodes.Stloc, pointer);
        }
    }

    /// <summary>Moves a local past all these rows.</summary>
    /// <param name="firstRow">Local with the address of the first row.</param>
    public void Skip(LocalBuilder firstRow)
    {
        for (int row = 0; row < Count; row++) _writer.Advance(firstRow, _stride);
    }
}
