using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Methods;

namespace Monge.Tests.Methods;

public class OdeStepsTests
{
    private const int Batch = 2000;

    // Log-weights of a given spread about a log Z that a step of order 4 moves by shift / steps^4.
    private static ImportanceWeights Weights(int steps, double shift, double spread) =>
        ImportanceWeights.FromLogWeights([.. Enumerable.Range(0, Batch).Select(i => (shift / Math.Pow(steps, 4)) + (i % 2 == 0 ? spread : -spread))]);

    private static (int Steps, double Error) Refine(int steps, bool mayDouble, int samples, Func<int, ImportanceWeights?> validate)
    {
        var (sampler, error) = OdeSteps.Refine(new TransportSampler(null, steps, 0), mayDouble, samples, s => validate(s.Steps), default);
        return (sampler.Steps, error);
    }

    [Fact]
    public void ASamplerThatIsNoOdeStaysAsItIs()
    {
        var sampler = new TransportSampler(SdeScheme.EulerMaruyama, 8, 0.1);
        Assert.Equal((sampler, 0), OdeSteps.Refine(sampler, true, Batch, s => Weights(s.Steps, 100, 0.1), default));
    }

    [Fact]
    public void StepsDoubleUntilTheirErrorNoLongerMatters()
    {
        // The statistical error is tanh(0.1) / sqrt(2000) = 0.0022; from 8 to 16 steps log Z moves by 0.0229, from 16 to 32 by 0.0014, from 32 to 64 by 0.0001.
        var (steps, error) = Refine(8, true, Batch, n => Weights(n, 100, 0.1));
        Assert.Equal(32, steps);
        Assert.Equal(100 * (Math.Pow(32, -4) - Math.Pow(64, -4)), error, 1e-9);
    }

    [Fact]
    public void MoreDrawsAskForMoreSteps()
    {
        // 100 times the draws have a tenth of the error.
        var (steps, _) = Refine(8, true, 100 * Batch, n => Weights(n, 100, 0.1));
        Assert.Equal(64, steps);
    }

    [Fact]
    public void FixedStepsStayAndTheirErrorIsTold()
    {
        var (steps, error) = Refine(8, false, Batch, n => Weights(n, 100, 0.1));
        Assert.Equal(8, steps);
        Assert.Equal(100 * (Math.Pow(8, -4) - Math.Pow(16, -4)), error, 1e-9);
    }

    [Fact]
    public void ParticlesLostAtTheFinerStepMakeTheErrorInfinite()
    {
        var (steps, error) = Refine(8, true, Batch, n => n == 8 ? Weights(n, 1, 0.1) : null);
        Assert.Equal(8, steps);
        Assert.Equal(double.PositiveInfinity, error);
    }

    [Fact]
    public void ItEndsWhenTheStepNeverConverges()
    {
        var sign = 1.0;
        var (steps, error) = Refine(8, true, Batch, n => Weights(1, sign = -sign, 0.1));
        Assert.Equal(256, steps);
        Assert.Equal(2, error, 1e-9);
    }
}
