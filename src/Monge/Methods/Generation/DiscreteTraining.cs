using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Learns the law of the columns of a table that have probabilities: for each column several laws given the columns before it, linear ones and networks, all at
/// once by maximum likelihood. Of each the averaged parameters with the greatest likelihood of held-out rows are kept, and of each column the best law.
/// </summary>
internal sealed class DiscreteTraining : IIterative, IDisposable
{
    /// <summary>Most steps.</summary>
    public const long Iterations = 3000;

    /// <summary>Judgements of a whole training.</summary>
    public const int Validations = 60;

    private const int Patience = 15;
    private const int BatchSize = 512;
    private const int HiddenLayers = 2;

    // Laws beyond the first of each column are tried where columns are few.
    private const int MostContested = 16;

    // More rows judge no better.
    private const int MostJudging = 20_000;

    private readonly ColumnTypes _types;
    private readonly Candidate[] _candidates;
    private readonly float[] _train;
    private readonly float[] _held;
    private readonly int _inputs;
    private readonly ulong _seed;
    private readonly int _threads;
    private readonly double[] _trainCodes;
    private readonly double[][] _trainNumbers;
    private readonly ParameterSet _parameters = new();
    private readonly GradientStep<float> _step;
    private readonly CompiledProgram<float> _judge;
    private readonly OptimiserState<float> _state;

    // Beside the optimiser's the state: the best judged parameters and losses of each candidate.
    private readonly NdArray<float> _best;
    private readonly double[] _losses;
    private int _since;

    /// <summary>Prepares the training.</summary>
    /// <param name="types">The types of the columns.</param>
    /// <param name="codes">Codes [n, m].</param>
    /// <param name="numbers">A column [n] for each condition that is a number.</param>
    /// <param name="order">The rows in the order of the split, those held out first.</param>
    /// <param name="held">How many are held out.</param>
    /// <param name="run">Seed and threads.</param>
    public DiscreteTraining(ColumnTypes types, double[] codes, IReadOnlyList<double[]> numbers, int[] order, int held, Run run)
    {
        (_types, _inputs, _seed, _threads) = (types, DiscreteNetworks.Inputs(types), run.Seed, run.Threads);
        var m = types.Discrete.Count;
        _trainCodes = [.. order[held..].SelectMany(row => codes[(row * m)..((row + 1) * m)])];
        _trainNumbers = [.. numbers.Select(column => Array.ConvertAll(order[held..], row => column[row]))];
        var all = DiscreteNetworks.Encode(types, codes, numbers, order.Length);
        float[] Take(ReadOnlySpan<int> rows)
        {
            var taken = new float[rows.Length * _inputs];
            for (var i = 0; i < rows.Length; i++)
            {
                all.AsSpan(rows[i] * _inputs, _inputs).CopyTo(taken.AsSpan(i * _inputs));
            }

            return taken;
        }

        (_held, _train) = (Take(order.AsSpan(0, Math.Min(held, MostJudging))), Take(order.AsSpan(held)));
        held = Math.Min(held, MostJudging);
        var initializer = new ParameterInitializer();
        var row = Expr.Input("row", _inputs);
        _candidates = [.. Candidates(initializer, row)];
        var losses = Expr.Vector([.. _candidates.Select(c => c.Loss)]);
        var options = new GradientStepOptions { LearningRate = new WarmCosineRate(2e-3, 0.01), GradientClip = 10, AverageDecay = 0.99 };
        _step = new GradientStep<float>(_parameters, losses.Sum() / BatchSize, BatchSize, options, run.Execution);
        _step.Program["row"] = new NdArray<float>(BatchSize, _inputs);
        _judge = new CompiledProgram<float>(new TracedProgram(_parameters, ("losses", losses)), run.Execution);
        if (held > 0)
        {
            _judge["row"] = NdArray<float>.From(_held, held, _inputs);
            _judge["losses"] = new NdArray<float>(held, _candidates.Length);
        }

        _state = _step.Init(initializer, new RandomKey(_seed, GenerationStreams.DiscreteStart));
        (_best, _losses) = (new NdArray<float>(_parameters.Count), new double[_candidates.Length]);
        Array.Fill(_losses, double.PositiveInfinity);
    }

