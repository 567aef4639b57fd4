using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// The trajectory-based samplers PIS, DIS, DDS, GBS and CMCD. A control is trained so that paths x_0, ..., x_K of forward kernels F_k look like paths of
/// backward kernels B_k from the target:
/// <code>
/// log w = log rho(x_K) - log p0(x_0) + sum_k [log B_k(x_k | x_{k+1}) - log F_k(x_{k+1} | x_k)],    rnd = -log w       (1)
/// loss: kl = E[rnd]   or   logVariance = Var[rnd] along paths held fixed                                             (2)
/// </code>
/// E[w] = Z holds for any control and any number of steps. Which kernels a method has, and how its paper's rnd corresponds, is told at
/// <see cref="Dynamics.KernelSchedule"/>. kl is back-propagated through the whole path in memory of about sqrt(K) states (<see cref="PathGradient{T}"/>). It
/// seeks modes: with separated modes it collapses to some of them, and its weights can't tell; the coverage check does. Paths run in coordinates in which the
/// base is N(0, I); the base is the target's suggestion, or isotropic with a scale that is given. Sources: arXiv:2307.01198 (losses, general bridge, settings),
/// arXiv:2111.15141 (PIS), arXiv:2211.01364 (DIS), arXiv:2302.13834 (DDS), arXiv:2307.01050 (CMCD).
/// </summary>
public sealed class ControlledTransport : ITransportMethod
{
    /// <summary>Binds a method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="algorithm">The method.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public ControlledTransport(Density target, ControlledAlgorithm algorithm, ControlledOptions? options = null)
    {
        (Target, Algorithm) = (target, algorithm);
        options ??= new ControlledOptions();
        options.Check();
        ResolvedOptions = options with
        {
            Training = options.Training.Or(
                new()
                {
                    Iterations = DefaultIterations,
                    BatchSize = 512,
                    LearningRate = 5e-3,
                    FinalLearningRateShare = 0.02,
                    GradientClip = 1,
                    AverageDecay = 0.995
                }),
            Size = options.Size.Or(64, 3),
            Score = options.Score ?? (algorithm == ControlledAlgorithm.Cmcd ? ScoreGate.None : ScoreGate.Interpolated),
            GateStart = options.GateStart ?? 1,
        };
    }

    private const long DefaultIterations = 4_000;

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The method.</summary>
    public ControlledAlgorithm Algorithm { get; }

    /// <summary>The options with everything filled in.</summary>
    public ControlledOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Name => MethodOptions.NameOf(Algorithm.ToString());

    /// <inheritdoc/>
    public IMethodOptions Options => ResolvedOptions;

    /// <inheritdoc/>
    public SampleSet Sample(int samples, Run run) => TransportRun.Sample(this, samples, run);

    TransportSetup ITransportMethod.Setup => new(
        ResolvedOptions.Precision, ResolvedOptions.Training.Budget, DefaultIterations, new PreparationOptions(), ResolvedOptions with { Segments = null },
        ResolvedOptions.BaseScale is null && Target.Base.UsesModeKnowledge);

    ITransportNetworks ITransportMethod.Networks(TransportProblem problem) => new ControlledModel(problem, Algorithm, ResolvedOptions);

    TransportProblem ITransportMethod.Prepare<T>(PreparationRun run)
    {
        var (options, preparation) = (ResolvedOptions, new TransportPreparation<T>(Target, new PreparationOptions(), run));
        var problem = options.BaseScale is { } scale
            ? preparation.Given(GaussianBase.Isotropic(Target.Dimension, scale), FormattableString.Invariant($"N(0, {scale:g4}^2), given"))
            : preparation.Given(
                Target.Base.ToGaussian(options.BaseInflation),
                FormattableString.Invariant($"{Target.Base.Source}{(options.BaseInflation == 1 ? "" : $", deviations times {options.BaseInflation:g3}")}"));
        return WithPlainBase(problem) with { PreparationCalls = preparation.TargetCalls };
    }

    // A suggested base may be diagonal without saying so, and costs a matrix product a step then.
    private static TransportProblem WithPlainBase(TransportProblem problem)
    {
        var d = problem.Base.Dimension;
        var factor = TransportProblem.Factor(problem.Base);
        var isDiagonal = Enumerable.Range(0, factor.Length).All(k => k / d == k % d || factor[k] == 0);
        return isDiagonal
            ? problem with { Base = GaussianBase.Diagonal([.. problem.Base.Mean], [.. Enumerable.Range(0, d).Select(i => factor[(i * d) + i])]) }
            : problem;
    }
}

/// <summary>The kernels of one method on one problem, and its controls' parameters.</summary>
internal sealed class ControlledModel : ITransportNetworks
{
    private const int FirstWidening = 200;
    private const int SecondWidening = 400;
    private const double Widening = 5;

    private readonly TransportProblem _problem;
    private readonly ControlledOptions _options;

