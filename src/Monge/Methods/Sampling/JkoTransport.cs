using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Samples by the long-time limit of the Wasserstein gradient flow of the Kullback-Leibler divergence from the target, whose free energy is
/// <code>
/// F(p) = int p (log p - log rho) = KL(p | rho / Z) - log Z,                   -F(p) the lower bound of log Z                                            (1)
/// p_k = argmin_p W2(p, p_{k-1})^2 / (2 h_k) + F(p),   p_k = (grad psi_k) # p_{k-1},   psi_k convex                                                       (2)
/// log w = log rho(x_K) - log p_0(x_0) + sum_k log det Hess psi_k(x_{k-1}),    x_k = grad psi_k(x_{k-1})                                                   (3)
/// </code>
/// from a Gaussian p_0. Each map is an input-convex network trained on (2); its fixed point is the target whatever the length h_k, so lengths grow. The
/// training ends when (1), on draws that no map was trained on, no longer falls. E[w] = Z holds for any maps, as (3) is exact. A potential that is a sum over
/// rows of data may be trained on mini-batches of them (<see cref="RowPosterior"/>); weights are of all rows. Sources: P. Mokrov et al., "Large-Scale
/// Wasserstein Gradient Flows", arXiv:2106.00736 (maps, section 4.2 on posteriors); R. Jordan, D. Kinderlehrer and F. Otto (1998).
/// </summary>
public sealed class JkoTransport : ITransportMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "jko";

    private const int PreparationDraws = 2048;

    private readonly RowPosterior? _posterior;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public JkoTransport(Density target, JkoSamplerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        Target = target;
        options ??= new JkoSamplerOptions();
        options.Check();
        ResolvedOptions = options.Resolve();
    }

    /// <summary>Binds the method to a posterior, whose potential it reads from mini-batches of rows if that says so.</summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option or the size of a mini-batch is out of range.</exception>
    public JkoTransport(RowPosterior posterior, JkoSamplerOptions? options = null)
        : this(Of(posterior), options)
    {
        if (posterior.BatchRows is < 1 || posterior.BatchRows > posterior.Count)
        {
            throw new ArgumentException(
                $"A mini-batch of '{posterior.Density.Name}' has {posterior.BatchRows} rows; it must have 1 to {posterior.Count}.", nameof(posterior));
        }

        _posterior = posterior.IsBatched ? posterior : null;
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options with everything filled in.</summary>
    public JkoSamplerOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public IMethodOptions Options => ResolvedOptions;

    /// <inheritdoc/>
    public SampleSet Sample(int samples, Run run) => TransportRun.Sample(this, samples, run);

    TransportSetup ITransportMethod.Setup => new(
        ResolvedOptions.Precision, ResolvedOptions.Training.Budget, ResolvedOptions.DefaultIterations, new PreparationOptions(), ResolvedOptions,
        ResolvedOptions.BaseScale is null && Target.Base.UsesModeKnowledge,
        _posterior is { } posterior ? [("rows", FormattableString.Invariant($"{posterior.BatchRows} of {posterior.Count}"))] : []);

    ITransportNetworks ITransportMethod.Networks(TransportProblem problem) => new JkoNetworks(problem, ResolvedOptions, _posterior);

    /// <summary>The base, and how steep the target is there; maps need no annealing.</summary>
    TransportProblem ITransportMethod.Prepare<T>(PreparationRun run)
    {
        var (options, d) = (ResolvedOptions, Target.Dimension);
        var (start, source) = options.BaseScale is { } scale
            ? (GaussianBase.Isotropic(d, scale), FormattableString.Invariant($"N(0, {scale:g4}^2), given"))
            : (Target.Base.ToGaussian(options.BaseInflation), Target.Base.Source);
        var problem = new TransportProblem
        {
            Target = Target,
            Base = start,
            Offset = 0,
            TargetExponent = 1,
            BaseExponent = 1,
            Stiffness = 1,
            TargetBox = new double[d],
            Source = source,
            Guard = DensityGuard.TryFind<T>(Target, false, run.Execution),
            PreparationCalls = 2 * PreparationDraws,
        };
        var logDensity = problem.Path().LogTarget;
        var draws = GaussianBase.Isotropic(d).Sample(PreparationDraws, new RandomStream(run.Seed, SamplingStreams.JkoPreparation));
        var values = PointFunction.At(logDensity, draws, d, run.Execution).Where(double.IsFinite).ToArray();
        var slopes = PointFunction.At(z => Derivative.Gradient(logDensity(z), z), draws, d, run.Execution).Where(double.IsFinite).ToArray();
        return problem with
        {
            Offset = values.Length > 0 ? values.Max() : 0,
            Stiffness = slopes.Length > 0 ? Math.Max(slopes.Average(s => s * s), double.Epsilon) : 1,
        };
    }

    private static Density Of(RowPosterior posterior)
    {
        ArgumentNullException.ThrowIfNull(posterior);
        return posterior.Density;
    }
}

