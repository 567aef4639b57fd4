using System.Globalization;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Whether the stated error of log Z is honest: over many targets with known log Z and seeds, after trainings from hardly any to some, the share of 95 %
/// intervals that hold the exact value.
/// </summary>
internal static class LogNormaliserIntervals
{
    private const int Samples = 4000;
    private const int Seeds = 6;
    private const double Quantile95 = 1.959964;

    // Target and optimiser steps. The short trainings leave small effective sample sizes.
    private static readonly (string Target, int Iterations)[] s_cases =
    [
        ("gmm9", 20), ("gmm9", 200), ("double-well", 20), ("double-well", 100), ("rings", 100), ("banana", 100),
        ("many-well-5", 20), ("many-well-5", 200), ("gaussian-10", 20), ("gaussian-10", 100),
    ];

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "log-z-intervals",
            $"{s_cases.Length * Seeds} runs with short trainings on targets with known log Z: how many of the 95 % intervals of log Z cover it.",
            Quick: false,
            [FigureReference.Within("share of 95 % intervals that cover log Z", 0.945, 0.045, "definition of the interval: 90 to 99 %")],
            Measure),
    ];

    private static async Task<IReadOnlyList<double>> Measure(ExperimentSettings settings, CancellationToken cancellation)
    {
        // No two runs share a seed: equal starts would err alike.
        var pairs = s_cases.SelectMany(
            (c, i) => Enumerable.Range(0, Seeds).Select(k => (c.Target, c.Iterations, Seed: settings.Seed + (ulong)((i * Seeds) + k)))).ToArray();
        var lines = new (string Text, bool Covered)?[pairs.Length];
        var (gate, told) = (new Lock(), 0);
        var threads = settings.Threads > 0 ? settings.Threads : Environment.ProcessorCount;

        // One run to a core: short trainings share work badly.
        await Parallel.ForEachAsync(
            Enumerable.Range(0, pairs.Length),
            new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation },
            async (k, stop) =>
            {
                var line = await Run(pairs[k].Target, pairs[k].Iterations, pairs[k].Seed, stop);
                lock (gate)
                {
                    // Told in their order, each as soon as those before it are there.
                    lines[k] = line;
                    for (; told < lines.Length && lines[told] is { } next; told++)
                    {
                        settings.Note(next.Text);
                    }
                }
            });
        return [lines.Count(l => l!.Value.Covered) / (double)lines.Length];
    }

    // The exponents are given, which spares the race of short trainings between them.
    private static async Task<(string Text, bool Covered)> Run(string name, int iterations, ulong seed, CancellationToken cancellation)
    {
        var target = TargetLibrary.Get(name);
        var options = new PinnOptions { Training = new() { Iterations = iterations }, Preparation = new() { TargetExponent = 1, BaseExponent = 1 } };
        var draws = await new PinnTransport(target, options).SampleAsync(Samples, seed, null, cancellation, threads: 1);
        var exact = target.Facts.LogZ!.Value;
        var deviation = (draws.LogZ - exact) / double.Hypot(draws.LogZError, target.Facts.LogZError);
        var covered = Math.Abs(deviation) <= Quantile95;
        return (
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-12} {iterations,4} steps, seed {seed}: log Z = {draws.LogZ:F5} +- {draws.LogZError:F5}, exact {exact:F5}, off by {deviation,6:F2} "
                + $"errors, ESS {100 * draws.EffectiveSampleSize,5:F1} %{(covered ? "" : "   NOT COVERED")}   {draws.Sampler}"),
            covered);
    }
}
