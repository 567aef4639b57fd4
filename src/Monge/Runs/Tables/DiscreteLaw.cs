using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Runs;

/// <summary>How the law of one column given those before it is written.</summary>
/// <param name="Family">The family of laws.</param>
/// <param name="Depth">Hidden layers of the network that makes its numbers; 0 for a linear map.</param>
public sealed record DiscreteChoice(DiscreteFamily Family, int Depth)
{
    /// <summary>
    /// What is added to the log probability of each value of a column of few values before they are made to sum to one, by which its shares in the rows of
    /// the fit come out as they are; empty for nothing.
    /// </summary>
    public IReadOnlyList<double> Tilt { get; init; } = [];
}

/// <summary>
/// The joint law of the columns of a table that have probabilities, by the chain rule: each given those before it, by a small network. Probabilities are exact
/// and sum to one.
/// </summary>
public sealed class DiscreteLaw
{
    // Rows that are tried for each one that is given in part, before it is called too improbable.
    private const int MostTries = 20_000;

    private readonly DiscreteHead[] _heads;
    private readonly TracedProgram[] _programs;
    private readonly NdArray<float> _values;

    /// <summary>A law of known parameters.</summary>
    /// <param name="types">The types of the table's columns.</param>
    /// <param name="choices">How the law of each column is written, in the order of <see cref="ColumnTypes.Discrete"/>.</param>
    /// <param name="values">The networks' parameters [P].</param>
    /// <exception cref="ArgumentException">The parts don't go together.</exception>
    public DiscreteLaw(ColumnTypes types, IReadOnlyList<DiscreteChoice> choices, NdArray<float> values)
    {
        ArgumentNullException.ThrowIfNull(types);
        ArgumentNullException.ThrowIfNull(choices);
        ArgumentNullException.ThrowIfNull(values);
        if (choices.Count != types.Discrete.Count)
        {
            throw new ArgumentException($"There are {choices.Count} laws for {types.Discrete.Count} columns.", nameof(choices));
        }

        (Types, Choices, _values) = (types, choices, values);
        _heads = [.. choices.Select((choice, k) => new DiscreteHead(types.Discrete[k], choice.Family, choice.Tilt))];
        if (_heads.Any(h => h.Tilt.Count != 0 && h.Tilt.Count != h.Values))
        {
            throw new ArgumentException("A law has tilts of another number than its column has values.", nameof(choices));
        }

        (Parameters, var outputs) = DiscreteNetworks.Declare(types, choices);
        if (Parameters.Count != values.Length)
        {
            throw new ArgumentException($"The networks of the columns have {Parameters.Count} parameters; {values.Length} were given.", nameof(values));
        }

        _programs = [.. outputs.Select(output => new TracedProgram(Parameters, ("outputs", output)))];
    }

    /// <summary>The types of the table's columns.</summary>
    public ColumnTypes Types { get; }

    /// <summary>How the law of each column is written.</summary>
    public IReadOnlyList<DiscreteChoice> Choices { get; }

    /// <summary>The networks' parameters, declared.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Their values [P].</summary>
    public NdArray<float> Values => _values;

    /// <summary>The log probability [n] of what is generated given the conditions, in nats.</summary>
    /// <param name="codes">Codes [n, m], as <see cref="ColumnTypes.Codes"/> gives them.</param>
    /// <param name="numbers">A column [n] for each condition that is a number.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    public double[] LogProbability(double[] codes, IReadOnlyList<double[]> numbers, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(codes);
        var m = _heads.Length;
        var result = new double[m == 0 ? 0 : codes.Length / m];
        var rows = DiscreteNetworks.Encode(Types, codes, numbers, result.Length);
        using var networks = Networks(threads);
        for (var k = Types.DiscreteConditions; k < m && result.Length > 0; k++)
        {
            var outputs = networks.Evaluate(k, rows);
            for (var row = 0; row < result.Length; row++)
            {
                result[row] += _heads[k].LogProbability(outputs.Row(row), codes[(row * m) + k]);
            }
        }

