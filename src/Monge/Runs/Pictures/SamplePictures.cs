using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>What a sample set says of itself in words, figures and pictures.</summary>
public static class SamplePictures
{
    private const int MostPoints = 2500;
    private const int MostInPanels = 350;
    private const int MostInPairs = 6;
    private const int MostNamed = 40;
    private const int ExactDraws = 4000;
    private const int ConvergencePoints = 40;

    // Places of unlike spread can't share an axis.
    private const double LargestSpreadRatio = 40;

    // Exact draws for pictures; numbers of other streams stay what they are.
    private const uint PictureDraws = 0x7069_6374;

    /// <summary>Describes a finished run.</summary>
    /// <param name="draws">The samples, as they were drawn and weighted.</param>
    /// <param name="diagnostics">What is said of them.</param>
    /// <param name="target">Their target.</param>
    /// <param name="command">The command that repeats the run.</param>
    /// <param name="metrics">The table of the course of training; null without one.</param>
    public static RunPictures Describe(SampleSet draws, SampleDiagnostics diagnostics, Density target, string command, string? metrics = null)
    {
        ArgumentNullException.ThrowIfNull(draws);
        ArgumentNullException.ThrowIfNull(diagnostics);
        ArgumentNullException.ThrowIfNull(target);
        Picture?[] pictures =
        [
            .. Places(draws, target), Modes(diagnostics, target), draws.Chains is null ? Convergence(draws, target.Facts) : null, Moments(draws, target.Facts),
            Deviations(draws, target.Facts), draws.Chains is null ? Weights(draws, diagnostics) : null, Distances(diagnostics), .. CoursePictures.Read(metrics),
            FreeEnergy(draws), Scan(draws),
        ];
        var culture = CultureInfo.InvariantCulture;
        return new RunPictures($"{draws.Target} by {draws.Method}, seed {draws.Seed}", command)
        {
            Summary =
            [
                .. target.Description.Length > 0 ? (string[])[target.Description] : [],
                string.Create(culture, $"{draws.Count:N0} {(draws.Chains is null ? "weighted samples" : "draws of chains")}; {draws.Sampler}."),
                string.Create(
                    culture, $"{draws.Iterations:N0} {(draws.Chains is null ? "optimiser steps" : "transitions of warm-up")} in {draws.TrainSeconds:F1} s, "
                    + $"drawn in {draws.SampleSeconds:F1} s."),
                $"Start: {draws.Preparation.TrimEnd('.')}.",
                .. draws.UsesModeKnowledge ? (string[])["Base or path were made knowing where the modes are."] : [],
                .. draws.Correction is { } correction ? (string[])[$"samples.npy: {correction}"] : [],
                $"Monge {draws.Version}.",
            ],
            Warnings = [.. draws.Warnings.Select(w => w.Message)],
            Figures = [.. Figures(draws, diagnostics, target.Facts)],
            Pictures = [.. pictures.OfType<Picture>()],
        };
    }

    private static IEnumerable<RunFigure> Figures(SampleSet draws, SampleDiagnostics diagnostics, TargetFacts facts)
    {
        if (!double.IsNaN(draws.LogZ))
        {
            yield return new RunFigure("log Z", draws.LogZ) { Error = draws.LogZError, Reference = facts.LogZ };
        }

        if (draws.Chains is { } chains)
        {
            yield return new RunFigure("R-hat", chains.LargestRHat);
            yield return new RunFigure("effective draws, bulk", chains.LeastBulkEffectiveDraws);
            yield return new RunFigure("effective draws, tail", chains.LeastTailEffectiveDraws);
            yield return new RunFigure("divergences", chains.Divergences);
        }
        else
        {
            yield return new RunFigure("ELBO", draws.Elbo) { Error = draws.ElboError };
        }

        if (draws.Eubo is { } eubo)
        {
            yield return new RunFigure("EUBO", eubo) { Error = draws.EuboError };
        }

        if (draws.Chains is null)
        {
            yield return new RunFigure("ESS", 100 * draws.EffectiveSampleSize) { Error = 100 * diagnostics.Weights.EffectiveSampleFractionError, Unit = "%" };
        }

        if (draws.ForwardEffectiveSampleSize is { } forward)
        {
            yield return new RunFigure("forward ESS", 100 * forward) { Error = 100 * draws.ForwardEffectiveSampleSizeError, Unit = "%" };
        }

        if (diagnostics.Weights.Tail is { } tail)
        {
            yield return new RunFigure("Pareto k", tail.Shape) { Error = tail.ShapeError };
        }

        if (diagnostics.Modes is { } modes)
        {
            yield return new RunFigure("mode coverage", modes.Coverage) { Error = modes.CoverageError, Reference = diagnostics.ExactModeCoverage?.Mean };
        }

        if (draws.TargetCalls is { } calls)
        {
            yield return new RunFigure("target calls", calls);
        }

        yield return new RunFigure("training", draws.TrainSeconds) { Unit = "s" };
        yield return new RunFigure("sampling", draws.SampleSeconds) { Unit = "s" };
    }

