using System.Reflection;
using System.Reflection.Emit;

namespace Monge.Engine.Execution;

/// <summary>
/// Emits the inner kernel of the matrix product: C = A B (or C += A B) for register blocks of <c>rows</c> rows by <c>vectors</c>
/// vectors, one below the other. All accumulators of a block stay in registers during the loop over the contraction, where an
/// element of A is broadcast and multiplied with a few vectors of a row of B. Each element of C is one chain of multiply-adds
/// in the order of the contraction, so it doesn't depend on the block sizes.
/// </summary>
internal sealed class PanelKernelEmitter
{
    // Rows share a pointer by threes (offsets 0, stride, 2 stride), which keeps tall blocks within the integer registers.
    private const int RowsPerPointer = 3;

    private readonly LaneOperations _lanes;
    private readonly int _rows;
    private readonly int _vectors;
    private readonly int _vectorBytes;
    private readonly ILGenerator _il;
    private readonly LocalBuilder[,] _sums;
    private readonly LocalBuilder[] _left;
    private readonly LocalBuilder[] _right;
    private readonly LocalBuilder _element;
    private readonly LocalBuilder _rowStride;
    private readonly LocalBuilder _twoRows;
    private readonly LocalBuilder _columnStride;
    private readonly LocalBuilder _panel;
    private readonly LocalBuilder _panelStride;
    private readonly LocalBuilder _remaining;

    private PanelKernelEmitter(ILGenerator il, LaneOperations lanes, int rows, int vectors, int vectorBytes)
    {
        _il = il;
        _lanes = lanes;
        _rows = rows;
        _vectors = vectors;
        _vectorBytes = vectorBytes;
        _sums = new LocalBuilder[rows, vectors];
        for (int i = 0; i < rows; i++)
            for (int v = 0; v < vectors; v++)
                _sums[i, v] = il.DeclareLocal(lanes.Vector);

        _left = new LocalBuilder[(rows + RowsPerPointer - 1) / RowsPerPointer];
        for (int q = 0; q < _left.Length; q++) _left[q] = il.DeclareLocal(typeof(nint));
        _right = new LocalBuilder[vectors];
        for (int v = 0; v < vectors; v++) _right[v] = il.DeclareLocal(lanes.Vector);
        _element = il.DeclareLocal(lanes.Vector);
        _rowStride = il.DeclareLocal(typeof(nint));
        _twoRows = il.DeclareLocal(typeof(nint));
        _columnStride = il.DeclareLocal(typeof(nint));
        _panel = il.DeclareLocal(typeof(nint));
        _panelStride = il.DeclareLocal(typeof(nint));
        _remaining = il.DeclareLocal(typeof(nint));
    }

    /// <summary>Emits and compiles one kernel.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="width">Register width.</param>
    /// <param name="rows">Rows of a register block.</param>
    /// <param name="vectors">Vectors in a row of a register block.</param>
    /// <param name="vectorBytes">Bytes of a vector.</param>
    /// <returns>The kernel.</returns>
    public static unsafe PanelKernel Emit(ElementType type, SimdWidth width, int rows, int vectors, int vectorBytes)
    {
        // The unused first parameter makes the delegate a closed one, whose call needs no argument shuffle.
        var method = new DynamicMethod(
            $"Multiply{type}{width}Rows{rows}Vectors{vectors}", typeof(void), [typeof(object), typeof(PanelArguments*)],
            typeof(PanelKernelEmitter).Module, skipVisibility: true);
        new PanelKernelEmitter(method.GetILGenerator(), LaneOperations.Create(type, width), rows, vectors, vectorBytes).EmitBody();
        return method.CreateDelegate<PanelKernel>(new object());
    }

    private void EmitBody()
    {
        LocalBuilder blocks = _il.DeclareLocal(typeof(nint));
        LocalBuilder firstRow = _il.DeclareLocal(typeof(nint));
        LocalBuilder output = _il.DeclareLocal(typeof(nint));
        LocalBuilder outputStride = _il.DeclareLocal(typeof(nint));
        Assign(blocks, nameof(PanelArguments.Blocks));
        Assign(firstRow, nameof(PanelArguments.A));
        Assign(output, nameof(PanelArguments.C));
        Assign(outputStride, nameof(PanelArguments.StrideC));
        Assign(_rowStride, nameof(PanelArguments.RowStride));
        Assign(_columnStride, nameof(PanelArguments.ColumnStride));
        Assign(_panelStride, nameof(PanelArguments.StrideB));
        _il.Emit(OpCodes.Ldloc, _rowStride);
        _il.Emit(OpCodes.Dup);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _twoRows);

        Label nextBlock = _il.DefineLabel();
        _il.MarkLabel(nextBlock);
        EmitStart(output, outputStride);
        EmitPointers(firstRow);
        EmitContraction();
        ForEachRowOf(output, outputStride, i =>
        {
            for (int v = 0; v < _vectors; v++)
            {
                PushAddress(output, v * _vectorBytes);
                _il.Emit(OpCodes.Ldloc, _sums[i, v]);
                _lanes.Store(_il);
            }
        });

