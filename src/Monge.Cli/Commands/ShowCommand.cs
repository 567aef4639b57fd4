using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Data;

namespace Monge.Cli.Commands;

/// <summary><c>monge show DIR</c>: prints the samples of a finished run again, from its files.</summary>
internal static class ShowCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var folder = new Argument<string>("dir") { Description = "The folder of a run.", HelpName = "DIR" };
        var json = CommandOptions.Json("the record of the run");
        var command = new Command("show", "Print the samples of a finished run again, from its files.") { folder, json };
        HelpExamples.Add(command, ("monge show runs/gmm9-seed1", "moments, log Z, ESS and the picture"), ("monge show runs/gmm9-seed1 --json", "its record, run.json, as one line"));
        command.SetAction(result =>
        {
            var path = result.GetRequiredValue(folder);
            var record = ReadRecord(path);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
            {
                output.WriteLine(JsonOutput.Line(record));
                return;
            }

            var samples = NumpyFile.Read(Path.Combine(path, "samples.npy"));
            var logWeights = NumpyFile.Read(Path.Combine(path, "log_weights.npy"));
            var names = record["result"]!["names"]!.AsArray().Select(n => (string)n!).ToArray();
            Check(path, samples, logWeights, names.Length);
            output.WriteLine($"{record["target"]} by {record["method"]}, seed {record["seed"]}: {record["status"]}");
            SampleSummary.Write(samples.ToDoubles(), logWeights.ToDoubles(), names, output, (string?)record["result"]!["correction"]);
        });
        return command;
    }

    private static JsonObject ReadRecord(string path)
    {
        var file = Path.Combine(path, "run.json");
        if (!File.Exists(file))
        {
            throw CommandException.Failure($"The folder '{path}' holds no run: there is no run.json in it.");
        }

        JsonObject? record = null;
        try
        {
            record = JsonNode.Parse(File.ReadAllText(file)) as JsonObject;
        }
        catch (JsonException)
        {
        }

        return record?["program"] is null
            ? throw CommandException.Failure($"'{file}' isn't the record of a run.")
            : record["result"]?["names"] is JsonArray ? record
            : throw CommandException.Failure($"The run in '{path}' has no samples yet (it is {record["status"]}); finish it by repeating its command with --resume.");
    }

    private static void Check(string path, NumericArray samples, NumericArray logWeights, int names)
    {
        if (samples.Shape.Length != 2 || samples.Shape[1] != names || logWeights.Shape.Length != 1 || logWeights.Shape[0] != samples.Shape[0])
        {
            throw CommandException.Failure(
                $"The files in '{path}' don't belong together: samples.npy is {Describe(samples)}, log_weights.npy {Describe(logWeights)}, and run.json names {names} coordinates.");
        }
    }

    private static string Describe(NumericArray array) => $"[{string.Join(", ", array.Shape.ToArray())}]";
}
