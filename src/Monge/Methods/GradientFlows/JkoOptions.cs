using Monge.Fields;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>The options of <see cref="JkoFlow"/>.</summary>
public sealed record JkoOptions : IMethodOptions
{
    /// <summary>The time up to which the law is followed, above 0; null for the problem's.</summary>
    public double? Until { get; init; }

    /// <summary>The length h of a step, above 0; the last one ends at <see cref="Until"/>.</summary>
    public double Step { get; init; } = 0.05;

    /// <summary>Optimiser steps for each map, at least 1.</summary>
    public int Iterations { get; init; } = 500;

    /// <summary>Samples of an optimiser step, 2 to 1,000,000.</summary>
    public int BatchSize { get; init; } = 1024;

    /// <summary>Samples of the law before a step that the batches are taken from, at least the batch's size.</summary>
    public int Pool { get; init; } = 100_000;

    /// <summary>The learning rate at the start of each map, above 0 and at most 1.</summary>
    public double LearningRate { get; init; } = 5e-3;

    /// <summary>The learning rate at the end of each map as a share of that at its start, 0 to 1; 1 is the source's constant rate.</summary>
    public double FinalLearningRateShare { get; init; } = 0.02;

    /// <summary>Decay of the moving average of a map's parameters, which is the map kept, 0 to below 1.</summary>
    public double AverageDecay { get; init; } = 0.98;

    /// <summary>Units of each of the network's two hidden layers, 1 to 8192.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Rank of each unit's quadratic form, 1 to 256.</summary>
    public int Rank { get; init; } = 5;

    /// <summary>Whether the potential has a free quadratic part besides, so that affine maps are exact; the source has none.</summary>
    public bool AffinePart { get; init; } = true;

    /// <summary>The most optimiser steps by which the first map is brought to the identity; they end early where it is. At least 0.</summary>
    public int IdentityIterations { get; init; } = 4000;

    /// <summary>Seconds between two checkpoints, above 0.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    /// <summary>The gradient is scaled down to this norm when it is longer.</summary>
    internal double GradientClip { get; init; } = 10;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Above(Until, 0);
        OptionCheck.Above<double>(Step, 0);
        OptionCheck.AtLeast<int>(Iterations, 1);
        OptionCheck.Within<int>(BatchSize, 2, 1_000_000);
        OptionCheck.AtLeast<int>(Pool, BatchSize);
        OptionCheck.AboveTo<double>(LearningRate, 0, 1);
        OptionCheck.Within<double>(FinalLearningRateShare, 0, 1);
        OptionCheck.Below<double>(AverageDecay, 0, 1);
        OptionCheck.Within<int>(Width, 1, 8192);
        OptionCheck.Within<int>(Rank, 1, 256);
        OptionCheck.AtLeast<int>(IdentityIterations, 0);
        OptionCheck.Above<double>(CheckpointSeconds, 0);
    }

    /// <summary>The network that these options describe.</summary>
    internal ConvexNetworkOptions Network => new() { Width = Width, Rank = Rank, HasAffinePart = AffinePart };
}
