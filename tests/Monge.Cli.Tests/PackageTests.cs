using System.IO.Compression;
using System.Xml.Linq;

namespace Monge.Cli.Tests;

/// <summary>
/// The packages as a user gets them: packed into a folder and installed from it. Nothing comes from a network: the packages that they need are those that the
/// build restored.
/// </summary>
public sealed class PackageTests
{
    private static readonly string[] s_projects = ["Monge.Engine", "Monge", "Monge.Reports", "Monge.Cli"];

    [Fact]
    public void Packages_say_what_they_are_and_the_tool_and_the_library_work_from_a_folder()
    {
        using var folder = new ScratchFolder();
        foreach (var project in s_projects)
        {
            var path = Path.Combine(DotnetProcess.Repository, "src", project);
            DotnetProcess.Run(folder.Path, null, "dotnet", "pack", path, "-c", DotnetProcess.Configuration, "--no-build", "-o", folder["packages"]);
        }

        Assert.All(s_projects, project => SaysWhatItIs(folder[$"packages/{project}"]));
        File.WriteAllText(folder["nuget.config"], $"""
            <configuration>
              <packageSources><clear /><add key="folder" value="packages" /><add key="restored" value="{DotnetProcess.PackageCache}" /></packageSources>
            </configuration>
            """);
        string Dotnet(params string[] arguments) => DotnetProcess.Run(folder.Path, folder["cache"], "dotnet", arguments);

        Dotnet("tool", "install", "Monge.Cli", "--tool-path", folder["tool"], "--add-source", folder["packages"]);
        var monge = folder[OperatingSystem.IsWindows() ? "tool/monge.exe" : "tool/monge"];
        Assert.Equal(MongeCommand.Version, DotnetProcess.Run(folder.Path, null, monge, "--version").Trim());
        Assert.Contains("eight-schools", DotnetProcess.Run(folder.Path, null, monge, "targets"), StringComparison.Ordinal);

        Directory.CreateDirectory(folder["use"]);
        File.WriteAllText(folder["use/use.csproj"], """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><PackageReference Include="Monge" Version="*-*" /></ItemGroup>
            </Project>
            """);
        File.WriteAllText(folder["use/Program.cs"], """
            using Monge.Measures;
            var density = Density.Create("own", 2, x => -0.5 * x.SquaredNorm());
            System.Console.WriteLine($"{density.Name}, {density.Dimension} coordinates, among {TargetLibrary.All.Count} others");
            """);
        Assert.Equal(
            $"own, 2 coordinates, among {Measures.TargetLibrary.All.Count} others", Dotnet("run", "--project", folder["use"], "-c", "Release").Trim());
    }

    private static void SaysWhatItIs(string path)
    {
        using var package = ZipFile.OpenRead(Directory.GetFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + ".?.*.nupkg").Single());
        using var nuspec = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        var metadata = XDocument.Load(nuspec).Root!.Elements().Single();
        string? Value(string name) => metadata.Elements().SingleOrDefault(e => e.Name.LocalName == name)?.Value;
        Assert.Equal(("The Monge authors", "MIT", "README.md"), (Value("authors"), Value("license"), Value("readme")));
        Assert.All(["description", "tags", "copyright"], name => Assert.False(string.IsNullOrWhiteSpace(Value(name)), name));
        Assert.NotNull(package.GetEntry("README.md"));
        using var symbols = ZipFile.OpenRead(Directory.GetFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + ".?.*.snupkg").Single());
        Assert.Contains(symbols.Entries, entry => entry.FullName.EndsWith(".pdb", StringComparison.Ordinal));
    }
}
