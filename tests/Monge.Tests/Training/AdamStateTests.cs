using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Training;

namespace Monge.Tests.Training;

public class AdamStateTests
{
    [Fact]
    public void StepsAreThoseOfTheFormula()
    {
        const int count = 37;
        var adam = new AdamState<double>(count);
        var (p, m, v, a) = (new double[count], new double[count], new double[count], new double[count]);
        for (var i = 0; i < count; i++)
        {
            adam.Parameters[i] = p[i] = a[i] = Math.Sin(i);
        }

        adam.BeginAverage();
        for (var step = 1; step <= 5; step++)
        {
            var gradient = new double[count];
            for (var i = 0; i < count; i++)
            {
                gradient[i] = Math.Cos(i * step) - (0.2 * p[i]);
            }

            var norm = Math.Sqrt(gradient.Sum(g => g * g));
            Assert.Equal(norm, adam.Step(NdArray<double>.From(gradient, count), 0.01, 2.0, 0.9), 12);
            for (var i = 0; i < count; i++)
            {
                var g = gradient[i] * Math.Min(1, 2.0 / norm);
                m[i] = (0.9 * m[i]) + (0.1 * g);
                v[i] = (0.99 * v[i]) + (0.01 * g * g);
                p[i] -= 0.01 * (m[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.99, step))) + 1e-8);
                var decay = Math.Min(0.9, (1.0 + step) / (10.0 + step));
                a[i] = (decay * a[i]) + ((1 - decay) * p[i]);
                Assert.Equal(p[i], adam.Parameters[i], 12);
                Assert.Equal(a[i], adam.Average[i], 12);
            }
        }
    }

    [Fact]
    public void AllocatesNothingAndRefusesWhatIsNotFinite()
    {
        var adam = new AdamState<float>(1000);
        var gradient = new NdArray<float>(1000);
        gradient.Span.Fill(0.1f);
        adam.Step(gradient, 0.01, 1, 0.99);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            adam.Step(gradient, 0.01, 1, 0.99);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        var kept = adam.Parameters.Span.ToArray();
        gradient[17] = float.NaN;
        Assert.True(double.IsNaN(adam.Step(gradient, 0.01, 1, 0.99)));
        Assert.Equal(kept, adam.Parameters.Span.ToArray());
    }

    [Theory]
    [InlineData(10_007)]
    [InlineData(100_003)]
    public void ThreadsDoNotChangeABit(int count)
    {
        using var team = new ThreadTeam(3);
        var (alone, shared) = (new AdamState<float>(count), new AdamState<float>(count));
        var gradient = new NdArray<float>(count);
        for (var step = 0; step < 3; step++)
        {
            for (var i = 0; i < count; i++)
            {
                gradient[i] = MathF.Sin((i * 0.37f) + step);
            }

            Assert.Equal(alone.Step(gradient, 0.01, 1, 0.9), shared.Step(gradient, 0.01, 1, 0.9, team));
        }

        Assert.Equal(alone.Parameters.Span.ToArray(), shared.Parameters.Span.ToArray());
        Assert.Equal(alone.Average.Span.ToArray(), shared.Average.Span.ToArray());
    }

    [Fact]
    public void LearningRateRisesAndFalls()
    {
        Assert.Equal(1e-2 / 50, LearningRate.WarmCosine(0, 1000, 1e-2, 0.01), 12);
        Assert.Equal(1e-2, LearningRate.WarmCosine(50, 1000, 1e-2, 0.01), 12);
        Assert.Equal(1e-4, LearningRate.WarmCosine(1000, 1000, 1e-2, 0.01), 12);
        Assert.True(LearningRate.WarmCosine(500, 1000, 1e-2, 0.01) > LearningRate.WarmCosine(600, 1000, 1e-2, 0.01));
    }
}
