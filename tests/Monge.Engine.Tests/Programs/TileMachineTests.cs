using CsCheck;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Testing;

namespace Monge.Engine.Tests.Programs;

/// <summary>The tile machine against the reference interpreter, on random programs and their derivatives.</summary>
public sealed class TileMachineTests
{
    private const int ProgramsPerBatch = 250;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void RandomProgramsAgreeWithTheInterpreter(int batch)
    {
        for (var i = 0; i < ProgramsPerBatch; i++)
        {
            var seed = (ulong)((batch * ProgramsPerBatch) + i);
            var random = new RandomPrograms(seed);
            var program = Derived(random, (int)(seed % 10));
            var samples = 1 + (int)(seed * 7 % 40);
            var (inputs, parameters) = random.Values(samples);
            var expected = ReferenceInterpreter.Evaluate(program, samples, inputs, parameters);
            Compare<double>(program, samples, inputs, parameters, expected, 1e-12, seed);
            if (i % 2 == 0)
            {
                Compare<float>(program, samples, inputs, parameters, expected, 1e-5, seed);
            }
        }
    }

    [Fact]
    public void A_program_that_breaks_the_agreement_is_shown_as_small_as_it_can_be_made() =>
        Smallest.Failure(
            Gen.Select(Gen.Byte.Array[8, 60], Gen.Int[0, 9]),
            400,
            drawn =>
            {
                var random = new RandomPrograms(new Choices(drawn.Item1));
                var program = Derived(random, drawn.Item2);
                var (inputs, parameters) = random.Values(3);
                Compare<double>(program, 3, inputs, parameters, ReferenceInterpreter.Evaluate(program, 3, inputs, parameters), 1e-12, 0);
            },
            drawn => $"kind {drawn.Item2} of {new RandomPrograms(new Choices(drawn.Item1)).Describe()}");

    internal static TracedProgram Derived(RandomPrograms random, int kind)
    {
        var u = random.Scalar();
        var x = random.X;
        return kind switch
        {
            0 => new TracedProgram(random.Parameters, ("u", u), ("last", random.Last), ("sum", u.BatchSum())),
            1 => new TracedProgram(random.Parameters, ("g", Derivative.Gradient(u, x)), ("ga", Derivative.Gradient(u, random.Matrix))),
            2 => new TracedProgram(random.Parameters, ("gradient", Derivative.ParameterGradient(u, random.Parameters).BatchSum()), ("loss", u.BatchSum())),
            3 => new TracedProgram(random.Parameters, ("h", Derivative.Hessian(u, x))),
            4 => Second(random, Derivative.Laplacian(u, x)),
            5 => new TracedProgram(random.Parameters, ("j", Derivative.Jacobian(random.Last, x)), ("hv", Derivative.HessianVector(u, x, x.Sin()))),
            6 => Residual(random, u),
            7 => FieldProgram(random),
            8 => new TracedProgram(random.Parameters, ("pj", Derivative.ParameterJacobian(Expr.Vector(u, u.Square()), random.Parameters))),
            _ => new TracedProgram(random.Parameters,
                ("third", Derivative.ParameterGradient(Derivative.Gradient(Derivative.Laplacian(u, x).Laplacian, random.Time), random.Parameters).BatchSum())),
        };
    }

    private static TracedProgram Second(RandomPrograms random, SecondOrderDerivative d) =>
        new(random.Parameters, ("u", d.Value), ("g", d.Gradient), ("l", d.Laplacian));

    private static TracedProgram Residual(RandomPrograms random, Expr u)
    {
        var d = Derivative.Laplacian(u, random.X);
        var r = Derivative.Gradient(u, random.Time) - d.Laplacian - d.Gradient.SquaredNorm();
        return new TracedProgram(
            random.Parameters, ("loss", r.Square().BatchSum()), ("gradient", Derivative.ParameterGradient(r.Square(), random.Parameters).BatchSum()));
    }

    private static TracedProgram FieldProgram(RandomPrograms random)
    {
        var b = random.Field();
        var r = Derivative.Divergence(b, random.X) + Expr.Dot(b, random.X);
        return new TracedProgram(random.Parameters, ("r", r), ("gradient", Derivative.ParameterGradient(r.Square(), random.Parameters).BatchSum()));
    }

    private static void Compare<T>(
        TracedProgram program, int samples, Dictionary<string, double[]> inputs, double[] parameters, Dictionary<string, double[]> expected,
        double tolerance, ulong seed)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        using var run = new CompiledProgram<T>(program, new ExecutionOptions { Threads = 1 + (int)(seed % 2), TileLanes = 16 });
        foreach (var leaf in program.Inputs)
        {
            var values = Array.ConvertAll(inputs[leaf.Operation.Name], T.CreateTruncating);
            run[leaf.Operation.Name] = leaf.IsUniform ? NdArray<T>.From(values, leaf.Shape.Sizes) : NdArray<T>.From(values, [samples, .. leaf.Shape.Sizes]);
        }

        Array.ConvertAll(parameters, T.CreateTruncating).CopyTo(run.Parameters.Span);
        foreach (var (name, value) in program.Outputs.Where(o => !o.Value.IsUniform))
        {
            run[name] = NdArray<T>.ForSamples(samples, value.Shape);
        }

        run.Run(samples);
        foreach (var (name, _) in program.Outputs)
        {
            var actual = run[name];
            var scale = Math.Max(1, expected[name].Max(Math.Abs));
            for (var i = 0; i < actual.Length; i++)
            {
                var error = Math.Abs(double.CreateTruncating(actual[i]) - expected[name][i]) / scale;
                Assert.True(
                    error <= tolerance, $"seed {seed}, {typeof(T).Name}, output {name}[{i}]: {actual[i]} instead of {expected[name][i]} (scale {scale}).");
            }
        }
    }
}
