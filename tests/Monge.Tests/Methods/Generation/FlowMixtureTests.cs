using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods.Generation;

/// <summary>Fits from a Gaussian mixture of the rows. Before the first step networks are zero, and such a model is its base.</summary>
public sealed class FlowMixtureTests : IDisposable
{
    private static readonly GaussianMixtureOptions s_two = new() { Components = [2], Ridges = [1e-3] };
    private readonly string _folder = Directory.CreateTempSubdirectory("monge-test-").FullName;

    [Theory]
    [InlineData("trigonometric", 2, 0.0)]
    [InlineData("trigonometric", 3, 0.2)]
    [InlineData("linear", 1, 0.0)]
    public void A_model_before_its_first_step_is_the_mixture(string schedule, int components, double broadShare)
    {
        var table = Clusters(300);
        var data = FlowData.From(table).FromMixture(s_two with { Components = [components] }, broadShare);
        using var training = new InterpolantFit(data, FlowModelTests.Small(new InterpolantOptions { Schedule = schedule })).Begin(new Run { Threads = 1 });
        var model = training.Model();
        var mixture = model.BaseMixture!;
        Assert.Equal(broadShare > 0 ? components + 1 : components, mixture.Components);
        Assert.Equal(broadShare > 0 ? broadShare : mixture.Weights[^1], mixture.Weights[^1]);
        Assert.False(model.HasGaussianBase);
        double[] rows = [.. table.Values.Take(40), 9, -9];
        double[] exact = [.. mixture.LogDensity(model.Standardisation.Apply(rows)).Select(v => v - model.Standardisation.LogDeterminant)];
        var settings = new FlowSettings { Tolerance = 1e-9, Threads = 1 };
        Assert.All(model.LogDensity(rows, settings).Zip(exact), p => Assert.Equal(p.Second, p.First, 1e-6));
        Assert.All(model.ToBase(rows, settings).Zip(rows), p => Assert.Equal(p.Second, p.First, 1e-6));
    }

    [Fact]
    public void Rows_and_their_base_points_belong_to_one_component()
    {
        var table = Clusters(400);
        var problem = PreparedPairs.Prepare(FlowData.From(table).FromMixture(s_two, 0), new InterpolantOptions().Pairing, needsBase: true, 1);
        var mixture = problem.Mixture!;
        var (deviation, centre, random) = (new float[2], new float[2], new RandomStream(5));
        var squares = 0.0;
        const int draws = 4000;
        for (var i = 0; i < draws; i++)
        {
            var row = i % problem.Train!.Rows;
            mixture.Draw(problem.Train.Shares.AsSpan(row * 2, 2), random, deviation, centre);
            // Clusters lie on both sides of the first coordinate's zero.
            Assert.Equal(Math.Sign(problem.Train.Values[2 * row]), Math.Sign(centre[0]));
            var k = mixture.Law.Means[0][0] == centre[0] || (float)mixture.Law.Means[0][0] == centre[0] ? 0 : 1;
            var first = deviation[0] / mixture.Law.Factors[k][0];
            var second = (deviation[1] - (mixture.Law.Factors[k][2] * first)) / mixture.Law.Factors[k][3];
            squares += (first * first) + (second * second);
        }

        // Whitened deviations are standard normal: a mean square of 2 with deviation 2 / sqrt(draws).
        Assert.Equal(2, squares / draws, 5 * 2 / Math.Sqrt(draws));
    }

    [Fact]
    public void A_row_far_from_all_others_keeps_a_density()
    {
        var table = Clusters(300);
        double Far(double? share)
        {
            var options = FlowModelTests.Small(new InterpolantOptions { Schedule = "trigonometric" });
            using var training = new InterpolantFit(FlowData.From(table).FromMixture(s_two, share), options).Begin(new Run { Threads = 1 });
            return training.Model().LogDensity([0, 8], new FlowSettings { Threads = 1 })[0];
        }

        var (with, without) = (Far(null), Far(0));
        Assert.True(without < -45, $"{without}");
        Assert.True(with > without + 10, $"{with} {without}");
    }

