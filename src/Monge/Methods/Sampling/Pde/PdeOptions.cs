namespace Monge.Methods;

/// <summary>Which evolution of densities from the base to the target is learned.</summary>
public enum Evolution
{
    /// <summary>Any, by a drift and a log density with noise: the log-density Fokker-Planck residual in both.</summary>
    GeneralStochastic,

    /// <summary>Any, by a drift and a log density without noise: the log-density continuity residual in both.</summary>
    GeneralDeterministic,

    /// <summary>The annealing path, by the part w of the drift w + eps grad V that Langevin noise leaves: the continuity residual in w and c(t); sampled by the SDE.</summary>
    AnnealingStochastic,

    /// <summary>The time reversal of a variance-preserving noising of the target: the log density alone (its gradient is the score).</summary>
    TimeReversal,

    /// <summary>The Schroedinger bridge over a noised reference: the Fokker-Planck residual and the Hamilton-Jacobi-Bellman residual in a potential and a log density.</summary>
    SchroedingerBridge,

    /// <summary>Optimal transport with quadratic cost: the continuity and the Hamilton-Jacobi residual in a potential and a log density.</summary>
    OptimalTransport,
}

/// <summary>How the drift of a general or annealing evolution is parametrised; the others are gradients by themselves.</summary>
public enum DriftForm
{
    /// <summary>A vector network.</summary>
    Network,

    /// <summary>The gradient of a scalar network.</summary>
    Potential,

    /// <summary>A vector network plus g(t) grad I with a learned gate g, I being the annealing that V starts from; with noise g starts at eps.</summary>
    GatedScore,

    /// <summary>eps grad V plus a vector network: with noise only, and the default there.</summary>
    HalfScore,
}

/// <summary>Options of the log-density method <see cref="PdeTransport"/>. A null means: chosen from the evolution and the target's dimension, and written back resolved.</summary>
public sealed record PdeOptions : ITrainedOptions<PdeOptions>
{
    /// <summary>Which evolution is learned.</summary>
    public Evolution Evolution { get; init; } = Evolution.GeneralStochastic;

    /// <summary>How the drift b of a general evolution, or w of annealing, is parametrised.</summary>
    public DriftForm? Drift { get; init; }

    /// <summary>Optimiser steps, at least 1; null for the default of the evolution. Runs with this are repeatable to the bit.</summary>
    public long? Iterations { get; init; }

    /// <summary>Training time; the number of steps then follows from the speed measured at the start. Not together with <see cref="Iterations"/>.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Threads, 0 for all processors. Results don't depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Number format.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Units in each hidden layer of each network, 1 to 4096.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Hidden layers of each network, 1 to 16.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>Factor on positions before they enter the networks of scalars, 0.1 to 100: larger resolves finer structure from the start.</summary>
    public double InputScale { get; init; } = 2;

    /// <summary>Collocation points per step, 16 to 1,000,000.</summary>
    public int BatchSize { get; init; } = 1024;

    /// <summary>Peak learning rate of Adam, above 0 and at most 1.</summary>
    public double LearningRate { get; init; } = 4e-3;

    /// <summary>Final learning rate as a share of the peak, 0 to 1.</summary>
    public double FinalLearningRateShare { get; init; } = 0.01;

    /// <summary>The gradient is scaled down to this norm when it is longer; above 0.</summary>
    public double GradientClip { get; init; } = 1.0;

    /// <summary>Decay of the exponential moving average of the parameters that sampling uses, 0 to below 1.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>Weight alpha of the Hamilton-Jacobi or Hamilton-Jacobi-Bellman residual's loss, above 0.</summary>
    public double PotentialWeight { get; init; } = 1.0;

    /// <summary>Weight of the kinetic energy E |w|^2 of general evolutions, which makes one of their many solutions preferred; 0 for none.</summary>
    public double KineticWeight { get; init; }

    /// <summary>
    /// The integral of 2 eps(t) over [0, 1], above 0 and at most 100: with 2 eps(t) = p B (1 - t)^(p-1), a particle's mean shrinks by exp(-B/2) in the noising of the
    /// time reversal and of the bridge's reference. Unused without noise.
    /// </summary>
    public double? TotalNoise { get; init; }

    /// <summary>The exponent p in it, 1 to 10: larger leaves more time for the target's fine structure.</summary>
    public double? NoiseExponent { get; init; }

    /// <summary>Share of collocation points drawn from the interpolated box instead of the current particles, 0 to 1.</summary>
    public double? BoxShare { get; init; }

    /// <summary>Half-width of the collocation box in standard deviations of the base, 1 to 20.</summary>
    public double BoxHalfWidth { get; init; } = 3.0;

