using Monge.Fields;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>The loss by which <see cref="SbtmFlow"/> fits scores.</summary>
public enum SbtmLoss
{
    /// <summary>Implicit, with the exact divergence (<see cref="Objectives.ImplicitScoreMatching"/>).</summary>
    Exact,

    /// <summary>Implicit, with Hutchinson's estimate of the divergence.</summary>
    Hutchinson,

    /// <summary>Denoising, by pairs of opposite noise.</summary>
    Denoising,

    /// <summary>
    /// The distance to the score of the particles' own law, which each carries with it by a differential equation along the flow: no noise of sampling, and
    /// just what bounds the error of the law.
    /// </summary>
    Carried,
}

/// <summary>How <see cref="SbtmFlow"/> moves its particles.</summary>
public enum SbtmStepper
{
    /// <summary>Heun's method: the score of the next time is fitted where Euler's step ends, then the step is taken by the mean of both velocities.</summary>
    Heun,

    /// <summary>Euler's method, the source's.</summary>
    Euler,
}

/// <summary>The particles that <see cref="SbtmFlow"/> learns scores on.</summary>
public enum SbtmSamples
{
    /// <summary>Those of the flow itself, on which the error of a score bounds that of the law.</summary>
    Flow,

    /// <summary>Those of the diffusion, by Euler and Maruyama's method, for comparison: nothing is then bounded.</summary>
    Diffusion,
}

/// <summary>What minimises the losses of <see cref="SbtmFlow"/>.</summary>
public enum SbtmOptimiser
{
    /// <summary><see cref="Training.Adam"/>.</summary>
    Adam,

    /// <summary><see cref="Training.RectifiedAdam"/>, the source's.</summary>
    RectifiedAdam,
}

/// <summary>The options of <see cref="SbtmFlow"/>.</summary>
public sealed record SbtmOptions : IMethodOptions
{
    private const int BatchesRemembered = 16;

    /// <summary>The time up to which the law is followed, above 0; null for the problem's.</summary>
    public double? Until { get; init; }

    /// <summary>The length of a time step, above 0; the last one ends at <see cref="Until"/>.</summary>
    public double Step { get; init; } = 0.005;

    /// <summary>How particles are moved.</summary>
    public SbtmStepper Stepper { get; init; }

    /// <summary>Particles that are moved and trained on, 3 to 10,000,000, more than there are coordinates, or than one of like particles has.</summary>
    public int Particles { get; init; } = 16_384;

    /// <summary>
    /// Particles among them that implicit and denoising losses never train on, at most half: by them the network's part is scaled, between 0 and 1, after each
    /// time step, so that what it has learned of the others by heart fades. 0 scales nothing, as the source.
    /// </summary>
    public int HeldOut { get; init; } = 4096;

    /// <summary>Whether the first particles, where they are made of normal noise, have exactly its mean and covariance: less noise later on.</summary>
    public bool MatchMoments { get; init; } = true;

    /// <summary>What scores are learned on: the diffusion's own particles need a loss that isn't <see cref="SbtmLoss.Carried"/>.</summary>
    public SbtmSamples LearnOn { get; init; }

    /// <summary>
    /// The most optimiser steps after each time step, at least 0, where the law is followed as a Gaussian; with a budget the run finds them. Null for 100 with
    /// carried scores and else 25: places alone teach a network their own chance too, the more the longer it learns and the larger it is.
    /// </summary>
    public int? Iterations { get; init; }

    /// <summary>
    /// The time of the whole training: as many optimiser steps after each time step as fit into it, by the speed that is measured when the first one begins.
    /// The number is then kept, so that a resumed run ends as an uninterrupted one. Null for the number of iterations.
    /// </summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>The root mean square of the gradient's elements at which they end before, at least 0; the loss is that of a diffusion scaled to 1.</summary>
    public double GradientTolerance { get; init; }

    /// <summary>Particles of an optimiser step, 2 to the number of those not held out.</summary>
    public int BatchSize { get; init; } = 512;

    /// <summary>The optimiser.</summary>
    public SbtmOptimiser Optimiser { get; init; }

    /// <summary>The learning rate at the start of each time step, above 0 and at most 1.</summary>
    public double LearningRate { get; init; } = 4e-3;

    /// <summary>The learning rate at the end of each time step as a share of that at its start, 0 to 1; 1 is the source's constant rate.</summary>
    public double FinalLearningRateShare { get; init; } = 0.1;

    /// <summary>Decay of the moving average of the parameters, which moves the particles and is kept, 0 to below 1; 0 is the source's.</summary>
    public double AverageDecay { get; init; } = 0.98;

    /// <summary>The loss; null for the carried score where there is noise in every direction, and else the exact implicit one.</summary>
    public SbtmLoss? Loss { get; init; }

    /// <summary>The rate at which a carried score is drawn to the learned one, per unit of time, at least 0.</summary>
    public double Relaxation { get; init; } = 5;

    /// <summary>Probes of a sample in Hutchinson's loss, at least 1.</summary>
    public int Probes { get; init; } = 1;

    /// <summary>The penalty on the score's Jacobian in Hutchinson's loss, at least 0.</summary>
    public double JacobianPenalty { get; init; }

    /// <summary>The scale of the noise of the denoising loss, beside the root of the diffusion, above 0.</summary>
    public double NoiseScale { get; init; } = 0.1;

    /// <summary>
    /// Whether one network that sees the time is that of all times, as the source's variant for compact models: every second optimiser step learns on particles
    /// of an earlier time, and when the last time is reached as many again go over all. Nothing is held out then.
    /// </summary>
    public bool TimeDependent { get; init; }

    /// <summary>Whether the score is the gradient of a scalar network, as true ones are; otherwise a network of its own, which is faster and wilder.</summary>
    public bool Potential { get; init; } = true;

