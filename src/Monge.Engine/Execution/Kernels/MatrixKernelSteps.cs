using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Engine.Lanes;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Execution;

/// <summary>A uniform matrix times per-sample columns, or its addition to what is there: one GEMM whose long side is columns times lanes.</summary>
internal sealed unsafe class SharedLeftProductKernel(
    Location left, int rowStride, int columnStride, Location right, int rightStride, Location target, int m, int k, int n, int lanes,
    MatrixKernels matrix, bool accumulates)
    : TileKernel
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context) => matrix.Multiply(
        m, n * lanes, k, context.Address(left), rowStride, columnStride, context.Address(right), (nint)rightStride * lanes, context.Address(target),
        (nint)n * lanes, accumulates);
}

/// <summary>Per-sample rows times a uniform matrix: for each row, the matrix's transpose times a column with lanes.</summary>
internal sealed unsafe class SharedRightProductKernel(
    Location left, int leftRow, int leftColumn, Location right, int rightRow, int rightColumn, Location target, int m, int k, int n, int lanes,
    int elementSize, MatrixKernels matrix) : TileKernel
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var row = (long)lanes * elementSize;
        for (var i = 0; i < m; i++)
        {
            matrix.Multiply(
                n, lanes, k, context.Address(right), rightColumn, rightRow, context.Address(left) + (i * leftRow * row), (nint)leftColumn * lanes,
                context.Address(target) + (i * n * row), lanes, false);
        }
    }
}

/// <summary>
/// A weight's gradient: adds left [m, K] x right [n, K]^T, contracted over K and the lanes, to an accumulator [m, n]. The kernel that begins an accumulator
/// overwrites it in the first tile of a group, so that it need not be cleared.
/// </summary>
internal sealed unsafe class OuterAccumulateKernel(
    Location left, int leftStride, Location right, int rightStride, Location target, int m, int n, int columns, int lanes, int elementSize,
    bool begins, MatrixKernels matrix)
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
            m, n, columns * lanes, a, (nint)leftStride * lanes, context.Address(right), (nint)rightStride * lanes, context.Address(target), n, context.Scratch,
            !(begins && context.IsGroupStart));
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
            var done = 0;
            for (; done + (4 * Vector<T>.Count) <= whole; done += 4 * Vector<T>.Count)
            {
                sum += Vector.Load(from + done);
                sum += Vector.Load(from + done + Vector<T>.Count);
                sum += Vector.Load(from + done + (2 * Vector<T>.Count));
                sum += Vector.Load(from + done + (3 * Vector<T>.Count));
            }

            for (; done < whole; done += Vector<T>.Count)
            {
                sum += Vector.Load(from + done);
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

/// <summary>A per-sample matrix in a tile, and how many of its entries it is from row to row and from column to column.</summary>
internal readonly record struct TileMatrix(Location Location, int Row, int Column);

/// <summary>The product of two per-sample matrices, lane by lane.</summary>
internal sealed unsafe class LaneProductKernel<L, V, T>(TileMatrix left, TileMatrix right, Location target, int m, int k, int n, int lanes) : TileKernel
    where L : ILaneNumbers<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        T* a = (T*)context.Address(left.Location), b = (T*)context.Address(right.Location), c = (T*)context.Address(target);
        nint step = lanes / L.Count;
        for (var lane = 0; lane < lanes; lane += L.Count)
        {
            LaneMatrices<L, V, T>.Multiply(
                new LaneMatrix<V>((V*)(a + lane), left.Row * step, left.Column * step),
                new LaneMatrix<V>((V*)(b + lane), right.Row * step, right.Column * step),
                new LaneMatrix<V>((V*)(c + lane), n * step, step), m, k, n);
        }
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
