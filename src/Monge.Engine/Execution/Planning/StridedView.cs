using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>
/// An expression seen as elements of a stored value: element index = offset + sum of index times stride over the axes of the expression's shape.
/// </summary>
internal sealed record StridedView(Expr Base, int Offset, Shape Shape, int[] Strides)
{
    public static StridedView Dense(Expr value) => new(value, 0, value.Shape, value.Shape.Strides());

    /// <summary>
    /// The strides when axes [0, split) and [split, rank) are each walked as one axis, or null where that can't be done with one stride.
    /// </summary>
    public (int Outer, int Inner)? Collapse(int split) =>
        CollapseRange(0, split) is { } outer && CollapseRange(split, Shape.Rank) is { } inner ? (outer, inner) : null;

    private int? CollapseRange(int first, int end)
    {
        int? stride = null;
        var expected = 0;
        for (var axis = end - 1; axis >= first; axis--)
        {
            if (Shape[axis] == 1)
            {
                continue;
            }

            if (stride is null)
            {
                stride = Strides[axis];
            }
            else if (Strides[axis] != expected)
            {
                return null;
            }

            expected = Strides[axis] * Shape[axis];
        }

        return stride ?? 0;
    }

    /// <summary>Whether the elements lie one after the other in row-major order.</summary>
    public bool IsDense
    {
        get
        {
            var step = 1;
            for (var axis = Shape.Rank - 1; axis >= 0; axis--)
            {
                if (Shape[axis] != 1 && Strides[axis] != step)
                {
                    return false;
                }

                step *= Shape[axis];
            }

            return true;
        }
    }

    /// <summary>The element of the base behind each element of the expression.</summary>
    public int[] Map()
    {
        var map = new int[Shape.Size];
        var index = new int[Shape.Rank];
        for (var i = 0; i < map.Length; i++)
        {
            var from = Offset;
            for (var axis = 0; axis < index.Length; axis++)
            {
                from += index[axis] * Strides[axis];
            }

            map[i] = from;
            BroadcastOperation.Increment(index, Shape);
        }

        return map;
    }

    /// <summary>The view of a reshaped expression, or null where the elements don't lie on strides of the new shape.</summary>
    public StridedView? Reshape(Shape target)
    {
        var strides = new int[target.Rank];
        var oldAxis = Shape.Rank - 1;
        var newAxis = target.Rank - 1;
        while (newAxis >= 0)
        {
            if (target[newAxis] == 1)
            {
                newAxis--;
                continue;
            }

            while (oldAxis >= 0 && Shape[oldAxis] == 1)
            {
                oldAxis--;
            }

            // A run of new axes against a run of old axes with one product of sizes; the old run must be walkable with one stride.
            var (newStart, oldStart) = (newAxis, oldAxis);
            var (newSize, oldSize) = (target[newAxis], Shape[oldAxis]);
            while (newSize != oldSize)
            {
                if (newSize < oldSize)
                {
                    newSize *= target[--newStart];
                }
                else
                {
                    oldSize *= Shape[--oldStart];
                }
            }

            if (CollapseRange(oldStart, oldAxis + 1) is not { } stride)
            {
                return null;
            }

            for (var axis = newAxis; axis >= newStart; axis--)
            {
                strides[axis] = stride;
                stride *= target[axis];
            }

            newAxis = newStart - 1;
            oldAxis = oldStart - 1;
        }

        return new StridedView(Base, Offset, target, strides);
    }
}

/// <summary>Finds the stored value behind a chain of views; where a view can't be walked with strides, the view itself is stored by a copy.</summary>
internal sealed class ViewResolver
{
    // What was once resolved stays so, even if a value on the way becomes a stored copy later; a plan made before such a copy is made again.
    private readonly Dictionary<Expr, StridedView> _known = [];
    private readonly Dictionary<Expr, StridedView?> _through = [];
    private readonly Dictionary<Expr, LoopPlan> _loops = [];

    /// <summary>
    /// Number of views that were made stored values after they had been resolved as views. A plan during which it grows has readers
    /// that saw the views, and must be made again.
    /// </summary>
    public int Changes { get; private set; }

    /// <summary>Makes a view a stored value of its own.</summary>
    public void ForceCopy(Expr value)
    {
        _ = Through(value);
        Changes += _known.TryGetValue(value, out var seen) && seen.Base == value ? 0 : 1;
        _known[value] = StridedView.Dense(value);
    }

    /// <summary>The plan of a scan's step.</summary>
    public LoopPlan LoopOf(Expr scan) => _loops.TryGetValue(scan, out var known) ? known : _loops[scan] = new LoopPlan(scan);

    /// <summary>The memory behind a stored value that its computation needs, in bytes with some for the value's last cache line.</summary>
    public long WorkspaceBytes(Expr value, int rowBytes) =>
        value.Operation is ScanOperation ? LoopPlan.CacheLine + LoopOf(value).LayOut(rowBytes).Bytes : 0;

    public StridedView Resolve(Expr value)
    {
        if (_known.TryGetValue(value, out var view))
        {
            return view;
        }

        return _known[value] = Through(value) ?? StridedView.Dense(value);
    }

    /// <summary>The view of the argument of a view, whatever is stored: what a copy reads from.</summary>
    public StridedView? Through(Expr value)
    {
        if (!_through.TryGetValue(value, out var view))
        {
            _through[value] = view = value.Operation is ViewOperation ? Look(value) : null;
        }

        return view;
    }

    private StridedView? Look(Expr value)
    {

        var input = Resolve(value.Inputs[0]);
        switch (value.Operation)
        {
            case BroadcastOperation:
                var lead = value.Shape.Rank - input.Shape.Rank;
                var stretched = new int[value.Shape.Rank];
                for (var axis = 0; axis < input.Shape.Rank; axis++)
                {
                    stretched[lead + axis] = input.Shape[axis] == 1 ? 0 : input.Strides[axis];
                }

                return input with { Shape = value.Shape, Strides = stretched };
            case TransposeOperation t:
                return input with { Shape = value.Shape, Strides = [.. t.Permutation.Select(axis => input.Strides[axis])] };
            case ReshapeOperation:
                return input.Reshape(value.Shape);
            case GatherOperation g when Progression(g.Indices) is { } step:
                var strides = input.Strides.ToArray();
                var offset = input.Offset + (g.Indices[0] * strides[g.Axis]);
                strides[g.Axis] *= step;
                return new StridedView(input.Base, offset, value.Shape, strides);
            default:
                return null;
        }
    }

    private static int? Progression(int[] indices)
    {
        if (indices[0] < 0)
        {
            return null;
        }

        var step = indices.Length > 1 ? indices[1] - indices[0] : 1;
        for (var i = 1; i < indices.Length; i++)
        {
            if (indices[i] < 0 || indices[i] - indices[i - 1] != step)
            {
                return null;
            }
        }

        return step;
    }
}
