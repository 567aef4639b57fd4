using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A figure of the data beside the same figure of data that the model makes.</summary>
/// <param name="Entry">The entry of the data, with its column if it is a matrix.</param>
/// <param name="Statistic">What is told of it.</param>
/// <param name="Seen">The figure of the data observed.</param>
/// <param name="Posterior">The figures of replicates at draws of the posterior.</param>
/// <param name="Prior">The figures of replicates at draws of the prior; null where that isn't drawn from.</param>
public sealed record PredictiveStatistic(string Entry, string Statistic, double Seen, double[] Posterior, double[]? Prior)
{
    /// <summary>The share of replicates of the posterior whose figure is larger than the one observed, ties by half.</summary>
    public double PosteriorProbability => Above(Posterior);

    /// <summary>The share of replicates of the prior whose figure is larger than the one observed, ties by half; null without a prior.</summary>
    public double? PriorProbability => Prior is null ? null : Above(Prior);

    private double Above(double[] replicates) => replicates.Average(v => v > Seen ? 1 : v == Seen ? 0.5 : 0);
}

/// <summary>What a model makes beside what was observed.</summary>
public sealed record PredictiveResult : IRunResult
{
    private const double PosteriorTail = 0.005;
    private const int ShownEntries = 6;

    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The sampler's name.</summary>
    public required string Method { get; init; }

    /// <summary>The options.</summary>
    public required PredictiveOptions Options { get; init; }

    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>What is told of each entry that the model makes.</summary>
    public required IReadOnlyList<PredictiveStatistic> Statistics { get; init; }

    /// <summary>What the sampler said of its draws.</summary>
    public required IReadOnlyList<Status> SamplerWarnings { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<Status> Warnings => [.. SamplerWarnings.Where(w => w.Code != StatusCode.Warning), .. Judge()];

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, NumericArray Values)> Arrays
    {
        get
        {
            var (n, k) = (Options.Replicates, Statistics.Count);
            (string Name, Func<PredictiveStatistic, double[]?> Of)[] laws = [("posterior_statistics", s => s.Posterior), ("prior_statistics", s => s.Prior)];
            return [.. laws.Where(law => Statistics.All(s => law.Of(s)?.Length == n)).Select(law => (law.Name, NumericArray.Create(
                [.. Enumerable.Range(0, n * k).Select(i => law.Of(Statistics[i % k])![i / k])], n, k)))];
        }
    }

    /// <inheritdoc/>
    public JsonObject ToJson() => new()
    {
        ["model"] = Model,
        ["method"] = Method,
        ["seed"] = Seed,
        ["replicates"] = Options.Replicates,
        ["statistics"] = new JsonArray([.. Statistics.Select(s => (JsonNode)new JsonObject
        {
            ["entry"] = s.Entry,
            ["statistic"] = s.Statistic,
            ["observed"] = ResultText.Json(s.Seen),
            ["posterior"] = Law(s.Posterior, s.PosteriorProbability),
            ["prior"] = s.Prior is null ? null : Law(s.Prior, s.PriorProbability!.Value),
        })]),
        ["status"] = Warnings.Count == 0 ? "success" : Warnings[0].Message,
        ["warnings"] = ResultText.Json(Warnings.Select(w => w.Message)),
    };

    /// <inheritdoc/>
    public IReadOnlyList<SummaryBlock> Summary()
    {
        string[] entries = [.. Statistics.Select(s => s.Entry).Distinct()];
        var hasPrior = Statistics.All(s => s.Prior is not null);
        string[] prior = hasPrior ? ["prior, 5 % to 95 %", "above"] : [];
        return
        [
            new SummaryTable(
                ["", "observed", "posterior, 5 % to 95 %", "above", .. prior],
                [.. Statistics.Where(s => entries.Take(ShownEntries).Contains(s.Entry)).Select(s => (string[])
                [
                    $"{s.Entry}: {s.Statistic}", ResultText.Of($"{s.Seen:G4}"), Range(s.Posterior), ResultText.Of($"{s.PosteriorProbability:F3}"),
                    .. hasPrior ? new[] { Range(s.Prior!), ResultText.Of($"{s.PriorProbability!.Value:F3}") } : [],
                ])],
                entries.Length > ShownEntries ? $"the first {ShownEntries} of {entries.Length} entries; run.json holds all" : null),
            new SummaryLines(
            [
                ("above", "the share of replicates above what was observed: near 0 or 1 where the model doesn't make data like these"),
                ("replicates", ResultText.Of($"{Options.Replicates} sets of data at draws of the posterior by {Method}")
                    + (hasPrior ? ", as many at draws of the prior" : "; the prior is flat or very wide, so none of it")),
            ]),
        ];
    }

