using System.Globalization;
using Monge.Data;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// A sampler whose training is done: it draws weighted samples as often as asked for, and is kept in a file. Draws of equal seeds are equal to the bit, also
/// from a file. Draws from several threads wait for each other; for draws side by side, load the file once for each.
/// </summary>
public sealed class TrainedSampler : IDisposable
{
    private readonly Lock _lock = new();
    private readonly ITrainedRun _trained;
    private readonly Run _run;

    private TrainedSampler(ITransportMethod method, ITrainedRun trained, Run run)
    {
        (Method, Target, _trained, _run) = (method.Name, method.Target, trained, run with { Progress = null, Cancellation = default });
    }

    /// <summary>The method that trained it.</summary>
    public string Method { get; }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The seed of the training.</summary>
    public ulong Seed => _run.Seed;

    /// <summary>Draws weighted samples, with their log-normaliser, diagnostics and warnings.</summary>
    /// <param name="samples">Their number, at least 2.</param>
    /// <param name="seed">Seed of their random numbers; another than that of the training gives samples independent of those that were drawn with it.</param>
    /// <param name="progress">Receives what is being done.</param>
    /// <param name="cancellation">Stops between two parts of the work.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 2 samples.</exception>
    /// <exception cref="ArithmeticException">All particles were lost.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public SampleSet Draw(int samples, ulong seed, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            return _trained.Draw(samples, seed, _run with { Progress = progress, Cancellation = cancellation });
        }
    }

    /// <summary>Draws on another thread.</summary>
    /// <inheritdoc cref="Draw"/>
    public Task<SampleSet> DrawAsync(int samples, ulong seed, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Run(() => Draw(samples, seed, progress, cancellation), cancellation);

    /// <summary>Writes all that is needed to draw again: base, path, parameters and the state of the training, as safetensors.</summary>
    /// <param name="path">The file; it is replaced when the new one is whole.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            _trained.Save(path);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!IsDisposed)
            {
                IsDisposed = true;
                _trained.Dispose();
            }
        }
    }

    private bool IsDisposed { get; set; }

    /// <summary>Trains a method, or goes on with its training.</summary>
    /// <param name="method">The method, bound to its density.</param>
    /// <param name="run">Seed, threads, folder, progress, cancellation.</param>
    internal static TrainedSampler Train(ISamplingMethod method, Run run)
    {
        var transport = Transport(method);
        return new TrainedSampler(transport, TransportRun.Train(transport, run), run);
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <param name="method">The method that was trained, bound to the same density with the same options.</param>
    /// <param name="path">The file.</param>
    /// <param name="threads">Threads, 0 for all; no result depends on it.</param>
    internal static TrainedSampler Load(ISamplingMethod method, string path, int threads)
    {
        var transport = Transport(method);
        var words = SafetensorsFile.Read(path).Metadata;
        if (!words.TryGetValue("seed", out var text) || !ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seed))
        {
            throw new CheckpointException($"{path} is not a trained sampler: it lacks the seed; take a file that TrainedSampler.Save wrote.");
        }

        var run = new Run { Seed = seed, Threads = threads };
        return new TrainedSampler(transport, TransportRun.Train(transport, run, path), run);
    }

    private static ITransportMethod Transport(ISamplingMethod method) => method as ITransportMethod
        ?? throw new ArgumentException($"The method '{method.Name}' has no training that could be kept; use its Sample.", nameof(method));
}
