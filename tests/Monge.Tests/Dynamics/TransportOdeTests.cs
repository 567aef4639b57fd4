using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Tests.Dynamics;

public class TransportOdeTests
{
    public static TheoryData<string> FixedMethods => ["heun", "rk4", "dopri", "tsit"];

    private static RungeKuttaTableau Tableau(string name) => name switch
    {
        "heun" => RungeKuttaTableau.Heun,
        "rk4" => RungeKuttaTableau.RungeKutta4,
        "dopri" => RungeKuttaTableau.DormandPrince54,
        _ => RungeKuttaTableau.Tsitouras54,
    };

    // dx/dt = (1 + t) x^2 has x(1) = 1 / (1/x0 - 3/2), and int div b = int 2 (1 + t) x dt = -2 log(1 - 3 x0 / 2).
    private static Expr Drift(Expr x, Expr t) => (1 + t) * x.Square();

    private static NdArray<double> Start => NdArray<double>.From([0.3, -0.4, 0.1], 3, 1);

    private static (double Position, double Divergence) Exact(double x0) => (1 / ((1 / x0) - 1.5), -2 * Math.Log(1 - (1.5 * x0)));

    private static double LargestError(NdArray<double> positions, NdArray<double> divergence)
    {
        var error = 0.0;
        for (var i = 0; i < 3; i++)
        {
            var (x, d) = Exact(Start[i]);
            error = Math.Max(error, Math.Max(Math.Abs(positions[i] - x), Math.Abs(divergence[i] - d)));
        }

        return error;
    }

    [Theory]
    [MemberData(nameof(FixedMethods))]
    public void PositionAndLogDensityConvergeAtTheOrderOfTheMethod(string name)
    {
        var tableau = Tableau(name);
        using var ode = new TransportOde<double>(null, new FormulaField(1, Drift), tableau);
        var coarse = ode.Run(null, Start, 12);
        var fine = ode.Run(null, Start, 24);
        var order = Math.Log2(LargestError(coarse.Positions, coarse.Divergence) / LargestError(fine.Positions, fine.Divergence));
        Assert.InRange(order, tableau.Order - 0.35, tableau.Order + 0.8);
    }

    [Theory]
    [MemberData(nameof(FixedMethods))]
    public void TableausSatisfyTheirConsistencyConditions(string name)
    {
        var tableau = Tableau(name);
        Assert.Equal(1, tableau.Weights.Sum(), 13);
        Assert.Equal(0.5, tableau.Weights.Zip(tableau.Nodes, (b, c) => b * c).Sum(), 13);
        for (var i = 0; i < tableau.Nodes.Length; i++)
        {
            Assert.Equal(tableau.Nodes[i], tableau.Stages[i].Sum(), 13);
        }

        if (tableau.ErrorWeights is { } error)
        {
            Assert.Equal(0, error.Sum(), 13);
        }
    }

    [Theory]
    [InlineData("dopri")]
    [InlineData("tsit")]
    public void AdaptiveStepsReachTheirTolerance(string name)
    {
        var errors = new double[2];
        var steps = new int[2];
        for (var k = 0; k < 2; k++)
        {
            var tolerance = k == 0 ? 1e-5 : 1e-8;
            using var ode = new TransportOde<double>(null, new FormulaField(1, Drift), Tableau(name));
            var (positions, divergence) = ode.RunAdaptive(null, Start, absolute: tolerance, relative: tolerance);
            errors[k] = LargestError(positions, divergence);
            steps[k] = ode.Accepted;
            Assert.True(errors[k] < 30 * tolerance, $"error {errors[k]} at tolerance {tolerance}");
        }

        Assert.True(steps[1] > steps[0]);
    }

    [Fact]
    public void ExplodingDriftIsReported()
    {
        // x' = 5 x^2 from 1 is infinite at t = 0.2.
        using var ode = new TransportOde<double>(null, new FormulaField(1, (x, _) => 5 * x.Square()), RungeKuttaTableau.DormandPrince54);
        var error = Assert.Throws<ArithmeticException>(() => ode.RunAdaptive(null, NdArray<double>.From([1.0], 1, 1), maximumSteps: 2000));
        Assert.Contains("t = 0.2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AdaptiveNeedsAnEmbeddedMethod()
    {
        using var ode = new TransportOde<double>(null, new FormulaField(1, Drift), RungeKuttaTableau.RungeKutta4);
        Assert.Throws<InvalidOperationException>(() => ode.RunAdaptive(null, Start));
    }
}