/// <summary>The maps of one problem.</summary>
internal sealed class JkoNetworks : ITransportNetworks
{
    private readonly TransportProblem _problem;
    private readonly JkoSamplerOptions _options;
    private readonly RowPosterior? _posterior;
    private readonly ParameterSet _parameters = new();
    private readonly ConvexNetwork _network;

    public JkoNetworks(TransportProblem problem, JkoSamplerOptions options, RowPosterior? posterior)
    {
        (_problem, _options, _posterior) = (problem, options, posterior);
        _network = new ConvexNetwork(_parameters, new ParameterInitializer(), "psi", problem.Base.Dimension, options.Flow.Network);
    }

    /// <inheritdoc/>
    public TrainingOptions Schedule => _options.Training;

    /// <summary>Equation (2) with the free energy (1), in coordinates in which the base is standard normal.</summary>
    public ITransportTraining<T> Training<T>(Run run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var target = _posterior is null ? _problem : _problem with { Target = _posterior.Batched() };
        var logDensity = target.Path().LogTarget;
        var flow = new EvolutionProblem
        {
            Name = _problem.Target.Name,
            Initial = GaussianBase.Isotropic(_problem.Base.Dimension),
            Energy = new FreeEnergy { Potential = z => -logDensity(z), Temperature = 1 },
        };
        var rows = _posterior is null ? null : new RowBatches<T>(_posterior, run.Seed);
        return new JkoSamplerTraining<T>(
            _problem, accepts => new JkoTraining<T>(flow, _options.Flow, _options.Times, run, null, rows, accepts), Compile(run), _options, run);
    }

    /// <summary>Equation (3).</summary>
    public ITransportSampling<T> Sampling<T>(ITransportTraining<T> training, Run run)
        where T : unmanaged, IFloatingPointIeee754<T> => new JkoSampling<T>(_problem, (JkoSamplerTraining<T>)training, Compile(run), run);

    private ConvexMaps Compile(Run run) => new(_parameters, _network, run.Execution);
}

