using System.Text.Json.Nodes;

namespace Monge.Runs;

/// <summary>How far a method may be relied on.</summary>
public enum Maturity
{
    /// <summary>Its figures are reproduced and its options will stay.</summary>
    Stable,

    /// <summary>Works; options may change.</summary>
    Preview,

    /// <summary>Under trial.</summary>
    Experimental,
}

/// <summary>What a method asks of its problem.</summary>
[Flags]
public enum MethodNeeds
{
    /// <summary>Nothing beyond values of a density.</summary>
    None = 0,

    /// <summary>The gradient of a log density.</summary>
    Gradient = 1,

    /// <summary>Rows of data.</summary>
    Data = 2,

    /// <summary>Exact draws.</summary>
    ExactDraws = 4,
}

/// <summary>What a method's result holds.</summary>
[Flags]
public enum MethodGives
{
    /// <summary>Nothing of what follows.</summary>
    None = 0,

    /// <summary>Samples with weights, and with them the normaliser.</summary>
    Weights = 1,

    /// <summary>Samples of equal weight.</summary>
    EqualWeights = 2,

    /// <summary>Chains: samples that depend on each other.</summary>
    Chains = 4,

    /// <summary>A density that can be evaluated anywhere.</summary>
    Density = 8,
}

/// <summary>A kind of problem that methods solve, such as "sample" or "fit".</summary>
/// <param name="Name">The word: that of the kind's command too.</param>
/// <param name="Title">What its methods do.</param>
public sealed record MethodKind(string Name, string Title)
{
    /// <summary>From an unnormalised density to weighted samples.</summary>
    public static MethodKind Sample { get; } = new("sample", "Samplers: from a density to weighted samples");

    /// <summary>From a model and simulated data to what is known of a sampler's errors.</summary>
    public static MethodKind Calibrate { get; } = new("calibrate", "Calibrations: samplers on data simulated from a model");

    /// <summary>From a model and data to how far the model makes data like these.</summary>
    public static MethodKind Check { get; } = new("check", "Checks: data that a model makes beside those that were observed");

    /// <summary>From data to a model that draws and has a density.</summary>
    public static MethodKind Fit { get; } = new("fit", "Fits: from data to a model that draws rows and has a density");

    /// <summary>From a table to networks that predict one of its columns.</summary>
    public static MethodKind Train { get; } = new("train", "Trainings: from a table to networks of neurons that predict a column");

    /// <summary>From a drift, a diffusion and an initial law to the law in time.</summary>
    public static MethodKind Evolve { get; } = new("evolve", "Evolutions: from a drift, a diffusion and an initial law to the law in time");
}

/// <summary>What is said of a method.</summary>
/// <param name="Kind">The kind of problem it solves.</param>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Title">Its title.</param>
/// <param name="Description">What it does, in one or two sentences.</param>
public sealed record MethodFacts(MethodKind Kind, string Name, string Title, string Description)
{
    /// <summary>The papers.</summary>
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>How far it may be relied on.</summary>
    public Maturity Maturity { get; init; } = Maturity.Preview;

    /// <summary>What it asks of its problem.</summary>
    public MethodNeeds Needs { get; init; }

    /// <summary>What its result holds.</summary>
    public MethodGives Gives { get; init; }

    /// <summary>Whether it learns a transport or a network first, which can then be used many times; else it finds its way to each result anew.</summary>
    public bool Trains { get; init; } = true;
}

/// <summary>A method bound to its problem and options.</summary>
/// <typeparam name="TResult">What comes out.</typeparam>
public interface IMethod<out TResult>
{
    /// <summary>The options, resolved as far as they can be before the run.</summary>
    IMethodOptions Options { get; }

    /// <summary>Runs, or goes on with a run. Returns when all is done; cancellation saves the state first.</summary>
    /// <param name="run">Seed, threads, folder, progress, cancellation.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; with a folder given, the state was saved there.</exception>
    /// <exception cref="Training.CheckpointException">The folder's checkpoint can't be resumed.</exception>
    /// <exception cref="ArithmeticException">The run produced a value that is not finite.</exception>
    TResult Run(Run run);
}

/// <summary>A line of the registry, whatever its kind.</summary>
public interface IMethodEntry
{
    /// <summary>What is said of the method.</summary>
    MethodFacts Facts { get; }

    /// <summary>The record that its options are; its defaults are those of a record made without arguments.</summary>
    Type OptionsType { get; }

