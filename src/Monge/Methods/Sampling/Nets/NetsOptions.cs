using Monge.Runs;

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

    /// <summary>
    /// One shared perceptron of each coordinate alone with numbers learned for the coordinate: for targets that nearly factorise; its
    /// divergence is exact and cheap in any dimension.
    /// </summary>
    Separable,

    /// <summary>
    /// A choice among learned velocities (<see cref="Fields.SelectingDrift"/>): bounded, for groups of particles that move as wholes, also with heavy tails.
    /// </summary>
    Selecting,

    /// <summary>No network: only the gates on position and score (<see cref="NetsOptions.ScoreGate"/>).</summary>
    None,
}

/// <summary>Which curve of densities leads from the base to the target.</summary>
public enum NetsPath
{
    /// <summary>The annealing of log densities from a Gaussian; nothing is known of the target.</summary>
    Annealing,

    /// <summary>
    /// The library's path of interpolated parameters to this target (<see cref="Paths.PathLibrary.For"/>); where it knows the modes, the samples say so.
    /// </summary>
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

/// <summary>How walkers carry the samples; none of it changes the training.</summary>
public sealed record WalkerOptions : IOptionGroup
{
    /// <summary>Which weights the samples carry.</summary>
    public NetsWeights Weights { get; init; } = NetsWeights.Kernel;

    /// <summary>How walkers of an SDE move; walkers with momenta need <see cref="NetsWeights.Continuous"/>.</summary>
    public NetsDynamics Dynamics { get; init; } = NetsDynamics.Overdamped;

    /// <summary>Friction of walkers with momenta, per radian that they oscillate in a curvature of 1; above 0.</summary>
    public double Friction { get; init; } = 1;

    /// <summary>Particles of an SDE are resampled when their effective sample size falls below this share, 0 (never) to 1.</summary>
    public double ResamplingThreshold { get; init; }

    /// <summary>Particles that are resampled among themselves, 16 to 4096; the error of log Z is that between such islands.</summary>
    public int IslandSize { get; init; } = 512;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Known<NetsWeights>(Weights);
        OptionCheck.Known<NetsDynamics>(Dynamics);
        OptionCheck.Require(Dynamics == NetsDynamics.Overdamped || Weights == NetsWeights.Continuous, Weights, "continuous with the dynamics inertial");
        OptionCheck.Above<double>(Friction, 0);
        OptionCheck.Within<double>(ResamplingThreshold, 0, 1);
        OptionCheck.Within<int>(IslandSize, 16, 4096);
    }
}

/// <summary>
/// Options of the non-equilibrium transport sampler <see cref="NetsTransport"/>. A null means: chosen from the target's dimension, and written back resolved.
/// </summary>
public sealed record NetsOptions : IMethodOptions
{
    /// <summary>Steps, batches (of points drawn from the kept simulations), learning rate.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Number format.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>What is minimised.</summary>
    public NetsObjective Objective { get; init; } = NetsObjective.Residual;

    /// <summary>What kind of field the drift is.</summary>
    public NetsDrift Drift { get; init; } = NetsDrift.Free;

    /// <summary>The network within the drift.</summary>
    public NetsNetwork Network { get; init; } = NetsNetwork.Mlp;

    /// <summary>The network's size.</summary>
    public NetworkSizeOptions Size { get; init; } = new();

    /// <summary>Velocities of the network <see cref="NetsNetwork.Selecting"/>, 1 to 4096.</summary>
    public int Velocities { get; init; } = 32;

    /// <summary>Whether the drift has learned gates on the position and on the path's score; null lets the path decide: a given path has them.</summary>
    public bool? ScoreGate { get; init; }

    /// <summary>How walkers are simulated and kept for the training.</summary>
    public ReplayOptions Simulation { get; init; } = new();

    /// <summary>Residuals r enter as s^2 log(1 + r^2 / s^2) with this scale s (Cauchy loss); above 0. Both losses have the same zero.</summary>
    public double? ResidualScale { get; init; }

