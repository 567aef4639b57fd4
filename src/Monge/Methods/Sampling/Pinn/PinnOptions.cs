namespace Monge.Methods;

/// <summary>Options of the neural PDE transport sampler <see cref="PinnTransport"/>. A null means: chosen from the target's dimension, and written back resolved.</summary>
public sealed record PinnOptions : ITrainedOptions<PinnOptions>
{
    /// <summary>Optimiser steps, at least 1; null for the default of the target's size. Runs with this are repeatable to the bit.</summary>
    public long? Iterations { get; init; }

    /// <summary>Training time; the number of steps then follows from the speed measured at the start. Not together with <see cref="Iterations"/>.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Threads, 0 for all processors. Results don't depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Number format.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>What the drift network may couple.</summary>
    public NetworkChoice Network { get; init; } = NetworkChoice.Automatic;

    /// <summary>Units in each hidden layer of the drift network, 1 to 4096.</summary>
    public int? Width { get; init; }

    /// <summary>Hidden layers of the drift network, 1 to 16.</summary>
    public int? Depth { get; init; }

    /// <summary>Collocation points per step, 16 to 1,000,000.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Peak learning rate of Adam, above 0 and at most 1.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Final learning rate as a share of the peak, 0 to 1.</summary>
    public double FinalLearningRateShare { get; init; } = 0.01;

    /// <summary>The gradient is scaled down to this norm when it is longer; above 0.</summary>
    public double GradientClip { get; init; } = 1.0;

    /// <summary>Decay of the exponential moving average of the parameters that sampling uses, 0 to below 1.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>Share of collocation points drawn from the interpolated box instead of the current particles, 0 to 1.</summary>
    public double? BoxShare { get; init; }

    /// <summary>Half-width of the collocation box in standard deviations of the base, 1 to 20.</summary>
    public double BoxHalfWidth { get; init; } = 3.0;

    /// <summary>
    /// Residuals r enter as s^2 log(1 + r^2 / s^2) with this scale s (Cauchy loss), so that the far corners of the box don't rule; above 0.
    /// Both losses have the same zero.
    /// </summary>
    public double? ResidualScale { get; init; }

    /// <summary>Optimiser steps between two simulations of the current particles, at least 1.</summary>
    public int RefreshInterval { get; init; } = 100;

    /// <summary>Particles simulated at each refresh, 16 to 1,000,000.</summary>
    public int Walkers { get; init; } = 1024;

    /// <summary>Steps of those simulations, 8 to 100,000.</summary>
    public int WalkerSteps { get; init; } = 64;

    /// <summary>Where the annealing starts.</summary>
    public BaseChoice Base { get; init; } = BaseChoice.Automatic;

    /// <summary>Standard deviation s of the isotropic base, above 0.</summary>
    public double BaseScale { get; init; } = 3.0;

    /// <summary>Factor on the standard deviations of a fitted base, 0.5 to 10.</summary>
    public double BaseInflation { get; init; } = 1.1;

    /// <summary>
    /// Exponents of the annealing V = t^a log rho + (1-t)^b log p0: a here, 1 to 10; null lets short trainings choose.
    /// </summary>
    public double? TargetExponent { get; init; }

    /// <summary>The exponent b of the annealing, 1 to 10; null lets short trainings choose. Larger than a: the path widens first.</summary>
    public double? BaseExponent { get; init; }

    /// <summary>How particles are carried.</summary>
    public SamplerChoice Sampler { get; init; } = SamplerChoice.Automatic;

    /// <summary>Steps of the chosen sampler, 4 to 100,000; null lets the validation batch choose.</summary>
    public int? SamplerSteps { get; init; }

    /// <summary>Diffusion eps of the SDE in the base's units, above 0; null lets the validation batch choose.</summary>
    public double? Diffusion { get; init; }

