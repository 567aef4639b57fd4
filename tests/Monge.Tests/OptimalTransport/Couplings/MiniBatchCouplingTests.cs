using Monge.Engine.Random;
using Monge.OptimalTransport;

namespace Monge.Tests.OptimalTransport;

/// <summary>Pairs of mini-batches against the exact assignment in double precision.</summary>
public sealed class MiniBatchCouplingTests
{
    [Theory]
    [InlineData(1, 20, 1)]
    [InlineData(2, 37, 2)]
    [InlineData(2, 256, 3)]
    [InlineData(7, 64, 4)]
    public void Pairs_cost_as_little_as_the_exact_assignment_primed_or_not(int dimension, int size, ulong seed)
    {
        var random = new RandomStream(seed);
        foreach (var isPrimed in new[] { false, true })
        {
            var coupling = new MiniBatchCoupling(CouplingKind.OptimalTransport, size, dimension);
            if (isPrimed)
            {
                var (first, second) = Points(3 * size, dimension, random);
                coupling.Prime(first, second);
            }

            var (x0, x1) = Points(2 * size, dimension, random);
            float[] before = [.. x0];
            coupling.Apply(x0, x1, random);
            for (var group = 0; group < 2; group++)
            {
                var block = (group * size * dimension)..((group + 1) * size * dimension);
                var exact = Wasserstein.Exact(Widen(before[block]), Widen(x1[block]), dimension).MeanCost;
                Assert.Equal(exact, MeanCost(x0[block], x1[block], size), 1e-5 * exact);
                Assert.Equal(before[block].Order(), x0[block].Order());
            }
        }
    }

    [Fact]
    public void With_labels_pairs_stay_within_the_labels()
    {
        const int size = 64;
        var random = new RandomStream(5);
        foreach (var kind in new[] { CouplingKind.OptimalTransport, CouplingKind.Sinkhorn })
        {
            // The base points at the places of label 1 lie where label 0 has its data.
            var (x0, x1) = (new float[size], new float[size]);
            var labels = new int[size];
            for (var i = 0; i < size; i++)
            {
                labels[i] = i % 3 == 0 ? 1 : 0;
                x1[i] = (10 * labels[i]) + (float)random.NextNormal();
                x0[i] = (10 * (1 - labels[i])) + (float)random.NextNormal();
            }

            new MiniBatchCoupling(kind, size, 1).Apply(x0, x1, random, labels);
            Assert.All(Enumerable.Range(0, size), i => Assert.True((x0[i] > 5) == (labels[i] == 0)));
        }
    }

    [Fact]
    public void Sinkhorn_pairs_approach_the_exact_ones_as_the_regularisation_falls()
    {
        var random = new RandomStream(6);
        var (x0, x1) = Points(128, 2, random);
        var exact = Wasserstein.Exact(Widen(x0), Widen(x1), 2).MeanCost;
        var costs = new List<double>();
        foreach (var epsilon in new[] { 1.0, 0.1, 0.01 })
        {
            float[] moved = [.. x0];
            new MiniBatchCoupling(CouplingKind.Sinkhorn, 128, 2, epsilon).Apply(moved, x1, random);
            costs.Add(MeanCost(moved, x1, 128));
        }

        Assert.True(costs[0] > costs[1] && costs[1] > costs[2]);
        Assert.InRange(costs[2], 0.7 * exact, 1.3 * exact);
    }

    private static (float[] X0, float[] X1) Points(int count, int dimension, RandomStream random)
    {
        var (x0, x1) = (new float[count * dimension], new float[count * dimension]);
        for (var i = 0; i < x0.Length; i++)
        {
            x0[i] = (float)random.NextNormal();
            x1[i] = (float)((0.5 * random.NextNormal()) + (3 * (i / dimension % 2)));
        }

        return (x0, x1);
    }

    private static double MeanCost(float[] x0, float[] x1, int size) => x0.Zip(x1, (a, b) => Math.Pow((double)a - b, 2)).Sum() / size;

    private static double[] Widen(float[] values) => Array.ConvertAll(values, v => (double)v);
}
