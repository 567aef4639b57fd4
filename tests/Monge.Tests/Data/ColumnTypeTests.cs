using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Tests.Data;

/// <summary>How types of columns are found, stated and refused, and how codes and coordinates stand for rows.</summary>
public sealed class ColumnTypeTests
{
    [Fact]
    public void Types_follow_from_the_values_by_the_rule()
    {
        var types = ColumnTypeRule.Find(Mixed());
        Assert.Equal(
            "integer, categorical, zero-inflated, ordinal, binary, continuous, continuous", string.Join(", ", types.All.Select(t => ColumnType.Word(t.Kind))));
        Assert.Equal("integer (0 to 3)", types.All[0].ToString());
        Assert.Equal("categorical (a, b, c)", types.All[1].ToString());
        Assert.True(types.All[2].IsLogarithmic);
        Assert.Equal(["1", "1.5", "2"], types.All[3].Values);
        Assert.Equal(["-1", "4"], types.All[4].Values);
    }

    [Fact]
    public void Numbers_with_densities_have_no_types()
    {
        var random = new RandomStream(3);
        var rows = DataTable.From([.. Enumerable.Range(0, 600).Select(_ => random.NextNormal())], 3);
        Assert.False(ColumnTypeRule.Find(rows).AnyDiscrete);
        double[] counted = [.. Enumerable.Range(0, 200).Select(i => (double)i)];
        Assert.False(ColumnTypeRule.Find(DataTable.From(counted, 1)).AnyDiscrete);
    }

    [Fact]
    public void More_columns_of_few_values_than_a_table_of_people_has_stay_continuous()
    {
        double[] pixels = [.. Enumerable.Range(0, 200 * 40).Select(i => (double)(((i / 40) + i) % 5))];
        Assert.False(ColumnTypeRule.Find(DataTable.From(pixels, 40)).AnyDiscrete);
        var stated = new Dictionary<string, StatedKind> { ["x[3]"] = new(ColumnKind.Integer) };
        Assert.Equal("x[3]", Assert.Single(ColumnTypeRule.Find(DataTable.From(pixels, 40), stated).Discrete).Name);
    }

