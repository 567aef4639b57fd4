using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Tests.Dynamics;

/// <summary>exp(V_t) = exp(0.7 t) N(t m, s(t)^2 I) in the plane, s from 1.5 to 0.5, with its exact drift m + (s'/s)(x - t m) and F_t = -0.7 t.</summary>
internal static class MovingGaussian
{
    public const double LogZ = 0.7;
    public const double StartScale = 1.5;
    public const double EndScale = 0.5;
    public static readonly double[] Mean = [1.2, -0.8];

    public static FormulaPath Path { get; } =
        new(2, LogDensity, stream => StartScale * Expr.Random(RandomLaw.Normal, stream, 2), "mean and scale of a Gaussian");

    public static Expr LogDensity(Expr x, Expr t)
    {
        var scale = Scale(t);
        return (LogZ * t) - (0.5 * ((x - (t * Expr.Constant(Mean, 2))) / scale).SquaredNorm()) - (2 * scale.Log()) - Math.Log(2 * Math.PI);
    }

    public static IVectorField ExactDrift { get; } = new PotentialField(2, Potential);

    public static Expr Potential(Expr x, Expr t)
    {
        var mean = Expr.Constant(Mean, 2);
        return Expr.Dot(mean, x) + (0.5 * (EndScale - StartScale) / Scale(t) * (x - (t * mean)).SquaredNorm());
    }

    /// <summary>A drift that is neither exact nor a gradient.</summary>
    public static IVectorField WrongDrift { get; } = new FormulaField(2, (x, t) => Expr.Vector((0.7 * (2 * x[1]).Sin()) + t, 0.5 * x[0] * (1 - t)));

    /// <summary>A potential that is not the exact one.</summary>
    public static Expr WrongPotential(Expr x, Expr t) => (0.4 * (x[0] + (2 * t)).Sin() * x[1]) - (0.2 * t * x.SquaredNorm());

    private static Expr Scale(Expr t) => (StartScale * (1 - t)) + (EndScale * t);
}
