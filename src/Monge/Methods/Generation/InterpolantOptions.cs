using Monge.Data;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.OptimalTransport;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>The options of <see cref="InterpolantFit"/>; all have defaults, and load from JSON by <see cref="MethodOptions.Parse{TOptions}"/>.</summary>
public sealed record InterpolantOptions : IFlowOptions
{
    private static readonly TrainingOptions s_training = new()
    {
        Iterations = 10_000,
        BatchSize = 1024,
        LearningRate = 2e-3,
        FinalLearningRateShare = 0.01,
        GradientClip = 10,
        AverageDecay = 0.999,
    };

    /// <summary>The schedule, by its name in <see cref="InterpolantSchedules"/>.</summary>
    public string Schedule { get; init; } = "linear";

    /// <summary>The form: oneSided has a Gaussian base that is the noise, a mirror the data on both sides; automatic chooses by base and coupling.</summary>
    public InterpolantKind Form { get; init; }

    /// <summary>The fields that are learned.</summary>
    public LearnedFields Learn { get; init; }

    /// <summary>Whether two fields are two heads of one network; else each has its own.</summary>
    public bool SharedNetwork { get; init; } = true;

    /// <summary>How base and data are paired.</summary>
    public CouplingKind Coupling { get; init; }

    /// <summary>Points of one mini-batch transport, at least 2; divides the batch.</summary>
    public int CouplingSize { get; init; } = 256;

    /// <summary>The regularisation of a Sinkhorn coupling, as a share of the mean squared distance, above 0 and at most 10.</summary>
    public double SinkhornEpsilon { get; init; } = 0.02;

    /// <summary>How the data are scaled.</summary>
    public StandardisationKind Standardisation { get; init; }

    /// <summary>
    /// Standard deviation, in the model's coordinates, of normal noise that is put on a row of data each time it is learned from, 0 to 10: with few rows a fit
    /// then behaves like a kernel density of that bandwidth between them (J. Rothfuss et al., arXiv:1907.08982). Rows that judge the fit stay as they are.
    /// </summary>
    public double RowNoise { get; init; }

    /// <summary>The name of a network of the program's own in <see cref="FlowNetworks"/>; null for the perceptron of the following options.</summary>
    public string? Network { get; init; }

    /// <summary>The network; 128 units in each of 4 layers by default.</summary>
    public NetworkSizeOptions Size { get; init; } = new();

    /// <summary>Frequencies of the time features, 0 to 64.</summary>
    public int Frequencies { get; init; } = 4;

    /// <summary>The nonlinearity.</summary>
    public Activation Activation { get; init; }

    /// <summary>The training; 10,000 steps of 1024 samples by default.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>How times are drawn.</summary>
    public TimeLaw Times { get; init; }

    /// <summary>Whether each sample is used with z and with -z; null where the interpolant has a latent.</summary>
    public bool? Antithetic { get; init; }

    /// <summary>
    /// Times are kept this far from 0 and 1, at least 0 and below 0.5; null is 0.001 where the schedule's rates grow without bound there, else 0.
    /// </summary>
    public double? TimeMargin { get; init; }

    /// <summary>The share of samples whose condition is hidden, so that the model can also generate without one and with guidance; below 1.</summary>
    public double ConditionDropout { get; init; } = 0.1;

    /// <summary>The share of rows that are held out to judge the fit, 0 to 0.9; 0 for none.</summary>
    public double ValidationShare { get; init; } = 0.1;

    /// <summary>Judgements of a whole fit, at least 1.</summary>
    public int Validations { get; init; } = 50;

    /// <summary>The fit ends after this many judgements without progress; 0 never ends it early. The best judged parameters are kept in any case.</summary>
    public int Patience { get; init; } = 15;

    internal PairingOptions Pairing => new(Coupling, CouplingSize, SinkhornEpsilon, Standardisation, ValidationShare, ConditionDropout);

