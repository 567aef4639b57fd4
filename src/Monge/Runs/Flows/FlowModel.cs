using System.Numerics;
using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Training;

namespace Monge.Runs;

/// <summary>How a model came to be.</summary>
/// <param name="Source">What it was fitted to.</param>
/// <param name="Rows">Rows to learn from; 0 for a sampler.</param>
/// <param name="ValidationRows">Rows to judge by.</param>
/// <param name="Iterations">Optimiser steps taken.</param>
/// <param name="BestIteration">The step whose averaged parameters were kept.</param>
/// <param name="ValidationLoss">Their loss on the held-out rows; not a number without.</param>
/// <param name="Seed">The seed.</param>
public sealed record FitReport(string Source, int Rows, int ValidationRows, long Iterations, long BestIteration, double ValidationLoss, ulong Seed);

/// <summary>
/// A fitted transport between a base (t = 0) and data (t = 1), whatever method fitted it: it generates, carries rows to either end, and tells their log
/// density. Rows are [n, d] in the data's own coordinates, row-major; standardisation is part of the model.
/// </summary>
public sealed class FlowModel
{
    /// <summary>The per-sample input [c + 1] of a conditional model's fields: the condition, then 1 (or all 0 to hide it).</summary>
    public const string ConditionInput = "condition";

    private readonly FlowFields _fields;
    private readonly Expr? _condition;

    /// <summary>A model of known parameters.</summary>
    /// <param name="method">The name under which the method is registered: by it the model's file is read.</param>
    /// <param name="options">The options of the fit, which make the fields.</param>
    /// <param name="ends">What the transport leads from and to.</param>
    /// <param name="report">How the model came to be.</param>
    /// <param name="parameters">The fields' parameters [P], in the order in which the options declare them.</param>
    /// <exception cref="ArgumentException">The parts don't go together; the message says how.</exception>
    public FlowModel(string method, IFlowOptions options, FlowEnds ends, FitReport report, NdArray<float> parameters)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(ends);
        ArgumentNullException.ThrowIfNull(parameters);
        (Method, Options, Ends, Report, ParameterValues) = (method, options, ends, report, parameters);
        _fields = options.NewFields(ends, Parameters, new ParameterInitializer());
        _condition = ends.Inputs == 0 ? null : Expr.Input(ConditionInput, ends.Inputs + 1);
        if (Parameters.Count != parameters.Length)
        {
            throw new ArgumentException($"The model's networks have {Parameters.Count} parameters; {parameters.Length} were given.", nameof(parameters));
        }

