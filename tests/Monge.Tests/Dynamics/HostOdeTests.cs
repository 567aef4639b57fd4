using Monge.Dynamics;
using Monge.Testing;

namespace Monge.Tests.Dynamics;

public class HostOdeTests
{
    // A unit circle at unit speed: y(t) = (cos t, -sin t).
    private static void Circle(double t, ReadOnlySpan<double> y, Span<double> slope) => (slope[0], slope[1]) = (y[1], -y[0]);

    [Theory]
    [InlineData("Dormand-Prince 5(4)")]
    [InlineData("Tsitouras 5(4)")]
    public void ErrorsFollowTheTolerance(string name)
    {
        var ode = new HostOde(RungeKuttaTableau.All.Single(t => t.Name == name), 2, Circle);
        double Error(double tolerance, out int accepted)
        {
            double[] y = [1, 0];
            accepted = ode.RunAdaptive(y, 0, 10, tolerance, tolerance).Accepted;
            return Math.Max(Math.Abs(y[0] - Math.Cos(10)), Math.Abs(y[1] + Math.Sin(10)));
        }

        Assert.InRange(Error(1e-6, out var few), 0, 1e-4);
        Assert.InRange(Error(1e-11, out var many), 0, 1e-9);
        Assert.InRange((double)many / few, 5, 20);
    }

    [Fact]
    public void TimeMayFall()
    {
        var ode = new HostOde(RungeKuttaTableau.DormandPrince54, 2, Circle);
        double[] y = [Math.Cos(3), -Math.Sin(3)];
        var result = ode.RunAdaptive(y, 3, -1, 1e-10, 1e-10);
        Assert.Equal(-1, result.Time);
        Assert.Equal(Math.Cos(1), y[0], 1e-8);
        Assert.Equal(Math.Sin(1), y[1], 1e-8);
    }

