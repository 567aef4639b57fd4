using System.Numerics;
using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;

namespace Monge.Methods;

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
/// A fitted transport between a base (t = 0) and data (t = 1): it generates, carries rows to either end, and tells their log density. Rows are [n, d] in the
/// data's own coordinates, row-major; standardisation is part of the model.
/// </summary>
public sealed class FlowModel
{
    internal const string ConditionInput = "condition";

    private readonly InterpolantFields _fields;
    private readonly Expr _condition;

    internal FlowModel(FlowDescription description, NdArray<float> parameters)
    {
        (Description, ParameterValues) = (description, parameters);
        _fields = description.NewFields(Parameters);
        if (Parameters.Count != parameters.Length)
        {
            throw new ArgumentException($"The model's networks have {Parameters.Count} parameters; {parameters.Length} were given.", nameof(parameters));
        }

        _condition = Expr.Input(ConditionInput, _fields.Conditions + 1);
    }

    /// <summary>d.</summary>
    public int Dimension => Columns.Count;

    /// <summary>The columns' names [d].</summary>
    public IReadOnlyList<string> Columns => Description.Columns;

    /// <summary>The columns that the model is conditioned on.</summary>
    public IReadOnlyList<Condition> Conditions => Description.Conditions;

    /// <summary>The options of the fit.</summary>
    public InterpolantOptions Options => Description.Options;

    /// <summary>The form of the interpolant.</summary>
    public InterpolantKind Form => Description.Form;

    /// <summary>The change of coordinates between data and model.</summary>
    public Standardisation Standardisation => Description.Standardisation;

    /// <summary>Whether the base is a standard Gaussian.</summary>
    public bool HasGaussianBase => Description.HasGaussianBase;

    /// <summary>The base in the model's coordinates, if it is a Gaussian mixture.</summary>
    public GaussianMixtureFit? BaseMixture => Description.Mixture?.Law;

    /// <summary>Whether the base's density is known, without which there is no log density of rows, and nothing to generate from.</summary>
    public bool HasBaseDensity => HasGaussianBase || BaseMixture is not null;

    /// <summary>Whether the score is known, without which there is no SDE.</summary>
    public bool HasScore => _fields.HasScore;

    /// <summary>How the model came to be.</summary>
    public FitReport Report => Description.Report;

    /// <summary>The networks' parameters, declared.</summary>
    public ParameterSet Parameters { get; } = new();

    /// <summary>The parameters' values [P].</summary>
    public NdArray<float> ParameterValues { get; }

    /// <summary>The rows [n, d] that the fit held out; null for a model that was read from a file.</summary>
    public double[]? HeldOutRows { get; init; }

    /// <summary>The loss on the held-out rows over time; null without such rows, and for a model that was read from a file.</summary>
    public IReadOnlyList<LossInterval>? LossByTime { get; init; }

    /// <summary>Seconds of training, wall clock; not a number for a model that was read from a file.</summary>
    public double TrainSeconds { get; init; } = double.NaN;

    /// <summary>The held-out rows' conditions; null without.</summary>
    public ConditionValues? HeldOutGiven { get; init; }

