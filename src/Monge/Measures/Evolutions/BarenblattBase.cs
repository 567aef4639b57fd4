using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Barenblatt's solution of d rho / dt = Laplacian rho^2 in the plane with mass 1: rho = (2 / (pi R^2)) (1 - |x|^2 / R^2) within R^4 = 32 t / pi. Its log
/// density
/// is minus infinity outside. Source: J. L. Vazquez, "The Porous Medium Equation" (2006), section 4.4.
/// </summary>
/// <param name="time">t, above 0.</param>
internal sealed class BarenblattBase(double time) : IBase
{
    /// <summary>The time at which the radius is 1.</summary>
    public const double StartTime = Math.PI / 32;

    /// <summary>R.</summary>
    public double Radius { get; } = Math.Pow(32 * time / Math.PI, 0.25);

    /// <summary>The differential entropy.</summary>
    public double Entropy => Math.Log(0.5 * Math.PI * Radius * Radius) + 0.5;

    /// <inheritdoc/>
    public int Dimension => 2;

    /// <inheritdoc/>
    public RandomLaw Noise => RandomLaw.Uniform;

    /// <inheritdoc/>
    public Expr LogDensity(Expr x)
    {
        var rest = 1 - (x.SquaredNorm() / (Radius * Radius));
        var isInside = rest.Greater(0);
        return Expr.Select(isInside, Expr.Select(isInside, rest, 1).Log() + Math.Log(2 / (Math.PI * Radius * Radius)), double.NegativeInfinity);
    }

    /// <inheritdoc/>
    public Expr FromNoise(Expr noise)
    {
        var (radius, angle) = (Radius * (1 - (1 - noise[0]).Sqrt()).Sqrt(), 2 * Math.PI * noise[1]);
        return Expr.Vector(radius * angle.Cos(), radius * angle.Sin());
    }

    /// <inheritdoc/>
    public double[] Sample(int samples, RandomStream random)
    {
        var positions = new double[2 * samples];
        for (var i = 0; i < samples; i++)
        {
            var radius = Radius * Math.Sqrt(1 - Math.Sqrt(1 - random.NextDouble()));
            (positions[(2 * i) + 1], positions[2 * i]) = Math.SinCos(2 * Math.PI * random.NextDouble());
            positions[2 * i] *= radius;
            positions[(2 * i) + 1] *= radius;
        }

        return positions;
    }
}
