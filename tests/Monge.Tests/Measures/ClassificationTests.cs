using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

/// <summary>Labelled data against what their definitions imply, and the posterior of logistic regression.</summary>
public sealed class ClassificationTests
{
    private const int Rows = 40_000;

    [Fact]
    public void The_sign_of_the_sum_is_right_on_twonorm_as_often_as_a_normal_number_is_below_two()
    {
        var rows = ClassificationLibrary.TwoNorm(Rows, new RandomStream(11));
        var right = Share(rows, x => x.Sum());
        Assert.InRange(right, 0.97725 - (4 * Error(0.97725)), 0.97725 + (4 * Error(0.97725)));
    }

    [Fact]
    public void The_likelier_law_is_right_on_ringnorm_in_98_7_of_100()
    {
        // Breiman's theoretical rate of errors is 1.3 %, rounded.
        var a = 2 / Math.Sqrt(20);
        var rows = ClassificationLibrary.RingNorm(Rows, new RandomStream(11));
        var right = Share(rows, x => (-x.Sum(v => v * v) / 8) - (20 * Math.Log(2)) + (x.Sum(v => (v - a) * (v - a)) / 2));
        Assert.InRange(right, 0.987 - 5e-4 - (4 * Error(0.987)), 0.987 + 5e-4 + (4 * Error(0.987)));
    }

    [Fact]
    public void Waveform_has_three_equal_classes_and_the_means_of_its_triangles()
    {
        var rows = ClassificationLibrary.Waveform(Rows, new RandomStream(11));
        var share = rows.Labels.Count(l => l == 1) / (double)Rows;
        Assert.InRange(share, (1 / 3.0) - (4 * Error(1 / 3.0)), (1 / 3.0) + (4 * Error(1 / 3.0)));
        for (var j = 0; j < 21; j++)
        {
            double Height(int middle) => Math.Max(0, 6 - Math.Abs(j + 1 - middle));
            var first = Enumerable.Range(0, Rows).Where(i => rows.Labels[i] == 1).Average(i => rows.Features[(i * 21) + j]);
            var others = Enumerable.Range(0, Rows).Where(i => rows.Labels[i] == -1).Average(i => rows.Features[(i * 21) + j]);

            // The triangles' deviations add to the noise: at most 6 / sqrt(12) to 1.
            Assert.InRange(first, ((Height(11) + Height(15)) / 2) - 0.08, ((Height(11) + Height(15)) / 2) + 0.08);
            Assert.InRange(others, ((Height(11) + Height(15) + (2 * Height(7))) / 4) - 0.08, ((Height(11) + Height(15) + (2 * Height(7))) / 4) + 0.08);
        }
    }

    [Fact]
    public void German_credit_has_700_good_and_300_bad()
    {
        var rows = ClassificationLibrary.GermanCredit();
        Assert.Equal((1000, 24, 300), (rows.Count, rows.Columns, rows.Labels.Count(l => l == 1)));
    }

    [Fact]
    public void Parts_of_a_split_are_the_rows_in_another_order()
    {
        var rows = ClassificationLibrary.TwoNorm(50, new RandomStream(11));
        var (first, second) = rows.Split(20, new RandomStream(12));
        Assert.Equal((20, 30), (first.Count, second.Count));
        Assert.Equal(rows.Features.Order(), first.Features.Concat(second.Features).Order());
    }

    [Fact]
    public void Rows_are_standardised_by_others_and_constant_features_left_out()
    {
        var rows = new LabelledRows([1, 7, 3, 3, 7, 5], 3, [1, -1]);
        var standard = rows.StandardisedBy(rows);
        Assert.Equal(3, standard.Columns);
        Assert.Equal([-1, -1, 1, 1, 1, 1], standard.Features);
    }

    [Fact]
    public void The_posterior_is_prior_times_likelihood()
    {
        var rows = new LabelledRows([2, 1, -1, 1], 2, [1, -1]);
        const double a = 0.02;
        double[] w = [0.5, -0.25];
        var prior = Math.Log(a / (2 * Math.PI)) - (0.5 * a * ((w[0] * w[0]) + (w[1] * w[1]))) + Math.Log(100 * a) - (100 * a);
        var likelihood = -Math.Log(1 + Math.Exp(-0.75)) - Math.Log(1 + Math.Exp(-0.75));
        var found = LogisticPosterior.Create("two", rows).Density.LogDensityAt([w[0], w[1], Math.Log(a)])[0];
        Assert.Equal(prior + likelihood, found, 1e-12);

        // A hopeless weight loses what the least probability allows, a clipped precision scales as at the bound.
        var far = LogisticPosterior.Create("two", rows).Density.LogDensityAt([-1000, 0, -9])[0];
        var expected = -8 - Math.Log(2 * Math.PI) - (0.5 * Math.Exp(-8) * 1e6) + Math.Log(100) - 9 - (100 * Math.Exp(-9)) + (2 * Math.Log(1e-5));
        Assert.Equal(expected, far, 1e-9);
    }

    [Fact]
    public void Predictions_average_probabilities_over_draws()
    {
        var rows = new LabelledRows([1, 1], 1, [1, -1]);
        double[] draws = [2, 0, -1, 0];
        var (p, q) = (1 / (1 + Math.Exp(-2.0)), 1 / (1 + Math.Exp(1.0)));
        var (accuracy, log) = LogisticPosterior.Predict(rows, draws);
        Assert.Equal(0.5, accuracy);
        Assert.Equal(0.5 * (Math.Log((p + q) / 2) + Math.Log(1 - ((p + q) / 2))), log, 1e-12);
        Assert.Equal(0.5 * (Math.Log(p) + Math.Log(1 - p)), LogisticPosterior.Predict(rows, draws, [3, 0]).LogLikelihood, 1e-12);
    }

    [Fact]
    public void Rows_that_do_not_fit_are_refused_in_words()
    {
        Assert.Contains("3 features", Assert.Throws<ArgumentException>(() => new LabelledRows([1, 2, 3], 2, [1, 1])).Message, StringComparison.Ordinal);
        Assert.Contains("row 1 is 0", Assert.Throws<ArgumentException>(() => new LabelledRows([1, 2], 1, [1, 0])).Message, StringComparison.Ordinal);
        Assert.Contains("row 1 is NaN", Assert.Throws<ArgumentException>(() => new LabelledRows([1, double.NaN], 1, [1, 1])).Message, StringComparison.Ordinal);
        Assert.Contains("no whole rows", Assert.Throws<ArgumentException>(
            () => new RowPosterior("ragged", 1, x => x[0], [1, 2, 3], 2, (x, t) => t.Sum())).Message, StringComparison.Ordinal);
        Assert.Contains("row 1, column 0", Assert.Throws<ArgumentException>(
            () => new RowPosterior("gap", 1, x => x[0], [1, 2, double.NaN, 4], 2, (x, t) => t.Sum())).Message, StringComparison.Ordinal);
        var rows = ClassificationLibrary.TwoNorm(5, new RandomStream(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => rows.Split(5, new RandomStream(1)));
        Assert.Throws<ArgumentException>(() => LogisticPosterior.Predict(rows, new double[20]));
    }

    private static double Share(LabelledRows rows, Func<double[], double> rule) => Enumerable.Range(0, rows.Count).Count(
        i => rule(rows.Features[(i * rows.Columns)..((i + 1) * rows.Columns)]) * rows.Labels[i] > 0) / (double)rows.Count;

    private static double Error(double share) => Math.Sqrt(share * (1 - share) / Rows);
}
