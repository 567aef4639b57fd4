namespace Monge.Methods;

/// <summary>What the training minimises.</summary>
public enum NetsObjective
{
    /// <summary>The squared residual of the continuity equation, together with the slope of the log-normaliser; at any points.</summary>
    Residual,

    /// <summary>The action-matching loss of a potential, by weighted averages over the walkers; needs <see cref="NetsDrift.Potential"/>.</summary>
    ActionMatching,
}

/// <summary>What kind of field the drift is.</summary>
public enum NetsDrift
{
    /// <summary>Any vector field.</summary>
    Free,

    /// <summary>The gradient of a scalar.</summary>
    Potential,
}

/// <summary>The trainable network within the drift.</summary>
public enum NetsNetwork
{
    /// <summary>A perceptron of all coordinates and time, with an affine part.</summary>
    Mlp,

    /// <summary>One shared perceptron of each coordinate alone with numbers learned for the coordinate: for targets that nearly factorise; its divergence is exact and cheap in any dimension.</summary>
    Separable,

    /// <summary>A choice among learned velocities (<see cref="Fields.SelectingDrift"/>): bounded, for groups of particles that move as wholes, also with heavy tails.</summary>
    Selecting,

    /// <summary>No network: only the gates on position and score (<see cref="NetsOptions.ScoreGate"/>).</summary>
    None,
}

/// <summary>Which curve of densities leads from the base to the target.</summary>
public enum NetsPath
{
    /// <summary>The annealing of log densities from a Gaussian; nothing is known of the target.</summary>
    Annealing,

    /// <summary>The library's path of interpolated parameters to this target (<see cref="Paths.PathLibrary.For"/>); where it knows the modes, the samples say so.</summary>
    Interpolated,

    /// <summary>A path given with the method, such as one that moves a mixture's means.</summary>
    Given,
}

/// <summary>How walkers move when samples are drawn.</summary>
public enum NetsDynamics
{
    /// <summary>Langevin walkers without momenta.</summary>
    Overdamped,

    /// <summary>Walkers with momenta; their weights are the continuous ones.</summary>
    Inertial,
}

/// <summary>Which weights the samples carry.</summary>
public enum NetsWeights
{
    /// <summary>Forward/backward kernel weights: exact at any step size; along the ODE, its density.</summary>
    Kernel,

    /// <summary>The integral of the residual along the path: exact as the steps go to zero, and smaller in variance.</summary>
    Continuous,
}

/// <summary>Options of the non-equilibrium transport sampler <see cref="NetsTransport"/>. A null means: chosen from the target's dimension, and written back resolved.</summary>
public sealed record NetsOptions : ITrainedOptions<NetsOptions>
{
    /// <summary>Optimiser steps, at least 1; null for the default of the target's size. Runs with this are repeatable to the bit.</summary>
    public long? Iterations { get; init; }

    /// <summary>Training time; the number of steps then follows from the speed measured at the start. Not together with <see cref="Iterations"/>.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Threads, 0 for all processors. Results don't depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Number format.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>What is minimised.</summary>
    public NetsObjective Objective { get; init; } = NetsObjective.Residual;

    /// <summary>What kind of field the drift is.</summary>
    public NetsDrift Drift { get; init; } = NetsDrift.Free;

    /// <summary>The network within the drift.</summary>
    public NetsNetwork Network { get; init; } = NetsNetwork.Mlp;

    /// <summary>Units in each hidden layer, 1 to 4096.</summary>
    public int? Width { get; init; }

    /// <summary>Hidden layers, 1 to 16.</summary>
    public int? Depth { get; init; }

    /// <summary>Velocities of the network <see cref="NetsNetwork.Selecting"/>, 1 to 4096.</summary>
    public int Velocities { get; init; } = 32;

    /// <summary>Whether the drift has learned gates on the position and on the path's score; null lets the path decide: a given path has them.</summary>
    public bool? ScoreGate { get; init; }

