using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Programs;

/// <summary>Derivative rules against central finite differences of the interpreter, and against each other, on random smooth programs.</summary>
public sealed class DerivativeTests
{
    private const double Step = 1e-5;
    private const int Programs = 150;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 4)];

    private static double[] Evaluate(RandomPrograms random, Expr value, Dictionary<string, double[]> inputs, double[] parameters) =>
        ReferenceInterpreter.Evaluate(new TracedProgram(random.Parameters, ("value", value)), 1, inputs, parameters)["value"];

    private static double[] Difference(
        RandomPrograms random, Expr value, Dictionary<string, double[]> inputs, double[] parameters, string name, double[] direction)
    {
        double[] Moved(double h)
        {
            var moved = new Dictionary<string, double[]>(inputs) { [name] = [.. inputs[name].Select((v, i) => v + (h * direction[i]))] };
            return Evaluate(random, value, moved, parameters);
        }

        var (up, down) = (Moved(Step), Moved(-Step));
        return [.. up.Select((v, i) => (v - down[i]) / (2 * Step))];
    }

    private static void Agree(double[] expected, double[] actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        var scale = Math.Max(1, expected.Max(Math.Abs));
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * scale, $"{what}[{i}]: {actual[i]} instead of {expected[i]}");
        }
    }

    private static double[] Unit(int n, int i) => [.. Enumerable.Range(0, n).Select(j => j == i ? 1.0 : 0.0)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void FirstDerivativesAgreeWithFiniteDifferences(int batch)
    {
        for (var k = 0; k < Programs; k++)
        {
            var random = new RandomPrograms((ulong)(10_000 + (batch * Programs) + k), smooth: true);
            var (u, x, d) = (random.Scalar(), random.X, random.Dimension);
            var field = random.Field();
            var (inputs, parameters) = random.Values(1);
            var gradient = Evaluate(random, Derivative.Gradient(u, x), inputs, parameters);
            var jacobian = Evaluate(random, Derivative.Jacobian(field, x), inputs, parameters);
            double divergence = 0;
            for (var i = 0; i < d; i++)
            {
                Agree(Difference(random, u, inputs, parameters, "x", Unit(d, i)), [gradient[i]], 1e-6, $"program {k}, gradient {i}");
                var column = Difference(random, field, inputs, parameters, "x", Unit(d, i));
                Agree(column, [.. Enumerable.Range(0, d).Select(j => jacobian[(j * d) + i])], 1e-6, $"program {k}, Jacobian column {i}");
                divergence += jacobian[(i * d) + i];
            }

            Agree([divergence], Evaluate(random, Derivative.Divergence(field, x), inputs, parameters), 1e-12, $"program {k}, divergence");
            var v = random.Values(1).Inputs["x"];
            var direction = Expr.Constant(v, d);
            Agree(
                Difference(random, field, inputs, parameters, "x", v),
                Evaluate(random, Derivative.JacobianVector(field, x, direction), inputs, parameters), 1e-6, $"program {k}, Jacobian-vector product");
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void SecondAndThirdDerivativesAgreeWithFiniteDifferences(int batch)
    {
        for (var k = 0; k < Programs / 3; k++)
        {
            var random = new RandomPrograms((ulong)(20_000 + (batch * Programs) + k), smooth: true);
            var (u, x, d) = (random.Scalar(), random.X, random.Dimension);
            var (inputs, parameters) = random.Values(1);
            var hessian = Evaluate(random, Derivative.Hessian(u, x), inputs, parameters);
            var gradient = Derivative.Gradient(u, x);
            var pass = Derivative.Laplacian(u, x);
            for (var i = 0; i < d; i++)
            {
                Agree(
                    Difference(random, gradient, inputs, parameters, "x", Unit(d, i)), [.. hessian.Skip(i * d).Take(d)], 1e-5, $"program {k}, Hessian row {i}");
            }

            Agree([Enumerable.Range(0, d).Sum(i => hessian[i * (d + 1)])], Evaluate(random, pass.Laplacian, inputs, parameters), 1e-10,
                $"program {k}, Laplacian");
            Agree(Evaluate(random, gradient, inputs, parameters), Evaluate(random, pass.Gradient, inputs, parameters), 1e-12,
                $"program {k}, gradient of the pass");
            Agree(
                Difference(random, pass.Laplacian, inputs, parameters, "t", [1]),
                Evaluate(random, Derivative.Gradient(pass.Laplacian, random.Time), inputs, parameters), 1e-5, $"program {k}, time derivative of the Laplacian");
        }
    }

    [Fact]
    public void ParameterGradientsAgreeWithFiniteDifferences()
    {
        for (var k = 0; k < 60; k++)
        {
            var random = new RandomPrograms((ulong)(30_000 + k), smooth: true);
            var u = random.Scalar();
            var residual = (Derivative.Laplacian(u, random.X).Laplacian + u).Square();
            var (inputs, parameters) = random.Values(1);
            var gradient = Evaluate(random, Derivative.ParameterGradient(residual, random.Parameters), inputs, parameters);
            for (var i = 0; i < parameters.Length; i += 1 + (parameters.Length / 6))
            {
                double Moved(double h)
                {
                    var moved = parameters.ToArray();
                    moved[i] += h;
                    return Evaluate(random, residual, inputs, moved)[0];
                }

                Agree([(Moved(Step) - Moved(-Step)) / (2 * Step)], [gradient[i]], 2e-5, $"program {k}, parameter {i}");
            }
        }
    }

    [Fact]
    public void StopGradientCutsTheDerivativeAndKeepsTheValue()
    {
        var x = Expr.Input("x", 2);
        var u = (x.StopGradient() * x).Sum();
        var program = new TracedProgram(null, ("u", u), ("g", Derivative.Gradient(u, x)));
        var values = ReferenceInterpreter.Evaluate(program, 1, new Dictionary<string, double[]> { ["x"] = [3, -2] }, []);
        Agree([13], values["u"], 0, "value");
        Agree([3, -2], values["g"], 0, "gradient");
    }

    [Fact]
    public void WeightedLaplacianIsTheTraceAgainstTheMatrix()
    {
        var x = Expr.Input("x", 3);
        var u = (x[0] * x[1]).Sin() + (x[2] * x[0]).Exp() + x[1].Square() * x[2];
        double[,] matrix = { { 2, 0.3, -0.5 }, { 0.3, 1, 0.2 }, { -0.5, 0.2, -0.7 } };
        var inputs = new Dictionary<string, double[]> { ["x"] = [0.3, -0.4, 0.8] };
        var program = new TracedProgram(null, ("h", Derivative.Hessian(u, x)), ("l", Derivative.WeightedLaplacian(u, x, matrix).Laplacian));
        var values = ReferenceInterpreter.Evaluate(program, 1, inputs, []);
        double trace = 0;
        for (var i = 0; i < 3; i++)
        {
            for (var j = 0; j < 3; j++)
            {
                trace += matrix[i, j] * values["h"][(j * 3) + i];
            }
        }

        Assert.Equal(trace, values["l"][0], 12);
    }

    [Fact]
    public void HutchinsonEstimateIsExactForEveryRademacherProbeOfADiagonalJacobian()
    {
        var x = Expr.Input("x", 4);
        var field = x.Sin() * x;
        var probe = Expr.Random(RandomLaw.Rademacher, 3, 4);
        var program = new TracedProgram(null, ("exact", Derivative.Divergence(field, x)), ("estimate", Derivative.HutchinsonDivergence(field, x, probe)));
        var inputs = new Dictionary<string, double[]> { ["x"] = [.. Enumerable.Range(0, 80).Select(i => Math.Cos(i))] };
        var values = ReferenceInterpreter.Evaluate(program, 20, inputs, [], new DrawKey(5));
        Agree(values["exact"], values["estimate"], 1e-12, "divergence");
    }

    [Fact]
    public void ThirdDerivativeOfLogGammaIsThePolygamma()
    {
        var x = Expr.Input("x");
        var third = Derivative.Gradient(Derivative.Gradient(Derivative.Gradient(x.LogGamma(), x), x), x);
        var inputs = new Dictionary<string, double[]> { ["x"] = [1, 2, 0.5] };
        var values = ReferenceInterpreter.Evaluate(new TracedProgram(null, ("v", third)), 3, inputs, [])["v"];

        // psi''(1) = -2 zeta(3); psi''(2) = psi''(1) + 2; psi''(1/2) = -14 zeta(3).
        const double Zeta3 = 1.2020569031595942;
        Agree([-2 * Zeta3, 2 - (2 * Zeta3), -14 * Zeta3], values, 1e-13, "psi''");
    }

    [Fact]
    public void WrongShapesAreNamedWhileTracing()
    {
        var a = Expr.Input("a", 3, 4);
        var b = Expr.Input("b", 5);
        var product = Assert.Throws<ShapeException>(() => Expr.MatrixProduct(a, b));
        Assert.Contains("matrix product", product.Message);
        Assert.Contains("[3, 4]", product.Message);
        Assert.Contains("[5, 1]", product.Message);
        var sum = Assert.Throws<ShapeException>(() => a + b);
        Assert.Contains("add", sum.Message);
        Assert.Contains("[3, 4]", sum.Message);
        Assert.Contains("[5]", sum.Message);
        Assert.Contains("scalar", Assert.Throws<ShapeException>(() => Derivative.Gradient(b, b)).Message);
        Assert.Contains("axis 2", Assert.Throws<ShapeException>(() => a.Sum(2)).Message);
        Assert.Contains("concat", Assert.Throws<ShapeException>(() => Expr.Concat(0, a, b)).Message);
        Assert.Contains("7", Assert.Throws<ShapeException>(() => a[7]).Message);
    }
}
