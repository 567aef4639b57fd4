using System.Globalization;
using System.IO.Compression;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 11, item 4: posteriors of logistic regression as the limit of the gradient flow, beside Metropolis-adjusted Langevin chains on the same split.
/// Judged are the flow's own draws, of equal weight as in the paper; what importance weights make of them is noted.
/// </summary>
internal static class LogisticPosteriors
{
    private const int Draws = 4096;
    private const double AccuracyBar = 0.01;
    private const double LogLikelihoodBar = 0.02;
    private const string FolderVariable = "MONGE_DATA";
    private const string DefaultFolder = "../shared/data";

    // Chains start wider than the posterior, and each of two halves of their way is judged.
    private const double Overdispersion = 1.5;

    // Newton's method for their start begins without weights and here.
    private const double UsualLogPrecision = -4;

    // The rate of the prior of the weights' precision (LogisticPosterior).
    private const double PriorRate = 100;

    private static readonly StreamName s_starts = StreamName.Of("logistic posteriors: starts of chains");
    private static readonly StreamName s_rows = StreamName.Of("logistic posteriors: rows");

    private static readonly DataSet[] s_sets =
    [
        new("german", "German credit, 700 of 1000 rows", 700, _ => ClassificationLibrary.GermanCredit()),
        new("twonorm", "twonorm in 20 coordinates, 400 rows", 400, random => ClassificationLibrary.TwoNorm(7400, random))
        {
            NearlyParts = true, Chains = 256, ChainSteps = 20_000,
        },
        new("ringnorm", "ringnorm in 20 coordinates, 400 rows", 400, random => ClassificationLibrary.RingNorm(7400, random)),
        new("waveform", "the first class of waveform against the others, 400 rows", 400, random => ClassificationLibrary.Waveform(5000, random)),
        new("banana", "the banana benchmark, 400 of 5300 rows", 400, _ => Table("shapes-2d/banana.csv", 1)),
        new("pima", "Pima diabetes with its zeros for missing values, 468 of 768 rows", 468, _ => Table("bayes-logistic/pima.csv", 0)),
        new(
            "covertype",
            "forest cover, class 2 against the rest, 16,000 of a stratified sample of 20,000 rows (not the natural frequencies), mini-batches of 512",
            16_000, _ => Cover()) { BatchRows = 512, Chains = 256, ChainSteps = 1000 },
    ];

    // Posteriors of regressions are nearly normal: maps with a free affine part.
    private static readonly JkoSamplerOptions s_options = new()
    {
        AffinePart = true,
        FirstStep = 0.25,
        StepGrowth = 1.5,
        Steps = 16,
        Tolerance = 2e-3,
        Training = new() { Iterations = 4800, LearningRate = 5e-3 },
    };