    internal FlowDescription Description { get; }

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
        RequireScore();
        return Guided(_fields.Score, guidance);
    }

    /// <summary>Draws rows of the data's law.</summary>
    /// <param name="count">n.</param>
    /// <param name="settings">How; null for the defaults.</param>
    /// <param name="from">Rows of the base [n, d] to start from; needed for a base that is a data set.</param>
    /// <returns>Rows [n, d].</returns>
    /// <exception cref="ArgumentException">Start rows are missing or have the wrong size, or conditions are missing.</exception>
    /// <exception cref="InvalidOperationException">An SDE is asked for, but the score isn't known.</exception>
    public double[] Generate(int count, FlowSettings? settings = null, double[]? from = null) =>
        FromModel(Carrier(settings ??= new FlowSettings()).Carry(Start(count, settings, from), 0, 1), isBase: false);

    /// <summary>Carries rows from the base to the data and keeps where they are at given times, in the data's coordinates.</summary>
    /// <param name="count">n.</param>
    /// <param name="times">Times [k], ascending within (0, 1].</param>
    /// <param name="settings">How.</param>
    /// <param name="from">As for <see cref="Generate"/>.</param>
    /// <returns>Rows [n, d] at 0 and at each of the times.</returns>
    internal double[][] GenerateAlong(int count, IReadOnlyList<double> times, FlowSettings settings, double[]? from = null)
    {
        var (carrier, position) = (Carrier(settings), Start(count, settings, from));
        var (all, now) = (new List<double[]> { FromModel(position, isBase: false) }, 0.0);
        foreach (var time in times)
        {
            position = carrier.Carry(position, now, time);
            all.Add(FromModel(position, isBase: false));
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
        FromModel(Carrier(settings ?? new FlowSettings()).Carry(ToModel<double>(rows, isBase: false), 1, 0), isBase: true);

    /// <summary>Carries rows of the base to the data.</summary>
    /// <param name="rows">Rows [n, d]: standard normal numbers for a Gaussian base, rows in the data's coordinates for a mixture or a table.</param>
    /// <param name="settings">How; null for the defaults, which are those of an ODE in double precision.</param>
    public double[] ToData(double[] rows, FlowSettings? settings = null) =>
        FromModel(Carrier(settings ?? new FlowSettings()).Carry(ToModel<double>(rows, isBase: true), 0, 1), isBase: false);

    /// <summary>The log density of rows under the ODE's law, in nats.</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="settings">How; null for the exact divergence by adaptive steps.</param>
    /// <returns>Log densities [n] in the data's coordinates.</returns>
    /// <exception cref="InvalidOperationException">The base is a data set.</exception>
    public double[] LogDensity(double[] rows, FlowSettings? settings = null)
    {
        RequireBaseDensity();
        settings ??= new FlowSettings();
        double[] LogBaseOf(NdArray<double> start) => BaseMixture?.LogDensity(start.Span.ToArray(), settings.Threads)
            ?? [.. Enumerable.Range(0, start.Rows).Select(i => LogBase(start.Row(i)))];
        return Carrier(settings).LogDensity(ToModel<double>(rows, isBase: false), LogBaseOf, Standardisation.LogDeterminant);
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
        RequireBaseDensity();
        var estimates = Carrier(settings).FeynmanKac(ToModel<double>(rows, isBase: false), paths, LogBase);
        return ([.. estimates.Select(e => e.LogDensity - Standardisation.LogDeterminant)], [.. estimates.Select(e => e.StandardError)]);
    }

    /// <summary>Writes the model with all that it needs into one safetensors file.</summary>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Save(string path) => FlowModelFile.Write(path, this);

    /// <summary>Reads a model.</summary>
    /// <exception cref="DataFormatException">The file is no model, or its arrays differ from what its configuration asks for; the message says how.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static FlowModel Load(string path) => FlowModelFile.Read(path);

    private NdArray<float> Start(int count, FlowSettings settings, double[]? from)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (from is not null)
        {
            return ToModel<float>(from, isBase: true);
        }

        if (!HasBaseDensity)
        {
            throw new ArgumentException("The model's base is a data set; give rows of it to start from.", nameof(from));
        }

        if (Description.Mixture is { } mixture)
        {
            return mixture.Draw(count, new RandomStream(settings.Seed, GenerationStreams.Start));
        }

        var start = new NdArray<float>(count, Dimension);
        var scale = (float)_fields.BaseScale;
        var noise = new TracedProgram(null, ("x", scale * Expr.Random(RandomLaw.Normal, GenerationStreams.Start, Dimension)));
        using var draw = new CompiledProgram<float>(noise, new ExecutionOptions { Threads = settings.Threads }) { ["x"] = start };
        draw.Run(count, new DrawKey(settings.Seed));
        return start;
    }

    private FormulaField Field(Func<Expr, Expr, Expr?, Expr> field, Expr? condition) => new(Dimension, (x, t) => field(x, t, condition));

    private IVectorField Guided(Func<Expr, Expr, Expr?, Expr> field, double weight) =>
        _fields.Conditions == 0 ? Field(field, null) : Guidance.Of(Field(field, null), Field(field, _condition), weight);

    private FieldCarrier Carrier(FlowSettings settings)
    {
        if (settings.Diffusion > 0)
        {
            RequireScore();
        }

        float[] Condition(int rows) => settings.Given?.Encode(Conditions, rows) ?? (Options.ConditionDropout > 0 ? new float[rows * (_fields.Conditions + 1)]
            : throw new ArgumentException(
                $"The model was fitted with the conditions {string.Join(", ", Conditions.Select(c => c.Name))} always given; give them."));
        return new FieldCarrier(
            Parameters, ParameterValues, Velocity(settings.Guidance), HasScore ? Score(settings.Guidance) : null, _fields.NoiseScale, _fields.NoiseScaleAt,
            Conditions.Count == 0 && settings.Given is null ? null : (ConditionInput, Condition), settings);
    }

    private double LogBase(ReadOnlySpan<double> position)
    {
        var scale = _fields.BaseScale;
        var squares = 0.0;
        foreach (var v in position)
        {
            squares += v * v;
        }

        return (-0.5 * squares / (scale * scale)) - (Dimension * (Math.Log(scale) + (0.5 * Math.Log(2 * Math.PI))));
    }

    private NdArray<T> ToModel<T>(double[] rows, bool isBase)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (rows.Length == 0 || rows.Length % Dimension != 0)
        {
            throw new ArgumentException($"{rows.Length} numbers are not rows of {Dimension} columns.", nameof(rows));
        }

        var scale = _fields.BaseScale;
        var values = !isBase || !HasGaussianBase ? Standardisation.Apply(rows) : Array.ConvertAll(rows, v => v * scale);
        var result = new NdArray<T>(rows.Length / Dimension, Dimension);
        for (var i = 0; i < values.Length; i++)
        {
            result[i] = T.CreateChecked(values[i]);
        }

        return result;
    }

    private double[] FromModel<T>(NdArray<T> positions, bool isBase)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var values = new double[positions.Length];
        var scale = isBase && HasGaussianBase ? _fields.BaseScale : 1;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = double.CreateChecked(positions[i]) / scale;
        }

        return isBase && HasGaussianBase ? values : Standardisation.Undo(values);
    }

    private void RequireScore()
    {
        if (!_fields.HasScore)
        {
            throw new InvalidOperationException(
                "The model's score isn't known, so it can't be sampled by an SDE: fit it with a latent and a second field (learn 'velocityDenoiser'), or from "
                + "a Gaussian base with the independent coupling.");
        }
    }

    private void RequireBaseDensity()
    {
        if (!HasBaseDensity)
        {
            throw new InvalidOperationException("The model's base is a data set, whose density isn't known; log densities need a Gaussian or mixture base.");
        }
    }
}
