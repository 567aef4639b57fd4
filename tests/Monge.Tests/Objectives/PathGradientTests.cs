using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Objectives;
using Monge.Testing;

namespace Monge.Tests.Objectives;

public class PathGradientTests
{
    private const int Steps = 7;
    private const int Paths = 48;
    private const int StartStream = 1;
    private const int NoiseStream = 2;
    private const double LogZ = 0.7;

    private static readonly double[] s_parameters = [0.3, -0.2, 0.5, 0.1, -0.4, 0.25, 0.15, -0.3, 0.2, 0.35, -0.1, 0.05];

    public static TheoryData<string> Schedules => ["pis", "dis", "dds", "gbs", "cmcd"];

    private static KernelSchedule Schedule(string name, int steps = Steps) => name switch
    {
        "pis" => KernelSchedule.PinnedBrownian(steps, 1.3),
        "dds" => KernelSchedule.OrnsteinUhlenbeck(steps, 0.5, 3),
        "cmcd" => KernelSchedule.AnnealedLangevin(steps, (t, _) => 0.5 + (0.2 * t)),
        _ => KernelSchedule.VariancePreserving(steps, 0.2, 1),
    };

    // exp(0.7) N(x; mean, scale^2 I) in two dimensions, bent a little so that no derivative is constant.
    private static Expr LogTarget(Expr x) => LogZ - (0.5 * ((x - Expr.Constant([0.8, -0.4], 2)) / 0.6).SquaredNorm()) - Math.Log(2 * Math.PI * 0.36);

    private static Expr Score(Expr x, Expr t) => (t * Derivative.Gradient(LogTarget(x), x)) - ((1 - t) * x);

    // u = W tanh(x) + t b + gate * volatility * clipped score.
    private static (ControlledKernels Kernels, ParameterSet Parameters) Kernels(string name, int steps = Steps)
    {
        var parameters = new ParameterSet();
        Control Control(string prefix)
        {
            var (w, b) = (parameters.Add($"{prefix}.w", 2, 2), parameters.Add($"{prefix}.b", 2));
            return (x, t, volatility, clip) => Expr.MatrixProduct(w, x.Tanh()) + (t * b) + (0.2 * b[0] * volatility * Score(x, t).Clamp(-clip, clip));
        }

        var forward = Control("forward");
        return (new ControlledKernels
        {
            Dimension = 2,
            Parameters = parameters,
            Schedule = Schedule(name, steps),
            Forward = forward,
            Backward = name == "gbs" ? Control("backward") : name == "cmcd" ? (x, t, v, c) => -forward(x, t, v, c) : null,
            Score = name == "cmcd" ? (x, t, clip) => Score(x, t).Clamp(-clip, clip) : null,
            TargetCallsPerStep = 1,
        }, parameters);
    }

    private static NdArray<T> Values<T>(int count, Func<double, T> convert)
        where T : unmanaged => NdArray<T>.From([.. s_parameters[..count].Select(convert)], count);

    private static PathGradient<T> Make<T>(ControlledKernels kernels, PathSpaceLoss loss, int? segments = null, int threads = 0)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        new(kernels, LogTarget, loss, Paths, segments, StartStream, NoiseStream, new ExecutionOptions { Threads = threads });

    [Theory]
    [MemberData(nameof(Schedules))]
    public void GradientOfKullbackLeiblerIsThatOfTheSimulatedLoss(string name)
    {
        var (kernels, parameters) = Kernels(name);
        using var gradient = Make<double>(kernels, PathSpaceLoss.Kl);
        var values = Values(parameters.Count, v => v);
        gradient.Run(values, new DrawKey(5, 11));
        var exact = gradient.Gradient.Span.ToArray();
        Assert.True(exact.Max(Math.Abs) > 0.05);
        const double step = 1e-5;
        for (var p = 0; p < values.Length; p++)
        {
            var before = values[p];
            values[p] = before + step;
            var up = gradient.Run(values, new DrawKey(5, 11));
            values[p] = before - step;
            var down = gradient.Run(values, new DrawKey(5, 11));
            values[p] = before;
            Assert.Equal((up - down) / (2 * step), exact[p], 1e-7);
        }
    }

