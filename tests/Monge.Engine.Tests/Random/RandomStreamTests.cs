using Monge.Engine.Random;

namespace Monge.Engine.Tests.Random;

public unsafe class RandomStreamTests
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
    public void Scalar_tiles_do_not_depend_on_tiling_and_follow_the_element_cursor()
    {
        const int lanes = 50;
        double[] cumulative = [1, 3, 6];
        var gamma = new double[3 * lanes];
        var student = new double[3 * lanes];
        var category = new double[3 * lanes];
        fixed (double* gammas = gamma, students = student, categories = category)
        {
            foreach ((int offset, int count) in new[] { (0, 17), (17, 1), (18, 32) })
            {
                TileRandom.FillGamma(gammas + offset, 3, lanes, 1L << 35 | (uint)offset, count, 8, 2, 1UL << 33, 0.6);
                TileRandom.FillStudentT(students + offset, 3, lanes, 1L << 35 | (uint)offset, count, 8, 2, 1UL << 33, 4);
                TileRandom.FillCategorical(categories + offset, 3, lanes, 1L << 35 | (uint)offset, count, 8, 2, 1UL << 33, cumulative);
            }
        }

        ulong key = new RandomKey(8, 2).PhiloxKey;
        for (int element = 0; element < 3; element++)
        {
            for (int lane = 0; lane < lanes; lane++)
            {
                WordCursor Cursor() => WordCursor.ForElement(key, 1UL << 33, 1UL << 35 | (uint)lane, element);
                Assert.Equal(Cursor().NextGamma(0.6), gamma[element * lanes + lane]);
                Assert.Equal(Cursor().NextStudentT(4), student[element * lanes + lane]);
                Assert.Equal(Cursor().NextCategorical(cumulative), category[element * lanes + lane]);
            }
        }
    }

    [Fact]
    public void Host_draws_allocate_nothing()
    {
        var random = new RandomStream(1);
        double[] weights = [1, 2, 3];
        double sum = Draw();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int index = 0; index < 100; index++)
        {
            sum += Draw();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
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