    /// <inheritdoc/>
    public bool IsDone => _since >= Patience;

    /// <inheritdoc/>
    public void Init() => Judge();

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        var random = new RandomStream(new RandomState(new RandomKey(_seed, GenerationStreams.DiscreteRows).PhiloxKey, (ulong)iteration << 32));
        var (rows, batch) = (_train.Length / _inputs, _step.Program["row"]);
        for (var i = 0; i < BatchSize; i++)
        {
            _train.AsSpan(random.NextInt(rows) * _inputs, _inputs).CopyTo(batch.Row(i));
        }

        return _step.Run(_state, iteration, total, new DrawKey(_seed, (ulong)iteration));
    }

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        state.Exchange(_state);
        state.Exchange("best", _best);
        state.Exchange<double>("losses", _losses);
        state.Exchange("since", ref _since);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Figure> Validate()
    {
        if (_held.Length == 0)
        {
            return [];
        }

        Judge();
        return [Figure.ValidationLoss(Enumerable.Range(0, _types.Discrete.Count).Sum(k => _losses[Best(k)]))];
    }

    /// <summary>The law of the best candidates.</summary>
    public DiscreteLaw Law()
    {
        int[] chosen = [.. Enumerable.Range(0, _types.Discrete.Count).Select(Best)];
        var from = _held.Length == 0 ? _state.Average : _best;
        var values = new List<float>();
        foreach (var (first, count) in chosen.Select(c => _candidates[c].Parameters))
        {
            values.AddRange(from.Span.Slice(first, count));
        }

        DiscreteChoice[] choices = [.. chosen.Select(c => new DiscreteChoice(_candidates[c].Head.Family, _candidates[c].Depth))];
        return new DiscreteLaw(_types, choices, NdArray<float>.From([.. values], values.Count)).Tilted(_trainCodes, _trainNumbers, _threads);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _judge.Dispose();
    }

    private IEnumerable<Candidate> Candidates(ParameterInitializer initializer, Expr row)
    {
        var isContested = _types.Discrete.Count <= MostContested;
        for (var k = 0; k < _types.Discrete.Count; k++)
        {
            var type = _types.Discrete[k];
            var first = DiscreteNetworks.First(_types, k);

            // Networks before linear maps: without held-out rows the first is taken. What sees nothing but the constant needs no network.
            int[] depths = first == 1 ? [0] : isContested ? [HiddenLayers, 0] : [HiddenLayers];
            foreach (var head in DiscreteHead.Of(type).Take(isContested ? 2 : 1))
            {
                foreach (var depth in depths)
                {
                    var before = _parameters.Count;
                    var outputs = DiscreteNetworks.Network(_parameters, initializer, _types, k, head, depth, row);
                    yield return new Candidate(
                        k, head, depth, head.Loss(outputs, row[first..(first + type.Features)]), (before, _parameters.Count - before));
                }
            }
        }
    }

    private void Judge()
    {
        if (_held.Length == 0)
        {
            return;
        }

        _judge.Parameters = _state.Average;
        _judge.Run(_held.Length / _inputs);
        var losses = _judge["losses"];
        _since++;
        for (var c = 0; c < _candidates.Length; c++)
        {
            var loss = 0.0;
            for (var row = 0; row < losses.Rows; row++)
            {
                loss += losses.Row(row)[c] / (double)losses.Rows;
            }

            if (loss < _losses[c])
            {
                _since = loss < _losses[c] - 1e-4 ? 0 : _since;
                _losses[c] = loss;
                var (first, count) = _candidates[c].Parameters;
                _state.Average.Span.Slice(first, count).CopyTo(_best.Span[first..]);
            }
        }
    }

    private int Best(int column)
    {
        var best = Array.FindIndex(_candidates, c => c.Column == column);
        for (var c = best + 1; c < _candidates.Length; c++)
        {
            best = _candidates[c].Column == column && _losses[c] < _losses[best] ? c : best;
        }

        return best;
    }

    private sealed record Candidate(int Column, DiscreteHead Head, int Depth, Expr Loss, (int First, int Count) Parameters);
}