    [Theory]
    [MemberData(nameof(Schedules))]
    public void GradientOfLogVarianceIsThatOfTheWeightsOfFixedPaths(string name)
    {
        var (kernels, parameters) = Kernels(name);
        using var gradient = Make<double>(kernels, PathSpaceLoss.LogVariance);
        var values = Values(parameters.Count, v => v);
        var draw = new DrawKey(6, 3);
        var loss = gradient.Run(values, draw);
        var exact = gradient.Gradient.Span.ToArray();
        var paths = Simulate(kernels, values, draw);
        var rnd = FixedPathRnd(kernels, values, paths);
        for (var i = 0; i < Paths; i++)
        {
            Assert.Equal(rnd[i], gradient.Rnd[i], 1e-9);
        }

        double Loss() => PathSpaceLosses.Statistic(PathSpaceLoss.LogVariance, 2)(FixedPathRnd(kernels, values, paths), new double[Paths]);
        Assert.Equal(Loss(), loss, 1e-9);
        const double step = 1e-5;
        for (var p = 0; p < values.Length; p++)
        {
            var before = values[p];
            values[p] = before + step;
            var up = Loss();
            values[p] = before - step;
            var down = Loss();
            values[p] = before;
            Assert.True(
                Math.Abs(((up - down) / (2 * step)) - exact[p]) < 1e-6 * (1 + Math.Abs(exact[p])), $"{name} {p}: {(up - down) / (2 * step)} and {exact[p]}");
        }
    }

    // The positions [step][path * 2 + coordinate] of the paths.
    private static double[][] Simulate(ControlledKernels kernels, NdArray<double> values, DrawKey draw)
    {
        using var sde = ControlledSde.Forward<double>(kernels, Paths, StartStream, NoiseStream);
        sde.Start(values, Paths, draw);
        var states = new double[Steps + 1][];
        states[0] = sde.Positions.Span.ToArray();
        for (var k = 0; k < Steps; k++)
        {
            sde.Advance(values, Paths, kernels.Schedule.Grid, k, 1, draw);
            states[k + 1] = sde.Positions.Span.ToArray();
        }

        return states;
    }

    // rnd by its definition, from complete normal densities of both kernels at stored paths; nothing is shared with the
    // program under test but the control's formula.
    private static double[] FixedPathRnd(ControlledKernels kernels, NdArray<double> values, double[][] paths)
    {
        var (x, y) = (Expr.Input("x", 2), Expr.Input("y", 2));
        Expr LogNormal(Expr at, Expr mean, double variance) => (-0.5 / variance * (at - mean).SquaredNorm()) - Math.Log(2 * Math.PI * variance);
        var rnd = new double[Paths];
        for (var k = 0; k < Steps; k++)
        {
            var s = kernels.Schedule.Steps[k];
            var mean = (s.ForwardFactor * x) + (s.ForwardControl * kernels.Forward!(x, s.Time, s.Volatility, 10));
            var back = s.BackwardFactor * y;
            if (kernels.Score is { } score)
            {
                (mean, back) = (mean + (s.ForwardScore * score(x, s.Time, 10)), back + (s.BackwardScore * score(y, s.NextTime, 10)));
            }

            if (kernels.Backward is { } control)
            {
                back += s.BackwardControl * control(y, s.NextTime, s.NextVolatility, 10);
            }

            var value = LogNormal(y, mean, s.ForwardDeviation * s.ForwardDeviation);
            if (s.BackwardPrecision > 0)
            {
                value -= LogNormal(x, back, 1 / s.BackwardPrecision);
            }

            if (k == 0 && !kernels.Schedule.StartsAtOrigin)
            {
                value += LogNormal(x, Expr.Constant([0.0, 0.0], 2), 1);
            }

            if (k == Steps - 1)
            {
                value -= LogTarget(y);
            }

            var result = ReferenceInterpreter.Evaluate(
                new TracedProgram(kernels.Parameters, ("value", value)), Paths, new Dictionary<string, double[]> { ["x"] = paths[k], ["y"] = paths[k + 1] },
                values.Span.ToArray())["value"];
            for (var i = 0; i < Paths; i++)
            {
                rnd[i] += result[i];
            }
        }

        return rnd;
    }

