using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>Evolutions whose drift is no gradient: laws that don't move may have a current.</summary>
internal static class Currents
{
    private const double WellTemperature = 0.5;

    private static readonly StreamName s_draw = StreamName.Of("swirling wells rotation");

    /// <summary>
    /// Copies of the planar dX = -grad U + J grad U + sqrt(2 eps) dW, U = (x^2 - 1)^2 + y^2 / 2, eps = 1/2, J a quarter turn, from N((-1/2, 0), I / 4), all
    /// turned by one rotation. The stationary law is exp(-U / eps) whatever the current J grad U.
    /// </summary>
    public static EvolutionProblem SwirlingWells(int d, int draw)
    {
        if (d % 2 != 0)
        {
            throw new ArgumentException($"The problem 'swirling-wells-D' is made of planes, so D is even; {d} was asked for.", nameof(d));
        }

        var rotation = GradientFlows.Rotation(d, new RandomStream((ulong)draw, s_draw));
        var copies = new EvolutionCopies(rotation, SwirlingWells("swirling-wells", "A planar double well with a current.", [1, 0, 0, 1]));
        var turned = SwirlingWells(
            TargetName.Write($"swirling-wells-{d}", ("draw", draw, 1)), $"{d / 2} planar double wells with a current, turned by a rotation of R^{d}.",
            rotation);
        return turned with { Facts = turned.Facts with { Copies = copies } };
    }

    private static EvolutionProblem SwirlingWells(string name, string description, double[] rotation)
    {
        var d = (int)Math.Sqrt(rotation.Length);
        var (turn, back) = (Expr.Constant(rotation, d, d), Expr.Constant(HostMatrices.Transposed(rotation, d, d), d, d));
        double[] start = [.. Enumerable.Range(0, d).Select(i => i % 2 == 0 ? -0.5 : 0)];
        return new EvolutionProblem
        {
            Name = name,
            Description = description,
            Initial = GaussianBase.Diagonal(HostMatrices.Product(rotation, start, d, d, 1), [.. Enumerable.Repeat(0.5, d)]),
            Drift = (x, _) => Expr.MatrixProduct(turn, Swirl(Expr.MatrixProduct(back, x))),
            Diffusion = EvolutionDiffusion.Isotropic(d, WellTemperature),
            Facts = new EvolutionFacts { Stationary = StationaryWells(d, back), Source = "exact: its invariant law" },
        };
    }

    private static LawFacts StationaryWells(int d, Expr back)
    {
        static double Well(double x) => ((x * x) - 1) * ((x * x) - 1) / WellTemperature;
        var mass = Quadrature.Line(x => Math.Exp(-Well(x)), -4, 4);
        var energy = Quadrature.Line(x => Well(x) * Math.Exp(-Well(x)), -4, 4) / mass;
        var logMass = Math.Log(mass) + (0.5 * Math.Log(2 * Math.PI * WellTemperature));
        return new LawFacts
        {
            LogDensity = x =>
            {
                var planes = Expr.MatrixProduct(back, x).Reshape(d / 2, 2).Transpose(1, 0);
                var potential = (planes[0].Square() - 1).Square() + (0.5 * planes[1].Square());
                return (-potential.Sum() / WellTemperature) - (0.5 * d * logMass);
            },
            Mean = new double[d],
            Entropy = 0.5 * d * (logMass + energy + 0.5),
        };
    }

    /// <summary>The swirling drift in its own planes: -grad U + J grad U with J (a, b) = (-b, a).</summary>
    private static Expr Swirl(Expr x)
    {
        var planes = x.Reshape(x.Size / 2, 2).Transpose(1, 0);
        var (along, across) = (planes[0], planes[1]);
        var slope = 4 * along * (along.Square() - 1);
        return Expr.Stack(1, -slope - across, slope - across).Reshape(x.Size);
    }

    /// <summary>
    /// The active swimmer dx = (-x^3 + v) dt, dv = -g v dt + sqrt(2 g) dW with g = 1/10 (arXiv:2206.04642, section 4.3): noise in the velocity alone. From N(0,
    /// I),
    /// and v stays N(0, 1).
    /// </summary>
    public static EvolutionProblem Swimmer()
    {
        const double rate = 0.1;
        return new EvolutionProblem
        {
            Name = "swimmer",
            Description = "An active swimmer dx = (-x^3 + v) dt, dv = -v/10 dt + sqrt(1/5) dW.",
            Initial = GaussianBase.Isotropic(2),
            Drift = (x, _) => Expr.Vector(x[1] - (x[0].Square() * x[0]), -rate * x[1]),
            Diffusion = EvolutionDiffusion.Of(new[,] { { 0, 0 }, { 0, rate } }),
            Until = 30,
        };
    }
}
