using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Fills the rows that a mini-batched posterior reads in a step, in passes over the table that each have a random order of their own. What a step gets depends
/// on the seed and the step only.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="posterior">The posterior, batched.</param>
/// <param name="seed">The seed.</param>
internal sealed class RowBatches<T>(RowPosterior posterior, ulong seed)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly NdArray<T> _rows = new(posterior.BatchRows!.Value, posterior.Columns);
    private (long Pass, int[] Order) _order = (-1, []);

    /// <summary>The rows [S, columns] of the step that was filled last.</summary>
    public NdArray<T> Rows => _rows;

    /// <summary>Binds the rows to a program that reads them.</summary>
    public void Bind(CompiledProgram<T> program) => program.BindIfUsed(RowPosterior.RowsName, _rows);

    /// <summary>Fills the rows of a step. The last rows of a pass that are no whole batch are left out of it.</summary>
    public void Fill(long iteration)
    {
        var (size, columns) = (_rows.Rows, posterior.Columns);
        var (pass, place) = Math.DivRem(iteration, posterior.Count / size);
        if (_order.Pass != pass)
        {
            var state = new RandomState(new RandomKey(seed, MeasureStreams.RowBatches).PhiloxKey, (ulong)pass << 32);
            _order = (pass, new RandomStream(state).Permutation(posterior.Count));
        }

        for (var s = 0; s < size; s++)
        {
            var from = posterior.Rows.AsSpan(_order.Order[((int)place * size) + s] * columns, columns);
            var to = _rows.Row(s);
            for (var j = 0; j < columns; j++)
            {
                to[j] = T.CreateChecked(from[j]);
            }
        }
    }
}