    /// <summary>Residuals r enter as s^2 log(1 + r^2 / s^2) with this scale s (Cauchy loss); above 0.</summary>
    public double? ResidualScale { get; init; }

    /// <summary>Optimiser steps between two simulations of the current particles, at least 1.</summary>
    public int RefreshInterval { get; init; } = 100;

    /// <summary>Particles simulated at each refresh, 16 to 1,000,000.</summary>
    public int Walkers { get; init; } = 1024;

    /// <summary>Steps of those simulations, 8 to 100,000.</summary>
    public int WalkerSteps { get; init; } = 64;

    /// <summary>Where the evolution starts.</summary>
    public BaseChoice Base { get; init; } = BaseChoice.Automatic;

    /// <summary>Standard deviation s of the isotropic base, above 0.</summary>
    public double BaseScale { get; init; } = 3.0;

    /// <summary>Factor on the standard deviations of a fitted base, 0.5 to 10.</summary>
    public double BaseInflation { get; init; } = 1.1;

    /// <summary>The exponent a of the target's share t^a in the annealing that V starts from, 1 to 10; null chooses.</summary>
    public double? TargetExponent { get; init; }

    /// <summary>The exponent b of the base's share (1-t)^b there, 1 to 10; null chooses.</summary>
    public double? BaseExponent { get; init; }

    /// <summary>How particles are carried; the ODE is the probability flow where the evolution is stochastic.</summary>
    public SamplerChoice? Sampler { get; init; }

    /// <summary>Steps of the chosen sampler, 4 to 100,000; null lets the validation batch choose.</summary>
    public int? SamplerSteps { get; init; }

    /// <summary>Constant diffusion eps of the SDE in the base's units, above 0; null lets the validation batch choose.</summary>
    public double? Diffusion { get; init; }

    /// <summary>The largest dimension in which the ODE, whose weights need the exact divergence, is tried without being asked for; at least 0.</summary>
    public int ExactDivergenceLimit { get; init; } = 12;

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

    /// <summary>Where collocation points come from; of resolved options.</summary>
    internal CollocationSettings Collocation => new()
    {
        BatchSize = BatchSize,
        BoxShare = BoxShare!.Value,
        BoxHalfWidth = BoxHalfWidth,
        RefreshInterval = RefreshInterval,
        Walkers = Walkers,
        WalkerSteps = WalkerSteps,
    };

    /// <summary>How particles may be carried; of resolved options.</summary>
    internal SamplingSettings Sampling => new(Sampler!.Value, SamplerSteps, Diffusion, ExactDivergenceLimit);

    /// <summary>The options that change the training, as JSON; the others at their defaults.</summary>
    internal string TrainingText()
    {
        var defaults = new PdeOptions();
        return MethodOptions.Format(this with { Threads = 0, CheckpointSeconds = defaults.CheckpointSeconds, Sampler = null, SamplerSteps = null, Diffusion = null });
    }

    /// <summary>Steps if neither they nor a budget are given.</summary>
    internal long DefaultIterations => Evolution switch
    {
        Evolution.GeneralStochastic or Evolution.GeneralDeterministic => 1_500,
        Evolution.OptimalTransport => 2_000,
        Evolution.SchroedingerBridge => 2_500,
        _ => 3_000,
    };

    /// <summary>The options with all that follows from the evolution and the dimension filled in.</summary>
    internal PdeOptions Resolve(int dimension)
    {
        var diffuses = Evolution is Evolution.TimeReversal or Evolution.SchroedingerBridge;
        return this with
        {
            Iterations = Iterations ?? (Budget is null ? DefaultIterations : null),
            Drift = Drift ?? Evolution switch
            {
                Evolution.GeneralStochastic => DriftForm.HalfScore,
                Evolution.GeneralDeterministic or Evolution.AnnealingStochastic => DriftForm.Network,
                _ => null,
            },
            BoxShare = BoxShare ?? (dimension <= 6 ? 0.1 : 0),

            // A reversed noising must end near the base; elsewhere the noise only has to be felt.
            TotalNoise = TotalNoise ?? (diffuses ? 3 : 1),
            NoiseExponent = NoiseExponent ?? (diffuses ? 2.5 : 1),
            ResidualScale = ResidualScale ?? (diffuses ? 10 : 5),
            Sampler = Sampler ?? (Evolution == Evolution.AnnealingStochastic ? SamplerChoice.Sde : SamplerChoice.Automatic),
        };
    }

    /// <inheritdoc/>
    public PdeOptions With(long? iterations, TimeSpan? budget, int threads, Precision precision) =>
        this with { Iterations = iterations, Budget = budget, Threads = threads, Precision = precision };

