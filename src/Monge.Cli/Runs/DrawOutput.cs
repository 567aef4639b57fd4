using System.CommandLine;
using Monge.Data;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary>Draws for other programs: a file <c>draws</c> beside <c>samples.npy</c>, or rows in the format of a file's ending.</summary>
internal static class DrawOutput
{
    private const string Stan = "stan";

    private const string Purpose =
        "Write the draws for other programs too: draws.csv, draws.npz, or draws.json for ArviZ, which is resampled as ArviZ knows no weights";

    private static readonly string[] s_words = ["csv", "npz", "arviz"];

    /// <summary>The format of draws for other programs; null when none is asked for.</summary>
    /// <param name="description">What is written.</param>
    /// <param name="more">Formats beside those of tables.</param>
    public static Option<string?> Format(string description, params string[] more)
    {
        string[] words = [.. s_words, .. more];
        Option<string?> option = new("--format")
        {
            Description = description,
            HelpName = string.Join('|', words),
            CustomParser = result =>
            {
                var word = result.Tokens[^1].Value;
                if (!words.Contains(word))
                {
                    result.AddError($"--format takes {string.Join(" or ", words)}, not '{word}'.");
                }

                return word;
            },
        };
        option.CompletionSources.Add(words);
        return option;
    }

    /// <summary>The option of <c>draw</c>.</summary>
    public static Option<string?> Format() => Format($"{Purpose}.");

    /// <summary>The option of <c>sample</c>, whose draws may be those of chains.</summary>
    public static Option<string?> FormatOfSamples() => Format($"{Purpose}; of chains draws_1.csv and so on too, as CmdStan writes them.", Stan);

    /// <summary>Refuses chains' files for methods that make none, before they run.</summary>
    /// <param name="word">The format.</param>
    /// <param name="methods">The methods that will run.</param>
    public static void Check(string? word, IEnumerable<MethodFacts> methods)
    {
        if (word == Stan && methods.FirstOrDefault(m => !ChainFlags.MakesChains(m)) is { } other)
        {
            throw CommandException.Usage($"--format stan is for methods that make chains; the samples of {other.Name} are none.");
        }
    }

    /// <summary>Writes the draws of a run into its folder; null when nothing was to be written.</summary>
    /// <param name="word">The format.</param>
    /// <param name="report">The run's result.</param>
    /// <param name="folder">The folder.</param>
    public static string? Write(string? word, SampleReport report, string folder)
    {
        if (word is null)
        {
            return null;
        }

        if (word == Stan)
        {
            return StanFiles.Write(folder, "draws", report.Kept)[0];
        }

        var (format, draws) = (Parse(word), report.Kept);
        var path = Path.Combine(folder, "draws" + DrawFile.Ending(format));
        if (format == DrawFormat.Arviz)
        {
            if (report.Draws.IsFailed && !report.Forced)
            {
                Console.Error.WriteLine($"monge: {path} isn't written: without their weights, draws of no use would look like others (--force writes them).");
                return null;
            }

            draws = draws is { Correction: null, Chains: null } ? draws.Resample() : draws;
        }

        DrawFile.Write(path, format, draws.Names, draws.Positions, draws.LogWeights, draws.Chains?.Chains ?? 1);
        return path;
    }

    /// <summary>Writes rows in the format that is asked for, or in that of the file's ending: .npy, .npz, .json for ArviZ, and text otherwise.</summary>
    /// <param name="path">The file.</param>
    /// <param name="word">The format; null for that of the ending.</param>
    /// <param name="columns">Names [d] of the columns.</param>
    /// <param name="rows">The rows [n, d].</param>
    public static void WriteRows(string path, string? word, IReadOnlyList<string> columns, double[] rows)
    {
        if ((word ?? OfEnding(path)) is { } format)
        {
            DrawFile.Write(path, Parse(format), columns, rows);
        }
        else
        {
            DataTable.Write(path, columns, rows);
        }
    }

    /// <summary>The same of a table, which may hold words where it is written as text.</summary>
    /// <param name="path">The file.</param>
    /// <param name="word">The format; null for that of the ending.</param>
    /// <param name="rows">The rows.</param>
    public static void WriteRows(string path, string? word, DataTable rows)
    {
        if (!rows.LabelNames.Any())
        {
            WriteRows(path, word, rows.Order, rows.Select(rows.Order).Values);
            return;
        }

        if ((word ?? OfEnding(path)) is { } format and not "csv")
        {
            throw CommandException.Usage($"The format {format} holds no words such as those of '{rows.LabelNames.First()}'; write comma-separated text.");
        }

        DataTable.Write(path, rows);
    }

    private static string? OfEnding(string path) => Path.GetExtension(path).ToLowerInvariant() switch { ".npz" => "npz", ".json" => "arviz", _ => null };

    private static DrawFormat Parse(string word) => (DrawFormat)Array.IndexOf(s_words, word);
}
