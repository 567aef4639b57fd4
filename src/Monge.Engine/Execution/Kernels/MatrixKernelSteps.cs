using System.Numerics;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>A uniform matrix times per-sample columns, or its addition to what is there: one GEMM whose long side is columns times lanes.</summary>
internal sealed unsafe class SharedLeftProductKernel(
    Location left, int rowStride, int columnStride, Location right, int rightStride, Location target, int m, int k, int n, int lanes, MatrixKernels matrix, bool accumulates)
    : TileKernel
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context) => matrix.Multiply(
        m, n * lanes, k, context.Address(left), rowStride, columnStride, context.Address(right), (nint)rightStride * lanes, context.Address(target), (nint)n * lanes, accumulates);
}

/// <summary>Per-sample rows times a uniform matrix: for each row, the matrix's transpose times a column with lanes.</summary>
internal sealed unsafe class SharedRightProductKernel(
    Location left, Location right, Location target, int m, int k, int n, int lanes, int elementSize, MatrixKernels matrix) : TileKernel
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var row = (long)lanes * elementSize;
        for (var i = 0; i < m; i++)
        {
            matrix.Multiply(
                n, lanes, k, context.Address(right), 1, n, context.Address(left) + (i * k * row), lanes, context.Address(target) + (i * n * row), lanes, false);
        }
    }
}

/// <summary>
/// A weight's gradient: adds left [m, K] x right [n, K]^T, contracted over K and the lanes, to an accumulator [m, n]. The kernel that begins an accumulator
/// overwrites it in the first tile of a group, so that it need not be cleared.
/// </summary>
internal sealed unsafe class OuterAccumulateKernel(
    Location left, int leftStride, Location right, int rightStride, Location target, int m, int n, int columns, int lanes, int elementSize, bool begins, MatrixKernels matrix)
    : TileKernel
{
    public override int ScratchBytes => MatrixKernels.TransposedScratchBytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var a = context.Address(left);
        if (context.Valid < lanes)
        {
            ClearUnusedLanes(a, leftStride, context.Valid);
        }

        matrix.MultiplyTransposed(
            m, n, columns * lanes, a, (nint)leftStride * lanes, context.Address(right), (nint)rightStride * lanes, context.Address(target), n, context.Scratch, !(begins && context.IsGroupStart));
    }

    // Lanes without a sample of their own must add nothing.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ClearUnusedLanes(byte* a, int stride, int valid)
    {
        for (var i = 0; i < m; i++)
        {
            for (var c = 0; c < columns; c++)
            {
                var row = a + ((((long)i * stride) + c) * lanes * elementSize);
                new Span<byte>(row + (valid * elementSize), (lanes - valid) * elementSize).Clear();
            }
        }
    }
}

/// <summary>Adds each row's sum over the valid lanes to an accumulator.</summary>
internal sealed unsafe class RowSumKernel<T>(Location source, Location target, int rows, int lanes, bool begins) : TileKernel
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var from = (T*)context.Address(source);
        var to = (T*)context.Address(target);
        var overwrites = begins && context.IsGroupStart;
        var whole = context.Valid - (context.Valid % Vector<T>.Count);
        for (var e = 0; e < rows; e++, from += lanes)
        {
            var sum = Vector<T>.Zero;
            for (var i = 0; i < whole; i += Vector<T>.Count)
            {
                sum += Vector.Load(from + i);
            }

            var total = Vector.Sum(sum);
            for (var i = whole; i < context.Valid; i++)
            {
                total += from[i];
            }

            to[e] = overwrites ? total : to[e] + total;
        }
    }
}

/// <summary>The product of two per-sample matrices, lane by lane.</summary>
internal sealed unsafe class LaneProductKernel(FusedLoop code, Location left, Location right, Location target, int m, int k, int n, int lanes, int elementSize) : TileKernel
{
    public override int TableBytes => 7 * sizeof(nint);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var table = (nint*)(context.Tables + TableOffset);
        table[0] = lanes * elementSize;
        table[1] = m;
        table[2] = n;
        table[3] = k;
        table[4] = (nint)context.Address(left);
        table[5] = (nint)context.Address(right);
        table[6] = (nint)context.Address(target);
        code(table);
    }

    /// <summary>Emits the loops over lanes, rows, columns and the inner index.</summary>
    public static FusedLoop Compile(ElementType type, SimdWidth width)
    {
        var method = new DynamicMethod("product", typeof(void), [typeof(nint*)], typeof(LaneProductKernel).Module, skipVisibility: true);
        var il = method.GetILGenerator();
        var lanes = new LaneEmitter(il, type, width);
        var entries = Enumerable.Range(0, 7).Select(il.EmitTableEntry).ToArray();
        var (row, m, n, k) = (entries[0], entries[1], entries[2], entries[3]);
        LocalBuilder t = il.DeclareLocal(typeof(nint)), i = il.DeclareLocal(typeof(nint)), j = il.DeclareLocal(typeof(nint)), p = il.DeclareLocal(typeof(nint));

        // Address of row (a * count + b) of a matrix, at this vector of lanes.
        void Address(LocalBuilder matrix, LocalBuilder a, LocalBuilder count, LocalBuilder b)
        {
            il.Emit(OpCodes.Ldloc, matrix);
            il.Emit(OpCodes.Ldloc, a);
            il.Emit(OpCodes.Ldloc, count);
            il.Emit(OpCodes.Mul);
            il.Emit(OpCodes.Ldloc, b);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Ldloc, row);
            il.Emit(OpCodes.Mul);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Ldloc, t);
            il.Emit(OpCodes.Add);
        }

        il.EmitLoop(t, row, lanes.Lanes * lanes.ElementSize, () => il.EmitLoop(i, m, 1, () => il.EmitLoop(j, n, 1, () =>
        {
            var sum = lanes.NewAccumulator(0);
            il.EmitLoop(p, k, 1, () =>
            {
                var a = lanes.LoadFrom(() => Address(entries[4], i, k, p));
                var b = lanes.LoadFrom(() => Address(entries[5], p, n, j));
                lanes.Assign(sum, lanes.MultiplyAdd(a, b, sum));
            });
            lanes.StoreTo(() => Address(entries[6], i, n, j), sum);
        })));
        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<FusedLoop>();
    }
}

/// <summary>Kernels run one after the other.</summary>
internal sealed class SequenceKernel(List<TileKernel> members) : TileKernel
{
    public override int TableBytes => members.Sum(m => m.TableBytes);

    public override void Run(TileContext context)
    {
        var offset = TableOffset;
        foreach (var member in members)
        {
            member.TableOffset = offset;
            offset += member.TableBytes;
            member.Run(context);
        }
    }
}
