using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.Objectives;
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
        return AdamStep(s, network.Parameters, network.Initializer, loss, 3 * 2.0 * s.Batch * network.Weights);
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
        return AdamStep(s, network.Parameters, network.Initializer, residual.Square() / s.Batch, 3 * 2.0 * s.Batch * products);
    }

    /// <summary>
    /// One Adam step of a step of Jordan, Kinderlehrer and Otto for U = |x|^2 / 2 at temperature 1, with a <see cref="ConvexNetwork"/> of rank 5 and the
    /// log-determinant of its Hessian, at fresh normal points; weights that make it convex are held at zero or above.
    /// </summary>
    public static BenchWork Jko(BenchSettings s)
    {
        const double length = 0.1;
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new ConvexNetwork(parameters, initializer, "psi", s.Dimension, new ConvexNetworkOptions { Width = s.Width, Rank = 5 });
        var x = Expr.Random(RandomLaw.Normal, 1, s.Dimension);
        var (moved, hessian) = network.GradientAndHessian(x);
        var energy = new FreeEnergy { Potential = y => 0.5 * y.SquaredNorm(), Temperature = 1 };
        var loss = JkoStep.Loss(energy, length, x, moved, hessian.LogDeterminant()) / s.Batch;
        return AdamStep(s, parameters, initializer, loss, null, state => network.MakeConvex<T>(state), new NonNegative([.. network.NonNegative]));
    }

    /// <summary>One Adam step of implicit score matching at fresh normal points, SiLU, the divergence by one probe of random signs.</summary>
    public static BenchWork Score(BenchSettings s)
    {
        var network = new BenchNetwork(s.Dimension, s.Dimension, s, Activation.Silu);
        var matching = new ImplicitScoreMatching(EvolutionDiffusion.Isotropic(s.Dimension, 1));
        var (x, probe) = (Expr.Random(RandomLaw.Normal, 1, s.Dimension), Expr.Random(RandomLaw.Rademacher, 2, s.Dimension, 1));
        var loss = matching.Hutchinson(network.Apply, x, probe) / s.Batch;

        // The value and one tangent pass all layers.
        return AdamStep(s, network.Parameters, network.Initializer, loss, 3 * 2.0 * s.Batch * 2 * network.Weights);
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

    private static BenchWork AdamStep(
        BenchSettings s, ParameterSet parameters, ParameterInitializer initializer, Expr loss, double? operations, Start? start = null,
        params Projection[] projections)
    {
        var options = new GradientStepOptions
        {
            LearningRate = new StepRate(1e-3),
            GradientClip = double.PositiveInfinity,
            AverageDecay = 0,
            Projections = projections,
        };
        var step = new GradientStep<T>(parameters, loss, s.Batch, options, Options(s));
        var state = step.Init(initializer, new RandomKey(Seed, 0));
        start?.Invoke(state.Parameters.Span);
        return new BenchWork(() => step.Run(state, state.Steps, long.MaxValue, new DrawKey(Seed, (ulong)state.Steps)), operations, step.Dispose);
    }

    // What is done to the parameters before the first step.
    private delegate void Start(Span<T> parameters);

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