/// <summary>
/// The maps' trainings, each judged by the lower bound of log Z on draws that no map was trained on: a map that lowers it is left out, and the flow goes on
/// with the next, longer step.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class JkoSamplerTraining<T> : ITransportTraining<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int ValidationDraws = 2048;

    // So many steps in a row that raise the bound by less than the tolerance end the training. Steps shorter than the base's relaxation time don't count: the
    // law may be on its way however little each of them gains.
    private const int MostIdle = 2;
    private const double LeastTelling = 1;

    private readonly JkoTraining<T> _training;
    private readonly ConvexMaps _maps;
    private readonly JkoSamplerOptions _options;
    private readonly TargetEvaluation _evaluation;
    private readonly double[] _times;
    private readonly List<double> _bounds = [];
    private double[] _positions;
    private double[] _logDensity;
    private long _mapStart;
    private long _ofMap;
    private int _idle;
    private long _points;
    private long _callsBefore;

    /// <summary>Compiles, and judges the base.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="training">Makes the maps' training, which asks whether a map is to be kept.</param>
    /// <param name="maps">Applies maps; disposed with this.</param>
    /// <param name="options">Resolved options.</param>
    /// <param name="run">Seed and threads.</param>
    public JkoSamplerTraining(
        TransportProblem problem, Func<Predicate<double[]>, JkoTraining<T>> training, ConvexMaps maps, JkoSamplerOptions options, Run run)
    {
        (_maps, _options, _times, _evaluation) = (maps, options, options.Times, new TargetEvaluation(problem, run.Execution));
        _training = training(Accept);
        var d = problem.Base.Dimension;
        _positions = GaussianBase.Isotropic(d).Sample(ValidationDraws, new RandomStream(run.Seed, SamplingStreams.JkoValidation));
        _logDensity = TargetEvaluation.LogBase(NdArray<double>.From(_positions, ValidationDraws, d), ValidationDraws);
        _bounds.Add(Bound(_positions, _logDensity));
        Average = new NdArray<T>(options.Steps * _training.ParameterCount);
    }

    /// <summary>The parameters of all maps, one after the other; zeros follow the last.</summary>
    public NdArray<T> Average { get; }

    /// <inheritdoc/>
    public long TargetCalls => _callsBefore + _points + _evaluation.TargetCalls;

    /// <summary>The parameters of each map.</summary>
    public IReadOnlyList<double[]> Maps => _training.Maps;

    /// <summary>The lower bound of log Z before the first map and after each.</summary>
    public IReadOnlyList<double> Bounds => _bounds;

    /// <summary>Whether the bound had stopped rising.</summary>
    public bool IsDone => _options.Tolerance > 0 && _idle >= MostIdle;

    /// <inheritdoc/>
    public void Init()
    {
        var identity = _training.ToIdentity;
        if (_options.Flow.IdentityIterations > 0)
        {
            identity.Init();
        }

        for (var k = 0; k < _options.Flow.IdentityIterations && !identity.IsDone; k++)
        {
            identity.Step(k, _options.Flow.IdentityIterations);
        }

        _training.Init();
    }

    /// <summary>Steps of the training that are left are shared equally among the maps that are.</summary>
    public StepInfo Step(long iteration, long total)
    {
        var taken = _training.Taken;
        if (taken == _options.Steps)
        {
            return default;
        }

        if (iteration == _mapStart)
        {
            _ofMap = Math.Max(1, (total - iteration) / (_options.Steps - taken));
        }

        var local = iteration - _mapStart;
        var info = _training.Step(iteration, local, Math.Min(_ofMap, local + total - iteration));
        _points += _options.Flow.BatchSize;
        if (_training.Taken > taken)
        {
            _mapStart = iteration + 1;
        }

        return info;
    }

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        var calls = TargetCalls;
        _training.Exchange(state);
        state.Exchange("mapStart", ref _mapStart);
        state.Exchange("ofMap", ref _ofMap);
        state.Exchange("idle", ref _idle);
        state.Exchange("targetCalls", ref calls);
        for (var k = _bounds.Count - 1; k < _training.Maps.Count; k++)
        {
            Take(_training.Maps[k]);
        }

        _callsBefore = calls - _points - _evaluation.TargetCalls;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _training.Dispose();
        _maps.Dispose();
        _evaluation.Dispose();
    }

    private bool Accept(double[] map)
    {
        var before = _bounds[^1];
        var isBetter = Take(map);
        var isShort = _times[_training.Taken] - _times[_training.Taken - 1] < LeastTelling;
        _idle = _bounds[^1] - before >= _options.Tolerance!.Value ? 0 : isShort ? _idle : _idle + 1;
        return isBetter;
    }

    // Moves the validation draws by a map, if that raises the bound.
    private bool Take(double[] map)
    {
        double[] positions = [.. _positions];
        double[] logDensity = [.. _logDensity];
        map.CopyTo(_maps.Values);
        _maps.Push(positions, logDensity);
        var bound = Bound(positions, logDensity);
        if (!(bound > _bounds[^1]))
        {
            return false;
        }

        for (var i = 0; i < map.Length; i++)
        {
            Average[((_bounds.Count - 1) * map.Length) + i] = T.CreateChecked(map[i]);
        }

        (_positions, _logDensity) = (positions, logDensity);
        _bounds.Add(bound);
        return true;
    }

    // The mean of log rho - log p; draws outside the support, which weigh nothing, are left out.
    private double Bound(double[] positions, double[] logDensity)
    {
        var n = logDensity.Length;
        var (target, _) = _evaluation.At(NdArray<double>.From(positions, n, positions.Length / n), n);
        double[] ratios = [.. target.Zip(logDensity, (log, density) => log - density).Where(double.IsFinite)];
        return ratios.Length > 0 ? ratios.Average() : double.MinValue;
    }
}