    /// <summary>Named option sets; each says by what it differs from the defaults.</summary>
    IReadOnlyDictionary<string, JsonObject> Presets { get; }

    /// <summary>The options with their defaults, as JSON; null stands for what the method chooses.</summary>
    JsonObject DefaultOptions { get; }

    /// <summary>Reads the method's options and checks them.</summary>
    /// <param name="options">A JSON object; options that it lacks have their defaults.</param>
    /// <exception cref="ArgumentException">An option is unknown or out of range.</exception>
    IMethodOptions ParseOptions(string options);
}

/// <summary>A line of the registry.</summary>
/// <typeparam name="TProblem">What the method solves.</typeparam>
/// <typeparam name="TResult">What comes out.</typeparam>
public sealed class MethodEntry<TProblem, TResult> : IMethodEntry
{
    private readonly Func<string, IMethodOptions> _parse;
    private readonly Func<TProblem, IMethodOptions, IMethod<TResult>> _bind;

    // Writing options as JSON takes long the first time, and most commands ask for those of one method.
    private readonly Lazy<JsonObject> _defaults;
    private readonly Lazy<IReadOnlyDictionary<string, JsonObject>> _presets;

    private MethodEntry(
        MethodFacts facts, Type optionsType, Func<JsonObject> defaults, Func<IReadOnlyDictionary<string, JsonObject>> presets,
        Func<string, IMethodOptions> parse, Func<TProblem, IMethodOptions, IMethod<TResult>> bind)
    {
        (Facts, OptionsType, _parse, _bind) = (facts, optionsType, parse, bind);
        (_defaults, _presets) = (new(defaults), new(presets));
    }

    /// <inheritdoc/>
    public MethodFacts Facts { get; }

    /// <inheritdoc/>
    public Type OptionsType { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, JsonObject> Presets => _presets.Value;

    /// <inheritdoc/>
    public JsonObject DefaultOptions => _defaults.Value;

    /// <summary>Makes a line.</summary>
    /// <typeparam name="TOptions">The method's options.</typeparam>
    /// <param name="facts">What is said of the method.</param>
    /// <param name="create">Binds it to a problem and options.</param>
    /// <param name="presets">Named options.</param>
    public static MethodEntry<TProblem, TResult> Create<TOptions>(
        MethodFacts facts, Func<TProblem, TOptions, IMethod<TResult>> create, params (string Name, TOptions Options)[] presets)
        where TOptions : class, IMethodOptions, new() => new(
            facts,
            typeof(TOptions),
            () => MethodOptions.ToJson(new TOptions()),
            () => presets.ToDictionary(p => p.Name, p => MethodOptions.Changes(p.Options)),
            MethodOptions.Parse<TOptions>,
            (problem, options) => create(problem, (TOptions)options));

    /// <inheritdoc/>
    public IMethodOptions ParseOptions(string options) => _parse(options);

    /// <summary>Binds the method to a problem and options.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="options">The options that differ from the defaults; null for none.</param>
    /// <exception cref="ArgumentException">An option is unknown or out of range, or doesn't go with the problem.</exception>
    public IMethod<TResult> Bind(TProblem problem, JsonObject? options = null) => _bind(problem, ParseOptions(options?.ToJsonString() ?? "{}"));

    /// <summary>The same method with the same options and presets, put to another use.</summary>
    /// <typeparam name="TOther">The problem of that use, in which the method meets problems of its own.</typeparam>
    /// <typeparam name="TOtherResult">What comes out.</typeparam>
    /// <param name="kind">What the method is for there.</param>
    /// <param name="use">From a problem, the method's options and what binds the method to one of its own problems.</param>
    public MethodEntry<TOther, TOtherResult> For<TOther, TOtherResult>(
        MethodKind kind, Func<TOther, IMethodOptions, Func<TProblem, IMethod<TResult>>, IMethod<TOtherResult>> use)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentNullException.ThrowIfNull(use);
        return new(
            Facts with { Kind = kind }, OptionsType, () => DefaultOptions, () => Presets, _parse,
            (problem, options) => use(problem, options, own => _bind(own, options)));
    }

    /// <summary>Whether the method applies to a problem, with its defaults.</summary>
    /// <param name="problem">The problem.</param>
    public bool AppliesTo(TProblem problem)
    {
        try
        {
            _ = Bind(problem);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
