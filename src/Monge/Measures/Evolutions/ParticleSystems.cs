using System.Numerics;
using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// Particles in the plane, held by a trap that goes round, as one process in all of their coordinates x = (x_1, ..., x_N) (arXiv:2206.04642, sections 4.1 and
/// 4.2). Each diffuses with D = 1/4.
/// </summary>
internal static class ParticleSystems
{
    private const double Diffusion = 0.25;

    /// <summary>
    /// b_i = beta(t) - x_i + (1/2N) sum_j (x_i - x_j) with the trap at beta = 2 (cos pi t, sin pi t), each particle from N(beta(0), I / 16). The law stays
    /// Gaussian: its mean follows the trap, M' = beta - M, and along each axis the mean of the particles has the variance c / N, what is left after it r:
    /// <code>
    /// r = 2 D + (1/16 - 2 D) exp(-t),    c = D + (1/16 - D) exp(-2 t)
    /// </code>
    /// </summary>
    public static EvolutionProblem HarmonicTrap(int particles)
    {
        const double radius = 2, variance = 1.0 / 16;
        var response = radius / (1 + (Math.PI * Complex.ImaginaryOne));
        LawFacts Law(double t)
        {
            var mean = (response * Complex.Exp(Math.PI * t * Complex.ImaginaryOne)) + ((radius - response) * Math.Exp(-t));
            var relative = (2 * Diffusion) + ((variance - (2 * Diffusion)) * Math.Exp(-t));
            var common = Diffusion + ((variance - Diffusion) * Math.Exp(-2 * t));
            var covariance = new double[2 * particles, 2 * particles];
            for (var i = 0; i < 2 * particles; i++)
            {
                for (var j = i % 2; j < 2 * particles; j += 2)
                {
                    covariance[i, j] = ((common - relative) / particles) + (i == j ? relative : 0);
                }
            }

            return LawFacts.Gaussian(Everywhere(particles, mean.Real, mean.Imaginary), covariance);
        }

        return new EvolutionProblem
        {
            Name = $"harmonic-trap-{particles}",
            Description = $"{particles} particles in the plane that repel each other in a harmonic trap that goes round.",
            Initial = GaussianBase.Diagonal(Everywhere(particles, radius, 0), [.. Enumerable.Repeat(Math.Sqrt(variance), 2 * particles)]),
            Drift = (x, t) =>
            {
                var places = x.Reshape(particles, 2);
                return (Trap(radius, t) - (0.5 * (places + (places.Sum(0) / particles)))).Reshape(2 * particles);
            },
            Diffusion = EvolutionDiffusion.Isotropic(2 * particles, Diffusion),
            ParticleDimension = 2,
            Until = 5,
            Facts = new EvolutionFacts { Law = Law, Source = "exact: closed form" },
        };
    }

    /// <summary>Particles that don't see each other in the trap of <see cref="SoftSpheres"/>.</summary>
    public static EvolutionProblem AnharmonicTrap(int particles) =>
        Anharmonic(particles, 0, $"anharmonic-trap-{particles}", $"{particles} particles in the plane in an anharmonic trap that goes round.");

    /// <summary>
    /// Soft spheres, b_i = -B |x_i - beta|^2 (x_i - beta) + (A / N r^2) sum_j (x_i - x_j) exp(-|x_i - x_j|^2 / 2 r^2) with A = 2, r = 1/2, B = 4 D / (5 N r^2)
    /// and the trap at beta = 3 (cos pi t, sin pi t), each from N(beta(0), I / 4).
    /// </summary>
    public static EvolutionProblem SoftSpheres(int particles) =>
        Anharmonic(particles, 2, $"soft-spheres-{particles}", $"{particles} soft spheres in the plane in an anharmonic trap that goes round.");

    private static EvolutionProblem Anharmonic(int particles, double repulsion, string name, string description)
    {
        const double radius = 3, reach = 0.5;
        var pull = 4 * Diffusion / (5 * particles * reach * reach);
        return new EvolutionProblem
        {
            Name = name,
            Description = description,
            Initial = GaussianBase.Diagonal(Everywhere(particles, radius, 0), [.. Enumerable.Repeat(0.5, 2 * particles)]),
            Drift = (x, t) =>
            {
                var places = x.Reshape(particles, 2);
                var away = places - Trap(radius, t);
                var force = -pull * away.Square().Sum(1).Reshape(particles, 1) * away;
                if (repulsion > 0)
                {
                    var apart = places.Reshape(particles, 1, 2) - places.Reshape(1, particles, 2);
                    var near = (apart.Square().Sum(2) / (-2 * reach * reach)).Exp().Reshape(particles, particles, 1);
                    force += repulsion / (particles * reach * reach) * (near * apart).Sum(1);
                }

                return force.Reshape(2 * particles);
            },
            Diffusion = EvolutionDiffusion.Isotropic(2 * particles, Diffusion),
            ParticleDimension = 2,
            Until = 2,
        };
    }

    private static Expr Trap(double radius, Expr t) => Expr.Vector(radius * (Math.PI * t).Cos(), radius * (Math.PI * t).Sin());

    private static double[] Everywhere(int particles, double x, double y) => [.. Enumerable.Range(0, 2 * particles).Select(i => i % 2 == 0 ? x : y)];
}
