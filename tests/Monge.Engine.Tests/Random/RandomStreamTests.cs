using Monge.Engine.Random;
using Monge.Testing;

namespace Monge.Engine.Tests.Random;

public class RandomStreamTests
{
    [Fact]
    public void A_restored_stream_continues_to_the_bit()
    {
        for (int skip = 0; skip < 30; skip++)
        {
            var random = new RandomStream(42, 3);
            for (int draw = 0; draw < skip; draw++)
            {
                random.NextUInt32();
            }

            var restored = new RandomStream(random.State);
            for (int draw = 0; draw < 20; draw++)
            {
                Assert.Equal(random.NextNormal(), restored.NextNormal());
                Assert.Equal(random.NextGamma(0.7), restored.NextGamma(0.7));
                Assert.Equal(random.NextInt(10), restored.NextInt(10));
            }

            Assert.Equal(random.State, restored.State);
        }
    }

    [Fact]
    public void Words_are_those_of_the_documented_counters()
    {
        ulong key = new RandomKey(9, 1).PhiloxKey;
        var random = new RandomStream(new RandomState(key, (5UL << 34) + 3));
        Assert.Equal(Philox.Block(5, 0, 0, uint.MaxValue, key).Word3, random.NextUInt32());
        Assert.Equal(Philox.Block(5, 1, 0, uint.MaxValue, key).Word0, random.NextUInt32());
    }

    [Fact]
    public void Host_draws_allocate_nothing()
    {
        var random = new RandomStream(1);
        double[] weights = [1, 2, 3];
        double sum = 0;
        Assert.Equal(0, Allocation.Least(() =>
        {
            for (int index = 0; index < 100; index++)
            {
                sum += Draw();
            }
        }));
        Assert.True(double.IsFinite(sum));

        double Draw() => random.NextDouble() + random.NextNormal() + random.NextExponential() + random.NextGamma(0.5)
            + random.NextStudentT(3) + random.NextInt(5) + random.NextCategorical(weights) + random.NextRademacher();
    }

    [Fact]
    public void Impossible_parameters_are_refused()
    {
        var random = new RandomStream(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextGamma(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextGamma(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextStudentT(double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt(0));
        Assert.Throws<ArgumentException>(() => random.NextCategorical([]));
        Assert.Throws<ArgumentException>(() => random.NextCategorical([1, -1]));
        Assert.Throws<ArgumentException>(() => random.NextCategorical([0, 0]));
        Assert.Throws<ArgumentException>(() => random.NextCategorical([1, double.NaN]));
    }

    [Fact]
    public void Many_normals_at_once_are_repeatable_and_standard()
    {
        var (first, second) = (new float[40_003], new float[40_003]);
        new RandomStream(5, 3).FillNormal(first);
        new RandomStream(5, 3).FillNormal(second);
        Assert.Equal(first, second);
        Assert.Equal(first.Length, first.Distinct().Count(), 200.0);
        Assert.Equal(0, first.Average(), 0.03);
        Assert.Equal(1, first.Average(v => v * v), 0.05);
    }
}