    /// <summary>Exact divergence up to this dimension, two independent Hutchinson probes above unless the network's divergence is cheap; at least 0.</summary>
    public int ExactDivergenceLimit { get; init; } = 12;

    /// <summary>The curve of densities; null takes the given path if there is one.</summary>
    public NetsPath? Path { get; init; }

    /// <summary>Where the annealing starts.</summary>
    public PreparationOptions Preparation { get; init; } = new();

    /// <summary>How particles are carried: automatic scans the diffusion, 0 (the ODE) included, and the steps.</summary>
    public CarryOptions Carry { get; init; } = new();

    /// <summary>How walkers carry the samples.</summary>
    public WalkerOptions Walker { get; init; } = new();

    /// <summary>These options with what follows from the dimension and the path filled in.</summary>
    internal NetsOptions Resolve(int dimension, NetsPath path)
    {
        var separable = Network == NetsNetwork.Separable;
        var exact = separable || dimension <= ExactDivergenceLimit;
        var action = Objective == NetsObjective.ActionMatching;
        return this with
        {
            Path = path,
            Training = Training.Or(new TrainingOptions
            {
                Iterations = DefaultIterations(dimension),
                BatchSize = 1024,
                LearningRate = action ? 2e-3 : exact ? 5e-3 : 3e-3,
                FinalLearningRateShare = 0.01,
                GradientClip = 1,
                AverageDecay = 0.999,
            }),
            Size = separable ? Size.Or(32, 2) : Size.Or(64, 3),
            ResidualScale = ResidualScale ?? (exact ? 2 : 5),
            ScoreGate = ScoreGate ?? (Drift == NetsDrift.Free && (path != NetsPath.Annealing || Network == NetsNetwork.None)),
            Preparation = Preparation.For(Training),
            Simulation = Simulation with { HorizonShare = Simulation.HorizonShare ?? (action ? 0.6 : 0.3) },
            Carry = Carry with { Sampler = Carry.Sampler ?? SamplerChoice.Automatic },
        };
    }

    /// <summary>Steps if neither they nor a budget are given.</summary>
    internal static long DefaultIterations(int dimension) => dimension switch
    {
        <= 6 => 5_000,
        <= 12 => 3_000,
        _ => 2_000,
    };

    /// <inheritdoc/>
    public void Check()
    {
        Training.Check();
        OptionCheck.Known<Precision>(Precision);
        OptionCheck.Known<NetsObjective>(Objective);
        OptionCheck.Known<NetsDrift>(Drift);
        OptionCheck.Require(Objective != NetsObjective.ActionMatching || Drift == NetsDrift.Potential, Drift, "potential with the objective actionMatching");
        OptionCheck.Known<NetsNetwork>(Network);
        OptionCheck.Require(
            Network != NetsNetwork.None || (ScoreGate != false && Drift == NetsDrift.Free), Network,
            "mlp or separable without the score gate or with a potential");
        OptionCheck.Require(Drift != NetsDrift.Potential || ScoreGate != true, ScoreGate, "false with a potential drift");
        Size.Check();
        OptionCheck.Within<int>(Velocities, 1, 4096);
        Simulation.Check();
        OptionCheck.Above(ResidualScale, 0);
        OptionCheck.AtLeast<int>(ExactDivergenceLimit, 0);
        OptionCheck.Known(Path);
        Preparation.Check();
        Carry.Check();
        Walker.Check();
        OptionCheck.Require(Walker.Dynamics == NetsDynamics.Overdamped || Carry.Diffusion is null, Carry.Diffusion, "left out with the dynamics inertial");
        OptionCheck.Require(Carry.Diffusion is null || Carry.Sampler != SamplerChoice.Ode, Carry.Diffusion, "left out with the sampler ode");
        OptionCheck.Require(Walker.ResamplingThreshold == 0 || Carry.Sampler != SamplerChoice.Ode, Walker.ResamplingThreshold, "0 with the sampler ode");
    }
}
