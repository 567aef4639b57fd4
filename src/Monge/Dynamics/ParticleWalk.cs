using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Dynamics;

/// <summary>
/// Particles with named states, a traced start and a traced step: what every stepper of this room is. The walk owns the states' arrays, takes the steps of any
/// grid, records what is asked, selects among its particles and counts evaluations of the target. A run in segments is the same to the bit as one call,
/// whatever the number of threads; after the first call on a grid's length nothing is allocated.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class ParticleWalk<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T>? _start;
    private readonly CompiledProgram<T> _step;
    private readonly StepSeries<T> _series;
    private readonly WalkState[] _states;
    private readonly Dictionary<string, NdArray<T>> _arrays = [];
    private NdArray<T> _ancestry = new(0);

    /// <summary>Compiles the programs.</summary>
    /// <param name="parameters">The parameters; null if there are none.</param>
    /// <param name="states">The states; the first are the positions.</param>
    /// <param name="capacity">The largest number of particles; <see cref="Reserve"/> changes it.</param>
    /// <param name="options">How to execute.</param>
    /// <param name="sums">Further outputs of a step that are sums over the batch (<c>BatchSum</c>); over the steps of one call they add up.</param>
    /// <exception cref="ArgumentException">A state's value before a step is not an input, or two have one name.</exception>
    public ParticleWalk(
        ParameterSet? parameters, IReadOnlyList<WalkState> states, int capacity = 0, ExecutionOptions? options = null, params (string Name, Expr Value)[] sums)
    {
        (Parameters, _states) = (parameters, [.. states.Select(s => ReferenceEquals(s.Now, s.Next) ? s with { Next = null } : s)]);
        if (_states.FirstOrDefault(s => s.Now.Inputs.Count > 0 || s.Now.IsUniform) is { } wrong)
        {
            throw new ArgumentException($"The state '{wrong.Name}' must be an input of each particle (Expr.Input) before a step.", nameof(states));
        }

        (string, Expr)[] starts = [.. _states.Where(s => s.Start is not null).Select(s => (s.Name, s.Start!))];
        _start = starts.Length == 0 ? null : new CompiledProgram<T>(new TracedProgram(parameters, starts), options);
        if (_states.FirstOrDefault(s => s.Start is not null && _start!.Program.Inputs.Contains(s.Now)) is { } circle)
        {
            throw new ArgumentException($"A start uses the state '{circle.Name}', which has a start of its own; use that expression instead.", nameof(states));
        }

        var step = new TracedProgram(parameters, [.. _states.Where(s => s.Next is not null).Select(s => (s.NextName, s.Next!)), .. sums]);
        var fedBack = _states.Where(s => s.Next is not null && step.Inputs.Contains(s.Now));
        _step = new CompiledProgram<T>(step, options, [.. fedBack.Select(s => (s.NextName, s.Name))]);
        _series = new StepSeries<T>(_step);
        Reserve(capacity);
    }

    /// <summary>The parameters; null if there are none.</summary>
    public ParameterSet? Parameters { get; }

    /// <summary>The states.</summary>
    public IReadOnlyList<WalkState> States => _states;

    /// <summary>How the steps of a grid are taken.</summary>
    public WalkDirection Direction { get; init; }

    /// <summary>Evaluations of the target that the start of a particle takes.</summary>
    public int CallsPerStart { get; init; }

    /// <summary>Evaluations of the target that a step of a particle takes.</summary>
    public int CallsPerStep { get; init; }

    /// <summary>Evaluations of the target so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>The largest number of particles.</summary>
    public int Capacity { get; private set; }

    /// <summary>The particles' positions [capacity, d]: the first state.</summary>
    public NdArray<T> Positions => this[_states[0].Name];

    /// <summary>How it is executed.</summary>
    public ExecutionOptions Options => _step.Options;

    /// <summary>The threads that calls run on, for work beside them.</summary>
    public ThreadTeam Team => _step.Team;

    /// <summary>The values of a state [capacity, ...]; valid for the particles of the last call.</summary>
    /// <exception cref="ArgumentException">The walk has no such state.</exception>
    public NdArray<T> this[string state] => _arrays.TryGetValue(state, out var values)
        ? values
        : throw new ArgumentException($"The walk has no state '{state}'; it has {string.Join(", ", States.Select(s => s.Name))}.", nameof(state));

    /// <summary>A sum over the batch in the steps of the last call.</summary>
    public NdArray<T> Sum(string name) => _step[name];

    /// <summary>Gives all states fresh arrays for a number of particles; those of before stay as they are.</summary>
    public void Reserve(int particles)
    {
        Capacity = particles;
        foreach (var state in _states)
        {
            // A tile reads its rows before it writes them, so a step may end where it began.
            var values = _arrays[state.Name] = NdArray<T>.ForSamples(particles, state.Now.Shape);
            _step.BindIfUsed(state.Name, values);
            _start?.BindIfUsed(state.Name, values);
            if (state.Next is not null)
            {
                _step[state.NextName] = values;
            }

            if (state.Start is { IsUniform: false })
            {
                _start![state.Name] = values;
            }
        }
    }

    /// <summary>Binds a further per-sample input of start or step, such as a condition [n, ...].</summary>
    public void Bind(string name, NdArray<T> values)
    {
        _start?.BindIfUsed(name, values);
        _step.BindIfUsed(name, values);
    }

    /// <summary>Sets an input that all particles and steps share, a scalar (<c>Expr.Shared</c>).</summary>
    public void Set(string name, double value)
    {
        foreach (var program in _start is null ? [_step] : new[] { _start, _step })
        {
            if (program.Uses(name))
            {
                program[name].Span[0] = T.CreateChecked(value);
            }
        }
    }

    /// <summary>Starts particles: draws what the states' starts draw and puts the other states to 0, but leaves given ones.</summary>
    /// <param name="parameters">The parameters [P]; null if there are none.</param>
    /// <param name="particles">Their number.</param>
    /// <param name="draw">The place in the random streams.</param>
    public void Start(NdArray<T>? parameters, int particles, DrawKey draw = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(particles, Capacity);
        foreach (var state in _states)
        {
            if (state.Start is null && !state.IsGiven)
            {
                this[state.Name].Span.Clear();
            }
        }

        TargetCalls += (long)particles * CallsPerStart;
        if (_start is null)
        {
            return;
        }

        _start.Parameters = parameters ?? _start.Parameters;
        _start.Run(particles, draw);
        foreach (var state in _states)
        {
            for (var i = 0; i < (state.Start is { IsUniform: true } ? particles : 0); i++)
            {
                _start[state.Name].Span.CopyTo(this[state.Name].Row(i));
            }
        }
    }

    /// <summary>Starts particles at given positions.</summary>
    /// <param name="parameters">The parameters [P]; null if there are none.</param>
    /// <param name="positions">The first state's values [n, ...], row-major.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <returns>n.</returns>
    /// <exception cref="ArgumentException">There are more particles than the capacity, or the positions don't fill whole particles.</exception>
    /// <exception cref="InvalidOperationException">The walk draws its positions itself.</exception>
    public int StartFrom(NdArray<T>? parameters, ReadOnlySpan<T> positions, DrawKey draw = default)
    {
        var size = _states[0].Now.Size;
        if (!_states[0].IsGiven)
        {
            throw new InvalidOperationException("The walk's positions are not given ones: it draws them at the start.");
        }

        if (positions.Length == 0 || positions.Length % size != 0 || positions.Length / size > Capacity)
        {
            throw new ArgumentException($"{positions.Length} values are not 1 to {Capacity} particles of dimension {size}.", nameof(positions));
        }

        positions.CopyTo(Positions.Span);
        Start(parameters, positions.Length / size, draw);
        return positions.Length / size;
    }

    /// <summary>Takes all steps of a grid.</summary>
    /// <param name="parameters">The parameters [P]; null if there are none.</param>
    /// <param name="particles">The particles' number.</param>
    /// <param name="grid">The steps; a part of the whole grid if the run is done in segments.</param>
    /// <param name="draw">The place in the random streams; its step must differ from segment to segment by the segment's length.</param>
    /// <param name="record">What to record, by the numbers of this grid's steps; null for nothing.</param>
    public void Advance(NdArray<T>? parameters, int particles, TimeGrid grid, DrawKey draw, WalkRecord<T>? record = null) =>
        Advance(parameters, particles, grid, 0, grid.Count, draw, record);

    /// <summary>Takes some steps of a grid.</summary>
    /// <param name="parameters">The parameters [P]; null if there are none.</param>
    /// <param name="particles">The particles' number.</param>
    /// <param name="grid">The whole grid.</param>
    /// <param name="first">The first step in the walk's order: a backward walk begins with the grid's last step.</param>
    /// <param name="count">Number of steps.</param>
    /// <param name="draw">The place in the random streams of step 0; step k draws k places on.</param>
    /// <param name="record">What to record; the states before step k have the number k. Null for nothing.</param>
    /// <exception cref="ArgumentException">The grid's times fall, or it lacks a series that the step asks for.</exception>
    public void Advance(NdArray<T>? parameters, int particles, TimeGrid grid, int first, int count, DrawKey draw, WalkRecord<T>? record = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, grid.Count - first);
        if (!grid.Rises && Direction != WalkDirection.Either)
        {
            throw new ArgumentException("This walk needs a grid of rising times; a backward walk takes its last step first.", nameof(grid));
        }

        _step.Parameters = parameters ?? _step.Parameters;
        var at = first;
        for (var r = 0; r < (record?.Steps.Length ?? 0); r++)
        {
            if (record!.Steps[r] >= first && record.Steps[r] <= first + count)
            {
                Take(particles, grid, at, record.Steps[r] - at, draw);
                at = record.Steps[r];
                record.Store(this, r);
            }
        }

        Take(particles, grid, at, first + count - at, draw);
    }

    /// <summary>Carries given particles along a grid in arrays of their own, which stay valid when the walk goes on.</summary>
    /// <param name="parameters">The parameters [P]; null if there are none.</param>
    /// <param name="positions">The positions [n, ...] at the grid's first time.</param>
    /// <param name="grid">The steps.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <param name="record">What to record; null for nothing.</param>
    /// <returns>The positions [n, ...] at the grid's last time; other states are had by name.</returns>
    public NdArray<T> Carry(NdArray<T>? parameters, NdArray<T> positions, TimeGrid grid, DrawKey draw = default, WalkRecord<T>? record = null)
    {
        Reserve(positions.Rows);
        Advance(parameters, StartFrom(parameters, positions.Span, draw), grid, draw, record);
        return Positions;
    }

    /// <summary>Replaces each particle by a copy of its ancestor.</summary>
    /// <param name="ancestors">The ancestor of each particle, as systematic resampling gives them.</param>
    /// <param name="cleared">States that are put to 0, such as log-weights.</param>
    public void Select(ReadOnlySpan<int> ancestors, params ReadOnlySpan<string> cleared)
    {
        foreach (var state in _states)
        {
            var (values, size) = (this[state.Name], state.Now.Size);
            if (cleared.Contains(state.Name))
            {
                values.Span.Clear();
                continue;
            }

            _ancestry = _ancestry.Length < ancestors.Length * size ? new NdArray<T>(Capacity * size) : _ancestry;
            for (var i = 0; i < ancestors.Length; i++)
            {
                values.Row(ancestors[i]).CopyTo(_ancestry.Span[(i * size)..]);
            }

            _ancestry.Span[..(ancestors.Length * size)].CopyTo(values.Span);
        }
    }

    /// <summary>The batches, each of at most the capacity, that a larger number of samples is drawn in.</summary>
    /// <param name="samples">Their number.</param>
    /// <param name="draw">The place in the random streams of the first sample.</param>
    public IEnumerable<(int First, int Count, DrawKey Draw)> Batches(int samples, DrawKey draw)
    {
        for (var first = 0; first < samples; first += Capacity)
        {
            yield return (first, Math.Min(Capacity, samples - first), draw with { FirstSample = draw.FirstSample + first });
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _start?.Dispose();
        _step.Dispose();
    }

    /// <summary>The array of a shared input, for programs that are to read what is set here.</summary>
    internal NdArray<T> Shared(string name) => _step.Uses(name) ? _step[name] : _start![name];

    private void Take(int particles, TimeGrid grid, int first, int count, DrawKey draw)
    {
        if (count > 0)
        {
            _series.Load(grid, first, count, Direction == WalkDirection.Backward);
            _step.Iterate(particles, count, draw with { Step = draw.Step + (ulong)first });
            TargetCalls += (long)particles * count * CallsPerStep;
        }
    }
}
