using System.Numerics;
using System.Runtime.InteropServices;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Objectives;

/// <summary>
/// The gradient, through all steps of a walk, of any function of its end and of recorded states: by the parameters and by the starts, in memory that doesn't
/// grow with what a step computes. <see cref="Forward"/> keeps the states at the starts of about sqrt(K) segments; the caller computes the loss, which may
/// couple the samples, and fills in its derivative by each sample's states; <see cref="Backward"/> computes a segment's states anew and differentiates each
/// step by a program of its own, cotangents of the step's end in, those of its start and the parameters' share out. Noise is drawn again from its key and never
/// stored. After the first call nothing is allocated; results are the same to the bit for any number of threads and segments.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class AdjointRun<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ParticleWalk<T> _walk;
    private readonly TimeGrid _grid;
    private readonly int[] _segments;
    private readonly CompiledProgram<T> _step;
    private readonly StepSeries<T> _series;
    private readonly CompiledProgram<T>? _start;
    private readonly Dictionary<string, NdArray<T>> _cotangents;
    private readonly List<NdArray<T>> _ended = [];
    private readonly KeptState[] _kept;
    private readonly bool[] _dropped;
    private NdArray<T>? _parameters;
    private DrawKey _draw;
    private bool _anyDropped;

    /// <summary>Compiles the programs.</summary>
    /// <param name="walk">The walk; it is stepped by this object and still belongs to the caller.</param>
    /// <param name="grid">The steps of the run.</param>
    /// <param name="particles">The number n of particles, at most the walk's capacity.</param>
    /// <param name="segments">Segments, 1 to the number of steps; null for about the square root.</param>
    /// <param name="record">The states that the loss needs beside those of the end; null for none.</param>
    public AdjointRun(ParticleWalk<T> walk, TimeGrid grid, int particles, int? segments = null, WalkRecord<T>? record = null)
    {
        var number = segments ?? (int)Math.Round(Math.Sqrt(grid.Count));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(particles, walk.Capacity);
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1, nameof(segments));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, grid.Count, nameof(segments));
        (_walk, _grid, Particles, Record) = (walk, grid, particles, record);
        _segments = [.. Enumerable.Range(0, number + 1).Select(s => (int)((long)s * grid.Count / number))];
        _dropped = new bool[particles];
        Gradient = new NdArray<T>(walk.Parameters?.Count ?? 0);
        RecordCotangents = record is null ? null : new WalkRecord<T>(walk, particles, record.Steps, record.States);
        _cotangents = walk.States.ToDictionary(s => s.Name, s => NdArray<T>.ForSamples(particles, s.Now.Shape));
        _step = new CompiledProgram<T>(Adjoint([.. walk.States.Select(s => (s, s.Next ?? s.Now))], _ => true), walk.Options);
        _series = new StepSeries<T>(_step);
        var sources = Sources(walk.States.Select(s => s.Start));
        (WalkState, Expr)[] starts = [.. walk.States.Where(s => s.Start is not null || s.IsGiven).Select(s => (s, s.Start ?? s.Now))];
        _start = walk.States.Any(s => sources.Contains(s.Now)) || (walk.Parameters?.Blocks.Any(b => sources.Contains(b.Value)) ?? false)
            ? new CompiledProgram<T>(Adjoint(starts, s => s.IsGiven), walk.Options)
            : null;
        _kept = [.. Needed(sources).Select(s => new KeptState(s.Name, Arrays(s, Segments), Arrays(s, LongestSegment), Arrays(s, 1)[0]))];
        Connect(_step, s => s.Before);
        if (_start is not null)
        {
            Connect(_start, s => s.Starts[0]);
        }
    }

    /// <summary>The number n of particles.</summary>
    public int Particles { get; }

    /// <summary>Number of segments.</summary>
    public int Segments => _segments.Length - 1;

    /// <summary>Steps of the longest segment.</summary>
    public int LongestSegment => Enumerable.Range(0, Segments).Max(s => _segments[s + 1] - _segments[s]);

    /// <summary>The names of the states that are kept: those that derivatives need, and those that these are computed from.</summary>
    public IEnumerable<string> Kept => _kept.Select(k => k.Name);

    /// <summary>The recorded states of the last forward run; null if none are.</summary>
    public WalkRecord<T>? Record { get; }

    /// <summary>
    /// What the caller fills between forward and backward: the derivatives by the recorded states. Null if none are; zeros after <see cref="Forward"/>.
    /// </summary>
    public WalkRecord<T>? RecordCotangents { get; }

    /// <summary>The gradient [P] of the last backward run.</summary>
    public NdArray<T> Gradient { get; }

    /// <summary>The threads that calls run on, for work beside them.</summary>
    public ThreadTeam Team => _step.Team;

    /// <summary>
    /// Derivatives [n, ...] by a state. Zeros after <see cref="Forward"/>, when the caller fills in those by the end; after <see cref="Backward"/> they are
    /// those by its first value, for a given state with its part in the first values of others.
    /// </summary>
    public NdArray<T> Cotangent(string state) => _cotangents[state];

    /// <summary>Binds a further per-sample input of start or step in the walk and its adjoint, such as a condition [n, ...].</summary>
    public void Bind(string name, NdArray<T> values)
    {
        _walk.Bind(name, values);
        _step.BindIfUsed(name, values);
        _start?.BindIfUsed(name, values);
    }

    /// <summary>Starts the walk and takes all steps; the walk then stands at the end.</summary>
    /// <param name="parameters">The parameters [P]; null if there are none.</param>
    /// <param name="draw">The place in the random streams of step 0; step k draws k places on.</param>
    public void Forward(NdArray<T>? parameters, DrawKey draw)
    {
        (_parameters, _draw, _anyDropped) = (parameters, draw, false);
        Array.Clear(_dropped);
        foreach (var cotangent in _cotangents.Values)
        {
            cotangent.Span.Clear();
        }

        for (var r = 0; r < (Record?.States.Count ?? 0); r++)
        {
            RecordCotangents![Record!.States[r]].Span.Clear();
        }

        _walk.Start(parameters, Particles, draw);
        for (var s = 0; s < Segments; s++)
        {
            foreach (var kept in _kept)
            {
                _walk[kept.Name].Span[..kept.Starts[s].Length].CopyTo(kept.Starts[s].Span);
            }

            _walk.Advance(parameters, Particles, _grid, _segments[s], _segments[s + 1] - _segments[s], draw, Record);
        }
    }

    /// <summary>Lets a sample not count in the next backward run: its states and cotangents are put to 0, so that what it lost can't reach the sums.</summary>
    public void Drop(int sample) => _dropped[sample] = _anyDropped = true;

    /// <summary>Goes back through all steps: fills <see cref="Gradient"/>, and <see cref="Cotangent"/> with the derivatives by the starts.</summary>
    public void Backward()
    {
        Gradient.Span.Clear();
        _step.Parameters = _parameters ?? _step.Parameters;
        for (var s = Segments - 1; s >= 0; s--)
        {
            var (first, end) = (_segments[s], _segments[s + 1]);
            foreach (var kept in _kept)
            {
                kept.Starts[s].Span.CopyTo(_walk[kept.Name].Span);
            }

            for (var k = first; k < end; k++)
            {
                foreach (var kept in _kept)
                {
                    _walk[kept.Name].Span[..kept.Before.Length].CopyTo(kept.States[k - first].Span);
                }

                if (k + 1 < end)
                {
                    _walk.Advance(_parameters, Particles, _grid, k, 1, _draw);
                }
            }

            for (var k = end - 1; k >= first; k--)
            {
                foreach (var kept in _kept)
                {
                    kept.States[k - first].Span.CopyTo(kept.Before.Span);
                    ClearDropped(kept.Before);
                }

                Receive(k + 1);
                _series.Load(_grid, k, 1, _walk.Direction == WalkDirection.Backward);
                Differentiate(_step, k);
                foreach (var cotangent in _ended)
                {
                    cotangent.Span.Clear();
                }
            }
        }

        Receive(0);
        if (_start is not null)
        {
            _start.Parameters = _parameters ?? _start.Parameters;
            foreach (var kept in _kept)
            {
                ClearDropped(kept.Starts[0]);
            }

            Differentiate(_start, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _start?.Dispose();
    }

    private static string CotangentName(string state) => "cotangent:" + state;

    private NdArray<T>[] Arrays(WalkState state, int count) => [.. Enumerable.Range(0, count).Select(_ => NdArray<T>.ForSamples(Particles, state.Now.Shape))];

    // The derivatives, by the values before and by the parameters, of the sum over the states of cotangent times value after.
    private TracedProgram Adjoint((WalkState State, Expr Next)[] values, Func<WalkState, bool> isAskedFor)
    {
        Expr[] cotangents = [.. values.Select(v => Expr.Input(CotangentName(v.State.Name), v.State.Now.Shape.Sizes))];
        var scalar = values.Zip(cotangents, (v, c) => v.Next.Shape.Rank == 0 ? c * v.Next : (c * v.Next).Sum()).Aggregate((a, b) => a + b);
        var before = Derivative.Gradients(scalar, [.. values.Select(v => v.State.Now)]);
        List<(string, Expr)> outputs = [];
        for (var v = 0; v < values.Length; v++)
        {
            // A cotangent that passes unchanged needs no output, and one that is the same for all samples can only be 0.
            if (isAskedFor(values[v].State) && before[v].IsUniform)
            {
                _ended.Add(_cotangents[values[v].State.Name]);
            }
            else if (isAskedFor(values[v].State) && !ReferenceEquals(before[v], cotangents[v]))
            {
                outputs.Add((CotangentName(values[v].State.Name) + "Before", before[v]));
            }
        }

        if (_walk.Parameters is { Count: > 0 } parameters)
        {
            outputs.Add(("gradient", Derivative.ParameterGradient(scalar, parameters).BatchSum()));
        }

        return new TracedProgram(_walk.Parameters, [.. outputs]);
    }

    // The states whose values the derivatives need, and those that these are computed from.
    private IEnumerable<WalkState> Needed(HashSet<Expr> startSources)
    {
        var needed = _walk.States.Where(s => _step.Program.Inputs.Contains(s.Now) || startSources.Contains(s.Now)).ToHashSet();
        while (_walk.States.FirstOrDefault(s => !needed.Contains(s) && needed.Any(n => Sources([n.Next]).Contains(s.Now))) is { } another)
        {
            needed.Add(another);
        }

        return _walk.States.Where(needed.Contains);
    }

    private static HashSet<Expr> Sources(IEnumerable<Expr?> values)
    {
        var found = new HashSet<Expr>(values.OfType<Expr>());
        var open = new Stack<Expr>(found);
        while (open.TryPop(out var node))
        {
            foreach (var input in node.Inputs.Where(found.Add))
            {
                open.Push(input);
            }
        }

        return found;
    }

    private void Connect(CompiledProgram<T> program, Func<KeptState, NdArray<T>> values)
    {
        foreach (var (name, cotangent) in _cotangents)
        {
            program.BindIfUsed(CotangentName(name), cotangent);
            if (program.Program.Outputs.Any(o => o.Name == CotangentName(name) + "Before"))
            {
                program[CotangentName(name) + "Before"] = cotangent;
            }
        }

        foreach (var kept in _kept)
        {
            program.BindIfUsed(kept.Name, values(kept));
        }

        foreach (var input in program.Program.Inputs.Where(i => i.IsUniform && !i.IsPerStep))
        {
            program[input.Operation.Name] = _walk.Shared(input.Operation.Name);
        }
    }

    // Adds the derivatives by the states recorded after so many steps.
    private void Receive(int steps)
    {
        var place = Record is null ? -1 : Record.Steps.IndexOf(steps);
        for (var r = 0; place >= 0 && r < Record!.States.Count; r++)
        {
            var state = Record.States[r];
            Add(RecordCotangents![state].Row(place), _cotangents[state].Span);
        }

        foreach (var cotangent in _cotangents.Values)
        {
            ClearDropped(cotangent);
        }
    }

    private void ClearDropped(NdArray<T> rows)
    {
        for (var i = 0; _anyDropped && i < Particles; i++)
        {
            if (_dropped[i])
            {
                rows.Row(i).Clear();
            }
        }
    }

    private void Differentiate(CompiledProgram<T> program, int step)
    {
        program.Run(Particles, _draw with { Step = _draw.Step + (ulong)step });
        if (Gradient.Length > 0)
        {
            Add(program["gradient"].Span, Gradient.Span);
        }
    }

    /// <summary>sums += terms, element by element.</summary>
    internal static void Add(ReadOnlySpan<T> terms, Span<T> sums)
    {
        var wide = MemoryMarshal.Cast<T, Vector<T>>(sums);
        var added = MemoryMarshal.Cast<T, Vector<T>>(terms);
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] += added[i];
        }

        for (var i = wide.Length * Vector<T>.Count; i < sums.Length; i++)
        {
            sums[i] += terms[i];
        }
    }

    // A state at the segments' starts, at the steps of one segment, and before the step that is being differentiated.
    private sealed record KeptState(string Name, NdArray<T>[] Starts, NdArray<T>[] States, NdArray<T> Before);
}
