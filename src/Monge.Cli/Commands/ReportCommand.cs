using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Reports;
using Monge.Runs;

namespace Monge.Cli.Commands;

/// <summary><c>monge report DIR...</c>: makes the report of a run anew, or sets several runs side by side on one page.</summary>
internal static class ReportCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var folders = new Argument<string[]>("dir")
        {
            Description = "The folder of a run, or those of several.",
            HelpName = "DIR",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--out", "-o")
        {
            Description = "The page for several runs; the report of one stands in its folder.",
            HelpName = "FILE",
            DefaultValueFactory = _ => "comparison.html",
        };
        var json = CommandOptions.Json("the files that were written");
        var command = new Command("report", "Make the report of a run anew, or set several runs side by side on one page.") { folders, output, json };
        HelpExamples.Add(
            command,
            ("monge report runs/gmm9-seed1", "report.html, picture.svg and picture.png anew, from pictures.json"),
            ("monge report runs/gmm9-seed1 runs/gmm9-seed2 --out seeds.html", "two runs side by side"));
        command.SetAction(result =>
        {
            string[] written = Write(result.GetRequiredValue(folders), result.GetRequiredValue(output));
            result.InvocationConfiguration.Output.WriteLine(result.GetValue(json)
                ? JsonOutput.Line(new JsonObject { ["written"] = ResultText.Json(written) })
                : string.Join('\n', written));
        });
        return command;
    }

    private static string[] Write(string[] folders, string output)
    {
        if (folders.FirstOrDefault(f => !File.Exists(Path.Combine(f, RunPictures.FileName))) is { } bare)
        {
            throw CommandException.Failure(
                $"The folder '{bare}' holds no {RunPictures.FileName}, from which reports are made; finish its run, without --no-report.");
        }

        if (folders is [var only])
        {
            RunReport.Write(only);
            var strip = RunPictures.Read(only).Pictures.Any(p => p.IsStrip) ? (string[])[RunReport.StripName] : [];
            return [.. ((string[])[RunReport.PageName, RunReport.SvgName, RunReport.PngName, .. strip]).Select(f => Path.Combine(only, f))];
        }

        RunReport.Compare(folders, output);
        return [output];
    }
}
