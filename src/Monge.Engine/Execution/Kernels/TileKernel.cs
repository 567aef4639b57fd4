using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>The memory a stored value lies in.</summary>
internal enum Space
{
    /// <summary>A thread's tile memory; values have lanes.</summary>
    Arena,

    /// <summary>Uniform values of a call.</summary>
    Uniform,

    /// <summary>Uniform values of one step.</summary>
    PerStep,

    /// <summary>The parameter vector.</summary>
    Parameters,

    /// <summary>What a group of tiles adds up; after the tiles, the totals.</summary>
    Accumulators,
}

/// <summary>Where a stored value lies: a memory and a byte offset in it.</summary>
internal readonly record struct Location(Space Space, long Offset);

/// <summary>What a kernel sees of the tile that it works on. One for each thread.</summary>
internal sealed unsafe class TileContext
{
    /// <summary>Base addresses, one for each <see cref="Space"/>.</summary>
    public readonly nint[] Bases = new nint[5];

    public byte* Tables;
    public long TableBytes;
    public long ArenaBytes;
    public byte* Scratch;

    /// <summary>Lanes that carry a sample; the others repeat the last one.</summary>
    public int Valid;

    /// <summary>Number of the tile's first sample in the call's arrays.</summary>
    public long First;

    /// <summary>Whether this is the first step of the first tile of a group: accumulators hold nothing yet.</summary>
    public bool IsGroupStart;

    public DrawKey Draw;
    public ulong Step;

    public byte* Address(Location location) => (byte*)(Bases[(int)location.Space] + (nint)location.Offset);
}

/// <summary>One step of a stage, ready to run.</summary>
internal abstract class TileKernel
{
    public abstract void Run(TileContext context);

    /// <summary>Does what several runs in one place need only once; <see cref="Execute"/> then runs.</summary>
    public virtual void Prepare(TileContext context)
    {
    }

    /// <summary>Runs after <see cref="Prepare"/>.</summary>
    public virtual void Execute(TileContext context) => Run(context);

    /// <summary>Bytes of table that each thread keeps for this kernel, and where they begin.</summary>
    public virtual int TableBytes => 0;

    public virtual int TableOffset { get; set; }

    /// <summary>Bytes of the thread's scratch memory that a run needs.</summary>
    public virtual int ScratchBytes => 0;
}

/// <summary>Runs a fused loop nest.</summary>
internal sealed unsafe class FusedKernel : TileKernel
{
    private readonly FusedLoop _code;
    private readonly nint[] _fixedEntries;
    private readonly (int Entry, Location Location)[] _pointers;

    public FusedKernel(FusedLoop code, IReadOnlyList<TableEntry> table, int outer, int lanes, int elementSize, Func<Expr, Location> locate)
    {
        _code = code;
        _fixedEntries = new nint[table.Count];
        var pointers = new List<(int, Location)>();
        for (var i = 0; i < table.Count; i++)
        {
            var entry = table[i];
            var unit = elementSize * (entry.HasLanes ? lanes : 1);
            switch (entry.Kind)
            {
                case TableEntryKind.LaneBytes:
                    _fixedEntries[i] = lanes * elementSize;
                    break;
                case TableEntryKind.Outer:
                    _fixedEntries[i] = outer;
                    break;
                case TableEntryKind.Inner:
                    _fixedEntries[i] = entry.Number;
                    break;
                case TableEntryKind.Stride:
                    _fixedEntries[i] = (nint)entry.Number * unit;
                    break;
                default:
                    var location = locate(entry.Base!);
                    pointers.Add((i, location with { Offset = location.Offset + ((long)entry.Number * unit) }));
                    break;
            }
        }

        _pointers = [.. pointers];
    }

    public override int TableBytes => _fixedEntries.Length * sizeof(nint);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        Prepare(context);
        Execute(context);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Execute(TileContext context) => _code((nint*)(context.Tables + TableOffset));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Prepare(TileContext context)
    {
        var table = (nint*)(context.Tables + TableOffset);
        for (var i = 0; i < _fixedEntries.Length; i++)
        {
            table[i] = _fixedEntries[i];
        }

        foreach (var (entry, location) in _pointers)
        {
            table[entry] = (nint)context.Address(location);
        }
    }
}

/// <summary>
/// Writes rows one by one: each is a row of some source, one uniform number in all lanes, or zero. Gathers, concatenations and dense copies of views.
/// </summary>
internal sealed unsafe class CopyKernel(
    Location target, (Location Source, bool HasLanes)[] sources, int[] part, int[] element, int lanes, int elementSize) : TileKernel
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var to = context.Address(target);
        var row = lanes * elementSize;
        if (sources is [(var only, true)] && row % Vector256<byte>.Count == 0)
        {
            CopyRows(context.Address(only), to, row);
            return;
        }

        for (var e = 0; e < part.Length; e++, to += row)
        {
            if (element[e] < 0)
            {
                NativeMemory.Clear(to, (nuint)row);
                continue;
            }

            var (source, hasLanes) = sources[part[e]];
            var from = context.Address(source) + ((long)element[e] * (hasLanes ? row : elementSize));
            if (hasLanes)
            {
                Buffer.MemoryCopy(from, to, row, row);
            }
            else if (elementSize == sizeof(float))
            {
                new Span<float>(to, lanes).Fill(*(float*)from);
            }
            else
            {
                new Span<double>(to, lanes).Fill(*(double*)from);
            }
        }
    }

    // Rows of one source are short, and a call of the library's copy costs as much as the copy.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyRows(byte* source, byte* to, int row)
    {
        foreach (var number in element)
        {
            var from = source + ((long)number * row);
            for (var at = 0; at < row; at += Vector256<byte>.Count)
            {
                Vector256.Store(number < 0 ? Vector256<byte>.Zero : Vector256.Load(from + at), to + at);
            }

            to += row;
        }
    }
}

