using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.OptimalTransport;

namespace Monge.Measures;

/// <summary>Evolutions that descend a free energy.</summary>
internal static class GradientFlows
{
    private static readonly StreamName s_draw = StreamName.Of("evolution problem");

    /// <summary>
    /// From N(0, I) to N(b, S) by dX = -S^-1 (X - b) dt + sqrt(2) dW, b ~ N(0, I) and S with eigenvalues even in [1, 2] and random axes (arXiv:2106.00736,
    /// section 5.2). All matrices commute, so the law is known: m_t = (1 - exp(-t / s)) b, v_t = s + (1 - s) exp(-2 t / s) along each axis.
    /// </summary>
    public static EvolutionProblem OrnsteinUhlenbeck(int d, int draw)
    {
        var random = new RandomStream((ulong)draw, s_draw);
        double[] centre = [.. Enumerable.Range(0, d).Select(_ => random.NextNormal())];
        double[] eigenvalues = [.. Enumerable.Range(0, d).Select(_ => 1 + random.NextDouble())];
        var axes = Rotation(d, random);
        var precision = SymmetricRoots.Compose([.. eigenvalues.Select(s => 1 / s)], axes, d);
        LawFacts Law(Func<double, double> meanShare, Func<double, double> variance)
        {
            var share = SymmetricRoots.Compose([.. eigenvalues.Select(meanShare)], axes, d);
            return LawFacts.Gaussian(
                HostMatrices.Product(share, centre, d, d, 1), Square(SymmetricRoots.Compose([.. eigenvalues.Select(variance)], axes, d), d));
        }

        var (matrix, b) = (Expr.Constant(precision, d, d), Expr.Constant(centre, d));
        return new EvolutionProblem
        {
            Name = TargetName.Write($"ou-{d}", ("draw", draw, 1)),
            Description = $"An Ornstein-Uhlenbeck process in {d} coordinates from N(0, I) to a Gaussian with variances in [1, 2] along random axes.",
            Initial = GaussianBase.Isotropic(d),
            Energy = new FreeEnergy { Potential = x => 0.5 * Expr.QuadraticForm(matrix, x - b), Temperature = 1 },
            Facts = new EvolutionFacts
            {
                Law = t => Law(s => 1 - Math.Exp(-t / s), s => s + ((1 - s) * Math.Exp(-2 * t / s))),
                Stationary = Law(_ => 1, s => s),
                Source = "exact: closed form",
            },
        };
    }

    /// <summary>d rho / dt = Laplacian rho / 2 from N(0, I): N(0, (1 + t) I).</summary>
    public static EvolutionProblem Heat(int d) => new()
    {
        Name = $"heat-{d}",
        Description = $"Brownian motion in {d} coordinates from N(0, I).",
        Initial = GaussianBase.Isotropic(d),
        Energy = new FreeEnergy { Temperature = 0.5 },
        Facts = new EvolutionFacts
        {
            Law = t => LawFacts.Gaussian(new double[d], Scaled(d, 1 + t)),
            Source = "exact: closed form",
        },
    };

    /// <summary>
    /// From N(0, 16 I) to a mixture of Gaussians of deviation 1 with centres even in a cube (arXiv:2106.00736, section 5.1): 5 to 10 components in [-5, 5]^d
    /// for
    /// d from 2 to 13, 10 in [-3, 3]^d above.
    /// </summary>
    public static EvolutionProblem Mixture(int d, int draw)
    {
        var (count, half) = (Math.Clamp(4 + (d / 2), 5, 10), d > 13 ? 3.0 : 5.0);
        var random = new RandomStream((ulong)draw, s_draw);
        double[][] means = [.. Enumerable.Range(0, count).Select(_ =>
            Enumerable.Range(0, d).Select(_ => half * ((2 * random.NextDouble()) - 1)).ToArray())];
        var law = GaussianMixtureLaw.Isotropic([.. Enumerable.Repeat(1.0 / count, count)], means, [.. Enumerable.Repeat(1.0, count)]);
        return new EvolutionProblem
        {
            Name = TargetName.Write($"mixture-{d}", ("draw", draw, 1)),
            Description = $"A diffusion in {d} coordinates from N(0, 16 I) to {count} Gaussians of deviation 1.",
            Initial = GaussianBase.Isotropic(d, 4),
            Energy = new FreeEnergy { Potential = x => -law.LogDensity(x), Temperature = 1 },
            Until = 4,
            Facts = new EvolutionFacts
            {
                Stationary = new LawFacts
                {
                    LogDensity = law.LogDensity,
                    Sampler = law.Sample,
                    Mean = law.Mean(),
                    Covariance = law.Covariance(),
                    Mixture = law,
                },
                Source = "exact: its invariant law",
            },
        };
    }