    private static IEnumerable<Picture> Places(SampleSet draws, Density target)
    {
        var own = new PointCloud("samples", PictureTone.Ours, draws.Positions, draws.Dimension, draws.NormalizedWeights());
        if (draws.Dimension == 1)
        {
            var range = PointCloud.Range(0, own);
            var exact = IsIdentity(draws, target) ? (PictureLayer[])[DensityContours.Line(target, range)] : [];
            yield return new Picture("samples", $"Samples of {draws.Target}")
            {
                IsHeadline = true,
                Caption = "The weighted samples as a histogram.",
                X = new PictureAxis(draws.Names[0]) { From = range.Low, To = range.High },
                Y = new PictureAxis("density") { From = 0 },
                Layers = [own.Marginal(0, range.Low, range.High), .. exact],
            };
            yield break;
        }

        if (draws.Dimension == 2)
        {
            yield return Plane(new Picture("samples", $"Samples of {draws.Target}"), own, draws.Names, IsIdentity(draws, target) ? target : null);
            if (target.Dimension == 2 && !IsIdentity(draws, target))
            {
                var free = own with { Positions = draws.UnconstrainedPositions };
                yield return Plane(new Picture("unconstrained", $"Samples of {draws.Target} in unconstrained coordinates"), free, ["u[0]", "u[1]"], target);
            }

            yield break;
        }

        var exactly = target.Facts.ExactSampler is { } sampler
            ? new PointCloud(
                "exact samples", PictureTone.Exact, target.ReportAt(sampler(ExactDraws, new RandomStream(draws.Seed, PictureDraws))), draws.Dimension)
            : null;
        IReadOnlyList<PointCloud> clouds = exactly is null ? [own] : [exactly, own];
        int[] shown = [.. Enumerable.Range(0, Math.Min(MostInPairs, draws.Dimension))];
        var which = draws.Dimension > MostInPairs ? $"the first {MostInPairs} of {draws.Dimension} coordinates" : "all coordinates";
        yield return PointCloud.Pairs(
            new Picture("pairs", $"Pairs of coordinates of {draws.Target}")
            {
                IsHeadline = true,
                Caption = $"Marginals on the diagonal, pairs below it; {which}. A larger point stands for more weight.",
            },
            draws.Names, shown, MostInPanels, clouds);
    }

    private static Picture Plane(Picture picture, PointCloud cloud, IReadOnlyList<string> names, Density? target)
    {
        var contours = target is null ? null : DensityContours.Plane(target, PointCloud.Range(0, cloud), PointCloud.Range(1, cloud));
        return PointCloud.Plane(
            picture with
            {
                IsHeadline = picture.Name == "samples",
                Caption = contours is null
                    ? "The weighted samples; a larger point stands for more weight."
                    : "The weighted samples on contours of the exact density, which hold 20, 40, 60, 80 and 95 % of its mass. "
                        + "A larger point stands for more weight.",
                Layers = contours is null ? [] : [contours],
            },
            names, MostPoints, cloud);
    }

    // Whether samples are reported as the target sees them.
    private static bool IsIdentity(SampleSet draws, Density target) =>
        target.Dimension == draws.Dimension && draws.Positions.AsSpan().SequenceEqual(draws.UnconstrainedPositions);