        // ForEachRowOf has left the output at the block's end; the rows of A follow.
        for (int i = 0; i < _rows; i++) Advance(firstRow, _rowStride);
        Decrement(blocks);
        _il.Emit(OpCodes.Ldloc, blocks);
        _il.Emit(OpCodes.Brtrue, nextBlock);
        _il.Emit(OpCodes.Ret);
    }

    private void EmitStart(LocalBuilder output, LocalBuilder outputStride)
    {
        Label overwrite = _il.DefineLabel();
        Label ready = _il.DefineLabel();
        PushField(nameof(PanelArguments.Accumulate));
        _il.Emit(OpCodes.Brfalse, overwrite);

        LocalBuilder row = _il.DeclareLocal(typeof(nint));
        _il.Emit(OpCodes.Ldloc, output);
        _il.Emit(OpCodes.Stloc, row);
        ForEachRowOf(row, outputStride, i =>
        {
            for (int v = 0; v < _vectors; v++)
            {
                PushAddress(row, v * _vectorBytes);
                _lanes.Load(_il);
                _il.Emit(OpCodes.Stloc, _sums[i, v]);
            }
        });
        _il.Emit(OpCodes.Br, ready);

        _il.MarkLabel(overwrite);
        foreach (LocalBuilder sum in _sums)
        {
            _lanes.Zero(_il);
            _il.Emit(OpCodes.Stloc, sum);
        }

        _il.MarkLabel(ready);
    }

    private void EmitPointers(LocalBuilder firstRow)
    {
        _il.Emit(OpCodes.Ldloc, firstRow);
        _il.Emit(OpCodes.Stloc, _left[0]);
        for (int q = 1; q < _left.Length; q++)
        {
            _il.Emit(OpCodes.Ldloc, _left[q - 1]);
            _il.Emit(OpCodes.Ldloc, _twoRows);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Ldloc, _rowStride);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Stloc, _left[q]);
        }

        Assign(_panel, nameof(PanelArguments.B));
        Assign(_remaining, nameof(PanelArguments.Depth));
    }

    private void EmitContraction()
    {
        Label step = _il.DefineLabel();
        Label done = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _remaining);
        _il.Emit(OpCodes.Brfalse, done);
        _il.MarkLabel(step);
        for (int v = 0; v < _vectors; v++)
        {
            PushAddress(_panel, v * _vectorBytes);
            _lanes.Load(_il);
            _il.Emit(OpCodes.Stloc, _right[v]);
        }

        for (int i = 0; i < _rows; i++) EmitRow(i);
        foreach (LocalBuilder pointer in _left) Advance(pointer, _columnStride);
        Advance(_panel, _panelStride);
        Decrement(_remaining);
        _il.Emit(OpCodes.Ldloc, _remaining);
        _il.Emit(OpCodes.Brtrue, step);
        _il.MarkLabel(done);
    }

    private void EmitRow(int i)
    {
        if (_vectors == 1)
        {
            // Used once: left on the stack so that the JIT may fold the broadcast into the multiply-add.
            _lanes.MultiplyAdd(_il, _sums[i, 0], () =>
            {
                PushElement(i);
                _il.Emit(OpCodes.Ldloc, _right[0]);
            });
            return;
        }

        PushElement(i);
        _il.Emit(OpCodes.Stloc, _element);
        for (int v = 0; v < _vectors; v++)
        {
            LocalBuilder right = _right[v];
            _lanes.MultiplyAdd(_il, _sums[i, v], () =>
            {
                _il.Emit(OpCodes.Ldloc, _element);
                _il.Emit(OpCodes.Ldloc, right);
            });
        }
    }

    private void PushElement(int i)
    {
        _il.Emit(OpCodes.Ldloc, _left[i / RowsPerPointer]);
        if (i % RowsPerPointer != 0)
        {
            _il.Emit(OpCodes.Ldloc, i % RowsPerPointer == 1 ? _rowStride : _twoRows);
            _il.Emit(OpCodes.Add);
        }

        _lanes.LoadElement(_il);
        _lanes.Broadcast(_il);
    }

    private void ForEachRowOf(LocalBuilder pointer, LocalBuilder stride, Action<int> row)
    {
        for (int i = 0; i < _rows; i++)
        {
            row(i);
            Advance(pointer, stride);
        }
    }

    private void PushAddress(LocalBuilder pointer, int offset)
    {
        _il.Emit(OpCodes.Ldloc, pointer);
        if (offset == 0) return;
        _il.Emit(OpCodes.Ldc_I4, offset);
        _il.Emit(OpCodes.Add);
    }

    private void Advance(LocalBuilder pointer, LocalBuilder stride)
    {
        _il.Emit(OpCodes.Ldloc, pointer);
        _il.Emit(OpCodes.Ldloc, stride);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, pointer);
    }

    private void Decrement(LocalBuilder counter)
    {
        _il.Emit(OpCodes.Ldloc, counter);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, counter);
    }

    private void Assign(LocalBuilder local, string field)
    {
        PushField(field);
        _il.Emit(OpCodes.Stloc, local);
    }

    private void PushField(string name)
    {
        FieldInfo field = typeof(PanelArguments).GetField(name)!;
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldfld, field);
    }
}
