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
public sealed record InterpolantOptions : IMethodOptions
{
    /// <summary>The schedule, by its name in <see cref="InterpolantSchedules"/>.</summary>
    public string Schedule { get; init; } = "linear";

    /// <summary>The form.</summary>
    public InterpolantKind Form { get; init; }

    /// <summary>The fields that are learned.</summary>
    public LearnedFields Learn { get; init; }

    /// <summary>Whether two fields are two heads of one network; else each has its own.</summary>
    public bool SharedNetwork { get; init; } = true;

    /// <summary>How base and data are paired.</summary>
    public CouplingKind Coupling { get; init; }

    /// <summary>Points of one mini-batch transport; divides the batch.</summary>
    public int CouplingSize { get; init; } = 256;

    /// <summary>The regularisation of a Sinkhorn coupling, as a share of the mean squared distance.</summary>
    public double SinkhornEpsilon { get; init; } = 0.02;

    /// <summary>How the data are scaled.</summary>
    public StandardisationKind Standardisation { get; init; }

    /// <summary>
    /// Standard deviation, in the model's coordinates, of normal noise that is put on a row of data each time it is learned from: with few rows a fit then
    /// behaves like a kernel density of that bandwidth between them (J. Rothfuss et al., arXiv:1907.08982). Rows that judge the fit stay as they are.
    /// </summary>
    public double RowNoise { get; init; }

    /// <summary>Units of a hidden layer.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Hidden layers.</summary>
    public int Depth { get; init; } = 4;

    /// <summary>Frequencies of the time features.</summary>
    public int Frequencies { get; init; } = 4;

    /// <summary>The nonlinearity.</summary>
    public Activation Activation { get; init; }

    /// <summary>Optimiser steps; without meaning for a fit with a budget of time.</summary>
    public long Iterations { get; init; } = 10_000;

    /// <summary>Training time; the number of steps then follows from the speed measured at the start.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Samples of a step.</summary>
    public int BatchSize { get; init; } = 1024;

    /// <summary>The highest learning rate.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>The last learning rate divided by the highest.</summary>
    public double FinalLearningRateShare { get; init; } = 0.01;

    /// <summary>Gradients longer than this are scaled down to it.</summary>
    public double GradientClip { get; init; } = 10;

    /// <summary>The decay of the parameters' moving average, which is what the model keeps.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>How times are drawn.</summary>
    public TimeLaw Times { get; init; }

    /// <summary>Whether each sample is used with z and with -z; null where the interpolant has a latent.</summary>
    public bool? Antithetic { get; init; }

    /// <summary>Times are kept this far from 0 and 1; null is 0.001 where the schedule's rates grow without bound there, else 0.</summary>
    public double? TimeMargin { get; init; }

    /// <summary>The share of samples whose condition is hidden, so that the model can also generate without one and with guidance.</summary>
    public double ConditionDropout { get; init; } = 0.1;

    /// <summary>The share of rows that are held out to judge the fit; 0 for none.</summary>
    public double ValidationShare { get; init; } = 0.1;

    /// <summary>Judgements of a whole fit.</summary>
    public int Validations { get; init; } = 50;

    /// <summary>The fit ends after this many judgements without progress; 0 never ends it early. The best judged parameters are kept in any case.</summary>
    public int Patience { get; init; } = 15;

    /// <summary>Seconds between checkpoints.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    /// <inheritdoc/>
    public void Check() => Checked();

    /// <summary>Checks all ranges.</summary>
    /// <returns>The same options.</returns>
    /// <exception cref="ArgumentException">A value is out of range, or two exclude each other; the message says which and what is accepted.</exception>
    public InterpolantOptions Checked()
    {
        InterpolantSchedules.Get(Schedule);
        Require(CouplingSize >= 2, nameof(CouplingSize), CouplingSize, "at least 2");
        Require(SinkhornEpsilon is > 0 and <= 10, nameof(SinkhornEpsilon), SinkhornEpsilon, "above 0 and at most 10");
        Require(RowNoise is >= 0 and <= 10, nameof(RowNoise), RowNoise, "from 0 to 10");
        Require(Width is >= 1 and <= 8192, nameof(Width), Width, "from 1 to 8192");
        Require(Depth is >= 1 and <= 64, nameof(Depth), Depth, "from 1 to 64");
        Require(Frequencies is >= 0 and <= 64, nameof(Frequencies), Frequencies, "from 0 to 64");
        Require(Iterations >= 1, nameof(Iterations), Iterations, "at least 1");
        Require(BatchSize >= 2, nameof(BatchSize), BatchSize, "at least 2");
        Require(LearningRate is > 0 and <= 1, nameof(LearningRate), LearningRate, "above 0 and at most 1");
        Require(FinalLearningRateShare is >= 0 and <= 1, nameof(FinalLearningRateShare), FinalLearningRateShare, "from 0 to 1");
        Require(GradientClip > 0, nameof(GradientClip), GradientClip, "above 0");
        Require(AverageDecay is >= 0 and < 1, nameof(AverageDecay), AverageDecay, "at least 0 and below 1");
        Require(TimeMargin is null or (>= 0 and < 0.5), nameof(TimeMargin), TimeMargin ?? 0, "at least 0 and below 0.5");
        Require(ConditionDropout is >= 0 and < 1, nameof(ConditionDropout), ConditionDropout, "at least 0 and below 1");
        Require(ValidationShare is >= 0 and <= 0.9, nameof(ValidationShare), ValidationShare, "from 0 to 0.9");
        Require(Validations >= 1, nameof(Validations), Validations, "at least 1");
        Require(Patience >= 0, nameof(Patience), Patience, "at least 0");
        Require(CheckpointSeconds > 0, nameof(CheckpointSeconds), CheckpointSeconds, "above 0");
        if (Pairing.IsTransport && BatchSize % CouplingSize != 0)
        {
            throw new ArgumentException(
                $"The batch size {BatchSize} is not a multiple of the coupling size {CouplingSize}; choose sizes of which one divides the other.");
        }

        return this;
    }

    internal PairingOptions Pairing => new(Coupling, CouplingSize, SinkhornEpsilon, Standardisation, ValidationShare, ConditionDropout);

    /// <summary>The fields that are learned.</summary>
    internal InterpolantFields NewFields(
        ParameterSet parameters, ParameterInitializer initializer, InterpolantKind form, int conditions, EndMoments moments, MixtureBase? mixture)
    {
        var layers = new PerceptronOptions
        {
            Width = Width,
            Depth = Depth,
            Activation = Activation,
            Residual = true,
            LastConditions = true,
            BiasLast = true,
        };
        Func<Expr, Expr, Expr> Network(string name, int inputs, int outputs)
        {
            var network = new Perceptron(parameters, initializer, name, inputs, outputs, layers, PerceptronCondition.Time(Frequencies));
            return (x, t) => network.Apply(x, t);
        }

        var interpolant = new Interpolant(InterpolantSchedules.Get(Schedule), form);
        return new InterpolantFields(interpolant, Learn, moments, Network, conditions, mixture, SharedNetwork, TimeMargin);
    }

    private static void Require(bool holds, string name, double value, string wanted)
    {
        if (!holds)
        {
            var option = char.ToLowerInvariant(name[0]) + name[1..];
            throw new ArgumentOutOfRangeException(null, FormattableString.Invariant($"The option '{option}' is {value}; it must be {wanted}."));
        }
    }
}
