using Monge.Diagnostics;
using Monge.Engine.Random;

namespace Monge.Tests.Diagnostics;

public sealed class PowerLawTests
{
    private static readonly double[] s_widths = [64, 128, 256, 512];

    [Fact]
    public void An_exact_power_is_found()
    {
        var fit = PowerLaw.Fit(s_widths, [.. s_widths.Select(x => 3 * Math.Pow(x, -1.25))]);
        Assert.Equal(-1.25, fit.Exponent, 1e-12);
        Assert.Equal(Math.Log(3), fit.LogConstant, 1e-11);
        Assert.True(double.IsNaN(fit.Lower));
    }

    [Fact]
    public void The_interval_of_repeats_holds_the_exponent_about_as_often_as_it_says()
    {
        // Twenty log-normal repeats at each width: of 200 intervals at least 86 % hold -1, as a bootstrap of twenty is a little short.
        var random = new RandomStream(1, StreamName.Of("tests: power laws"));
        var held = 0;
        for (var trial = 0; trial < 200; trial++)
        {
            var fit = PowerLaw.Fit(s_widths, [.. s_widths.Select(x => (IReadOnlyList<double>)[.. Enumerable.Range(0, 20).Select(_ =>
                Math.Exp(0.5 * random.NextNormal()) / x)])]);
            held += fit.Lower <= -1 && fit.Upper >= -1 ? 1 : 0;
        }

        Assert.InRange(held, 172, 200);
    }

    [Fact]
    public void Too_few_widths_and_values_that_have_no_logarithm_are_told()
    {
        Assert.Contains("two or more different x", Assert.Throws<ArgumentException>(() => PowerLaw.Fit([64, 64], [1, 2])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PowerLaw.Fit([1, 2], [1, 0.0]));
        Assert.Throws<ArgumentException>(() => PowerLaw.Fit([1, 2], [1.0]));
    }
}
