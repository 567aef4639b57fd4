using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Objectives;
using Monge.Paths;

namespace Monge.Tests.Fields;

public class ContinuityResidualTests
{
    private static readonly double[] s_mean = [0.7, -1.2, 0.4];

    private static AnnealingPath Gaussian(double scale) =>
        new(3, x => (-0.5 * ((x - Expr.Constant(s_mean, 3)) / scale).SquaredNorm()) - (1.5 * Math.Log(2 * Math.PI * scale * scale)));

    [Theory]
    [InlineData(0.3)]
    [InlineData(1.0)]
    [InlineData(2.5)]
    public void VanishesOnTheExactDriftOfAGaussianAnnealing(double scale)
    {
        var exact = new GaussianAnnealing(new double[3], 1, s_mean, scale);
        var path = Gaussian(scale);
        var (x, t) = (Expr.Input("x", 3), Expr.Input("t"));
        var probes = Expr.Random(RandomLaw.Rademacher, 4, 3, 2);
        var estimated = ContinuityResidual.Estimated(path, new FormulaField(3, exact.Drift), exact.LogNormaliserSlope(t), x, t, probes);
        using var run = new CompiledProgram<double>(new TracedProgram(
            null, ("exact", ContinuityResidual.Exact(path, new FormulaField(3, exact.Drift), exact.LogNormaliserSlope(t), x, t)), ("first", estimated.First),
            ("second", estimated.Second)));
        const int n = 40;
        var (positions, times) = (new NdArray<double>(n, 3), new NdArray<double>(n));
        for (var i = 0; i < n; i++)
        {
            times[i] = i / (n - 1.0);
            for (var j = 0; j < 3; j++)
            {
                positions[(i * 3) + j] = 3 * Math.Sin((5 * i) + (2 * j) + 1);
            }
        }

        (run["x"], run["t"]) = (positions, times);
        (run["exact"], run["first"], run["second"]) = (new NdArray<double>(n), new NdArray<double>(n), new NdArray<double>(n));
        run.Run(n, new DrawKey(1));
        for (var i = 0; i < n; i++)
        {
            // The drift's Jacobian is a multiple of the identity, so Rademacher probes are exact too.
            Assert.True(Math.Abs(run["exact"][i]) < 1e-8, $"residual {run["exact"][i]} at t = {times[i]}");
            Assert.True(Math.Abs(run["first"][i]) < 1e-8);
            Assert.True(Math.Abs(run["second"][i]) < 1e-8);
        }
    }

    [Fact]
    public void LossGradientAgreesWithFiniteDifferences()
    {
        var parameters = new ParameterSet();
        var initializer = new ParameterInitializer();
        var network = new DriftNetwork(parameters, initializer, 3, 6, 2, 2);
        var slope = new TimeNetwork(parameters, initializer, "c", 1, 4, 2);
        var (x, t) = (Expr.Input("x", 3), Expr.Input("t"));
        var loss = ContinuityResidual.CauchyLoss(ContinuityResidual.Exact(Gaussian(0.5), network, slope.Apply(t)[0], x, t), 3);
        using var run = new CompiledProgram<double>(new TracedProgram(
            parameters, ("loss", loss.BatchSum()), ("gradient", Derivative.ParameterGradient(loss, parameters).BatchSum())));
        run["x"] = NdArray<double>.From([0.2, -0.5, 1.1, -1.4, 0.3, 0.8], 2, 3);
        run["t"] = NdArray<double>.From([0.2, 0.9], 2);
        initializer.Fill(run.Parameters.Span, new RandomKey(3, 1));
        for (var i = 0; i < run.Parameters.Length; i++)
        {
            // Last layers begin at zero; move them off it so that every parameter matters.
            run.Parameters[i] += 0.1 * Math.Cos(i);
        }

        double Loss()
        {
            run.Run(2);
            return run["loss"][0];
        }

        _ = Loss();
        var gradient = run["gradient"].Span.ToArray();
        for (var i = 0; i < gradient.Length; i += 7)
        {
            var kept = run.Parameters[i];
            run.Parameters[i] = kept + 1e-5;
            var above = Loss();
            run.Parameters[i] = kept - 1e-5;
            var below = Loss();
            run.Parameters[i] = kept;
            Assert.Equal((above - below) / 2e-5, gradient[i], 1e-6 * (1 + Math.Abs(gradient[i])));
        }
    }

