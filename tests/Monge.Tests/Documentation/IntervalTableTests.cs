using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Tests.Architecture;

namespace Monge.Tests.Documentation;

/// <summary>
/// The table of docs/diagnostics.md that says how often intervals of log Z cover it comes from simulated weights of known laws, drawn here.
/// <c>MONGE_UPDATE=1 dotnet test tests/Monge.Tests -c Release --filter IntervalTableTests</c> writes it anew.
/// </summary>
public sealed class IntervalTableTests
{
    private const string Page = "docs/diagnostics.md";
    private const string Head = "  | weights | delta method alone | as stated by Monge |";
    private const int Sets = 400;
    private const int Weights = 4000;

    [Fact]
    public void The_table_of_coverage_is_that_of_simulated_weights()
    {
        string[] made = [Head, "  |---|---|---|", .. Rows()];
        var path = Path.Combine(Repository.Root, Page);
        var lines = File.ReadAllLines(path).ToList();
        var first = lines.IndexOf(Head);
        Assert.True(first > 0, $"{Page} has no line '{Head}'.");
        var count = lines.Skip(first).TakeWhile(line => line.StartsWith("  |", StringComparison.Ordinal)).Count();
        if (Environment.GetEnvironmentVariable("MONGE_UPDATE") == "1")
        {
            lines.RemoveRange(first, count);
            lines.InsertRange(first, made);
            File.WriteAllLines(path, lines);
            count = made.Length;
        }

        Assert.Equal(made, lines.Skip(first).Take(count));
    }

    private static IEnumerable<string> Rows()
    {
        // log w ~ N(-s^2 / 2, s^2) has Z = 1 and tends to an effective share of exp(-s^2).
        foreach (var (deviation, share) in new[] { (0.5, "78 %"), (1, "37 %"), (1.5, "11 %"), (2, "1.8 %"), (2.5, "0.2 %") })
        {
            yield return Row($"log-normal, ESS {share}", 0, random => deviation * (random.NextNormal() - (deviation / 2)));
        }

        // w = u^-k has Z = 1 / (1 - k).
        foreach (var shape in new[] { 0.4, 0.6, 0.7, 0.8 })
        {
            yield return Row(FormattableString.Invariant($"Pareto, k = {shape}"), -Math.Log(1 - shape), random => -shape * Math.Log(random.NextDouble()));
        }
    }

    private static string Row(string name, double logNormaliser, Func<RandomStream, double> draw)
    {
        var (plain, stated) = (0, 0);
        for (var set = 0; set < Sets; set++)
        {
            var random = new RandomStream((ulong)set + 1);
            double[] logs = [.. Enumerable.Range(0, Weights).Select(_ => draw(random))];
            var weights = ImportanceWeights.FromLogWeights(logs);
            var off = Math.Abs(weights.LogNormaliser - logNormaliser);

            // The delta method: the relative deviation of the weights over the root of their number.
            var squares = weights.Normalised.Sum(w => Math.Pow((w * Weights) - 1, 2));
            var error = Math.Sqrt(squares / (Weights - 1) / Weights);
            plain += off <= 1.96 * error ? 1 : 0;
            stated += off <= 1.96 * weights.LogNormaliserError ? 1 : 0;
        }

        return FormattableString.Invariant($"  | {name} | {100.0 * plain / Sets:F1} % | {100.0 * stated / Sets:F1} % |");
    }
}
