using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>How rows are carried by a model.</summary>
public sealed record FlowSettings
{
    /// <summary>Equal steps of the classical Runge-Kutta method (of an SDE: of its two-stage scheme); null chooses steps by the tolerance, and 200 for an SDE.</summary>
    public int? Steps { get; init; }

    /// <summary>Absolute and relative tolerance of the Dormand-Prince steps.</summary>
    public double Tolerance { get; init; } = 1e-5;

    /// <summary>eps of the SDE dX = (b + eps s) dt + sqrt(2 eps) dW in the model's coordinates; 0 for the ODE. The law at t = 1 is the same for an exact model.</summary>
    public double Diffusion { get; init; }

    /// <summary>Whether eps is multiplied by the noise scale of the path, so that it vanishes where the score is largest.</summary>
    public bool VanishingDiffusion { get; init; }

    /// <summary>What the model's conditions are; null hides them.</summary>
    public FlowGiven? Given { get; init; }

    /// <summary>w of classifier-free guidance b = b_hidden + w (b_given - b_hidden) (arXiv:2207.12598): 1 is the conditional law itself, above 1 sharpens it.</summary>
    public double Guidance { get; init; } = 1;

    /// <summary>Probes of Hutchinson's estimate of the divergence; 0 for the exact divergence, which takes d times the work.</summary>
    public int Probes { get; init; }

    /// <summary>The Runge-Kutta method of equal steps; null for the classical one of order 4.</summary>
    public RungeKuttaTableau? Tableau { get; init; }

    /// <summary>Seed of the draws.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads, 0 for all.</summary>
    public int Threads { get; init; }
}

/// <summary>How a model came to be.</summary>
/// <param name="Source">What it was fitted to.</param>
/// <param name="Rows">Rows to learn from; 0 for a sampler.</param>
/// <param name="ValidationRows">Rows to judge by.</param>
/// <param name="Iterations">Optimiser steps taken.</param>
/// <param name="BestIteration">The step whose averaged parameters were kept.</param>
/// <param name="ValidationLoss">Their loss on the held-out rows; not a number without.</param>
/// <param name="Seed">The seed.</param>
public sealed record FitReport(string Source, int Rows, int ValidationRows, long Iterations, long BestIteration, double ValidationLoss, ulong Seed);

/// <summary>The squared residual |f - target|^2 of the learned fields in an interval of time; its mean contains what no field can lower.</summary>
/// <param name="From">Where the interval begins.</param>
/// <param name="To">Where it ends.</param>
/// <param name="Mean">The mean over held-out rows.</param>
/// <param name="Deviation">The standard deviation over held-out rows.</param>
public sealed record LossInterval(double From, double To, double Mean, double Deviation);

/// <summary>
/// A fitted transport between a base (t = 0) and data (t = 1): it generates, carries rows to either end, and tells their log density. Rows are [n, d] in the data's own
/// coordinates, row-major; standardisation is part of the model.
/// </summary>
public sealed class FlowModel
{
    internal const string ConditionInput = "condition";
    private const int DefaultSdeSteps = 200;

    private readonly FlowFields _fields;
    private readonly NdArray<double> _wide;
    private readonly Expr _condition;

    internal FlowModel(FlowDescription description, NdArray<float> parameters)
    {
        (Description, ParameterValues) = (description, parameters);
        _fields = description.NewFields();
        if (_fields.Parameters.Count != parameters.Length)
        {
            throw new ArgumentException($"The model's networks have {_fields.Parameters.Count} parameters; {parameters.Length} were given.", nameof(parameters));
        }

        _condition = Expr.Input(ConditionInput, _fields.Conditions + 1);
        _wide = new NdArray<double>(parameters.Length);
        for (var i = 0; i < parameters.Length; i++)
        {
            _wide[i] = parameters[i];
        }
    }

    /// <summary>d.</summary>
    public int Dimension => Columns.Count;

    /// <summary>The columns' names [d].</summary>
    public IReadOnlyList<string> Columns => Description.Columns;

