using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.OptimalTransport;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Tests.Methods.Generation;

/// <summary>
/// Models before their first step: networks are zero, so a model of any form is the Gaussian with the data's mean and covariance, exactly. Every sign, scale
/// and determinant on the way shows.
/// </summary>
public sealed class FlowModelTests
{
    private const int Rows = 200;

    public static TheoryData<string, InterpolantKind, LearnedFields> Forms => new()
    {
        { "linear", InterpolantKind.OneSided, LearnedFields.Velocity },
        { "trigonometric", InterpolantKind.OneSided, LearnedFields.Denoiser },
        { "linear", InterpolantKind.TwoSided, LearnedFields.Velocity },
        { "encoder-decoder", InterpolantKind.TwoSided, LearnedFields.VelocityDenoiser },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Log_densities_are_those_of_the_Gaussian(string schedule, InterpolantKind form, LearnedFields learn)
    {
        var (table, mean, factor) = Gaussian(3);
        var model = Untrained(
            table, new InterpolantOptions { Schedule = schedule, Form = form, Learn = learn, Standardisation = StandardisationKind.Whitened });
        double[] rows = [.. table.Values.Take(15)];
        var exact = LogGaussian(rows, mean, factor);
        var adaptive = model.LogDensity(rows, new FlowSettings { Tolerance = 1e-9, Threads = 1 });
        var equal = model.LogDensity(rows, new FlowSettings { Steps = 200, Threads = 1 });
        // For a linear field the estimate of the divergence is exact with probes of unit entries.
        var estimated = model.LogDensity(rows, new FlowSettings { Tolerance = 1e-9, Probes = 1, Threads = 1 });
        for (var i = 0; i < exact.Length; i++)
        {
            Assert.Equal(exact[i], adaptive[i], 1e-6);
            Assert.Equal(exact[i], equal[i], 1e-6);
            Assert.Equal(exact[i], estimated[i], 1e-6);
        }
    }

    [Theory]
    [InlineData("linear", InterpolantKind.OneSided, LearnedFields.Velocity)]
    [InlineData("linear-latent", InterpolantKind.OneSided, LearnedFields.Velocity)]
    [InlineData("linear-latent", InterpolantKind.TwoSided, LearnedFields.VelocityScore)]
    [InlineData("trigonometric-latent", InterpolantKind.TwoSided, LearnedFields.InterpolantVelocityDenoiser)]
    [InlineData("linear-latent", InterpolantKind.TwoSided, LearnedFields.InterpolantVelocityScore)]
    public void Rows_along_the_ODE_and_the_SDE_have_the_data_moments(string schedule, InterpolantKind form, LearnedFields learn)
    {
        var (table, mean, factor) = Gaussian(2);
        var model = Untrained(
            table, new InterpolantOptions { Schedule = schedule, Form = form, Learn = learn, Standardisation = StandardisationKind.Whitened });
        Assert.True(model.HasScore);
        var covariance = Product(factor);
        foreach (var diffusion in new[] { 0, 0.5 })
        {
            var rows = model.Generate(40_000, new FlowSettings { Diffusion = diffusion, Steps = diffusion > 0 ? 200 : null, Seed = 3, Threads = 1 });
            var (m, c) = Standardisation.Moments(rows, 2);
            for (var i = 0; i < 2; i++)
            {
                // Five standard errors of 40,000 draws.
                Assert.Equal(mean[i], m[i], 5 * Math.Sqrt(covariance[(2 * i) + i] / 40_000));
                Assert.Equal(covariance[(2 * i) + i], c[(2 * i) + i], 5 * covariance[(2 * i) + i] * Math.Sqrt(2.0 / 40_000));
            }
        }
    }

    [Fact]
    public void The_Feynman_Kac_estimate_agrees_with_the_density_within_its_errors()
    {
        var (table, mean, factor) = Gaussian(2);
        var model = Untrained(
            table, new InterpolantOptions
            {
                Schedule = "linear-latent",
                Form = InterpolantKind.TwoSided,
                Learn = LearnedFields.VelocityDenoiser,
                Standardisation = StandardisationKind.Whitened
            });
        double[] rows = [.. table.Values.Take(8)];
        var exact = LogGaussian(rows, mean, factor);
        var (values, errors) = model.FeynmanKac(rows, 2000, new FlowSettings { Diffusion = 0.3, Steps = 400, Seed = 2, Threads = 1 });
        for (var i = 0; i < exact.Length; i++)
        {
            Assert.InRange(errors[i], 1e-6, 0.2);
            Assert.Equal(exact[i], values[i], (4 * errors[i]) + 0.01);
        }
    }

    [Fact]
    public void Rows_come_back_from_the_base_and_the_base_is_standard_normal()
    {
        var (table, _, _) = Gaussian(3);
        foreach (var schedule in new[] { "linear", "variance-exploding:5", "designed:0.05" })
        {
            var model = Untrained(table, new InterpolantOptions { Schedule = schedule, Standardisation = StandardisationKind.Whitened });
            var settings = new FlowSettings { Tolerance = 1e-9, Threads = 1 };
            var latent = model.ToBase(table.Values, settings);
            var back = model.ToData(latent, settings);
            Assert.All(back.Zip(table.Values), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
            var (_, covariance) = Standardisation.Moments(latent, 3);
            Assert.Equal(1, covariance[0], 2e-2);
            Assert.Equal(0, covariance[1], 2e-2);
        }
    }

    [Fact]
    public void What_a_model_cannot_tell_is_said()
    {
        var (table, _, _) = Gaussian(2);
        var paired = Untrained(
            table, new InterpolantOptions { Coupling = CouplingKind.OptimalTransport, CouplingSize = 16, Training = new() { BatchSize = 32 } });
        Assert.Contains(
            "score isn't known",
            Assert.Throws<InvalidOperationException>(() => paired.Generate(4, new FlowSettings { Diffusion = 1 })).Message,
            StringComparison.Ordinal);
        using var training = new InterpolantFit(FlowData.From(table).FromBase(table), Small(new InterpolantOptions())).Begin(new Run());
        var mapped = training.Model();
        Assert.Contains(
            "base is a data set", Assert.Throws<InvalidOperationException>(() => mapped.LogDensity(table.Values)).Message, StringComparison.Ordinal);
        Assert.Contains("rows of it to start from", Assert.Throws<ArgumentException>(() => mapped.Generate(3)).Message, StringComparison.Ordinal);
        Assert.Contains("isn't conditioned on 'k'", Assert.Throws<ArgumentException>(
            () => paired.Generate(3, new FlowSettings { Given = ConditionValues.Value("k", "1") })).Message, StringComparison.Ordinal);
    }

    internal static InterpolantOptions Small(InterpolantOptions options) =>
        options with { Size = new() { Width = 8, Depth = 1 }, Training = options.Training with { BatchSize = 32 } };

    private static FlowModel Untrained(DataTable table, InterpolantOptions options)
    {
        using var training = new InterpolantFit(FlowData.From(table), Small(options)).Begin(new Run { Threads = 1 });
        return training.Model();
    }

    // Correlated rows with their own mean and the Cholesky factor of their own covariance.
    private static (DataTable Table, double[] Mean, double[] Factor) Gaussian(int d)
    {
        var random = new RandomStream(11);
        var rows = new double[Rows * d];
        for (var at = 0; at < rows.Length; at += d)
        {
            for (var i = 0; i < d; i++)
            {
                rows[at + i] = 3 + (2 * i) + ((1 + i) * random.NextNormal()) + (i > 0 ? 0.7 * rows[at + i - 1] : 0);
            }
        }

        var standardisation = Standardisation.Of(rows, d, StandardisationKind.Whitened);
        return (DataTable.From(rows, d), standardisation.Mean.ToArray(), standardisation.Factor.ToArray());
    }

    private static double[] LogGaussian(double[] rows, double[] mean, double[] factor)
    {
        var d = mean.Length;
        var law = Monge.Measures.GaussianBase.Full(mean, Square(factor, d));
        var result = new double[rows.Length / d];
        var noise = new double[d];
        for (var i = 0; i < result.Length; i++)
        {
            law.ToNoise(rows.AsSpan(i * d, d), noise);
            result[i] = (-0.5 * noise.Sum(z => z * z)) - law.LogDeterminant - (0.5 * d * Math.Log(2 * Math.PI));
        }

        return result;
    }

    private static double[,] Square(double[] factor, int d)
    {
        var result = new double[d, d];
        for (var i = 0; i < d * d; i++)
        {
            result[i / d, i % d] = i % d <= i / d ? factor[i] : 0;
        }

        return result;
    }

    private static double[] Product(double[] factor) =>
        [factor[0] * factor[0], factor[0] * factor[2], factor[0] * factor[2], (factor[2] * factor[2]) + (factor[3] * factor[3])];
}
