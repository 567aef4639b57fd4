using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Paths;
using Monge.Tests.Dynamics;

namespace Monge.Tests.Paths;

public class GatedDriftTests
{
    private const int Samples = 50;

    public static TheoryData<bool, bool> Kinds => new() { { false, false }, { true, false }, { true, true } };

    private static IVectorField Field(ParameterSet parameters, ParameterInitializer initializer, bool inner, bool potential)
    {
        IVectorField network = new DriftNetwork(parameters, initializer, 2, 8, 2);
        return potential ? new PotentialField(2, (x, t) => Expr.Dot(x, network.Apply(x, t)))
            : new GatedDrift(parameters, initializer, MovingGaussian.Path, t => 1 + t, inner ? network : null);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void DivergencesAreThoseOfTheValue(bool inner, bool potential)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var field = Field(parameters, initializer, inner, potential);
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var probes = Expr.Random(RandomLaw.Rademacher, 3, 2, 2);
        var (value, divergence) = field.WithDivergence(x, t);
        var (again, estimates) = field.WithDivergenceEstimates(x, t, probes);
        var jacobian = Derivative.Jacobian(field.Apply(x, t), x);
        var expected = Expr.Vector(Expr.QuadraticForm(jacobian, Column(probes, 0)), Expr.QuadraticForm(jacobian, Column(probes, 1)));
        using var run = new CompiledProgram<double>(new TracedProgram(
            parameters,
            ("value", (value - field.Apply(x, t)).SquaredNorm() + (again - value).SquaredNorm()),
            ("size", value.SquaredNorm()),
            ("divergence", divergence - jacobian.Trace()),
            ("estimates", (estimates - expected).SquaredNorm())));

        // Parameters drawn anew everywhere: the last layers start at zero, where all would be zero.
        var random = new RandomStream(7);
        foreach (ref var p in run.Parameters.Span)
        {
            p = 0.5 * random.NextNormal();
        }

        var (positions, times) = (new NdArray<double>(Samples, 2), new NdArray<double>(Samples));
        for (var i = 0; i < Samples; i++)
        {
            (positions[2 * i], positions[(2 * i) + 1], times[i]) = (random.NextNormal(), random.NextNormal(), random.NextDouble());
        }

        (run["x"], run["t"]) = (positions, times);
        foreach (var name in new[] { "value", "size", "divergence", "estimates" })
        {
            run[name] = new NdArray<double>(Samples);
        }

        run.Run(Samples, new DrawKey(1));
        for (var i = 0; i < Samples; i++)
        {
            Assert.True(run["size"][i] > 1e-6);
            Assert.Equal(0, run["value"][i], 1e-18);
            Assert.Equal(0, run["divergence"][i], 1e-8);
            Assert.Equal(0, run["estimates"][i], 1e-16);
        }
    }

    private static Expr Column(Expr matrix, int k) => matrix.Transpose()[k];
}