    /// <summary>The columns that the model is conditioned on.</summary>
    public IReadOnlyList<FlowCondition> Conditions => Description.Conditions;

    /// <summary>The options of the fit.</summary>
    public InterpolantOptions Options => Description.Options;

    /// <summary>The form of the interpolant.</summary>
    public InterpolantForm Form => Description.Form;

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
    public ParameterSet Parameters => _fields.Parameters;

    /// <summary>The parameters' values [P].</summary>
    public NdArray<float> ParameterValues { get; }

    /// <summary>The rows [n, d] that the fit held out; null for a model that was read from a file.</summary>
    public double[]? HeldOutRows { get; init; }

    /// <summary>The loss on the held-out rows over time; null without such rows, and for a model that was read from a file.</summary>
    public IReadOnlyList<LossInterval>? LossByTime { get; init; }

    /// <summary>The held-out rows' conditions; null without.</summary>
    public FlowGiven? HeldOutGiven { get; init; }

    internal FlowDescription Description { get; }

    /// <summary>The velocity b in the model's coordinates; a conditional model reads the per-sample input "condition" [c + 1], the last entry 1 (or all 0 to hide it).</summary>
    /// <param name="guidance">w of classifier-free guidance.</param>
    public IVectorField Velocity(double guidance = 1) => new FormulaField(Dimension, (x, t) => Guided(_fields.Velocity, x, t, guidance));

    /// <summary>The score s in the model's coordinates.</summary>
    /// <param name="guidance">w of classifier-free guidance.</param>
    /// <exception cref="InvalidOperationException">The score isn't known.</exception>
    public IVectorField Score(double guidance = 1)
    {
        RequireScore();
        return new FormulaField(Dimension, (x, t) => Guided(_fields.Score, x, t, guidance));
    }

    /// <summary>Draws rows of the data's law.</summary>
    /// <param name="count">n.</param>
    /// <param name="settings">How; null for the defaults.</param>
    /// <param name="from">Rows of the base [n, d] to start from; needed for a base that is a data set.</param>
    /// <returns>Rows [n, d].</returns>
    /// <exception cref="ArgumentException">Start rows are missing or have the wrong size, or conditions are missing.</exception>
    /// <exception cref="InvalidOperationException">An SDE is asked for, but the score isn't known.</exception>
    public double[] Generate(int count, FlowSettings? settings = null, double[]? from = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        settings ??= new FlowSettings();
        if (from is null && !HasBaseDensity)
        {
            throw new ArgumentException("The model's base is a data set; give rows of it to start from.", nameof(from));
        }

        NdArray<float> start;
        if (from is null && Description.Mixture is { } mixture)
        {
            start = mixture.Draw(count, new RandomStream(settings.Seed, GenerationStreams.Start));
        }
        else if (from is null)
        {
            start = new NdArray<float>(count, Dimension);
            var scale = (float)_fields.BaseScale;
            using var draw = new CompiledProgram<float>(
                new TracedProgram(null, ("x", scale * Expr.Random(RandomLaw.Normal, GenerationStreams.Start, Dimension))), Execution(settings))
            { ["x"] = start };
            draw.Run(count, new DrawKey(settings.Seed));
        }
        else
        {
            start = ToModel<float>(from, isBase: true);
        }

        return FromModel(Carry(start, 0, 1, settings), isBase: false);
    }

    /// <summary>Carries rows of the data back to the base: standard normal numbers for a Gaussian base, rows in the data's coordinates for a mixture or a table.</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="settings">How; null for the defaults, which are those of an ODE in double precision.</param>
    public double[] ToBase(double[] rows, FlowSettings? settings = null) => FromModel(Carry(ToModel<double>(rows, isBase: false), 1, 0, settings ?? new FlowSettings()), isBase: true);

    /// <summary>Carries rows of the base to the data.</summary>
    /// <param name="rows">Rows [n, d]: standard normal numbers for a Gaussian base, rows in the data's coordinates for a mixture or a table.</param>
    /// <param name="settings">How; null for the defaults, which are those of an ODE in double precision.</param>
    public double[] ToData(double[] rows, FlowSettings? settings = null) => FromModel(Carry(ToModel<double>(rows, isBase: true), 0, 1, settings ?? new FlowSettings()), isBase: false);

