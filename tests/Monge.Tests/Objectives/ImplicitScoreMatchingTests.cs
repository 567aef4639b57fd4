using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Objectives;

namespace Monge.Tests.Objectives;

public sealed class ImplicitScoreMatchingTests
{
    private static readonly StreamName s_draws = StreamName.Of("score matching test draws");
    private static readonly StreamName s_probes = StreamName.Of("score matching test probes");

    private static readonly double[,] s_metric = { { 0.7, 0.2 }, { 0.2, 0.3 } };

    private static double[] Draws(int n, ulong seed) =>
        GaussianBase.Full([1, -2], new[,] { { 0.5, 0 }, { 0.6, 1.5 } }).Sample(n, new RandomStream(seed, s_draws));

    // The mean of a share that depends on parameters, at many of their values.
    private static Func<double[], double> Mean(double[] draws, int d, int parameters, Func<Expr, Expr, Expr> share)
    {
        var set = new ParameterSet();
        var theta = set.Add("theta", parameters);
        var run = new CompiledProgram<double>(new TracedProgram(set, ("loss", share(theta, Expr.Input("x", d)).BatchSum())))
        {
            ["x"] = NdArray<double>.From(draws, draws.Length / d, d),
            Parameters = new NdArray<double>(parameters),
        };
        return values =>
        {
            values.CopyTo(run.Parameters.Span);
            run.Run(draws.Length / d, new DrawKey(3));
            return run["loss"][0] / (draws.Length / d);
        };
    }

