using Monge.Diagnostics;
using Monge.Engine.Random;

namespace Monge.Tests.Diagnostics;

/// <summary>What is told of tables whose rows have no density, or whose scale few rows set, and that ordinary tables are told nothing of.</summary>
public sealed class TableCheckTests
{
    public static TheoryData<string, string> Columns => new()
    {
        { "sum", "column 'c' is a combination of the columns 'a', 'b'" },
        { "rounded sum", "column 'c' is a combination of the columns 'a', 'b'" },
        { "share", "column 'c' is a combination of the columns 'a', 'b'" },
        { "other unit", "column 'c' is a combination of column 'a'" },
        { "two values", "column 'c' holds few distinct values" },
        { "one constant", "column 'c' holds few distinct values" },
        { "ratings", "column 'c' holds few distinct values" },
        { "half zeros", "column 'c' holds few distinct values" },
        { "row numbers", "column 'c' counts the rows" },
        { "wild row", "row 501 sets the scale of column 'c'" },
        { "missing code", "(101, 201, 301, 401, 501, ...) set the scale of column 'c'" },
        { "many decades", "set the scale of column 'c'" },
    };

    [Theory]
    [MemberData(nameof(Columns))]
    public void A_third_column_that_is_no_data_of_its_own_is_told(string what, string words)
    {
        var random = new RandomStream(7);
        var rows = Rows(random, 1000, (row, a, b, c) => what switch
        {
            "sum" => a + b,
            "rounded sum" => Math.Round(a, 2) + Math.Round(b, 2),
            "share" => 100 - a - b,
            "other unit" => (1.8 * a) + 32,
            "two values" => c > 0 ? 1 : 0,
            "one constant" => 5,
            "ratings" => Math.Clamp(Math.Round(3 + c), 1, 5),
            "half zeros" => Math.Max(0, c),
            "row numbers" => row + 1,
            "wild row" => row == 500 ? 1e6 : c,
            "missing code" => row % 100 == 0 && row > 0 ? -999 : c,
            "many decades" => Math.Exp(5 * c),
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        });
        if (what == "rounded sum")
        {
            for (var at = 0; at < rows.Length; at++)
            {
                rows[at] = Math.Round(rows[at], 2);
            }
        }

        var found = TableCheck.Of(rows, ["a", "b", "c"]);
        Assert.Contains(found, status => status.Cause.Contains(words, StringComparison.Ordinal));
        Assert.Single(found);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(1000)]
    public void Ordinary_rows_are_told_nothing_of(int count)
    {
        foreach (var seed in Enumerable.Range(1, 5))
        {
            var rows = Rows(new RandomStream((ulong)seed), count, (_, a, _, c) => (0.99 * a) + (0.1 * c) + 1e4);
            Assert.Empty(TableCheck.Of(rows, ["a", "b", "c"]));
            Assert.Empty(TableCheck.Of([.. rows.Select(v => Math.Round(v, 2))], ["a", "b", "c"]));
            Assert.Empty(TableCheck.Of([.. rows.Select(v => Math.Exp(v > 1e3 ? v - 1e4 : v))], ["a", "b", "c"]));
        }
    }

    [Fact]
    public void Two_wild_rows_in_both_columns_are_named_and_make_no_combination()
    {
        var rows = Rows(new RandomStream(3), 1000, (_, _, _, c) => c);
        (rows[30], rows[31], rows[32], rows[60], rows[61], rows[62]) = (1e6, 1e6, 1e6, -9e5, -9e5, -9e5);
        var found = Assert.Single(TableCheck.Of(rows, ["a", "b", "c"]));
        Assert.Contains("rows 11 and 21 set the scale of the columns 'a', 'b', 'c'", found.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void Repeated_rows_are_told_once_and_not_as_few_values()
    {
        var rows = Rows(new RandomStream(3), 100, (_, _, _, c) => c);
        var found = Assert.Single(TableCheck.Of([.. Enumerable.Repeat(rows, 20).SelectMany(r => r)], ["a", "b", "c"]));
        Assert.Contains("1900 of 2000 rows are copies of others", found.Cause, StringComparison.Ordinal);
    }

    private static double[] Rows(RandomStream random, int count, Func<int, double, double, double, double> third) =>
    [
        .. Enumerable.Range(0, count).SelectMany(row =>
        {
            var (a, b, c) = (random.NextNormal(), random.NextNormal() + 2, random.NextNormal());
            return new[] { a, b, third(row, a, b, c) };
        }),
    ];
}
