using System.Globalization;
using System.Text;
using Monge.Data;

namespace Monge.Tests.Data;

/// <summary>Text tables of the layouts that people have, each read as the same rows, or refused with words that say what to do.</summary>
public sealed class TextTableTests : IDisposable
{
    private static readonly double[] s_values = [.. Enumerable.Range(0, 40).SelectMany(i => new[] { Round(3 + (2 * Math.Sin(i * 1.7))), Round(Math.Cos(i)) })];

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-test-").FullName;

    public static TheoryData<string, string, string> Layouts => new()
    {
        { "comma", "x,y\n", "{0},{1}\n" },
        { "blank after comma", "x, y\n", "{0}, {1}\n" },
        { "semicolon", "x;y\n", "{0};{1}\n" },
        { "tab", "x\ty\n", "{0}\t{1}\n" },
        { "bar", "x|y\n", "{0}|{1}\n" },
        { "colon", "x:y\n", "{0}:{1}\n" },
        { "blanks around colons", "x : y\n", "{0} : {1}\n" },
        { "blanks", "  x   y\n", "  {0}  {1}\n" },
        { "names with commas in quotes", "\"x\";\"y\"\n", "{0};{1}\n" },
        { "quoted numbers", "\"x\",\"y\"\n", "\"{0}\",\"{1}\"\n" },
        { "blank before quotes", "\"x\", \"y\"\n", "\"{0}\", \"{1}\"\n" },
        { "single quotes", "'x','y'\n", "'{0}','{1}'\n" },
        { "trailing separators", "x;y;;\n", "{0};{1};;\n" },
        { "trailing separator in rows only", "x,y\n", "{0},{1},\n" },
        { "trailing separator in names only", "x,y,\n", "{0},{1}\n" },
        { "carriage returns", "x,y\r", "{0},{1}\r" },
        { "both", "x,y\r\n", "{0},{1}\r\n" },
        { "a separator that is told", "sep=;\nx;y\n", "{0};{1}\n" },
        { "comment before", "# made by instrument 7\nx,y\n", "{0},{1}\n" },
        { "comment with separators", "# one, two, three, \"four\n#\n\nx,y\n", "{0},{1}\n" },
        { "percent", "% made by a program\nx y\n", "{0} {1}\n" },
        { "slashes", "// made by a program; it's good\nx;y\n", "{0};{1}\n" },
        { "names in a comment", "# x,y\n", "{0},{1}\n" },
        { "names in a comment with blanks", "# 40 rows of an experiment\n# x y\n", "{0} {1}\n" },
        { "title", "Results of the experiment\n\nx,y\n", "{0},{1}\n" },
        { "title filled up", "Export of 1.2.2020;;\n\nx;y\n", "{0};{1}\n" },
        { "row numbers", ",x,y\n", "{2},{0},{1}\n" },
        { "quoted row numbers", "\"\",\"x\",\"y\"\n", "\"{2}\",{0},{1}\n" },
        { "row numbers without a name", "x y\n", "{2} {0} {1}\n" },
        { "row names", ",x,y\n", "car {2},{0},{1}\n" },
        { "row numbers of a data frame read again", "Unnamed: 0,x,y\n", "{2},{0},{1}\n" },
        { "row numbers at the end", "x,y,\n", "{0},{1},{2}\n" },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_layout_is_seen_from_the_rows(string what, string head, string row)
    {
        var table = DataTable.Read(Write(head, row));
        Assert.Equal(["x", "y"], table.Names);
        Assert.True(s_values.AsSpan().SequenceEqual(table.Values), what);
        Assert.True(table.HasNames);
    }

    [Theory]
    [InlineData("x;y\n", "{0};{1}\n", "x,y")]
    [InlineData("", "{0};{1}\n", "column1,column2")]
    [InlineData("x\ty\n", "{0}\t{1}\n", "x,y")]
    [InlineData("", "{0} {1}\n", "column1,column2")]
    [InlineData("x,y\n", "\"{0}\",\"{1}\"\n", "x,y")]
    [InlineData("x|y\n", "{0}|{1}\n", "x,y")]
    public void Decimal_commas_are_read_and_told(string head, string row, string names)
    {
        var table = DataTable.Read(Write(head, row, value => value.Replace('.', ',')));
        Assert.Equal(names.Split(','), table.Names);
        Assert.Equal(s_values, table.Values);
        Assert.Contains(table.Notes, note => note.Contains("decimal commas", StringComparison.Ordinal));
    }

    [Fact]
    public void One_column_of_decimal_commas_under_a_name_is_one_column()
    {
        var table = DataTable.Read(Write("x\n", "{0}\n", value => value.Replace('.', ',')));
        Assert.Equal(["x"], table.Names);
        Assert.Equal(s_values.Where((_, i) => i % 2 == 0), table.Values);
        Assert.Equal([1, 2, 3, 4, 5, 6], DataTable.Read(File("whole.csv", "1,2\n3,4\n5,6\n")).Values);
    }

    [Theory]
    [InlineData("x;y\n1,234,567;5\n6,789,012;7\n4,111,222;9\n", "marks of thousands are not read")]
    [InlineData("x;y\n1.234,00;0,5\n6.789,25;1,5\n4.111,5;2,5\n", "marks of thousands are not read")]
    [InlineData("\"1,234\",\"5\"\n\"6,789\",\"7\"\n\"1,111\",\"8\"\n", "'decimal-comma'")]
    public void Marks_of_thousands_are_told(string text, string words)
    {
        var error = Record.Exception(() => DataTable.Read(File("data.csv", text)));
        Assert.Contains(words, error?.Message ?? "no error", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2010,2020\n", "2010,2020")]
    [InlineData("\"2010\",\"2020\"\n", "2010,2020")]
    [InlineData("400,402\n", "400,402")]
    [InlineData("1995,2000\n", "1995,2000")]
    [InlineData("100.5,101.5\n", "100.5,101.5")]
    public void Numbers_that_differ_from_the_rows_as_names_do_are_names(string head, string names)
    {
        var table = DataTable.Read(Write(head, "{0},{1}\n"));
        Assert.Equal(names.Split(','), table.Names);
        Assert.Equal(s_values, table.Values);
        Assert.Contains(table.Notes, note => note.Contains("was read as names", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("id,2010,2020\n", "{2},{0},{1}\n", "id,2010,2020")]
    [InlineData(",2010,2020\n", "{2},{0},{1}\n", "2010,2020")]
    [InlineData(",0,1\n", "{2},{0},{1}\n", "0,1")]
    [InlineData("0,1,2\n", "{0},{1},{0}\n", "0,1,2")]
    public void Years_and_counts_beside_words_are_names(string head, string row, string names) =>
        Assert.Equal(names.Split(','), DataTable.Read(Write(head, row)).Names);

    [Fact]
    public void What_may_be_names_or_a_row_is_refused_until_it_is_said()
    {
        var path = Write("0,1\n", "{0},{1}\n");
        Assert.Contains("'header' or 'no-header'", Assert.Throws<DataFormatException>(() => DataTable.Read(path)).Message, StringComparison.Ordinal);
        Assert.Equal(["0", "1"], DataTable.Read(path, new DataTableOptions { Layout = TableLayout.Parse("header") }).Names);
        Assert.Equal(41, DataTable.Read(path, new DataTableOptions { Layout = TableLayout.Parse("no-header") }).Rows);
    }

    [Theory]
    [InlineData("3.5,0.25\n")]
    [InlineData("0,0\n")]
    [InlineData("1000000,999999\n")]
    [InlineData("-999,-999\n")]
    public void A_first_row_of_numbers_stays_a_row(string first) => Assert.Equal(41, DataTable.Read(Write(first, "{0},{1}\n")).Rows);

    [Fact]
    public void Words_in_the_first_row_are_no_names_where_the_rows_go_on_like_it()
    {
        var path = Write("", "setosa,f,{0},{1}\n");
        var table = DataTable.Read(path, new DataTableOptions { LabelColumns = ["column1"], Drop = ["column2"] });
        Assert.Equal(["column3", "column4"], table.Names);
        Assert.Equal(40, table.Labels("column1").Count);
        Assert.Equal(s_values, table.Values);
    }

    [Fact]
    public void Quoted_notes_over_two_lines_are_left_out_beside_classes()
    {
        var path = Write("x,y,note,kind\n", "{0},{1},\"first line\nsecond, line; with \"\"quotes\"\"\",\"b\"\n");
        var table = DataTable.Read(path, new DataTableOptions { LabelColumns = ["kind"], Drop = ["note"] });
        Assert.Equal(["x", "y"], table.Names);
        Assert.Equal(s_values, table.Values);
        Assert.All(table.Labels("kind"), label => Assert.Equal("b", label));
    }

    [Fact]
    public void A_column_that_is_left_out_may_hold_anything()
    {
        var path = Write("x,note,y\n", "{0},,{1}\n");
        Assert.Equal(["x", "y"], DataTable.Read(path, new DataTableOptions { Drop = ["note"] }).Names);
        var trailing = Write("x;y;;\n", "{0};{1};;\n");
        Assert.Equal(["x", "y"], DataTable.Read(trailing, new DataTableOptions { Drop = ["column3", "column4"] }).Names);
    }

    [Fact]
    public void A_samplers_comments_are_passed_over_wherever_they_stand()
    {
        var rows = string.Concat(Rows("{2},0.9,{0},{1}\n"));
        var head = "# model = line\n#   num_samples = 40\nlp__,accept_stat__,x,y\n# Step size = 0.81\n# 1.2, 0.7, 3, 4\n";
        var table = DataTable.Read(File("draws.csv", $"{head}{rows}# \n#  Elapsed: it's 1 s\n"));
        Assert.Equal(["lp__", "accept_stat__", "x", "y"], table.Names);
        Assert.Equal(s_values, table.Select(["x", "y"]).Values);
    }

    [Fact]
    public void Words_with_a_sign_of_comments_are_words_where_most_rows_have_them()
    {
        var path = Write("colour,x,y\n", "#ff{2}00,{0},{1}\n");
        var table = DataTable.Read(path, new DataTableOptions { LabelColumns = ["colour"] });
        Assert.Equal(40, table.Rows);
        Assert.Equal("#ff000", table.Labels("colour")[0]);
    }

    [Fact]
    public void Names_with_a_sign_of_comments_are_names() => Assert.Equal(["%fat", "%water"], DataTable.Read(Write("%fat,%water\n", "{0},{1}\n")).Names);

    [Fact]
    public void Words_with_separators_in_them_do_not_mislead()
    {
        var path = Write("kind;x;y\n", "Smith, J, and others;{0};{1}\n", value => value.Replace('.', ','));
        Assert.Equal(s_values, DataTable.Read(path, new DataTableOptions { LabelColumns = ["kind"] }).Values);
        Assert.Equal(s_values, DataTable.Read(Write("kind,x,y\n", "a;b,{0},{1}\n"), new DataTableOptions { LabelColumns = ["kind"] }).Values);
    }

    [Fact]
    public void Text_in_sixteen_bits_is_read_by_its_mark()
    {
        var path = Path.Combine(_folder, "wide.txt");
        System.IO.File.WriteAllText(path, "x\ty\n" + string.Concat(Rows("{0}\t{1}\n")), Encoding.Unicode);
        Assert.Equal(s_values, DataTable.Read(path).Values);
    }

    [Theory]
    [InlineData("x,y\n1,2\n3\n4,5\n", "line 3 has 1 fields, but the table has 2 columns")]
    [InlineData("a,b,c\n1,2\n3,4\n", "has 2 fields, but the table has 3 columns")]
    [InlineData("x,y\n1,\"2\n3,4\n", "line 2 opens a quoted field that is never closed")]
    [InlineData("x,y\n1,\"2\"3\n3,4\n", "line 2 has text after a closing quote")]
    [InlineData("1,2,x\n3,4,5\n6,7,8\n9,10,11\n12,1,2\n", "line 1, column 'column3' holds 'x'")]
    [InlineData("# nothing\n", "has 0 rows")]
    public void Mistakes_keep_their_place(string text, string words)
    {
        var error = Assert.Throws<DataFormatException>(() => DataTable.Read(File("data.csv", text)));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_layout_that_is_told_holds()
    {
        var told = new DataTableOptions { Layout = TableLayout.Parse("no-header, semicolon, decimal-comma") };
        Assert.Equal([1.5, 2, 3, 4.25], DataTable.Read(File("data.csv", "1,5;2\n3;4,25\n"), told).Values);
        Assert.Contains("'slash'", Assert.Throws<ArgumentException>(() => TableLayout.Parse("slash")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("column1\n12:30\n13:45\n14:05\n23:59\n", 0)]
    [InlineData("column1\n12:30:15\n13:45:00\n14:05:59\n", 0)]
    [InlineData("9:30 1.5\n9:45 2.5\n10:05 3.5\n", 1)]
    [InlineData("12:30:15 1.5\n12:45:20 2.5\n13:05:10 3.5\n", 1)]
    [InlineData("12:30:15.25,1.5\n12:45:20.5,2.5\n13:05:10.75,3.5\n", 1)]
    [InlineData("2020-01-01T12:30:15+02:00,1.5\n2020-01-01T12:45:20+02:00,2.5\n2020-01-02T13:05:10+02:00,3.5\n", 1)]
    public void Times_are_not_split_at_their_colons(string rows, int numbers)
    {
        var table = DataTable.Read(File("data.txt", rows), new DataTableOptions { Words = true });
        Assert.Equal(numbers, table.Columns);
        Assert.Equal(rows.Replace("column1\n", "", StringComparison.Ordinal).Split(' ', ',', '\n')[0], table.Labels("column1")[0]);
    }

    [Fact]
    public void Whole_numbers_that_could_be_times_are_split_where_it_is_said()
    {
        var path = File("data.txt", "1:12\n5:30\n2:59\n");
        Assert.Equal(0, DataTable.Read(path, new DataTableOptions { Words = true }).Columns);
        Assert.Equal([1, 12, 5, 30, 2, 59], DataTable.Read(path, new DataTableOptions { Layout = TableLayout.Parse("colon") }).Values);
        Assert.Equal([1, 122, 5, 3, 2, 59], DataTable.Read(File("other.txt", "1:122\n5:3\n2:59\n")).Values);
    }

    [Theory]
    [InlineData("x,y\nm,kg\n", "{0},{1}\n", "line 2 (m, kg)")]
    [InlineData("x,y\n[m],[kg]\n", "{0},{1}\n", "line 2 ([m], [kg])")]
    [InlineData("x,y\n(m/s),\n", "{0},{1}\n", "line 2 ((m/s), )")]
    [InlineData("x;y\n\n\"m\";1/s\ndouble;int\n", "{0};{1}\n", "line 3 (m, 1/s)")]
    [InlineData("x y\nm kg\n", "{0} {1}\n", "line 2 (m, kg)")]
    [InlineData("# made by a program\nx\ty\nfloat\tfloat\n", "{0}\t{1}\n", "line 3 (float, float)")]
    [InlineData("id,x,y\n,m,kg\n", "{2},{0},{1}\n", "line 2 (, m, kg)")]
    public void A_line_of_units_is_left_out_and_told(string head, string row, string place)
    {
        var table = DataTable.Read(Write(head, row));
        Assert.Equal(s_values, table.Select(["x", "y"]).Values);
        Assert.Contains(table.Notes, note => note.StartsWith(place, StringComparison.Ordinal) && note.Contains("units", StringComparison.Ordinal));
    }

    [Fact]
    public void Units_stand_above_numbers_beside_words()
    {
        var table = DataTable.Read(Write("kind,x,y\n,m,kg\n", "b,{0},{1}\n"), new DataTableOptions { Words = true });
        Assert.Equal(s_values, table.Values);
        Assert.All(table.Labels("kind"), label => Assert.Equal("b", label));
    }

    [Theory]
    [InlineData("?,?\n")]
    [InlineData("n/a,none\n")]
    [InlineData("m,\n")]
    [InlineData("m,1\n")]
    [InlineData("NA,NA\n")]
    public void A_first_row_that_lacks_its_numbers_is_a_mistake(string first)
    {
        var error = Assert.Throws<DataFormatException>(() => DataTable.Read(Write("x,y\n" + first, "{0},{1}\n")));
        Assert.Contains("line 2, column 'x' holds", error.Message, StringComparison.Ordinal);
    }

    private static double Round(double value) => Math.Round(value, 3) + (Math.Round(value, 3) == Math.Floor(value) ? 0.001 : 0);

    private static IEnumerable<string> Rows(string row, Func<string, string>? write = null) => Enumerable.Range(0, s_values.Length / 2).Select(i =>
    {
        string Text(double value) => (write ?? (text => text))(value.ToString("R", CultureInfo.InvariantCulture));
        return string.Format(CultureInfo.InvariantCulture, row, Text(s_values[2 * i]), Text(s_values[(2 * i) + 1]), i);
    });

    private string Write(string head, string row, Func<string, string>? write = null) => File("data.csv", head + string.Concat(Rows(row, write)));

    private string File(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }
}