    /// <summary>Barenblatt's solution of d rho / dt = Laplacian rho^2 in the plane, from the time at which its radius is 1.</summary>
    public static EvolutionProblem PorousMedium() => new()
    {
        Name = "porous-medium",
        Description = "The porous-medium equation d rho/dt = Laplacian rho^2 in the plane, from Barenblatt's solution at radius 1.",
        Initial = new BarenblattBase(BarenblattBase.StartTime),
        Energy = new FreeEnergy { PorousFactor = 1, PorousExponent = 2 },
        Facts = new EvolutionFacts
        {
            Law = t =>
            {
                var law = new BarenblattBase(BarenblattBase.StartTime + t);
                var variance = law.Radius * law.Radius / 6;
                return new LawFacts
                {
                    LogDensity = law.LogDensity,
                    Sampler = law.Sample,
                    Mean = [0, 0],
                    Covariance = new double[,] { { variance, 0 }, { 0, variance } },
                    Entropy = law.Entropy,
                };
            },
            Source = "exact: G. Barenblatt (1952)",
        },
    };

    /// <summary>
    /// Particles that attract each other quadratically and diffuse, W(z) = |z|^2 / 2, from N((2, 0, ...), I): the mean stays, and the variance follows
    /// dv/dt = 2 eps - 2 v.
    /// </summary>
    public static EvolutionProblem Aggregation(int d)
    {
        const double temperature = 0.25;
        double[] mean = [2, .. new double[d - 1]];
        LawFacts Law(double t) => LawFacts.Gaussian(mean, Scaled(d, temperature + ((1 - temperature) * Math.Exp(-2 * t))));
        return new EvolutionProblem
        {
            Name = $"aggregation-{d}",
            Description = $"Particles in {d} coordinates that attract each other quadratically and diffuse.",
            Initial = GaussianBase.Diagonal(mean, [.. Enumerable.Repeat(1.0, d)]),
            Energy = new FreeEnergy { Interaction = z => 0.5 * z.SquaredNorm(), Temperature = temperature },
            Facts = new EvolutionFacts { Law = Law, Stationary = Law(double.PositiveInfinity), Source = "exact: closed form" },
        };
    }

    /// <summary>The particle in a double well, (x^2 - 1)^2 on the line, from N(-1/2, 1/4).</summary>
    public static EvolutionProblem DoubleWell() => new()
    {
        Name = "double-well",
        Description = "A particle in the double well (x^2 - 1)^2 at temperature 1/2, from N(-0.5, 0.25).",
        Initial = GaussianBase.Diagonal([-0.5], [0.5]),
        Energy = new FreeEnergy { Potential = x => (x[0].Square() - 1).Square(), Temperature = 0.5 },
        Until = 2,
    };

    /// <summary>A rotation [d * d] drawn evenly: Gram and Schmidt on normal columns.</summary>
    internal static double[] Rotation(int d, RandomStream random)
    {
        var columns = new double[d * d];
        for (var k = 0; k < d; k++)
        {
            var column = Enumerable.Range(0, d).Select(_ => random.NextNormal()).ToArray();

            // Twice is enough for columns that are orthogonal to rounding.
            for (var pass = 0; pass < 2; pass++)
            {
                for (var j = 0; j < k; j++)
                {
                    var dot = Enumerable.Range(0, d).Sum(i => columns[(i * d) + j] * column[i]);
                    for (var i = 0; i < d; i++)
                    {
                        column[i] -= dot * columns[(i * d) + j];
                    }
                }
            }

            var norm = Math.Sqrt(column.Sum(v => v * v));
            for (var i = 0; i < d; i++)
            {
                columns[(i * d) + k] = column[i] / norm;
            }
        }

        return columns;
    }

    // v I.
    private static double[,] Scaled(int d, double v)
    {
        var matrix = new double[d, d];
        for (var i = 0; i < d; i++)
        {
            matrix[i, i] = v;
        }

        return matrix;
    }

    private static double[,] Square(double[] flat, int d)
    {
        var matrix = new double[d, d];
        Buffer.BlockCopy(flat, 0, matrix, 0, flat.Length * sizeof(double));
        return matrix;
    }
}
