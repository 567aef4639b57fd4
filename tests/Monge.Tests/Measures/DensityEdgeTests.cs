using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Tests.Measures;

/// <summary>Densities that are infinite, or have no digits left, at an edge of their support.</summary>
public sealed class DensityEdgeTests
{
    private const double LogPi = 1.1447298858494002;

    public static TheoryData<string, double> OnALine => new()
    {
        { "arcsine", LogPi },

        // log B(0.1, 0.1) = 2 log Gamma(0.1) - log Gamma(0.2).
        { "beta", (2 * 2.252712651734206) - 1.5240638224307843 },
        { "log1p", LogPi },
        { "product", LogPi },
        { "power", LogPi },
        { "root", LogPi },
        { "difference of squares", LogPi },
        { "squares by log1p", LogPi },

        // Gamma(1/2) sqrt(2).
        { "chi-squared", (0.5 * LogPi) + (0.5 * Math.Log(2)) },

        // With shape 1/2 and scale 3, 3 / (1/2).
        { "weibull", Math.Log(6) },
    };

    [Theory]
    [MemberData(nameof(OnALine))]
    public void TheMassInFreeCoordinatesIsExact(string name, double logZ)
    {
        var density = Make(name);
        density.Check();
        const int points = 200_001;
        const double reach = 600;
        var step = 2 * reach / (points - 1);
        var mass = step * density.LogDensityAt([.. Enumerable.Range(0, points).Select(i => -reach + (i * step))]).Sum(Math.Exp);
        Assert.Equal(logZ, Math.Log(mass), 1e-6);
        Assert.All(density.GradientAt([-300, -100, 0, 100, 300]), g => Assert.True(double.IsFinite(g)));
    }

    [Theory]
    [InlineData(0.1, 0)]
    [InlineData(0.5, 0)]
    [InlineData(1, 2)]
    public void SimplicesWithEmptyKindsAreFiniteWhereverTheirMassLies(double prior, double count)
    {
        double[] powers = [3 + prior - 1, count + prior - 1, 5 + prior - 1];
        var density = Density.Create(
            "counts", 3, x => (Expr.Constant(powers, 3) * x.Log()).Sum(), new DensityOptions { Support = [SupportTransform.Simplex(3)] });
        density.Check();
        Assert.All(density.LogDensityAt([0, -200, 0, 60, -50, 50, 300, 0]), v => Assert.True(double.IsFinite(v)));
    }

    [Fact]
    public void AFormulaThatRoundsToTheEdgeIsNotTakenForGrowth()
    {
        // The density of sin^2 of an angle, by its sine: no form of the formula tells the distance to the edge.
        var density = Density.Create(
            "sine", 1, x => -0.5 * (Math.PI * x[0]).Sin().Log(), new DensityOptions { Support = [SupportTransform.Interval(0, 1)] });
        density.Check();
        var unit = new DensityOptions { Support = [SupportTransform.Interval(0, 1)] };
        var growing = Density.Create("growing", 1, x => x[0].Exp() - (0.9 * (-x[0]).Log1p()), unit);
        growing.Check();
        var endless = Density.Create("endless", 1, x => 1 / (1 - x[0]), unit);
        Assert.Contains("'endless' is unbounded above: along ", Assert.Throws<DensityException>(() => endless.Check()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherDensitiesKeepTheirFormulas()
    {
        var density = Density.Create("gamma", 1, x => (1.5 * x[0].Log()) - x[0], new DensityOptions { Support = [SupportTransform.Positive()] });
        double[] at = [0.3, -1.7, 4.1];
        Assert.Equal(at.Select(u => (1.5 * Math.Log(Math.Exp(u))) - Math.Exp(u) + u), density.LogDensityAt(at));
    }

    private static Density Make(string name)
    {
        Density On(SupportTransform support, Func<Expr, Expr> formula) =>
            Density.Create(name, 1, x => formula(x[0]), new DensityOptions { Support = [support] });
        var unit = SupportTransform.Interval(0, 1);
        return name switch
        {
            "arcsine" => On(unit, x => -0.5 * (x.Log() + (1 - x).Log())),
            "beta" => On(unit, x => -0.9 * (x.Log() + (1 - x).Log())),
            "log1p" => On(unit, x => -0.5 * (x.Log() + (-x).Log1p())),
            "product" => On(unit, x => -0.5 * (x * (1 - x)).Log()),
            "power" => On(SupportTransform.Interval(2, 5), x => ((x - 2).Pow(-0.5) * (5 - x).Pow(-0.5)).Log()),
            "root" => On(unit, x => -(x.Sqrt() * (1 - x).Sqrt()).Log()),
            "difference of squares" => On(SupportTransform.Interval(-1, 1), x => -0.5 * (1 - x.Square()).Log()),
            "squares by log1p" => On(SupportTransform.Interval(-1, 1), x => -0.5 * (-x.Square()).Log1p()),
            "chi-squared" => On(SupportTransform.Positive(), x => -0.5 * (x.Log() + x)),
            _ => On(SupportTransform.Positive(), x => (-0.5 * (x / 3).Log()) - (x / 3).Pow(0.5)),
        };
    }
}
