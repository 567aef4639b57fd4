using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Programs;

public sealed class SubstitutionTests
{
    private static double Evaluate(Expr value, double u) =>
        ReferenceInterpreter.Evaluate(new TracedProgram(null, ("value", value)), 1, new Dictionary<string, double[]> { ["u"] = [u] }, [])["value"][0];

    // log(a x + b) for x = 1 / (1 + exp(-u)) where it is the distance to 0 or to 1.
    private static Expr? LogDistance(Expr u, double slope, double offset) =>
        slope > 0 && offset == 0 ? Math.Log(slope) - (-u).Softplus() : slope < 0 && slope + offset == 0 ? Math.Log(-slope) - u.Softplus() : null;

    [Fact]
    public void LogarithmsRootsAndPowersOfDistancesKeepTheirDigits()
    {
        var (x, u) = (Expr.Input("x", 1), Expr.Input("u", 1));
        (Expr Formula, Func<double, double> Exact)[] cases =
        [
            ((1 - x[0]).Log(), v => -v), ((-x[0]).Log1p(), v => -v), ((2 - (2 * x[0])).Log(), v => Math.Log(2) - v), ((1 - x[0]).Sqrt().Log(), v => -0.5 * v),
            ((0.25 - (x[0] - 0.5).Square()).Log(), v => -v), ((1 - (4 * (x[0] - 0.5).Square())).Log(), v => Math.Log(4) - v),
            ((1 - x[0]).Pow(0.3), v => Math.Exp(-0.3 * v)), ((x[0] * (1 - x[0])).Log(), v => -v), (1 - x[0], v => Math.Exp(-v)),
        ];
        foreach (var (formula, exact) in cases)
        {
            var (value, changed) = Substitution.Replace(formula, x, u.Sigmoid(), (_, slope, offset) => LogDistance(u, slope, offset));
            Assert.True(changed);
            Assert.Equal(1, Evaluate(value, 60) / exact(60), 1e-12);
        }
    }

    [Fact]
    public void OtherFormulasAreOnlyPutTogether()
    {
        var (x, u) = (Expr.Input("x", 1), Expr.Input("u", 1));
        var formula = (2 - x[0]).Log() + x[0].Square();
        var (value, changed) = Substitution.Replace(formula, x, u.Sigmoid(), (_, slope, offset) => LogDistance(u, slope, offset));
        Assert.False(changed);
        Assert.Equal(Evaluate((2 - u.Sigmoid()[0]).Log() + u.Sigmoid()[0].Square(), 0.7), Evaluate(value, 0.7));
    }
}
