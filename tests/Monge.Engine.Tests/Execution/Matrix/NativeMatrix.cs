using System.Runtime.InteropServices;
using Monge.Engine.Lanes;

namespace Monge.Engine.Tests.Execution.Matrix;

/// <summary>A matrix in native memory whose gaps between rows and margins hold a guard value that no kernel may touch.</summary>
internal sealed unsafe class NativeMatrix : IDisposable
{
    private const double Guard = 12345.0;
    private const int Margin = 64;
    private readonly ElementType _type;
    private readonly int _rows;
    private readonly int _columns;
    private readonly int _stride;
    private readonly nint _length;
    private readonly void* _memory;

    public NativeMatrix(ElementType type, int rows, int columns, int stride)
    {
        (_type, _rows, _columns, _stride) = (type, rows, columns, stride);
        _length = ((nint)rows * stride) + (2 * Margin);
        _memory = NativeMemory.AlignedAlloc((nuint)(_length * ElementBytes), 64);
        for (nint i = 0; i < _length; i++) Write(i, Guard);
    }

    public void* Pointer => (byte*)_memory + (Margin * ElementBytes);

    private int ElementBytes => _type == ElementType.Float32 ? 4 : 8;

    public double this[int row, int column]
    {
        get => Read(Margin + ((nint)row * _stride) + column);
        set => Write(Margin + ((nint)row * _stride) + column, value);
    }

    public NativeMatrix Fill(System.Random random)
    {
        for (int i = 0; i < _rows; i++)
            for (int j = 0; j < _columns; j++)
                this[i, j] = (2 * random.NextDouble()) - 1;
        return this;
    }

    public bool GuardsAreIntact()
    {
        for (nint i = 0; i < _length; i++)
        {
            nint position = i - Margin;
            bool inside = position >= 0 && position < (nint)_rows * _stride && position % _stride < _columns;
            if (!inside && Read(i) != Guard) return false;
        }

        return true;
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    private double Read(nint i) => _type == ElementType.Float32 ? ((float*)_memory)[i] : ((double*)_memory)[i];

    private void Write(nint i, double value)
    {
        if (_type == ElementType.Float32) ((float*)_memory)[i] = (float)value;
        else ((double*)_memory)[i] = value;
    }
}
