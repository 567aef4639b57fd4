using System.Runtime.CompilerServices;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Random;
using Monge.OptimalTransport;

namespace Monge.Measures;

/// <summary>The per-sample inputs of one training step.</summary>
internal sealed class PairBatch(int size, PreparedPairs problem)
{
    public int Size { get; } = size;

    public NdArray<float> Data { get; } = new(size, problem.Dimension);

    public NdArray<float>? Base { get; } = problem.HasBaseRows ? new(size, problem.Dimension) : null;

    /// <summary>The means of a mixture base's components; base points are deviations from them then.</summary>
    public NdArray<float>? Centre { get; } = problem.Mixture is null ? null : new(size, problem.Dimension);

    public NdArray<float>? Condition { get; } = problem.Inputs > 0 ? new(size, problem.Inputs + 1) : null;

    public int[] Labels { get; } = new int[size];

    /// <summary>Binds the arrays to the inputs x1, x0, centre and condition of a program.</summary>
    public void Bind(CompiledProgram<float> program)
    {
        program["x1"] = Data;
        if (Base is not null)
        {
            program["x0"] = Base;
        }

        if (Centre is not null)
        {
            program["centre"] = Centre;
        }

        if (Condition is not null)
        {
            program["condition"] = Condition;
        }
    }
}

/// <summary>
/// Fills batches. What a step gets depends on the seed and the step only, so that steps may be prepared ahead, by any thread, and again after a resume:
/// samplers of data without a table draw for the next step on another thread meanwhile.
/// </summary>
internal sealed class PairBatches : IDisposable
{
    private const int PrimingGroups = 4;
    private const int LeastValidation = 4096;
    private const int MostValidation = 16_384;

    // A step that no training reaches.
    private const long ValidationStep = uint.MaxValue;

    private readonly PreparedPairs _problem;
    private readonly ulong _seed;
    private readonly ThreadTeam _team;
    private readonly MiniBatchCoupling[] _couplings = [];
    private readonly bool _withinClasses;
    private (PairBatch Batch, long Step) _coupled;
    private Action<int>? _couple;
    private PairBatch _current;
    private PairBatch _next;
    private long _prepared = -1;
    private Task? _preparation;
    private (long Epoch, int[] Order) _order = (-1, []);
    private (long Epoch, int[] Order) _baseOrder = (-1, []);

    public PairBatches(PreparedPairs problem, int size, ulong seed, ThreadTeam team)
    {
        (_problem, _seed, _team) = (problem, seed, team);
        (_current, _next) = (new PairBatch(size, problem), new PairBatch(size, problem));
        var options = problem.Options;
        _withinClasses = problem.Data.Conditions.Any(c => c.IsClass);
        if (!options.IsTransport)
        {
            return;
        }

        var coupling = new MiniBatchCoupling(options.Coupling, options.CouplingSize, problem.Dimension, options.SinkhornEpsilon);
        if (options.Coupling == CouplingKind.OptimalTransport && problem.Inputs == 0)
        {
            var first = new PairBatch(PrimingGroups * options.CouplingSize, problem);
            Pair(first, 0, new RandomStream(seed, MeasureStreams.Priming));
            coupling.Prime(first.Base!.Span, first.Data.Span);
        }

        _couplings = [coupling, .. Enumerable.Range(1, team.ThreadCount - 1).Select(_ => coupling.Twin())];
    }