    /// <summary>Whether the score of the Gaussian with the particles' mean and covariance is added to the network.</summary>
    public bool GaussianPart { get; init; } = true;

    /// <summary>Whether a free linear function of the drift is added: in its tails, where particles are few, a law soon balances its drift.</summary>
    public bool DriftPart { get; init; } = true;

    /// <summary>
    /// Whether implicit and denoising losses have an affine part besides, set after each time step so that E s = 0 and E s (x - m)^T = -I over the particles,
    /// as of any law's own score: mean and covariance then move as they should, whatever the network has learned.
    /// </summary>
    public bool MomentPart { get; init; } = true;

    /// <summary>Whether the score of like particles, where a problem has such, is the gradient of a one-body and a pair potential, the same in any
    /// order.</summary>
    public bool PairPotential { get; init; } = true;

    /// <summary>The distance up to which the network tells points apart, in the particles' standard deviations, above 0; null for any.</summary>
    public double? Reach { get; init; }

    /// <summary>Units in each hidden layer, 1 to 8192; null for 64 with carried scores and else 32.</summary>
    public int? Width { get; init; }

    /// <summary>Hidden layers, 1 to 64; null for 3 with carried scores and else 2.</summary>
    public int? Depth { get; init; }

    /// <summary>The most optimiser steps by which the score is first fitted to that of the initial law, at least 1.</summary>
    public int InitialIterations { get; init; } = 10_000;

    /// <summary>The relative Fisher error E |s - exact|^2 / E |exact|^2 at which that ends, in the metric of the diffusion; above 0.</summary>
    public double InitialTolerance { get; init; } = 1e-4;

    /// <summary>Seconds between two checkpoints, above 0.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Above(Until, 0);
        OptionCheck.Above<double>(Step, 0);
        OptionCheck.Known<SbtmStepper>(Stepper);
        OptionCheck.Within<int>(Particles, 3, 10_000_000);
        OptionCheck.Within<int>(HeldOut, 0, Loss is null or SbtmLoss.Carried ? int.MaxValue : Particles / 2);
        OptionCheck.Known<SbtmSamples>(LearnOn);
        OptionCheck.AtLeast(Iterations, 0);
        OptionCheck.Require(Budget is null || Budget > TimeSpan.Zero, Budget, "longer than zero");
        OptionCheck.AtLeast<double>(GradientTolerance, 0);
        OptionCheck.Within<int>(BatchSize, 2, Loss is null ? Particles : Trained);
        OptionCheck.Known<SbtmOptimiser>(Optimiser);
        OptionCheck.AboveTo<double>(LearningRate, 0, 1);
        OptionCheck.Within<double>(FinalLearningRateShare, 0, 1);
        OptionCheck.Below<double>(AverageDecay, 0, 1);
        OptionCheck.Known(Loss);
        if (LearnOn == SbtmSamples.Diffusion && Loss == SbtmLoss.Carried)
        {
            throw new ArgumentException("The diffusion's particles carry no score: 'loss' must be exact, hutchinson or denoising when 'learnOn' is diffusion.");
        }

        OptionCheck.AtLeast<double>(Relaxation, 0);
        OptionCheck.AtLeast<int>(Probes, 1);
        OptionCheck.AtLeast<double>(JacobianPenalty, 0);
        OptionCheck.Above<double>(NoiseScale, 0);
        OptionCheck.Above(Reach, 0);
        OptionCheck.Within(Width, 1, 8192);
        OptionCheck.Within(Depth, 1, 64);
        OptionCheck.AtLeast<int>(InitialIterations, 1);
        OptionCheck.Above<double>(InitialTolerance, 0);
        OptionCheck.Above<double>(CheckpointSeconds, 0);
    }

    /// <summary>Particles that are trained on.</summary>
    internal int Trained => Particles - (Loss == SbtmLoss.Carried || TimeDependent ? 0 : HeldOut);

    /// <summary>Particles of each time that one network of all times goes on learning on.</summary>
    internal int Remembered => Math.Min(Particles, BatchesRemembered * BatchSize);

    /// <summary>The network that these options describe, which nothing is left open of (<see cref="For"/>).</summary>
    /// <param name="particleDimension">Coordinates of each of several like particles; null for one whole.</param>
    internal ScoreNetworkOptions Network(int? particleDimension) => new()
    {
        Width = Width!.Value,
        Depth = Depth!.Value,
        IsPotential = Potential,
        HasGaussianPart = GaussianPart,
        HasDriftPart = DriftPart,
        HasAffinePart = MomentPart && Loss != SbtmLoss.Carried,
        Duration = TimeDependent ? Until : null,
        Reach = Reach,
        ParticleDimension = PairPotential && Potential ? particleDimension : null,
    };

    /// <summary>How an optimiser step follows the gradient.</summary>
    internal GradientStepOptions GradientStep => new()
    {
        Optimiser = Optimiser == SbtmOptimiser.Adam ? new Adam(SecondDecay: 0.999) : new RectifiedAdam(),
        LearningRate = new WarmCosineRate(LearningRate, FinalLearningRateShare),
        AverageDecay = AverageDecay,
    };

    /// <summary>These options with what a problem leaves open.</summary>
    internal SbtmOptions For(double until, bool isElliptic)
    {
        var loss = Loss ?? (isElliptic && LearnOn == SbtmSamples.Flow ? SbtmLoss.Carried : SbtmLoss.Exact);
        var (iterations, width, depth) = loss == SbtmLoss.Carried ? (100, 64, 3) : (25, 32, 2);
        return this with { Until = Until ?? until, Loss = loss, Iterations = Iterations ?? iterations, Width = Width ?? width, Depth = Depth ?? depth };
    }
}
