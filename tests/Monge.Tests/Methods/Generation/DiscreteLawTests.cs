using Monge.Data;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods.Generation;

/// <summary>The law of whole numbers: exact probabilities that sum to one, and draws that have them.</summary>
public sealed class DiscreteLawTests
{
    [Theory]
    [InlineData(18, 120, true)]
    [InlineData(0, 400, false)]
    [InlineData(-60, 60, true)]
    public void Probabilities_of_whole_numbers_sum_to_one_and_draws_have_them(int least, int most, bool isBounded)
    {
        var random = new RandomStream(11);
        double[] ages = [.. Enumerable.Range(0, 1500).Select(_ =>
            Math.Clamp(Math.Round((0.5 * (least + 120)) + ((random.NextDouble() < 0.3 ? 25 : 8) * random.NextNormal())), least, most))];
        var bounds = isBounded ? $"x[0]=integer:{least}..{most}" : "x[0]=integer";
        var types = ColumnTypeRule.Find(DataTable.From(ages, 1), StatedKind.Parse(bounds).ToDictionary());
        var options = new InterpolantOptions { Training = new TrainingOptions { Iterations = 300 } };
        var model = new TableModel(new InterpolantFit(FlowData.From(DataTable.From(ages, 1), types), options).Run(new Run()));
        double[] values = [.. Enumerable.Range(least, most - least + 1).Select(v => (double)v)];
        double[] law = [.. model.LogDensity(DataTable.From(values, 1)).LogProbability.Select(Math.Exp)];
        Assert.Equal(1, law.Sum(), isBounded ? 9 : 3);
        var drawn = model.Generate(20_000).Column("x[0]");
        Assert.All(drawn, value => Assert.True(value == Math.Floor(value) && value >= least, $"{value}"));
        for (var from = 0; from < values.Length; from += 20)
        {
            var (low, high) = (values[from], values[Math.Min(from + 19, values.Length - 1)]);
            var mine = drawn.Count(v => v >= low && v <= high) / 20_000.0;
            var right = law.Skip(from).Take(20).Sum();
            Assert.InRange(mine - right, (-4.5 * Math.Sqrt(right / 20_000)) - 1e-4, (4.5 * Math.Sqrt(right / 20_000)) + 1e-4);
        }
    }

    [Fact]
    public void A_whole_number_beyond_the_bounds_has_no_probability()
    {
        var types = ColumnTypeRule.Find(DataTable.From([.. Enumerable.Range(0, 100).Select(i => (double)(i % 4))], 1));
        var message = Assert.Throws<DataFormatException>(() => types.Codes(DataTable.From([1.0, 2, 4], 1))).Message;
        Assert.Contains("row 3, column 'x[0]' holds '4'", message, StringComparison.Ordinal);
        var half = Assert.Throws<ArgumentException>(() => ColumnTypes.Code(types.All[0], "0.5")).Message;
        Assert.Contains("can't be given as '0.5'", half, StringComparison.Ordinal);
    }
}
