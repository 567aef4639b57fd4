using Monge.Data;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of predictive checks.</summary>
public sealed record PredictiveOptions : IMethodOptions
{
    /// <summary>Sets of data that the model makes, of the posterior and of the prior each.</summary>
    public int Replicates { get; init; } = 1000;

    /// <inheritdoc/>
    public void Check() => OptionCheck.Within<int>(Replicates, 20, 1_000_000);
}

/// <summary>
/// Checks a model by the data that it makes: replicates at draws of the posterior, and of the prior where that can be drawn from, beside the data observed, by
/// mean, deviation, extremes and the correlation of neighbours. Source: A. Gelman, X.-L. Meng and H. Stern, "Posterior predictive assessment of model fitness
/// via realized discrepancies", Statistica Sinica 6 (1996); for the prior G. Box, "Sampling and Bayes' inference in scientific modelling and robustness"
/// (1980).
/// </summary>
public static class PredictiveCheck
{
    // Draws of the sampler for each replicate, so that draws of chains can be taken far apart.
    private const int Thinning = 10;

    // Of so few values the correlation of neighbours says nothing.
    private const int FewValues = 3;

    private static readonly (string Name, Func<double[], double> Of)[] s_statistics =
    [
        ("mean", values => values.Average()),
        ("deviation", Deviation),
        ("smallest", values => values.Min()),
        ("median", Median),
        ("largest", values => values.Max()),
        ("correlation of neighbours", NeighbourCorrelation),
    ];

    /// <summary>Samples the posterior, makes replicates and compares them with the data.</summary>
    /// <param name="model">The model, which can draw data at given parameters.</param>
    /// <param name="sampler">The sampler of a posterior.</param>
    /// <param name="run">Seed, threads, folder, progress, cancellation.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <param name="data">The data; null for the model's usual ones.</param>
    /// <exception cref="NotSupportedException">The model doesn't say how data are drawn.</exception>
    /// <exception cref="DataFormatException">The data don't fit the model.</exception>
    /// <exception cref="DensityException">The posterior can't be sampled.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; with a folder given, the state was saved there.</exception>
    /// <exception cref="Training.CheckpointException">The folder's checkpoint can't be resumed.</exception>
    public static PredictiveResult Run(
        PosteriorModel model, Func<Density, ISamplingMethod> sampler, Run run, PredictiveOptions? options = null, ModelData? data = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(run);
        options ??= new PredictiveOptions();
        options.Check();
        var method = sampler(model.Posterior(data));
        var set = method.Sample(Thinning * options.Replicates, run);
        var seen = data ?? model.UsualData;
        var random = new RandomStream(run.Seed, StreamName.Of("predictive"));
        var d = set.Dimension;
        var posterior = IndependentDraws.Choose(set, options.Replicates, random)
            .Select(row => model.Observe(set.Positions[(row * d)..((row + 1) * d)], random, data));
        var after = Statistics(seen, posterior);
        var before = model.CanSimulate
            ? Statistics(seen, Enumerable.Range(0, options.Replicates).Select(_ => model.Simulate(random, data).Data))
            : null;
        return new PredictiveResult
        {
            Model = model.Name,
            Method = method.Name,
            Options = options,
            Seed = run.Seed,
            Statistics =
            [
                .. after.Select(pair => new PredictiveStatistic(
                    pair.Key.Entry, pair.Key.Statistic, pair.Value.Seen, [.. pair.Value.Replicates],
                    before is null ? null : [.. before[pair.Key].Replicates])),
            ],
            SamplerWarnings = set.Warnings,
        };
    }

    // What replicates say of each entry that isn't the design's.
    private static Dictionary<(string Entry, string Statistic), (double Seen, List<double> Replicates)> Statistics(
        ModelData seen, IEnumerable<ModelData> replicates)
    {
        Dictionary<(string Entry, string Statistic), (double Seen, List<double> Replicates)> all = [];
        foreach (var replicate in replicates)
        {
            foreach (var (entry, here, there) in seen.Differences(replicate))
            {
                foreach (var (name, of) in here.Length > FewValues ? s_statistics : s_statistics[..^1])
                {
                    var key = (entry, name);
                    if (!all.TryGetValue(key, out var values))
                    {
                        all[key] = values = (of(here), []);
                    }

                    values.Replicates.Add(of(there));
                }
            }
        }

        return all;
    }

    private static double Deviation(double[] values)
    {
        var mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / Math.Max(1, values.Length - 1));
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
    }

    private static double NeighbourCorrelation(double[] values)
    {
        var mean = values.Average();
        var squares = values.Sum(v => (v - mean) * (v - mean));
        var products = values.Skip(1).Zip(values, (next, value) => (next - mean) * (value - mean)).Sum();
        return squares == 0 ? 0 : products / squares;
    }
}