    // Between the ends of the steps: of order 4 with the dense weights, of order 3 + 1 of the cubic otherwise.
    [Theory]
    [InlineData("Dormand-Prince 5(4)", 5)]
    [InlineData("Tsitouras 5(4)", 4)]
    [InlineData("Runge-Kutta 4", 4)]
    public void OutputBetweenStepsConvergesAtItsOrder(string name, int order)
    {
        var ode = new HostOde(RungeKuttaTableau.All.Single(t => t.Name == name), 2, Circle);
        double Error(int steps)
        {
            double[] y = [1, 0];
            var worst = 0.0;
            double[] times = [.. Enumerable.Range(0, 301).Select(k => 2 * k / 300.0)];
            var seen = 0;
            ode.Run(y, 0, 2, steps, times, (t, at) =>
            {
                Assert.Equal(times[seen++], t);
                worst = Math.Max(worst, Math.Max(Math.Abs(at[0] - Math.Cos(t)), Math.Abs(at[1] + Math.Sin(t))));
            });
            Assert.Equal(times.Length, seen);
            return worst;
        }

        Assert.InRange(Math.Log2(Error(8) / Error(16)), order - 0.4, order + 0.6);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    public void AnEventEndsTheRunAtItsRoot(int steps)
    {
        // y0 = cos t has its first root at pi / 2; sin t - 0.5 comes before, at pi / 6.
        foreach (var (level, root) in new[] { (0.5, Math.PI / 6), (0.999, Math.Asin(0.999)) })
        {
            var ode = new HostOde(RungeKuttaTableau.DormandPrince54, 2, Circle) { Events = [(_, y) => y[0], (_, y) => -y[1] - level] };
            double[] y = [1, 0];
            var last = 0.0;
            double[] times = [.. Enumerable.Range(0, 100).Select(k => 0.05 * k)];
            var result = steps == 0 ? ode.RunAdaptive(y, 0, 5, 1e-12, 1e-12, times, (t, _) => last = t) : ode.Run(y, 0, 5, steps, times, (t, _) => last = t);
            Assert.Equal(1, result.Event);
            Assert.Equal(root, result.Time, steps == 0 ? 1e-8 : 1e-6);
            Assert.Equal(level, -y[1], 1e-9);
            Assert.InRange(last, root - 0.05, root);
        }
    }

    [Fact]
    public void AnEventThatBeginsAtItsRootIsArmedLater()
    {
        // sin t is 0 at the start; the next root is pi.
        var ode = new HostOde(RungeKuttaTableau.DormandPrince54, 2, Circle) { Events = [(_, y) => y[1]] };
        double[] y = [1, 0];
        var result = ode.RunAdaptive(y, 0, 5, 1e-12, 1e-12);
        Assert.Equal(0, result.Event);
        Assert.Equal(Math.PI, result.Time, 1e-8);
    }

    [Fact]
    public void StepsAllocateNothing()
    {
        var ode = new HostOde(RungeKuttaTableau.DormandPrince54, 2, Circle) { Events = [(_, y) => y[0] - 2] };
        var sum = 0.0;
        HostOutput output = (_, y) => sum += y[0];
        double[] times = [0.5, 1, 1.5];
        var y = new double[2];
        void Run()
        {
            (y[0], y[1]) = (1, 0);
            ode.RunAdaptive(y, 0, 2, 1e-9, 1e-9, times, output);
            ode.Run(y, 2, 0, 50, default, output);
        }

        Assert.Equal(0, Allocation.Least(Run));
        Assert.NotEqual(0, sum);
    }

    [Fact]
    public void WhatExplodesOrIsTooStiffIsToldInASentence()
    {
        // y' = y^2 from 1 is infinite at t = 1; y' = -10^7 (y - cos t) needs steps of 10^-7.
        var explosion = new HostOde(RungeKuttaTableau.DormandPrince54, 1, (_, y, slope) => slope[0] = y[0] * y[0]);
        Assert.Contains("t = 1", Assert.Throws<ArithmeticException>(() => explosion.RunAdaptive([1.0], 0, 2)).Message, StringComparison.Ordinal);
        var stiff = new HostOde(RungeKuttaTableau.DormandPrince54, 1, (t, y, slope) => slope[0] = -1e7 * (y[0] - Math.Cos(t)));
        var message = Assert.Throws<ArithmeticException>(() => stiff.RunAdaptive([0.0], 0, 2, maximumSteps: 2000)).Message;
        Assert.Contains("too stiff for Dormand-Prince 5(4)", message, StringComparison.Ordinal);
        Assert.Contains("2000 steps", message, StringComparison.Ordinal);
        Assert.Throws<ArithmeticException>(() => stiff.Run([0.0], 0, 2, 100));
    }

    [Fact]
    public void WrongCallsAreRefused()
    {
        var ode = new HostOde(RungeKuttaTableau.RungeKutta4, 2, Circle);
        Assert.Throws<InvalidOperationException>(() => ode.RunAdaptive([1.0, 0], 0, 1));
        Assert.Throws<ArgumentException>(() => ode.Run([1.0], 0, 1, 1));
        Assert.Throws<ArgumentException>(() => ode.Run([1.0, 0], 0, 1, 1, [0.5, 0.4]));
        Assert.Throws<ArgumentException>(() => ode.Run([1.0, 0], 0, 1, 1, [1.5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ode.Run([1.0, 0], 0, 1, 0));
    }

    [Fact]
    public void RunsInEqualStepsAreTheClassicalFormula()
    {
        // One step of Runge-Kutta 4 on y' = y is the Taylor polynomial of degree 4.
        var ode = new HostOde(RungeKuttaTableau.RungeKutta4, 1, (_, y, slope) => slope[0] = y[0]);
        double[] y = [1];
        var result = ode.Run(y, 0, 1, 1);
        Assert.Equal(1 + 1 + (1.0 / 2) + (1.0 / 6) + (1.0 / 24), y[0], 1e-15);
        Assert.Equal(new HostOdeResult(1, -1, 1, 0), result);
    }
}
