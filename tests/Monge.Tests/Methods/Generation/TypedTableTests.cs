using Monge.Data;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Tests.Data;
using Monge.Training;

namespace Monge.Tests.Methods.Generation;

/// <summary>Tables whose columns have types: what has a probability is drawn as it is, and the law of rows is exact.</summary>
public sealed class TypedTableTests
{
    private static readonly Lazy<TableModel> s_people = new(() => Fit(PeopleLaw.Draw(2000, 21), 400));

    [Fact]
    public void Drawn_people_are_whole_and_have_the_shares_of_the_law()
    {
        var (model, held) = (s_people.Value, PeopleLaw.Draw(4000, 22));
        var drawn = model.Generate(4000, new FlowSettings { Steps = 8 });
        Assert.Equal(["age", "children", "job", "income"], drawn.Order);
        Assert.All(drawn.Column("age").Concat(drawn.Column("children")), value => Assert.Equal(value, Math.Floor(value)));
        Assert.All(drawn.Column("children"), value => Assert.InRange(value, 0, 7));
        Assert.All(drawn.Column("income"), value => Assert.True(value >= 0));
        string[] shares = [.. PeopleLaw.Jobs, .. Enumerable.Range(0, 8).Select(k => $"{k} children"), "no income", "age below 40"];
        foreach (var name in shares)
        {
            double Share(DataTable table) => Indicators(table, name).Average();
            var (mine, truth) = (Share(drawn), Share(held));

            // Errors of the rows drawn, of those held out and of those that were learned from; fifteen shares are looked at.
            var error = Math.Sqrt(truth * (1 - truth) * ((1.0 / 4000) + (1.0 / 4000) + (1.0 / 1800)));
            Assert.True(Math.Abs(mine - truth) < 4 * error, $"{name}: {mine:F4} against {truth:F4} +- {error:F4}");
        }
    }

    [Fact]
    public void The_likelihood_of_held_out_people_is_that_of_their_law()
    {
        var held = PeopleLaw.Draw(2000, 23);
        var (law, truth) = (s_people.Value.LogDensity(held), PeopleLaw.LogLikelihood(held));
        double[] differences = [.. law.Sum.Zip(truth, (mine, right) => mine - right)];
        var (mean, error) = MeanOfRows.Of(differences);

        // 1800 rows determine about 100 numbers of a law to 100 / 3600 nats; three times as much is allowed.
        Assert.InRange(mean, -0.085, 3 * error);
        var isZero = held.Column("income").Select(v => v == 0).ToArray();
        Assert.All(Enumerable.Range(0, held.Rows).Where(row => isZero[row]), row => Assert.Equal(0, law.LogDensity[row], 9));
        Assert.Contains(false, isZero);
    }

    [Fact]
    public void A_classifier_sees_neither_the_rows_drawn_nor_overlooks_numbers_that_are_not_whole()
    {
        var (model, held) = (s_people.Value, PeopleLaw.Draw(2000, 24));
        double[] Numbers(DataTable table) => table.Select(["age", "children", "income"]).Values;
        var options = new TwoSampleOptions { DistanceRows = 50, Repetitions = 2, Classifier = new ClassifierTestOptions { Iterations = 300 } };
        var right = TwoSampleTable.Compute(Numbers(model.Generate(2000, new FlowSettings { Steps = 8, Seed = 3 })), Numbers(held), 3, options);
        Assert.True(right.Classifier!.Excess < 3.5, right.Classifier.ToString());
        var random = new RandomStream(4);
        double[] broken = [.. Numbers(PeopleLaw.Draw(2000, 25)).Select((v, i) => i % 3 == 1 ? v + (0.001 * random.NextNormal()) : v)];
        var wrong = TwoSampleTable.Compute(broken, Numbers(held), 3, options);
        Assert.True(wrong.Classifier!.Accuracy > 0.95, wrong.Classifier.ToString());
    }