    /// <summary>The log density of rows under the ODE's law, in nats: log rho_0 at the other end minus the integral of the divergence (arXiv:2209.15571, section 2.3).</summary>
    /// <param name="rows">Rows [n, d].</param>
    /// <param name="settings">How; null for the exact divergence by adaptive steps.</param>
    /// <returns>Log densities [n] in the data's coordinates.</returns>
    /// <exception cref="InvalidOperationException">The base is a data set.</exception>
    public double[] LogDensity(double[] rows, FlowSettings? settings = null)
    {
        settings ??= new FlowSettings();
        RequireBaseDensity();
        var end = ToModel<double>(rows, isBase: false);
        using var ode = new TransportOde<double>(
            Parameters, Velocity(settings.Guidance), Tableau(settings), Execution(settings), settings.Probes > 0 ? DivergenceMode.Estimated : DivergenceMode.Exact, Math.Max(1, settings.Probes));
        BindCondition<double>(ode.Bind, end.Rows, settings);
        if (settings.Probes > 0)
        {
            ode.BindProbes(Probes(end.Rows, settings));
        }

        var (start, divergence) = Run(ode, _wide, end, 1, 0, settings);
        var result = BaseMixture?.LogDensity(start.Span.ToArray(), settings.Threads) ?? [.. Enumerable.Range(0, end.Rows).Select(i => LogBase(start.Row(i)))];
        for (var i = 0; i < result.Length; i++)
        {
            // The divergence was summed against time, so it enters with a plus.
            result[i] += divergence[i] - Standardisation.LogDeterminant;
        }

        return result;
    }

