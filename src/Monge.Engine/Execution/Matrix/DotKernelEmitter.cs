using System.Reflection.Emit;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>
/// Emits C = A B^T (or C += A B^T) for blocks of some rows of A, one below the other, by a few rows of B, as inner products over
/// whole vectors: cheaper than transposing B when one of the two has only a few rows. In the arguments Depth counts
/// vectors, ColumnStride is the step of C from one row of A to the next and StrideC that from one row of B to the next.
/// </summary>
internal static class DotKernelEmitter
{
    /// <summary>Emits and compiles one kernel.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="width">Register width.</param>
    /// <param name="rows">Rows of A in a block.</param>
    /// <param name="columns">Rows of B.</param>
    /// <param name="vectorBytes">Bytes of a vector.</param>
    /// <returns>The kernel.</returns>
    public static PanelKernel Emit(ElementType type, SimdWidth width, int rows, int columns, int vectorBytes) =>
        KernelWriter.Compile(
            $"Dot{type}{width}Rows{rows}Columns{columns}", writer => EmitBody(writer, LaneOperations.Create(type, width), rows, columns, vectorBytes));

    private static void EmitBody(KernelWriter writer, LaneOperations lanes, int rows, int columns, int vectorBytes)
    {
        ILGenerator il = writer.IL;
        var sums = new LocalBuilder[rows, columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                sums[i, j] = il.DeclareLocal(lanes.Vector);
        var factors = new LocalBuilder[columns];
        for (int j = 0; j < columns; j++) factors[j] = il.DeclareLocal(lanes.Vector);
        LocalBuilder vector = il.DeclareLocal(lanes.Vector);
        var left = new RowPointers(writer, rows, nameof(PanelArguments.RowStride));
        var right = new RowPointers(writer, columns, nameof(PanelArguments.StrideB));
        LocalBuilder firstLeft = writer.Integer(nameof(PanelArguments.A));
        LocalBuilder firstRight = writer.Integer(nameof(PanelArguments.B));
        LocalBuilder output = writer.Integer(nameof(PanelArguments.C));
        LocalBuilder blocks = writer.Integer(nameof(PanelArguments.Blocks));
        LocalBuilder remaining = writer.Integer();
        writer.Repeat(blocks, () =>
        {
            foreach (LocalBuilder sum in sums)
            {
                lanes.Zero(il);
                il.Emit(OpCodes.Stloc, sum);
            }

            left.Start(firstLeft);
            right.Start(firstRight);
            writer.Assign(remaining, nameof(PanelArguments.Depth));
            writer.Repeat(remaining, () =>
            {
                for (int j = 0; j < columns; j++) LoadRow(lanes, il, right, j, factors[j]);
                for (int i = 0; i < rows; i++)
                {
                    LoadRow(lanes, il, left, i, vector);
                    for (int j = 0; j < columns; j++)
                    {
                        LocalBuilder factor = factors[j];
                        lanes.MultiplyAdd(il, sums[i, j], () =>
                        {
                            il.Emit(OpCodes.Ldloc, vector);
                            il.Emit(OpCodes.Ldloc, factor);
                        });
                    }
                }

                left.Advance(vectorBytes);
                right.Advance(vectorBytes);
            });
            left.Skip(firstLeft);
            StoreSums(writer, lanes, sums, output);
        });
        il.Emit(OpCodes.Ret);
    }

    private static void LoadRow(LaneOperations lanes, ILGenerator il, RowPointers rows, int row, LocalBuilder vector)
    {
        rows.Push(row);
        lanes.Load(il);
        il.Emit(OpCodes.Stloc, vector);
    }

    // Leaves the output at the next block.
    private static void StoreSums(KernelWriter writer, LaneOperations lanes, LocalBuilder[,] sums, LocalBuilder output)
    {
        ILGenerator il = writer.IL;
        LocalBuilder rowStride = writer.Integer(nameof(PanelArguments.ColumnStride));
        LocalBuilder columnStride = writer.Integer(nameof(PanelArguments.StrideC));
        LocalBuilder element = writer.Integer();
        for (int i = 0; i < sums.GetLength(0); i++)
        {
            writer.Assign(element, output);
            for (int j = 0; j < sums.GetLength(1); j++)
            {
                LocalBuilder sum = sums[i, j];
                il.Emit(OpCodes.Ldloc, element);
                il.Emit(OpCodes.Ldloc, sum);
                lanes.Sum(il);
                writer.IfAccumulate(
                    () =>
                    {
                        il.Emit(OpCodes.Ldloc, element);
                        lanes.LoadElement(il);
                        il.Emit(OpCodes.Add);
                    },
                    () => { });
                lanes.StoreElement(il);
                writer.Advance(element, columnStride);
            }

            writer.Advance(output, rowStride);
        }
    }
}
