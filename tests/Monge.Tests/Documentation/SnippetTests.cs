using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Markdig;
using Markdig.Syntax;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Monge.Tests.Architecture;

namespace Monge.Tests.Documentation;

/// <summary>
/// Every C# fence of the pages and every program of examples compiles against today's assemblies; the quick fences run. A comment before a fence, invisible on
/// the page, says how: <c>snippet</c>, then <c>continues</c> when the fence needs those before it, then <c>run</c> with the program's arguments when it is
/// quick, then lines of code that the page leaves out.
/// </summary>
public sealed partial class SnippetTests
{
    private const string Usings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Threading; "
            + "global using System.Threading.Tasks;";

    // What a fence need not say.
    private static readonly string[] s_namespaces =
    [
        "Monge.Data", "Monge.Diagnostics", "Monge.Dynamics", "Monge.Engine.Arrays", "Monge.Engine.Execution", "Monge.Engine.Pairwise", "Monge.Engine.Programs",
        "Monge.Fields", "Monge.Measures", "Monge.Methods", "Monge.Objectives", "Monge.OptimalTransport", "Monge.Paths", "Monge.Runs", "Monge.Training",
    ];

    private static readonly Lazy<MetadataReference[]> s_references = new(() =>
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path))]);

    public static TheoryData<string> Pages() => [.. Repository.Files(".", "*.md").Where(page => Snippets(page).Any())];

    // A program with an SDK of its own is built by a project: tests/Monge.Service.
    public static TheoryData<string> Programs() => [.. Repository.Files("examples", "*.cs").Where(program => !Repository.Lines(program).Any(IsSdk))];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task The_fences_of_a_page_compile_and_the_quick_ones_run(string page)
    {
        var before = "";
        foreach (var (line, fence, marker) in Snippets(page))
        {
            var code = (marker.Continues ? before : "") + marker.Code + "\n" + fence + "\n";
            before = code;
            var image = Compile($"{page}, the fence at line {line}", code, [.. s_namespaces]);
            if (marker.Arguments is { } arguments)
            {
                await Run(image, arguments);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Every_example_compiles(string program) => Compile(program, File.ReadAllText(Path.Combine(Repository.Root, program)), []);

    // "targets" traces the model and lists it among the others.
    [Theory]
    [InlineData("examples/gamma-poisson.cs")]
    [InlineData("examples/hierarchical-logit.cs")]
    public async Task The_examples_of_models_run(string program) =>
        await Run(Compile(program, File.ReadAllText(Path.Combine(Repository.Root, program)), []), ["targets"]);

    private static byte[] Compile(string place, string code, string[] namespaces)
    {
        // Directives of programs run from a file are the SDK's; using directives come first wherever a page has them.
        var lines = code.Split('\n').Where(
            line => !line.StartsWith("#:", StringComparison.Ordinal) && !line.StartsWith("#!", StringComparison.Ordinal)).ToLookup(UsingDirective().IsMatch);
        var text = string.Join('\n', lines[true].Concat(namespaces.Select(name => $"using {name};")).Distinct().Concat(lines[false]));
        var options = new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable);
        var program = CSharpSyntaxTree.ParseText(text, path: Path.Combine(Repository.Root, place));
        var compilation = CSharpCompilation.Create(
            $"snippet{(uint)code.GetHashCode()}", [program, CSharpSyntaxTree.ParseText(Usings)], s_references.Value, options);
        using var image = new MemoryStream();
        var errors = compilation.Emit(image).Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Select(d =>
            $"{d.GetMessage()} In: {text.Split('\n')[d.Location.GetLineSpan().StartLinePosition.Line].Trim()}");
        Assert.True(!errors.Any(), $"{place}: {string.Join(" ", errors)}");
        return image.ToArray();
    }

    private static bool IsSdk(string line) => line.StartsWith("#:sdk", StringComparison.Ordinal);

    private static async Task Run(byte[] image, string[] arguments)
    {
        var context = new AssemblyLoadContext("snippet", isCollectible: true);
        var entry = context.LoadFromStream(new MemoryStream(image)).EntryPoint!;
        var result = await Task.Run(() => entry.Invoke(null, entry.GetParameters().Length == 0 ? [] : [arguments]));
        Assert.True(result is null or 0, $"the program ended with {result}.");
        context.Unload();
    }

    private static IEnumerable<(int Line, string Code, Marker Marker)> Snippets(string page)
    {
        var blocks = Markdown.Parse(File.ReadAllText(Path.Combine(Repository.Root, page))).Descendants<LeafBlock>().ToList();
        for (var i = 0; i < blocks.Count; i++)
        {
            if (blocks[i] is FencedCodeBlock { Info: "csharp" } fence)
            {
                yield return (fence.Line + 1, fence.Lines.ToString(), Marker.Of(i > 0 ? blocks[i - 1] as HtmlBlock : null));
            }
        }
    }

    [GeneratedRegex(@"^using [\w.]+;\s*$")]
    private static partial Regex UsingDirective();

    private sealed record Marker(bool Continues, string[]? Arguments, string Code)
    {
        public static Marker Of(HtmlBlock? comment)
        {
            var text = comment?.Lines.ToString().Trim() ?? "";
            if (!text.StartsWith("<!-- snippet", StringComparison.Ordinal))
            {
                return new Marker(false, null, "");
            }

            var lines = text["<!-- snippet".Length..^"-->".Length].Split('\n');
            string[] words = lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var run = System.Array.IndexOf(words, "run");
            return new Marker(words.Contains("continues"), run < 0 ? null : words[(run + 1)..], string.Join('\n', lines.Skip(1)));
        }
    }
}
