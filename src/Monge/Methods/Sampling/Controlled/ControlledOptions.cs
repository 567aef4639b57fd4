using Monge.Objectives;

namespace Monge.Methods;

/// <summary>The trajectory-based samplers: one algorithm with different kernels (<see cref="Dynamics.KernelSchedule"/>).</summary>
public enum ControlledAlgorithm
{
    /// <summary>Path integral sampler: controlled Brownian motion from one point.</summary>
    Pis,

    /// <summary>Time-reversed diffusion sampler.</summary>
    Dis,

    /// <summary>Denoising diffusion sampler: a controlled stationary Ornstein-Uhlenbeck process.</summary>
    Dds,

    /// <summary>General bridge sampler: forward and backward control are both learned.</summary>
    Gbs,

    /// <summary>Controlled Monte Carlo diffusion: annealed Langevin dynamics with a control.</summary>
    Cmcd,
}

/// <summary>The score that a control sees through its gate.</summary>
public enum ScoreGate
{
    /// <summary>No score: a plain network.</summary>
    None,

    /// <summary>The score of the target at every time.</summary>
    Target,

    /// <summary>The score of the geometric path from the base to the target at the time.</summary>
    Interpolated,
}

/// <summary>Options of the trajectory-based samplers <see cref="ControlledTransport"/>. A null means: chosen from method and target, and written back resolved.</summary>
public sealed record ControlledOptions : ITrainedOptions<ControlledOptions>
{
    /// <summary>The loss: kl or logVariance.</summary>
    public PathSpaceLoss Loss { get; init; } = PathSpaceLoss.LogVariance;

    /// <summary>Optimiser steps, at least 1; null for the default of the target's size. Runs with this are repeatable to the bit.</summary>
    public long? Iterations { get; init; }

    /// <summary>Training time; the number of steps then follows from the speed measured at the start. Not together with <see cref="Iterations"/>.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Threads, 0 for all processors. Results don't depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Number format of networks, paths and training.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Steps of a path, 2 to 100,000.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>Segments by which the Kullback-Leibler loss is propagated back, 1 to the number of steps; null for about the square root. Results don't depend on it.</summary>
    public int? Segments { get; init; }

    /// <summary>Paths per optimiser step, 16 to 1,000,000.</summary>
    public int BatchSize { get; init; } = 512;

    /// <summary>Units in each hidden layer of a control, 1 to 4096.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Hidden layers of a control, 1 to 16.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>Peak learning rate of Adam, above 0 and at most 1.</summary>
    public double LearningRate { get; init; } = 5e-3;

    /// <summary>Final learning rate as a share of the peak, 0 to 1.</summary>
    public double FinalLearningRateShare { get; init; } = 0.02;

    /// <summary>The gradient is scaled down to this norm when it is longer; above 0.</summary>
    public double GradientClip { get; init; } = 1.0;

    /// <summary>Decay of the exponential moving average of the parameters that sampling uses, 0 to below 1.</summary>
    public double AverageDecay { get; init; } = 0.995;

    /// <summary>The score that the forward control sees.</summary>
    public ScoreGate? Score { get; init; }

    /// <summary>The gate before training.</summary>
    public double? GateStart { get; init; }

    /// <summary>Bound on each coordinate of scores and of the network's output, above 0; five times as wide from iteration 200 and again from iteration 400.</summary>
    public double Clip { get; init; } = 10;

    /// <summary>Standard deviation of an isotropic base N(0, s^2 I) in unconstrained coordinates; null takes the base that the target suggests. Paths run in coordinates in which the base is N(0, I).</summary>
    public double? BaseScale { get; init; }

    /// <summary>Factor on the standard deviations of a suggested base, 0.1 to 10.</summary>
    public double BaseInflation { get; init; } = 1;

    /// <summary>pis: the variance, in the base's units, at which paths end without control; above 0.</summary>
    public double Variance { get; init; } = 1;

    /// <summary>dis, dds, gbs: the noising rate beta at the target's end, above 0.</summary>
    public double LeastRate { get; init; } = 0.1;

