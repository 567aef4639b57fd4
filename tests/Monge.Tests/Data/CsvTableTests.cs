using Monge.Data;

namespace Monge.Tests.Data;

public sealed class CsvTableTests
{
    [Fact]
    public void WritingAndReadingGivesTheSameBitsAndNames()
    {
        using var scratch = new Scratch();
        double[] values = [0.1, -1e-310, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1.0 / 3];
        CsvTable.Write(scratch.File("t.csv"), ["a, \"b\"", "c\nd", "theta[1]"], values);
        CsvTable table = CsvTable.Read(scratch.File("t.csv"));
        Assert.Equal(["a, \"b\"", "c\nd", "theta[1]"], table.Names);
        Assert.Equal(2, table.Rows);
        Assert.Equal(values.Select(BitConverter.DoubleToInt64Bits), table.Values.Select(BitConverter.DoubleToInt64Bits));
    }

    [Fact]
    public void TextColumnsCarriageReturnsBlankLinesAndByteOrderMarkAreUnderstood()
    {
        using var scratch = new Scratch();
        string path = scratch.With("t.csv", "\uFEFFx,set,y\r\n1,I,\"2\"\r\n\r\n3,\"J,K\",4\r\n");
        CsvTable table = CsvTable.Read(path, new CsvOptions { TextColumns = ["set"] });
        Assert.Equal(["x", "y"], table.Names);
        Assert.Equal([1, 2, 3, 4], table.Values);
        Assert.Equal([2.0, 4.0], table.Column("y"));
        Assert.Equal(["I", "J,K"], table.TextColumn("set"));
    }

    [Fact]
    public void MissingValuesAreNaNOnlyWhenAskedForAndUnnamedColumnsAreNumbered()
    {
        using var scratch = new Scratch();
        string path = scratch.With("t.csv", ",y\n1,\n2,NA\n");
        CsvTable table = CsvTable.Read(path, new CsvOptions { MissingAsNaN = true });
        Assert.Equal(["column1", "y"], table.Names);
        Assert.Equal([1, double.NaN, 2, double.NaN], table.Values);
        Assert.Contains("line 2, column 'y'", Assert.Throws<DataFormatException>(() => CsvTable.Read(path)).Message);
    }

    [Fact]
    public void WhitespaceSeparatedTablesMayBeRaggedInBlanks()
    {
        using var scratch = new Scratch();
        CsvTable table = CsvTable.ReadWhitespaceSeparated(scratch.With("t.txt", "  1 \t 2\n3    4  \n\n"), hasHeader: false);
        Assert.Equal(["column1", "column2"], table.Names);
        Assert.Equal([1, 2, 3, 4], table.Values);
    }

    [Theory]
    [InlineData("a,b\n1,2\n3,x\n", "line 3, column 'b' holds 'x'")]
    [InlineData("a,b\n1,2\n\n3\n", "line 4 has 1 fields")]
    [InlineData("a,b\n1,\n", "line 2, column 'b' holds an empty field")]
    [InlineData("a,a\n", "column name 'a' twice")]
    [InlineData("", "is empty")]
    [InlineData("a,b\n1,\"2\n", "line 2 opens a quoted field")]
    [InlineData("a,b\n1,\"2\"3\n", "line 2 has text after a closing quote")]
    [InlineData("\"a\nb\",c\n1,1;5\n", "line 3, column 'c'")]
    [InlineData("a\n1\0\n", "byte 3 is zero")]
    public void ErrorsNameFileLineAndColumn(string content, string expected)
    {
        using var scratch = new Scratch();
        string path = scratch.With("t.csv", content);
        DataFormatException error = Assert.Throws<DataFormatException>(() => CsvTable.Read(path));
        Assert.Contains(expected, error.Message);
        Assert.StartsWith(path, error.Message);
        Assert.Equal(path, error.FilePath);
    }

    [Fact]
    public void InvalidUtf8IsNamedByItsByte()
    {
        using var scratch = new Scratch();
        string path = scratch.With("t.csv", [(byte)'a', (byte)'\n', 0xFF, (byte)'\n']);
        Assert.Contains("byte 2", Assert.Throws<DataFormatException>(() => CsvTable.Read(path)).Message);
    }
}
