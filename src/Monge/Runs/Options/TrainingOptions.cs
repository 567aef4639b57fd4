using Monge.Training;

namespace Monge.Runs;

/// <summary>How a method trains: shared by all that do. A null takes the method's own default, which the resolved options say.</summary>
public sealed record TrainingOptions : IOptionGroup
{
    /// <summary>Optimiser steps, at least 1. Runs with this are repeatable to the bit.</summary>
    public long? Iterations { get; init; }

    /// <summary>Training time; the number of steps then follows from the speed measured at the start. Not together with <see cref="Iterations"/>.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Samples of a step, 2 to 10,000,000.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Peak learning rate, above 0 and at most 1.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Final learning rate as a share of the peak, 0 to 1.</summary>
    public double? FinalLearningRateShare { get; init; }

    /// <summary>The gradient is scaled down to this norm when it is longer; above 0.</summary>
    public double? GradientClip { get; init; }

    /// <summary>Decay of the exponential moving average of the parameters, which is used after the training, 0 to below 1.</summary>
    public double? AverageDecay { get; init; }

    /// <summary>Seconds between two checkpoints, above 0; one is also written at the end and on cancellation.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    /// <summary>These options, what is missing taken from others; the number of steps stays open where a budget is given.</summary>
    /// <param name="defaults">The method's own values.</param>
    public TrainingOptions Or(TrainingOptions defaults)
    {
        ArgumentNullException.ThrowIfNull(defaults);
        return this with
        {
            Iterations = Iterations ?? (Budget is null ? defaults.Iterations : null),
            BatchSize = BatchSize ?? defaults.BatchSize,
            LearningRate = LearningRate ?? defaults.LearningRate,
            FinalLearningRateShare = FinalLearningRateShare ?? defaults.FinalLearningRateShare,
            GradientClip = GradientClip ?? defaults.GradientClip,
            AverageDecay = AverageDecay ?? defaults.AverageDecay,
        };
    }

    /// <summary>
    /// How a step follows the gradient: by Adam, the learning rate rising over the first steps and falling along half a cosine. Of resolved options.
    /// </summary>
    public GradientStepOptions ToStep() => new()
    {
        LearningRate = new WarmCosineRate(LearningRate!.Value, FinalLearningRateShare!.Value),
        GradientClip = GradientClip!.Value,
        AverageDecay = AverageDecay!.Value,
    };

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.AtLeast(Iterations, 1);
        OptionCheck.Require(Budget is null || Budget > TimeSpan.Zero, Budget, "longer than zero");
        OptionCheck.Require(Iterations is null || Budget is null, Budget, "left out when iterations are given");
        OptionCheck.Within(BatchSize, 2, 10_000_000);
        OptionCheck.AboveTo(LearningRate, 0, 1);
        OptionCheck.Within(FinalLearningRateShare, 0, 1);
        OptionCheck.Above(GradientClip, 0);
        OptionCheck.Below(AverageDecay, 0, 1);
        OptionCheck.Above<double>(CheckpointSeconds, 0);
    }
}

/// <summary>The size of a perceptron. A null takes the method's own default.</summary>
public sealed record NetworkSizeOptions : IOptionGroup
{
    /// <summary>Units in each hidden layer, 1 to 8192.</summary>
    public int? Width { get; init; }

    /// <summary>Hidden layers, 1 to 64.</summary>
    public int? Depth { get; init; }

    /// <summary>These options, what is missing taken from others.</summary>
    /// <param name="width">Units in each hidden layer.</param>
    /// <param name="depth">Hidden layers.</param>
    public NetworkSizeOptions Or(int width, int depth) => new() { Width = Width ?? width, Depth = Depth ?? depth };

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within(Width, 1, 8192);
        OptionCheck.Within(Depth, 1, 64);
    }
}