    [Fact]
    public void TwoProbeLossIsUnbiasedForTheSquare()
    {
        // For a linear drift b = A x with a non-symmetric A, the mean over probes of the product is R^2, and the mean of squares is larger.
        var matrix = Expr.Constant([0.2, 1.0, -0.7, 0.3, -0.4, 0.5, 0.9, -0.2, 0.1], 3, 3);
        Expr Drift(Expr x, Expr t) => Expr.MatrixProduct(matrix, x);
        var (x, t) = (Expr.Input("x", 3), Expr.Input("t"));
        var path = Gaussian(0.8);
        var exact = ContinuityResidual.Exact(path, new FormulaField(3, Drift), 0.3, x, t);
        var (first, second) = ContinuityResidual.Estimated(path, new FormulaField(3, Drift), 0.3, x, t, Expr.Random(RandomLaw.Rademacher, 4, 3, 2));
        const int n = 400_000;
        using var run = new CompiledProgram<double>(new TracedProgram(
            null,
            ("exact", (exact.Square() / n).BatchSum()),
            ("product", (first * second / n).BatchSum()),
            ("square", (first.Square() / n).BatchSum())));
        var (positions, times) = (new NdArray<double>(n, 3), new NdArray<double>(n));
        for (var i = 0; i < n; i++)
        {
            (positions[3 * i], positions[(3 * i) + 1], positions[(3 * i) + 2], times[i]) = (0.1, 0.2, -0.3, 0.4);
        }

        (run["x"], run["t"]) = (positions, times);
        run.Run(n, new DrawKey(7));
        Assert.Equal(run["exact"][0], run["product"][0], 0.02);
        Assert.True(run["square"][0] > run["exact"][0] + 0.1);
    }

    [Fact]
    public void TwoProbeWeightDoesNotSeeTheSign()
    {
        // Otherwise the mean of the loss over probes could fall without bound as the probes disagree more and more.
        var (a, b) = (Expr.Input("a"), Expr.Input("b"));
        using var run = new CompiledProgram<double>(new TracedProgram(
            null, ("agree", ContinuityResidual.CauchyLoss((a, b), 2)), ("disagree", ContinuityResidual.CauchyLoss((a, -b), 2))));
        (run["a"], run["b"]) = (NdArray<double>.From([0.3, 5, 70], 3), NdArray<double>.From([0.2, 9, 50], 3));
        (run["agree"], run["disagree"]) = (new NdArray<double>(3), new NdArray<double>(3));
        run.Run(3);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(run["agree"][i], -run["disagree"][i], 12);
            Assert.InRange(run["agree"][i], 0, 2 * 4.0);
        }
    }

    [Fact]
    public void NetworkStartsAtTheZeroField()
    {
        var parameters = new ParameterSet();
        var initializer = new ParameterInitializer();
        var network = new DriftNetwork(parameters, initializer, 2, 8, 2);
        var x = Expr.Input("x", 2);
        using var run = new CompiledProgram<double>(new TracedProgram(parameters, ("b", network.Apply(x, 0.3))));
        initializer.Fill(run.Parameters.Span, new RandomKey(1, 1));
        run["x"] = NdArray<double>.From([1.0, -2.0], 1, 2);
        run["b"] = new NdArray<double>(1, 2);
        run.Run(1);
        Assert.Equal([0.0, 0.0], run["b"].Span.ToArray());
    }
}
