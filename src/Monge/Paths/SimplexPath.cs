using Monge.Engine.Programs;
using Monge.Fields;

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
    /// A path with coefficients to be optimised. The weights are proportional to 1 - t (first vertex), t (last) and t (1 - t) (the others), each but the last times the
    /// exponential of a cosine series: positive inside, and leaving its ends at a finite speed.
    /// </summary>
    /// <param name="parameters">Receives the coefficients, which start at 0.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">Their name.</param>
    /// <param name="count">The number of vertices.</param>
    /// <param name="from">The first vertex.</param>
    /// <param name="to">The last vertex.</param>
    /// <param name="modes">Coefficients of a series, the constant included.</param>
    public static SimplexPath Parametrised(ParameterSet parameters, ParameterInitializer initializer, string name, int count, int from, int to, int modes)
    {
        CheckVertices(count, from, to);
        ArgumentOutOfRangeException.ThrowIfLessThan(modes, 1);
        var coefficients = initializer.Add(parameters, name, 0, count - 1, modes);
        return new SimplexPath(count, t => Shares(count, from, to, modes, row => coefficients[row], t));
    }

    /// <summary>The path of <see cref="Parametrised"/> with the coefficients' values put in.</summary>
    /// <param name="count">The number of vertices.</param>
    /// <param name="from">The first vertex.</param>
    /// <param name="to">The last vertex.</param>
    /// <param name="values">The coefficients [count - 1, modes], row-major.</param>
    public static SimplexPath WithValues(int count, int from, int to, double[] values)
    {
        CheckVertices(count, from, to);
        var modes = values.Length / (count - 1);
        return new SimplexPath(count, t => Shares(count, from, to, modes, row => Expr.Constant(values[(row * modes)..((row + 1) * modes)], modes), t));
    }

    private static Expr Shares(int count, int from, int to, int modes, Func<int, Expr> series, Expr t)
    {
        var waves = (Expr.Constant([.. Enumerable.Range(0, modes).Select(m => Math.PI * m)], modes) * t).Cos();
        var shares = new Expr[count];
        var row = 0;
        for (var k = 0; k < count; k++)
        {
            var ramp = k == from ? 1 - t : k == to ? t : t * (1 - t);
            shares[k] = k == to ? ramp : ramp * Expr.Dot(series(row++), waves).Exp();
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