    [Fact]
    public void A_learned_model_integrates_to_one_comes_back_and_is_given_back_by_its_file()
    {
        var table = Ring(2000);
        var options = new InterpolantOptions
        {
            Schedule = "trigonometric",
            Size = new() { Width = 32, Depth = 2 },
            Training = new() { BatchSize = 512, Iterations = 400, LearningRate = 5e-3, AverageDecay = 0.98 },
        };
        var data = FlowData.From(table).FromMixture(new GaussianMixtureOptions { Components = [3], Ridges = [1e-3] });
        var model = new InterpolantFit(data, options).Run(new Run { Threads = 1 });
        var settings = new FlowSettings { Tolerance = 1e-5, Threads = 1 };
        const int side = 80;
        const double low = -4, cell = 8.0 / side;
        double[] grid = [.. Enumerable.Range(0, side * side).SelectMany(i => new[] { low + (((i / side) + 0.5) * cell), low + (((i % side) + 0.5) * cell) })];
        Assert.Equal(1, model.LogDensity(grid, settings).Sum(Math.Exp) * cell * cell, 0.01);

        // Three Gaussians make a coarse ring; the transport makes it finer on rows that it hasn't seen.
        var fresh = Ring(1000, seed: 8).Values;
        var mixture = model.BaseMixture!.LogDensity(model.Standardisation.Apply(fresh)).Average() - model.Standardisation.LogDeterminant;
        Assert.True(model.LogDensity(fresh, settings).Average() > mixture + 0.1, $"{model.LogDensity(fresh, settings).Average()} {mixture}");
        var fine = settings with { Tolerance = 1e-8 };
        Assert.All(model.ToData(model.ToBase(fresh, fine), fine).Zip(fresh), p => Assert.Equal(p.Second, p.First, 1e-4));

        var path = Path.Combine(_folder, "m.safetensors");
        model.Save(path);
        var read = FlowModel.Load(path, MethodRegistry.Fits);
        Assert.Equal(model.Generate(500, settings), read.Generate(500, settings));
        Assert.Equal(model.LogDensity(fresh[..40], settings), read.LogDensity(fresh[..40], settings));
    }

    [Fact]
    public void Threads_change_no_byte_of_a_model()
    {
        var options = new InterpolantOptions
        {
            Schedule = "trigonometric",
            RowNoise = 0.1,
            Size = new() { Width = 16, Depth = 2 },
            Training = new() { BatchSize = 256, Iterations = 40 },
        };
        byte[] Bytes(int threads)
        {
            var path = Path.Combine(_folder, "model.safetensors");
            var data = FlowData.From(Clusters(400)).FromMixture(new GaussianMixtureOptions { Components = [1, 2, 4] });
            new InterpolantFit(data, options).Run(new Run { Threads = threads }).Save(path);
            return File.ReadAllBytes(path);
        }

        Assert.Equal(Bytes(1), Bytes(2));
    }

    [Theory]
    [InlineData("""{ "coupling": "optimalTransport" }""", "paired within its components")]
    [InlineData("""{ "form": "oneSided" }""", "is two-sided")]
    [InlineData("""{ "schedule": "linear-latent" }""", "'linear-latent' does not")]
    [InlineData("""{ "learn": "denoiser" }""", "velocity alone")]
    [InlineData("""{ "validationShare": 0 }""", "one number of components")]
    public void What_makes_no_fit_is_refused_in_words(string json, string words)
    {
        var data = FlowData.From(Clusters(50)).FromMixture();
        Assert.Contains(
            words,
            Assert.ThrowsAny<ArgumentException>(() => new InterpolantFit(data, MethodOptions.Parse<InterpolantOptions>(json)).Begin(new Run())).Message,
            StringComparison.Ordinal);
        Assert.Contains("below 1", Assert.Throws<ArgumentOutOfRangeException>(() => data.FromMixture(broadShare: 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mixture_base_needs_a_table_and_no_conditions()
    {
        var sampler = FlowData.From(1, (count, random) => [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())]).FromMixture();
        Assert.Contains(
            "rows of one table", Assert.Throws<ArgumentException>(() => new InterpolantFit(sampler).Begin(new Run())).Message, StringComparison.Ordinal);
        var conditional = FlowData.From(Clusters(50), "y").FromMixture();
        Assert.Contains(
            "conditions", Assert.Throws<ArgumentException>(() => new InterpolantFit(conditional).Begin(new Run())).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static DataTable Clusters(int rows)
    {
        var random = new RandomStream(7);
        double[] values =
            [.. Enumerable.Range(0, rows).SelectMany(i => new[] { (i % 2 == 0 ? -2.5 : 2.5) + (0.4 * random.NextNormal()), 0.8 * random.NextNormal() })];
        return DataTable.From(values, 2, ["x", "y"]);
    }

    private static DataTable Ring(int rows, ulong seed = 7)
    {
        var random = new RandomStream(seed);
        var values = new double[rows * 2];
        for (var i = 0; i < rows; i++)
        {
            var (angle, radius) = (2 * Math.PI * random.NextDouble(), 2 + (0.15 * random.NextNormal()));
            (values[2 * i], values[(2 * i) + 1]) = (radius * Math.Cos(angle), radius * Math.Sin(angle));
        }

        return DataTable.From(values, 2, ["x", "y"]);
    }
}