/// <summary>Draws through the maps.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class JkoSampling<T>(TransportProblem problem, JkoSamplerTraining<T> training, ConvexMaps maps, Run run) : ITransportSampling<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly int _dimension = problem.Base.Dimension;

    /// <inheritdoc/>
    public TargetEvaluation Evaluation { get; } = new(problem, run.Execution);

    /// <inheritdoc/>
    public long TargetCalls => Evaluation.TargetCalls;

    /// <inheritdoc/>
    public bool IsTrainedInBox => false;

    /// <inheritdoc/>
    public WeightedParticles<T> Gauge(int particles, ulong seed) => Draw(particles, seed, SamplingStreams.JkoGauge);

    /// <inheritdoc/>
    public (double Ess, IReadOnlyList<SamplerTrial>? Trials) Choose(int samples, ulong seed, CancellationToken cancellation) => (double.NaN, null);

    /// <inheritdoc/>
    public TransportDraws<T> Draw(int samples, ulong seed) => new(Draw(samples, seed, SamplingStreams.JkoStart), Words());

    /// <inheritdoc/>
    public double[]? DrawBackward(NdArray<T> exact, ulong seed)
    {
        double[] positions = [.. exact.Span.ToArray().Select(double.CreateChecked)];
        var (n, determinants) = (exact.Rows, new double[exact.Rows]);
        var (target, _) = Evaluation.At(exact, n);
        try
        {
            foreach (var map in training.Maps.Reverse())
            {
                map.CopyTo(maps.Values);
                maps.Invert(positions, determinants);
            }
        }
        catch (ArithmeticException)
        {
            // A map that can't be inverted at an exact sample tells nothing of the upper bound.
            return null;
        }

        var start = TargetEvaluation.LogBase(NdArray<double>.From(positions, n, _dimension), n);
        return WeightedParticles.LogWeights(target, start, NdArray<double>.From(determinants, n));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Evaluation.Dispose();
        maps.Dispose();
    }

    private WeightedParticles<T> Draw(int samples, ulong seed, StreamName stream)
    {
        var positions = GaussianBase.Isotropic(_dimension).Sample(samples, new RandomStream(seed, stream));
        var logDensity = TargetEvaluation.LogBase(NdArray<double>.From(positions, samples, _dimension), samples);
        foreach (var map in training.Maps)
        {
            map.CopyTo(maps.Values);
            maps.Push(positions, logDensity);
        }

        var (target, _) = Evaluation.At(NdArray<double>.From(positions, samples, _dimension), samples);
        var rounded = new NdArray<T>(samples, _dimension);
        for (var i = 0; i < positions.Length; i++)
        {
            rounded[i] = T.CreateChecked(positions[i]);
        }

        return new WeightedParticles<T>(rounded, WeightedParticles.LogWeights(target, logDensity, new NdArray<double>(samples)));
    }

    private string Words()
    {
        var bounds = training.Bounds;
        var ends = training.IsDone || bounds.Count == 1 ? "" : FormattableString.Invariant($", which the last raised by {bounds[^1] - bounds[^2]:g2}");
        return FormattableString.Invariant($"{bounds.Count - 1} convex maps; lower bound of log Z {bounds[^1]:f3}{ends}");
    }
}

/// <summary>Options of the sampler <see cref="JkoTransport"/>. A null means: the method's own, written back resolved.</summary>
public sealed record JkoSamplerOptions : IMethodOptions
{
    private const int IterationsOfStep = 500;
    private const double UsualTolerance = 2e-3;

    /// <summary>Optimiser steps of all maps together, which share them equally; batches and learning rate, which falls anew within each map.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Number format of the training; maps are applied in float64.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>The most steps of the flow, a map each, 1 to 1000; fewer where the lower bound of log Z no longer rises.</summary>
    public int Steps { get; init; } = 16;

    /// <summary>The length h of the first step, above 0, in units of the base's relaxation.</summary>
    public double FirstStep { get; init; } = 0.03;

    /// <summary>What each step is longer than the one before, 1 to 10. Any length has the target as its fixed point.</summary>
    public double StepGrowth { get; init; } = 1.5;