/// <summary>
/// Gathers, concatenations and dense copies of uniform values, number by number: in runs whose numbers lie at equal distances, or are all zero.
/// </summary>
internal sealed unsafe class UniformCopyKernel : TileKernel
{
    private readonly Location _target;
    private readonly Location[] _sources;
    private readonly (int Source, int First, int Stride, int Count)[] _runs;
    private readonly int _elementSize;

    /// <summary>Finds the runs.</summary>
    /// <param name="target">Where the copy goes.</param>
    /// <param name="sources">The arguments.</param>
    /// <param name="part">The argument behind each number.</param>
    /// <param name="element">Its place in the argument; -1 is zero.</param>
    /// <param name="elementSize">Bytes of a number.</param>
    public UniformCopyKernel(Location target, Location[] sources, int[] part, int[] element, int elementSize)
    {
        (_target, _sources, _elementSize) = (target, sources, elementSize);
        var runs = new List<(int, int, int, int)>();
        for (var e = 0; e < part.Length;)
        {
            var (first, source) = (element[e], part[e]);
            var stride = first >= 0 && e + 1 < part.Length && part[e + 1] == source && element[e + 1] >= 0 ? element[e + 1] - first : 0;
            var count = 1;
            while (e + count < part.Length && part[e + count] == source && element[e + count] == first + (count * stride))
            {
                count++;
            }

            runs.Add((source, first, stride, count));
            e += count;
        }

        _runs = [.. runs];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        if (_elementSize == sizeof(float))
        {
            Copy((float*)context.Address(_target), context);
        }
        else
        {
            Copy((double*)context.Address(_target), context);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Copy<T>(T* to, TileContext context)
        where T : unmanaged
    {
        foreach (var (source, first, stride, count) in _runs)
        {
            T* from = (T*)context.Address(_sources[source]) + first;
            if (first < 0)
            {
                new Span<T>(to, count).Clear();
            }
            else if (stride == 1)
            {
                new ReadOnlySpan<T>(from, count).CopyTo(new Span<T>(to, count));
            }
            else
            {
                for (var i = 0; i < count; i++, from += stride)
                {
                    to[i] = *from;
                }
            }

            to += count;
        }
    }
}

/// <summary>The transpose of a uniform matrix, by registers: shared weights as the reverse sweep reads them.</summary>
internal sealed unsafe class TransposeKernel(Location target, Location source, int rows, int columns, int sourceStride, MatrixKernels matrix) : TileKernel
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context) =>
        matrix.Transpose(rows, columns, context.Address(source), sourceStride, context.Address(target), rows);
}

/// <summary>Brings samples [n, elements] into rows of lanes; lanes beyond the last sample repeat it.</summary>
internal sealed unsafe class LoadKernel(Location target, int elements, int lanes, int elementSize, MatrixKernels matrix)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(TileContext context, byte* host)
    {
        var to = context.Address(target);
        var from = host + (context.First * elements * elementSize);
        matrix.Transpose(context.Valid, elements, from, elements, to, lanes);
        for (var e = 0; e < elements && context.Valid < lanes; e++)
        {
            var row = to + ((long)e * lanes * elementSize);
            if (elementSize == sizeof(float))
            {
                new Span<float>((float*)row + context.Valid, lanes - context.Valid).Fill(((float*)row)[context.Valid - 1]);
            }
            else
            {
                new Span<double>((double*)row + context.Valid, lanes - context.Valid).Fill(((double*)row)[context.Valid - 1]);
            }
        }
    }
}

/// <summary>Takes rows of lanes back to samples [n, elements].</summary>
internal sealed unsafe class StoreKernel(Location source, int elements, int lanes, int elementSize, MatrixKernels matrix)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(TileContext context, byte* host) =>
        matrix.Transpose(elements, context.Valid, context.Address(source), lanes, host + (context.First * elements * elementSize), elements);
}

/// <summary>Copies a per-sample output over the input that it becomes in the next step.</summary>
internal sealed unsafe class FeedbackKernel(Location source, Location target, long bytes)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(TileContext context) => Buffer.MemoryCopy(context.Address(source), context.Address(target), bytes, bytes);
}

/// <summary>Random numbers for the lanes of a tile.</summary>
internal sealed unsafe class RandomKernel(Location target, RandomLaw law, int stream, int elements, int lanes, ElementType type) : TileKernel
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var sample = context.Draw.FirstSample + context.First;
        if (type == ElementType.Float32)
        {
            context.Draw.Fill(law, stream, (float*)context.Address(target), elements, lanes, sample, lanes, context.Step);
        }
        else
        {
            context.Draw.Fill(law, stream, (double*)context.Address(target), elements, lanes, sample, lanes, context.Step);
        }
    }
}