    /// <summary>A batch to judge by, the same each time; null without held-out rows.</summary>
    public PairBatch? Validation()
    {
        var rows = _problem.Validation;
        if (rows is null && _problem.Train is not null)
        {
            return null;
        }

        var group = _couplings.Length == 0 ? 1 : _problem.Options.CouplingSize;
        var size = (Math.Clamp(rows?.Rows ?? LeastValidation, LeastValidation, MostValidation) + group - 1) / group * group;
        var batch = new PairBatch(size, _problem);
        var random = new RandomStream(_seed, MeasureStreams.Validation);
        if (rows is null)
        {
            Draw(batch, random);
        }
        else
        {
            // Passes over the rows in fresh orders, so that groups of a transport coupling differ.
            int[] order = [];
            int[] baseOrder = [];
            for (var i = 0; i < size; i++)
            {
                order = i % rows.Rows == 0 ? random.Permutation(rows.Rows) : order;
                CopyRows(batch, i, rows, [order[i % rows.Rows]]);
                DrawComponents(batch, i, rows, [order[i % rows.Rows]], random);
                if (batch.Base is not null && _problem.BaseValidationRows is { } source)
                {
                    var count = source.Length / _problem.Dimension;
                    baseOrder = i % count == 0 ? random.Permutation(count) : baseOrder;
                    var row = _problem.Options.Coupling == CouplingKind.Paired ? order[i % rows.Rows] : baseOrder[i % count];
                    source.AsSpan(row * _problem.Dimension, _problem.Dimension).CopyTo(batch.Base.Row(i));
                }
            }

            FillBase(batch, random);
        }

        Couple(batch, ValidationStep);
        return batch;
    }

    /// <summary>The batch of a step; the one before is filled anew.</summary>
    public PairBatch Next(long step)
    {
        _preparation?.GetAwaiter().GetResult();
        if (_prepared == step)
        {
            (_current, _next) = (_next, _current);
        }
        else
        {
            Fill(_current, step);
        }

        // Reading rows of a table is cheaper than another thread's share of the caches.
        if (_team.ThreadCount > 1 && _problem.Train is null)
        {
            _prepared = step + 1;
            _preparation = Task.Run(() => Fill(_next, step + 1));
        }

        Couple(_current, step);
        return _current;
    }

    /// <inheritdoc/>
    public void Dispose() => _preparation?.Wait();

    // Pairs await their coupling.
    private void Fill(PairBatch batch, long step)
    {
        var random = new RandomStream(new RandomState(new RandomKey(_seed, MeasureStreams.Pairs).PhiloxKey, (ulong)step << 32));
        Pair(batch, step, random);
        Hide(batch, random);
    }

    // In mini-batches that are shared among the threads of the team; nothing without a transport coupling.
    private void Couple(PairBatch batch, long step)
    {
        if (_couplings.Length > 0)
        {
            _coupled = (batch, step);
            _team.Run(_couple ??= CoupleShare);
        }
    }

    private void CoupleShare(int thread)
    {
        var (batch, step) = _coupled;
        var (size, d) = (_problem.Options.CouplingSize, _problem.Dimension);
        for (var group = thread; group < batch.Size / size; group += _couplings.Length)
        {
            var key = new RandomKey(_seed, MeasureStreams.Coupling).PhiloxKey;
            var random = new RandomStream(new RandomState(key, ((ulong)step << 32) + ((ulong)group << 20)));
            var labels = _withinClasses ? batch.Labels.AsSpan(group * size, size) : default;
            _couplings[thread].Apply(batch.Base!.Span.Slice(group * size * d, size * d), batch.Data.Span.Slice(group * size * d, size * d), random, labels);
        }
    }

    // Rows of both ends, before a transport coupling.
    private void Pair(PairBatch batch, long step, RandomStream random)
    {
        if (_problem.Train is not { } rows)
        {
            Draw(batch, random);
        }
        else
        {
            var source = batch.Base is null ? null : _problem.BaseRows;
            var isPaired = _problem.Options.Coupling == CouplingKind.Paired;
            for (var i = 0; i < batch.Size;)
            {
                var run = Run(ref _order, (step * batch.Size) + i, rows.Rows, MeasureStreams.Rows, batch.Size - i);
                CopyRows(batch, i, rows, run);
                DrawComponents(batch, i, rows, run, random);
                if (source is not null && isPaired)
                {
                    Gather(source, run, batch.Base!, i);
                }

                i += run.Length;
            }

            for (var i = 0; i < batch.Size && source is not null && !isPaired;)
            {
                var run = Run(ref _baseOrder, (step * batch.Size) + i, source.Length / _problem.Dimension, MeasureStreams.BaseRows, batch.Size - i);
                Gather(source, run, batch.Base!, i);
                i += run.Length;
            }

            FillBase(batch, random);
        }
    }