    /// <inheritdoc/>
    public void Check()
    {
        InterpolantSchedules.Get(Schedule);
        if (Network is not null)
        {
            FlowNetworks.Get(Network);
        }

        OptionCheck.Known<InterpolantKind>(Form);
        OptionCheck.Known<LearnedFields>(Learn);
        OptionCheck.AtLeast<int>(CouplingSize, 2);
        OptionCheck.AboveTo<double>(SinkhornEpsilon, 0, 10);
        OptionCheck.Within<double>(RowNoise, 0, 10);
        OptionCheck.Within<int>(Frequencies, 0, 64);
        OptionCheck.Below(TimeMargin, 0, 0.5);
        OptionCheck.Below<double>(ConditionDropout, 0, 1);
        OptionCheck.Within<double>(ValidationShare, 0, 0.9);
        OptionCheck.AtLeast<int>(Validations, 1);
        OptionCheck.AtLeast<int>(Patience, 0);
        Size.Check();
        Training.Check();
        if (Pairing.IsTransport && Training.Or(s_training).BatchSize % CouplingSize != 0)
        {
            throw new ArgumentException(
                $"The batch size {Training.Or(s_training).BatchSize} is not a multiple of the coupling size {CouplingSize}; "
                + "choose sizes of which one divides the other.");
        }
    }

    /// <inheritdoc/>
    public FlowFields NewFields(FlowEnds ends, ParameterSet parameters, ParameterInitializer initializer)
    {
        ArgumentNullException.ThrowIfNull(ends);
        var fields = Resolved().Fields(ends, parameters, initializer);
        Func<Expr?, IVectorField> Field(Func<Expr, Expr, Expr?, Expr> field) => condition => new FormulaField(ends.Dimension, (x, t) => field(x, t, condition));
        return new FlowFields(Field(fields.Velocity))
        {
            Score = fields.HasScore ? new FlowScore(Field(fields.Score), fields.NoiseScale, fields.NoiseScaleAt) : null,
            BaseScale = fields.BaseScale,
            CanHideConditions = ConditionDropout > 0 && ends.Presence.Count == 0,
            IsMirror = fields.Interpolant.Kind == InterpolantKind.Mirror,
            Description = $"{Schedule} path",
        };
    }

    /// <summary>The same, checked, with the method's defaults where nothing is given.</summary>
    internal InterpolantOptions Resolved()
    {
        Check();
        return this with { Training = Training.Or(s_training), Size = Size.Or(128, 4) };
    }

    /// <summary>The form, chosen by base and coupling where it is automatic.</summary>
    internal InterpolantKind FormFrom(bool hasGaussianBase) => Form != InterpolantKind.Automatic ? Form
        : hasGaussianBase && Coupling == CouplingKind.Independent ? InterpolantKind.OneSided : InterpolantKind.TwoSided;

    /// <summary>The fields that resolved options ask for.</summary>
    internal InterpolantFields Fields(FlowEnds ends, ParameterSet parameters, ParameterInitializer initializer)
    {
        var layers = new PerceptronOptions
        {
            Width = Size.Width!.Value,
            Depth = Size.Depth!.Value,
            Activation = Activation,
            Residual = true,
            LastConditions = true,
            BiasLast = true,
        };
        Func<Expr, Expr, Expr> Layers(string name, int inputs, int outputs)
        {
            var network = new Perceptron(parameters, initializer, name, inputs, outputs, layers, PerceptronCondition.Time(Frequencies));
            return (x, t) => network.Apply(x, t);
        }

        var moments = ends.Moments ?? throw new ArgumentException("The fields of an interpolant need the moments of both ends.", nameof(ends));
        var interpolant = new Interpolant(InterpolantSchedules.Get(Schedule), FormFrom(ends.Base.IsGaussian));
        NetworkFactory network = Network is null ? Layers : FlowNetworks.Get(Network)(parameters, initializer, this);
        return new InterpolantFields(interpolant, Learn, moments, network, ends.Inputs, ends.Base.Mixture, SharedNetwork, TimeMargin, ends.Presence);
    }
}
