namespace Monge.Engine.Programs;

/// <summary>
/// The cotangent of one value while a reverse sweep adds it up. Slices of the value give cotangents that are zero outside of the slice; many of them that don't
/// overlap are put side by side first, so that a formula which reads an array element by element has a gradient of the array's length, not of its square.
/// </summary>
internal sealed class CotangentSum
{
    // Fewer are padded with zeros and added: that way they stay in the loops of their neighbours. The parts of a scan's result are never added, so that each
    // can be seen alone.
    private const int ManySlices = 16;

    private readonly List<(GatherOperation Slice, Expr Cotangent)> _slices = [];
    private readonly HashSet<int> _covered = [];
    private Expr? _sum;

    /// <summary>Adds what the reverse rule of a reader of the value gives.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="cotangent">The reader's own cotangent.</param>
    /// <param name="index">Which argument of the reader the value is.</param>
    public void Add(Expr reader, Expr cotangent, int index)
    {
        if (reader.Operation is GatherOperation { IsSlice: true } slice && !cotangent.IsZero)
        {
            if ((_slices.Count > 0 && _slices[0].Slice.Axis != slice.Axis) || slice.Indices.Any(_covered.Contains))
            {
                Flush(reader.Inputs[index]);
            }

            _slices.Add((slice, cotangent));
            _covered.UnionWith(slice.Indices);
            return;
        }

        Flush(reader.Inputs[index]);
        Add(reader.Operation.Cotangent(reader, cotangent, index));
    }

    /// <summary>Adds a part of the cotangent of the value.</summary>
    public void Add(Expr value, Expr part)
    {
        Flush(value);
        Add(part);
    }

    /// <summary>The sum for the value; null if it is zero.</summary>
    public Expr? Total(Expr value)
    {
        Flush(value);
        return _sum;
    }

    private void Add(Expr? part)
    {
        if (part is { IsZero: false })
        {
            _sum = _sum is null ? part : _sum + part;
        }
    }

    private void Flush(Expr value)
    {
        if (_slices.Count < ManySlices && value.Operation is not ScanOperation)
        {
            _slices.ForEach(s => Add(s.Cotangent.Gather(s.Slice.Axis, Back(value, [s.Slice]))));
        }
        else if (_slices.Count > 0)
        {
            _slices.Sort((a, b) => a.Slice.Indices[0].CompareTo(b.Slice.Indices[0]));
            var axis = _slices[0].Slice.Axis;
            Add(Expr.Concat(axis, [.. _slices.Select(s => s.Cotangent)]).Gather(axis, Back(value, _slices.Select(s => s.Slice))));
        }

        _slices.Clear();
        _covered.Clear();
    }

    // For each element of the value its number among the slices' elements, or -1.
    private static int[] Back(Expr value, IEnumerable<GatherOperation> slices)
    {
        var back = new int[value.Shape[slices.First().Axis]];
        Array.Fill(back, -1);
        var at = 0;
        foreach (var index in slices.SelectMany(s => s.Indices))
        {
            back[index] = at++;
        }

        return back;
    }
}