    /// <summary>Walkers of a simulation, 16 to 1,000,000.</summary>
    public int Walkers { get; init; } = 512;

    /// <summary>Random times of a simulation's grid, 4 to 10,000; drawn anew for each simulation, one in each of equal intervals.</summary>
    public int GridTimes { get; init; } = 40;

    /// <summary>Optimiser steps between two simulations, at least 1.</summary>
    public int RefreshInterval { get; init; } = 20;

    /// <summary>Simulations that are kept for replay, 1 to 1,000. Action matching uses only the newest.</summary>
    public int Replay { get; init; } = 4;

    /// <summary>Points per optimiser step, drawn from the kept simulations, 16 to 10,000,000.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Share of the points that are moved off the walkers' law, 0 to 1.</summary>
    public double SpreadShare { get; init; } = 0.1;

    /// <summary>How far they are moved: Gaussian noise of this many standard deviations of the walkers at that time, 0 to 10.</summary>
    public double Spread { get; init; } = 0.5;

    /// <summary>Share of the training over which the time horizon grows to 1, 0 to 1.</summary>
    public double? HorizonShare { get; init; }

    /// <summary>The first time horizon, above 0 and at most 1.</summary>
    public double FirstHorizon { get; init; } = 0.1;

    /// <summary>Langevin relaxation times of the mean curvature that walkers get in a training simulation, 0.01 to 10,000.</summary>
    public double Relaxation { get; init; } = 4;

    /// <summary>Peak learning rate of Adam, above 0 and at most 1.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Final learning rate as a share of the peak, 0 to 1.</summary>
    public double FinalLearningRateShare { get; init; } = 0.01;

    /// <summary>The gradient is scaled down to this norm when it is longer; above 0.</summary>
    public double GradientClip { get; init; } = 1.0;

    /// <summary>Decay of the exponential moving average of the parameters that sampling uses, 0 to below 1.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>Residuals r enter as s^2 log(1 + r^2 / s^2) with this scale s (Cauchy loss); above 0. Both losses have the same zero.</summary>
    public double? ResidualScale { get; init; }

    /// <summary>Exact divergence up to this dimension, two independent Hutchinson probes above unless the network's divergence is cheap; at least 0.</summary>
    public int ExactDivergenceLimit { get; init; } = 12;

    /// <summary>The curve of densities; null takes the given path if there is one.</summary>
    public NetsPath? Path { get; init; }

    /// <summary>Where the annealing starts.</summary>
    public BaseChoice Base { get; init; } = BaseChoice.Automatic;

    /// <summary>Standard deviation s of the isotropic base, above 0.</summary>
    public double BaseScale { get; init; } = 3.0;

    /// <summary>Factor on the standard deviations of a fitted base, 0.5 to 10.</summary>
    public double BaseInflation { get; init; } = 1.1;

    /// <summary>The exponent a of the annealing V = t^a log rho + (1-t)^b log p0, 1 to 10; null lets short trainings choose.</summary>
    public double? TargetExponent { get; init; }

    /// <summary>The exponent b of the annealing, 1 to 10; null lets short trainings choose.</summary>
    public double? BaseExponent { get; init; }

    /// <summary>How particles are carried: automatic scans the diffusion, 0 (the ODE) included, and the steps.</summary>
    public SamplerChoice Sampler { get; init; } = SamplerChoice.Automatic;

    /// <summary>Which weights the samples carry.</summary>
    public NetsWeights Weights { get; init; } = NetsWeights.Kernel;

    /// <summary>How walkers of an SDE move; walkers with momenta need <see cref="NetsWeights.Continuous"/>.</summary>
    public NetsDynamics Dynamics { get; init; } = NetsDynamics.Overdamped;

    /// <summary>Friction of walkers with momenta, per radian that they oscillate in a curvature of 1; above 0.</summary>
    public double Friction { get; init; } = 1;

    /// <summary>Steps of the sampler, 4 to 100,000; null lets the scan choose.</summary>
    public int? SamplerSteps { get; init; }

