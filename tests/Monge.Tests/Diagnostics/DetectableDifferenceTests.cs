using Monge.Diagnostics;
using Monge.Engine.Random;

namespace Monge.Tests.Diagnostics;

public sealed class DetectableDifferenceTests
{
    [Fact]
    public void Differences_are_two_standard_errors_of_tables_that_have_one_law()
    {
        const int n = 60, m = 90, repetitions = 4000;
        var (random, means, shares, areas) = (new RandomStream(3), 0.0, 0.0, 0.0);
        for (var k = 0; k < repetitions; k++)
        {
            double[] first = Normal(n), second = Normal(m);
            means += Square(first.Average() - second.Average());
            shares += Square(first.Count(v => v > 0) / (double)n - (second.Count(v => v > 0) / (double)m));

            // The area under the curve of a classifier that knows nothing: the share of pairs in their order, with 20 rows of each kind.
            double[] low = Normal(20), high = Normal(20);
            areas += Square((low.Sum(a => high.Count(b => b > a)) / 400.0) - 0.5);
        }

        var differences = DetectableDifference.Of(n, m, testRows: 40);
        var relative = 5 / Math.Sqrt(2.0 * repetitions);
        Assert.InRange(2 * Math.Sqrt(means / repetitions) / differences.Mean, 1 - relative, 1 + relative);
        Assert.InRange(2 * Math.Sqrt(shares / repetitions) / differences.Share, 1 - relative, 1 + relative);
        Assert.InRange(2 * Math.Sqrt(areas / repetitions) / (differences.Auc!.Value - 0.5), 1 - relative, 1 + relative);
        Assert.Equal(0.5 + (1 / Math.Sqrt(40)), differences.Accuracy!.Value, 1e-12);
        Assert.Equal(0.05, Math.Pow(1 - differences.RarestKind, n), 0.005);

        double[] Normal(int count)
        {
            var values = new double[count];
            for (var i = 0; i < count; i++)
            {
                values[i] = random.NextNormal();
            }

            return values;
        }
    }

    [Fact]
    public void Words_say_the_differences_and_leave_out_a_classifier_that_was_not_asked()
    {
        Assert.Equal(
            "not seen at these numbers of rows: means that differ by less than 0.063 deviations, shares by less than 3.16 points, "
            + "kinds of rows rarer than 0.15 %", DetectableDifference.Of(2000, 2000).ToString());
        Assert.Contains("a classifier that is right in less than 53.2 %", DetectableDifference.Of(2000, 2000, 1000).ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => DetectableDifference.Of(0, 5));
    }

    private static double Square(double value) => value * value;
}