    /// <summary>Reads options from JSON.</summary>
    /// <exception cref="ArgumentException">The text is not JSON, has an unknown name, or a value is out of range.</exception>
    public static PdeOptions Parse(string json)
    {
        var options = MethodOptions.Parse<PdeOptions>(json);
        options.Validate();
        return options;
    }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it, its value and the range.</exception>
    public void Validate()
    {
        Check(Enum.IsDefined(Evolution), "evolution", Evolution, string.Join(", ", Enum.GetNames<Evolution>().Select(n => char.ToLowerInvariant(n[0]) + n[1..])));
        Check(Drift is null || Enum.IsDefined(Drift.Value), "drift", Drift, "network, potential, gatedScore or halfScore");
        Check(Drift != DriftForm.HalfScore || Evolution == Evolution.GeneralStochastic, "drift", Drift, "network, potential or gatedScore unless the evolution is generalStochastic");
        Check(
            Drift is null || Evolution is Evolution.GeneralStochastic or Evolution.GeneralDeterministic or Evolution.AnnealingStochastic,
            "drift", Drift, "left out for an evolution whose drift is a gradient by itself");
        Check(Iterations is null or >= 1, "iterations", Iterations, "at least 1");
        Check(Budget is null || Budget > TimeSpan.Zero, "budget", Budget, "longer than zero");
        Check(Iterations is null || Budget is null, "budget", Budget, "left out when iterations are given");
        Check(Threads >= 0, "threads", Threads, "0 (all processors) or more");
        Check(Enum.IsDefined(Precision), "precision", Precision, "float32 or float64");
        Check(Width is >= 1 and <= 4096, "width", Width, "1 to 4096");
        Check(Depth is >= 1 and <= 16, "depth", Depth, "1 to 16");
        Check(InputScale is >= 0.1 and <= 100, "inputScale", InputScale, "0.1 to 100");
        Check(BatchSize is >= 16 and <= 1_000_000, "batchSize", BatchSize, "16 to 1,000,000");
        Check(LearningRate is > 0 and <= 1, "learningRate", LearningRate, "above 0 and at most 1");
        Check(FinalLearningRateShare is >= 0 and <= 1, "finalLearningRateShare", FinalLearningRateShare, "0 to 1");
        Check(GradientClip > 0, "gradientClip", GradientClip, "above 0");
        Check(AverageDecay is >= 0 and < 1, "averageDecay", AverageDecay, "0 to below 1");
        Check(PotentialWeight > 0 && double.IsFinite(PotentialWeight), "potentialWeight", PotentialWeight, "above 0");
        Check(KineticWeight >= 0 && double.IsFinite(KineticWeight), "kineticWeight", KineticWeight, "at least 0");
        Check(TotalNoise is null or (> 0 and <= 100), "totalNoise", TotalNoise, "above 0 and at most 100");
        Check(NoiseExponent is null or (>= 1 and <= 10), "noiseExponent", NoiseExponent, "1 to 10");
        Check(BoxShare is null or (>= 0 and <= 1), "boxShare", BoxShare, "0 to 1");
        Check(BoxHalfWidth is >= 1 and <= 20, "boxHalfWidth", BoxHalfWidth, "1 to 20");
        Check(ResidualScale is null or > 0, "residualScale", ResidualScale, "above 0");
        Check(RefreshInterval >= 1, "refreshInterval", RefreshInterval, "at least 1");
        Check(Walkers is >= 16 and <= 1_000_000, "walkers", Walkers, "16 to 1,000,000");
        Check(WalkerSteps is >= 8 and <= 100_000, "walkerSteps", WalkerSteps, "8 to 100,000");
        Check(Enum.IsDefined(Base), "base", Base, "automatic, isotropic or laplace");
        Check(BaseScale > 0 && double.IsFinite(BaseScale), "baseScale", BaseScale, "above 0");
        Check(BaseInflation is >= 0.5 and <= 10, "baseInflation", BaseInflation, "0.5 to 10");
        Check(TargetExponent is null or (>= 1 and <= 10), "targetExponent", TargetExponent, "1 to 10");
        Check(BaseExponent is null or (>= 1 and <= 10), "baseExponent", BaseExponent, "1 to 10");
        Check(Sampler is null || Enum.IsDefined(Sampler.Value), "sampler", Sampler, "automatic, ode or sde");
        Check(SamplerSteps is null or (>= 4 and <= 100_000), "samplerSteps", SamplerSteps, "4 to 100,000");
        Check(Diffusion is null || (Diffusion > 0 && double.IsFinite(Diffusion.Value)), "diffusion", Diffusion, "above 0");
        Check(ExactDivergenceLimit >= 0, "exactDivergenceLimit", ExactDivergenceLimit, "at least 0");
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
