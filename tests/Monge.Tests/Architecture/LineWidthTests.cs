namespace Monge.Tests.Architecture;

public sealed class LineWidthTests
{
    // As .editorconfig says.
    private const int Widest = 160;

    [Fact]
    public void No_line_of_code_is_wider_than_160_characters()
    {
        var wide =
            from folder in new[] { "src", "gallery", "tests", "examples" }
            from file in Repository.Files(folder, "*.cs")
            from line in Repository.Lines(file).Select((text, k) => (Text: text, Number: k + 1))
            where line.Text.Length > Widest
            select $"{file}({line.Number}): {line.Text.Length} characters";
        Assert.Empty(wide);
    }
}
