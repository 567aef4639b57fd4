using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Monge.Data;

namespace Monge.Cli.Tests;

/// <summary>The programs of examples that serve or fit.</summary>
public sealed partial class ExampleTests
{
    [Fact]
    public void A_network_and_a_schedule_of_ones_own_have_all_of_fit()
    {
        using var folder = new ScratchFolder();
        WriteTable(folder["data.csv"]);
        string[] fit = ["fit", "data.csv", "--condition", "kind", "--schedule", "late", "--network", "waves", "--iterations", "60", "--no-report",
            "--threads", "1", "--out", "m.safetensors"];
        using (var run = MongeProcess.RunOwnFit(folder.Path, fit))
        {
            Assert.True(run.ExitCode == 0, run.Error);
        }

        var record = JsonNode.Parse(File.ReadAllText(folder["m.run/run.json"]))!;
        Assert.Equal(("late", "waves"), ((string)record["options"]!["schedule"]!, (string)record["options"]!["network"]!));
        Assert.True(File.Exists(folder["m.run/checkpoint.safetensors"]));
        string[] draw = ["generate", "m.safetensors", "-n", "50", "--given", "kind=b", "--steps", "4", "--solver", "heun", "-o", "s.npy"];
        using (var generate = MongeProcess.RunOwnFit(folder.Path, draw))
        {
            Assert.True(generate.ExitCode == 0, generate.Error);
            Assert.Equal([50, 2], NumpyFile.Read(folder["s.npy"]).Shape.ToArray());
        }

        using (var density = MongeProcess.RunOwnFit(folder.Path, "density", "m.safetensors", "data.csv", "-o", "l.npy"))
        {
            Assert.True(density.ExitCode == 0, density.Error);
            Assert.All(NumpyFile.Read(folder["l.npy"]).ToDoubles(), value => Assert.True(double.IsFinite(value)));
        }

        using (var solver = MongeProcess.RunOwnFit(folder.Path, "generate", "m.safetensors", "-n", "5", "--solver", "euler"))
        {
            Assert.Equal(2, solver.ExitCode);
            Assert.Contains("give their number with --steps", solver.Sentence, StringComparison.Ordinal);
        }

        // A program that hasn't added them can't read the model, and says what it lacks.
        using var other = MongeProcess.Run(folder.Path, "generate", "m.safetensors", "-n", "5");
        Assert.Equal(1, other.ExitCode);
        Assert.Contains("'late'", other.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_service_fits_once_and_draws_many()
    {
        using var folder = new ScratchFolder();
        WriteTable(folder["data.csv"], isConditional: false);
        using var service = MongeProcess.StartService(
            folder.Path, "--data", "data.csv", "--model", "m.safetensors", "--iterations", "50", "--urls", "http://127.0.0.1:0");
        service.WaitUntil(() => Listening().IsMatch(service.Output));
        using var client = new HttpClient { BaseAddress = new Uri(Listening().Match(service.Output).Groups[1].Value), Timeout = TimeSpan.FromMinutes(5) };
        while (true)
        {
            using var ready = await client.GetAsync("ready");
            if (ready.StatusCode == HttpStatusCode.OK)
            {
                break;
            }

            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            await Task.Delay(50);
        }

        Assert.True(File.Exists(folder["m.safetensors"]));
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.GetStringAsync("rows?n=1500&seed=3")));
        var rows = JsonNode.Parse(answers[0])!;
        Assert.Equal(["height", "width"], rows["columns"]!.AsArray().Select(name => (string)name!));
        Assert.Equal(1500, rows["rows"]!.AsArray().Count);
        Assert.All(rows["rows"]!.AsArray(), row => Assert.True(double.IsFinite((double)row![0]!) && double.IsFinite((double)row[1]!)));
        Assert.Equal(1500, rows["rows"]!.AsArray().Select(row => (double)row![0]!).Distinct().Count());
        Assert.All(answers, answer => Assert.Equal(answers[0], answer));
        using var refused = await client.GetAsync("rows?n=0");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("1500 rows of seed 3", service.Output, StringComparison.Ordinal);
        Assert.Contains(" of 50, loss ", service.Output, StringComparison.Ordinal);
        Assert.Contains("the model is fitted and kept in m.safetensors", service.Output, StringComparison.Ordinal);
        service.Signal("INT");
        service.Wait();
        Assert.Equal(0, service.ExitCode);
    }

    private static void WriteTable(string path, bool isConditional = true)
    {
        var lines = Enumerable.Range(0, 120).Select(i =>
        {
            var (height, width) = (Math.Sin(i * 1.7) + (0.1 * i % 0.7), Math.Cos(i * 0.9) + (i % 2));
            return string.Create(CultureInfo.InvariantCulture, $"{height:R},{width:R}{(isConditional ? i % 2 == 0 ? ",a" : ",b" : "")}");
        });
        File.WriteAllLines(path, lines.Prepend(isConditional ? "height,width,kind" : "height,width"));
    }

    [GeneratedRegex(@"Now listening on: (http://\S+)")]
    private static partial Regex Listening();
}