    [Theory]
    [InlineData("gbs", PathSpaceLoss.Kl)]
    [InlineData("gbs", PathSpaceLoss.LogVariance)]
    [InlineData("pis", PathSpaceLoss.Kl)]
    public void SegmentsAndThreadsDontChangeABit(string name, PathSpaceLoss loss)
    {
        var (kernels, parameters) = Kernels(name);
        var values = Values(parameters.Count, v => (float)v);
        float[]? first = null;
        foreach (var (segments, threads) in new (int?, int)[] { (null, 1), (1, 2), (2, 3), (3, 1), (Steps, 2) })
        {
            using var gradient = Make<float>(kernels, loss, segments, threads);
            gradient.Run(values, new DrawKey(4, 2));
            first ??= gradient.Gradient.Span.ToArray();
            Assert.Equal(first, gradient.Gradient.Span.ToArray());
        }
    }

    [Theory]
    [InlineData(PathSpaceLoss.Kl)]
    [InlineData(PathSpaceLoss.LogVariance)]
    public void RunsAllocateNothing(PathSpaceLoss loss)
    {
        var (kernels, parameters) = Kernels("pis");
        using var gradient = Make<float>(kernels, loss, threads: 1);
        var values = Values(parameters.Count, v => (float)v);
        var k = 0UL;
        Assert.Equal(0, Allocation.Least(() => gradient.Run(values, new DrawKey(4, k++))));
    }

    [Theory]
    [InlineData(PathSpaceLoss.Kl)]
    [InlineData(PathSpaceLoss.LogVariance)]
    public void PathsWithoutAFiniteWeightDontReachTheGradient(PathSpaceLoss loss)
    {
        // The target is not a number to the right of 0.2: those paths are left out, and the others give the loss.
        var (kernels, parameters) = Kernels("pis");
        using var gradient = new PathGradient<double>(kernels, x => LogTarget(x) + (1e-9 * (0.2 - x[0]).Log()), loss, Paths, null, StartStream, NoiseStream);
        var value = gradient.Run(Values(parameters.Count, v => v), new DrawKey(5, 11));
        double[] finite = [.. gradient.Rnd.ToArray().Where(double.IsFinite)];
        Assert.InRange(finite.Length, 10, Paths - 5);
        var mean = finite.Average();
        Assert.Equal((loss == PathSpaceLoss.Kl ? mean : finite.Sum(r => (r - mean) * (r - mean)) / (finite.Length - 1)) / 2, value, 1e-9);
        Assert.All(gradient.Gradient.Span.ToArray(), g => Assert.True(double.IsFinite(g)));
        Assert.True(gradient.Gradient.Span.ToArray().Max(Math.Abs) > 1e-3);
    }

    [Fact]
    public void LogVarianceHasNoGradientAtTheExactControlWhateverTheBatch()
    {
        // From Brownian motion to N(m, I) the exact control is the constant m.
        var parameters = new ParameterSet();
        var m = parameters.Add("m", 2);
        var kernels = new ControlledKernels
        {
            Dimension = 2,
            Parameters = parameters,
            Schedule = KernelSchedule.PinnedBrownian(20, 1),
            Forward = (x, _, _, _) => m + (0 * x),
            TargetCallsPerStep = 0,
        };
        using var gradient = new PathGradient<double>(
            kernels, x => -0.5 * (x - Expr.Constant([0.9, -0.3], 2)).SquaredNorm(), PathSpaceLoss.LogVariance, 16, null, StartStream, NoiseStream);
        var exact = NdArray<double>.From([0.9, -0.3], 2);
        var wrong = NdArray<double>.From([0.5, -0.3], 2);
        Assert.True(gradient.Run(exact, new DrawKey(1)) < 1e-20);
        Assert.True(gradient.Gradient.Span.ToArray().Max(Math.Abs) < 1e-10);
        Assert.True(gradient.Run(wrong, new DrawKey(1)) > 1e-3);
        Assert.True(gradient.Gradient[0] < -1e-2);
    }

    [Fact]
    public void StatesGrowWithTheRootOfTheSteps()
    {
        long Bytes(int steps)
        {
            using var gradient = Make<float>(Kernels("pis", steps).Kernels, PathSpaceLoss.Kl);
            return gradient.StateBytes;
        }

        Assert.InRange((double)Bytes(400) / Bytes(25), 3, 4);
    }
}
