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

/// <summary>Adds rows to rows: the adjoint of a gather with repeats. The target is cleared first.</summary>
internal sealed unsafe class ScatterAddKernel<T>(Location source, Location target, int[] to, int targetRows, int lanes) : TileKernel
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var from = (T*)context.Address(source);
        var into = (T*)context.Address(target);
        new Span<T>(into, targetRows * lanes).Clear();
        for (var e = 0; e < to.Length; e++)
        {
            if (to[e] < 0)
            {
                continue;
            }

            var row = into + ((long)to[e] * lanes);
            for (var i = 0; i < lanes; i++)
            {
                row[i] += from[((long)e * lanes) + i];
            }
        }
    }
}

/// <summary>Running sums of rows along an axis.</summary>
internal sealed unsafe class CumulativeSumKernel<T>(Location source, Location target, int outer, int count, int inner, bool fromEnd, int lanes) : TileKernel
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var from = (T*)context.Address(source);
        var to = (T*)context.Address(target);
        var block = inner * lanes;
        for (var o = 0; o < outer; o++)
        {
            for (var k = 0; k < count; k++)
            {
                var at = (long)((o * count) + (fromEnd ? count - 1 - k : k)) * block;
                var before = fromEnd ? at + block : at - block;
                for (var i = 0; i < block; i++)
                {
                    to[at + i] = k == 0 ? from[at + i] : to[before + i] + from[at + i];
                }
            }
        }
    }
}

/// <summary>Calls a user's operation sample by sample.</summary>
internal sealed unsafe class UserKernel<T>(
    Programs.UserOperation operation, (Location Location, bool HasLanes)[] inputs, Arrays.Shape[] shapes, Location target, int size, int lanes) : TileKernel
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ThreadLocal<(double[][] Inputs, double[] Output)> _buffers =
        new(() => ([.. shapes.Select(s => new double[s.Size])], new double[size]));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var (arguments, output) = _buffers.Value;
        var to = (T*)context.Address(target);
        for (var lane = 0; lane < lanes; lane++)
        {
            for (var a = 0; a < arguments.Length; a++)
            {
                var from = (T*)context.Address(inputs[a].Location);
                for (var e = 0; e < arguments[a].Length; e++)
                {
                    arguments[a][e] = double.CreateTruncating(inputs[a].HasLanes ? from[((long)e * lanes) + lane] : from[e]);
                }
            }

            operation.Evaluate(arguments, shapes, output);
            for (var e = 0; e < size; e++)
            {
                to[((long)e * lanes) + lane] = T.CreateTruncating(output[e]);
            }
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
