using Monge.Fields;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>How <see cref="JkoFilter"/> takes samples of a law given observations.</summary>
public enum Conditioning
{
    /// <summary>
    /// By importance sampling: paths start from a Gaussian that is fitted to where such paths start, observation by observation, and are drawn by their
    /// weights.
    /// </summary>
    Importance,

    /// <summary>The source's: independence Metropolis chains whose paths start from the initial law, as many as a batch has samples.</summary>
    Metropolis,
}

/// <summary>How log det of a map's Jacobian enters the training.</summary>
public enum LogDeterminantForm
{
    /// <summary>By the Cholesky factor of each sample's Hessian: no noise, at a cost of the cube of the dimension.</summary>
    Exact,

    /// <summary>By stochastic Lanczos quadrature (<see cref="Engine.Programs.LanczosLogDeterminant"/>): products of the Hessian with vectors alone.</summary>
    Lanczos,
}

/// <summary>The options of <see cref="JkoFlow"/> and <see cref="JkoFilter"/>.</summary>
public sealed record JkoOptions : IMethodOptions
{
    /// <summary>The time up to which the law is followed, above 0; null for the problem's.</summary>
    public double? Until { get; init; }

    /// <summary>The length h of a step, above 0; the last one ends at <see cref="Until"/>.</summary>
    public double Step { get; init; } = 0.05;

    /// <summary>Optimiser steps for each map, at least 1; with a budget the run finds them.</summary>
    public int Iterations { get; init; } = 500;

    /// <summary>
    /// The time of the whole training: as many optimiser steps for each map as fit into it, by the speed that is measured when the first one begins. The number
    /// is then kept, so that a resumed run ends as an uninterrupted one. Null for the number of iterations.
    /// </summary>
    public TimeSpan? Budget { get; init; }

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

    /// <summary>
    /// Quadratics that a unit joins, 1 to the width and a divisor of it (<see cref="ConvexNetworkOptions.Pieces"/>). 1 is the source's, and best for laws that
    /// stay nearly Gaussian; 16 is better by far where there are many modes.
    /// </summary>
    public int Pieces { get; init; } = 1;

    /// <summary>
    /// Whether the potential has a free quadratic part besides, so that affine maps are exact; the source has none. Null has it, except given observations:
    /// beside it the network starts small, and in a rippled potential stays so.
    /// </summary>
    public bool? AffinePart { get; init; }

    /// <summary>
    /// Whether a network without an affine part starts near the identity rather than far from it as the source's: better by far where the law stays nearly
    /// Gaussian, worse where it comes to modes or ripples, whose features the way from afar brings.
    /// </summary>
    public bool StartNearIdentity { get; init; }

    /// <summary>The most optimiser steps by which the first map is brought to the identity; they end early where it is. At least 0.</summary>
    public int IdentityIterations { get; init; } = 4000;

    /// <summary>Of an evolution with observations: how samples of the law given an observation are taken for the maps after it.</summary>
    public Conditioning Conditioning { get; init; } = Conditioning.Importance;

    /// <summary>With <see cref="Conditioning.Metropolis"/>: moves of each chain before its first sample, at least 0.</summary>
    public int WarmUpMoves { get; init; } = 1000;

    /// <summary>With <see cref="Conditioning.Metropolis"/>: moves between two samples of a chain, at least 1.</summary>
    public int DecorrelationMoves { get; init; } = 2;

    /// <summary>
    /// How log det of a map's Jacobian enters the training, and that alone: densities are always exact. Null is exact up to 64 coordinates, by Lanczos above.
    /// </summary>
    public LogDeterminantForm? LogDeterminant { get; init; }

    /// <summary>With <see cref="LogDeterminantForm.Lanczos"/>: probes of a sample, 1 to 64.</summary>
    public int LanczosProbes { get; init; } = 1;

    /// <summary>With <see cref="LogDeterminantForm.Lanczos"/>: steps of each probe, 1 to 100.</summary>
    public int LanczosSteps { get; init; } = 12;

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
        OptionCheck.Require(Budget is null || Budget > TimeSpan.Zero, Budget, "longer than zero");
        OptionCheck.Within<int>(BatchSize, 2, 1_000_000);
        OptionCheck.AtLeast<int>(Pool, BatchSize);
        OptionCheck.AboveTo<double>(LearningRate, 0, 1);
        OptionCheck.Within<double>(FinalLearningRateShare, 0, 1);
        OptionCheck.Below<double>(AverageDecay, 0, 1);
        OptionCheck.Within<int>(Width, 1, 8192);
        OptionCheck.Within<int>(Rank, 1, 256);
        OptionCheck.Require(Pieces > 0 && Width % Pieces == 0, Pieces, $"a divisor of the width {Width}");
        OptionCheck.AtLeast<int>(IdentityIterations, 0);
        OptionCheck.AtLeast<int>(WarmUpMoves, 0);
        OptionCheck.AtLeast<int>(DecorrelationMoves, 1);
        OptionCheck.Known(LogDeterminant);
        OptionCheck.Within<int>(LanczosProbes, 1, 64);
        OptionCheck.Within<int>(LanczosSteps, 1, 100);
        OptionCheck.Above<double>(CheckpointSeconds, 0);
    }

    /// <summary>The network that these options describe.</summary>
    internal ConvexNetworkOptions Network => new()
    {
        Width = Width,
        Rank = Rank,
        Pieces = Pieces,
        HasAffinePart = AffinePart ?? true,
        StartsNearIdentity = StartNearIdentity,
    };
}
