using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Tests.Paths;

public sealed class MixtureInterpolantTests
{
    private static readonly double[,] s_first = { { 0.6, 0.2 }, { 0.2, 0.3 } };
    private static readonly double[,] s_second = { { 0.25, -0.15 }, { -0.15, 0.8 } };
    private static readonly double[,] s_diagonal = { { 0.5, 0 }, { 0, 0.2 } };
    private static readonly double[,] s_commuting = { { 1.6, 0.4 }, { 0.4, 1.0 } };

    public static TheoryData<string> Cases => ["diagonal", "generalised", "traced", "commuting", "one-sided", "mirror", "single"];

    private static MixtureInterpolant Case(string name)
    {
        var data = new GaussianMixtureLaw([0.3, 0.7], [[1.5, -1], [-2, 0.5]], name == "diagonal" ? [s_diagonal, s_diagonal] : [s_first, s_second]);
        var full = new GaussianMixtureLaw([0.6, 0.4], [[-1, 0.3], [0.5, 1]], [s_second, s_diagonal]);
        return name switch
        {
            "diagonal" => new MixtureInterpolant(
                new Interpolant(InterpolantSchedules.LinearWithLatent()),
                new GaussianMixtureLaw([0.6, 0.4], [[-1, 0.3], [0.5, 1]], [s_diagonal, s_diagonal]), data),
            "generalised" => new MixtureInterpolant(new Interpolant(InterpolantSchedules.Trigonometric), full, data),
            "traced" => new MixtureInterpolant(new Interpolant(InterpolantSchedules.TrigonometricWithLatent()), full, data),
            "commuting" => new MixtureInterpolant(
                new Interpolant(InterpolantSchedules.EncoderDecoder), GaussianMixtureLaw.Single([1, 2], s_commuting),
                new GaussianMixtureLaw([0.5, 0.5], [[1.5, -1], [-2, 0.5]], [s_first, s_commuting])),
            "one-sided" => new MixtureInterpolant(new Interpolant(InterpolantSchedules.VariancePreserving, InterpolantKind.OneSided), null, data),
            "one-sided with latent" => new MixtureInterpolant(new Interpolant(InterpolantSchedules.LinearWithLatent(), InterpolantKind.OneSided), null, data),
            "mirror" => new MixtureInterpolant(
                new Interpolant(InterpolantSchedules.Linear.WithLatent(LatentScale.Quadratic), InterpolantKind.Mirror), null, data),
            _ => new MixtureInterpolant(new Interpolant(InterpolantSchedules.LinearWithLatent(2)), GaussianMixtureLaw.Single([1, 0], s_second),
                GaussianMixtureLaw.Single([-1, 2], s_first)),
        };
    }