        return result;
    }

    /// <summary>
    /// Draws codes [n, m], some of them given: rows are drawn by the chain rule, with what is given put in its place, and kept with the probability that it
    /// would have been drawn there, so that what is kept has the law given it.
    /// </summary>
    /// <param name="count">n.</param>
    /// <param name="given">What is given [n, m], not a number where nothing is; empty for nothing.</param>
    /// <param name="numbers">A column [n] for each condition that is a number.</param>
    /// <param name="random">Where they are drawn from.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    /// <exception cref="ArgumentException">What is given is too improbable to be drawn so.</exception>
    public double[] Draw(int count, double[] given, IReadOnlyList<double[]> numbers, RandomStream random, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(given);
        ArgumentNullException.ThrowIfNull(random);
        var m = _heads.Length;
        var codes = new double[count * m];
        int[] open = [.. Enumerable.Range(0, count)];
        using var networks = Networks(threads);
        for (long tried = 0; open.Length > 0; tried += open.Length)
        {
            if (tried > (long)MostTries * count)
            {
                throw new ArgumentException(
                    "What is given has so small a probability under the model that hardly a row can be drawn with it; give fewer columns, or likelier values.");
            }

            // Few rows that are left are tried several at a time.
            var copies = tried == 0 ? 1 : Math.Clamp(4096 / open.Length, 1, 64);
            int[] batch = [.. Enumerable.Range(0, copies).SelectMany(_ => open)];
            var (drawn, isKept) = Try(batch, given, numbers, random, networks);
            var done = new HashSet<int>();
            for (var i = 0; i < batch.Length; i++)
            {
                if (isKept[i] && done.Add(batch[i]))
                {
                    drawn.AsSpan(i * m, m).CopyTo(codes.AsSpan(batch[i] * m));
                }
            }

            open = [.. open.Where(row => !done.Contains(row))];
        }

        return codes;
    }

    /// <summary>The same law with columns of few values tilted to their shares in the rows of the fit: <see cref="DiscreteTilt"/>.</summary>
    /// <param name="codes">Codes of the rows of the fit [n, m].</param>
    /// <param name="numbers">A column [n] for each condition that is a number.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    internal DiscreteLaw Tilted(double[] codes, IReadOnlyList<double[]> numbers, int threads)
    {
        using var networks = Networks(threads);
        var rows = DiscreteNetworks.Encode(Types, codes, numbers, codes.Length / _heads.Length);
        return new DiscreteLaw(
            Types, [.. Choices.Select((choice, k) => DiscreteTilt.Find(_heads[k], codes, k, _heads.Length, () => networks.Evaluate(k, rows)) is { } tilt
                ? choice with { Tilt = tilt } : choice)],
            _values);
    }

    private DiscreteNetworks Networks(int threads) => new(Types, _programs, _heads, _values, threads);

    private (double[] Codes, bool[] IsKept) Try(int[] batch, double[] given, IReadOnlyList<double[]> numbers, RandomStream random, DiscreteNetworks networks)
    {
        var (m, inputs) = (_heads.Length, DiscreteNetworks.Inputs(Types));
        var (codes, isKept) = (new double[batch.Length * m], new bool[batch.Length]);
        Array.Fill(codes, double.NaN);
        Array.Fill(isKept, true);
        double[][] chosen = [.. numbers.Select(column => Array.ConvertAll(batch, row => column[row]))];
        var rows = DiscreteNetworks.Encode(Types, codes, chosen, batch.Length);

        // What is given before anything is drawn is no matter of chance.
        var isDrawn = new bool[batch.Length];
        for (var k = 0; k < m; k++)
        {
            var outputs = networks.Evaluate(k, rows);
            var at = DiscreteNetworks.First(Types, k);
            for (var i = 0; i < batch.Length; i++)
            {
                var known = given.Length == 0 ? double.NaN : given[(batch[i] * m) + k];
                if (double.IsNaN(known))
                {
                    isDrawn[i] = true;
                    known = _heads[k].Draw(outputs.Row(i), random);
                }
                else if (isDrawn[i] && isKept[i])
                {
                    isKept[i] = Math.Log(random.NextDouble()) < _heads[k].LogProbability(outputs.Row(i), known);
                }

                codes[(i * m) + k] = known;
                Types.Discrete[k].Encode(known, rows.AsSpan((i * inputs) + at));
            }
        }

        return (codes, isKept);
    }
}
