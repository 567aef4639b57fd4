using Monge.Tests.Architecture;

namespace Monge.Tests.Documentation;

/// <summary>
/// docs/reference says what the doc comments say. <c>MONGE_UPDATE=1 dotnet test tests/Monge.Tests -c Release --filter ReferencePageTests</c> writes the pages
/// anew.
/// </summary>
public sealed class ReferencePageTests
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "docs", "reference");

    [Fact]
    public void The_pages_are_those_of_todays_doc_comments()
    {
        var pages = new ReferencePages().Write();
        if (Environment.GetEnvironmentVariable("MONGE_UPDATE") == "1")
        {
            Directory.CreateDirectory(s_folder);
            Array.ForEach(Directory.GetFiles(s_folder, "*.md"), File.Delete);
            foreach (var (name, text) in pages)
            {
                File.WriteAllText(Path.Combine(s_folder, name), text);
            }
        }

        var files = Repository.Files("docs/reference", "*.md").Select(Path.GetFileName);
        Assert.Equal(pages.Keys.Order(StringComparer.Ordinal), files.Order(StringComparer.Ordinal));
        foreach (var (name, text) in pages)
        {
            var (kept, made) = (Repository.Lines($"docs/reference/{name}"), text.TrimEnd().Split('\n'));
            var line = Enumerable.Range(0, Math.Max(kept.Length, made.Length))
                .FirstOrDefault(k => kept.ElementAtOrDefault(k) != made.ElementAtOrDefault(k), -1);
            Assert.True(
                line < 0, $"docs/reference/{name} differs from the doc comments at line {line + 1}, where they say '{made.ElementAtOrDefault(line)}'. "
                + "MONGE_UPDATE=1 dotnet test tests/Monge.Tests -c Release --filter ReferencePageTests writes the pages anew.");
        }
    }

    [Fact]
    public void Every_public_type_and_every_function_of_expressions_has_its_words()
    {
        var pages = new ReferencePages().Write();
        Assert.Contains("## Density\n", pages["Monge.Measures.md"], StringComparison.Ordinal);
        var expressions = pages["Monge.Engine.Programs.md"];
        foreach (var method in typeof(Engine.Programs.Expr).GetMethods().Where(m => m.DeclaringType == typeof(Engine.Programs.Expr) && !m.IsSpecialName
            && m.Name != nameof(ToString)))
        {
            Assert.Contains($" {method.Name}(", expressions, StringComparison.Ordinal);
        }

        // A member without words is one whose comment isn't found.
        var mute = pages.SelectMany(page => page.Value.Split('\n').Where(line => line.StartsWith("- `", StringComparison.Ordinal) && line.EndsWith('`'))
            .Select(line => $"{page.Key}: {line}"));
        Assert.Empty(mute);
    }
}
