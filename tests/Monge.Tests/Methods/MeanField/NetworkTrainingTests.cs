using Monge.Data;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods.MeanField;

public sealed class NetworkTrainingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("monge-network-").FullName;

    private static readonly NetworkTrainingOptions s_small =
        new() { Width = 64, Iterations = 300, Runs = 2, Exponent = 1, Penalty = 1e-6, CertificateRows = 32 };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_networks_predict_what_linear_regression_cannot()
    {
        var (table, test) = (Saddle(200, 5), Saddle(100, 6));
        var model = Train(table, s_small with { Iterations = 2500 });
        var prediction = model.Predict(test, threads: 1);
        var error = Math.Sqrt(prediction.Mean.Zip(test.Column("y"), (f, y) => (f - y) * (f - y)).Average());
        Assert.True(error < 0.1, $"RMSE {error}");
        var columns = model.Columns;
        var (linear, _) = RidgeBaselines.Linear(columns.Encode(table), columns.Targets(table), columns.Encode(test), columns.Features);
        Assert.True(error < 0.2 * Math.Sqrt(columns.Undo(linear).Zip(test.Column("y"), (f, y) => (f - y) * (f - y)).Average()));
    }

    [Fact]
    public void The_mean_and_the_band_are_those_of_the_networks()
    {
        var table = Saddle(60, 5);
        var model = Train(table, s_small with { Runs = 3, HeldOut = 0 });
        var (each, band) = (model.PredictEach(table, 1), model.Predict(table, 0.9, 1));
        for (var row = 0; row < table.Rows; row++)
        {
            double[] values = [.. each.Select(f => f[row])];
            var deviation = Math.Sqrt(values.Sum(v => Math.Pow(v - values.Average(), 2)) / 2);
            Assert.Equal(values.Average(), band.Mean[row], 12);
            Assert.Equal(deviation, band.Deviation[row], 12);

            // Student's 95% quantile with two degrees of freedom is 2.919986.
            Assert.Equal(2.919986 * deviation * Math.Sqrt(4.0 / 3), band.Half[row], 1e-6);
        }

        Assert.False((model with { Members = [model.Members[0]] }).Predict(table, threads: 1).HasBand);
        Assert.Throws<ArgumentException>(() => model.Predict(table, 1));
    }

    [Fact]
    public void Scale_and_penalty_are_those_of_the_least_error_on_rows_held_out_in_turn()
    {
        var table = Saddle(60, 5);
        var model = Train(table, s_small with { Exponent = null, Penalty = null, Iterations = 60 });
        var course = model.Course!;
        Assert.Equal(6, course.Trials.Count);
        Assert.Equal(2, course.Trials.Select(t => t.Exponent).Distinct().Count());
        var best = course.Trials.MinBy(t => t.Error)!;
        Assert.Equal((best.Exponent, best.Penalty), (model.Options.Exponent, course.Penalty));
        Assert.Equal(60, course.HeldOutRows.Concat(course.LearnedRows).Distinct().Count());

        // The first fold alone is the trial with one fold, and the average of three is another.
        var one = Train(table, s_small with { Penalty = 1e-6, Folds = 1 }).Course!;
        var predicted = one.HeldOutPredictions.Zip(one.HeldOutRows, (f, row) => f - table.Column("y")[row]);
        Assert.Equal(Math.Sqrt(predicted.Average(e => e * e)), one.Trials[0].Error, 1e-6);
        var three = Train(table, s_small with { Penalty = 1e-6 }).Course!;
        Assert.Equal(one.HeldOutRows, three.HeldOutRows);
        Assert.NotEqual(one.Trials[0].Error, three.Trials[0].Error);

        // The flow certifies rates in the mean field, and chooses nothing.
        Assert.Equal(1, Train(table, s_small with { Exponent = null, Penalty = null, Optimiser = NetworkOptimiser.Flow, Iterations = 2 }).Options.Exponent);
    }

    [Fact]
    public void The_flow_stays_below_its_certified_bound()
    {
        // More features than rows, by a random first layer: the kernel of the inputs is positive definite.
        var table = Saddle(24, 7);
        var options = s_small with { Optimiser = NetworkOptimiser.Flow, Penalty = null, Layers = 3, FirstWidth = 128, Width = 256, Iterations = 400, Runs = 1 };
        var certificate = Train(table, options).Course!.Certificate;
        Assert.True(certificate.Holds, certificate.Absent);
        Assert.Equal(24, certificate.Rows);
        Assert.True(certificate.Points[0].SmallestEigenvalue > 0);
        Assert.All(certificate.Points, p => Assert.True(p.Loss <= p.EigenvalueBound * (1 + 1e-4), $"step {p.Step}: {p.Loss} above {p.EigenvalueBound}"));
        Assert.All(certificate.Points, p => Assert.True(p.EigenvalueBound <= p.SchurBound * (1 + 1e-9), $"step {p.Step}"));
        Assert.True(certificate.Points[^1].Loss < 0.5 * certificate.Points[0].Loss);
    }

    [Fact]
    public void The_mean_field_moves_features_and_the_tangent_kernels_scale_hardly_does()
    {
        var table = Saddle(24, 7);
        double Movement(double exponent) => Train(
            table, s_small with { Optimiser = NetworkOptimiser.Flow, Penalty = null, Exponent = exponent, Width = 1024, Iterations = 200, Runs = 1 })
            .Course!.Certificate.Points[^1].FeatureMovement;
        Assert.True(Movement(1) > 5 * Movement(0.5));
    }

    [Fact]
    public void Birth_and_death_leave_a_loss_that_falls_and_certify_nothing()
    {
        NetworkCertificate Course(double rate) => Train(
            Saddle(24, 7), s_small with { Optimiser = NetworkOptimiser.Flow, Penalty = null, BirthDeath = rate, Iterations = 150, Runs = 1 })
            .Course!.Certificate;
        var (flow, renewed) = (Course(0), Course(NetworkTrainingOptions.UsualBirthDeath));
        Assert.True(renewed.Points[^1].Loss < 0.5 * renewed.Points[0].Loss, $"{renewed.Points[^1].Loss}, {flow.Points[^1].Loss}");
        Assert.NotEqual(flow.Points[^1].Loss, renewed.Points[^1].Loss);
        Assert.True(flow.Holds);
        Assert.Contains("birth and death", renewed.Absent, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => (s_small with { BirthDeath = 1 }).Check());
    }

    [Fact]
    public void A_step_beyond_what_the_kernel_allows_is_told_before_the_start()
    {
        var error = Assert.Throws<ArgumentException>(
            () => Train(Saddle(24, 7), s_small with { Optimiser = NetworkOptimiser.Flow, Penalty = null, Step = 1000 }));
        Assert.StartsWith("A step of 1000 is beyond 2 / lambda_max = ", error.Message, StringComparison.Ordinal);

        // A step that is beyond it later on, as features are learned and the kernel grows, is told at the end.
        var (problem, flow) = (new NetworkProblem(Saddle(24, 7), "y"), s_small with { Optimiser = NetworkOptimiser.Flow, Penalty = null, Width = 512 });
        NetworkResult Result(double? step) => NetworkResult.Of(
            new NetworkTraining(problem, flow with { Step = step }).Run(new Run { Threads = 1 }), problem, new Run { Threads = 1 });
        Assert.Contains(Result(null).Warnings, w => w.Cause.Contains("the tangent kernel has grown", StringComparison.Ordinal));
        Assert.DoesNotContain(Result(0.2).Warnings, w => w.Cause.Contains("the tangent kernel has grown", StringComparison.Ordinal));
    }

    [Fact]
    public void Repeated_rows_have_no_certificate_and_are_named()
    {
        var table = Saddle(24, 7);
        int[] rows = [.. Enumerable.Range(0, 24), 4];
        var options = s_small with { Optimiser = NetworkOptimiser.Flow, Penalty = null, Iterations = 5, Runs = 1 };
        var certificate = Train(table.Take(rows), options).Course!.Certificate;
        Assert.False(certificate.Holds);
        Assert.StartsWith("rows 5 and 25 have equal inputs", certificate.Absent, StringComparison.Ordinal);
        Assert.All(certificate.Points, p => Assert.True(double.IsNaN(p.EigenvalueBound)));

        // Fewer features than rows: only the tangent kernel's own eigenvalue bounds the loss.
        var shallow = Train(table, options).Course!.Certificate;
        Assert.True(shallow.Holds);
        Assert.Contains("the certified rate is 0", shallow.Remark, StringComparison.Ordinal);
        Assert.All(shallow.Points, p => Assert.True(double.IsNaN(p.SchurBound) && !double.IsNaN(p.EigenvalueBound)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_resumed_run_is_an_uninterrupted_one_to_the_bit(int layers)
    {
        var options = s_small with { Iterations = 40, Layers = layers, FirstWidth = 16, Width = 16 };
        var problem = new NetworkProblem(Saddle(60, 5), "y");
        var whole = new NetworkTraining(problem, options).Run(new Run { Threads = 1 });
        for (var stop = 20; stop < 120; stop += 40)
        {
            Stop(new NetworkTraining(problem, options), p => p.Iteration >= stop);
        }

        var resumed = new NetworkTraining(problem, options).Run(new Run { Threads = 2, Folder = _folder, Resume = true });
        Assert.Equal(whole.PredictEach(problem.Table, 1).SelectMany(f => f), resumed.PredictEach(problem.Table, 1).SelectMany(f => f));
        Assert.Equal(whole.Course!.Certificate.Points, resumed.Course!.Certificate.Points);
        Assert.Equal(whole.Course.HeldOutPredictions, resumed.Course.HeldOutPredictions);
    }

    [Fact]
    public void Networks_of_narrower_widths_differ_and_move_as_the_theory_says()
    {
        NetworkScaling Scaling(double exponent) => Train(
            Saddle(24, 7), s_small with
            {
                Optimiser = NetworkOptimiser.Flow,
                Penalty = null,
                Exponent = exponent,
                Width = 1024,
                Halvings = 4,
                Iterations = 60,
                Step = 0.2,
                Runs = 12,
            }).Course!.Scaling!;
        var (field, tangent) = (Scaling(1), Scaling(0.5));
        Assert.Equal([64, 128, 256, 512, 1024], field.Widths.Select(w => w.Neurons));
        Assert.All(field.Widths, w => Assert.Equal((12, 12), (w.Variances.Count, w.Movements.Count)));
        Assert.InRange(field.Variance.Exponent, -1.3, -0.7);
        Assert.InRange(field.Movement.Exponent, -0.1, 0.1);
        Assert.InRange(tangent.Movement.Exponent, -0.6, -0.4);
        Assert.All((PowerLawFit[])[field.Variance, tangent.Movement], fit => Assert.True(fit.Lower < fit.Exponent && fit.Exponent < fit.Upper));
    }

    [Fact]
    public void Networks_of_narrower_widths_are_gone_on_with_to_the_bit()
    {
        var options = s_small with { Iterations = 40, Width = 64, Halvings = 2, Runs = 3 };
        var problem = new NetworkProblem(Saddle(60, 5), "y");
        var whole = new NetworkTraining(problem, options).Run(new Run { Threads = 1 });
        foreach (var phase in (string[])["train 32 neurons", "train 16 neurons"])
        {
            Stop(new NetworkTraining(problem, options), p => p.Phase == phase && p.Iteration >= 50);
        }

        var resumed = new NetworkTraining(problem, options).Run(new Run { Threads = 2, Folder = _folder, Resume = true });
        Assert.Equal(whole.PredictEach(problem.Table, 1).SelectMany(f => f), resumed.PredictEach(problem.Table, 1).SelectMany(f => f));
        double[] Told(NetworkModel model) => [.. model.Course!.Scaling!.Widths.SelectMany(w => w.Variances.Concat(w.Movements).Append(w.Error))];
        Assert.Equal(Told(whole), Told(resumed));
    }

    [Fact]
    public void What_narrower_networks_cannot_bear_costs_the_powers_of_the_width_alone()
    {
        // A step that the widest network can just take is too long for one of the narrower ones, whose kernels differ by chance.
        var problem = new NetworkProblem(Saddle(24, 7), "y");
        var options = s_small with { Optimiser = NetworkOptimiser.Flow, Penalty = null, Width = 256, Iterations = 2, Runs = 3 };
        NetworkModel Run(NetworkTrainingOptions with) => new NetworkTraining(problem, with).Run(new Run { Threads = 1 });
        var model = Run(options with { Halvings = 4, Step = 0.999 * Run(options).Course!.Certificate.Points[0].LongestStep });
        Assert.Equal(3, model.Members.Count);
        Assert.Null(model.Course!.Scaling);
        Assert.Contains("is beyond 2 / lambda_max", model.Course.NoScaling, StringComparison.Ordinal);
        var warnings = NetworkResult.Of(model, problem, new Run { Threads = 1 }).Warnings;
        Assert.Contains(warnings, w => w.Cause.StartsWith("no powers of the width were fitted", StringComparison.Ordinal));
    }

    [Fact]
    public void A_budget_is_kept_and_says_how_many_steps_it_was()
    {
        var options = s_small with { Budget = TimeSpan.FromSeconds(2), Width = 64, Halvings = 2, Runs = 3 };
        var problem = new NetworkProblem(Saddle(60, 5), "y");
        var training = new NetworkTraining(problem, options);
        var model = training.Run(new Run { Threads = 1, Folder = _folder });
        var found = ((NetworkTrainingOptions)training.Options).Iterations;
        Assert.Equal((found, found), (model.Options.Iterations, model.Course!.Certificate.Points[^1].Step));

        // The same number of steps makes the same networks.
        var again = new NetworkTraining(problem, options with { Budget = null, Iterations = found }).Run(new Run { Threads = 1 });
        Assert.Equal(model.PredictEach(problem.Table, 1).SelectMany(f => f), again.PredictEach(problem.Table, 1).SelectMany(f => f));
        Assert.Throws<InvalidOperationException>(
            () => new NetworkTraining(problem, options with { Budget = TimeSpan.FromTicks(10) }).Run(new Run { Threads = 1 }));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_file_keeps_the_model_to_the_bit(int layers)
    {
        var table = Words(40);
        var model = Train(table, s_small with { Iterations = 5, Layers = layers, FirstWidth = 16 });
        model.Save(Path.Combine(_folder, "m.safetensors"));
        var read = NetworkModel.Load(Path.Combine(_folder, "m.safetensors"));
        Assert.Equal(model.Predict(table, threads: 1).Half, read.Predict(table, threads: 1).Half);
        Assert.Equal((model.Rows, model.Seed, "y"), (read.Rows, read.Seed, read.Columns.Target));
    }

    [Fact]
    public void Words_become_features_and_unknown_ones_are_named()
    {
        var table = Words(40);
        var columns = RegressionColumns.Of(table, "y");
        Assert.Equal(["kind"], columns.Words);

        // x and its score, three kinds, the constant.
        Assert.Equal(6, columns.Features);
        var features = columns.Encode(table);
        Assert.All(features.Chunk(6), row => Assert.Equal(1 / Math.Sqrt(6), row[2] + row[3] + row[4], 12));
        Assert.All(features.Chunk(6), row => Assert.Equal(1 / Math.Sqrt(6), row[5]));
        var other = DataTable.Of("new", [new("x", [1.0], null), new("kind", null, ["d"])]);
        Assert.Contains("row 1, column 'kind' holds 'd'", Assert.Throws<DataFormatException>(() => columns.Encode(other)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whole_numbers_of_few_values_have_features_of_their_own()
    {
        var random = new RandomStream(14);
        double[] Column(Func<double> draw) => [.. Enumerable.Range(0, 60).Select(_ => draw())];
        var table = DataTable.Of("six kinds", [
            new("kind", Column(() => random.NextInt(6)), null), new("half", Column(() => 0.5 * random.NextInt(3)), null),
            new("two", Column(() => random.NextInt(2)), null), new("seven", Column(() => random.NextInt(7)), null), new("y", Column(random.NextNormal), null)]);
        var columns = RegressionColumns.Of(table, "y");

        // Halves are no counts, two values are told apart by one feature, and of 60 rows each of seven values is met less than ten times.
        Assert.Equal([6, 0, 0, 0], columns.Inputs.Select(i => i.Levels.Count));
        Assert.Equal((2 + 6) + 2 + 1 + 2 + 1, columns.Features);
        var root = Math.Sqrt(columns.Features);
        var rows = columns.Encode(table).Chunk(columns.Features).ToArray();
        Assert.All(rows.Zip(table.Column("kind")), row =>
            Assert.Equal([.. Enumerable.Range(0, 6).Select(k => k == row.Second ? 1.0 : 0)], row.First[2..8].Select(v => Math.Round(root * v, 12))));
        var unseen = DataTable.Of("new", [
            new("kind", [9.0], null), new("half", [0.5], null), new("two", [1.0], null), new("seven", [2.0], null), new("y", [0.0], null)]);
        var told = columns.Encode(unseen);
        Assert.All(told[2..8], v => Assert.Equal(0, v));
        Assert.Equal((9 - columns.Inputs[0].Mean) / columns.Inputs[0].Scale, root * told[0], 12);
        Assert.All(RegressionColumns.Of(table, "y", mostLevels: 0).Inputs, i => Assert.Empty(i.Levels));
    }

    [Fact]
    public void Normal_scores_keep_the_order_and_the_quantiles_of_a_normal_law()
    {
        var random = new RandomStream(11);
        double[] column = [.. Enumerable.Range(0, 4001).Select(_ => Math.Exp(3 * random.NextNormal()))];
        var scores = NormalScores.Of(column);
        double[] found = [.. column.Order().Select(scores.Apply)];
        Assert.Equal(found.Order(), found);
        Assert.Equal(0, found[2000], 0.01);
        Assert.Equal(1, found[3366], 0.02);
        Assert.Equal(found[^1], scores.Apply(1e300));
        Assert.Equal([-1.0, 0, 1], NormalScores.Of([1, 2, 2, 2, 2, 3]).Scores.Select(s => (double)Math.Sign(s)));
    }

    [Fact]
    public void What_has_nothing_to_learn_is_told()
    {
        var table = Saddle(30, 5);
        Assert.Contains("is 'y' meant?", Assert.Throws<ArgumentException>(() => RegressionColumns.Of(table, "yy")).Message, StringComparison.Ordinal);
        var words = Assert.Throws<ArgumentException>(() => RegressionColumns.Of(Words(40), "kind"));
        Assert.Contains("holds words", words.Message, StringComparison.Ordinal);
        var flat = DataTable.From([1, 7, 2, 7, 3, 7], 2, ["x", "y"]);
        var constant = Assert.Throws<DataFormatException>(() => RegressionColumns.Of(flat, "y"));
        Assert.Contains("column 'y' holds 7 in all 3 rows, so there is nothing to learn", constant.Message, StringComparison.Ordinal);
        Assert.Contains("at least 10", Assert.Throws<DataFormatException>(() => Train(table.Take([0, 1, 2]), s_small)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ridge_baselines_find_what_is_linear_and_what_is_not()
    {
        var random = new RandomStream(12);
        double[] inputs = [.. Enumerable.Range(0, 300).Select(i => i % 3 == 2 ? 1 : random.NextNormal())];
        double[] linear = [.. inputs.Chunk(3).Select(x => (2 * x[0]) - x[1] + 0.5)];
        double[] bent = [.. inputs.Chunk(3).Select(x => Math.Abs(x[0]))];
        double[] at = [0.5, -1, 1, -0.7, 0.2, 1];
        Assert.All(RidgeBaselines.Linear(inputs, linear, at, 3).Predictions.Zip([2.5, -1.1]), p => Assert.Equal(p.Second, p.First, 1e-4));
        var (kernel, _) = RidgeBaselines.Kernel(Monge.Measures.NetworkKernels.NeuralTangent(), inputs, bent, at, 3);
        Assert.All(kernel.Zip([0.5, 0.7]), p => Assert.Equal(p.Second, p.First, 0.1));
    }

    private static NetworkModel Train(DataTable table, NetworkTrainingOptions options) =>
        new NetworkTraining(new NetworkProblem(table, "y"), options).Run(new Run { Threads = 1 });

    // Goes on with the folder's run until it is stopped.
    private void Stop(NetworkTraining training, Func<TrainingProgress, bool> when)
    {
        using var source = new CancellationTokenSource();
        var progress = new Watch(p =>
        {
            if (when(p))
            {
                source.Cancel();
            }
        });
        Assert.ThrowsAny<OperationCanceledException>(
            () => training.Run(new Run { Threads = 1, Folder = _folder, Resume = true, Progress = progress, Cancellation = source.Token }));
    }

    private static DataTable Saddle(int rows, ulong seed)
    {
        var random = new RandomStream(seed);
        var values = new double[3 * rows];
        for (var row = 0; row < rows; row++)
        {
            var (a, b) = ((2 * random.NextDouble()) - 1, (2 * random.NextDouble()) - 1);
            (values[3 * row], values[(3 * row) + 1], values[(3 * row) + 2]) = (a, b, 3 * a * b);
        }

        return DataTable.From(values, 3, ["a", "b", "y"]);
    }

    private static DataTable Words(int rows)
    {
        var random = new RandomStream(9);
        double[] x = [.. Enumerable.Range(0, rows).Select(_ => random.NextNormal())];
        string[] kinds = [.. Enumerable.Range(0, rows).Select(i => ((string[])["a", "b", "c"])[i % 3])];
        return DataTable.Of("words", [new("x", x, null), new("kind", null, kinds), new("y", [.. x.Select((v, i) => v + (i % 3))], null)]);
    }

    private sealed class Watch(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
