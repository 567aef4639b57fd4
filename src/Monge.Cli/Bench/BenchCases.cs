using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.OptimalTransport;
using Monge.Runs;
using Monge.Training;

namespace Monge.Cli.Bench;

/// <summary>The bench cases: the work of bench/torch_peer.py, as a user of the engine would write it.</summary>
/// <typeparam name="T">Precision.</typeparam>
internal static class BenchCases<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const ulong Seed = 1;

    /// <summary>
    /// One Adam step of velocity matching between two Gaussians: x0, x1 and t drawn, x = (1 - t) x0 + t x1, the squared
    /// error of net(x, t) against x1 - x0, SiLU.
    /// </summary>
    public static BenchWork Regression(BenchSettings s)
    {
        var network = new BenchNetwork(s.Dimension + 1, s.Dimension, s, Activation.Silu);
        var (x0, x1) = (Expr.Random(RandomLaw.Normal, 1, s.Dimension), Expr.Random(RandomLaw.Normal, 2, s.Dimension));
        var t = Expr.Random(RandomLaw.Uniform, 3);
        var velocity = network.Apply(Expr.Concat(0, ((1 - t) * x0) + (t * x1), t.Reshape(1)));
        var loss = (velocity - (x1 - x0)).SquaredNorm() / s.Batch;

        // A step is the forward product, the product for the inputs' and the one for the weights' cotangents.
        return AdamStep(s, network, loss, 3 * 2.0 * s.Batch * network.Weights);
    }

    /// <summary>
    /// One step of <c>monge fit</c> on a table of 50,000 rows at the same sizes, the reading of rows and the coupling of mini-batches of 256 (if asked for)
    /// included; in float32 always. The count of operations is that of its own network, whose layers also see time.
    /// </summary>
    public static BenchWork Fit(BenchSettings s, CouplingKind coupling)
    {
        var random = new RandomStream(Seed, 5);
        var rows = new double[50_000 * s.Dimension];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = random.NextNormal() + (4 * (i / s.Dimension % 2));
        }

        var options = new InterpolantOptions
        {
            Coupling = coupling,
            CouplingSize = Math.Min(256, s.Batch),
            Size = new() { Width = s.Width, Depth = s.Depth },
            Training = new() { BatchSize = s.Batch },
        };
        var fit = new InterpolantFit(FlowData.From(DataTable.From(rows, s.Dimension)), options).Begin(new Run { Seed = Seed, Threads = s.Threads });
        var weights = fit.Parameters.Blocks.Where(b => b.Shape.Sizes.Length == 2).Sum(b => (double)b.Shape.Size);
        return new BenchWork(() => fit.Step(), 3 * 2.0 * s.Batch * weights, fit.Dispose);
    }

    /// <summary>One Adam step on the squared residual dt u - lap u - |grad u|^2 of a scalar tanh network at fresh normal points z = (x, t).</summary>
    public static BenchWork Laplacian(BenchSettings s)
    {
        var network = new BenchNetwork(s.Dimension + 1, 1, s, Activation.Tanh);
        var x = Expr.Random(RandomLaw.Normal, 1, s.Dimension);
        var t = Expr.Random(RandomLaw.Normal, 2);
        var u = network.Apply(Expr.Concat(0, x, t.Reshape(1)))[0];
        var space = Derivative.Laplacian(u, x);
        var residual = Derivative.JacobianVector(u, t, 1) - space.Laplacian - space.Gradient.SquaredNorm();

        // d + 3 streams pass the hidden layers: the value, d + 1 tangents and the Laplacian. Tangents of the inputs are one-hot, so the first layer has one.
        var products = ((s.Dimension + 3) * (network.Weights - network.FirstLayerWeights)) + network.FirstLayerWeights;
        return AdamStep(s, network, residual.Square() / s.Batch, 3 * 2.0 * s.Batch * products);
    }

    /// <summary>A batch carried through Euler steps of a network velocity, without gradients.</summary>
    public static BenchWork Ode(BenchSettings s)
    {
        var network = new BenchNetwork(s.Dimension + 1, s.Dimension, s, Activation.Silu);
        var (x, t) = (Expr.Input("x", s.Dimension), Expr.PerStep("t"));
        var next = x + (network.Apply(Expr.Concat(0, x, t.Reshape(1))) / s.Steps);
        var run = new CompiledProgram<T>(new TracedProgram(network.Parameters, ("next", next)), Options(s), ("next", "x"))
        {
            ["t"] = Times(s.Steps),
        };
        network.Initializer.Fill(run.Parameters.Span, new RandomKey(Seed, 0));
        return Iterated(run, s, 2.0 * s.Batch * network.Weights * s.Steps);
    }

    /// <summary>Unadjusted Langevin on Neal's funnel, the gradient by differentiation and clamped to +-100 an element, step size 1e-3.</summary>
    public static BenchWork Langevin(BenchSettings s)
    {
        const double step = 1e-3;
        var x = Expr.Input("x", s.Dimension);
        var v = x[0];
        var logDensity = (-v.Square() / 18) - (0.5 * (s.Dimension - 1) * v) - (0.5 * (-v).Exp() * x[1..].SquaredNorm());
        var gradient = Derivative.Gradient(logDensity, x).Clamp(-100, 100);
        var next = x + (step * gradient) + (Math.Sqrt(2 * step) * Expr.Random(RandomLaw.Normal, 1, s.Dimension));
        var run = new CompiledProgram<T>(new TracedProgram(null, ("next", next)), Options(s), ("next", "x"));
        return Iterated(run, s, null);
    }

    private static BenchWork AdamStep(BenchSettings s, BenchNetwork network, Expr loss, double operations)
    {
        var options = new GradientStepOptions { LearningRate = new StepRate(1e-3), GradientClip = double.PositiveInfinity, AverageDecay = 0 };
        var step = new GradientStep<T>(network.Parameters, loss, s.Batch, options, Options(s));
        var state = step.Init(network.Initializer, new RandomKey(Seed, 0));
        return new BenchWork(() => step.Run(state, state.Steps, long.MaxValue, new DrawKey(Seed, (ulong)state.Steps)), operations, step.Dispose);
    }

    private static BenchWork Iterated(CompiledProgram<T> run, BenchSettings s, double? operations)
    {
        var state = new NdArray<T>(s.Batch, s.Dimension);
        var start = new CompiledProgram<T>(new TracedProgram(null, ("x", Expr.Random(RandomLaw.Normal, 7, s.Dimension))), Options(s)) { ["x"] = state };
        (run["x"], run["next"]) = (state, new NdArray<T>(s.Batch, s.Dimension));
        ulong step = 0;
        return new BenchWork(
            () =>
            {
                start.Run(s.Batch, new DrawKey(Seed, step));
                run.Iterate(s.Batch, s.Steps, new DrawKey(Seed, step));
                step += (ulong)s.Steps;
            },
            operations,
            () =>
            {
                start.Dispose();
                run.Dispose();
            });
    }

    private static NdArray<T> Times(int steps)
    {
        var times = new NdArray<T>(steps);
        for (var k = 0; k < steps; k++)
        {
            times[k] = T.CreateChecked((double)k / steps);
        }

        return times;
    }

    private static ExecutionOptions Options(BenchSettings s) => new() { Threads = s.Threads };
}
