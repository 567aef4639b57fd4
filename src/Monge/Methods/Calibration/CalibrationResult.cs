using System.Text.Json.Nodes;
using Monge.Diagnostics;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Ranks of true parameters among draws of their posteriors, and whether they are uniform.</summary>
public sealed record CalibrationResult
{
    private const double Significance = 0.01;
    private const double ManyBroken = 0.02;

    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The sampler's name.</summary>
    public required string Method { get; init; }

    /// <summary>The options.</summary>
    public required CalibrationOptions Options { get; init; }

    /// <summary>Names [d] of the parameters.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Ranks [simulations, d], row-major, from 0 to the number of draws; -1 where a posterior couldn't be sampled.</summary>
    public required IReadOnlyList<int> Ranks { get; init; }

    /// <summary>How each simulation ended.</summary>
    public required IReadOnlyList<SimulationOutcome> Outcomes { get; init; }

    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Simulations with ranks.</summary>
    public int Count => Outcomes.Count(o => o != SimulationOutcome.Broken);

    /// <summary>The smallest probability of a chi-square test times the number of parameters, at most 1 (Bonferroni).</summary>
    /// <remarks>Not a number where no posterior could be sampled.</remarks>
    public double Probability => Math.Min(1, Names.Count * Enumerable.Range(0, Names.Count).Min(ProbabilityOf));

    /// <summary>Whether no rank's law is seen to differ from the uniform one at a level of 1 %.</summary>
    public bool IsUniform => Probability > Significance;

    /// <summary>How many ranks of a parameter lie in each bin.</summary>
    public int[] Histogram(int parameter)
    {
        var counts = new int[Options.Bins];
        for (var s = 0; s < Outcomes.Count; s++)
        {
            if (Ranks[(s * Names.Count) + parameter] is >= 0 and var rank)
            {
                counts[rank / Options.RanksOfBin]++;
            }
        }

        return counts;
    }

    /// <summary>The probability that uniform ranks fill the bins as unevenly as a parameter's do, by the chi-square test.</summary>
    public double ProbabilityOf(int parameter)
    {
        var counts = Histogram(parameter);
        var expected = Count / (double)counts.Length;
        return UpperTail(counts.Sum(c => (c - expected) * (c - expected) / expected), counts.Length - 1);
    }

    /// <summary>The mean rank of a parameter as a share of all, 1/2 if the ranks are uniform, with its error then.</summary>
    public (double Mean, double Error) MeanRank(int parameter)
    {
        double most = Options.Draws;
        double[] ranks = [.. Enumerable.Range(0, Outcomes.Count).Select(s => (double)Ranks[(s * Names.Count) + parameter]).Where(r => r >= 0)];
        return ranks.Length == 0 ? (double.NaN, double.NaN) : (ranks.Average() / most, Math.Sqrt((most + 2) / (12 * most * ranks.Length)));
    }

    /// <summary>What is doubtful and what to try; empty when nothing is.</summary>
    public IReadOnlyList<Status> Warnings => [.. Judge()];

    /// <summary>The result as JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["model"] = Model,
        ["method"] = Method,
        ["seed"] = Seed,
        ["simulations"] = Outcomes.Count,
        ["counted"] = Count,
        ["draws"] = Options.Draws,
        ["bins"] = Options.Bins,
        ["probability"] = ResultText.Json(Probability),
        ["uniform"] = IsUniform,
        ["parameters"] = new JsonArray([.. Enumerable.Range(0, Names.Count).Select(j => (JsonNode)new JsonObject
        {
            ["name"] = Names[j],
            ["probability"] = ResultText.Json(ProbabilityOf(j)),
            ["mean_rank"] = ResultText.Json(MeanRank(j).Mean),
            ["mean_rank_error"] = ResultText.Json(MeanRank(j).Error),
            ["histogram"] = new JsonArray([.. Histogram(j).Select(c => (JsonNode)JsonValue.Create(c))]),
        })]),
        ["outcomes"] = new JsonObject(Enum.GetValues<SimulationOutcome>().Select(
            o => KeyValuePair.Create<string, JsonNode?>(MethodOptions.NameOf(o.ToString()), Outcomes.Count(x => x == o)))),
        ["status"] = Warnings.Count == 0 ? "success" : Warnings[0].Message,
        ["warnings"] = ResultText.Json(Warnings.Select(w => w.Message)),
    };

    private IEnumerable<Status> Judge()
    {
        if (Count == 0)
        {
            yield return new Status(
                StatusCode.Failed, FormattableString.Invariant($"{Outcomes.Count} of {Outcomes.Count} simulated posteriors couldn't be sampled"),
                "look at the prior: it may allow data for which the likelihood has no value");
            yield break;
        }

        if (!IsUniform)
        {
            var worst = Enumerable.Range(0, Names.Count).MinBy(ProbabilityOf);
            var counts = Histogram(worst);
            var (mean, error) = MeanRank(worst);
            var (ends, middle) = (counts[0] + counts[^1], 2.0 * Count / counts.Length);
            var shape = Math.Abs(mean - 0.5) > 3 * error ? mean > 0.5 ? "the posterior lies below the truth" : "the posterior lies above the truth"
                : ends > middle ? "the posterior is too narrow" : "the posterior is too wide";
            yield return new Status(
                StatusCode.Failed,
                FormattableString.Invariant($"ranks of {Names[worst]} aren't uniform (p = {ProbabilityOf(worst):g2} for {Names.Count} tests): {shape}"),
                "check priors and likelihood against how data are simulated, Jacobians of supports, and the sampler's own warnings");
        }

        if (Outcomes.Count - Count is > 0 and var broken)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"{broken} of {Outcomes.Count} simulated posteriors couldn't be sampled")
                + (broken > ManyBroken * Outcomes.Count ? ", too many to leave them out" : ""),
                "look at the prior: it may allow data for which the likelihood has no value");
        }

        if (Outcomes.Count(o => o == SimulationOutcome.Failed) is > 0 and var failed)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"the sampler called its draws useless for {failed} of {Outcomes.Count} simulated sets of data"),
                "take a longer warm-up, or another parametrisation");
        }
    }

    // P(chi-square with 2 m degrees of freedom > x) = exp(-x / 2) sum over k < m of (x / 2)^k / k!.
    private static double UpperTail(double x, int freedom)
    {
        var (term, sum) = (1.0, 1.0);
        for (var k = 1; k < freedom / 2; k++)
        {
            term *= 0.5 * x / k;
            sum += term;
        }

        return Math.Min(1, Math.Exp(-0.5 * x) * sum);
    }
}
