using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Engine.Tests.Programs;

/// <summary>Loops inside of a trace: the same numbers as the loop written out, derivatives of any order, and what is promised of time and memory.</summary>
public sealed class ScanTests
{
    private static readonly double[] s_data = [.. Enumerable.Range(0, 1000).Select(k => Math.Sin(0.7 * k) + (0.3 * Math.Cos(3.1 * k)))];

    // log p of an autoregression with a moving average, its parameters x = (mean, phi, theta, log sigma).
    private static Expr Arma(Expr x, int steps, bool isUnrolled)
    {
        var (mean, phi, theta, sigma) = (x[0], x[1].Tanh(), x[2].Tanh(), x[3].Exp());
        var data = Expr.Constant(s_data.AsSpan(0, steps), steps);
        if (!isUnrolled)
        {
            return Expr.Scan(steps, [0.0, 0.0, 0.0], [data], (carried, read) =>
            {
                var error = read[0] - (mean + (phi * carried[0]) + (theta * carried[1]));
                return new ScanStep([read[0], error, carried[2] - (0.5 * (error / sigma).Square()) - sigma.Log()], []);
            }).Last[2];
        }

        Expr previous = 0, last = 0, sum = 0;
        for (var t = 0; t < steps; t++)
        {
            last = s_data[t] - (mean + (phi * previous) + (theta * last));
            previous = s_data[t];
            sum = sum - (0.5 * (last / sigma).Square()) - sigma.Log();
        }

        return sum;
    }

    private static Dictionary<string, double[]> Run(TracedProgram program, int samples, double[] x)
    {
        using var run = new CompiledProgram<double>(program, new ExecutionOptions { Threads = 1 });
        run.BindIfUsed("x", NdArray<double>.From(x, [samples, x.Length / samples]));
        foreach (var (name, value) in program.Outputs)
        {
            run[name] = NdArray<double>.ForSamples(samples, value.Shape);
        }

        run.Run(samples);
        return program.Outputs.ToDictionary(o => o.Name, o => run[o.Name].Span.ToArray());
    }

    private static double[] Normals(int n)
    {
        var random = new RandomStream(4, 79);
        return [.. Enumerable.Range(0, n).Select(_ => 0.3 * random.NextNormal())];
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(67)]
    [InlineData(200)]
    public void A_loop_and_its_derivatives_are_those_of_the_loop_written_out(int steps)
    {
        const int samples = 19;
        TracedProgram Program(bool isUnrolled)
        {
            var x = Expr.Input("x", 4);
            var value = Arma(x, steps, isUnrolled);
            var second = Derivative.Laplacian(value, x);
            return new TracedProgram(
                null, ("value", value), ("gradient", Derivative.Gradient(value, x)), ("forward", second.Gradient), ("laplacian", second.Laplacian),
                ("hessian", Derivative.Hessian(value, x)), ("hessian vector", Derivative.VectorJacobian(Derivative.Gradient(value, x), x.Sin(), x)));
        }

        var x = Normals(4 * samples);
        var (loop, unrolled) = (Run(Program(false), samples, x), Run(Program(true), samples, x));
        foreach (var (name, expected) in unrolled)
        {
            var scale = expected.Max(Math.Abs);
            for (var i = 0; i < expected.Length; i++)
            {
                Assert.True(Math.Abs(loop[name][i] - expected[i]) <= 1e-12 * scale, $"{name}[{i}]: {loop[name][i]}, written out {expected[i]}");
            }
        }
    }

    [Fact]
    public void Memory_of_a_gradient_grows_with_the_square_root_of_the_steps_and_the_code_not_at_all()
    {
        (long Lanes, long Nodes) Size(int steps)
        {
            var x = Expr.Input("x", 4);
            var data = Expr.Input("data", steps);
            var value = Expr.Fold(x.Sum(), data, (c, y) => (x[0] * c).Tanh() + (y * x[1]));
            var program = new TracedProgram(null, ("gradient", Derivative.Gradient(value, x)));
            return (LoopBytes(program), TracedProgram.Collect(program.Outputs.Select(o => o.Value)).Count);
        }

        var (small, large) = (Size(100), Size(10_000));
        Assert.InRange(large.Lanes, 2 * small.Lanes, 12 * small.Lanes);
        Assert.Equal(small.Nodes, large.Nodes);
    }

