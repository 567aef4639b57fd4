using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Cli.Runs;
using Monge.Data;

namespace Monge.Cli.Commands;

/// <summary><c>monge show DIR</c>: tells the result of a finished run again, of whatever kind.</summary>
internal static class ShowCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var folder = new Argument<string>("dir") { Description = "The folder of a run.", HelpName = "DIR" };
        var json = CommandOptions.Json("the record of the run");
        var command = new Command("show", "Tell the result of a finished run again: its summary with all warnings, or its record.") { folder, json };
        HelpExamples.Add(command, ("monge show runs/gmm9-seed1", "moments, log Z, ESS, warnings and the picture"),
            ("monge show runs/gmm9-seed1 --json", "its record, run.json, as one line"));
        command.SetAction(result =>
        {
            var path = result.GetRequiredValue(folder);
            var record = RunFolder.ReadFinished(path);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
            {
                output.WriteLine(JsonOutput.Line(record));
                return;
            }

            CheckArrays(path, record);
            output.WriteLine($"{record["command"]}: {record["status"]}");
            output.Write(File.ReadAllText(Path.Combine(path, "summary.txt")));
        });
        return command;
    }

    // What is told must be what the files hold.
    private static void CheckArrays(string path, JsonObject record)
    {
        foreach (var (file, shape) in record["arrays"]?.AsObject() ?? [])
        {
            int[] said = [.. shape!.AsArray().Select(size => (int)size!)];
            if (NumpyFile.Read(Path.Combine(path, file)) is var array && !array.Shape.SequenceEqual(said))
            {
                throw CommandException.Failure(
                    $"The files in '{path}' don't belong together: {file} is {Words(array.Shape)}, and run.json says {Words(said)}; "
                        + "repeat the run's command with --resume.");
            }
        }
    }

    private static string Words(ReadOnlySpan<int> shape) => $"[{string.Join(", ", shape.ToArray())}]";
}