    private static Dictionary<string, double[]> Evaluate(params (string, Expr)[] outputs)
    {
        var random = new RandomStream(3, 700);
        double[] positions = [.. Enumerable.Range(0, 80).Select(_ => 2 * random.NextNormal())];
        double[] times = [.. Enumerable.Range(0, 40).Select(k => (k + 0.5) / 40)];
        return ReferenceInterpreter.Evaluate(new TracedProgram(null, outputs), 40, new Dictionary<string, double[]> { ["x"] = positions, ["t"] = times }, []);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void DensityAndVelocitySolveTheContinuityEquation(string name)
    {
        var law = Case(name);
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var log = law.LogDensity(x, t);
        var (velocity, divergence) = law.Velocity.WithDivergence(x, t);
        var (score, laplacian) = law.Score.WithDivergence(x, t);
        var values = Evaluate(
            ("residual", Derivative.Gradient(log, t) + divergence + Expr.Dot(velocity, Derivative.Gradient(log, x))),
            ("scoreGap", (score - Derivative.Gradient(log, x)).Abs().Maximum()),
            ("divergenceGap", divergence - Derivative.Divergence(velocity, x)),
            ("laplacianGap", (laplacian - Derivative.Laplacian(log, x).Laplacian) / (1 + laplacian.Abs())));
        Assert.All(values.Values.SelectMany(v => v), gap => Assert.Equal(0, gap, 1e-10));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ConditionalMeansAddUpToPositionAndVelocity(string name)
    {
        var law = Case(name);
        var (interpolant, schedule) = (law.Interpolant, law.Interpolant.Schedule);
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var (start, data, latent) = (law.BaseMean(x, t), law.DataMean(x, t), law.LatentMean(x, t));
        var velocity = law.Velocity.Apply(x, t);
        var values = Evaluate(
            ("position", (interpolant.At(t, start, data, latent) - x).Abs().Maximum()),
            ("velocity", (interpolant.Rate(t, start, data, latent) - velocity).Abs().Maximum()),
            ("mean", (law.MeanVelocity(x, t) - velocity - (schedule.GammaGammaRate(t) * law.Score.Apply(x, t))).Abs().Maximum()),
            ("denoiser", interpolant.HasScore
                ? (law.Denoiser(x, t) - (interpolant.Kind == InterpolantKind.OneSided ? start : latent)).Abs().Maximum() : 0 * t));
        Assert.All(values.Values.SelectMany(v => v), gap => Assert.Equal(0, gap, 1e-11));
    }

    [Theory]
    [InlineData("one-sided")]
    [InlineData("one-sided with latent")]
    [InlineData("mirror")]
    public void EachFieldOfASingleFieldInterpolantGivesTheOthers(string name)
    {
        var law = Case(name);
        var interpolant = law.Interpolant;
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var (b, s, eta) = (law.Velocity.Apply(x, t), law.Score.Apply(x, t), law.Denoiser(x, t));
        List<(string, Expr)> gaps =
        [
            ("1", interpolant.VelocityFromDenoiser(t, x, eta) - b), ("2", interpolant.VelocityFromScore(t, x, s) - b),
            ("3", interpolant.ScoreFromVelocity(t, x, b) - s),
            ("4", interpolant.DenoiserFromVelocity(t, x, b) - eta), ("5", interpolant.ScoreFromDenoiser(t, eta) - s),
        ];
        if (interpolant.Kind == InterpolantKind.OneSided)
        {
            gaps.Add(("6", interpolant.VelocityFromData(t, x, law.DataMean(x, t)) - b));
            gaps.Add(("7", interpolant.DataFromVelocity(t, x, b) - law.DataMean(x, t)));
        }

        Assert.All(Evaluate([.. gaps]).Values.SelectMany(v => v), gap => Assert.Equal(0, gap, 1e-9));
    }

    [Theory]
    [InlineData("linear", "trigonometric")]
    [InlineData("linear", "designed:0.01")]
    [InlineData("variance-preserving", "linear")]
    [InlineData("designed:4", "variance-preserving")]
    [InlineData("trigonometric", "variance-exploding:5")]
    public void ATransferredVelocityIsThatOfTheNewSchedule(string from, string to)
    {
        var data = new GaussianMixtureLaw([0.3, 0.7], [[1.5, -1], [-2, 0.5]], [s_first, s_second]);
        MixtureInterpolant Under(string name) => new(new Interpolant(InterpolantSchedules.Get(name)), GaussianMixtureLaw.Standard(2), data);
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var transferred = new TransferredField(Under(from).Velocity, InterpolantSchedules.Get(from), InterpolantSchedules.Get(to));
        var (value, divergence) = transferred.WithDivergence(x, t);
        var (exact, exactDivergence) = Under(to).Velocity.WithDivergence(x, t);
        var values = Evaluate(("value", (value - exact) / (1 + exact.Abs())), ("divergence", (divergence - exactDivergence) / (1 + exactDivergence.Abs())));
        Assert.All(values.Values.SelectMany(v => v), gap => Assert.Equal(0, gap, 1e-11));
    }

    [Fact]
    public void MixtureLawsSampleWhatTheirMomentsSay()
    {
        var law = new GaussianMixtureLaw([0.3, 0.7], [[1.5, -1], [-2, 0.5]], [s_first, s_second]);
        var (mean, covariance) = (law.Mean(), law.Covariance());
        foreach (var seed in (ulong[])[1, 2, 3])
        {
            const int Samples = 100_000;
            var draws = law.Sample(Samples, new RandomStream(seed, 701));
            double Average(Func<double, double, double> f) => Enumerable.Range(0, Samples).Sum(k => f(draws[2 * k], draws[(2 * k) + 1])) / Samples;
            Assert.Equal(mean[0], Average((a, _) => a), 5 * Math.Sqrt(covariance[0, 0] / Samples));
            Assert.Equal(covariance[0, 1], Average((a, b) => (a - mean[0]) * (b - mean[1])), 0.03);
            Assert.Equal(covariance[1, 1], Average((_, b) => (b - mean[1]) * (b - mean[1])), 0.03);
        }

        Assert.Equal(law.Marginal(1).LogDensity([0.4]), Math.Log((0.3 * Normal(0.4, -1, 0.3)) + (0.7 * Normal(0.4, 0.5, 0.8))), 1e-12);
        Assert.Throws<ArgumentException>(() => new GaussianMixtureLaw([0.5, 0.6], [[0.0], [1.0]], [new[,] { { 1.0 } }, new[,] { { 1.0 } }]));
        Assert.Throws<ArgumentException>(() => new GaussianMixtureLaw([1], [[0.0, 1.0]], [new[,] { { 1.0, 2 }, { 2, 1 } }]));
    }

    private static double Normal(double x, double mean, double variance) =>
        Math.Exp(-0.5 * (x - mean) * (x - mean) / variance) / Math.Sqrt(2 * Math.PI * variance);
}
