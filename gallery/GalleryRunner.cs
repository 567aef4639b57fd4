using System.Diagnostics;

namespace Monge.Gallery;

/// <summary>Runs the experiments of gallery entries and holds each figure against its reference.</summary>
public static class GalleryRunner
{
    /// <summary>
    /// Runs an entry's experiments one after the other and yields each experiment's figures as soon as they are measured. An experiment whose
    /// data aren't there is skipped with a note.
    /// </summary>
    /// <param name="entry">The entry.</param>
    /// <param name="settings">Seed, threads and whether to keep to the quick experiments.</param>
    /// <param name="starting">Called with each experiment before it runs; may be null.</param>
    /// <param name="cancellation">Ends the run between or within experiments.</param>
    /// <exception cref="InvalidOperationException">An experiment returned another number of values than it declares figures.</exception>
    public static async IAsyncEnumerable<IReadOnlyList<FigureResult>> RunAsync(
        GalleryEntry entry,
        ExperimentSettings settings,
        Action<Experiment>? starting = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        foreach (var experiment in entry.Experiments.Where(e => e.Quick || !settings.Quick))
        {
            cancellation.ThrowIfCancellationRequested();
            starting?.Invoke(experiment);
            var seeds = FigureVerdicts.Seeds(settings.Seed, experiment.IsOverSeeds ? Math.Max(1, settings.Seeds) : 1);
            var trials = new List<SeedTrial>();
            try
            {
                foreach (var seed in seeds)
                {
                    trials.Add(await MeasureAsync(entry, experiment, settings with { Seed = seed }, cancellation));
                }
            }
            catch (ExperimentSkippedException skipped)
            {
                settings.Note($"skipped: {skipped.Message}");
                continue;
            }

            var seconds = trials.Sum(trial => trial.Seconds);
            yield return
            [
                .. experiment.Figures.Select((figure, k) =>
                {
                    double[] values = figure.IsOverSeeds ? [.. trials.Select(trial => trial.Values[k])] : [];
                    var value = figure.IsOverSeeds ? FigureVerdicts.Median(values) : trials[0].Values[k];
                    return new FigureResult(entry.Number, experiment.Name, figure, value, seconds, settings.Seed) { Values = values };
                }),
            ];
        }
    }

    private static async Task<SeedTrial> MeasureAsync(
        GalleryEntry entry, Experiment experiment, ExperimentSettings settings, CancellationToken cancellation)
    {
        string[] figures = [.. experiment.Figures.Select(figure => figure.Name)];
        var path = settings.Folder is null || !experiment.IsOverSeeds ? null : SeedTrial.Path(settings.Folder, entry.Number, experiment.Name, settings.Seed);
        if (path is not null && settings.Resume && SeedTrial.Read(path, figures) is { } known)
        {
            settings.Remark($"seed {settings.Seed}: as {path} remembers");
            foreach (var note in known.Notes)
            {
                settings.Note(note);
            }

            return known;
        }

        var (notes, clock) = (new List<string>(), Stopwatch.StartNew());
        var values = await experiment.Measure(settings with { Note = Note }, cancellation);
        if (values.Count != figures.Length)
        {
            throw new InvalidOperationException(
                $"Experiment '{experiment.Name}' of gallery entry {entry.Number} declares {figures.Length} figures but measured {values.Count}.");
        }

        var trial = new SeedTrial(SeedTrial.Today, figures, settings.Seed, values, clock.Elapsed.TotalSeconds, notes);
        if (path is not null)
        {
            trial.Write(path);
        }

        return trial;

        void Note(string line)
        {
            line = experiment.IsOverSeeds ? FormattableString.Invariant($"seed {settings.Seed}: {line}") : line;
            notes.Add(line);
            settings.Note(line);
        }
    }
}
