using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;

namespace Monge.Dynamics;

/// <summary>The per-step inputs of a program, in arrays that are bound once and refilled from a grid for each call.</summary>
internal sealed class StepSeries<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T> _program;
    private readonly string[] _names;
    private readonly NdArray<T>[] _values;

    public StepSeries(CompiledProgram<T> program)
    {
        _program = program;
        _names = [.. program.Program.Inputs.Where(i => i.IsPerStep).Select(i => i.Operation.Name)];
        _values = [.. _names.Select(_ => new NdArray<T>(0))];
    }

    /// <summary>Loads steps <paramref name="first"/> on, counted from the grid's end if the walk goes backward.</summary>
    public void Load(TimeGrid grid, int first, int count, bool backward)
    {
        for (var s = 0; s < _names.Length; s++)
        {
            var all = grid[_names[s]];
            var size = all.Length / grid.Count;
            if (_values[s].Length < count * size)
            {
                _program[_names[s]] = _values[s] = size == 1 ? new NdArray<T>(grid.Count) : new NdArray<T>(grid.Count, size);
            }

            for (var k = 0; k < count; k++)
            {
                var step = backward ? grid.Count - 1 - first - k : first + k;
                for (var e = 0; e < size; e++)
                {
                    _values[s][(k * size) + e] = T.CreateChecked(all[(step * size) + e]);
                }
            }
        }
    }
}