    [Fact]
    public void Ends_that_are_seldom_met_are_no_bounds()
    {
        double[] counts = [.. Enumerable.Range(0, 100).Select(i => (double)(i % 5)), 9, 11];
        var type = ColumnTypeRule.Find(DataTable.From(counts, 1)).All[0];
        Assert.Equal((0.0, null), (type.Lower, type.Upper));
        var stated = StatedKind.Parse("x[0]=integer:0..20").ToDictionary();
        Assert.Equal(20, ColumnTypeRule.Find(DataTable.From(counts, 1), stated).All[0].Upper);
        var narrow = StatedKind.Parse("x[0]=integer:0..10").ToDictionary();
        Assert.Contains("goes from 0 to 11", Refusal(() => ColumnTypeRule.Find(DataTable.From(counts, 1), narrow)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("count=intger", "There is no type 'intger' (is 'integer' meant?); the types are continuous,")]
    [InlineData("cout=integer", "no column 'cout' (is 'count' meant?)")]
    [InlineData("word=integer", "holds words such as 'a', so it can't be integer")]
    [InlineData("free=integer", "which is no whole number")]
    [InlineData("count=binary", "holds 4 values, so it can't be binary")]
    [InlineData("free=zero-inflated", "holds no zero, so it can't be zero-inflated")]
    [InlineData("count", "NAME=KIND, not 'count'")]
    [InlineData("count=integer:7..0", "Bounds go with integer")]
    public void What_is_stated_wrongly_is_refused_in_a_sentence(string statement, string sentence) =>
        Assert.Contains(sentence, Refusal(() => ColumnTypeRule.Find(Mixed(), StatedKind.Parse(statement).ToDictionary())), StringComparison.Ordinal);

    [Fact]
    public void Codes_and_coordinates_give_the_rows_back()
    {
        var (table, types) = (Mixed(), ColumnTypeRule.Find(Mixed()));
        var (coordinates, isThere) = types.Coordinates(table);
        Assert.Equal(table.Column("amount").Count(v => v == 0), isThere.Count(there => !there));
        var back = types.Compose(types.Codes(table), coordinates, table.Rows, "back");
        Assert.Equal(table.Order, back.Order);
        Assert.Equal(table.Labels("word"), back.Labels("word"));
        foreach (var name in table.Names)
        {
            Assert.All(back.Column(name).Zip(table.Column(name)), pair => Assert.Equal(pair.Second, pair.First, 12));
        }

        var foreign = DataTable.Of("foreign", [.. table.Order.Select(name => name == "word"
            ? new TableColumn(name, null, ["z"]) : new TableColumn(name, [table.Column(name)[0]], null))]);
        var message = Assert.Throws<DataFormatException>(() => types.Codes(foreign)).Message;
        Assert.Contains("row 1, column 'word' holds 'z', which has no probability", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Words_are_read_as_words_and_a_few_among_numbers_are_told()
    {
        using var scratch = new Scratch();
        var options = new DataTableOptions { Words = true };
        var rows = string.Concat(Enumerable.Range(0, 20).Select(i => $"{i * 0.5},{(i % 2 == 0 ? "yes" : "\"n,o\"")}\n"));
        var table = DataTable.Read(scratch.With("words.csv", "x,word\n" + rows), options);
        Assert.Equal(["x", "word"], table.Order);
        Assert.Equal("n,o", table.Labels("word")[1]);
        DataTable.Write(scratch.File("again.csv"), table);
        Assert.Equal(table.Labels("word"), DataTable.Read(scratch.File("again.csv"), options).Labels("word"));
        var mistake = scratch.With("mistake.csv", "x,y\n1,2\n3,oops\n5,6\n7,8\n");
        Assert.Contains("line 3, column 'y' holds 'oops'", Refusal(() => DataTable.Read(mistake, options)), StringComparison.Ordinal);
        Assert.Contains("holds no words", Refusal(() => DataTable.Write(scratch.File("words.npy"), table)), StringComparison.Ordinal);
    }

    [Fact]
    public void Dates_empty_words_and_words_of_too_many_kinds_are_refused_with_a_way()
    {
        string Told(IEnumerable<string> words) => Assert.Throws<DataFormatException>(
            () => ColumnTypeRule.Find(DataTable.Of("table", [new TableColumn("when", null, [.. words])]))).Message;
        Assert.Contains("days since a date", Told(Enumerable.Range(1, 20).Select(i => $"2024-01-{i:00}")), StringComparison.Ordinal);
        Assert.Contains("hour", Told(Enumerable.Range(1, 20).Select(i => $"2024-01-02 {i:00}:15")), StringComparison.Ordinal);
        Assert.Contains("dates or times", Told(Enumerable.Range(10, 20).Select(i => $"{i}/03/2024")), StringComparison.Ordinal);
        Assert.Contains("dates or times", Told(Enumerable.Range(10, 20).Select(i => $"{i}.03.2024 12:30")), StringComparison.Ordinal);
        Assert.Contains("such as '03/14/2024'", Told(["", "03/14/2024", "", "03/15/2024"]), StringComparison.Ordinal);
        Assert.Contains("row 2, column 'when' is empty", Told(["a", " ", "a", "b"]), StringComparison.Ordinal);
        Assert.Contains("too many to learn", Told(Enumerable.Range(0, 100).Select(i => $"name {i}")), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_columns_that_are_needed_are_read_and_names_of_others_are_refused()
    {
        using var scratch = new Scratch();
        var path = scratch.With("wide.csv", "note,b,a\nx y,1,2\nz,3,4\n");
        var table = DataTable.Read(path, new DataTableOptions { Only = ["a", "b"] });
        Assert.Equal([2.0, 1, 4, 3], table.Select(["a", "b"]).Values);
        Assert.Contains(table.Notes, note => note.StartsWith("the columns note were left out", StringComparison.Ordinal));
        var message = Assert.Throws<DataFormatException>(() => DataTable.Read(path, new DataTableOptions { Only = ["a", "bb"] })).Message;
        Assert.Contains("no column 'bb' (is 'b' meant?)", message, StringComparison.Ordinal);
    }

    private static string Refusal(Action action) => Assert.ThrowsAny<Exception>(action).Message;

    private static DataTable Mixed()
    {
        var random = new RandomStream(1);
        int[] rows = [.. Enumerable.Range(0, 200)];
        return DataTable.Of("table",
        [
            new("count", [.. rows.Select(i => (double)(i % 4))], null),
            new("word", null, [.. rows.Select(i => "abc"[i % 3].ToString())]),
            new("amount", [.. rows.Select(i => i % 5 == 0 ? 0 : Math.Exp(3 + random.NextNormal()))], null),
            new("grade", [.. rows.Select(i => 1 + (i % 3 * 0.5))], null),
            new("side", [.. rows.Select(i => i % 2 == 0 ? -1.0 : 4)], null),
            new("free", [.. rows.Select(_ => random.NextNormal())], null),
            new("salary", [.. rows.Select(_ => Math.Floor(50_000 * random.NextDouble()))], null),
        ]);
    }
}
