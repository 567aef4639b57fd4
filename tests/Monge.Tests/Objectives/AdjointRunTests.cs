using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Objectives;
using Monge.Testing;

namespace Monge.Tests.Objectives;

public class AdjointRunTests
{
    private const int Particles = 37;
    private const int Steps = 7;
    private const int Recorded = 3;

    private static readonly TimeGrid s_grid = new([0, 0.1, 0.15, 0.4, 0.6, 0.61, 0.9, 1], (t, _) => 0.3 + t);

    /// <summary>
    /// Given positions, a velocity that starts from the parameters and the position, a cost, and noise kept as a state so that one large program can be given
    /// it.
    /// </summary>
    private sealed class Model
    {
        public Model()
        {
            A = Parameters.Add("a", 2, 2);
            B = Parameters.Add("b", 2);
            (X, V, Cost, Noise) = (Expr.Input("x", 2), Expr.Input("v", 2), Expr.Input("cost"), Expr.Input("noise", 2));
            var (x, v, cost) = Step(X, V, Cost, Noise, Expr.PerStep("t"), Expr.PerStep("h"), Expr.PerStep("deviation"), Expr.Shared("strength"));
            States =
            [
                new(X, x, IsGiven: true),
                new(V, v, StartV(X)),
                new(Cost, cost),
                new(Noise, Expr.Random(RandomLaw.Normal, 5, 2), Expr.Random(RandomLaw.Normal, 6, 2)),
            ];
        }

        public ParameterSet Parameters { get; } = new();

        public Expr A { get; }

        public Expr B { get; }

        public Expr X { get; }

        public Expr V { get; }

        public Expr Cost { get; }

        public Expr Noise { get; }

        public WalkState[] States { get; }

        public Expr StartV(Expr x) => (B * x).Sin();

        public (Expr X, Expr V, Expr Cost) Step(Expr x, Expr v, Expr cost, Expr noise, Expr t, Expr h, Expr deviation, Expr strength)
        {
            var force = (Expr.MatrixProduct(A, x).Tanh() * (1 + t)) - (strength * x);
            var vNext = v + (h * (force - (0.4 * v))) + (deviation * noise);
            return (x + (h * vNext), vNext, cost + (h * force.SquaredNorm() * x[0].Cos()));
        }

        public ParticleWalk<T> Walk<T>(int threads = 1)
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
        {
            var walk = new ParticleWalk<T>(Parameters, States, Particles, new ExecutionOptions { Threads = threads });
            walk.Set("strength", 0.7);
            for (var i = 0; i < walk.Positions.Length; i++)
            {
                walk.Positions[i] = T.CreateChecked(Start(i));
            }

            return walk;
        }

        public NdArray<T> Values<T>()
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
        {
            var values = new NdArray<T>(Parameters.Count);
            for (var p = 0; p < values.Length; p++)
            {
                values[p] = T.CreateChecked(0.8 * Math.Cos(1 + (2.3 * p)));
            }

            return values;
        }
    }

    private static double Start(int i) => 1.3 * Math.Sin(1 + (1.7 * i));

    // log of the variance of the ends' first coordinates, plus the mean cost times the mean of sin of a recorded coordinate: every sample's derivative depends
    // on all.
    private static double Loss(
        ReadOnlySpan<double> ends, ReadOnlySpan<double> costs, ReadOnlySpan<double> recorded, double[] toEnd, double[] toCost, double[] toRecorded)
    {
        var (n, mean, cost, sine, variance) = (costs.Length, 0.0, 0.0, 0.0, 0.0);
        for (var i = 0; i < n; i++)
        {
            (mean, cost, sine) = (mean + (ends[2 * i] / n), cost + (costs[i] / n), sine + (Math.Sin(recorded[(2 * i) + 1]) / n));
        }

        for (var i = 0; i < n; i++)
        {
            variance += Math.Pow(ends[2 * i] - mean, 2) / n;
        }

        for (var i = 0; i < n; i++)
        {
            toEnd[2 * i] = 2 * (ends[2 * i] - mean) / n / variance;
            toCost[i] = sine / n;
            toRecorded[(2 * i) + 1] = cost * Math.Cos(recorded[(2 * i) + 1]) / n;
        }

        return Math.Log(variance) + (cost * sine);
    }

