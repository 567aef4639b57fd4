using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Tests.Measures;

/// <summary>Densities without a finite integral are told from those whose integral is just finite.</summary>
public sealed class IntegralCheckTests
{
    private static readonly double[] s_answers = [1, 0, 1, 1];

    public static TheoryData<string> Improper => ["ridge", "flat", "heavy", "plateau", "differences", "just-heavy", "heavy-plane", "no-prior", "one-sided",
        "separated", "scale", "quartic-ridge"];

    public static TheoryData<string> Proper => ["cauchy", "just-light", "light-plane", "cauchies", "narrowing", "wall", "plane-wall", "deep-plateau", "wide",
        "log-normal", "half-cauchy", "mixture", "far-plateau"];

    [Theory]
    [MemberData(nameof(Improper))]
    public void DensitiesWithoutAFiniteIntegralAreNamedAsSuch(string name)
    {
        var error = Assert.Throws<DensityException>(() => Make(name).Check());
        Assert.StartsWith($"The density '{name}' seems to have no finite integral: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("does every coordinate have a prior?", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Proper))]
    public void DensitiesWhoseIntegralIsJustFinitePass(string name) => IntegralCheck.Run(Make(name), new double[Make(name).Dimension]);

    [Fact]
    public void TheDirectionOfARidgeIsTold()
    {
        var error = Assert.Throws<DensityException>(() => Make("ridge").Check());
        Assert.Contains("x[0] downwards with x[1] upwards", error.Message, StringComparison.Ordinal);
        Assert.Contains("along x[1] upwards", Assert.Throws<DensityException>(() => Make("no-prior").Check()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryTargetOfTheLibraryPasses()
    {
        foreach (var entry in TargetTests.Searched.Where(e => e.Dimension <= 64))
        {
            var density = entry.Create();
            density.Check();
            IntegralCheck.Run(density, new double[density.Dimension]);
        }
    }

    private static Density Make(string name)
    {
        Density Real(int dimension, Func<Expr, Expr> formula) => Density.Create(name, dimension, formula);
        Density Positive(Func<Expr, Expr> formula) => Density.Create(name, 1, formula, new DensityOptions { Support = [SupportTransform.Positive()] });
        return name switch
        {
            "ridge" => Real(2, x => -0.5 * (x[0] + x[1]).Square()),
            "flat" => Real(1, x => 0 * x[0]),
            "heavy" => Real(1, x => -0.45 * (1 + x[0].Square()).Log()),
            "plateau" => Real(2, x => Expr.Select(x.SquaredNorm().Less(1), 1, 0)),
            "differences" => Real(3, x => -(x[1] - x[0]).Square() - (x[2] - x[1]).Square()),
            "just-heavy" => Real(1, x => -0.5 * (1 + x[0].Square()).Log()),
            "heavy-plane" => Real(2, x => -0.95 * (1 + x.SquaredNorm()).Log()),
            "no-prior" => Real(3, x => -x[0].Square() - x[2].Square()),
            "one-sided" => Real(1, x => -(-x[0]).Softplus()),

            // The answers of a logistic regression that a line separates, without a prior.
            "separated" => Real(2, x => -(Expr.Constant(s_answers, 4) * (-(x[0] + (x[1] * Expr.Constant([1, -2, 2, 3], 4)))).Softplus()).Sum()
                - ((1 - Expr.Constant(s_answers, 4)) * (x[0] + (x[1] * Expr.Constant([1, -2, 2, 3], 4))).Softplus()).Sum()),
            "scale" => Positive(x => -x[0].Log()),
            "quartic-ridge" => Real(2, x => -(x[0] - (2 * x[1])).Square().Square()),
            "cauchy" => Real(1, x => -(1 + x[0].Square()).Log()),
            "just-light" => Real(1, x => -0.51 * (1 + x[0].Square()).Log()),
            "light-plane" => Real(2, x => -1.05 * (1 + x.SquaredNorm()).Log()),
            "cauchies" => Real(6, x => -(1 + x.Square()).Log().Sum()),

            // Constant along the second coordinate at one place only.
            "narrowing" => Real(2, x => -0.5 * (x[0] * (1 + x[1].Square())).Square()),
            "wall" => Real(1, x => Expr.Select(x[0].Abs().Less(1), 0, double.NegativeInfinity)),
            "plane-wall" => Real(2, x => Expr.Select((x[0] + x[1]).Less(1), -0.5 * x.SquaredNorm(), -1e300)),
            // The plateau lies e^-2000 below the mode, but above the density at the origin, which is e^-4900 times that of the mode.
            "far-plateau" => Real(2, x => Expr.Stack(0, -0.5 * (x - 70).SquaredNorm(), -2000 - (1e-30 * x.SquaredNorm())).LogSumExp()),
            "deep-plateau" => Real(2, x => Expr.Select(x.SquaredNorm().Less(1), 0, -1e5)),
            "wide" => Real(2, x => -0.5 * (x / 1e7).SquaredNorm()),
            "log-normal" => Positive(x => -x[0].Log() - (0.5 * x[0].Log().Square())),
            "half-cauchy" => Positive(x => -(x[0] / 2.5).Square().Log1p()),
            _ => Real(1, x => Expr.Vector(-0.5 * (x[0] - 300).Square(), -0.5 * (x[0] + 300).Square()).LogSumExp()),
        };
    }
}
