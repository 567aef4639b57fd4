using Monge.Data;

namespace Monge.Tests.Data;

/// <summary>Attribute-relation files: names, numbers and classes as their head says, and refusals that say what to do.</summary>
public sealed class ArffFileTests : IDisposable
{
    private const string Head = "% of a herd\n@RELATION 'a herd'\n\n@attribute 'body mass' NUMERIC % kg\n@ATTRIBUTE kind {cow, 'old ox', \"calf, male\"}\n"
        + "@attribute ill {0,1}\n@attribute age integer\n\n@DATA\n";

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Names_numbers_and_classes_come_from_the_head()
    {
        var table = Read(Head + "1.5,cow,0,3\n% between\n\n 2.5e1 , 'old ox',1, 4\r\n3,\"calf, male\",0,5\n", words: true);
        Assert.Equal(["body mass", "kind", "ill", "age"], table.Order);
        Assert.Equal([1.5, 0, 3, 25, 1, 4, 3, 0, 5], table.Values);
        Assert.Equal(["cow", "old ox", "calf, male"], table.Labels("kind"));
        Assert.Equal(["ill"], table.Classes);
        Assert.Empty(table.Notes);
    }

    [Fact]
    public void Nominal_attributes_are_classes_and_others_are_what_they_look_like()
    {
        var rows = string.Concat(Enumerable.Range(0, 60).Select(i => FormattableString.Invariant(
            $"{i + 0.5},{(i % 3 == 0 ? "cow" : "'old ox'")},{i % 4},{i % 5}\n")));
        var types = ColumnTypeRule.Find(Read(Head.Replace("{0,1}", "{0,1,2,3}", StringComparison.Ordinal) + rows, words: true));
        Assert.Equal([ColumnKind.Continuous, ColumnKind.Binary, ColumnKind.Categorical, ColumnKind.Integer], types.All.Select(t => t.Kind));
        Assert.Equal(["0", "1", "2", "3"], types.All[2].Values);
    }

    [Fact]
    public void Escaped_quotes_and_columns_that_are_left_out_are_read()
    {
        const string text = "@relation r\n@attribute x real\n@attribute 'it\\'s' string\n@data\n1,'don\\'t, \"no\"'\n2,?\n";
        Assert.Equal(["don't, \"no\"", "?"], Read(text, words: true).Labels("it's"));
        Assert.Equal([1, 2], Read(text, drop: "it's").Values);
    }

    [Theory]
    [InlineData("@relation r\n@attribute x numeric\n@attribute y real\n@data\n1,2\n{0 1.5, 1 2}\n", "line 6 is a sparse row")]
    [InlineData("@relation r\n@attribute x numeric\n@data\n1, {5}\n", "line 4 ends in a weight of its row, {5}")]
    [InlineData("@relation r\n@attribute x numeric\n@data\n1\n?\n", "line 5, column 'x' holds '?' where a number belongs")]
    [InlineData("@relation r\n@attribute x numeric\n@data\n1,2\n", "line 4 has 2 fields, but the table has 1 columns")]
    [InlineData("@relation r\n@attribute x {a,b}\n@data\na\nc\n", "line 5, column 'x' holds 'c', which its @attribute line doesn't list (a, b)")]
    [InlineData("@relation r\n@attribute x {a,b}\n@data\n?\n", "line 4, column 'x' holds '?', a missing value")]
    [InlineData("@relation r\n@attribute x {a,b\n@data\na\n", "line 2 opens a list of classes for 'x' that is never closed")]
    [InlineData("@relation r\n@attribute x relational\n@data\n1\n", "line 2 gives 'x' the type 'relational', which is not read")]
    [InlineData("@relation r\n@attribute x\n@data\n1\n", "line 2 should say @attribute NAME TYPE")]
    [InlineData("@relation r\n@attribute 'x numeric\n@data\n1\n", "line 2 opens a quoted word that is never closed")]
    [InlineData("@relation r\n@attribute x numeric\n1\n2\n", "line 3 holds '1' before @data")]
    [InlineData("@relation r\n@attribute x numeric\n", "has no line @data")]
    [InlineData("@relation r\n@data\n1\n", "has no line @attribute")]
    [InlineData("@relation r\n@attribute x numeric\n@attribute x numeric\n@data\n1,2\n", "has the column name 'x' twice")]
    [InlineData("@relation r\n@attribute x numeric\n@data\n", "has 0 rows")]
    public void What_cannot_be_read_is_told_with_its_line(string text, string words) =>
        Assert.Contains(words, Assert.Throws<DataFormatException>(() => Read(text, words: true)).Message, StringComparison.Ordinal);

    [Fact]
    public void Dates_are_refused_with_a_way()
    {
        var rows = string.Concat(Enumerable.Range(10, 15).Select(i => $"\"2020-01-{i} 12:30:00\",{i}.5\n"));
        var table = Read("@relation r\n@attribute t date \"yyyy-MM-dd HH:mm:ss\"\n@attribute x numeric\n@data\n" + rows, words: true);
        Assert.Contains("holds dates or times such as '2020-01-10 12:30:00'", Assert.Throws<DataFormatException>(() => ColumnTypeRule.Find(table)).Message);
    }

    private DataTable Read(string text, bool words = false, string? drop = null)
    {
        var path = _scratch.File("data.arff");
        File.WriteAllText(path, text);
        return DataTable.Read(path, new DataTableOptions { Words = words, Drop = drop is null ? [] : [drop] });
    }
}
