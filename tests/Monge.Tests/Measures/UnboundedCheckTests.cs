using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Tests.Measures;

public class UnboundedCheckTests
{
    private static Density Make(Func<Expr, Expr> formula, int dimension = 2) => Density.Create("own", dimension, formula);

    [Fact]
    public void GrowthAlongAnyRayIsTold()
    {
        Func<Expr, Expr>[] formulas = [x => x.SquaredNorm(), x => x[0].Square() - x[1].Square(), x => (-0.5 * x[0].Square()) - x[1],
            x => (1 + x[0].Square()).Log() - x[1].Square(), x => x[0] * x[1]];
        foreach (var formula in formulas)
        {
            var error = Assert.Throws<DensityException>(() => UnboundedCheck.Run(Make(formula)));
            Assert.Contains("'own' is unbounded above: along ", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ProperDensitiesPassWhereverTheyLieAndHoweverSlowlyTheyFall()
    {
        Func<Expr, Expr>[] formulas =
        [
            x => -0.5 * (x - 1e6).SquaredNorm(),
            x => -(1 + x.Square()).Log().Sum(),
            x => (-0.5 * x[0].Square() / 9) - (0.5 * x[1].Square() * (-x[0]).Exp()) - (0.5 * x[0]),
            x => -(x.Square() - 4).Square().Sum(),
        ];
        foreach (var formula in formulas)
        {
            UnboundedCheck.Run(Make(formula));
        }
    }
}