    private static double Gradient(AdjointRun<double> adjoint, NdArray<double> values, DrawKey draw, ParticleWalk<double> walk)
    {
        adjoint.Forward(values, draw);
        var (toEnd, toCost, toRecorded) = (new double[2 * Particles], new double[Particles], new double[2 * Particles]);
        var loss = Loss(walk.Positions.Span, walk["cost"].Span, adjoint.Record!["x"].Row(0), toEnd, toCost, toRecorded);
        toEnd.CopyTo(adjoint.Cotangent("x").Span);
        toCost.CopyTo(adjoint.Cotangent("cost").Span);
        toRecorded.CopyTo(adjoint.RecordCotangents!["x"].Row(0));
        adjoint.Backward();
        return loss;
    }

    [Fact]
    public void ACoupledLossHasTheGradientOfFiniteDifferences()
    {
        var model = new Model();
        using var walk = model.Walk<double>();
        using var adjoint = new AdjointRun<double>(walk, s_grid, Particles, null, new WalkRecord<double>(walk, Particles, [Recorded]));
        var (values, draw) = (model.Values<double>(), new DrawKey(3, 40));
        void Place()
        {
            for (var i = 0; i < walk.Positions.Length; i++)
            {
                walk.Positions[i] = Start(i);
            }
        }

        Gradient(adjoint, values, draw, walk);
        var (gradient, starts) = (adjoint.Gradient.Span.ToArray(), adjoint.Cotangent("x").Span.ToArray());
        Assert.All(gradient, g => Assert.True(Math.Abs(g) > 1e-3));
        const double step = 1e-5;
        for (var p = 0; p < gradient.Length; p++)
        {
            double At(double shift)
            {
                values[p] += shift;
                Place();
                var loss = Gradient(adjoint, values, draw, walk);
                values[p] -= shift;
                return loss;
            }

            Assert.Equal((At(step) - At(-step)) / (2 * step), gradient[p], 1e-8);
        }

        foreach (var i in new[] { 0, 1, 20, 73 })
        {
            double At(double shift)
            {
                Place();
                walk.Positions[i] += shift;
                return Gradient(adjoint, values, draw, walk);
            }

            Assert.Equal((At(step) - At(-step)) / (2 * step), starts[i], 1e-8);
        }
    }

    [Fact]
    public void ItIsTheGradientOfOneLargeProgram()
    {
        var model = new Model();
        using var walk = model.Walk<double>();
        var noises = new WalkRecord<double>(walk, Particles, Enumerable.Range(0, Steps).ToArray(), "noise");
        var (values, draw) = (model.Values<double>(), new DrawKey(8));
        walk.Start(values, Particles, draw);
        walk.Advance(values, Particles, s_grid, draw, noises);

        var (x, v, cost) = (model.X, model.StartV(model.X), Expr.Constant(0));
        Expr recorded = x;
        for (var k = 0; k < Steps; k++)
        {
            recorded = k == Recorded ? x : recorded;
            (x, v, cost) = model.Step(x, v, cost, Expr.Input($"noise{k}", 2), s_grid["t"][k], s_grid["h"][k], s_grid["deviation"][k], 0.7);
        }

        var scalar = Expr.Dot(Expr.Input("toEnd", 2), x) + (Expr.Input("toCost") * cost) + Expr.Dot(Expr.Input("toRecorded", 2), recorded);
        var gradient = Derivative.ParameterGradient(scalar, model.Parameters).BatchSum();
        using var large = new CompiledProgram<double>(
            new TracedProgram(model.Parameters, ("start", Derivative.Gradient(scalar, model.X)), ("gradient", gradient)));

        using var again = model.Walk<double>();
        using var adjoint = new AdjointRun<double>(again, s_grid, Particles, 2, new WalkRecord<double>(again, Particles, [Recorded]));
        large["x"] = NdArray<double>.From(again.Positions.Span, Particles, 2);
        Gradient(adjoint, values, draw, again);
        var (toEnd, toCost, toRecorded) = (new double[2 * Particles], new double[Particles], new double[2 * Particles]);
        Loss(walk.Positions.Span, walk["cost"].Span, adjoint.Record!["x"].Row(0), toEnd, toCost, toRecorded);
        large.Parameters = values;
        (large["toEnd"], large["toCost"]) = (NdArray<double>.From(toEnd, Particles, 2), NdArray<double>.From(toCost, Particles));
        large["toRecorded"] = NdArray<double>.From(toRecorded, Particles, 2);
        large["start"] = new NdArray<double>(Particles, 2);
        for (var k = 0; k < Steps; k++)
        {
            // The last noise enters no derivative.
            if (large.Program.Inputs.Any(i => i.Operation.Name == $"noise{k}"))
            {
                large[$"noise{k}"] = NdArray<double>.From(noises["noise"].Row(k), Particles, 2);
            }
        }

        large.Run(Particles);
        Assert.All(large["gradient"].Span.ToArray().Zip(adjoint.Gradient.Span.ToArray()), g => Assert.Equal(g.First, g.Second, 1e-10));
        Assert.All(large["start"].Span.ToArray().Zip(adjoint.Cotangent("x").Span.ToArray()), g => Assert.Equal(g.First, g.Second, 1e-10));
    }

