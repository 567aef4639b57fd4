using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Dynamics;

/// <summary>
/// The probability flow dX/dt = v(X, t) = b - D s with a given score s, in double precision, and what it does on the way to the log density and the score g
/// of the law that it moves:
/// <code>
/// d log rho / dt = -div v,     dg / dt = -grad (div v + g . v), g held fixed                                                                          (1)
/// </code>
/// </summary>
internal sealed class ScoreFlow : IDisposable
{
    // Particles of a call.
    private const int Block = 4096;

    private readonly EvolutionProblem _problem;
    private readonly CompiledProgram<double> _program;
    private readonly NdArray<double> _time = new();
    private readonly int _parts;

    /// <summary>Compiles the flow.</summary>
    /// <param name="problem">The evolution.</param>
    /// <param name="options">How the score's network is built.</param>
    /// <param name="follows">What is followed beside positions.</param>
    /// <param name="execution">How to execute.</param>
    public ScoreFlow(EvolutionProblem problem, ScoreNetworkOptions options, Follows follows, ExecutionOptions execution)
    {
        var (d, parameters) = (problem.Dimension, new ParameterSet());
        var network = new ScoreNetwork(parameters, new ParameterInitializer(), "score", d, options);
        var x = Expr.Input("x", d);
        var t = Expr.Shared("t");
        var drift = problem.Drift(x, t);
        var score = network.Apply(x, ScoreInputs.Shared(d, t) with { Drift = drift });
        var velocity = drift - (problem.Diffusion.Scalar is { } eps
            ? eps * score
            : Expr.MatrixProduct(Expr.Constant([.. problem.Diffusion.Matrix], d, d), score));
        List<(string Name, Expr Value)> rates = [("velocity", velocity)];
        if (follows >= Follows.Density)
        {
            rates.Add(("logRate", -Derivative.Divergence(velocity, x)));
        }

        if (follows == Follows.Score)
        {
            var g = Expr.Input("g", d);
            rates.Add(("scoreRate", -Derivative.Gradient(Derivative.Divergence(velocity, x) + Expr.Dot(g, velocity), x)));
        }

        (_problem, _parts) = (problem, rates.Count);
        rates.Add(("score", score));
        _program = new CompiledProgram<double>(new TracedProgram(parameters, [.. rates]), execution) { Parameters = new NdArray<double>(parameters.Count) };
        foreach (var (name, value) in rates)
        {
            _program[name] = NdArray<double>.ForSamples(Block, value.Shape);
        }

        _program.BindIfUsed("x", new NdArray<double>(Block, d));
        _program.BindIfUsed("g", new NdArray<double>(Block, d));
        _program.BindIfUsed("t", _time);
    }

    /// <summary>What is followed beside positions.</summary>
    public enum Follows
    {
        /// <summary>Nothing.</summary>
        Positions,

        /// <summary>The log density.</summary>
        Density,

        /// <summary>The log density and the score.</summary>
        Score,
    }

    /// <summary>Takes another score.</summary>
    /// <param name="parameters">The network's parameters [P].</param>
    /// <param name="mean">The mean m [d] it goes by.</param>
    /// <param name="whitener">The whitener W [d * d] it goes by.</param>
    /// <param name="offset">The affine part's c [d]; empty where there is none.</param>
    /// <param name="slope">The affine part's K [d * d]; empty where there is none.</param>
    public void Use(
        ReadOnlySpan<float> parameters,
        ReadOnlySpan<double> mean,
        ReadOnlySpan<double> whitener,
        ReadOnlySpan<double> offset,
        ReadOnlySpan<double> slope)
    {
        var values = _program.Parameters.Span;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = parameters[i];
        }

        mean.CopyTo(_program["mean"].Span);
        whitener.CopyTo(_program["whitener"].Span);
        if (!offset.IsEmpty)
        {
            offset.CopyTo(_program["offset"].Span);
            slope.CopyTo(_program["slope"].Span);
        }
    }

    /// <summary>The rates of particles by the score in use.</summary>
    /// <param name="at">The particles.</param>
    /// <param name="t">The time.</param>
    /// <param name="rates">Receives the rates of all that is followed.</param>
    /// <param name="learned">Receives the score in use at the particles [n * d]; null for not needed.</param>
    public void Rates(Particles at, double t, Particles rates, double[]? learned = null)
    {
        var d = _problem.Dimension;
        var n = at.Positions.Length / d;
        _time[0] = t;
        for (var first = 0; first < n; first += Block)
        {
            var count = Math.Min(Block, n - first);
            at.Positions.AsSpan(first * d, count * d).CopyTo(_program["x"].Span);
            if (_parts > 2)
            {
                at.Scores.AsSpan(first * d, count * d).CopyTo(_program["g"].Span);
            }

            _program.Run(count);
            _program["velocity"].Span[..(count * d)].CopyTo(rates.Positions.AsSpan(first * d));
            if (learned is not null)
            {
                _program["score"].Span[..(count * d)].CopyTo(learned.AsSpan(first * d));
            }

            if (_parts > 1)
            {
                _program["logRate"].Span[..count].CopyTo(rates.Logs.AsSpan(first));
            }

            if (_parts > 2)
            {
                _program["scoreRate"].Span[..(count * d)].CopyTo(rates.Scores.AsSpan(first * d));
            }
        }
    }

    /// <summary>The score in use at points [n * d] and a time.</summary>
    public void Scores(ReadOnlySpan<double> points, double time, Span<double> scores)
    {
        var d = _problem.Dimension;
        _time[0] = time;
        for (var first = 0; first < points.Length; first += Block * d)
        {
            var size = Math.Min(Block * d, points.Length - first);
            points.Slice(first, size).CopyTo(_program["x"].Span);
            _program.Run(size / d);
            _program["score"].Span[..size].CopyTo(scores[first..]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _program.Dispose();

    /// <summary>Particles, or their rates.</summary>
    /// <param name="Positions">Positions [n * d].</param>
    /// <param name="Logs">Log densities [n]; empty where they aren't followed.</param>
    /// <param name="Scores">Scores [n * d]; empty where they aren't followed.</param>
    public sealed record Particles(double[] Positions, double[] Logs, double[] Scores)
    {
        /// <summary>As many particles, all zero.</summary>
        public Particles Like() => new(new double[Positions.Length], new double[Logs.Length], new double[Scores.Length]);

        /// <summary>Becomes start + first a + second b.</summary>
        public void Set(Particles start, double first, Particles a, double second, Particles b)
        {
            Combine(Positions, start.Positions, first, a.Positions, second, b.Positions);
            Combine(Logs, start.Logs, first, a.Logs, second, b.Logs);
            Combine(Scores, start.Scores, first, a.Scores, second, b.Scores);
        }

        /// <summary>The number of the first particle of which something is not finite; -1 for none.</summary>
        public int Lost(int d)
        {
            for (var i = 0; i < Positions.Length; i++)
            {
                if (!double.IsFinite(Positions[i]) || (Logs.Length > 0 && !double.IsFinite(Logs[i / d])) || (Scores.Length > 0 && !double.IsFinite(Scores[i])))
                {
                    return i / d;
                }
            }

            return -1;
        }

        private static void Combine(double[] to, double[] start, double first, double[] a, double second, double[] b)
        {
            for (var i = 0; i < to.Length; i++)
            {
                to[i] = start[i] + (first * a[i]) + (second * b[i]);
            }
        }
    }
}
