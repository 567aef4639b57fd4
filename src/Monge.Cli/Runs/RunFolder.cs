using System.Text.Json;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary>
/// The folder of a run: <c>run.json</c> (what was asked for and what came out), <c>checkpoint.safetensors</c> (from which it goes on),
/// <c>model.safetensors</c>, <c>metrics.csv</c>, <c>summary.txt</c>, and the result's arrays and tables. Each file is replaced only when its successor is
/// complete.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    private const string LockName = "run.lock";

    private static readonly string[] s_files = ["run.json", RunSession.CheckpointName, RunSession.ModelName, "metrics.csv"];

    private FileStream? _lock;

    private RunFolder(string path, RunRecord record)
    {
        Path = path;
        Record = record;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What the run is.</summary>
    public RunRecord Record { get; }

    /// <summary>The course of training.</summary>
    public string Metrics => In("metrics.csv");

    /// <summary>Takes a folder for a run.</summary>
    /// <param name="path">The folder; made when it doesn't exist.</param>
    /// <param name="record">What the run is.</param>
    /// <param name="resume">Whether to go on with the run that the folder holds.</param>
    /// <param name="replace">Whether to take the place of the run that the folder holds.</param>
    /// <exception cref="CommandException">The folder can't be written, another run writes to it, or it holds another run, or none though one is to be resumed.
    /// </exception>
    public static RunFolder Open(string path, RunRecord record, bool resume, bool replace = false)
    {
        var folder = new RunFolder(path, record);
        try
        {
            var held = s_files.FirstOrDefault(f => File.Exists(folder.In(f)));
            if (resume)
            {
                folder.CheckSame(held);
            }
            else if (held is not null && !replace)
            {
                throw CommandException.Failure(
                    $"The folder '{path}' holds another run ({held}); go on with it by --resume, or choose another folder with --out.");
            }

            Directory.CreateDirectory(path);
            folder.Lock();
            if (replace)
            {
                folder.Clear();
            }

            folder.Write("running");
            return folder;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Failure($"The folder '{path}' can't be written ({error.Message.TrimEnd('.')}); choose another with --out.");
        }
    }

    /// <summary>Reads the record of a finished run.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="CommandException">There is no run, or it has no result yet.</exception>
    public static JsonObject ReadFinished(string path)
    {
        var file = System.IO.Path.Combine(path, "run.json");
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
            : record["result"] is JsonObject && File.Exists(System.IO.Path.Combine(path, "summary.txt")) ? record
            : throw CommandException.Failure(
                $"The run in '{path}' has no result yet (it is {record["status"]}); finish it by repeating its command with --resume.");
    }

    /// <summary>Writes <c>run.json</c>.</summary>
    /// <param name="status">"running", "interrupted", or how the run ended.</param>
    /// <param name="result">What came out; null while there is nothing.</param>
    /// <param name="resolved">The options with everything that the run itself chose; null while they aren't known.</param>
    /// <param name="arrays">The files of arrays with their shapes; null while there are none.</param>
    public void Write(string status, JsonObject? result = null, JsonObject? resolved = null, JsonObject? arrays = null)
    {
        var node = Record.ToJson();
        node["status"] = status;
        if (resolved is not null)
        {
            node["resolved_options"] = resolved.DeepClone();
        }

        if (arrays is not null)
        {
            node["arrays"] = arrays;
        }

        if (result is not null)
        {
            node["result"] = result.DeepClone();
        }

        AtomicFile.WriteText(In("run.json"), JsonOutput.Indented(node));
    }

    /// <summary>Writes a result: its arrays and tables, its summary, and the record.</summary>
    /// <param name="result">The result.</param>
    /// <param name="json">The result in the record.</param>
    /// <param name="resolved">The options with everything that the run itself chose.</param>
    public void Write(IRunResult result, JsonObject json, JsonObject resolved)
    {
        JsonObject shapes = [];
        foreach (var (name, values) in result.Arrays)
        {
            NumpyFile.Write(In(name + ".npy"), values);
            shapes[name + ".npy"] = new JsonArray([.. values.Shape.ToArray().Select(size => (JsonNode)size)]);
        }

        foreach (var (name, columns, values) in result.Tables)
        {
            CsvTable.Write(In(name + ".csv"), columns, values);
        }

        AtomicFile.WriteText(In("summary.txt"), SummaryWriter.Text(result.Summary(), result.Warnings));
        var failed = result.Warnings.FirstOrDefault(w => w.Code == StatusCode.Failed);
        Write(failed is not null ? $"failed: {failed.Message}" : result.Warnings.Count == 0 ? "complete" : "complete with warnings", json, resolved, shapes);
    }

    /// <summary>Lets others write to the folder.</summary>
    public void Dispose() => _lock?.Dispose();

    /// <summary>Takes back the folder of a run that can't be gone on with, so that the command can be repeated.</summary>
    public void Discard()
    {
        Clear();
        Dispose();
        if (!Directory.EnumerateFileSystemEntries(Path).Any())
        {
            Directory.Delete(Path);
        }
    }

    private void Clear()
    {
        foreach (var file in s_files)
        {
            File.Delete(In(file));
        }
    }

    // Held until the process ends, however it does; a file that a killed process left holds nobody up.
    private void Lock()
    {
        try
        {
            _lock = new FileStream(In(LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException) when (File.Exists(In(LockName)))
        {
            throw CommandException.Failure($"Another run is writing to the folder '{Path}'; wait until it has ended, or choose another folder with --out.");
        }
    }

    private void CheckSame(string? held)
    {
        if (!File.Exists(In("run.json")))
        {
            throw CommandException.Failure(held is null
                ? $"The folder '{Path}' holds no run to resume; leave --resume away to start one."
                : $"The folder '{Path}' holds {held} but no run.json, so its run can't be resumed; choose another folder with --out.");
        }

        JsonObject kept;
        try
        {
            kept = JsonNode.Parse(File.ReadAllText(In("run.json"))) as JsonObject ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw CommandException.Failure($"'{In("run.json")}' isn't the record of a run, so there is nothing to resume; choose another folder with --out.");
        }

        foreach (var (name, value) in Record.Identity())
        {
            if (!JsonNode.DeepEquals(value, kept[name]))
            {
                throw CommandException.Failure(
                    $"The folder '{Path}' holds another run: its {Difference(name, kept[name], value)}; repeat the first command with --resume, or choose "
                    + "another folder with --out.");
            }
        }
    }

    private static string Difference(string name, JsonNode? its, JsonNode mine)
    {
        if (its is not JsonObject theirs || mine is not JsonObject own)
        {
            return $"{name} is {its?.ToString() ?? "missing"}, not {mine}";
        }

        var option = own.Concat(theirs).Select(p => p.Key).First(k => !JsonNode.DeepEquals(own[k], theirs[k]));
        return $"{name} differ in {option} ({theirs[option]?.ToString() ?? "none"}, not {own[option]?.ToString() ?? "none"})";
    }

    private string In(string file) => System.IO.Path.Combine(Path, file);
}
