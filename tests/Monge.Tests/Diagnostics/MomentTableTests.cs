using Monge.Diagnostics;
using Monge.Tests.OptimalTransport;

namespace Monge.Tests.Diagnostics;

public sealed class MomentTableTests
{
    [Fact]
    public void EqualWeightsGiveTheTextbookFormulas()
    {
        MomentRow row = MomentTable.Compute([1, 2, 3, 4, 10], 1).Rows[0];
        Assert.Equal("x[0]", row.Name);
        Assert.Equal(4, row.Mean, 1e-14);
        Assert.Equal(Math.Sqrt(12.5), row.StandardDeviation, 1e-14);
        Assert.Equal(Math.Sqrt(12.5 / 5), row.MeanError, 1e-14);
        Assert.Equal(3, row.Median, 1e-14);
        Assert.Equal(1, row.Quantile05, 1e-14);
        Assert.Equal(1.75, row.Quantile25, 1e-14);
        Assert.Equal(10, row.Quantile95, 1e-14);
    }

    [Fact]
    public void ZeroWeightsDropSamplesAndWeightsActOnTheMean()
    {
        MomentRow row = MomentTable.Compute([1, 99, 3, -99], 1, [0, double.NegativeInfinity, Math.Log(3), double.NegativeInfinity]).Rows[0];
        Assert.Equal(2.5, row.Mean, 1e-14);
        // sum w^2 = 0.625; variance sum w (x - m)^2 = 0.75, corrected by 1 / (1 - 0.625).
        Assert.Equal(Math.Sqrt(0.75 / 0.375), row.StandardDeviation, 1e-14);
        Assert.InRange(row.Quantile95, 1, 3);
    }

    [Fact]
    public void ErrorsCoverTheTruthUnderImportanceWeights()
    {
        // Samples of N(0, 1.3^2) weighted to N(0.3, 1).
        double meanScore = 0, deviationScore = 0;
        const int seeds = 60;
        for (int seed = 0; seed < seeds; seed++)
        {
            double[] samples = [.. Gaussians.Standard(2000, 1, seed).Select(static z => 1.3 * z)];
            double[] log = [.. samples.Select(static x => -0.5 * (x - 0.3) * (x - 0.3) + 0.5 * x * x / 1.69)];
            MomentRow row = MomentTable.Compute(samples, 1, log).Rows[0];
            meanScore += Math.Pow((row.Mean - 0.3) / row.MeanError, 2) / seeds;
            deviationScore += Math.Pow((row.StandardDeviation - 1) / row.StandardDeviationError, 2) / seeds;
            Assert.Equal(0.3 + 0.6745, row.Quantile75, 0.2);
        }
        Assert.InRange(meanScore, 1 - 4 * 0.183, 1 + 4 * 0.183);
        Assert.InRange(deviationScore, 1 - 4 * 0.183, 1 + 4 * 0.183);
    }

    [Fact]
    public void DegenerateTablesHaveNoSilentNaN()
    {
        MomentRow single = MomentTable.Compute([5, 6], 2, null, ["a", "b"]).Rows[1];
        Assert.Equal(("b", 6.0, 0.0), (single.Name, single.Mean, single.StandardDeviation));
        Assert.Equal(double.PositiveInfinity, single.MeanError);
        Assert.Equal(double.PositiveInfinity, single.StandardDeviationError);
        MomentRow constant = MomentTable.Compute([7, 7, 7], 1).Rows[0];
        Assert.Equal((0.0, 0.0), (constant.MeanError, constant.StandardDeviationError));
        Assert.Contains("Sample 1, coordinate 0", Assert.Throws<ArgumentException>(() => MomentTable.Compute([1, double.NaN], 1)).Message);
        Assert.Throws<ArgumentException>(() => MomentTable.Compute([1, 2], 1, [0]));
        Assert.Throws<ArgumentException>(() => MomentTable.Compute([1, 2], 2, null, ["a"]));
    }
}