    private static Picture? Modes(SampleDiagnostics diagnostics, Density target)
    {
        if (diagnostics.Modes is not { } found || target.Facts.Modes is not { } modes)
        {
            return null;
        }

        var shown = Math.Min(modes.Count, MostNamed);
        return new Picture("mode weights", "Weight of each mode")
        {
            IsHeadline = true,
            Caption = "Bars: the samples' weight in each mode with its standard error. Marks: the exact weights."
                + (shown < modes.Count ? $" The first {shown} of {modes.Count} modes." : ""),
            X = new PictureAxis("mode"),
            Y = new PictureAxis("weight") { From = 0 },
            Layers =
            [
                new BarsLayer([.. Enumerable.Range(0, shown).Select(modes.Name)], [.. found.Weights.Take(shown)])
                {
                    Name = "samples",
                    Errors = [.. found.Errors.Take(shown)],
                    References = [.. modes.Weights.Take(shown)],
                },
            ],
        };
    }

    private static Picture Convergence(SampleSet draws, TargetFacts facts)
    {
        var (counts, values, low, high) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var (n, last) = (draws.Count, 0);
        for (var k = 0; k < ConvergencePoints; k++)
        {
            var count = (int)Math.Round(Math.Exp(Math.Log(Math.Min(20, n)) + (k * Math.Log(n / (double)Math.Min(20, n)) / (ConvergencePoints - 1))));
            if (count <= last || !draws.LogWeights.AsSpan(0, count).ContainsAnyExcept(double.NegativeInfinity))
            {
                continue;
            }

            last = count;
            var weights = ImportanceWeights.FromLogWeights(draws.LogWeights.AsSpan(0, count));
            counts.Add(count);
            values.Add(weights.LogNormaliser);
            low.Add(weights.LogNormaliser - (2 * weights.LogNormaliserError));
            high.Add(weights.LogNormaliser + (2 * weights.LogNormaliserError));
        }

        return new Picture("log Z", "Estimate of log Z over the number of samples")
        {
            IsHeadline = true,
            Caption = $"The estimate from the first n samples, within two standard errors{(facts.LogZ is null ? "" : "; the level line is the known value")}.",
            X = new PictureAxis("samples n") { IsLogarithmic = true },
            Y = new PictureAxis("log Z"),
            Layers =
            [
                .. facts.LogZ is { } exact
                    ? (PictureLayer[])[new MarkLayer(exact) { Name = "known log Z", Tone = PictureTone.Exact, Width = facts.LogZError }]
                    : [],
                new LineLayer(counts, values) { Name = "estimate ± 2 standard errors", Low = low, High = high },
            ],
        };
    }

    private static Picture? Moments(SampleSet draws, TargetFacts facts)
    {
        var rows = draws.MomentRows().Take(MostNamed).ToArray();
        double[] spreads = [.. rows.Select(r => r.StandardDeviation).Where(s => s > 0)];
        if (draws.Dimension < 3 || spreads.Length == 0 || spreads.Max() > LargestSpreadRatio * spreads.Min())
        {
            return null;
        }

        return new Picture("moments", "Means and standard deviations")
        {
            Caption = "Points: means; bars: one standard deviation to each side." + (facts.Moments is { } known ? $" Marks: {known.Source}." : ""),
            X = new PictureAxis("value"),
            Layers =
            [
                new BarsLayer([.. rows.Select(r => r.Name)], [.. rows.Select(r => r.Mean)])
                {
                    Name = "samples, mean ± sd",
                    IsDots = true,
                    IsHorizontal = true,
                    Errors = [.. rows.Select(r => r.StandardDeviation)],
                    References = facts.Mean?.Take(rows.Length).ToArray(),
                    ReferenceErrors = facts.StandardDeviation?.Take(rows.Length).ToArray(),
                    ReferenceName = "reference, mean ± sd",
                },
            ],
        };
    }

