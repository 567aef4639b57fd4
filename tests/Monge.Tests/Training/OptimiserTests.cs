using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Testing;
using Monge.Training;

namespace Monge.Tests.Training;

/// <summary>Every optimiser of the list goes through every test.</summary>
public class OptimiserTests
{
    // The published recursion of one number: parameter, gradient, two numbers remembered, step from 1, learning rate.
    private delegate void Recursion(ref double p, double g, ref double m, ref double v, int step, double rate);

    private static readonly Dictionary<string, (Optimiser Optimiser, Recursion Recursion)> s_all = new()
    {
        ["adam"] = (new Adam(), (ref double p, double g, ref double m, ref double v, int step, double rate) =>
        {
            (m, v) = ((0.9 * m) + (0.1 * g), (0.99 * v) + (0.01 * g * g));
            p -= rate * (m / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v / (1 - Math.Pow(0.99, step))) + 1e-8);
        }
        ),
        ["adam with its own decays"] = (new Adam(0.8, 0.95, 1e-3), (ref double p, double g, ref double m, ref double v, int step, double rate) =>
        {
            (m, v) = ((0.8 * m) + (0.2 * g), (0.95 * v) + (0.05 * g * g));
            p -= rate * (m / (1 - Math.Pow(0.8, step))) / (Math.Sqrt(v / (1 - Math.Pow(0.95, step))) + 1e-3);
        }
        ),
        ["adamw"] = (new Adam(0.9, 0.999, WeightDecay: 0.1), (ref double p, double g, ref double m, ref double v, int step, double rate) =>
        {
            p -= rate * 0.1 * p;
            (m, v) = ((0.9 * m) + (0.1 * g), (0.999 * v) + (0.001 * g * g));
            p -= rate * (m / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v / (1 - Math.Pow(0.999, step))) + 1e-8);
        }
        ),
        ["radam"] = (new RectifiedAdam(), (ref double p, double g, ref double m, ref double v, int step, double rate) =>
        {
            (m, v) = ((0.9 * m) + (0.1 * g), (0.999 * v) + (0.001 * g * g));
            var mean = m / (1 - Math.Pow(0.9, step));
            var limit = (2 / (1 - 0.999)) - 1;
            var length = limit - (2 * step * Math.Pow(0.999, step) / (1 - Math.Pow(0.999, step)));
            var rectified = Math.Sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length));
            p -= length > 4 ? rate * mean * rectified / (Math.Sqrt(v / (1 - Math.Pow(0.999, step))) + 1e-8) : rate * mean;
        }
        ),
        ["gradient descent"] = (new GradientDescent(0), (ref double p, double g, ref double m, ref double v, int step, double rate) => p -= rate * g),
        ["momentum"] = (new GradientDescent(0.9), (ref double p, double g, ref double m, ref double v, int step, double rate) =>
        {
            m = (0.9 * m) + g;
            p -= rate * m;
        }
        ),
        ["rmsprop"] = (new RootMeanSquare(0.95), (ref double p, double g, ref double m, ref double v, int step, double rate) =>
        {
            v = (0.95 * v) + (0.05 * g * g);
            p -= rate * g / (Math.Sqrt(v) + 1e-8);
        }
        ),
    };

    public static TheoryData<string> All => [.. s_all.Keys];

    [Theory]
    [MemberData(nameof(All))]
    public void StepsAreThoseOfThePublishedRecursion(string name)
    {
        const int count = 37;
        const double clip = 2;
        var (optimiser, recursion) = s_all[name];
        var options = new GradientStepOptions
        {
            Optimiser = optimiser,
            LearningRate = new StepRate(0.01, Interval: 4, Factor: 0.5),
            GradientClip = clip,
            AverageDecay = 0.9,
            FurtherAverageDecays = [0.3, 0],
        };
        var state = State<double>(count, options);
        var (p, m, v) = (new double[count], new double[count], new double[count]);
        var averages = new double[3][];
        for (var i = 0; i < count; i++)
        {
            state.Parameters[i] = p[i] = Math.Sin(i);
        }

        state.BeginAverage();
        for (var k = 0; k < 3; k++)
        {
            averages[k] = [.. p];
        }

        for (var step = 1; step <= 12; step++)
        {
            double[] gradient = [.. p.Select((value, i) => Math.Cos(i * step) - (0.2 * value))];
            var norm = Math.Sqrt(gradient.Sum(g => g * g));
            Assert.Equal(norm, state.Step(NdArray<double>.From(gradient, count), 0, step - 1, 12).GradientNorm!.Value, 12);
            for (var i = 0; i < count; i++)
            {
                recursion(ref p[i], gradient[i] * Math.Min(1, clip / norm), ref m[i], ref v[i], step, 0.01 * Math.Pow(0.5, (step - 1) / 4));
                Assert.Equal(p[i], state.Parameters[i], 12);
                for (var k = 0; k < 3; k++)
                {
                    var decay = Math.Min(new[] { 0.9, 0.3, 0 }[k], (1.0 + step) / (10.0 + step));
                    averages[k][i] = (decay * averages[k][i]) + ((1 - decay) * p[i]);
                    Assert.Equal(averages[k][i], state.Averages[k][i], 12);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void FindsTheLeastOfAQuadratic(string name)
    {
        var optimiser = s_all[name].Optimiser;
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var x = initializer.Add(parameters, "x", 1, 3);
        double[] least = optimiser is Adam { WeightDecay: > 0 } ? [0, 0, 0] : [1, -2, 0.5];
        var loss = (Expr.Constant([1, 2, 4], 3) * (x - Expr.Constant(least, 3)).Square()).Sum();
        var options = new GradientStepOptions { Optimiser = optimiser, LearningRate = new WarmCosineRate(0.02, 1e-4), AverageDecay = 0.9 };
        using var step = new GradientStep<double>(parameters, loss / 1, 1, options, new ExecutionOptions { Threads = 1 });
        var state = step.Init(initializer, new(1, 1));
        for (var k = 0; k < 2000; k++)
        {
            step.Run(state, k, 2000, default);
        }

        Assert.All(least, (value, i) => Assert.Equal(value, state.Average[i], 4));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void ThreadsDoNotChangeABit(string name)
    {
        const int count = 100_003;
        using var two = new ThreadTeam(2);
        using var three = new ThreadTeam(3);
        ThreadTeam?[] teams = [null, two, three];
        var options = new GradientStepOptions { Optimiser = s_all[name].Optimiser, GradientClip = 1, FurtherAverageDecays = [0.5] };
        var states = teams.Select(_ => State<float>(count, options)).ToArray();
        var gradient = new NdArray<float>(count);
        for (var step = 0; step < 3; step++)
        {
            for (var i = 0; i < count; i++)
            {
                gradient[i] = MathF.Sin((i * 0.37f) + step);
            }

            Assert.Single(states.Select((state, k) => state.Step(gradient, 0, step, 3, teams[k])).Distinct());
        }

        foreach (var (state, (arrayName, values)) in states.Skip(1).SelectMany(s => s.Arrays.Select(a => (s, a))))
        {
            Assert.True(states[0].Arrays.Single(a => a.Name == arrayName).Values.Span.SequenceEqual(values.Span), $"{arrayName} differs");
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void GoesOnFromItsArraysToTheBit(string name)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var (w, b) = (initializer.Add(parameters, "w", 1, 5, 3), initializer.Add(parameters, "b", 0.1, 5));
        var loss = (Expr.MatrixProduct(w, Expr.Random(RandomLaw.Normal, 1, 3)) + b - 1).SquaredNorm() / 16;
        var options = new GradientStepOptions
        {
            Optimiser = s_all[name].Optimiser,
            LearningRate = new StepRate(0.01),
            Plateau = new Plateau(Patience: 1, Window: 3, Threshold: 0.5),
            FurtherAverageDecays = [0.5],
            Projections = [new SpectralNorm(0.8, "w")],
        };
        using var step = new GradientStep<float>(parameters, loss, 16, options, new ExecutionOptions { Threads = 1 });
        OptimiserState<float> Run(OptimiserState<float> state, int from, int to)
        {
            for (var k = from; k < to; k++)
            {
                step.Run(state, k, 40, new DrawKey(1, (ulong)k));
            }

            return state;
        }

        var whole = Run(step.Init(initializer, new(1, 1)), 0, 40);
        var half = Run(step.Init(initializer, new(1, 1)), 0, 17);
        var resumed = step.NewState();
        foreach (var ((_, from), (_, to)) in half.Arrays.Zip(resumed.Arrays))
        {
            from.Span.CopyTo(to.Span);
        }

        half.LossMemory.Span.CopyTo(resumed.LossMemory.Span);
        resumed.Steps = half.Steps;
        Run(resumed, 17, 40);
        foreach (var ((arrayName, expected), (_, found)) in whole.Arrays.Zip(resumed.Arrays))
        {
            Assert.True(expected.Span.SequenceEqual(found.Span), $"{arrayName} differs");
        }

        Assert.Equal(whole.LossMemory.Span.ToArray(), resumed.LossMemory.Span.ToArray());
        Assert.True(whole.LossMemory[4] > 0, "the rate was never lowered, so the test says nothing of it");
        Assert.Contains("projection0.w", whole.Arrays.Select(a => a.Name));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void AllocatesNothingAndRefusesWhatIsNotFinite(string name)
    {
        var options = new GradientStepOptions
        {
            Optimiser = s_all[name].Optimiser,
            Plateau = new Plateau(),
            FurtherAverageDecays = [0.9],
            Projections = [new NonNegative("x"), new Sphere(2, "x")],
        };
        var state = State<float>(1000, options);
        var gradient = new NdArray<float>(1000);
        state.Parameters.Span.Fill(1);
        gradient.Span.Fill(0.1f);
        Assert.Equal(0, Allocation.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                state.Step(gradient, 1, i, 1000);
            }
        }));
        var kept = state.Parameters.Span.ToArray();
        gradient[17] = float.NaN;
        Assert.True(double.IsNaN(state.Step(gradient, 1, 0, 1000).GradientNorm!.Value));
        Assert.Equal(kept, state.Parameters.Span.ToArray());
        Assert.Equal(200, state.Steps);
    }

    [Fact]
    public void OptionsOutOfRangeAreRefused()
    {
        Assert.Throws<ArgumentException>(() => State<float>(1, new GradientStepOptions { Optimiser = new Adam(1) }));
        Assert.Throws<ArgumentException>(() => State<float>(1, new GradientStepOptions { Optimiser = new RootMeanSquare(-0.1) }));
        Assert.Throws<ArgumentException>(() => State<float>(1, new GradientStepOptions { Optimiser = new GradientDescent(1) }));
        Assert.Throws<ArgumentException>(() => State<float>(1, new GradientStepOptions { GradientClip = 0 }));
        Assert.Throws<ArgumentException>(() => State<float>(1, new GradientStepOptions { FurtherAverageDecays = [1] }));
        Assert.Throws<ArgumentException>(() => State<float>(2, new GradientStepOptions()).Step(new NdArray<float>(3), 0, 0, 1));
    }

    private static OptimiserState<T> State<T>(int count, GradientStepOptions options)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var parameters = new ParameterSet();
        parameters.Add("x", count);
        return new OptimiserState<T>(parameters.Blocks, options);
    }
}