    // Rows from a place on, in passes over all of them that each have an order of their own: as many as are left of the pass, at most a number.
    private ReadOnlySpan<int> Run(ref (long Epoch, int[] Order) last, long place, int count, int stream, int most)
    {
        var (epoch, from) = Math.DivRem(place, (long)count);
        if (last.Epoch != epoch)
        {
            last = (epoch, new RandomStream(new RandomState(new RandomKey(_seed, (uint)stream).PhiloxKey, (ulong)epoch << 32)).Permutation(count));
        }

        return last.Order.AsSpan((int)from, Math.Min(count - (int)from, most));
    }

    private static void CopyRows(PairBatch batch, int at, PreparedRows rows, ReadOnlySpan<int> chosen)
    {
        Gather(rows.Values, chosen, batch.Data, at);
        if (batch.Condition is { } condition)
        {
            Gather(rows.Conditions, chosen, condition, at);
        }

        for (var i = 0; i < chosen.Length && rows.Labels.Length > 0; i++)
        {
            batch.Labels[at + i] = rows.Labels[chosen[i]];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(ReadOnlySpan<float> source, ReadOnlySpan<int> rows, NdArray<float> target, int at)
    {
        var length = target.RowLength;
        var to = target.Span[(at * length)..];
        for (var i = 0; i < rows.Length; i++)
        {
            source.Slice(rows[i] * length, length).CopyTo(to[(i * length)..]);
        }
    }

    private void DrawComponents(PairBatch batch, int at, PreparedRows rows, ReadOnlySpan<int> chosen, RandomStream random)
    {
        if (_problem.Mixture is { } mixture)
        {
            var count = mixture.Law.Components;
            for (var i = 0; i < chosen.Length; i++)
            {
                mixture.Draw(rows.Shares.AsSpan(chosen[i] * count, count), random, batch.Base!.Row(at + i), batch.Centre!.Row(at + i));
            }
        }
    }

    // A base that comes from no table and no mixture: normal draws or the user's sampler.
    private void FillBase(PairBatch batch, RandomStream random)
    {
        if (batch.Base is null || _problem.BaseRows is not null || _problem.Mixture is not null)
        {
            return;
        }

        if (_problem.Data.BaseSampler is { } sampler)
        {
            Numbers.Copy(_problem.Standardisation.Apply(sampler(batch.Size, random)).AsSpan(), batch.Base.Span);
            return;
        }

        random.FillNormal(batch.Base.Span);
    }

    private void Draw(PairBatch batch, RandomStream random)
    {
        var d = _problem.Dimension;
        if (_problem.Data.Pairs is not { } pairs)
        {
            Numbers.Copy(_problem.Standardisation.Apply(_problem.Data.Sampler!(batch.Size, random)).AsSpan(), batch.Data.Span);
            if (batch.Base is not null && _problem.BaseRows is { } source)
            {
                for (var i = 0; i < batch.Size; i++)
                {
                    source.AsSpan(random.NextInt(source.Length / d) * d, d).CopyTo(batch.Base.Row(i));
                }
            }

            FillBase(batch, random);
            return;
        }

        var c = _problem.Data.PairConditions;
        var (x0, x1, condition) = (new double[batch.Size * d], new double[batch.Size * d], new double[batch.Size * c]);
        pairs(random, x0, x1, condition);
        Numbers.Copy(_problem.Standardisation.Apply(x1).AsSpan(), batch.Data.Span);
        Numbers.Copy(_problem.Standardisation.Apply(x0).AsSpan(), batch.Base!.Span);
        for (var i = 0; i < batch.Size && c > 0; i++)
        {
            var row = batch.Condition!.Row(i);
            for (var k = 0; k < c; k++)
            {
                row[k] = (float)condition[(i * c) + k];
            }

            row[c] = 1;
        }
    }

    private void Hide(PairBatch batch, RandomStream random)
    {
        // A table with types is never carried without knowing what has a probability.
        if (batch.Condition is not { } condition || _problem.Options.ConditionDropout == 0 || _problem.Data.Presence.Count > 0)
        {
            return;
        }

        for (var i = 0; i < batch.Size; i++)
        {
            if (random.NextDouble() < _problem.Options.ConditionDropout)
            {
                condition.Row(i).Clear();
            }
        }
    }
}