    /// <summary>
    /// Two steps in a row, of length 1 and more, that raise the lower bound of log Z by less than this, at least 0, end the training; 0 never does. Null is
    /// 0.002 where neither steps nor budget of the training are given, else 0.
    /// </summary>
    public double? Tolerance { get; init; }

    /// <summary>Units of each of a map's two hidden layers, 1 to 8192.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Rank of each unit's quadratic form, 1 to 256.</summary>
    public int Rank { get; init; } = 5;

    /// <summary>Quadratics that a unit joins, as <see cref="JkoOptions.Pieces"/>.</summary>
    public int Pieces { get; init; } = 1;

    /// <summary>
    /// Whether a map's potential has a free quadratic part besides, so that affine maps are exact: faster where the target is nearly normal, but it is drawn to
    /// one mode where there are several.
    /// </summary>
    public bool AffinePart { get; init; }

    /// <summary>Samples of the law before a step that the batches are taken from, at least the batch's size.</summary>
    public int Pool { get; init; } = 65_536;

    /// <summary>The most optimiser steps by which the first map is brought to the identity; they end early where it is. At least 0.</summary>
    public int IdentityIterations { get; init; } = 1000;

    /// <summary>Standard deviation of an isotropic base N(0, s^2 I) in unconstrained coordinates; null takes the base that the target suggests.</summary>
    public double? BaseScale { get; init; }

    /// <summary>Factor on the standard deviations of a suggested base, 0.1 to 10.</summary>
    public double BaseInflation { get; init; } = 1;

    /// <inheritdoc/>
    public void Check()
    {
        Training.Check();
        OptionCheck.Known<Precision>(Precision);
        OptionCheck.Within<int>(Steps, 1, 1000);
        OptionCheck.Above<double>(FirstStep, 0);
        OptionCheck.Within<double>(StepGrowth, 1, 10);
        OptionCheck.AtLeast(Tolerance, 0);
        OptionCheck.Within<int>(Width, 1, 8192);
        OptionCheck.Within<int>(Rank, 1, 256);
        OptionCheck.Require(Pieces > 0 && Width % Pieces == 0, Pieces, $"a divisor of the width {Width}");
        OptionCheck.AtLeast<int>(Pool, Training.BatchSize ?? DefaultBatch);
        OptionCheck.AtLeast<int>(IdentityIterations, 0);
        OptionCheck.Above(BaseScale, 0);
        OptionCheck.Within<double>(BaseInflation, 0.1, 10);
    }

    private const int DefaultBatch = 512;

    /// <summary>Optimiser steps where neither their number nor a budget is given.</summary>
    internal long DefaultIterations => (long)Steps * IterationsOfStep;

    /// <summary>The times at which steps begin and end.</summary>
    internal double[] Times
    {
        get
        {
            var times = new double[Steps + 1];
            for (var (k, length) = (0, FirstStep); k < Steps; k++, length = Math.Min(length * StepGrowth, LongestStep))
            {
                times[k + 1] = times[k] + length;
            }

            return times;
        }
    }

    // Beyond that a step is the divergence's minimisation; a longer one would only round.
    private const double LongestStep = 1e3;

    /// <summary>The maps as a gradient flow's: of resolved options.</summary>
    internal JkoOptions Flow => new()
    {
        BatchSize = Training.BatchSize!.Value,
        Pool = Pool,
        LearningRate = Training.LearningRate!.Value,
        FinalLearningRateShare = Training.FinalLearningRateShare!.Value,
        GradientClip = Training.GradientClip!.Value,
        AverageDecay = Training.AverageDecay!.Value,
        Width = Width,
        Rank = Rank,
        Pieces = Pieces,
        AffinePart = AffinePart,
        IdentityIterations = IdentityIterations,
    };

    /// <summary>The options with everything filled in.</summary>
    internal JkoSamplerOptions Resolve() => this with
    {
        Tolerance = Tolerance ?? (Training is { Iterations: null, Budget: null } ? UsualTolerance : 0),
        Training = Training.Or(new()
        {
            Iterations = DefaultIterations,
            BatchSize = DefaultBatch,
            LearningRate = 0.01,
            FinalLearningRateShare = 0.02,
            GradientClip = 10,
            AverageDecay = 0.98,
        }),
    };
}
