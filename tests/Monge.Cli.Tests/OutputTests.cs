using System.Runtime.Intrinsics;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Monge.Cli.Tests;

/// <summary>
/// What the pages show of runs is what the runs print. A comment before a fence, invisible on the page, names the command:
/// <c>&lt;!-- output monge sample gmm9 --seed 1 --&gt;</c>; a line <c>file NAME TEXT</c> writes a file that it needs, <c>only PATTERN</c> keeps the lines
/// that match. Times differ from run to run and are not compared. Bits depend on the width of vectors, so programs run on 256 bits.
/// <c>docs/update.sh</c> writes the fences anew.
/// </summary>
public sealed partial class OutputTests(ITestOutputHelper output)
{
    public static TheoryData<string, int> Fences()
    {
        var fences = new TheoryData<string, int>();
        foreach (var page in Pages())
        {
            for (var k = 0; k < Fence().Count(File.ReadAllText(Path.Combine(DotnetProcess.Repository, page))); k++)
            {
                fences.Add(page, k);
            }
        }

        return fences;
    }

    [Theory]
    [MemberData(nameof(Fences))]
    public void A_fence_shows_what_its_command_prints(string page, int place)
    {
        if (!Vector256.IsHardwareAccelerated)
        {
            output.WriteLine("This machine has no vectors of 256 bits, on which the pages were made, so its bits are others and nothing was compared.");
            return;
        }

        var path = Path.Combine(DotnetProcess.Repository, page);
        var match = Fence().Matches(File.ReadAllText(path))[place];
        var shown = match.Groups["text"].Value;
        var printed = Printed(match.Groups["command"].Value, match.Groups["more"].Value);
        if (Environment.GetEnvironmentVariable("MONGE_UPDATE") == "1" && Masked(printed) != Masked(shown))
        {
            // Other fences of the page may have changed since it was read.
            var text = File.ReadAllText(path);
            var now = Fence().Matches(text)[place].Groups["text"];
            shown = WithKnownTimes(printed, shown);
            File.WriteAllText(path, text[..now.Index] + shown + text[(now.Index + now.Length)..]);
        }

        Assert.Equal(Masked(shown).Split('\n'), Masked(printed).Split('\n'));
    }

    private static IEnumerable<string> Pages() => Directory.EnumerateFiles(DotnetProcess.Repository, "*.md").Concat(
        Directory.EnumerateFiles(Path.Combine(DotnetProcess.Repository, "docs"), "*.md")).Select(path => Path.GetRelativePath(DotnetProcess.Repository, path))
        .Order(StringComparer.Ordinal);

    private static string Printed(string command, string more)
    {
        using var folder = new ScratchFolder();
        string? only = null;
        foreach (var line in more.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var words = line.Split(' ', 3);
            switch (words[0])
            {
                case "file":
                    File.WriteAllText(folder[words[1]], words[2]);
                    break;
                case "only":
                    only = line["only ".Length..];
                    break;
                default:
                    Assert.Fail($"'{line}' says neither 'file' nor 'only'.");
                    break;
            }
        }

        using var run = MongeProcess.RunOnVectorsOf256Bits(folder.Path, [.. command.Split(' ').Skip(1), "--no-report"]);
        Assert.True(run.ExitCode is 0 or 3, run.Error);
        var lines = run.Output.Replace("\r", "", StringComparison.Ordinal).Split('\n').Select(line => line.TrimEnd())
            .Where(line => only is null || Regex.IsMatch(line, only));
        return string.Join('\n', lines).Trim('\n') + "\n";
    }

    // Lines that differ in nothing but times stay as they are: who updates need not have a quiet machine.
    private static string WithKnownTimes(string printed, string shown)
    {
        var known = shown.Split('\n').ToLookup(Masked);
        return string.Join('\n', printed.Split('\n').Select(line => known[Masked(line)].FirstOrDefault() ?? line));
    }

    private static string Masked(string text) => Time().Replace(text, "TIME");

    [GeneratedRegex(@"<!-- output (?<command>monge [^\n]+?)(?: -->|\n(?<more>.*?)-->)\n```\n(?<text>.*?)```\n", RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\b(?:\d+ (?:h|m) )*[\d.]+ (?:ms|s|m|h)\b")]
    private static partial Regex Time();
}