    /// <summary>A constant diffusion eps of the SDE in the target's units, above 0; null scans diffusions that follow the path's mean curvature.</summary>
    public double? Diffusion { get; init; }

    /// <summary>Particles of an SDE are resampled when their effective sample size falls below this share, 0 (never) to 1.</summary>
    public double ResamplingThreshold { get; init; }

    /// <summary>Particles that are resampled among themselves, 16 to 4096; the error of log Z is that between such islands.</summary>
    public int IslandSize { get; init; } = 512;

    /// <summary>Seconds between two checkpoints, above 0; one is also written at the end and on cancellation.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    /// <summary>Where the annealing starts.</summary>
    internal PreparationOptions Preparation => new()
    {
        Base = Base,
        BaseScale = BaseScale,
        BaseInflation = BaseInflation,
        TargetExponent = TargetExponent,
        BaseExponent = BaseExponent,
    };

    /// <summary>These options as they name a training: those that don't change it are left at their defaults.</summary>
    internal string TrainingText()
    {
        var defaults = new NetsOptions();
        return MethodOptions.Format(this with
        {
            Threads = 0,
            CheckpointSeconds = defaults.CheckpointSeconds,
            Sampler = defaults.Sampler,
            SamplerSteps = null,
            Diffusion = null,
            Weights = defaults.Weights,
            Dynamics = defaults.Dynamics,
            Friction = defaults.Friction,
            ResamplingThreshold = 0,
            IslandSize = defaults.IslandSize,
        });
    }

    /// <inheritdoc/>
    public NetsOptions With(long? iterations, TimeSpan? budget, int threads, Precision precision) =>
        this with { Iterations = iterations, Budget = budget, Threads = threads, Precision = precision };

    /// <summary>Reads options from JSON.</summary>
    /// <exception cref="ArgumentException">The text is not JSON, has an unknown name, or a value is out of range.</exception>
    public static NetsOptions Parse(string json)
    {
        var options = MethodOptions.Parse<NetsOptions>(json);
        options.Validate();
        return options;
    }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it, its value and the range.</exception>
    public void Validate()
    {
        CheckTraining();
        Check(Enum.IsDefined(Base), "base", Base, "automatic, isotropic or laplace");
        Check(BaseScale > 0 && double.IsFinite(BaseScale), "baseScale", BaseScale, "above 0");
        Check(BaseInflation is >= 0.5 and <= 10, "baseInflation", BaseInflation, "0.5 to 10");
        Check(TargetExponent is null or (>= 1 and <= 10), "targetExponent", TargetExponent, "1 to 10");
        Check(BaseExponent is null or (>= 1 and <= 10), "baseExponent", BaseExponent, "1 to 10");
        Check(Path is null || Enum.IsDefined(Path.Value), "path", Path, "annealing, interpolated or given");
        Check(Enum.IsDefined(Sampler), "sampler", Sampler, "automatic, ode or sde");
        Check(Enum.IsDefined(Weights), "weights", Weights, "kernel or continuous");
        Check(Enum.IsDefined(Dynamics), "dynamics", Dynamics, "overdamped or inertial");
        Check(Dynamics == NetsDynamics.Overdamped || Weights == NetsWeights.Continuous, "weights", Weights, "continuous with the dynamics inertial");
        Check(Dynamics == NetsDynamics.Overdamped || Diffusion is null, "diffusion", Diffusion, "left out with the dynamics inertial");
        Check(Friction > 0 && double.IsFinite(Friction), "friction", Friction, "above 0");
        Check(SamplerSteps is null or (>= 4 and <= 100_000), "samplerSteps", SamplerSteps, "4 to 100,000");
        Check(Diffusion is null || (Diffusion > 0 && double.IsFinite(Diffusion.Value)), "diffusion", Diffusion, "above 0");
        Check(Diffusion is null || Sampler != SamplerChoice.Ode, "diffusion", Diffusion, "left out with the sampler ode");
        Check(ResamplingThreshold is >= 0 and <= 1, "resamplingThreshold", ResamplingThreshold, "0 to 1");
        Check(ResamplingThreshold == 0 || Sampler != SamplerChoice.Ode, "resamplingThreshold", ResamplingThreshold, "0 with the sampler ode");
        Check(IslandSize is >= 16 and <= 4096, "islandSize", IslandSize, "16 to 4096");
        Check(CheckpointSeconds > 0, "checkpointSeconds", CheckpointSeconds, "above 0");
    }