    public ControlledModel(TransportProblem problem, ControlledAlgorithm algorithm, ControlledOptions options)
    {
        (_problem, _options) = (problem, options);
        var d = problem.Base.Dimension;
        var path = problem.Path();
        LogTarget = path.LogTarget;
        Expr Interpolated(Expr x, Expr t) => path.Score(x, t);
        Expr OfTarget(Expr x, Expr t) => Derivative.Gradient(path.LogTarget(x), x);
        Func<Expr, Expr, Expr>? score = options.Score switch
        {
            ScoreGate.Target => OfTarget,
            ScoreGate.Interpolated => Interpolated,
            _ => null,
        };
        var forward = new ControlNetwork(
            Parameters, Initializer, "forward", d, options.Size.Width!.Value, options.Size.Depth!.Value, score, options.GateStart ?? 0);
        var backward = algorithm == ControlledAlgorithm.Gbs
            ? new ControlNetwork(Parameters, Initializer, "backward", d, options.Size.Width!.Value, options.Size.Depth!.Value, null, 0)
            : null;
        var isLangevin = algorithm == ControlledAlgorithm.Cmcd;
        var calls = score is null ? 0 : 1;
        Kernels = new ControlledKernels
        {
            Dimension = d,
            Parameters = Parameters,
            Schedule = algorithm switch
            {
                ControlledAlgorithm.Pis => KernelSchedule.PinnedBrownian(options.Steps, options.Variance),
                ControlledAlgorithm.Dds => KernelSchedule.OrnsteinUhlenbeck(options.Steps, options.LeastRate, options.GreatestRate),
                ControlledAlgorithm.Cmcd => KernelSchedule.AnnealedLangevin(options.Steps, (t, next) => problem.Diffusion(options.LangevinStep, t, next)),
                _ => KernelSchedule.VariancePreserving(options.Steps, options.LeastRate, options.GreatestRate),
            },
            Forward = forward.Apply,
            Backward = isLangevin ? (x, t, volatility, clip) => -forward.Apply(x, t, volatility, clip) : backward is null ? null : backward.Apply,
            Score = isLangevin ? (x, t, clip) => Interpolated(x, t).Clamp(-clip, clip) : null,
            TargetCallsPerStep = isLangevin ? 2 + (2 * calls) : calls,
        };
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public ControlledKernels Kernels { get; }

    /// <summary>log rho at a position z [d], traced, less the estimate of log Z.</summary>
    public Func<Expr, Expr> LogTarget { get; }

    /// <inheritdoc/>
    public TrainingOptions Schedule => _options.Training;

    /// <summary>Equation (2).</summary>
    public ITransportTraining<T> Training<T>(Run run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var gradient = new PathGradient<T>(
            Kernels, LogTarget, _options.Loss, _options.Training.BatchSize!.Value, _options.Segments, SamplingStreams.ControlledStart,
            SamplingStreams.ControlledNoise, run.Execution);
        return new PathTraining<T>(Kernels, Initializer, gradient, Clip, _options.Training, run);
    }

    /// <summary>Equation (1).</summary>
    public ITransportSampling<T> Sampling<T>(ITransportTraining<T> training, Run run)
        where T : unmanaged, IFloatingPointIeee754<T> => new PathSampling<T>(
            _problem, Kernels, (PathTraining<T>)training, $"trained by {(_options.Loss == PathSpaceLoss.Kl ? "kl" : "log variance")}", run.Execution);

    // The bound on scores and network outputs: narrow while the controls are wild.
    private double Clip(long steps) => _options.Clip * (steps >= FirstWidening ? Widening : 1) * (steps >= SecondWidening ? Widening : 1);
}

/// <summary>
/// Options of the trajectory-based samplers <see cref="ControlledTransport"/>. A null means: chosen from method and target, and written back resolved.
/// </summary>
public sealed record ControlledOptions : IMethodOptions
{
    /// <summary>Steps, batches (of paths), learning rate.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Number format of networks, paths and training.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>The size of a control.</summary>
    public NetworkSizeOptions Size { get; init; } = new();

    /// <summary>The loss: kl or logVariance.</summary>
    public PathSpaceLoss Loss { get; init; } = PathSpaceLoss.LogVariance;

    /// <summary>Steps of a path, 2 to 100,000.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>
    /// Segments by which the Kullback-Leibler loss is propagated back, 1 to the number of steps; null for about the square root. Results don't depend on it.
    /// </summary>
    public int? Segments { get; init; }

    /// <summary>The score that the forward control sees.</summary>
    public ScoreGate? Score { get; init; }

    /// <summary>The gate before training.</summary>
    public double? GateStart { get; init; }

    /// <summary>
    /// Bound on each coordinate of scores and of the network's output, above 0; five times as wide from iteration 200 and again from iteration 400.
    /// </summary>
    public double Clip { get; init; } = 10;

    /// <summary>
    /// Standard deviation of an isotropic base N(0, s^2 I) in unconstrained coordinates; null takes the base that the target suggests. Paths run in
    /// coordinates in which the base is N(0, I).
    /// </summary>
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

    /// <inheritdoc/>
    public void Check()
    {
        Training.Check();
        OptionCheck.Known<Precision>(Precision);
        Size.Check();
        OptionCheck.Known<PathSpaceLoss>(Loss);
        OptionCheck.Within<int>(Steps, 2, 100_000);
        OptionCheck.Require(Segments is null || (Segments >= 1 && Segments <= Steps), Segments, "1 to the number of steps");
        OptionCheck.Known(Score);
        OptionCheck.Require(GateStart is null || double.IsFinite(GateStart.Value), GateStart, "finite");
        OptionCheck.Above<double>(Clip, 0);
        OptionCheck.Above(BaseScale, 0);
        OptionCheck.Within<double>(BaseInflation, 0.1, 10);
        OptionCheck.Above<double>(Variance, 0);
        OptionCheck.Above<double>(LeastRate, 0);
        OptionCheck.Require(GreatestRate >= LeastRate && double.IsFinite(GreatestRate), GreatestRate, "at least leastRate");
        OptionCheck.Above<double>(LangevinStep, 0);
    }
}
