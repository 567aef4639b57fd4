using System.Numerics;
using Monge.Engine.Arrays;

namespace Monge.Dynamics;

/// <summary>States of a walk at chosen steps.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class WalkRecord<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly int[] _steps;
    private readonly (string Name, NdArray<T> Values)[] _values;

    /// <summary>Makes room for a record.</summary>
    /// <param name="walk">The walk.</param>
    /// <param name="particles">The number n of its particles.</param>
    /// <param name="steps">The numbers of steps after which the states are recorded, rising; 0 is the start.</param>
    /// <param name="states">The names of the states; none for the positions.</param>
    /// <exception cref="ArgumentException">The steps don't rise from 0 on, or the walk has no such state.</exception>
    public WalkRecord(ParticleWalk<T> walk, int particles, ReadOnlySpan<int> steps, params IReadOnlyList<string> states)
    {
        for (var r = 0; r < steps.Length; r++)
        {
            if (steps[r] < 0 || (r > 0 && steps[r] <= steps[r - 1]))
            {
                throw new ArgumentException($"The steps of a record must rise from 0 on, but {steps[r]} stands at place {r}.", nameof(steps));
            }
        }

        (Particles, _steps) = (particles, steps.ToArray());
        var names = states.Count == 0 ? [walk.States[0].Name] : states;
        States = [.. names];
        _values = [.. names.Select(name => (name, new NdArray<T>([_steps.Length, particles, .. walk[name].Sizes.Skip(1)])))];
    }

    /// <summary>The number n of particles.</summary>
    public int Particles { get; }

    /// <summary>The numbers of steps after which states are recorded [R].</summary>
    public ReadOnlySpan<int> Steps => _steps;

    /// <summary>The names of the states.</summary>
    public IReadOnlyList<string> States { get; }

    /// <summary>The values of a state [R, n, ...].</summary>
    /// <exception cref="ArgumentException">The state is not recorded.</exception>
    public NdArray<T> this[string state]
    {
        get
        {
            foreach (var (name, values) in _values)
            {
                if (name == state)
                {
                    return values;
                }
            }

            throw new ArgumentException($"'{state}' is not recorded; name it when the record is made.", nameof(state));
        }
    }

    /// <summary>Copies the walk's states to the place of a record.</summary>
    internal void Store(ParticleWalk<T> walk, int place)
    {
        foreach (var (name, values) in _values)
        {
            var row = values.Row(place);
            walk[name].Span[..row.Length].CopyTo(row);
        }
    }
}
