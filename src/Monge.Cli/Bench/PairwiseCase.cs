using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Pairwise;
using Monge.Engine.Random;

namespace Monge.Cli.Bench;

/// <summary>Sums of a Gaussian kernel and of its gradient over all pairs of a batch, by the engine and by the loops of a textbook.</summary>
/// <typeparam name="T">Precision.</typeparam>
internal static class PairwiseCase<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The engine's sums; the count is that of the two matrix products in them.</summary>
    public static BenchWork Create(BenchSettings s)
    {
        var (x, values, gradients) = Start(s);
        var sums = new PairwiseSums<T>(new ExecutionOptions { Threads = s.Threads });
        var kernel = new GaussianKernel<T>(Bandwidth(s));
        return new BenchWork(() => sums.ValuesAndGradients(kernel, x, x, s.Dimension, default, values, gradients), Operations(s), static () => { });
    }

    /// <summary>The same sums by plain loops, rows shared among as many threads.</summary>
    public static BenchWork CreatePlain(BenchSettings s)
    {
        var (x, values, gradients) = Start(s);
        var (n, d, rate) = (s.Batch, s.Dimension, T.CreateTruncating(-0.5 / (Bandwidth(s) * Bandwidth(s))));
        void Row(int i)
        {
            var sum = T.Zero;
            Span<T> gradient = gradients.AsSpan(i * d, d), point = x.AsSpan(i * d, d);
            gradient.Clear();
            for (var j = 0; j < n; j++)
            {
                var square = T.Zero;
                var other = x.AsSpan(j * d, d);
                for (var k = 0; k < d; k++)
                {
                    square += (point[k] - other[k]) * (point[k] - other[k]);
                }

                var value = T.Exp(rate * square);
                sum += value;
                for (var k = 0; k < d; k++)
                {
                    gradient[k] += (rate + rate) * value * (point[k] - other[k]);
                }
            }

            values[i] = sum;
        }

        return new BenchWork(() => Workers.For(n, s.Threads, Row), Operations(s), static () => { });
    }

    private static double Bandwidth(BenchSettings s) => Math.Sqrt(s.Dimension);

    private static double Operations(BenchSettings s) => 4.0 * s.Batch * s.Batch * s.Dimension;

    private static (T[] X, T[] Values, T[] Gradients) Start(BenchSettings s)
    {
        var random = new RandomStream(1, 6);
        return ([.. Enumerable.Range(0, s.Batch * s.Dimension).Select(_ => T.CreateTruncating(random.NextNormal()))], new T[s.Batch],
            new T[s.Batch * s.Dimension]);
    }
}