    /// <summary>Exact divergence up to this dimension, two independent Hutchinson probes above; at least 0.</summary>
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
        BatchSize = BatchSize!.Value,
        BoxShare = BoxShare!.Value,
        BoxHalfWidth = BoxHalfWidth,
        RefreshInterval = RefreshInterval,
        Walkers = Walkers,
        WalkerSteps = WalkerSteps,
    };

    /// <summary>How particles may be carried.</summary>
    internal SamplingSettings Sampling => new(Sampler, SamplerSteps, Diffusion, ExactDivergenceLimit);

    /// <summary>The options that change the training, as JSON; the others at their defaults.</summary>
    internal string TrainingText()
    {
        var defaults = new PinnOptions();
        return MethodOptions.Format(this with { Threads = 0, CheckpointSeconds = defaults.CheckpointSeconds, Sampler = defaults.Sampler, SamplerSteps = null, Diffusion = null });
    }

    /// <summary>The options with all that follows from the dimension and the network filled in; what needs a network stays open while it is to be chosen.</summary>
    internal PinnOptions Resolve(int dimension)
    {
        var exact = dimension <= ExactDivergenceLimit;
        var network = Network == NetworkChoice.Automatic && exact ? NetworkChoice.Mlp : Network;
        var common = this with
        {
            Network = network,
            BatchSize = BatchSize ?? 1024,
            BoxShare = BoxShare ?? (dimension <= 6 ? 0.1 : 0),
        };
        return network switch
        {
            NetworkChoice.Automatic => common,
            NetworkChoice.Separable => common with
            {
                Iterations = Iterations ?? (Budget is null ? 4_000 : null),
                Width = Width ?? 32,
                Depth = Depth ?? 2,
                LearningRate = LearningRate ?? 8e-3,
                ResidualScale = ResidualScale ?? 10,
            },
            _ => common with
            {
                Iterations = Iterations ?? (Budget is null ? DefaultIterations(dimension) : null),
                Width = Width ?? 64,
                Depth = Depth ?? 3,

                // Exact divergences bear long steps; noisy ones need shorter steps and a wider scale.
                LearningRate = LearningRate ?? (exact ? 8e-3 : 3e-3),
                ResidualScale = ResidualScale ?? (exact ? 2 : 5),
            },
        };
    }

    private static long DefaultIterations(int dimension) => dimension switch
    {
        <= 6 => 5_000,
        <= 12 => 2_500,
        _ => 1_500,
    };

    /// <inheritdoc/>
    public PinnOptions With(long? iterations, TimeSpan? budget, int threads, Precision precision) =>
        this with { Iterations = iterations, Budget = budget, Threads = threads, Precision = precision };

    /// <summary>Reads options from JSON.</summary>
    /// <exception cref="ArgumentException">The text is not JSON, has an unknown name, or a value is out of range.</exception>
    public static PinnOptions Parse(string json)
    {
        var options = MethodOptions.Parse<PinnOptions>(json);
        options.Validate();
        return options;
    }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it, its value and the range.</exception>
    public void Validate()
    {
        Check(Iterations is null or >= 1, "iterations", Iterations, "at least 1");
        Check(Budget is null || Budget > TimeSpan.Zero, "budget", Budget, "longer than zero");
        Check(Iterations is null || Budget is null, "budget", Budget, "left out when iterations are given");
        Check(Threads >= 0, "threads", Threads, "0 (all processors) or more");
        Check(Enum.IsDefined(Precision), "precision", Precision, "float32 or float64");
        Check(Enum.IsDefined(Network), "network", Network, "automatic, mlp or separable");
        Check(Width is null or (>= 1 and <= 4096), "width", Width, "1 to 4096");
        Check(Depth is null or (>= 1 and <= 16), "depth", Depth, "1 to 16");
        Check(BatchSize is null or (>= 16 and <= 1_000_000), "batchSize", BatchSize, "16 to 1,000,000");
        Check(LearningRate is null or (> 0 and <= 1), "learningRate", LearningRate, "above 0 and at most 1");
        Check(FinalLearningRateShare is >= 0 and <= 1, "finalLearningRateShare", FinalLearningRateShare, "0 to 1");
        Check(GradientClip > 0, "gradientClip", GradientClip, "above 0");
        Check(AverageDecay is >= 0 and < 1, "averageDecay", AverageDecay, "0 to below 1");
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
        Check(Enum.IsDefined(Sampler), "sampler", Sampler, "automatic, ode or sde");
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
