using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class PosteriorTests
{
    // The eight schools given (mu, tau) are Gaussian in e: integrating them out by hand leaves N(y; mu, sigma^2 + tau^2), and mu then in closed form.
    [Fact]
    public void EightSchoolsHaveTheStatedEvidence()
    {
        double[] y = [28, 8, -3, 7, -1, 1, 18, 12], sigma = [15, 10, 16, 11, 9, 11, 10, 18];
        double LogMarginal(double tau)
        {
            // Prior mu ~ N(0, 5^2): precision-weighted completion of the square.
            var (precision, weighted, log) = (1 / 25.0, 0.0, -Math.Log(5));
            for (var j = 0; j < 8; j++)
            {
                var v = (sigma[j] * sigma[j]) + (tau * tau);
                precision += 1 / v;
                weighted += y[j] / v;
                log -= (0.5 * y[j] * y[j] / v) + (0.5 * Math.Log(2 * Math.PI * v));
            }

            return log + (0.5 * weighted * weighted / precision) - (0.5 * Math.Log(precision)) + Math.Log(2 / (Math.PI * 5)) - Math.Log(1 + (tau * tau / 25));
        }

        var (step, z) = (0.01, 0.0);
        for (var u = -25.0; u < 12; u += step)
        {
            z += step * Math.Exp(LogMarginal(Math.Exp(u)) + u);
        }

        var density = KnownTargets.Get("eight-schools");
        Assert.Equal(density.Facts.LogZ!.Value, Math.Log(z), 2e-8);

        // The same by the traced density: at fixed mu and tau the Gaussians e are integrated by their mode and curvature, which is exact.
        foreach (var (mu, logTau) in new[] { (4.0, 1.0), (-2.0, 2.0), (9.0, -1.5) })
        {
            var slice = Density.Create("slice", 8, e => density.LogDensity(Expr.Concat(0, e, Expr.Constant([mu, logTau], 2))));
            var tau = Math.Exp(logTau);
            var expected = (-0.5 * mu * mu / 25) - (0.5 * Math.Log(2 * Math.PI * 25)) + Math.Log(2 / (Math.PI * 5)) - Math.Log(1 + (tau * tau / 25)) + logTau;
            for (var j = 0; j < 8; j++)
            {
                var v = (sigma[j] * sigma[j]) + (tau * tau);
                expected -= (0.5 * (y[j] - mu) * (y[j] - mu) / v) + (0.5 * Math.Log(2 * Math.PI * v));
            }

            Assert.Equal(expected, LaplaceApproximation.TryFind(slice)!.LogZ, 1e-9);
        }
    }

    [Fact]
    public void EightSchoolsReportTheSourcesParameters()
    {
        var density = KnownTargets.Get("eight-schools");
        Assert.Equal(["theta[1]", "theta[2]", "theta[3]", "theta[4]", "theta[5]", "theta[6]", "theta[7]", "theta[8]", "mu", "tau"], density.Names);
        var reported = density.ReportAt([1, 0, -1, 0.5, 0, 0, 0, 2, 4, Math.Log(3)]);
        double[] expected = [7, 4, 1, 5.5, 4, 4, 4, 10, 4, 3];
        Assert.All(expected.Zip(reported), p => Assert.Equal(p.First, p.Second, 1e-12));
        Assert.Equal(6.1505023, density.Facts.Mean![0]);
        Assert.Equal(3.1984777, density.Facts.StandardDeviation![9]);
    }

    // The kid scores given log sigma are Gaussian in the weights, so a line of Laplace approximations integrates them exactly.
    [Fact]
    public void KidScoresHaveTheStatedEvidenceAndTheLikelihoodOfTheRows()
    {
        var density = KnownTargets.Get("kidscore");
        var (step, z) = (0.1, 0.0);
        for (var u = -8.0; u <= 8; u += step)
        {
            var at = u;
            var slice = Density.Create("slice", 3, b => density.LogDensity(Expr.Concat(0, b, Expr.Constant([at], 1))));
            z += step * Math.Exp(LaplaceApproximation.TryFind(slice)!.LogZ + 1876);
        }

        Assert.Equal(density.Facts.LogZ!.Value, Math.Log(z) - 1876, 2e-6);

        var draws = density.Base.ToGaussian().Sample(3, new RandomStream(1));
        var (values, reported) = (density.LogDensityAt(draws), density.ReportAt(draws));
        double[] score = ShippedData.Model("posteriordb/kidiq.json").Vector("kid_score"), school = ShippedData.Model("posteriordb/kidiq.json").Vector("mom_hs"),
            iq = ShippedData.Model("posteriordb/kidiq.json").Vector("mom_iq");
        double[] direct = [.. Enumerable.Range(0, 3).Select(s =>
        {
            var p = reported[(4 * s)..((4 * s) + 4)];
            var log = -Math.Log(1 + (p[3] * p[3] / 6.25)) + Math.Log(p[3]);
            for (var i = 0; i < score.Length; i++)
            {
                var e = (score[i] - p[0] - (p[1] * school[i]) - (p[2] * iq[i])) / p[3];
                log -= (0.5 * e * e) + Math.Log(p[3]);
            }

            return log;
        })];
        Assert.Equal(direct[1] - direct[0], values[1] - values[0], 1e-7);
        Assert.Equal(direct[2] - direct[0], values[2] - values[0], 1e-7);
    }

    [Fact]
    public void KidScoreCoordinatesAreNearlyStandardNormal()
    {
        var found = LaplaceApproximation.TryFind(KnownTargets.Get("kidscore"))!;
        Assert.True(found.Converged);

        // The joint mode of log sigma lies below its mean by about 3 / sqrt(2 N) = 0.10, and the prior pulls down a little more.
        Assert.All(found.Mode, m => Assert.InRange(m, -0.2, 0.2));
        Assert.All(found.StandardDeviation, s => Assert.InRange(s, 0.95, 1.05));
    }

    // Importance sampling from the searched base, a little widened: evidence and means within their own errors.
    [Theory]
    [InlineData("german-credit", 1)]
    [InlineData("german-credit", 2)]
    [InlineData("ionosphere", 1)]
    [InlineData("ionosphere", 2)]
    [InlineData("eight-schools", 1)]
    [InlineData("eight-schools", 2)]
    public void EvidenceAndMeansAgreeWithTheReference(string name, ulong seed)
    {
        const int Samples = 20_000;
        var density = KnownTargets.Get(name);
        var (d, names) = (density.Dimension, density.Names.Count);
        var law = density.Base.ToGaussian(1.05);
        var draws = law.Sample(Samples, new RandomStream(seed));
        var x = Expr.Input("x", d);
        using var program = new CompiledProgram<double>(
            new TracedProgram(null, ("log", density.LogDensity(x) - law.LogDensity(x)), ("report", density.Report(x))));
        program["x"] = NdArray<double>.From(draws, Samples, d);
        program["log"] = new NdArray<double>(Samples);
        program["report"] = new NdArray<double>(Samples, names);
        program.Run(Samples);
        var log = program["log"].Span.ToArray();
        var report = program["report"].Span.ToArray();
        var top = log.Max();
        double[] weights = [.. log.Select(v => Math.Exp(v - top))];
        var (sum, squares) = (weights.Sum(), weights.Sum(w => w * w));
        var error = Math.Sqrt((squares / (sum * sum)) - (1.0 / Samples));
        Assert.InRange(error, 0, 0.05);
        Assert.Equal(density.Facts.LogZ!.Value, top + Math.Log(sum / Samples), 4 * error);
        for (var i = 0; i < names; i++)
        {
            var (reference, published) = (density.Facts.Mean![i], density.Facts.Moments!.MeanError![i]);
            var mean = Enumerable.Range(0, Samples).Sum(s => weights[s] * report[(s * names) + i]) / sum;
            var spread = Math.Sqrt(Enumerable.Range(0, Samples).Sum(s => Math.Pow(weights[s] * (report[(s * names) + i] - mean), 2))) / sum;
            Assert.Equal(reference, mean, 5 * Math.Sqrt((spread * spread) + (published * published)));
        }
    }

    // The column x1 of the ionosphere data is constant, so its weight keeps the prior; Laplace's evidence is near the stated one.
    [Fact]
    public void IonosphereReferenceIsConsistent()
    {
        var density = KnownTargets.Get("ionosphere");
        Assert.Equal("x1", density.Names[2]);
        Assert.InRange(density.Facts.Mean![2], -5 * density.Facts.Moments!.MeanError![2], 5 * density.Facts.Moments.MeanError[2]);
        Assert.InRange(density.Facts.StandardDeviation![2] - 1, -5 * density.Facts.Moments.StandardDeviationError![2],
            5 * density.Facts.Moments.StandardDeviationError[2]);
        var found = LaplaceApproximation.TryFind(density)!;
        Assert.True(found.Converged);
        Assert.Equal(0, found.Mode[2], 1e-12);
        Assert.Equal(1, found.StandardDeviation[2], 1e-12);
        Assert.Equal(-111.607, found.LogZ, 1.0);
    }

    // The log density at two points, worked out from the rows.
    [Fact]
    public void LogisticDensityIsThatOfTheRows()
    {
        var density = KnownTargets.Get("ionosphere");
        var w = new double[35];
        w[0] = 0.7;
        var rows = ShippedData.Numbers("logistic/ionosphere.csv");
        var expected = rows.Sum(r => -Math.Log(1 + Math.Exp(-r[^1] * 0.7))) - (0.5 * 0.49) - (17.5 * Math.Log(2 * Math.PI));
        Assert.Equal(expected, density.LogDensityAt(w)[0], 1e-10);

        var (mean, square) = (rows.Average(r => r[4]), rows.Average(r => r[4] * r[4]));
        var scale = Math.Sqrt(square - (mean * mean));
        (w[0], w[5]) = (0, -1.3);
        expected = rows.Sum(r => -Math.Log(1 + Math.Exp(r[^1] * 1.3 * (r[4] - mean) / scale))) - (0.5 * 1.69) - (17.5 * Math.Log(2 * Math.PI));
        Assert.Equal(expected, density.LogDensityAt(w)[0], 1e-9);
    }
}
