using Monge.Diagnostics;
using Monge.Tests.OptimalTransport;

namespace Monge.Tests.Diagnostics;

public sealed class ImportanceWeightsTests
{
    [Fact]
    public void EqualWeightsArePerfect()
    {
        ImportanceWeights weights = ImportanceWeights.FromLogWeights([-700, -700, -700, -700]);
        Assert.Equal(-700, weights.LogNormaliser, 1e-12);
        Assert.Equal(0, weights.LogNormaliserError, 1e-12);
        Assert.Equal(-700, weights.Elbo, 1e-12);
        Assert.Equal(1, weights.EffectiveSampleFraction, 1e-12);
        Assert.Equal(0.25, weights.LargestShare, 1e-15);
        Assert.Equal(2, weights.SamplesHoldingHalf);
        Assert.Empty(weights.Warnings);
    }

    [Fact]
    public void AdditiveConstantsShiftOnlyTheNormaliserAndTheBound()
    {
        double[] log = Gaussians.Standard(500, 1, 1);
        ImportanceWeights at = ImportanceWeights.FromLogWeights(log);
        ImportanceWeights moved = ImportanceWeights.FromLogWeights([.. log.Select(static value => value + 2000)]);
        Assert.Equal(at.LogNormaliser + 2000, moved.LogNormaliser, 1e-9);
        Assert.Equal(at.Elbo + 2000, moved.Elbo, 1e-9);
        Assert.Equal(at.LogNormaliserError, moved.LogNormaliserError, 1e-9);
        Assert.Equal(at.EffectiveSampleSize, moved.EffectiveSampleSize, 1e-9);
        double mean = log.Average(Math.Exp);
        Assert.Equal(Math.Log(mean), at.LogNormaliser, 1e-12);
        double variance = log.Sum(value => Math.Pow(Math.Exp(value) - mean, 2)) / (log.Length - 1);
        Assert.InRange(at.LogNormaliserError, Math.Sqrt(variance / log.Length) / mean * (1 - 1e-12), 1.3 * Math.Sqrt(variance / log.Length) / mean);
        Assert.Equal(log.Length * mean * mean / log.Average(static value => Math.Exp(2 * value)), at.EffectiveSampleSize, 1e-9);
        Assert.True(at.Elbo < at.LogNormaliser);
    }

    [Fact]
    public void WithoutATailTheErrorIsThatOfTheDeltaMethod()
    {
        double[] log = Gaussians.Standard(20, 1, 2);
        double mean = log.Average(Math.Exp);
        double variance = log.Sum(value => Math.Pow(Math.Exp(value) - mean, 2)) / 19;
        Assert.Equal(Math.Sqrt(variance / 20) / mean, ImportanceWeights.FromLogWeights(log).LogNormaliserError, 1e-12);
    }

    // s^2 = 3: an effective sample size of 5 %, at which the delta method alone covers about 92 %.
    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public void IntervalsCoverTheTruthForHeavyTails(int first)
    {
        const int seeds = 150;
        double covered = Enumerable.Range(first, seeds).Count(seed =>
        {
            ImportanceWeights weights = ImportanceWeights.FromLogWeights([.. Gaussians.Standard(1000, 1, seed).Select(static z => Math.Sqrt(3) * z - 1.5)]);
            return Math.Abs(weights.LogNormaliser) <= 1.96 * weights.LogNormaliserError;
        });
        Assert.InRange(covered / seeds, 0.9, 1);
    }