    [Fact]
    public void The_law_of_a_row_sums_and_integrates_to_one()
    {
        var model = Fit(Small(300, 5), 60);
        Assert.Equal(
            [ColumnKind.Binary, ColumnKind.Integer, ColumnKind.ZeroInflated], model.Types.All.Select(type => type.Kind));
        var sum = 0.0;
        const int Points = 400;
        var amounts = Enumerable.Range(0, Points).Select(i => -12 + (24 * (i + 0.5) / Points)).ToArray();
        foreach (var word in new[] { "no", "yes" })
        {
            for (var count = 0; count <= 3; count++)
            {
                string[] words = [.. Enumerable.Repeat(word, Points + 1)];
                double[] counts = [.. Enumerable.Repeat((double)count, Points + 1)];
                var law = model.LogDensity(DataTable.Of("grid", [new("word", null, words), new("count", counts, null), new("amount", [0, .. amounts], null)]));
                sum += Math.Exp(law.Sum[0]) + (24.0 / Points * law.Sum.Skip(1).Sum(Math.Exp));
            }
        }

        Assert.Equal(1, sum, 3);
    }

    [Fact]
    public void What_is_given_is_kept_and_the_rest_has_the_law_given_it()
    {
        var model = Fit(Small(300, 6), 60);
        var given = new Dictionary<string, string> { ["count"] = "2", ["amount"] = "0" };
        var drawn = model.Generate(3000, new FlowSettings { Seed = 7 }, given);
        Assert.All(drawn.Column("count"), value => Assert.Equal(2, value));
        Assert.All(drawn.Column("amount"), value => Assert.Equal(0, value));
        var both = model.LogDensity(DataTable.Of("both", [new("word", null, ["no", "yes"]), new("count", [2, 2], null), new("amount", [0, 0], null)])).Sum;
        var share = 1 / (1 + Math.Exp(both[0] - both[1]));
        Assert.InRange(drawn.Labels("word").Count(word => word == "yes") / 3000.0 - share, -4 * Math.Sqrt(0.25 / 3000), 4 * Math.Sqrt(0.25 / 3000));
        string Refusal(string name, string value) =>
            Assert.Throws<ArgumentException>(() => model.Generate(2, null, new Dictionary<string, string> { [name] = value })).Message;
        Assert.Contains("has a density, so '1.5' can't be given", Refusal("amount", "1.5"), StringComparison.Ordinal);
        Assert.Contains("is 'word' meant?", Refusal("wort", "no"), StringComparison.Ordinal);
        Assert.Contains("it is integer (0 to 3)", Refusal("count", "9"), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_go_to_the_base_and_back_and_a_file_gives_the_same_law()
    {
        var (rows, model) = (Small(60, 8), Fit(Small(300, 7), 40));
        var latent = model.ToBase(rows);
        Assert.Equal(rows.Column("count"), latent.Column("count"));
        var back = model.ToData(latent);
        Assert.Equal(rows.Labels("word"), back.Labels("word"));
        foreach (var (mine, own) in back.Column("amount").Zip(rows.Column("amount")))
        {
            Assert.True(own == 0 ? mine == 0 : Math.Abs(mine - own) < 1e-3 * (1 + Math.Abs(own)), $"{mine} against {own}");
        }

        using var scratch = new Scratch();
        model.Flow.Save(scratch.File("m.safetensors"));
        var read = new TableModel(FlowModel.Load(scratch.File("m.safetensors"), MethodRegistry.Fits));
        Assert.Equal(model.LogDensity(rows).Sum, read.LogDensity(rows).Sum);
        Assert.Equal(model.Generate(50).Values, read.Generate(50).Values);
    }

    [Fact]
    public void A_stopped_fit_of_a_table_with_types_goes_on_to_the_same_bytes()
    {
        using var scratch = new Scratch();
        var data = FlowData.From(Small(200, 9), ColumnTypeRule.Find(Small(200, 9)));
        var whole = new InterpolantFit(data, Options(30)).Run(new Run());
        using var stop = new CancellationTokenSource();
        var progress = new StopAt("train", stop);
        var run = new Run { Folder = scratch.Directory, Cancellation = stop.Token, Progress = progress };
        Assert.ThrowsAny<OperationCanceledException>(() => new InterpolantFit(data, Options(30)).Run(run));
        var resumed = new InterpolantFit(data, Options(30)).Run(new Run { Folder = scratch.Directory, Resume = true });
        Assert.Equal(whole.ParameterValues.Span.ToArray(), resumed.ParameterValues.Span.ToArray());
        Assert.Equal(whole.Table!.Discrete.Values.Span.ToArray(), resumed.Table!.Discrete.Values.Span.ToArray());
    }

    [Fact]
    public void Words_alone_make_a_law_and_conditions_are_given_or_drawn()
    {
        var rows = Small(300, 10);
        var words = DataTable.Of("words", [new("word", null, [.. rows.Labels("word")]), new("count", rows.Column("count"), null)]);
        var law = Fit(words, 40);
        Assert.All(law.LogDensity(words).LogDensity, value => Assert.Equal(0, value));
        double[] all = [.. new[] { "no", "yes" }.SelectMany(word => law.LogDensity(
            DataTable.Of("all", [new("word", null, [word, word, word, word]), new("count", [0, 1, 2, 3], null)])).LogProbability)];
        Assert.Equal(1, all.Sum(Math.Exp), 9);
        var given = new TableModel(new InterpolantFit(FlowData.From(rows, ColumnTypeRule.Find(rows, conditions: ["count"])), Options(40)).Run(new Run()));
        Assert.Equal(["word", "amount"], given.Generate(5).Order);
        Assert.Equal(["count"], given.Conditions);
        Assert.Equal(5, given.Generate(5, null, new Dictionary<string, string> { ["count"] = "1" }).Rows);
    }

    [Fact]
    public void A_fit_tells_of_a_number_that_whole_numbers_and_others_make()
    {
        var random = new RandomStream(12);
        int[] rows = [.. Enumerable.Range(0, 100)];
        double[] count = [.. rows.Select(_ => (double)random.NextInt(5))], free = [.. rows.Select(_ => random.NextNormal())];
        var table = DataTable.Of("sums",
            [new("count", count, null), new("free", free, null), new("sum", [.. count.Zip(free, (c, f) => c + (2 * f))], null)]);
        var data = FlowData.From(table, ColumnTypeRule.Find(table));
        var result = FitResult.Of(new InterpolantFit(data, Options(3)).Run(new Run()), data, new Run());
        Assert.StartsWith("column 'sum' is a combination of the columns 'count', 'free'", Assert.Single(result.Warnings).Message, StringComparison.Ordinal);
        Assert.Equal(result.LogLikelihood!.Value.Mean, result.Parts!.Value.LogProbability + result.Parts.Value.LogDensity, 9);
    }

    private static double[] Indicators(DataTable table, string name) => name switch
    {
        "no income" => [.. table.Column("income").Select(v => v == 0 ? 1.0 : 0)],
        "age below 40" => [.. table.Column("age").Select(v => v < 40 ? 1.0 : 0)],
        _ when name.EndsWith(" children", StringComparison.Ordinal) => [.. table.Column("children").Select(v => $"{v} children" == name ? 1.0 : 0)],
        _ => [.. table.Labels("job").Select(job => job == name ? 1.0 : 0)],
    };

    private static TableModel Fit(DataTable table, int iterations) =>
        new(new InterpolantFit(FlowData.From(table, ColumnTypeRule.Find(table)), Options(iterations)).Run(new Run()));

    private static InterpolantOptions Options(int iterations) => new()
    {
        Size = new NetworkSizeOptions { Width = 32, Depth = 2 },
        Training = new TrainingOptions { Iterations = iterations, BatchSize = 512 },
    };

    // A word, a count from 0 to 3 and an amount of either sign that is zero in some rows, which hang together.
    private static DataTable Small(int rows, ulong seed)
    {
        var random = new RandomStream(seed);
        var (words, counts, amounts) = (new string[rows], new double[rows], new double[rows]);
        for (var i = 0; i < rows; i++)
        {
            var isYes = random.NextDouble() < 0.4;
            words[i] = isYes ? "yes" : "no";
            counts[i] = random.NextCategorical(isYes ? [1.0, 2, 3, 2] : [4.0, 3, 2, 1]);
            amounts[i] = random.NextDouble() < (isYes ? 0.2 : 0.4) ? 0 : random.NextNormal() + counts[i] - 1;
        }

        return DataTable.Of("small", [new("word", null, words), new("count", counts, null), new("amount", amounts, null)]);
    }

    private sealed class StopAt(string phase, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == phase)
            {
                stop.Cancel();
            }
        }
    }
}
