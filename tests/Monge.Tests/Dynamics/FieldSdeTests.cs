using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Tests.Dynamics;

public sealed class FieldSdeTests
{
    private static readonly MixtureInterpolant s_law = new(
        new Interpolant(InterpolantSchedules.LinearWithLatent()), GaussianMixtureLaw.Single([1], new[,] { { 0.5 } }),
        GaussianMixtureLaw.Single([-2], new[,] { { 1.5 } }));

    [Theory]
    [InlineData(0, SdeScheme.Heun, true)]
    [InlineData(0.7, SdeScheme.Heun, true)]
    [InlineData(3, SdeScheme.Heun, true)]
    [InlineData(0.7, SdeScheme.EulerMaruyama, true)]
    [InlineData(0.7, SdeScheme.Heun, false)]
    public void AnyDiffusionCarriesOneEndToTheOther(double diffusion, SdeScheme scheme, bool forward)
    {
        const int Samples = 20_000;
        var (from, to) = forward ? (s_law.Start, s_law.Data) : (s_law.Data, s_law.Start);
        using var sde = FieldSde.Walk<double>(null, s_law.Drift(_ => forward ? diffusion : -diffusion), scheme, 702);
        foreach (var seed in (ulong[])[1, 2, 3])
        {
            var start = NdArray<double>.From(from.Sample(Samples, new Engine.Random.RandomStream(seed, 703)), Samples, 1);
            var times = TimeGrid.EqualTimes(forward ? 0 : 1, forward ? 1 : 0, scheme == SdeScheme.Heun ? 100 : 400);
            var end = sde.Carry(null, start, new TimeGrid(times, (_, _) => diffusion), new DrawKey(seed));
            var mean = end.Span.ToArray().Average();
            var variance = end.Span.ToArray().Average(v => (v - mean) * (v - mean));
            var exact = to.Covariances[0][0, 0];
            Assert.Equal(to.Means[0][0], mean, 5 * Math.Sqrt(exact / Samples));
            Assert.Equal(exact, variance, (5 * exact * Math.Sqrt(2.0 / Samples)) + 0.01);
        }
    }

    [Fact]
    public void WithoutNoiseTheDivergenceGivesTheLogDensity()
    {
        using var ode = FieldSde.Walk<double>(null, s_law.Velocity, SdeScheme.Heun, 702, withDivergence: true);
        var start = NdArray<double>.From([-1, 0.3, 2], 3, 1);
        var end = ode.Carry(null, start, new TimeGrid(TimeGrid.EqualTimes(1, 0, 2000)));
        for (var i = 0; i < 3; i++)
        {
            // log rho_1(x_1) = log rho_0(x_0) - int_0^1 div b dt, and the run goes down.
            Assert.Equal(s_law.Data.LogDensity([start[i]]), s_law.Start.LogDensity([end[i]]) + ode["divergence"][i], 1e-5);
        }
    }

    [Fact]
    public void TimesThatStandStillAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new TimeGrid([0, 0.5, 0.5]));
    }
}
