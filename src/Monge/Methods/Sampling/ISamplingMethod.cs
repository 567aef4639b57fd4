using Monge.Runs;

namespace Monge.Methods;

/// <summary>A method, bound to a density and options, that turns a request into weighted samples.</summary>
public interface ISamplingMethod
{
    /// <summary>The options, resolved as far as they can be before the run, as JSON.</summary>
    string Options { get; }

    /// <summary>Trains, or resumes, and samples. Returns when all is done; cancellation saves the state first.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; with a folder given, the state was saved there.</exception>
    /// <exception cref="Training.CheckpointException">The folder's checkpoint can't be resumed.</exception>
    /// <exception cref="ArithmeticException">Training produced a value that is not finite.</exception>
    SampleSet Run(SamplingRequest request, CancellationToken cancellation);
}

/// <summary>What is asked of a sampling method.</summary>
/// <param name="Samples">Number of samples, at least 2.</param>
/// <param name="Seed">The seed.</param>
public sealed record SamplingRequest(int Samples, ulong Seed)
{
    /// <summary>Where checkpoints ("checkpoint.safetensors") and at the end the model ("model.safetensors") are written; it must exist. Null writes none.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether to go on from the folder's checkpoint if it has one.</summary>
    public bool Resume { get; init; }

    /// <summary>Receives progress.</summary>
    public IProgress<Training.TrainingProgress>? Progress { get; init; }
}

/// <summary>What the options of all trained methods share.</summary>
/// <typeparam name="TSelf">The record itself.</typeparam>
public interface ITrainedOptions<TSelf>
    where TSelf : class, ITrainedOptions<TSelf>, new()
{
    /// <summary>Optimiser steps, at least 1; null for the method's default. Runs with this are repeatable to the bit.</summary>
    long? Iterations { get; }

    /// <summary>Training time; the number of steps then follows from the speed measured at the start. Not together with <see cref="Iterations"/>.</summary>
    TimeSpan? Budget { get; }

    /// <summary>Threads, 0 for all processors. Results don't depend on it.</summary>
    int Threads { get; }

    /// <summary>Number format.</summary>
    Precision Precision { get; }

    /// <summary>These options with other values of those that all methods share.</summary>
    TSelf With(long? iterations, TimeSpan? budget, int threads, Precision precision);

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    void Validate();
}

/// <summary>The settings that every method understands; the command line's flags. They override the JSON options.</summary>
public sealed record MethodSettings
{
    /// <summary>The method's options as JSON; null for its defaults.</summary>
    public string? Options { get; init; }

    /// <summary>Optimiser steps.</summary>
    public long? Iterations { get; init; }

    /// <summary>Training time.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Threads, 0 for all.</summary>
    public int? Threads { get; init; }

    /// <summary>Number format.</summary>
    public Precision? Precision { get; init; }

    /// <summary>The options of a method, read from the JSON and overridden by the settings; a number of steps replaces a budget and the other way round.</summary>
    /// <typeparam name="TOptions">The method's options.</typeparam>
    /// <exception cref="ArgumentException">The JSON can't be read, or a value is out of range.</exception>
    public TOptions Resolve<TOptions>()
        where TOptions : class, ITrainedOptions<TOptions>, new()
    {
        var options = Options is { } json ? MethodOptions.Parse<TOptions>(json) : new TOptions();
        var resolved = options.With(
            Iterations ?? (Budget is null ? options.Iterations : null), Budget ?? (Iterations is null ? options.Budget : null), Threads ?? options.Threads, Precision ?? options.Precision);
        resolved.Validate();
        return resolved;
    }
}

/// <summary>Sampling without blocking the caller.</summary>
public static class SamplingMethods
{
    /// <summary>Trains and samples on another thread.</summary>
    /// <param name="method">The method, bound to its density.</param>
    /// <param name="samples">Number of samples, at least 2.</param>
    /// <param name="seed">The seed; equal seeds and options give equal samples to the bit (without a time budget).</param>
    /// <param name="progress">Receives progress.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <exception cref="Measures.DensityException">The density can't be used.</exception>
    /// <exception cref="ArithmeticException">Training produced a value that is not finite.</exception>
    public static Task<SampleSet> SampleAsync(
        this ISamplingMethod method, int samples, ulong seed, IProgress<Training.TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Run(() => method.Run(new SamplingRequest(samples, seed) { Progress = progress }, cancellation), cancellation);
}