    // Bytes behind and in the results of a program's loops, for one lane of float64.
    private static long LoopBytes(TracedProgram program)
    {
        var views = new ViewResolver();
        var nodes = TracedProgram.Collect(ScanMerging.Apply([.. program.Outputs.Select(o => o.Value)]));
        return nodes.Where(n => n.Operation is ScanOperation).Sum(n => (n.Size * sizeof(double)) + views.WorkspaceBytes(n, sizeof(double)));
    }

    [Fact]
    public void A_value_with_its_gradient_runs_the_loop_once()
    {
        var x = Expr.Input("x", 4);
        var value = Arma(x, 40, isUnrolled: false);
        var roots = ScanMerging.Apply([value, Derivative.Gradient(value, x)]);
        Assert.Equal(2, TracedProgram.Collect(roots).Count(n => n.Operation is ScanOperation));
    }

    [Fact]
    public void What_nobody_reads_is_not_computed()
    {
        var x = Expr.Input("x", 3);
        var result = Expr.Scan(
            3, [x[0], x[1]], [x], (carried, read) => new ScanStep([carried[0] * read[0], carried[1].Exp()], [carried[1].Sin(), carried[0].Cos()]));
        var loop = TracedProgram.Collect(ScanMerging.Apply([result.Outputs[1]])).Single(n => n.Operation is ScanOperation);
        Assert.Equal(4, loop.Size);
        Assert.Equal(2, loop.Inputs.Count);
    }

    [Fact]
    public void Random_numbers_inside_of_a_step_are_drawn_before_the_loop()
    {
        var noise = Expr.Random(RandomLaw.Normal, 3);
        var sum = Expr.Fold(0.0, Expr.Constant([1, 2, 3], 3), (c, k) => c + (k * noise));
        var program = new TracedProgram(null, ("difference", sum - (6 * noise)));
        Assert.All(Run(program, 5, new double[5])["difference"], d => Assert.Equal(0, d, 1e-12));
    }

    [Fact]
    public void Bad_loops_are_refused_in_words()
    {
        var x = Expr.Input("x", 3);
        Assert.Contains("carried value 0 has shape [] at the start and [3]", Assert.Throws<ShapeException>(() => Expr.Fold(0.0, x, (c, _) => c + x)).Message);
        Assert.Contains("an input is a scalar", Assert.Throws<ShapeException>(() => Expr.Fold(0.0, x[0], (c, _) => c)).Message);
        Assert.Contains(
            "its first axis must be the 4 steps",
            Assert.Throws<ShapeException>(() => Expr.Scan(4, [x[0]], [x], (c, _) => new ScanStep([c[0]], []))).Message);
        Assert.Contains(
            "1 values are carried into the step and 0 out of it",
            Assert.Throws<ShapeException>(() => Expr.Scan(3, [x[0]], [], (_, _) => new ScanStep([], []))).Message);
        Assert.Contains("sums over the batch", Assert.Throws<ArgumentException>(() => Expr.Fold(0.0, x, (c, y) => c + y.BatchSum())).Message);
        Expr? leaked = null;
        _ = Expr.Fold(0.0, x, (c, y) => leaked = c + y);
        Assert.Contains("outside of it", Assert.Throws<ArgumentException>(() => new TracedProgram(null, ("leaked", leaked!))).Message);
    }

    [Fact]
    public void A_loop_that_is_the_same_for_all_samples_and_one_for_each_step_of_a_call_run_as_well()
    {
        var (x, shared, time) = (Expr.Input("x", 2), Expr.Shared("s", 5), Expr.PerStep("t"));
        var uniform = Expr.Fold(1.0, shared, (c, s) => (c * s).Sin() + 0.5);
        var program = new TracedProgram(null, ("x next", x + (uniform * Expr.Fold(time, shared, (c, s) => c + s.Cos()))), ("uniform", uniform));
        using var run = new CompiledProgram<double>(program, new ExecutionOptions { Threads = 1 }, ("x next", "x"));
        double[] s = [0.3, -0.2, 0.9, 1.4, 0.1], t = [0.5, 2.0];
        run["s"] = NdArray<double>.From(s, [5]);
        run["t"] = NdArray<double>.From(t, [2]);
        run["x"] = NdArray<double>.From([1, 2, 3, 4], [2, 2]);
        run["x next"] = new NdArray<double>(2, 2);
        run["uniform"] = new NdArray<double>(1);
        run.Iterate(2, 2);
        var u = s.Aggregate(1.0, (c, v) => Math.Sin(c * v) + 0.5);
        Assert.Equal(u, run["uniform"].Span[0], 1e-14);
        Assert.Equal(4 + (u * ((2 * s.Sum(Math.Cos)) + t.Sum())), run["x next"].Span[3], 1e-12);
    }
}
