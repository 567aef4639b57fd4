using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;

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
    /// <summary>Units of a network's hidden layer.</summary>
    internal const int Width = 64;

    // Rows that are tried for each one that is given in part, before it is called too improbable.
    private const int MostTries = 20_000;

    // Probabilities that a tilt is found from; with more rows networks need none.
    private const long MostTilted = 10_000_000;
    private const int MostScalings = 200;

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

        (Parameters, var outputs) = Declare(types, choices);
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
        var rows = Encode(Types, codes, numbers, result.Length);
        using var networks = new Networks(this, threads);
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
        using var networks = new Networks(this, threads);
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

    /// <summary>Declares the networks of the columns: their parameters, and the numbers that they make of the input "row".</summary>
    internal static (ParameterSet Parameters, Expr[] Outputs) Declare(ColumnTypes types, IReadOnlyList<DiscreteChoice> choices)
    {
        var (parameters, row) = (new ParameterSet(), Expr.Input("row", Inputs(types)));
        Expr Output(DiscreteChoice choice, int k) =>
            Network(parameters, new ParameterInitializer(), types, k, new DiscreteHead(types.Discrete[k], choice.Family, []), choice.Depth, row);
        return (parameters, [.. choices.Select(Output)]);
    }

    /// <summary>
    /// The same law with columns of few values tilted so that each value's mean probability over rows is its share among them, as it is where a likelihood is
    /// greatest: networks whose training ended early miss it by a little.
    /// </summary>
    /// <param name="codes">Codes of the rows of the fit [n, m].</param>
    /// <param name="numbers">A column [n] for each condition that is a number.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    internal DiscreteLaw Tilted(double[] codes, IReadOnlyList<double[]> numbers, int threads)
    {
        var m = _heads.Length;
        var n = codes.Length / m;
        var rows = Encode(Types, codes, numbers, n);
        using var networks = new Networks(this, threads);
        return new DiscreteLaw(Types, [.. Choices.Select((choice, k) =>
        {
            var head = _heads[k];
            if (head.Values == 0 || (long)head.Values * n > MostTilted)
            {
                return choice;
            }

            var outputs = networks.Evaluate(k, rows);
            double[][] logs = [.. Enumerable.Range(0, n).Select(row => head.LogProbabilities(outputs.Row(row)))];
            var shares = new double[head.Values];
            for (var row = 0; row < n; row++)
            {
                shares[(int)(codes[(row * m) + k] - head.First)] += 1.0 / n;
            }

            return choice with { Tilt = TiltOf(logs, shares) };
        })], _values);
    }

    // The tilt under which the mean probabilities are the shares, by iterated scaling; a value that no row holds keeps its probability.
    private static double[] TiltOf(double[][] logs, double[] shares)
    {
        var (tilt, sums) = (new double[shares.Length], new double[shares.Length]);
        var terms = new double[shares.Length];
        for (var round = 0; round < MostScalings; round++)
        {
            Array.Clear(sums);
            foreach (var log in logs)
            {
                var all = 0.0;
                for (var v = 0; v < tilt.Length; v++)
                {
                    terms[v] = Math.Exp(log[v] + tilt[v]);
                    all += terms[v];
                }

                for (var v = 0; v < tilt.Length; v++)
                {
                    sums[v] += terms[v] / all / logs.Length;
                }
            }

            var largest = 0.0;
            for (var v = 0; v < tilt.Length; v++)
            {
                var step = shares[v] > 0 ? Math.Clamp(Math.Log(shares[v] / sums[v]), -1, 1) : 0;
                (tilt[v], largest) = (tilt[v] + step, Math.Max(largest, Math.Abs(step)));
            }

            if (largest < 1e-6)
            {
                break;
            }
        }

        return tilt;
    }

    /// <summary>Numbers of a row that networks see: 1, the conditions that are numbers, the features of all columns.</summary>
    internal static int Inputs(ColumnTypes types) => First(types, types.Discrete.Count);

    /// <summary>Where the features of a column begin: how many numbers the network of its law sees.</summary>
    internal static int First(ColumnTypes types, int column) => 1 + types.Numbers.Count + types.Discrete.Take(column).Sum(t => t.Features);

    /// <summary>The numbers [n, <see cref="Inputs"/>] of rows; a code that is not a number has features 0.</summary>
    internal static float[] Encode(ColumnTypes types, double[] codes, IReadOnlyList<double[]> numbers, int rows)
    {
        var (inputs, m) = (Inputs(types), types.Discrete.Count);
        var result = new float[rows * inputs];
        for (var row = 0; row < rows; row++)
        {
            var to = result.AsSpan(row * inputs, inputs);
            to[0] = 1;
            for (var k = 0; k < numbers.Count; k++)
            {
                types.Numbers[k].Encode(numbers[k][row], to[(1 + k)..]);
            }

            var at = 1 + numbers.Count;
            for (var k = 0; k < m; k++)
            {
                if (!double.IsNaN(codes[(row * m) + k]))
                {
                    types.Discrete[k].Encode(codes[(row * m) + k], to[at..]);
                }

                at += types.Discrete[k].Features;
            }
        }

        return result;
    }

    /// <summary>The numbers that the law of a column is made of, from what stands before it in a row.</summary>
    internal static Expr Network(
        ParameterSet parameters, ParameterInitializer initializer, ColumnTypes types, int column, DiscreteHead head, int depth, Expr row)
    {
        var inputs = First(types, column);
        var options = new PerceptronOptions { Width = Width, Depth = depth, LastBiasScale = null, FirstScale = 1, HiddenScale = 1 };
        var name = FormattableString.Invariant($"discrete.{column}.{head.Family}.{depth}");
        return new Perceptron(parameters, initializer, name, inputs, head.Outputs, options).Apply(row[..inputs]);
    }

    private (double[] Codes, bool[] IsKept) Try(int[] batch, double[] given, IReadOnlyList<double[]> numbers, RandomStream random, Networks networks)
    {
        var (m, inputs) = (_heads.Length, Inputs(Types));
        var (codes, isKept) = (new double[batch.Length * m], new bool[batch.Length]);
        Array.Fill(codes, double.NaN);
        Array.Fill(isKept, true);
        double[][] chosen = [.. numbers.Select(column => Array.ConvertAll(batch, row => column[row]))];
        var rows = Encode(Types, codes, chosen, batch.Length);

        // What is given before anything is drawn is no matter of chance.
        var isDrawn = new bool[batch.Length];
        for (var k = 0; k < m; k++)
        {
            var outputs = networks.Evaluate(k, rows);
            var at = First(Types, k);
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

    // The networks, compiled when they are first needed.
    private sealed class Networks(DiscreteLaw law, int threads) : IDisposable
    {
        private readonly CompiledProgram<float>?[] _compiled = new CompiledProgram<float>?[law._heads.Length];

        public NdArray<float> Evaluate(int column, float[] rows)
        {
            var count = rows.Length / Inputs(law.Types);
            var program = _compiled[column] ??= new CompiledProgram<float>(law._programs[column], new ExecutionOptions { Threads = threads })
            {
                Parameters = law._values,
            };
            program["row"] = NdArray<float>.From(rows, count, Inputs(law.Types));
            program["outputs"] = new NdArray<float>(count, law._heads[column].Outputs);
            program.Run(count);
            return program["outputs"];
        }

        public void Dispose()
        {
            foreach (var program in _compiled)
            {
                program?.Dispose();
            }
        }
    }
}
