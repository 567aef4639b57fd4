using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Tests.Paths;

public sealed class ScheduleDesignTests
{
    private static double[] Evaluate(ParameterSet? parameters, double[] values, Func<Expr, Expr> function, params double[] times)
    {
        var t = Expr.Input("t");
        var program = new TracedProgram(parameters, ("value", function(t) + (0 * t)), ("t", t * 1));
        return ReferenceInterpreter.Evaluate(program, times.Length, new Dictionary<string, double[]> { ["t"] = times }, values)["value"];
    }

    [Theory]
    [InlineData(4)]
    [InlineData(0.01)]
    [InlineData(1e-4)]
    public void LipschitzConstantsOfGaussiansAreTheirClosedForms(double variance)
    {
        var root = Math.Sqrt(variance);
        Assert.Equal((Math.PI * (1 + variance) / (4 * root)) - 1, ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Linear, variance).AveragedSquare, 1e-7);
        Assert.Equal(Math.PI * Math.PI / 8 * (root - 1) * (root - 1) / root,
            ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Trigonometric, variance).AveragedSquare, 1e-7);
        var designed = ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Designed(variance), variance);
        Assert.Equal(Math.Pow(Math.Log(variance), 2) / 4, designed.AveragedSquare, 1e-7);
        Assert.Equal(Math.Abs(Math.Log(variance)) / 2, designed.Largest, 1e-9);
    }

    [Fact]
    public void TheMixtureScheduleIsThatOfQuadratureAndItsSurrogateIsNear()
    {
        var (schedule, surrogate) = (ScheduleDesign.Mixture(10), ScheduleDesign.MixtureSurrogate(10));
        Assert.Equal(0.0524330654, schedule.At(0.1).Beta, 1e-8);
        Assert.Equal(0.1444142731, schedule.At(0.5).Beta, 1e-8);
        Assert.Equal(0.2787568314, schedule.At(0.9).Beta, 1e-8);
        Assert.Equal(0.1 * Math.Sqrt(Math.Log(2)), surrogate.At(0.5).Beta, 1e-12);
        foreach (var either in (InterpolantSchedule[])[schedule, surrogate])
        {
            Assert.Equal(0, either.At(0).Beta, 1e-12);
            Assert.Equal(1, either.At(1).Beta, 1e-9);
            var (at, after) = (either.At(0.4), either.At(0.4 + 1e-6));
            Assert.Equal(((after.Beta * after.Beta) - (at.Beta * at.Beta)) / 2e-6, at.BetaBetaRate, 1e-5);
            Assert.Equal(1, (at.Alpha * at.Alpha) + (at.Beta * at.Beta), 1e-14);
        }
    }

    [Fact]
    public void SpectralNormsAreThoseOfTheJacobian()
    {
        // Eigenvalues of J^T J: by hand for a rotation times a stretch.
        var field = new FormulaField(2, (x, t) => t * Expr.MatrixProduct(Expr.Constant([0, -3, 2, 0], 2, 2), x));
        var squares = ScheduleDesign.SquaredLipschitz(null, null, field, [0.5, 1], _ => [1, 2, -0.3, 0.4], new ExecutionOptions { Threads = 1 });
        Assert.Equal(9 * 0.25, squares[0], 1e-9);
        Assert.Equal(9, squares[1], 1e-9);
    }

    [Fact]
    public void TheEqualisingClockMakesAGaussiansConstantConstant()
    {
        double[] times = [.. Enumerable.Range(0, 401).Select(k => 1 - Math.Pow(1 - (k / 400.0), 2))];
        double[] squares = [.. InterpolantSchedules.Linear.At(times).Select(
            v => Math.Pow((v.AlphaAlphaRate + (0.01 * v.BetaBetaRate)) / ((v.Alpha * v.Alpha) + (0.01 * v.Beta * v.Beta)), 2))];
        var clock = ScheduleDesign.EqualisingClock(times, [.. squares.Select(s => s + 1e-12)]);
        var (average, _) = ScheduleDesign.GaussianLipschitz(InterpolantSchedules.Linear.OnClock("equalised", clock.Apply), 0.01);

        // The linear schedule's variance falls below the data's before it rises to it, so even at the best speed its
        // constant is above that of the designed one.
        var turning = 2 * Math.Log(1 / Math.Sqrt(0.01 / 1.01)) + (0.5 * Math.Log(0.01));
        Assert.Equal(turning * turning, average, 2e-3 * turning * turning);
    }

    [Fact]
    public void TablesRiseThroughTheirValuesAndTheTracedOneIsTheSame()
    {
        double[] knots = [0, 0.1, 0.15, 0.5, 0.9, 1];
        double[] values = [0, 0.01, 0.3, 0.31, 0.31, 1];
        var table = new MonotoneTable(knots, values);
        double[] at = [-0.2, .. Enumerable.Range(0, 201).Select(k => k / 200.0), 1.3];
        var traced = Evaluate(null, [], table.Apply, at);
        for (var k = 0; k < at.Length; k++)
        {
            Assert.Equal(table.At(at[k]), traced[k], 1e-13);
            Assert.True(k == 0 || traced[k] >= traced[k - 1] - 1e-13);
        }

        Assert.All(Enumerable.Range(0, knots.Length), k => Assert.Equal(values[k], table.At(knots[k]), 1e-14));
        double[] fine = [.. Enumerable.Range(0, 33).Select(k => k / 32.0)];
        var smooth = new MonotoneTable(fine, [.. fine.Select(Math.Exp)], [.. fine.Select(Math.Exp)]);
        Assert.All(at[1..^1], x => Assert.Equal(Math.Exp(x), smooth.At(x), 1e-7));
        Assert.Throws<ArgumentException>(() => new MonotoneTable([0, 1, 2], [0, 1, 0.5]));
        Assert.Throws<ArgumentException>(() => new MonotoneTable([0, 1, 1], [0, 1, 2]));
    }

    [Fact]
    public void FourierSchedulesHaveTheSameValuesTracedAndPutIn()
    {
        double[] values = [0.1, -0.2, 0.05, 0.3, 0.2, -0.1, 0.4];
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var traced = FourierSchedule.Create(parameters, initializer, "path", InterpolantSchedules.LinearWithLatent(), 2);
        var fixedOne = FourierSchedule.WithValues(InterpolantSchedules.LinearWithLatent(), values[..2], values[2..4], values[4..]);
        double[] times = [0.2, 0.5, 0.83];
        var at = fixedOne.At(times);
        Assert.Equal(at.Select(v => v.Alpha), Evaluate(parameters, values, traced.Alpha, times), Near);
        Assert.Equal(at.Select(v => v.BetaRate), Evaluate(parameters, values, traced.BetaRate, times), Near);
        Assert.Equal(at.Select(v => v.Gamma), Evaluate(parameters, values, traced.Gamma, times), Near);
        Assert.Equal(at.Select(v => v.GammaGammaRate), Evaluate(parameters, values, traced.GammaGammaRate, times), Near);
        Assert.All(at, v => Assert.Equal(v.Gamma * v.GammaRate, v.GammaGammaRate, 1e-12));
        var (start, end) = (fixedOne.At(0), fixedOne.At(1));
        Assert.Equal((1, 0, 0), (start.Alpha, start.Beta, start.Gamma));
        Assert.Equal(1, end.Beta, 1e-12);
        Assert.Equal(0, end.Alpha, 1e-12);
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-12;

    [Fact]
    public void ManyTimesAtOnceGiveWhatOneGives()
    {
        double[] times = [.. Enumerable.Range(0, 5001).Select(k => k / 5000.0)];
        var all = InterpolantSchedules.TrigonometricWithLatent(2).At(times);
        foreach (var k in (int[])[0, 1, 2500, 4999, 5000])
        {
            var one = InterpolantSchedules.TrigonometricWithLatent(2).At(times[k]);
            Assert.Equal(one.Alpha, all[k].Alpha, 1e-14);
            Assert.Equal(one.BetaRate, all[k].BetaRate, 1e-13);
            Assert.Equal(one.GammaGammaRate, all[k].GammaGammaRate, 1e-14);
        }
    }
}
