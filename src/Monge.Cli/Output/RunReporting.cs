using System.CommandLine;
using System.Runtime.CompilerServices;
using Monge.Reports;
using Monge.Runs;

namespace Monge.Cli.Output;

/// <summary>Makes the report of a run at its end. What goes wrong with it is told in a sentence and never loses the run.</summary>
internal static class RunReporting
{
    /// <summary>Whether to go without a report.</summary>
    public static Option<bool> Option() =>
        new("--no-report") { Description = "Don't write pictures.json, report.html, picture.svg, picture.png (and evolution.svg) at the end." };

    /// <summary>Writes the report of a run, unless it isn't wanted.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="option">Its option for going without.</param>
    /// <param name="folder">The folder of the run; made when it doesn't exist.</param>
    /// <param name="describe">Draws the run.</param>
    public static void Write(ParseResult parsed, Option<bool> option, string folder, Func<RunPictures> describe)
    {
        if (parsed.GetValue(option))
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(folder);
            Render(folder, describe());
        }
        catch (Exception error)
        {
            Console.Error.WriteLine($"monge: the run is saved, but its report couldn't be made: {Failures.Sentence(error)}");
        }
    }

    /// <summary>Writes a page with several runs side by side, unless no report is wanted.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="option">Its option for going without.</param>
    /// <param name="folders">The folders of the runs, with their reports.</param>
    /// <param name="path">The page's file.</param>
    public static void Compare(ParseResult parsed, Option<bool> option, IReadOnlyList<string> folders, string path)
    {
        if (parsed.GetValue(option) || folders.Count < 2)
        {
            return;
        }

        try
        {
            Join(folders, path);
        }
        catch (Exception error)
        {
            Console.Error.WriteLine($"monge: the runs are saved, but the page that compares them couldn't be made: {Failures.Sentence(error)}");
        }
    }

    /// <summary>The command that was given.</summary>
    public static string Command(ParseResult parsed) =>
        string.Join(' ', ["monge", .. parsed.Tokens.Select(t => t.Value.Contains(' ') ? $"'{t.Value}'" : t.Value)]);

    // Drawing libraries load when a report is made, and not before.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Render(string folder, RunPictures run) => RunReport.Write(folder, run);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Join(IReadOnlyList<string> folders, string path) => RunReport.Compare(folders, path);
}
