using Monge.Dynamics;

namespace Monge.Tests.Dynamics;

public sealed class ChebyshevOdeTests
{
    // Eigenvalues from -1e-2 to -1e4.
    private static readonly double[] s_rates = [.. Enumerable.Range(0, 13).Select(k => Math.Pow(10, -2 + (k / 2.0)))];

    private static void Decay(double t, ReadOnlySpan<double> y, Span<double> slope)
    {
        for (var i = 0; i < y.Length; i++)
        {
            slope[i] = -s_rates[i] * y[i];
        }
    }

    [Fact]
    public void A_stiff_decay_is_followed_with_few_evaluations()
    {
        var y = s_rates.Select(_ => 1.0).ToArray();
        var ode = new ChebyshevOde(y.Length, Decay);
        ode.Run(y, 0, 100, 1e-7, 0);
        for (var i = 0; i < y.Length; i++)
        {
            Assert.Equal(Math.Exp(-100 * s_rates[i]), y[i], 1e-5);
        }

        // An ordinary method of 4 stages would need 100 * 1e4 / 2.78 * 4 evaluations.
        Assert.InRange(ode.Evaluations, 1, 100_000);
    }

    [Fact]
    public void The_error_falls_with_the_tolerance_as_that_of_a_method_of_order_2_does()
    {
        // The error of a step is of order 3 in the tolerance's terms, so the sum of errors goes with its power 2/3.
        var errors = new[] { 1e-5, 1e-8 }.Select(tolerance =>
        {
            double[] y = [1.0];
            new ChebyshevOde(1, (t, at, slope) => slope[0] = -at[0] * at[0]).Run(y, 0, 3, tolerance, 0);
            return Math.Abs(y[0] - 0.25);
        }).ToArray();
        Assert.InRange(Math.Log(errors[0] / errors[1]) / Math.Log(1e3), 0.5, 0.85);
    }

    [Fact]
    public void Output_and_the_stop_lie_on_the_solution()
    {
        double[] y = [1.0, 1.0];
        var seen = new List<double>();
        var result = new ChebyshevOde(2, (t, at, slope) => (slope[0], slope[1]) = (-at[0], -5 * at[1])).Run(
            y, 0, 10, 1e-9, 0, [0, 0.5, 1, 5], (t, at) => seen.Add(at[0] - Math.Exp(-t)), (t, at) => at[0] - 0.1);
        Assert.Equal(0, result.Event);
        Assert.Equal(Math.Log(10), result.Time, 1e-5);
        Assert.Equal(0.1, y[0], 1e-10);
        Assert.Equal(3, seen.Count);
        Assert.All(seen, difference => Assert.Equal(0, difference, 1e-6));
    }

    [Fact]
    public void A_run_that_goes_down_or_whose_output_is_outside_is_refused()
    {
        var ode = new ChebyshevOde(1, (_, y, slope) => slope[0] = -y[0]);
        Assert.Throws<ArgumentException>(() => ode.Run(new double[1], 1, 0));
        Assert.Throws<ArgumentException>(() => ode.Run(new double[1], 0, 1, times: [2.0]));
        Assert.Throws<ArgumentException>(() => ode.Run(new double[2], 0, 1));
    }
}
