using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Objectives;

namespace Monge.Tests.Objectives;

public class ActionMatchingTests
{
    private const int Times = 400;
    private const int Points = 201;

    // rho_t = N(t, (1 + t)^2) on the line; phi = x + (x - t)^2 / (2 (1 + t)) carries it: phi' = 1 + (s'/s)(x - t).
    private static Expr Exact(Expr x, Expr t) => x[0] + (0.5 * (x[0] - t).Square() / (1 + t));

    private static Expr Other(Expr x, Expr t) => (x[0] + t).Sin() + (0.1 * t * x[0].Square());

    // The loss by quadrature: a fine grid of each rho_t, the midpoint rule in t, and the two ends.
    private static double Loss(double share)
    {
        var rows = (Times + 2) * Points;
        var (x, t) = (Expr.Input("x", 1), Expr.Input("t"));
        var loss = ActionMatching.Loss((y, s) => Exact(y, s) + (share * Other(y, s)), x, t, Expr.Input("weight"), Expr.Input("boundary"));
        using var run = new CompiledProgram<double>(new TracedProgram(null, ("loss", loss.BatchSum())));
        var (positions, times, weights, boundaries) =
            (new NdArray<double>(rows, 1), new NdArray<double>(rows), new NdArray<double>(rows), new NdArray<double>(rows));
        for (var k = 0; k < Times + 2; k++)
        {
            var time = k == 0 ? 0 : k > Times ? 1 : (k - 0.5) / Times;
            for (var j = 0; j < Points; j++)
            {
                var z = 16.0 * (((double)j / (Points - 1)) - 0.5);
                var mass = Math.Exp(-0.5 * z * z) / Math.Sqrt(2 * Math.PI) * 16 / (Points - 1);
                var at = (k * Points) + j;
                (positions[at], times[at]) = (time + ((1 + time) * z), time);
                (weights[at], boundaries[at]) = k == 0 ? (0.0, mass) : k > Times ? (0.0, -mass) : (mass / Times, 0.0);
            }
        }

        (run["x"], run["t"], run["weight"], run["boundary"]) = (positions, times, weights, boundaries);
        run.Run(rows);
        return run["loss"][0];
    }

    [Fact]
    public void TheExactPotentialIsTheMinimum()
    {
        const double step = 0.5;
        var (below, at, above) = (Loss(-step), Loss(0), Loss(step));
        Assert.Equal(0, (above - below) / (2 * step), 1e-5);

        // The second difference is the integral of E_t |grad of the change|^2, here cos(x + t) + 0.2 t x; it is quadratic in the step.
        var curvature = (above + below - (2 * at)) / (step * step);
        var expected = 0.0;
        for (var k = 0; k < Times; k++)
        {
            var time = (k + 0.5) / Times;
            for (var j = 0; j < Points; j++)
            {
                var z = 16.0 * (((double)j / (Points - 1)) - 0.5);
                var x = time + ((1 + time) * z);
                expected += Math.Exp(-0.5 * z * z) / Math.Sqrt(2 * Math.PI) * 16 / (Points - 1) / Times * Math.Pow(Math.Cos(x + time) + (0.2 * time * x), 2);
            }
        }

        Assert.Equal(expected, curvature, 1e-8);
    }
}
