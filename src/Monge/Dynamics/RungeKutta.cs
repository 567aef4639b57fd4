using Monge.Engine.Programs;

namespace Monge.Dynamics;

/// <summary>One step of an explicit Runge-Kutta method, traced.</summary>
public static class RungeKutta
{
    /// <summary>Traces a step of a system of several values.</summary>
    /// <param name="tableau">The method.</param>
    /// <param name="slope">The slopes of all values at given values and a time.</param>
    /// <param name="values">The values at t.</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="h">The step, a scalar.</param>
    /// <returns>The values at t + h, and the difference to the embedded method's (null if the tableau has none).</returns>
    public static (Expr[] Next, Expr[]? Error) Step(RungeKuttaTableau tableau, Func<Expr[], Expr, Expr[]> slope, Expr[] values, Expr t, Expr h)
    {
        var slopes = new Expr[tableau.Weights.Length][];
        for (var stage = 0; stage < slopes.Length; stage++)
        {
            var at = stage == 0 ? values : [.. values.Zip(Combine(slopes, tableau.Stages[stage]), (v, s) => v + (h * s))];
            slopes[stage] = slope(at, tableau.Nodes[stage] == 0 ? t : t + (tableau.Nodes[stage] * h));
        }

        Expr[] next = [.. values.Zip(Combine(slopes, tableau.Weights), (v, s) => v + (h * s))];
        return (next, tableau.ErrorWeights is { } weights ? [.. Combine(slopes, weights).Select(s => h * s)] : null);
    }

    private static Expr[] Combine(Expr[][] slopes, double[] weights)
    {
        var sums = new Expr[slopes[0].Length];
        for (var v = 0; v < sums.Length; v++)
        {
            Expr sum = 0;
            for (var j = 0; j < weights.Length; j++)
            {
                if (weights[j] != 0)
                {
                    sum += weights[j] * slopes[j][v];
                }
            }

            sums[v] = sum;
        }

        return sums;
    }
}
