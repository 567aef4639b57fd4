using Monge.Data;

namespace Monge.Tests.Data;

/// <summary>What tables are read and what is refused, with its place.</summary>
public sealed class DataTableTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("monge-test-").FullName;

    [Theory]
    [InlineData("a,b\n1,2\n3,4\n", "a,b")]
    [InlineData("1,2\n3,4\n", "column1,column2")]
    [InlineData("a;b\n1;2\n3;4\n", "a,b")]
    [InlineData("1\t2\n3\t4\n", "column1,column2")]
    [InlineData("1 2\n3  4\n", "column1,column2")]
    public void Text_tables_are_read_whatever_their_separator_with_or_without_names(string text, string names)
    {
        var table = DataTable.Read(File("data.txt", text));
        Assert.Equal(names.Split(','), table.Names);
        Assert.Equal([1, 2, 3, 4], table.Values);
    }

    [Theory]
    [InlineData("a,b\n1,2\n3,\n", "line 3, column 'b' holds an empty field")]
    [InlineData("a,b\n1,2\n3,four\n", "line 3, column 'b' holds 'four'")]
    [InlineData("1,two\n3,4\n5,6\n", "line 2, column '1'", false)]
    [InlineData("1,2,x\n3,4,5\n", "line 1, column 'column3' holds 'x'")]
    [InlineData("a,b\n1,2\n3,nan\n", "row 2, column 'b' is missing or not a number")]
    [InlineData("a,b\n-inf,2\n3,4\n", "row 1, column 'a' is infinite")]
    public void What_is_no_number_is_refused_with_its_place(string text, string place, bool mustFail = true)
    {
        var path = File("data.csv", text);
        if (!mustFail)
        {
            // Half words, half numbers is a header.
            Assert.Equal(["1", "two"], DataTable.Read(path).Names);
            return;
        }

        var error = Assert.Throws<DataFormatException>(() => DataTable.Read(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(place, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Few_rows_and_constant_columns_are_refused_when_asked_for()
    {
        var path = File("data.csv", "a,b\n1,7\n2,7\n");
        Assert.Contains("has 2 rows; at least 10",
            Assert.Throws<DataFormatException>(() => DataTable.Read(path, new DataTableOptions { MinimumRows = 10 })).Message, StringComparison.Ordinal);
        Assert.Contains("column 'b' holds 7 in all 2 rows", Assert.Throws<DataFormatException>(
            () => DataTable.Read(path, new DataTableOptions { RefuseConstantColumns = true })).Message, StringComparison.Ordinal);
        Assert.Equal(["a"], DataTable.Read(path, new DataTableOptions { RefuseConstantColumns = true, Drop = ["b"] }).Names);
        Assert.Contains("no column 'c'", Assert.Throws<DataFormatException>(() => DataTable.Read(path, new DataTableOptions { Drop = ["c"] })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Label_columns_hold_words_beside_the_numbers()
    {
        var path = File("data.csv", "a,kind,b\n1,red,2\n3,blue,4\n");
        var table = DataTable.Read(path, new DataTableOptions { LabelColumns = ["kind", "absent"] });
        Assert.Equal(["red", "blue"], table.Labels("kind"));
        Assert.Equal(["a", "b"], table.Names);
        Assert.Contains("column 'kind' holds 'red'", Assert.Throws<DataFormatException>(() => DataTable.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arrays_come_back_as_they_were_written_and_differ_by_their_fingerprints()
    {
        double[] values = [1, 2.5, -3, 4e-300];
        foreach (var name in new[] { "rows.npy", "rows.csv" })
        {
            var path = Path.Combine(_folder, name);
            DataTable.Write(path, ["column1", "column2"], values);
            Assert.Equal(values, DataTable.Read(path).Values);
            Assert.Equal(DataTable.From(values, 2, ["column1", "column2"]).Fingerprint(), DataTable.Read(path).Fingerprint());
        }

        Assert.NotEqual(DataTable.From(values, 2).Fingerprint(), DataTable.From([1, 2.5, -3, 5e-300], 2).Fingerprint());
    }

    [Theory]
    [InlineData(StandardisationKind.Columns)]
    [InlineData(StandardisationKind.Isotropic)]
    [InlineData(StandardisationKind.Whitened)]
    [InlineData(StandardisationKind.None)]
    public void Standardised_rows_have_the_moments_promised_and_come_back(StandardisationKind kind)
    {
        double[] rows = [1, 10, 2, 14, 4, 11, 7, 30, 3, 9, -1, 2];
        var standardisation = Standardisation.Of(rows, 2, kind);
        var u = standardisation.Apply(rows);
        var back = standardisation.Undo(u);
        for (var i = 0; i < rows.Length; i++)
        {
            Assert.Equal(rows[i], back[i], 12);
        }

        var (mean, covariance) = Standardisation.Moments(u, 2);
        var total = covariance[0] + covariance[3];
        if (kind != StandardisationKind.None)
        {
            Assert.Equal(0, mean[0] + mean[1], 12);
            Assert.Equal(2, total, 12);
        }

        if (kind == StandardisationKind.Whitened)
        {
            Assert.Equal(0, covariance[1], 12);
            Assert.Equal(1, covariance[0], 12);
        }

        // The volume of a unit square under x = m + L u.
        var corners = standardisation.Undo([0, 0, 1, 0, 0, 1]);
        var area = ((corners[2] - corners[0]) * (corners[5] - corners[1])) - ((corners[3] - corners[1]) * (corners[4] - corners[0]));
        Assert.Equal(Math.Log(area), standardisation.LogDeterminant, 12);
    }

    [Theory]
    [InlineData(StandardisationKind.Columns, 1e-170, 1)]
    [InlineData(StandardisationKind.Columns, 1e-310, 1e300)]
    [InlineData(StandardisationKind.Columns, 1e200, 1e-200)]
    [InlineData(StandardisationKind.Isotropic, 1e-170, 1e-169)]
    [InlineData(StandardisationKind.Isotropic, 1e180, 1e181)]
    [InlineData(StandardisationKind.Whitened, 1e-170, 1e170)]
    public void Units_whose_squares_are_no_numbers_have_scales_too(StandardisationKind kind, double first, double second)
    {
        double[] rows = [1, 10, 2, 14, 4, 11, 7, 30, 3, 9, -1, 2];
        var scaled = rows.Select((v, i) => v * (i % 2 == 0 ? first : second)).ToArray();
        double[] expected = [.. rows.Select((v, i) => kind == StandardisationKind.Isotropic ? v * (i % 2 == 0 ? 1 : 10) : v)];
        var (u, usual) = (Standardisation.Of(scaled, 2, kind).Apply(scaled), Standardisation.Of(expected, 2, kind).Apply(expected));
        Assert.All(u.Zip(usual), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
    }

    [Fact]
    public void A_column_that_has_no_scale_is_named()
    {
        var error = Assert.Throws<ArgumentException>(() => Standardisation.Of([1, 2, 3, 2], 2, StandardisationKind.Columns, ["a", "b"]));
        Assert.Contains("Column 'b' holds one number only", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ArgumentException>(() => Standardisation.Of([1.7e308, -1.7e308, 1.6e308], 1, StandardisationKind.Columns, ["a"]));
        Assert.Contains("'a'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_only_count_are_made_up()
    {
        Assert.True(DataTable.AreMadeUp(["column1", "column3"]));
        Assert.True(DataTable.AreMadeUp(["x[0]", "x[1]"]));
        Assert.False(DataTable.AreMadeUp(["column1", "x"]));
        Assert.False(DataTable.AreMadeUp(["x", "y"]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string File(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }
}