    private void CheckTraining()
    {
        Check(Iterations is null or >= 1, "iterations", Iterations, "at least 1");
        Check(Budget is null || Budget > TimeSpan.Zero, "budget", Budget, "longer than zero");
        Check(Iterations is null || Budget is null, "budget", Budget, "left out when iterations are given");
        Check(Threads >= 0, "threads", Threads, "0 (all processors) or more");
        Check(Enum.IsDefined(Precision), "precision", Precision, "float32 or float64");
        Check(Enum.IsDefined(Objective), "objective", Objective, "residual or actionMatching");
        Check(Enum.IsDefined(Drift), "drift", Drift, "free or potential");
        Check(Objective != NetsObjective.ActionMatching || Drift == NetsDrift.Potential, "drift", Drift, "potential with the objective actionMatching");
        Check(Enum.IsDefined(Network), "network", Network, "mlp, separable, selecting or none");
        Check(Network != NetsNetwork.None || (ScoreGate != false && Drift == NetsDrift.Free), "network", Network, "mlp or separable without the score gate or with a potential");
        Check(Drift != NetsDrift.Potential || ScoreGate != true, "scoreGate", ScoreGate, "false with a potential drift");
        Check(Velocities is >= 1 and <= 4096, "velocities", Velocities, "1 to 4096");
        Check(Width is null or (>= 1 and <= 4096), "width", Width, "1 to 4096");
        Check(Depth is null or (>= 1 and <= 16), "depth", Depth, "1 to 16");
        Check(Walkers is >= 16 and <= 1_000_000, "walkers", Walkers, "16 to 1,000,000");
        Check(GridTimes is >= 4 and <= 10_000, "gridTimes", GridTimes, "4 to 10,000");
        Check(RefreshInterval >= 1, "refreshInterval", RefreshInterval, "at least 1");
        Check(Replay is >= 1 and <= 1_000, "replay", Replay, "1 to 1,000");
        Check(BatchSize is null or (>= 16 and <= 10_000_000), "batchSize", BatchSize, "16 to 10,000,000");
        Check(SpreadShare is >= 0 and <= 1, "spreadShare", SpreadShare, "0 to 1");
        Check(Spread is >= 0 and <= 10, "spread", Spread, "0 to 10");
        Check(HorizonShare is null or (>= 0 and <= 1), "horizonShare", HorizonShare, "0 to 1");
        Check(FirstHorizon is > 0 and <= 1, "firstHorizon", FirstHorizon, "above 0 and at most 1");
        Check(Relaxation is >= 0.01 and <= 10_000, "relaxation", Relaxation, "0.01 to 10,000");
        Check(LearningRate is null or (> 0 and <= 1), "learningRate", LearningRate, "above 0 and at most 1");
        Check(FinalLearningRateShare is >= 0 and <= 1, "finalLearningRateShare", FinalLearningRateShare, "0 to 1");
        Check(GradientClip > 0, "gradientClip", GradientClip, "above 0");
        Check(AverageDecay is >= 0 and < 1, "averageDecay", AverageDecay, "0 to below 1");
        Check(ResidualScale is null or > 0, "residualScale", ResidualScale, "above 0");
        Check(ExactDivergenceLimit >= 0, "exactDivergenceLimit", ExactDivergenceLimit, "at least 0");
    }

    private static void Check(bool holds, string name, object? value, string range)
    {
        if (!holds)
        {
            throw new ArgumentException(FormattableString.Invariant($"The option '{name}' is {value}; it must be {range}."));
        }
    }
}
