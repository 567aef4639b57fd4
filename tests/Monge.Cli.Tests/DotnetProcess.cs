using System.Diagnostics;

namespace Monge.Cli.Tests;

/// <summary>Runs the SDK, or a program that it made, and gives what was printed.</summary>
internal static class DotnetProcess
{
    /// <summary>The configuration that the tests were built in.</summary>
    public static string Configuration { get; } =
        AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug";

    /// <summary>The folder that holds Monge.slnx.</summary>
    public static string Repository { get; } = Above(new DirectoryInfo(AppContext.BaseDirectory));

    /// <summary>The folder that packages are restored into by default.</summary>
    public static string PackageCache { get; } = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>Runs a program to its end.</summary>
    /// <param name="folder">Where it runs.</param>
    /// <param name="packages">The folder that it restores packages into; null for the usual one.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>What it printed on standard output.</returns>
    public static string Run(string folder, string? packages, string program, params string[] arguments)
    {
        using var process = new Process { StartInfo = Start(folder, packages, program, arguments) };
        process.Start();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}\n{output}{error.Result}");
        return output;
    }

    /// <summary>How a program is started whose output is read. No build server outlives it, which would hold the pipes open.</summary>
    public static ProcessStartInfo Start(string folder, string? packages, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var inherited in start.Environment.Keys.Where(key => key.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(inherited);
        }

        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        if (packages is not null)
        {
            start.Environment["NUGET_PACKAGES"] = packages;
        }

        return start;
    }

    private static string Above(DirectoryInfo? folder)
    {
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Monge.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds Monge.slnx.");
    }
}