    private static readonly JkoSamplerOptions s_quick = s_options with
    {
        Steps = 5,
        StepGrowth = 2,
        Width = 16,
        Pool = 8192,
        Training = s_options.Training with { Iterations = 1000, BatchSize = 256 },
    };

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "posterior-quick",
            "Logistic regression on 200 rows of ringnorm, mini-batches of 64, with small maps: accuracy and log-likelihood beside Langevin chains.",
            Quick: true,
            Figures("200 rows of ringnorm"),
            Experiment.InBackground((settings, cancellation) => Measure(
                new("ringnorm", "", 200, random => ClassificationLibrary.RingNorm(2200, random)) { BatchRows = 64, Chains = 512, ChainSteps = 500 },
                s_quick, settings, cancellation))),
        .. s_sets.Select(set => new Experiment(
            $"posterior-{set.Name}",
            $"Logistic regression with an unknown scale of the weights: {set.Words}. 4096 draws beside Langevin chains.",
            Quick: false,
            Figures(set.Name),
            Experiment.InBackground((settings, cancellation) => Measure(set, s_options, settings, cancellation)))),
    ];

    private static IReadOnlyList<FigureReference> Figures(string name) =>
    [
        FigureReference.AtMost($"{name}: difference of test accuracy", AccuracyBar, "bar of the project; Metropolis-adjusted Langevin chains, same split"),
        FigureReference.AtMost($"{name}: difference of mean test log-likelihood", LogLikelihoodBar, "bar of the project; the same chains"),
    ];

    private static double[] Measure(DataSet set, JkoSamplerOptions options, ExperimentSettings settings, CancellationToken cancellation)
    {
        var random = new RandomStream(settings.Seed, s_rows);
        var (train, test) = set.Read(random).Split(set.TrainingRows, random);
        var (rows, held) = (train.StandardisedBy(train), test.StandardisedBy(train));
        var posterior = LogisticPosterior.Create($"logistic regression on {set.Name}", rows, set.BatchRows);
        var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
        var draws = new JkoTransport(posterior, options).Sample(Draws, run);
        var (flow, weighted) = (LogisticPosterior.Predict(held, draws.Positions), LogisticPosterior.Predict(held, draws.Positions, draws.NormalizedWeights()));
        var target = set.NearlyParts ? WithNormalPrior(posterior.Density) : posterior.Density;
        var half = Chains(target, draws, set, settings, cancellation);
        var chains = half.Refine(target, set.ChainSteps, ~settings.Seed, settings.Threads, cancellation: cancellation);
        var (reference, early) = (LogisticPosterior.Predict(held, Weights(chains, set)), LogisticPosterior.Predict(held, Weights(half, set)));
        settings.Remark(
            $"{set.Name}: accuracy {flow.Accuracy:f4}, log-likelihood {flow.LogLikelihood:f4}; weighted {weighted.Accuracy:f4}, {weighted.LogLikelihood:f4}; "
            + $"chains {reference.Accuracy:f4}, {reference.LogLikelihood:f4} (half way {early.Accuracy:f4}, {early.LogLikelihood:f4}; {chains.Correction}); "
            + $"ESS {draws.EffectiveSampleSize:f3}, log Z {draws.LogZ:f2} +- {draws.LogZError:f2}; {draws.Sampler}; {draws.Iterations} iterations");
        return [Math.Abs(flow.Accuracy - reference.Accuracy), Math.Abs(flow.LogLikelihood - reference.LogLikelihood)];
    }

    // Chains that know nothing of the flow: from the normal law around the posterior's mode, widened, or from the prior. Of the draws they take names and
    // target alone.
    private static SampleSet Chains(Density target, SampleSet draws, DataSet set, ExperimentSettings settings, CancellationToken cancellation)
    {
        var (random, p) = (new RandomStream(settings.Seed, s_starts), target.Dimension - 1);
        double[] starts = set.NearlyParts
            ? [.. Enumerable.Range(0, set.Chains * (p + 1)).Select(
                at => at % (p + 1) < p ? random.NextNormal() : Math.Log(random.NextExponential() / PriorRate))]
            : Around(target).Sample(set.Chains, random);
        var wide = draws with
        {
            Positions = starts,
            UnconstrainedPositions = starts,
            LogWeights = new double[set.Chains],
            Correction = set.NearlyParts ? "from the prior" : "around the mode, widened",
        };
        return wide.Refine(target, set.ChainSteps, settings.Seed, settings.Threads, cancellation: cancellation);
    }

    private static GaussianBase Around(Density target) => LaplaceApproximation.TryFind(target, [.. new double[target.Dimension - 1], UsualLogPrecision])
        ?.ToGaussian(Overdispersion)
        ?? throw new InvalidOperationException($"Newton's method found no mode of '{target.Name}' for its reference chains to start around.");

    // Where labels can nearly be told apart, large weights are nearly as good as larger ones, and the posterior's tails fall like a power, which no chain sees
    // the end of. In (v, log a), w = v / root a, they are a normal law's and those of log a alone.
    private static Density WithNormalPrior(Density posterior)
    {
        var p = posterior.Dimension - 1;
        return Density.Create($"{posterior.Name}, weights in units of their prior", posterior.Dimension, x =>
        {
            var logPrecision = x[p];
            var weights = x.Slice(0, 0, p) * (-0.5 * logPrecision).Exp();
            return posterior.LogDensity(Expr.Concat(0, weights, logPrecision.Reshape(1))) - (0.5 * p * logPrecision);
        });
    }

    private static double[] Weights(SampleSet chains, DataSet set)
    {
        var d = chains.Dimension;
        var positions = chains.Positions;
        return !set.NearlyParts ? positions
            : [.. positions.Select((v, at) => at % d == d - 1 ? v : v * Math.Exp(-0.5 * positions[(at / d * d) + d - 1]))];
    }

    private static LabelledRows Table(string name, int headLines)
    {
        double[][] rows = [.. File.ReadLines(Find(name)).Skip(headLines).Where(l => l.Length > 0).Select(Numbers)];
        return Labelled(rows, label => label > 0);
    }

    private static LabelledRows Cover()
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(Find("covertype/covtype.20k.data.gz")), CompressionMode.Decompress));
        double[][] rows = [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Numbers)];
        return Labelled(rows, label => label == 2);
    }

    private static double[] Numbers(string line) => [.. line.Split(',').Select(field => double.Parse(field, CultureInfo.InvariantCulture))];

    private static LabelledRows Labelled(double[][] rows, Predicate<double> isFirst) =>
        new([.. rows.SelectMany(r => r[..^1])], rows[0].Length - 1, [.. rows.Select(r => isFirst(r[^1]) ? 1.0 : -1.0)]);

    private static string Find(string name)
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable) ?? DefaultFolder;
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? path : throw new ExperimentSkippedException(
            $"{path} isn't there: set {FolderVariable} to the folder that holds {name}.");
    }

    private sealed record DataSet(string Name, string Words, int TrainingRows, Func<RandomStream, LabelledRows> Read)
    {
        public int? BatchRows { get; init; }

        public int Chains { get; init; } = 2048;

        public int ChainSteps { get; init; } = 2000;

        public bool NearlyParts { get; init; }
    }
}