    private static Picture? Deviations(SampleSet draws, TargetFacts facts)
    {
        if (facts.Moments is not { } known || !known.StandardDeviation.All(double.IsFinite))
        {
            return null;
        }

        var rows = draws.MomentRows().Take(MostNamed).ToArray();
        double[] scale = [.. known.StandardDeviation.Take(rows.Length)];
        return new Picture("deviations", "Means against their reference")
        {
            Caption = "How far each mean lies from its reference, in standard deviations of the reference, with its standard error: "
                + "within about two errors of zero when all is well.",
            X = new PictureAxis("(mean - reference) / reference sd"),
            Layers =
            [
                new MarkLayer(0) { Name = "reference", Tone = PictureTone.Exact, IsUpright = true },
                new BarsLayer([.. rows.Select(r => r.Name)], [.. rows.Select((r, j) => (r.Mean - known.Mean[j]) / scale[j])])
                {
                    Name = "samples ± standard error",
                    IsDots = true,
                    IsHorizontal = true,
                    Errors = [.. rows.Select((r, j) => double.Hypot(r.MeanError, known.MeanError?[j] ?? 0) / scale[j])],
                },
            ],
        };
    }

    private static Picture? Weights(SampleSet draws, SampleDiagnostics diagnostics)
    {
        double[] logs = [.. draws.LogWeights.Where(double.IsFinite).Select(l => l - draws.LogZ)];
        if (logs.Length == 0)
        {
            return null;
        }

        var cloud = new PointCloud("samples", PictureTone.Ours, logs, 1);
        var (low, high) = PointCloud.Range(0, cloud);
        high = Math.Max(high, logs.Max());
        var half = diagnostics.Weights.SamplesHoldingHalf;
        return new Picture("weights", "Weights")
        {
            Caption = "log w - log Z of the samples; all at 0 for a perfect transport. "
                + FormattableString.Invariant($"Half of the weight is held by {half:N0} of {draws.Count:N0} samples."),
            X = new PictureAxis("log weight - log Z") { From = low, To = high },
            Y = new PictureAxis("density") { From = 0 },
            Layers = [cloud.Marginal(0, low, high), new MarkLayer(0) { Name = "equal weights", Tone = PictureTone.Exact, IsUpright = true }],
        };
    }

    private static Picture? Distances(SampleDiagnostics diagnostics)
    {
        if (diagnostics.Distances.Count == 0)
        {
            return null;
        }

        return new Picture("distances", "Distances from exact samples")
        {
            Caption = "How far each distance lies above that between two exact sets of the same size, in spreads of the latter: "
                + "within the band, the samples can't be told from exact ones.",
            X = new PictureAxis("excess over the floor (spreads)"),
            Layers =
            [
                new MarkLayer(0) { Name = "exact sets ± 2 spreads", Tone = PictureTone.Exact, IsUpright = true, Width = 2 },
                new BarsLayer([.. diagnostics.Distances.Select(d => d.Cost)], [.. diagnostics.Distances.Select(d => d.Excess)])
                {
                    Name = "samples",
                    IsDots = true,
                    IsHorizontal = true,
                    Errors = [.. diagnostics.Distances.Select(d => (d.ValueError ?? 0) / d.FloorSpread)],
                },
            ],
        };
    }

    private static Picture? FreeEnergy(SampleSet draws)
    {
        if (draws.FreeEnergy is not { Count: > 1 } profile)
        {
            return null;
        }

        return new Picture("free energy", "Free energy along the path")
        {
            Caption = "F = -log Z of the path's density at each time, within two standard errors.",
            X = new PictureAxis("t"),
            Y = new PictureAxis("F"),
            Layers =
            [
                new LineLayer([.. profile.Select(p => p.Time)], [.. profile.Select(p => p.Value)])
                {
                    Name = "estimate ± 2 standard errors",
                    Low = [.. profile.Select(p => p.Value - (2 * p.Error))],
                    High = [.. profile.Select(p => p.Value + (2 * p.Error))],
                },
            ],
        };
    }

    private static Picture? Scan(SampleSet draws)
    {
        if (draws.SamplerScan is not { Count: > 0 } scan)
        {
            return null;
        }

        return new Picture("sampler scan", "Samplers tried after the training")
        {
            Caption = "On a validation batch; the one with the largest effective sample size drew the samples.",
            Layers =
            [
                new TableLayer(["sampler", "ESS", "log Z"], [.. scan.Select(s => (IReadOnlyList<string>)
                [
                    s.Sampler,
                    string.Create(CultureInfo.InvariantCulture, $"{100 * s.EffectiveSampleSize:F1} %"),
                    string.Create(CultureInfo.InvariantCulture, $"{s.LogZ:F4} ± {s.LogZError:G2}"),
                ])]),
            ],
        };
    }
}
