using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>A curve of weights a(t) in the simplex, t from 0 to 1 (arXiv:2310.03695, section 3.2).</summary>
/// <param name="count">The number of vertices K + 1.</param>
/// <param name="weights">a(t) [K + 1] of a scalar time: not negative, of sum 1.</param>
public sealed class SimplexPath(int count, Func<Expr, Expr> weights)
{
    /// <summary>The number of vertices.</summary>
    public int Count { get; } = count;

    /// <summary>a(t) [K + 1].</summary>
    public Expr Weights(Expr t) => weights(t);

    /// <summary>da/dt [K + 1].</summary>
    public Expr Rates(Expr t)
    {
        var all = weights(t);
        return Expr.Vector([.. Enumerable.Range(0, Count).Select(k => InterpolantSchedule.Rate(s => ReferenceEquals(s, t) ? all[k] : weights(s)[k], t))]);
    }

    /// <summary>The straight edge from a vertex to another.</summary>
    /// <param name="count">The number of vertices.</param>
    /// <param name="from">The first vertex.</param>
    /// <param name="to">The last vertex.</param>
    public static SimplexPath Edge(int count, int from, int to)
    {
        CheckVertices(count, from, to);
        Expr Unit(int at) => Expr.Constant([.. Enumerable.Range(0, count).Select(k => k == at ? 1.0 : 0.0)], count);
        return new SimplexPath(count, t => ((1 - t) * Unit(from)) + (t * Unit(to)));
    }

    /// <summary>The same curve on another clock.</summary>
    /// <param name="clock">tau(t), rising from 0 to 1.</param>
    public SimplexPath OnClock(Func<Expr, Expr> clock) => new(Count, t => Weights(clock(t)));

    /// <summary>
    /// A path with coefficients to be optimised, positive inside and leaving its ends at a finite speed. The two ends share 1 as v and 1 - v, v the sigmoid of
    /// a gain times log(t / (1 - t)) plus a sine series; each other vertex gets t (1 - t) times the exponential of a cosine series, plus a multiple of v (1 -
    /// v), which follows a quick exchange of the ends; and all are divided by their sum. There are <see cref="CoefficientCount"/> coefficients.
    /// </summary>
    /// <param name="parameters">Receives the coefficients, which start at 0.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">Their name.</param>
    /// <param name="count">The number of vertices.</param>
    /// <param name="from">The first vertex.</param>
    /// <param name="to">The last vertex.</param>
    /// <param name="modes">Coefficients of a cosine series, the constant included; at least 1.</param>
    public static SimplexPath Parametrised(ParameterSet parameters, ParameterInitializer initializer, string name, int count, int from, int to, int modes)
    {
        CheckVertices(count, from, to);
        ArgumentOutOfRangeException.ThrowIfLessThan(modes, 1);
        var coefficients = initializer.Add(parameters, name, 0, CoefficientCount(count, modes));
        return new SimplexPath(count, t => Shares(count, from, to, modes, coefficients, t));
    }

    /// <summary>The path of <see cref="Parametrised"/> with the coefficients' values put in.</summary>
    /// <param name="count">The number of vertices.</param>
    /// <param name="from">The first vertex.</param>
    /// <param name="to">The last vertex.</param>
    /// <param name="modes">Coefficients of a cosine series.</param>
    /// <param name="values">The coefficients.</param>
    /// <exception cref="ArgumentException">Their number is not <see cref="CoefficientCount"/>.</exception>
    public static SimplexPath WithValues(int count, int from, int to, int modes, double[] values)
    {
        CheckVertices(count, from, to);
        return values.Length == CoefficientCount(count, modes)
            ? new SimplexPath(count, t => Shares(count, from, to, modes, Expr.Constant(values, values.Length), t))
            : throw new ArgumentException(
                $"A path of {modes} modes between {count} vertices has {CoefficientCount(count, modes)} coefficients, but there are {values.Length}.",
                nameof(values));
    }

    /// <summary>
    /// The number of coefficients of <see cref="Parametrised"/>: modes - 1 for the ends (the gain and a sine series), modes + 1 for each other vertex.
    /// </summary>
    /// <param name="count">The number of vertices.</param>
    /// <param name="modes">Coefficients of a cosine series.</param>
    public static int CoefficientCount(int count, int modes) => Math.Max(1, modes - 1) + ((count - 2) * (modes + 1));

    private static Expr Shares(int count, int from, int to, int modes, Expr coefficients, Expr t)
    {
        var sines = Math.Max(1, modes - 1) - 1;

        // Finite also at the ends, so that no gradient multiplies 0 by infinity.
        const double Least = 1e-30;
        var logit = coefficients[0].Exp() * (t.Clamp(Least, 1).Log() - (1 - t).Clamp(Least, 1).Log());
        for (var m = 1; m <= sines; m++)
        {
            logit += coefficients[m] * (Math.PI * m * t).Sin();
        }

        var (arrived, left) = (logit.Sigmoid(), (-logit).Sigmoid());
        var shares = new Expr[count];
        var next = sines + 1;
        for (var k = 0; k < count; k++)
        {
            if (k == from || k == to)
            {
                shares[k] = k == to ? arrived : left;
                continue;
            }

            var exponent = coefficients[next];
            for (var m = 1; m < modes; m++)
            {
                exponent += coefficients[next + m] * (Math.PI * m * t).Cos();
            }

            shares[k] = (t * (1 - t) * exponent.Exp()) + (coefficients[next + modes].Exp() * arrived * left);
            next += modes + 1;
        }

        var all = Expr.Vector(shares);
        return all / all.Sum();
    }

    private static void CheckVertices(int count, int from, int to)
    {
        if (count < 2 || from < 0 || to < 0 || from >= count || to >= count || from == to)
        {
            throw new ArgumentException($"A path in a simplex of {count} vertices can't lead from vertex {from} to vertex {to}.", nameof(to));
        }
    }
}
