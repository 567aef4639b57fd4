using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.OptimalTransport;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods.Generation;

/// <summary>Fits with tiny networks: what they learn, and that they are the same to the bit whatever the threads and interruptions.</summary>
public sealed class InterpolantFitTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("monge-test-").FullName;

    public static TheoryData<string> Variants => ["{}", """{ "coupling": "optimalTransport", "couplingSize": 32 }""", """{ "times": "importance" }"""];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Threads_and_interruptions_change_no_byte_of_a_model(string json)
    {
        // Judged at each step, so that the interruption comes where the reports are.
        var options = MethodOptions.Parse<InterpolantOptions>(json) with
        {
            Size = new() { Width = 16, Depth = 2 },
            Training = new() { BatchSize = 256, Iterations = 40 },
            Validations = 40,
            Patience = 0,
        };
        var data = FlowData.From(TwoClusters(400));
        byte[] Bytes(Run run)
        {
            var path = Path.Combine(_folder, "model.safetensors");
            new InterpolantFit(data, options).Run(run).Save(path);
            return File.ReadAllBytes(path);
        }

        var one = Bytes(new Run { Threads = 1 });
        Assert.Equal(one, Bytes(new Run { Threads = 2 }));
        Assert.NotEqual(one, Bytes(new Run { Threads = 1, Seed = 2 }));

        using var stop = new CancellationTokenSource();
        var progress = new Reporter(p =>
        {
            if (p.Iteration >= 17)
            {
                stop.Cancel();
            }
        });
        var (fit, resumable) = (new InterpolantFit(data, options), new Run { Threads = 1, Folder = _folder, Resume = true });
        Assert.Throws<OperationCanceledException>(() => fit.Run(resumable with { Progress = progress, Cancellation = stop.Token }));
        Assert.Contains(
            "made with seed 1, not 9", Assert.Throws<CheckpointException>(() => fit.Run(resumable with { Seed = 9 })).Message, StringComparison.Ordinal);
        Assert.Equal(one, Bytes(resumable with { Threads = 2 }));
    }

    [Fact]
    public void A_model_learns_two_clusters_its_density_integrates_to_one_and_its_file_gives_it_back()
    {
        var table = TwoClusters(2000);
        var options = new InterpolantOptions
        {
            Size = new() { Width = 32, Depth = 2 },
            Training = new() { BatchSize = 512, Iterations = 400, LearningRate = 5e-3, AverageDecay = 0.98 },
        };
        var model = new InterpolantFit(FlowData.From(table), options).Run(new Run { Threads = 1 });
        var settings = new FlowSettings { Tolerance = 1e-5, Threads = 1 };

        // Grid over what standardised rows reach.
        const int side = 80;
        var (low, high) = (-6.0, 6.0);
        var cell = (high - low) / side;
        var grid = new double[side * side * 2];
        for (var i = 0; i < side * side; i++)
        {
            (grid[2 * i], grid[(2 * i) + 1]) = (low + ((i / side) + 0.5) * cell, low + ((i % side) + 0.5) * cell);
        }

        var integral = model.LogDensity(grid, settings).Sum(Math.Exp) * cell * cell;
        Assert.Equal(1, integral, 0.01);

        // Between the clusters there is little; a Gaussian would have its most there.
        var rows = model.Generate(2000, settings);
        var between = Enumerable.Range(0, 2000).Count(i => Math.Abs(rows[2 * i]) < 1) / 2000.0;
        Assert.InRange(between, 0, 0.08);
        Assert.InRange(Enumerable.Range(0, 2000).Count(i => rows[2 * i] > 0) / 2000.0, 0.4, 0.6);
        var held = model.HeldOutRows!;
        Assert.Equal(
            held, model.ToData(model.ToBase(held, settings with { Tolerance = 1e-8 }), settings with { Tolerance = 1e-8 }), (a, b) => Math.Abs(a - b) < 1e-4);

        var path = Path.Combine(_folder, "m.safetensors");
        model.Save(path);
        var read = FlowModel.Load(path, MethodRegistry.Fits);
        Assert.Equal(rows, read.Generate(2000, settings));
        Assert.Equal(model.Report, read.Report);
        Assert.Equal(model.Columns, read.Columns);
    }

    [Fact]
    public void A_conditional_model_puts_each_class_in_its_place_and_hides_the_condition_without_one()
    {
        var random = new RandomStream(4);
        var values = new double[1200 * 2];
        for (var i = 0; i < 1200; i++)
        {
            values[(2 * i) + 1] = i % 3;
            values[2 * i] = (4 * (i % 3)) + (0.5 * random.NextNormal());
        }

        var table = DataTable.From(values, 2, ["x", "kind"]);
        var options = new InterpolantOptions
        {
            ConditionDropout = 0.2,
            Size = new() { Width = 32, Depth = 2 },
            Training = new() { BatchSize = 512, Iterations = 400, LearningRate = 5e-3, AverageDecay = 0.98 },
        };
        foreach (var coupling in new[] { CouplingKind.Independent, CouplingKind.OptimalTransport })
        {
            var model = new InterpolantFit(FlowData.From(table, "kind"), options with { Coupling = coupling }).Run(new Run { Threads = 1 });
            Assert.Equal(["0", "1", "2"], model.Conditions[0].Classes);
            foreach (var kind in new[] { 0, 2 })
            {
                var rows = model.Generate(500, new FlowSettings { Given = ConditionValues.Value("kind", kind == 0 ? "0" : "2"), Threads = 1 });
                Assert.InRange(rows.Average(), (4 * kind) - 0.5, (4 * kind) + 0.5);
            }

            Assert.InRange(model.Generate(2000, new FlowSettings { Threads = 1 }).Average(), 3.3, 4.7);
            Assert.Contains("knows no class '7'", Assert.Throws<ArgumentException>(
                () => model.Generate(2, new FlowSettings { Given = ConditionValues.Value("kind", "7") })).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Transport_coupled_paths_are_shorter_and_straighter_than_independent_ones()
    {
        var table = TwoClusters(1000);
        var options = new InterpolantOptions
        {
            Standardisation = StandardisationKind.Isotropic,
            Size = new() { Width = 32, Depth = 2 },
            Training = new() { BatchSize = 256, Iterations = 300, LearningRate = 5e-3, AverageDecay = 0.98 },
        };
        double Moved(CouplingKind coupling)
        {
            var model = new InterpolantFit(FlowData.From(table), options with { Coupling = coupling }).Run(new Run { Threads = 1 });
            var z = new double[2000];
            var random = new RandomStream(3);
            for (var i = 0; i < z.Length; i++)
            {
                z[i] = random.NextNormal();
            }

            // What one Euler step misses of the whole path, beside the path's length.
            var whole = model.ToData(z, new FlowSettings { Threads = 1 });
            var one = model.ToData(z, new FlowSettings { Steps = 1, Tableau = Monge.Dynamics.RungeKuttaTableau.Heun, Threads = 1 });
            return whole.Zip(one, (a, b) => (a - b) * (a - b)).Average();
        }

        Assert.True(Moved(CouplingKind.OptimalTransport) < 0.5 * Moved(CouplingKind.Independent));
    }

    [Fact]
    public void The_loss_of_a_Gaussian_by_time_is_the_conditional_variance()
    {
        // x_t = (1 - t) z + t x1 of standard normal ends: the velocity's target x1 - z has the variance 1 / ((1 - t)^2 + t^2) given x_t, and the untrained
        // model is exact.
        var random = new RandomStream(8);
        double[] rows = [.. Enumerable.Range(0, 20_000).Select(_ => random.NextNormal())];
        var options = FlowModelTests.Small(new InterpolantOptions { ValidationShare = 0.8 });
        using var training = new InterpolantFit(FlowData.From(DataTable.From(rows, 1)), options).Begin(new Run { Threads = 1 });
        foreach (var (from, to, mean, deviation) in training.LossByTime(5))
        {
            var expected = Enumerable.Range(0, 100).Average(k => from + ((k + 0.5) * (to - from) / 100) is var t ? 1 / (((1 - t) * (1 - t)) + (t * t)) : 0);
            Assert.Equal(expected, mean, 5 * deviation / Math.Sqrt(16_000 / 5.0));
        }
    }

    [Fact]
    public void A_file_that_was_changed_says_what_differs()
    {
        using var training = new InterpolantFit(FlowData.From(TwoClusters(50)), FlowModelTests.Small(new InterpolantOptions())).Begin(new Run());
        var path = Path.Combine(_folder, "m.safetensors");
        training.Model().Save(path);
        var file = SafetensorsFile.Read(path);
        var tensors = file.Tensors.ToDictionary();
        tensors.Remove("field.0.bias");
        tensors["field.1.weight"] = NumericArray.Create(new float[6], 2, 3);
        tensors["extra"] = NumericArray.Create(new float[1], 1);
        SafetensorsFile.Write(path, tensors, file.Metadata);
        var error = Assert.Throws<DataFormatException>(() => FlowModel.Load(path, MethodRegistry.Fits));
        Assert.Contains("'field.0.bias' [8] is missing; 'field.1.weight' is [2, 3] instead of [2, 8]; 'extra' is not part of the model", error.Message,
            StringComparison.Ordinal);
        SafetensorsFile.Write(path, tensors, []);
        Assert.Contains(
            "is not a flow model", Assert.Throws<DataFormatException>(() => FlowModel.Load(path, MethodRegistry.Fits)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_from_before_methods_were_named_is_read()
    {
        using var training = new InterpolantFit(FlowData.From(TwoClusters(50)), FlowModelTests.Small(new InterpolantOptions())).Begin(new Run());
        var (path, model) = (Path.Combine(_folder, "m.safetensors"), training.Model());
        model.Save(path);
        var file = SafetensorsFile.Read(path);
        SafetensorsFile.Write(path, file.Tensors, [.. file.Metadata.Where(w => w.Key != "method"), new("form", """{ "form": "oneSided" }""")]);
        Assert.Equal(model.Generate(5), FlowModel.Load(path, MethodRegistry.Fits).Generate(5));
    }

    [Fact]
    public void A_file_with_a_matrix_of_scales_is_read_and_a_new_one_holds_the_scales_alone()
    {
        using var training = new InterpolantFit(FlowData.From(TwoClusters(50)), FlowModelTests.Small(new InterpolantOptions())).Begin(new Run());
        var (path, model) = (Path.Combine(_folder, "m.safetensors"), training.Model());
        model.Save(path);
        var file = SafetensorsFile.Read(path);
        var tensors = file.Tensors.ToDictionary();
        Assert.Equal(model.Standardisation.Scales.ToArray(), tensors["standardisation.scales"].ToDoubles());
        tensors.Remove("standardisation.scales");
        tensors["standardisation.factor"] = NumericArray.Create(model.Standardisation.Factor.ToArray(), 2, 2);
        SafetensorsFile.Write(path, tensors, file.Metadata);
        Assert.Equal(model.Generate(5), FlowModel.Load(path, MethodRegistry.Fits).Generate(5));
    }

    [Fact]
    public void A_file_grows_like_the_columns()
    {
        long Length(int d)
        {
            var random = new RandomStream(7);
            var table = DataTable.From([.. Enumerable.Range(0, 12 * d).Select(_ => random.NextNormal())], d);
            using var training = new InterpolantFit(FlowData.From(table), FlowModelTests.Small(new InterpolantOptions())).Begin(new Run());
            var path = Path.Combine(_folder, "wide.safetensors");
            training.Model().Save(path);
            return new FileInfo(path).Length;
        }

        Assert.InRange(Length(1200) / (double)Length(300), 2, 4.2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(300)]
    public void Copies_of_a_row_stand_on_one_side_of_the_split(int times)
    {
        var rows = TwoClusters(60).Values;
        var table = DataTable.From([.. Enumerable.Repeat(rows, times).SelectMany(r => r)], 2);
        var pairs = PreparedPairs.Prepare(FlowData.From(table), new InterpolantOptions().Pairing, needsBase: false, seed: 3);
        var (train, held) = (pairs.Train!, pairs.Validation!);
        Assert.Equal((60 * times, 6 * times), (train.Rows + held.Rows, held.Rows));
        Assert.Equal(0, RowCopies.CountAmong(Doubles(held.Values), Doubles(train.Values), 2));
        if (times == 1)
        {
            // Without copies the split is that of the permutation.
            var order = new RandomStream(3, MeasureStreams.Split).Permutation(60);
            Assert.Equal(rows[2 * order[0]], pairs.HeldOutRows![0], 1e-6);
        }
    }

    [Fact]
    public void One_row_that_is_most_of_a_table_leaves_others_to_judge_by()
    {
        var rows = TwoClusters(20).Values;
        var table = DataTable.From([.. rows, .. Enumerable.Repeat(rows[..2], 80).SelectMany(r => r)], 2);
        var pairs = PreparedPairs.Prepare(FlowData.From(table), new InterpolantOptions().Pairing, needsBase: false, seed: 3);
        Assert.Equal(10, pairs.Validation!.Rows);
        Assert.Equal(0, RowCopies.CountAmong(Doubles(pairs.Validation.Values), Doubles(pairs.Train!.Values), 2));
    }

    [Fact]
    public void A_base_without_names_is_matched_by_place_and_one_of_other_names_is_refused()
    {
        var data = FlowData.From(TwoClusters(30));
        var values = TwoClusters(10).Values;
        Assert.Equal(["x", "y"], data.FromBase(DataTable.From(values, 2)).Base!.Names);
        Assert.Equal(values[1], data.FromBase(DataTable.From(values, 2, ["y", "x"])).Base!.Values[0]);
        Assert.Throws<ArgumentException>(() => data.FromBase(DataTable.From(values, 2, ["x", "z"])));
        Assert.Throws<ArgumentException>(() => data.FromBase(DataTable.From([1, 2, 3, 4, 5, 6], 3)));
    }

    [Fact]
    public void The_error_of_one_held_out_row_is_unknown()
    {
        var (one, none) = (MeanOfRows.Of([-3.5], [1, 2], 2), MeanOfRows.Of([-3.5, -3.5], [1, 2, 1, 2], 2));
        Assert.Equal((-3.5, -3.5), (one.Mean, none.Mean));
        Assert.True(double.IsNaN(one.Error) && double.IsNaN(none.Error));
        Assert.Contains("unknown", MeanOfRows.Text(one.Mean, one.Error, "nats"), StringComparison.Ordinal);
        Assert.Equal(0.5, MeanOfRows.Of([1, 2], [1, 2, 3, 4], 2).Error, 12);
    }

    [Theory]
    [InlineData("""{ "width": 0 }""", "'width' is 0")]
    [InlineData("""{ "coupling": "sinkhorn", "batchSize": 100 }""", "not a multiple")]
    [InlineData("""{ "schedule": "bent" }""", "no schedule 'bent'")]
    [InlineData("""{ "learn": "velocityScore", "form": "twoSided" }""", "has no latent")]
    [InlineData("""{ "form": "mirror" }""", "has no latent")]
    [InlineData("""{ "learn": "velocityScore", "schedule": "linear-latent" }""", "one field")]
    [InlineData("""{ "learn": "denoiser", "coupling": "optimalTransport" }""", "velocity too")]
    [InlineData("""{ "coupling": "paired" }""", "second table")]
    public void Options_that_make_no_fit_are_refused_in_words(string json, string words)
    {
        var error = Assert.ThrowsAny<ArgumentException>(
            () => new InterpolantFit(FlowData.From(TwoClusters(50)), MethodOptions.Parse<InterpolantOptions>(json)).Begin(new Run()));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, v => (double)v);

    private static DataTable TwoClusters(int rows)
    {
        var random = new RandomStream(7);
        var values = new double[rows * 2];
        for (var i = 0; i < rows; i++)
        {
            values[2 * i] = (i % 2 == 0 ? -2.5 : 2.5) + (0.6 * random.NextNormal());
            values[(2 * i) + 1] = 0.8 * random.NextNormal();
        }

        return DataTable.From(values, 2, ["x", "y"]);
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