    /// <summary>
    /// The log density of rows under the law of the forward SDE, by the Feynman-Kac formula (arXiv:2303.08797, theorem 2.22): paths run backward from the row with the forward
    /// drift, and the mean of exp(-int div) rho_0 over them. The logarithm of a mean is biased downward by about half its relative variance, which is returned too.
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
        RequireScore();
        var end = ToModel<double>(rows, isBase: false);
        var drift = new SumField(Velocity(settings.Guidance), new ScaledField(Diffusion(settings), Score(settings.Guidance)));
        using var formula = new FeynmanKacDensity(Parameters, drift, LogBase, GenerationStreams.PathNoise, Execution(settings));
        BindCondition<double>(formula.Bind, end.Rows, settings);
        var estimates = formula.Evaluate(_wide, end, paths, settings.Steps ?? DefaultSdeSteps, StepDiffusion(settings), new DrawKey(settings.Seed));
        return ([.. estimates.Select(e => e.LogDensity - Standardisation.LogDeterminant)], [.. estimates.Select(e => e.StandardError)]);
    }

    /// <summary>Writes the model with all that it needs into one safetensors file.</summary>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Save(string path) => FlowModelFile.Write(path, this);

    /// <summary>Reads a model.</summary>
    /// <exception cref="DataFormatException">The file is no model, or its arrays differ from what its configuration asks for; the message says how.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static FlowModel Load(string path) => FlowModelFile.Read(path);

    private Expr Guided(Func<Expr, Expr, Expr?, Expr> field, Expr x, Expr t, double guidance)
    {
        if (_fields.Conditions == 0)
        {
            return field(x, t, null);
        }

        var given = field(x, t, _condition);
        if (guidance == 1)
        {
            return given;
        }

        var hidden = field(x, t, null);
        return hidden + (guidance * (given - hidden));
    }

    private NdArray<T> Carry<T>(NdArray<T> start, double from, double to, FlowSettings settings)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var parameters = typeof(T) == typeof(float) ? (NdArray<T>)(object)ParameterValues : (NdArray<T>)(object)_wide;
        NdArray<T> end;
        if (settings.Diffusion > 0)
        {
            RequireScore();
            var diffusion = Diffusion(settings);
            var sign = to > from ? 1 : -1;
            var drift = new SumField(Velocity(settings.Guidance), new ScaledField(t => sign * diffusion(t), Score(settings.Guidance)));
            using var sde = new FieldSde<T>(Parameters, drift, SdeScheme.Heun, GenerationStreams.SdeNoise, options: Execution(settings));
            BindCondition<T>(sde.Bind, start.Rows, settings);
            end = sde.Run(parameters, start, FieldSde<T>.EqualTimes(from, to, settings.Steps ?? DefaultSdeSteps), StepDiffusion(settings), new DrawKey(settings.Seed)).Positions;
        }
        else
        {
            using var ode = new TransportOde<T>(Parameters, Velocity(settings.Guidance), Tableau(settings), Execution(settings), DivergenceMode.None);
            BindCondition<T>(ode.Bind, start.Rows, settings);
            end = Run(ode, parameters, start, from, to, settings).Positions;
        }

        for (var i = 0; i < end.Length; i++)
        {
            if (!T.IsFinite(end[i]))
            {
                throw new ArithmeticException(FormattableString.Invariant($"Row {(i / Dimension) + 1} was carried to a place that is not finite; take more steps, or less diffusion or guidance."));
            }
        }

        return end;
    }

    private Func<Expr, Expr> Diffusion(FlowSettings settings) => settings.VanishingDiffusion ? t => settings.Diffusion * _fields.NoiseScale(t) : _ => settings.Diffusion;

    // eps of a step: the mean of its ends'.
    private Func<double, double, double> StepDiffusion(FlowSettings settings) => settings.VanishingDiffusion
        ? (from, to) => 0.5 * settings.Diffusion * (_fields.NoiseScale(from) + _fields.NoiseScale(to))
        : (_, _) => settings.Diffusion;

    private static RungeKuttaTableau Tableau(FlowSettings settings) =>
        settings.Steps is null ? RungeKuttaTableau.DormandPrince54 : settings.Tableau ?? RungeKuttaTableau.RungeKutta4;

    private static (NdArray<T> Positions, NdArray<T> Divergence) Run<T>(TransportOde<T> ode, NdArray<T> parameters, NdArray<T> start, double from, double to, FlowSettings settings)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => settings.Steps is { } steps
        ? ode.Run(parameters, start, from, to, steps)
        : ode.RunAdaptive(parameters, start, from, to, settings.Tolerance, settings.Tolerance);

    private void BindCondition<T>(Action<string, NdArray<T>> bind, int rows, FlowSettings settings)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var inputs = _fields.Conditions;
        if (inputs == 0)
        {
            _ = settings.Given?.Encode(Conditions, rows);
            return;
        }

        if (settings.Given is null && Options.ConditionDropout == 0)
        {
            throw new ArgumentException($"The model was fitted with the conditions {string.Join(", ", Conditions.Select(c => c.Name))} always given; give them.");
        }

        var values = new NdArray<T>(rows, inputs + 1);
        if (settings.Given is not null)
        {
            var given = settings.Given.Encode(Conditions, rows);
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = T.CreateChecked(given[i]);
            }
        }

        bind(ConditionInput, values);
    }

    private NdArray<double> Probes(int rows, FlowSettings settings)
    {
        var probes = new NdArray<double>(rows, Dimension, settings.Probes);
        var random = new RandomStream(settings.Seed, GenerationStreams.Probes);
        foreach (ref var value in probes.Span)
        {
            value = random.NextRademacher();
        }

        return probes;
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
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
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
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var values = new double[positions.Length];
        var scale = isBase && HasGaussianBase ? _fields.BaseScale : 1;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = double.CreateChecked(positions[i]) / scale;
        }

        return isBase && HasGaussianBase ? values : Standardisation.Undo(values);
    }

    private static ExecutionOptions Execution(FlowSettings settings) => new() { Threads = settings.Threads };

    private void RequireScore()
    {
        if (!_fields.HasScore)
        {
            throw new InvalidOperationException("The model's score isn't known, so it can't be sampled by an SDE: fit it with a latent and a second field (learn 'velocityDenoiser'), or from a Gaussian base with the independent coupling.");
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