    [Fact]
    public void SegmentsAndThreadsDontChangeABit()
    {
        var model = new Model();
        double[]? first = null;
        foreach (var (segments, threads) in new (int?, int)[] { (null, 1), (1, 2), (Steps, 3), (2, 1) })
        {
            using var walk = model.Walk<double>(threads);
            using var adjoint = new AdjointRun<double>(walk, s_grid, Particles, segments, new WalkRecord<double>(walk, Particles, [Recorded]));
            Gradient(adjoint, model.Values<double>(), new DrawKey(2), walk);
            double[] found = [.. adjoint.Gradient.Span, .. adjoint.Cotangent("x").Span];
            first ??= found;
            Assert.Equal(first, found);
        }
    }

    [Fact]
    public void SamplesThatDontCountCantReachTheSums()
    {
        var model = new Model();
        double[] GradientWithout(double start, bool drop)
        {
            using var walk = model.Walk<double>();
            (walk.Positions[6], walk.Positions[7]) = (start, start);
            using var adjoint = new AdjointRun<double>(walk, s_grid, Particles);
            adjoint.Forward(model.Values<double>(), new DrawKey(2));
            for (var i = 0; i < Particles; i++)
            {
                adjoint.Cotangent("x").Row(i).Fill(i == 3 ? (drop ? double.NaN : 0) : i - 10);
            }

            if (drop)
            {
                adjoint.Drop(3);
            }

            adjoint.Backward();
            Assert.All(adjoint.Cotangent("x").Row(3).ToArray(), c => Assert.Equal(0, c));
            return adjoint.Gradient.Span.ToArray();
        }

        var clean = GradientWithout(0.5, false);
        Assert.All(clean.Zip(GradientWithout(double.PositiveInfinity, true)), g => Assert.Equal(g.First, g.Second, 1e-12));
    }

    [Fact]
    public void RunsAllocateNothing()
    {
        var model = new Model();
        using var walk = model.Walk<float>();
        using var adjoint = new AdjointRun<float>(walk, s_grid, Particles, null, new WalkRecord<float>(walk, Particles, [Recorded]));
        var values = model.Values<float>();
        void Run(ulong k)
        {
            adjoint.Forward(values, new DrawKey(k));
            adjoint.Cotangent("x").Span.Fill(1);
            adjoint.RecordCotangents!["x"].Span.Fill(1);
            adjoint.Backward();
        }

        var k = 0UL;
        Assert.Equal(0, Allocation.Least(() => Run(k++)));
    }

    [Fact]
    public void OnlyStatesThatDerivativesNeedAreKept()
    {
        // The cost enters the loss, but no derivative needs its value.
        var model = new Model();
        using var walk = model.Walk<double>();
        using var adjoint = new AdjointRun<double>(walk, s_grid, Particles, 2);
        Assert.Equal((2, 4), (adjoint.Segments, adjoint.LongestSegment));
        Assert.Equal(["x", "v", "noise"], adjoint.Kept.Order().Reverse());
    }
}
