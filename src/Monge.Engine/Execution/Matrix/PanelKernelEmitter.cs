using System.Reflection.Emit;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>
/// Emits the inner kernel of the matrix product: C = A B (or C += A B) for register blocks of some rows by some vectors,
/// one below the other. All accumulators of a block stay in registers during the loop over the contraction, where an element of
/// A is broadcast and multiplied with the vectors of a row of B. Each element of C is one chain of multiply-adds in the order
/// of the contraction, so it doesn't depend on the block sizes.
/// </summary>
internal sealed class PanelKernelEmitter
{
    private readonly KernelWriter _writer;
    private readonly ILGenerator _il;
    private readonly LaneOperations _lanes;
    private readonly int _vectors;
    private readonly int _vectorBytes;
    private readonly LocalBuilder[,] _sums;
    private readonly LocalBuilder[] _right;
    private readonly LocalBuilder _element;
    private readonly RowPointers _left;
    private readonly LocalBuilder _output;
    private readonly LocalBuilder _outputStride;

    private PanelKernelEmitter(KernelWriter writer, LaneOperations lanes, int rows, int vectors, int vectorBytes)
    {
        _writer = writer;
        _il = writer.IL;
        _lanes = lanes;
        _vectors = vectors;
        _vectorBytes = vectorBytes;
        _sums = new LocalBuilder[rows, vectors];
        for (int i = 0; i < rows; i++)
            for (int v = 0; v < vectors; v++)
                _sums[i, v] = _il.DeclareLocal(lanes.Vector);
        _right = new LocalBuilder[vectors];
        for (int v = 0; v < vectors; v++) _right[v] = _il.DeclareLocal(lanes.Vector);
        _element = _il.DeclareLocal(lanes.Vector);
        _left = new RowPointers(writer, rows, nameof(PanelArguments.RowStride));
        _output = writer.Integer(nameof(PanelArguments.C));
        _outputStride = writer.Integer(nameof(PanelArguments.StrideC));
    }

    /// <summary>Emits and compiles one kernel.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="width">Register width.</param>
    /// <param name="rows">Rows of a register block.</param>
    /// <param name="vectors">Vectors in a row of a register block.</param>
    /// <param name="vectorBytes">Bytes of a vector.</param>
    /// <returns>The kernel.</returns>
    public static PanelKernel Emit(ElementType type, SimdWidth width, int rows, int vectors, int vectorBytes) =>
        KernelWriter.Compile(
            $"Multiply{type}{width}Rows{rows}Vectors{vectors}",
            writer => new PanelKernelEmitter(writer, LaneOperations.Create(type, width), rows, vectors, vectorBytes).EmitBody());

    private void EmitBody()
    {
        LocalBuilder blocks = _writer.Integer(nameof(PanelArguments.Blocks));
        LocalBuilder firstRow = _writer.Integer(nameof(PanelArguments.A));
        LocalBuilder columnStride = _writer.Integer(nameof(PanelArguments.ColumnStride));
        LocalBuilder panelStride = _writer.Integer(nameof(PanelArguments.StrideB));
        LocalBuilder panel = _writer.Integer();
        LocalBuilder remaining = _writer.Integer();
        _writer.Repeat(blocks, () =>
        {
            _writer.IfAccumulate(LoadSums, ClearSums);
            _left.Start(firstRow);
            _writer.Assign(panel, nameof(PanelArguments.B));
            _writer.Assign(remaining, nameof(PanelArguments.Depth));
            _writer.Repeat(remaining, () =>
            {
                for (int v = 0; v < _vectors; v++)
                {
                    _writer.PushAddress(panel, v * _vectorBytes);
                    _lanes.Load(_il);
                    _il.Emit(OpCodes.Stloc, _right[v]);
                }

                for (int i = 0; i < _left.Count; i++) EmitRow(i);
                _left.Advance(columnStride);
                _writer.Advance(panel, panelStride);
            });
            StoreSums();
            _left.Skip(firstRow);
        });
        _il.Emit(OpCodes.Ret);
    }

    private void EmitRow(int i)
    {
        // Used once, the element is left on the stack, so that the JIT may fold its broadcast into the multiply-add.
        if (_vectors > 1)
        {
            PushElement(i);
            _il.Emit(OpCodes.Stloc, _element);
        }

        for (int v = 0; v < _vectors; v++)
        {
            LocalBuilder right = _right[v];
            _lanes.MultiplyAdd(_il, _sums[i, v], () =>
            {
                if (_vectors > 1) _il.Emit(OpCodes.Ldloc, _element);
                else PushElement(i);
                _il.Emit(OpCodes.Ldloc, right);
            });
        }
    }

    private void PushElement(int i)
    {
        _left.Push(i);
        _lanes.LoadElement(_il);
        _lanes.Broadcast(_il);
    }

    private void ClearSums()
    {
        foreach (LocalBuilder sum in _sums)
        {
            _lanes.Zero(_il);
            _il.Emit(OpCodes.Stloc, sum);
        }
    }

    private void LoadSums()
    {
        LocalBuilder row = _writer.Integer();
        _writer.Assign(row, _output);
        for (int i = 0; i < _left.Count; i++)
        {
            for (int v = 0; v < _vectors; v++)
            {
                _writer.PushAddress(row, v * _vectorBytes);
                _lanes.Load(_il);
                _il.Emit(OpCodes.Stloc, _sums[i, v]);
            }

            _writer.Advance(row, _outputStride);
        }
    }

    // Leaves the output at the next block.
    private void StoreSums()
    {
        for (int i = 0; i < _left.Count; i++)
        {
            for (int v = 0; v < _vectors; v++)
            {
                _writer.PushAddress(_output, v * _vectorBytes);
                _il.Emit(OpCodes.Ldloc, _sums[i, v]);
                _lanes.Store(_il);
            }

            _writer.Advance(_output, _outputStride);
        }
    }
}
