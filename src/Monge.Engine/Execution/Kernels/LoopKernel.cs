using System.Runtime.CompilerServices;

namespace Monge.Engine.Execution;

/// <summary>
/// Rows that a loop moves at each step: from a place that advances from step to step, or to one. A row is that of an element with its lanes; a source without
/// lanes fills them.
/// </summary>
/// <param name="Source">Where the rows come from.</param>
/// <param name="Target">Where they go, one after the other.</param>
/// <param name="SourceElements">Elements by which the source advances, through the numbers of its rows.</param>
/// <param name="TargetElements">Elements by which the target advances.</param>
/// <param name="Elements">Rows moved at a step.</param>
internal sealed record LoopCopy(ViewedRows Source, Location Target, int SourceElements, int TargetElements, int Elements);

/// <summary>A scan: its step's kernels over and over, what is carried handed on in place.</summary>
internal sealed unsafe class LoopKernel : TileKernel
{
    private readonly List<TileKernel> _members;
    private readonly LoopCopy[] _before;
    private readonly LoopCopy[] _reads;
    private readonly LoopCopy[] _writes;
    private readonly LoopCopy[] _after;
    private readonly int _steps;
    private readonly bool _isReverse;
    private readonly int _lanes;
    private readonly int _elementSize;

    /// <param name="members">The kernels of a step.</param>
    /// <param name="before">What is copied before the first step.</param>
    /// <param name="reads">What each step reads.</param>
    /// <param name="writes">What each step hands out and on.</param>
    /// <param name="after">What is copied after the last step.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="isReverse">Whether the last step's place comes first.</param>
    /// <param name="lanes">Lanes of the values.</param>
    /// <param name="elementSize">Bytes of a number.</param>
    public LoopKernel(
        List<TileKernel> members, LoopCopy[] before, LoopCopy[] reads, LoopCopy[] writes, LoopCopy[] after, int steps, bool isReverse, int lanes,
        int elementSize)
    {
        (_members, _before, _reads, _writes, _after) = (members, before, reads, writes, after);
        (_steps, _isReverse, _lanes, _elementSize) = (steps, isReverse, lanes, elementSize);
    }

    public override int TableBytes => _members.Sum(m => Padded(m.TableBytes));

    public override int ScratchBytes => _members.Select(m => m.ScratchBytes).DefaultIfEmpty(0).Max();

    public override int TableOffset
    {
        get => base.TableOffset;
        set
        {
            base.TableOffset = value;
            foreach (var member in _members)
            {
                member.TableOffset = value;
                value += Padded(member.TableBytes);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        Copy(context, _before, 0);
        foreach (var member in _members)
        {
            member.Prepare(context);
        }

        for (var k = 0; k < _steps; k++)
        {
            var step = _isReverse ? _steps - 1 - k : k;
            Copy(context, _reads, step);
            foreach (var member in _members)
            {
                member.Execute(context);
            }

            Copy(context, _writes, step);
        }

        Copy(context, _after, 0);
    }

    private static int Padded(int bytes) => (bytes + 63) / 64 * 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Copy(TileContext context, LoopCopy[] copies, int step)
    {
        nuint row = (nuint)(_lanes * _elementSize);
        foreach (var copy in copies)
        {
            var to = context.Address(copy.Target) + ((nint)step * copy.TargetElements * (nint)row);
            var from = context.Address(copy.Source.Location);
            var rows = copy.Source.Rows;
            var first = step * copy.SourceElements;
            if (copy.Source.HasLanes)
            {
                for (var e = first; e < first + copy.Elements; e++, to += row)
                {
                    Unsafe.CopyBlock(to, from + ((nint)rows[e] * (nint)row), (uint)row);
                }
            }
            else if (_elementSize == sizeof(float))
            {
                for (var e = first; e < first + copy.Elements; e++, to += row)
                {
                    new Span<float>(to, _lanes).Fill(((float*)from)[rows[e]]);
                }
            }
            else
            {
                for (var e = first; e < first + copy.Elements; e++, to += row)
                {
                    new Span<double>(to, _lanes).Fill(((double*)from)[rows[e]]);
                }
            }
        }
    }
}
