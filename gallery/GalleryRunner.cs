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
            var clock = Stopwatch.StartNew();
            IReadOnlyList<double> values;
            try
            {
                values = await experiment.Measure(settings, cancellation);
            }
            catch (ExperimentSkippedException skipped)
            {
                settings.Note($"skipped: {skipped.Message}");
                continue;
            }

            if (values.Count != experiment.Figures.Count)
            {
                throw new InvalidOperationException(
                    $"Experiment '{experiment.Name}' of gallery entry {entry.Number} declares {experiment.Figures.Count} figures but measured {values.Count}.");
            }

            var seconds = clock.Elapsed.TotalSeconds;
            yield return [
                .. experiment.Figures.Select((figure, k) => new FigureResult(entry.Number, experiment.Name, figure, values[k], seconds, settings.Seed))];
        }
    }
}