    // The minimiser of a quadratic by its values: exact.
    private static double[] Minimise(Func<double[], double> loss, int n)
    {
        double[] Unit(params int[] axes) => [.. Enumerable.Range(0, n).Select(k => (double)axes.Count(a => a == k))];
        var zero = loss(Unit());
        double[] ones = [.. Enumerable.Range(0, n).Select(k => loss(Unit(k)))];
        var hessian = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                hessian[(i * n) + j] = loss(Unit(i, j)) - ones[i] - ones[j] + zero;
            }
        }

        double[] solution = [.. Enumerable.Range(0, n).Select(k => zero - ones[k] + (0.5 * hessian[k * (n + 1)]))];
        Cholesky.Factor(hessian, n);
        Cholesky.Solve(hessian, n, solution);
        return solution;
    }

    private static Expr Affine(Expr theta, Expr x) => Expr.MatrixProduct(theta[..4].Reshape(2, 2), x) + theta[4..];

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void The_best_affine_score_of_a_Gaussian_is_its_score(ulong seed)
    {
        var draws = Draws(40_000, seed);
        var matching = new ImplicitScoreMatching(EvolutionDiffusion.Of(s_metric));
        var found = Minimise(Mean(draws, 2, 6, (theta, x) => matching.Exact(y => Affine(theta, y), x)), 6);

        // C = L L^T of the law, and of the draws: the sample's loss has the score of the sample's Gaussian.
        double[] mean = [draws.Where((_, i) => i % 2 == 0).Average(), draws.Where((_, i) => i % 2 == 1).Average()];
        double Covariance(int a, int b) => Enumerable.Range(0, draws.Length / 2).Average(i => (draws[(2 * i) + a] - mean[a]) * (draws[(2 * i) + b] - mean[b]));
        var (xx, xy, yy) = (Covariance(0, 0), Covariance(0, 1), Covariance(1, 1));
        var determinant = (xx * yy) - (xy * xy);
        double[] slope = [-yy / determinant, xy / determinant, xy / determinant, -xx / determinant];
        double[] sample = [.. slope, -(slope[0] * mean[0]) - (slope[1] * mean[1]), -(slope[2] * mean[0]) - (slope[3] * mean[1])];
        Assert.All(found.Zip(sample), pair => Assert.Equal(pair.Second, pair.First, 1e-7));

        // -C^-1 (x - m) with C = ((.25, .3), (.3, 2.61)), m = (1, -2).
        double[] exact = [-2.61 / 0.5625, 0.3 / 0.5625, 0.3 / 0.5625, -0.25 / 0.5625, (2.61 + 0.6) / 0.5625, -(0.3 + 0.5) / 0.5625];
        Assert.All(found.Zip(exact), pair => Assert.InRange(pair.First - pair.Second, -0.15, 0.15));
    }

    [Fact]
    public void The_loss_of_an_exact_score_is_minus_its_size_and_the_estimate_agrees()
    {
        // A bent field, noise along one direction of two: only that direction counts.
        var matching = new ImplicitScoreMatching(EvolutionDiffusion.Of(new[,] { { 0.4, 0.8 }, { 0.8, 1.6 } }));
        Assert.Equal(1, matching.Directions);
        static Expr Bent(Expr x) => Expr.Vector((x[0] * x[1]).Sin() - x[0], (0.3 * x[0].Square()) - (0.5 * x[1]));
        var draws = Draws(40_000, 11);
        foreach (var metric in (ImplicitScoreMatching[])[matching, new(EvolutionDiffusion.Isotropic(2, 0.6))])
        {
            var exact = Mean(draws, 2, 1, (_, x) => metric.Exact(Bent, x))([0]);
            Expr Estimate(Expr x, double penalty) =>
                metric.Hutchinson(Bent, x, Expr.Random(RandomLaw.Rademacher, s_probes, metric.Directions, 2), penalty);
            var difference = Mean(draws, 2, 1, (_, x) => (Estimate(x, 0) - metric.Exact(Bent, x)).Square())([0]);
            var estimate = Mean(draws, 2, 1, (_, x) => Estimate(x, 0))([0]);
            Assert.InRange(estimate - exact, -4 * Math.Sqrt(difference / 40_000) - 1e-12, (4 * Math.Sqrt(difference / 40_000)) + 1e-12);
            Assert.True(Mean(draws, 2, 1, (_, x) => Estimate(x, 0.1))([0]) > estimate + 0.01);

            // (1): for any field the loss is its Fisher error less the law's information; here against the field 0.
            var error = Mean(draws, 2, 1, (_, x) => metric.FisherError(Bent(x), Score(x)))([0]);
            var information = Mean(draws, 2, 1, (_, x) => metric.FisherError(Score(x), Expr.Constant([0, 0], 2)))([0]);
            Assert.InRange(exact / (error - information), 0.93, 1.07);
        }
    }

    // Of N(m, C) as above.
    private static Expr Score(Expr x) => Expr.Vector(
        ((-2.61 * (x[0] - 1)) + (0.3 * (x[1] + 2))) / 0.5625, ((0.3 * (x[0] - 1)) - (0.25 * (x[1] + 2))) / 0.5625);

    [Fact]
    public void Denoising_is_off_by_the_square_of_its_noise()
    {
        // On the line the best s(x) = -p x has 1 / p = E x^2 / E xi^2 + sigma^2 D: the variance, and that of the smoothing.
        const double diffusion = 0.6;
        var matching = new ImplicitScoreMatching(EvolutionDiffusion.Isotropic(1, diffusion));
        var draws = GaussianBase.Isotropic(1, 1.3).Sample(20_000, new RandomStream(11, s_draws));
        double Variance(double scale)
        {
            var loss = Mean(
                draws, 1, 1, (theta, x) => matching.Denoising(y => -theta * y, x, Expr.Random(RandomLaw.Normal, s_probes, 1), scale));
            return 1 / Minimise(loss, 1)[0];
        }

        Assert.Equal(diffusion * (0.16 - 0.01), Variance(0.4) - Variance(0.1), 1e-8);
        Assert.Equal(diffusion * (0.04 - 0.01), Variance(0.2) - Variance(0.1), 1e-8);
        Assert.InRange(Variance(0.1) / ((1.3 * 1.3) + (0.01 * diffusion)), 0.95, 1.05);
    }

    [Fact]
    public void Without_noise_there_is_nothing_to_fit() =>
        Assert.Throws<ArgumentException>(() => new ImplicitScoreMatching(EvolutionDiffusion.Isotropic(2, 0)));
}