        var (d, sizes) = (ends.Dimension, (int[])[ends.Standardisation.Dimension, ends.Base.Mixture?.Law.Dimension ?? ends.Dimension, Velocity().Dimension]);
        if (sizes.Any(size => size != d))
        {
            throw new ArgumentException(
                $"The model has {d} columns, but its standardisation, base and velocity have {string.Join(", ", sizes)} coordinates.", nameof(ends));
        }
    }

    /// <summary>d.</summary>
    public int Dimension => Columns.Count;

    /// <summary>The columns' names [d].</summary>
    public IReadOnlyList<string> Columns => Ends.Columns;

    /// <summary>The columns that the model is conditioned on.</summary>
    public IReadOnlyList<Condition> Conditions => Ends.Conditions;

    /// <summary>The name of the method that fitted it.</summary>
    public string Method { get; }

    /// <summary>The options of the fit.</summary>
    public IFlowOptions Options { get; }

    /// <summary>What the transport leads from and to.</summary>
    public FlowEnds Ends { get; }

    /// <summary>The change of coordinates between data and model.</summary>
    public Standardisation Standardisation => Ends.Standardisation;

    /// <summary>Whether the base is a standard Gaussian.</summary>
    public bool HasGaussianBase => Ends.Base.IsGaussian;

    /// <summary>The base in the model's coordinates, if it is a Gaussian mixture.</summary>
    public GaussianMixtureFit? BaseMixture => Ends.Base.Mixture?.Law;

    /// <summary>Whether the base's density is known, without which there is no log density of rows, and nothing to generate from.</summary>
    public bool HasBaseDensity => Ends.Base.HasDensity;

    /// <summary>Whether the score is known, without which there is no SDE.</summary>
    public bool HasScore => _fields.Score is not null;

    /// <summary>Whether both ends have the data's law, so that rows drawn from the base say nothing, and neither do log densities.</summary>
    public bool IsMirror => _fields.IsMirror;

    /// <summary>What is said of the fields, such as "linear path".</summary>
    public string Description => _fields.Description ?? Method;

    /// <summary>How the model came to be.</summary>
    public FitReport Report { get; }

    /// <summary>The networks' parameters, declared.</summary>
    public ParameterSet Parameters { get; } = new();

    /// <summary>The parameters' values [P].</summary>
    public NdArray<float> ParameterValues { get; }

    /// <summary>The rows [n, d] that the fit held out; null for a model that was read from a file.</summary>
    public double[]? HeldOutRows { get; init; }

    /// <summary>
    /// The types of a table's columns and the law of what has a probability; null where all columns are continuous. The transport is that of the coordinates
    /// with a density given the rest: <see cref="TableModel"/> puts both together.
    /// </summary>
    public TableLaw? Table { get; init; }

    /// <summary>The rows of a table with types that the fit held out, as they are; null otherwise, and for a model that was read from a file.</summary>
    public DataTable? HeldOutTable { get; init; }

    /// <summary>The standard deviation of a Gaussian base in the model's coordinates.</summary>
    internal double BaseScale => _fields.BaseScale;

    /// <summary>The loss on the held-out rows over time; null without such rows, and for a model that was read from a file.</summary>
    public IReadOnlyList<LossInterval>? LossByTime { get; init; }

    /// <summary>Seconds of training, wall clock; not a number for a model that was read from a file.</summary>
    public double TrainSeconds { get; init; } = double.NaN;

    /// <summary>The held-out rows' conditions; null without.</summary>
    public ConditionValues? HeldOutGiven { get; init; }

    /// <summary>
    /// The velocity b in the model's coordinates; a conditional model reads the per-sample input "condition" [c + 1], the last entry 1 (or all 0 to hide it).
    /// </summary>
    /// <param name="guidance">w of classifier-free guidance.</param>
    public IVectorField Velocity(double guidance = 1) => Guided(_fields.Velocity, guidance);

    /// <summary>The score s in the model's coordinates.</summary>
    /// <param name="guidance">w of classifier-free guidance.</param>
    /// <exception cref="InvalidOperationException">The score isn't known.</exception>
    public IVectorField Score(double guidance = 1)
    {
        return Guided(RequiredScore().Field, guidance);
    }

    /// <summary>Draws rows of the data's law.</summary>
    /// <param name="count">n.</param>
    /// <param name="settings">How; null for the defaults.</param>
    /// <param name="from">Rows of the base [n, d] to start from; needed for a base that is a data set.</param>
    /// <returns>Rows [n, d].</returns>
    /// <exception cref="ArgumentException">Start rows are missing or have the wrong size, or conditions are missing.</exception>
    /// <exception cref="InvalidOperationException">An SDE is asked for, but the score isn't known.</exception>
    public double[] Generate(int count, FlowSettings? settings = null, double[]? from = null) =>
        FromModel(Carrier(settings ??= new FlowSettings()).Carry(Start(count, settings, from), 0, 1));

    /// <summary>Carries rows from the base to the data and keeps where they are at given times, in the data's coordinates.</summary>
    /// <param name="count">n.</param>
    /// <param name="times">Times [k], ascending within (0, 1].</param>
    /// <param name="settings">How.</param>
    /// <param name="from">As for <see cref="Generate"/>.</param>
    /// <returns>Rows [n, d] at 0 and at each of the times.</returns>
    internal double[][] GenerateAlong(int count, IReadOnlyList<double> times, FlowSettings settings, double[]? from = null)
    {
        var (carrier, position) = (Carrier(settings), Start(count, settings, from));
        var (all, now) = (new List<double[]> { FromModel(position) }, 0.0);
        foreach (var time in times)
        {
            position = carrier.Carry(position, now, time);
            all.Add(FromModel(position));
            now = time;
        }

        return [.. all];
    }

    /// <summary>
    /// Carries rows of the data back to the base: standard normal numbers for a Gaussian base, rows in the data's coordinates for a mixture or a table.
    /// </summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="settings">How; null for the defaults, which are those of an ODE in double precision.</param>
    public double[] ToBase(double[] rows, FlowSettings? settings = null) =>
        FromModel(Carrier(settings ?? new FlowSettings()).Carry(ToModel<double>(rows), 1, 0), isBase: true);

    /// <summary>Carries rows of the base to the data.</summary>
    /// <param name="rows">Rows [n, d]: standard normal numbers for a Gaussian base, rows in the data's coordinates for a mixture or a table.</param>
    /// <param name="settings">How; null for the defaults, which are those of an ODE in double precision.</param>
    public double[] ToData(double[] rows, FlowSettings? settings = null) =>
        FromModel(Carrier(settings ?? new FlowSettings()).Carry(ToModel<double>(rows, isBase: true), 0, 1));

    /// <summary>The log density of rows under the ODE's law, in nats.</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="settings">How; null for the exact divergence by adaptive steps.</param>
    /// <returns>Log densities [n] in the data's coordinates.</returns>
    /// <exception cref="InvalidOperationException">The base is a data set.</exception>
    public double[] LogDensity(double[] rows, FlowSettings? settings = null)
    {
        Ends.Base.RequireDensity();
        settings ??= new FlowSettings();
        return Carrier(settings).LogDensity(
            ToModel<double>(rows), start => Ends.Base.LogDensity(start, _fields.BaseScale, settings.Threads), Standardisation.LogDeterminants(rows));
    }

    /// <summary>
    /// The log density of rows under the law of the forward SDE, by the Feynman-Kac formula (arXiv:2303.08797, theorem 2.22): paths run backward from the row
    /// with the forward drift, and the mean of exp(-int div) rho_0 over them. The logarithm of a mean is biased downward by about half its relative variance,
    /// which is returned too.
    /// </summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="paths">Paths for each row, at least 2.</param>
    /// <param name="settings">How; its diffusion is above 0.</param>
    /// <returns>Log densities [n] in nats and their standard errors [n].</returns>
    /// <exception cref="InvalidOperationException">The base is a data set or the score isn't known.</exception>
    public (double[] LogDensity, double[] Error) FeynmanKac(double[] rows, int paths, FlowSettings settings)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(paths, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(settings.Diffusion);
        Ends.Base.RequireDensity();
        var estimates = Carrier(settings).FeynmanKac(ToModel<double>(rows), paths, start => Ends.Base.LogDensity(start, _fields.BaseScale));
        return ([.. estimates.Zip(Standardisation.LogDeterminants(rows), (e, change) => e.LogDensity - change)], [.. estimates.Select(e => e.StandardError)]);
    }

    /// <summary>Writes the model with all that it needs into one safetensors file.</summary>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Save(string path) => FlowModelFile.Write(path, this);

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="methods">The fits that are known, such as those of the registry: the model's own makes its fields.</param>
    /// <exception cref="DataFormatException">
    /// The file is no model, its method isn't known, or its arrays differ from what its configuration asks for; the message says how.
    /// </exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static FlowModel Load(string path, IEnumerable<IMethodEntry> methods) => FlowModelFile.Read(path, methods);

    private NdArray<float> Start(int count, FlowSettings settings, double[]? from)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return from is not null ? ToModel<float>(from, isBase: true)
            : HasBaseDensity ? Ends.Base.Draw(count, Dimension, _fields.BaseScale, settings.Seed, settings.Threads)
            : throw new ArgumentException("The model's base is a data set; give rows of it to start from.", nameof(from));
    }

    private NdArray<T> ToModel<T>(double[] rows, bool isBase = false)
        where T : unmanaged, IFloatingPointIeee754<T> => Ends.ToModel<T>(rows, isBase, _fields.BaseScale);

    private double[] FromModel<T>(NdArray<T> positions, bool isBase = false)
        where T : unmanaged, IFloatingPointIeee754<T> => Ends.FromModel(positions, isBase, _fields.BaseScale);

    private IVectorField Guided(Func<Expr?, IVectorField> field, double weight) =>
        _condition is null || weight == 1 ? field(_condition) : Guidance.Of(field(null), field(_condition), weight);

    private FieldCarrier Carrier(FlowSettings settings)
    {
        if (settings.Diffusion > 0)
        {
            RequiredScore();
        }

        float[] Condition(int rows) => settings.Given?.Encode(Conditions, rows) ?? (_fields.CanHideConditions ? new float[rows * (Ends.Inputs + 1)]
            : throw new ArgumentException(
                $"The model was fitted with the conditions {string.Join(", ", Conditions.Select(c => c.Name))} always given; give them."));
        return new FieldCarrier(
            Parameters, ParameterValues, Velocity(settings.Guidance), HasScore ? Score(settings.Guidance) : null, _fields.Score?.NoiseScale,
            _fields.Score?.NoiseScaleAt, Conditions.Count == 0 && settings.Given is null ? null : (ConditionInput, Condition), settings);
    }

    private FlowScore RequiredScore() => _fields.Score ?? throw new InvalidOperationException(
        "The model's score isn't known, so it can't be sampled by an SDE: fit it so that the score is learned too, with 'interpolant' by a latent and a second "
        + "field (learn 'velocityDenoiser'), or from a Gaussian base with the independent coupling.");
}
