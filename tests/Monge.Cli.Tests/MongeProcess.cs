using System.Diagnostics;
using System.Text;

namespace Monge.Cli.Tests;

/// <summary>Runs the real executable, as a user does.</summary>
internal sealed class MongeProcess : IDisposable
{
    private const string Command = "monge.dll";
    private const string OwnDensity = "Monge.Cli.OwnDensity.dll";
    private const string OwnMethod = "Monge.Cli.OwnMethod.dll";
    private const string OwnFit = "Monge.Cli.OwnFit.dll";

    // Far longer than anything takes on a machine that does other things too: what never ends is found all the same.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Process _process;

    private MongeProcess(string assembly, string folder, string[] arguments, params (string Name, string Value)[] environment)
    {
        // Where tests run in the background, as under nohup, Ctrl-C is ignored and programs inherit that.
        string[] launcher = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", "dotnet"] : ["dotnet"];
        var start = new ProcessStartInfo(launcher[0], launcher[1..])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, assembly));
        Array.ForEach(arguments, start.ArgumentList.Add);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Append(_output, e.Data);
        _process.ErrorDataReceived += (_, e) => Append(_error, e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Output => Read(_output);

    public string Error => Read(_error);

    public int ExitCode => _process.ExitCode;

    /// <summary>The last line on standard error: the sentence for the user.</summary>
    public string Sentence => Error.TrimEnd().Split('\n')[^1];

    public static MongeProcess Start(string folder, params string[] arguments) => new(Command, folder, arguments);

    public static MongeProcess Run(string folder, params string[] arguments) => Finished(new MongeProcess(Command, folder, arguments));

    /// <summary>Runs on vectors of 256 bits, also where the machine has wider ones: bits depend on the width.</summary>
    public static MongeProcess RunOnVectorsOf256Bits(string folder, params string[] arguments) =>
        Finished(new MongeProcess(Command, folder, arguments, ("DOTNET_EnableAVX512", "0"), ("DOTNET_EnableAVX512F", "0")));

    /// <summary>Runs the program that brings a density of its own.</summary>
    public static MongeProcess RunOwnDensity(string folder, string density, params string[] arguments) =>
        Finished(new MongeProcess(OwnDensity, folder, [density, .. arguments]));

    /// <summary>Runs examples/own-method.cs.</summary>
    public static MongeProcess RunOwnMethod(string folder, params string[] arguments) => Finished(StartOwnMethod(folder, arguments));

    /// <summary>Starts examples/own-method.cs.</summary>
    public static MongeProcess StartOwnMethod(string folder, params string[] arguments) => new(OwnMethod, folder, arguments);

    /// <summary>Runs examples/own-fit.cs.</summary>
    public static MongeProcess RunOwnFit(string folder, params string[] arguments) => Finished(new MongeProcess(OwnFit, folder, arguments));

    /// <summary>Starts examples/service.cs, which lies in a folder of its own.</summary>
    public static MongeProcess StartService(string folder, params string[] arguments)
    {
        var built = Path.Combine(DotnetProcess.Repository, "tests", "Monge.Service", "bin", DotnetProcess.Configuration, "net10.0");
        return new MongeProcess(Path.Combine(built, "Monge.Service.dll"), folder, arguments);
    }

    public void Wait()
    {
        Assert.True(_process.WaitForExit(s_patience), $"the program did not end within {s_patience.TotalMinutes} minutes: {Error}");
        _process.WaitForExit();
    }

    /// <summary>Waits until a condition holds, or the process has ended.</summary>
    public void WaitUntil(Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.False(_process.HasExited, $"monge ended before the condition held: {Error}");
            Assert.True(clock.Elapsed < s_patience, $"the condition did not hold within {s_patience.TotalMinutes} minutes: {Error}");
            Thread.Sleep(20);
        }
    }

    /// <summary>Processor time used so far: how far a program has come, whatever else the machine does.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts a run, waits for its first checkpoint and kills it; again, should it have ended before the signal came.</summary>
    /// <param name="start">Starts the run.</param>
    /// <param name="folder">The run's folder.</param>
    public static void KillAtCheckpoint(Func<MongeProcess> start, string folder)
    {
        for (var attempt = 0; attempt < 5; attempt++)
        {
            using var killed = start();
            killed.WaitUntil(() => File.Exists(Path.Combine(folder, "checkpoint.safetensors")));
            killed.Signal("KILL");
            killed.Wait();
            if (!File.Exists(Path.Combine(folder, "model.safetensors")))
            {
                Assert.NotEqual(0, killed.ExitCode);
                return;
            }

            Directory.Delete(folder, recursive: true);
        }

        Assert.Fail("the run ended before it was killed, five times");
    }

    /// <summary>Sends a signal by name, such as INT or KILL.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static MongeProcess Finished(MongeProcess process)
    {
        process.Wait();
        return process;
    }

    private static void Append(StringBuilder text, string? line)
    {
        lock (text)
        {
            if (line is not null)
            {
                text.Append(line).Append('\n');
            }
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}

/// <summary>A folder that is removed at the end of a test.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("monge-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
