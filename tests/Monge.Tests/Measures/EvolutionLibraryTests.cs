using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

/// <summary>Evolution problems, their diffusions and what is known of them.</summary>
public sealed class EvolutionLibraryTests
{
    public static TheoryData<string> Names() => [.. EvolutionLibrary.All.Select(e => e.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_problem_has_its_name_and_dimension_and_a_finite_drift(string name)
    {
        var problem = EvolutionLibrary.Get(name);
        Assert.Equal(name, problem.Name);
        var d = problem.Dimension;
        Assert.Equal(EvolutionLibrary.All.Single(e => e.Name == name).Dimension, d);
        Assert.Equal(d, problem.Diffusion.Dimension);
        var points = problem.Initial.Sample(50, new RandomStream(1));
        for (var i = 0; i < d; i++)
        {
            Assert.All(PointFunction.At(x => problem.Drift(x, 0.5)[i], points, d), value => Assert.True(double.IsFinite(value)));
        }

        Assert.All(PointFunction.At(problem.Initial.LogDensity, points, d), value => Assert.True(double.IsFinite(value)));
    }

    // d rho / dt at a point, by differences in time, against div(eps grad rho - b rho) = rho (eps (lap log rho + |grad log rho|^2) - div b - b . grad log rho).
    [Theory]
    [InlineData("ou-3@draw=4")]
    [InlineData("heat-2")]
    [InlineData("harmonic-trap-3")]
    public void The_exact_law_solves_the_equation(string name)
    {
        var problem = EvolutionLibrary.Get(name);
        var (d, points, eps) = (problem.Dimension, problem.Initial.Sample(20, new RandomStream(2)), problem.Diffusion.Scalar!.Value);
        double[] At(Func<Expr, Expr> f) => PointFunction.At(f, points, d);
        var (before, after) = (At(problem.Facts.Law!(0.3 - 1e-5).LogDensity!), At(problem.Facts.Law(0.3 + 1e-5).LogDensity!));
        var right = At(x =>
        {
            var (_, score, laplacian) = Derivative.Laplacian(problem.Facts.Law(0.3).LogDensity!(x), x);
            var drift = problem.Drift(x, 0.3);
            return (eps * (laplacian + score.SquaredNorm())) - Derivative.Divergence(drift, x) - Expr.Dot(drift, score);
        });
        Assert.All(before.Zip(after, (b, a) => (a - b) / 2e-5).Zip(right), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
    }

    [Fact]
    public void A_target_is_the_potential_of_a_descent_to_it_from_its_suggested_base()
    {
        var (problem, target) = (EvolutionLibrary.Get("banana"), TargetLibrary.Get("banana"));
        Assert.Equal("banana", problem.Name);
        double[] points = [0.5, 9, -3, 8];
        Assert.Equal(target.LogDensityAt(points), PointFunction.At(x => -problem.Energy!.Potential!(x), points, 2), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(target.GradientAt(points), PointFunction.At(x => problem.Drift(x, 0), points, 2), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.All(
            PointFunction.At(problem.Facts.Stationary!.LogDensity!, points, 2).Zip(target.LogDensityAt(points)),
            pair => Assert.Equal(pair.Second - target.Facts.LogZ!.Value, pair.First, 1e-12));
        Assert.Equal(PointFunction.At(target.Base.ToGaussian().LogDensity, points, 2), PointFunction.At(problem.Initial.LogDensity, points, 2));

        // A name that a problem has too means the problem; the target has a mark before it, also in its own name.
        Assert.Equal(0.5, EvolutionLibrary.Get("double-well").Energy!.Temperature);
        var well = EvolutionLibrary.Get("target-double-well");
        Assert.Equal(("target-double-well", 1.0), (well.Name, well.Energy!.Temperature));
        Assert.Equal("shifted-gaussian-3@shift=2", EvolutionLibrary.Get("target-shifted-gaussian-3@shift=2,scale=1").Name);
        Assert.Throws<ArgumentException>(() => EvolutionProblem.ToTarget(target, GaussianBase.Isotropic(3)));
    }

    [Fact]
    public void A_target_with_a_support_is_followed_in_unconstrained_coordinates()
    {
        var target = Density.Create("gamma", 1, x => ((2 * x.Log()) - x).Sum(), new DensityOptions { Support = [SupportTransform.Positive(1)] });
        var problem = EvolutionProblem.ToTarget(target);
        Assert.EndsWith("in unconstrained coordinates, from the Gaussian that is suggested for it.", problem.Description, StringComparison.Ordinal);

        // y = log x: the density of y is exp(3 y - exp y).
        Assert.Equal(3 - Math.Exp(0.5), PointFunction.At(y => problem.Drift(y, 0), [0.5], 1)[0], 1e-12);
    }

    [Fact]
    public void Barenblatts_law_has_mass_one_its_moments_and_its_entropy()
    {
        var problem = EvolutionLibrary.Get("porous-medium");
        var law = problem.Facts.Law!(0.4);
        const int cells = 400;
        double[] axis = [.. Enumerable.Range(0, cells).Select(i => ((i + 0.5) / cells * 4) - 2)];
        double[] points = [.. axis.SelectMany(x => axis.SelectMany(y => new[] { x, y }))];
        double[] density = [.. PointFunction.At(law.LogDensity!, points, 2).Select(Math.Exp)];
        const double area = 16.0 / (cells * cells);
        Assert.Equal(1, density.Sum() * area, 1e-4);
        Assert.Equal(law.Covariance![0, 0], density.Select((p, k) => p * points[2 * k] * points[2 * k]).Sum() * area, 1e-4);
        Assert.Equal(law.Entropy!.Value, -density.Where(p => p > 0).Sum(p => p * Math.Log(p)) * area, 1e-3);
        var draws = law.Sampler!(50_000, new RandomStream(3));
        Assert.Equal(law.Covariance[1, 1], draws.Where((_, at) => at % 2 == 1).Average(y => y * y), 0.003);
    }

    // eps lap rho = div(b rho), divided by rho.
    [Theory]
    [InlineData("swirling-wells-4@draw=2")]
    [InlineData("ou-3")]
    [InlineData("mixture-2")]
    public void The_stationary_law_stays(string name)
    {
        var problem = EvolutionLibrary.Get(name);
        var (d, points, eps) = (problem.Dimension, problem.Initial.Sample(30, new RandomStream(4)), problem.Diffusion.Scalar!.Value);
        Expr[] Sides(Expr x)
        {
            var (_, score, laplacian) = Derivative.Laplacian(problem.Facts.Stationary!.LogDensity!(x), x);
            var drift = problem.Drift(x, 0);
            return [eps * (laplacian + score.SquaredNorm()), Derivative.Divergence(drift, x) + Expr.Dot(drift, score), drift.SquaredNorm()];
        }

        double[] Side(int k) => PointFunction.At(x => Sides(x)[k], points, d);
        var (left, right, size) = (Side(0), Side(1), Side(2));
        Assert.True(size.Max() > 0.1);
        Assert.All(left.Zip(right), pair => Assert.Equal(pair.First, pair.Second, 1e-9 * (1 + Math.Abs(pair.First))));
    }

    [Fact]
    public void The_entropy_of_five_swirling_wells_is_known()
    {
        Assert.Equal(9.812, EvolutionLibrary.Get("swirling-wells-10").Facts.Stationary!.Entropy!.Value, 1e-3);
    }

    [Theory]
    [InlineData("ou-65", "for D from 1 to 64")]
    [InlineData("ou-3@draw=0.5", "must be a whole number")]
    [InlineData("ou-3@step=1", "has no setting 'step'")]
    [InlineData("swirling-wells-3", "made of planes")]
    [InlineData("swimer", "did you mean 'swimmer'")]
    public void A_wrong_name_is_told_in_a_sentence(string name, string expected) =>
        Assert.Contains(expected, Assert.ThrowsAny<ArgumentException>(() => EvolutionLibrary.Get(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_diffusion_is_symmetric_and_positive_and_its_root_is_one()
    {
        var diffusion = EvolutionDiffusion.Of(new[,] { { 2, 1 }, { 1, 2.0 } });
        Assert.Null(diffusion.Scalar);
        Assert.True(diffusion.IsElliptic);
        var root = diffusion.Root;
        for (var i = 0; i < 2; i++)
        {
            for (var j = 0; j < 2; j++)
            {
                Assert.Equal(diffusion.Matrix[(2 * i) + j], (root[2 * i] * root[2 * j]) + (root[(2 * i) + 1] * root[(2 * j) + 1]), 1e-12);
            }
        }

        Assert.False(EvolutionDiffusion.Of(new[,] { { 0, 0 }, { 0, 1.0 } }).IsElliptic);
        Assert.Equal(3, EvolutionDiffusion.Of(new[,] { { 3, 0 }, { 0, 3.0 } }).Scalar);
        Assert.Contains("D[1,0] = 1 but D[0,1] = 0", Assert.Throws<ArgumentException>(() => EvolutionDiffusion.Of(new[,] { { 1, 0 }, { 1, 1.0 } })).Message,
            StringComparison.Ordinal);
        Assert.Contains("negative eigenvalue -1", Assert.Throws<ArgumentException>(() => EvolutionDiffusion.Of(new[,] { { 0, 1 }, { 1, 0.0 } })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_names_an_evolution_changes_with_its_law()
    {
        EvolutionProblem Make(double slope, double temperature, double place) => new()
        {
            Name = "own",
            Initial = GaussianBase.Diagonal([place], [1]),
            Energy = new FreeEnergy { Potential = x => slope * x[0].Square(), Temperature = temperature },
        };
        string Word(EvolutionProblem problem) => problem.Identity().Single(i => i.Name == "evolution").Value;
        var word = Word(Make(1, 0.5, 0));
        Assert.Equal(word, Word(Make(1, 0.5, 0)));
        string[] others = [Word(Make(1.01, 0.5, 0)), Word(Make(1, 0.51, 0)), Word(Make(1, 0.5, 0.1)), Word(Make(1, 0.5, 0) with { Drift = (x, t) => -x * t })];
        Assert.DoesNotContain(word, others);
        Assert.Equal(others.Length, others.Distinct().Count());
    }

    [Fact]
    public void Parts_that_do_not_go_together_are_told()
    {
        EvolutionProblem Make(Func<Expr, Expr, Expr> drift) => new() { Name = "own", Initial = GaussianBase.Isotropic(2), Drift = drift };
        string Refusal(EvolutionProblem problem) => Assert.Throws<ArgumentException>(problem.Check).Message;
        Make((x, _) => -x).Check();
        Assert.Contains("has shape [1]; it must be a vector of 2 coordinates", Refusal(Make((x, _) => x[..1])), StringComparison.Ordinal);
        Assert.Matches(@"is NaN at x = \(-?[\d.]+, -?[\d.]+\)", Refusal(Make((x, _) => x * (x[0] - 1000).Sqrt())));
        Assert.Contains("its diffusion has 3", Refusal(Make((x, _) => -x) with { Diffusion = EvolutionDiffusion.Isotropic(3, 1) }), StringComparison.Ordinal);
        Assert.Contains("its domain has 1", Refusal(Make((x, _) => -x) with { Domain = EvolutionDomain.Box([0], [1]) }), StringComparison.Ordinal);
    }
}