    /// <summary>dis, dds, gbs: the noising rate beta at the base's end, at least <see cref="LeastRate"/>.</summary>
    public double GreatestRate { get; init; } = 10;

    /// <summary>cmcd: eps h of a Langevin step in units of the inverse mean curvature of the path's density, above 0.</summary>
    public double LangevinStep { get; init; } = 0.1;

    /// <summary>Seconds between two checkpoints, above 0; one is also written at the end and on cancellation.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    /// <inheritdoc/>
    public ControlledOptions With(long? iterations, TimeSpan? budget, int threads, Precision precision) =>
        this with { Iterations = iterations, Budget = budget, Threads = threads, Precision = precision };

    /// <summary>Reads options from JSON.</summary>
    /// <exception cref="ArgumentException">The text is not JSON, has an unknown name, or a value is out of range.</exception>
    public static ControlledOptions Parse(string json)
    {
        var options = MethodOptions.Parse<ControlledOptions>(json);
        options.Validate();
        return options;
    }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it, its value and the range.</exception>
    public void Validate()
    {
        Check(Enum.IsDefined(Loss), "loss", Loss, "kl or logVariance");
        Check(Iterations is null or >= 1, "iterations", Iterations, "at least 1");
        Check(Budget is null || Budget > TimeSpan.Zero, "budget", Budget, "longer than zero");
        Check(Iterations is null || Budget is null, "budget", Budget, "left out when iterations are given");
        Check(Threads >= 0, "threads", Threads, "0 (all processors) or more");
        Check(Enum.IsDefined(Precision), "precision", Precision, "float32 or float64");
        Check(Steps is >= 2 and <= 100_000, "steps", Steps, "2 to 100,000");
        Check(Segments is null || (Segments >= 1 && Segments <= Steps), "segments", Segments, "1 to the number of steps");
        Check(BatchSize is >= 16 and <= 1_000_000, "batchSize", BatchSize, "16 to 1,000,000");
        Check(Width is >= 1 and <= 4096, "width", Width, "1 to 4096");
        Check(Depth is >= 1 and <= 16, "depth", Depth, "1 to 16");
        Check(LearningRate is > 0 and <= 1, "learningRate", LearningRate, "above 0 and at most 1");
        Check(FinalLearningRateShare is >= 0 and <= 1, "finalLearningRateShare", FinalLearningRateShare, "0 to 1");
        Check(GradientClip > 0, "gradientClip", GradientClip, "above 0");
        Check(AverageDecay is >= 0 and < 1, "averageDecay", AverageDecay, "0 to below 1");
        Check(Score is null || Enum.IsDefined(Score.Value), "score", Score, "none, target or interpolated");
        Check(GateStart is null || double.IsFinite(GateStart.Value), "gateStart", GateStart, "finite");
        Check(Clip > 0, "clip", Clip, "above 0");
        Check(BaseScale is null || (BaseScale > 0 && double.IsFinite(BaseScale.Value)), "baseScale", BaseScale, "above 0");
        Check(BaseInflation is >= 0.1 and <= 10, "baseInflation", BaseInflation, "0.1 to 10");
        Check(Variance > 0 && double.IsFinite(Variance), "variance", Variance, "above 0");
        Check(LeastRate > 0 && double.IsFinite(LeastRate), "leastRate", LeastRate, "above 0");
        Check(GreatestRate >= LeastRate && double.IsFinite(GreatestRate), "greatestRate", GreatestRate, "at least leastRate");
        Check(LangevinStep > 0 && double.IsFinite(LangevinStep), "langevinStep", LangevinStep, "above 0");
        Check(CheckpointSeconds > 0, "checkpointSeconds", CheckpointSeconds, "above 0");
    }

    private static void Check(bool holds, string name, object? value, string range)
    {
        if (!holds)
        {
            throw new ArgumentException(FormattableString.Invariant($"The option '{name}' is {value}; it must be {range}."));
        }
    }
}