    /// <inheritdoc/>
    public RunPictures Draw(string command, string? metrics) => new($"{Model}: data made beside data observed", command)
    {
        Warnings = [.. Warnings.Select(w => w.Message)],
        Figures = [.. Statistics.Select(s => new RunFigure($"{s.Entry}: {s.Statistic}, share above", s.PosteriorProbability))],
        Pictures = [.. Statistics.Select((s, i) => Picture(s, i))],
    };

    private static JsonObject Law(double[] replicates, double above)
    {
        var sorted = Sorted(replicates);
        return new JsonObject
        {
            ["quantile_05"] = ResultText.Json(Quantile(sorted, 0.05)),
            ["median"] = ResultText.Json(Quantile(sorted, 0.5)),
            ["quantile_95"] = ResultText.Json(Quantile(sorted, 0.95)),
            ["above"] = ResultText.Json(above),
        };
    }

    private static string Range(double[] replicates)
    {
        var sorted = Sorted(replicates);
        return ResultText.Of($"{Quantile(sorted, 0.05):G4} to {Quantile(sorted, 0.95):G4}");
    }

    private static double[] Sorted(double[] values) => [.. values.Order()];

    private static double Quantile(double[] sorted, double share) => sorted[(int)Math.Round(share * (sorted.Length - 1))];

    // How many of the replicates lie below each value, with the value observed as an upright line.
    private static Picture Picture(PredictiveStatistic statistic, int index)
    {
        (string Name, double[]? Values)[] laws = [("posterior", statistic.Posterior), ("prior", statistic.Prior)];
        return new Picture($"predictive-{index}", $"{statistic.Entry}: {statistic.Statistic}")
        {
            Caption = "The share of replicates below a value, and the value observed.",
            X = new PictureAxis(statistic.Statistic),
            Y = new PictureAxis("share below") { From = 0 },
            Layers =
            [
                .. laws.Where(l => l.Values is not null).Select(l => new LineLayer(
                    Sorted(l.Values!), [.. Enumerable.Range(0, l.Values!.Length).Select(i => (i + 0.5) / l.Values.Length)]) { Name = l.Name }),
                new LineLayer([statistic.Seen, statistic.Seen], [0, 1]) { Name = "observed" },
            ],
        };
    }

    private IEnumerable<Status> Judge()
    {
        if (Statistics.Count == 0)
        {
            yield return new Status(StatusCode.Failed, "the model made no data other than those observed", "look at how the model draws data");
            yield break;
        }

        var worst = Statistics.MinBy(s => Math.Min(s.PosteriorProbability, 1 - s.PosteriorProbability))!;
        if (Math.Min(worst.PosteriorProbability, 1 - worst.PosteriorProbability) < PosteriorTail)
        {
            yield return Status.Warn(
                ResultText.Of($"the model doesn't make data like these: the {worst.Statistic} of {worst.Entry} is {worst.Seen:G4}, ")
                + ResultText.Of($"replicates have {Range(worst.Posterior)} (5 to 95 %)"),
                "change the likelihood: heavier tails, another deviation, dependence between neighbours, or what the covariates leave out");
        }

        var outside = Statistics.FirstOrDefault(s => s.Prior is not null && s.PriorProbability is 0 or 1);
        if (outside is not null)
        {
            yield return Status.Warn(
                ResultText.Of($"the prior makes no data like these: the {outside.Statistic} of {outside.Entry} is {outside.Seen:G4}, ")
                + ResultText.Of($"none of {Options.Replicates} replicates reaches it ({Range(outside.Prior!)}, 5 to 95 %)"),
                "look at the scales of the priors against those of the data");
        }
    }
}
