using System.Globalization;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>A method, bound to a density and options, that turns a number of samples into weighted samples.</summary>
public interface ISamplingMethod
{
    /// <summary>The method's name.</summary>
    string Name { get; }

    /// <summary>The options, resolved as far as they can be before the run.</summary>
    IMethodOptions Options { get; }

    /// <summary>Runs, or goes on with a run, and samples. Returns when all is done; cancellation saves the state first.</summary>
    /// <param name="samples">Number of samples, at least 2.</param>
    /// <param name="run">Seed, threads, folder, progress, cancellation.</param>
    /// <exception cref="DensityException">The density can't be used.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; with a folder given, the state was saved there.</exception>
    /// <exception cref="CheckpointException">The folder's checkpoint can't be resumed.</exception>
    /// <exception cref="ArithmeticException">The run produced a value that is not finite.</exception>
    SampleSet Sample(int samples, Run run);
}

/// <summary>A density to be sampled.</summary>
/// <param name="Target">The density.</param>
/// <param name="Samples">Number of samples to draw, at least 2.</param>
public sealed record SamplingProblem(Density Target, int Samples);

/// <summary>Sampling without blocking the caller, and what all samplers check.</summary>
public static class SamplingMethods
{
    /// <summary>Runs and samples on another thread.</summary>
    /// <param name="method">The method, bound to its density.</param>
    /// <param name="samples">Number of samples, at least 2.</param>
    /// <param name="seed">The seed; equal seeds and options give equal samples to the bit (without a time budget).</param>
    /// <param name="progress">Receives progress.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <param name="threads">Threads, 0 for all; no result depends on it.</param>
    /// <exception cref="DensityException">The density can't be used.</exception>
    /// <exception cref="ArithmeticException">Training produced a value that is not finite.</exception>
    public static Task<SampleSet> SampleAsync(
        this ISamplingMethod method, int samples, ulong seed, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default, int threads = 0) =>
        Task.Run(() => method.Sample(samples, new Run { Seed = seed, Threads = threads, Progress = progress, Cancellation = cancellation }), cancellation);

    /// <summary>Trains once, to draw many times.</summary>
    /// <param name="method">The method, bound to its density: one of the library's trained transports.</param>
    /// <param name="run">Seed, threads, folder, progress, cancellation.</param>
    /// <exception cref="ArgumentException">The method has no training.</exception>
    /// <exception cref="DensityException">The density can't be used.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; with a folder given, the state was saved there.</exception>
    /// <exception cref="CheckpointException">The folder's checkpoint can't be resumed.</exception>
    public static TrainedSampler Train(this ISamplingMethod method, Run run)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(run);
        return TrainedSampler.Train(method, run);
    }

    /// <summary>Trains on another thread.</summary>
    /// <inheritdoc cref="Train"/>
    public static Task<TrainedSampler> TrainAsync(this ISamplingMethod method, Run run) => Task.Run(() => Train(method, run));

    /// <summary>Reads a trained sampler that <see cref="TrainedSampler.Save"/> wrote; also the checkpoint of a finished run.</summary>
    /// <param name="method">The method that was trained, bound to the same density with the same options.</param>
    /// <param name="path">The file.</param>
    /// <param name="threads">Threads, 0 for all; no result depends on it.</param>
    /// <exception cref="ArgumentException">The method has no training.</exception>
    /// <exception cref="Data.DataFormatException">The file is no safetensors file.</exception>
    /// <exception cref="CheckpointException">It is of another density, method or options.</exception>
    public static TrainedSampler Load(this ISamplingMethod method, string path, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentException.ThrowIfNullOrEmpty(path);
        return TrainedSampler.Load(method, path, threads);
    }

    /// <summary>Checks what a sampler is asked for.</summary>
    /// <param name="target">The density.</param>
    /// <param name="samples">Number of samples.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 2 samples.</exception>
    /// <exception cref="DensityException">The density can't be used.</exception>
    public static void Check(Density target, int samples)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        target.Check();
    }

    /// <summary>What names a target in a run's files.</summary>
    public static IReadOnlyList<(string Name, string Value)> Identity(Density target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return
        [
            ("target", target.Name), ("dimension", target.Dimension.ToString(CultureInfo.InvariantCulture)),
            (RunIdentity.DensityName, DensityFingerprint.Of(target)),
        ];
    }
}