    [Fact]
    public void ErrorsCoverTheTruthForLogNormalWeights()
    {
        // log w ~ N(-s^2/2, s^2): Z = 1, the mean log-weight is -s^2/2, the effective fraction tends to exp(-s^2).
        const double s = 0.5;
        double squaredScores = 0, squaredElboScores = 0, fraction = 0;
        const int seeds = 60;
        for (int seed = 0; seed < seeds; seed++)
        {
            double[] log = [.. Gaussians.Standard(2000, 1, seed).Select(static z => s * z - s * s / 2)];
            ImportanceWeights weights = ImportanceWeights.FromLogWeights(log);
            squaredScores += Math.Pow(weights.LogNormaliser / weights.LogNormaliserError, 2) / seeds;
            squaredElboScores += Math.Pow((weights.Elbo + s * s / 2) / weights.ElboError, 2) / seeds;
            fraction += weights.EffectiveSampleFraction / seeds;
        }
        // A mean of 60 squared standard normals is 1 +- 0.18.
        Assert.InRange(squaredScores, 1 - 4 * 0.183, 1 + 4 * 0.183);
        Assert.InRange(squaredElboScores, 1 - 4 * 0.183, 1 + 4 * 0.183);
        Assert.Equal(Math.Exp(-s * s), fraction, 0.01);
    }

    [Theory]
    [InlineData(9, true)]
    [InlineData(11, false)]
    public void FewerThanOneInAHundredEffectiveSamplesAreOfNoUse(int heavy, bool useless)
    {
        double[] log = [.. Enumerable.Range(0, 1000).Select(i => i < heavy ? 0.0 : -50)];
        ImportanceWeights weights = ImportanceWeights.FromLogWeights(log);
        Assert.Equal(heavy, weights.EffectiveSampleSize, 1e-6);
        Assert.Equal(useless, weights.Warnings.Any(static warning => warning.Code == StatusCode.Failed));
    }

    [Fact]
    public void DominatedWeightsAreCalledByTheirNumber()
    {
        double[] log = new double[1000];
        log[3] = log[5] = log[7] = 10;
        ImportanceWeights weights = ImportanceWeights.FromLogWeights(log);
        Assert.Equal(2, weights.SamplesHoldingHalf);
        Assert.Contains("weights dominated by 2 samples: widen the base or raise --budget", weights.Warnings.Select(static warning => warning.Message));
        Assert.Contains(weights.Warnings, static warning => warning.Cause.Contains("of 1000", StringComparison.Ordinal));
        Assert.Equal(StatusCode.Failed, weights.Warnings[0].Code);
        Assert.All(weights.Warnings.Skip(1), static warning => Assert.Equal(StatusCode.Warning, warning.Code));
    }

    [Fact]
    public void ZeroWeightsAreAllowedAndNaNIsNot()
    {
        ImportanceWeights weights = ImportanceWeights.FromLogWeights([0, double.NegativeInfinity]);
        Assert.Equal(Math.Log(0.5), weights.LogNormaliser, 1e-15);
        Assert.Equal(double.NegativeInfinity, weights.Elbo);
        Assert.Equal(double.PositiveInfinity, weights.ElboError);
        Assert.Equal(double.PositiveInfinity, ImportanceWeights.FromLogWeights([1]).LogNormaliserError);
        Assert.Contains("Log-weight 1 is NaN", Assert.Throws<ArgumentException>(() => ImportanceWeights.FromLogWeights([0, double.NaN])).Message);
        Assert.Throws<ArgumentException>(() => ImportanceWeights.FromLogWeights([double.PositiveInfinity]));
        Assert.Throws<ArgumentException>(() => ImportanceWeights.FromLogWeights([double.NegativeInfinity]));
        Assert.Throws<ArgumentException>(() => ImportanceWeights.FromLogWeights([]));
    }

    // Weights (i / n)^(-k) have a Pareto tail of shape k: at k = 0.85 they are 2 % effective, and their normaliser is not to be had.
    [Theory]
    [InlineData(0.85, StatusCode.Failed)]
    [InlineData(0.5, StatusCode.Success)]
    public void FewEffectiveDrawsWithAHeavyTailAreOfNoUse(double shape, StatusCode expected)
    {
        var weights = ImportanceWeights.FromLogWeights([.. Enumerable.Range(1, 10_000).Select(i => -shape * Math.Log(i / 10_000.0))]);
        Assert.True(weights.EffectiveSampleFraction > ImportanceWeights.LeastEffectiveFraction);
        Assert.Equal(expected == StatusCode.Failed, weights.Warnings.Any(w => w.Code == StatusCode.Failed));
    }
}
