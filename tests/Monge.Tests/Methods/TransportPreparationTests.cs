using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods;

public sealed class TransportPreparationTests
{
    private const double Inflation = 1.1;

    // The mean and deviations of a target, from weighted draws of another Gaussian in that one's own units.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ARefittedBaseHasTheTargetsMomentsWidened(int seed)
    {
        const int Draws = 20_000;
        double[] mean = [0.7, -1.2, 0.4];
        double[] deviation = [0.5, 1.1, 0.8];
        var target = Density.Create("three", 3, x => -0.5 * ((x - Expr.Constant(mean, 3)) / Expr.Constant(deviation, 3)).SquaredNorm());
        var preparation = new TransportPreparation<double>(
            target, new PreparationOptions { BaseInflation = Inflation }, new PreparationRun(new Run { Threads = 1, Seed = (ulong)seed }));
        var start = preparation.Given(GaussianBase.Diagonal([0.2, 0.1, -0.3], [1.5, 2, 1.5]), "start") with { TargetExponent = 2, BaseExponent = 1 };

        var random = new Random(seed);
        var (positions, weights, x) = (new double[3 * Draws], new double[Draws], new double[3]);
        for (var i = 0; i < Draws; i++)
        {
            var z = positions.AsSpan(3 * i, 3);
            foreach (ref var coordinate in z)
            {
                coordinate = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            }

            start.ToPosition(z, x);
            var logWeight = 0.0;
            for (var j = 0; j < 3; j++)
            {
                var scaled = (x[j] - mean[j]) / deviation[j];
                logWeight += 0.5 * ((z[j] * z[j]) - (scaled * scaled));
            }

            weights[i] = Math.Exp(logWeight);
        }

        var (sum, squares) = (weights.Sum(), weights.Sum(w => w * w));
        var effective = sum * sum / squares;
        var refitted = preparation.Refitted(start, positions, [.. weights.Select(w => w / sum)], effective);

        Assert.NotNull(refitted);
        Assert.Equal((2, 1), (refitted.TargetExponent, refitted.BaseExponent));
        for (var j = 0; j < 3; j++)
        {
            Assert.Equal(mean[j], refitted.Base.Mean[j], 5 * deviation[j] / Math.Sqrt(effective));
            Assert.Equal(Inflation * deviation[j], refitted.Base.StandardDeviation[j], 5 * Inflation * deviation[j] / Math.Sqrt(2 * effective));
        }
    }
}
