using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary>A problem as a command line states it.</summary>
/// <typeparam name="TProblem">The kind's problem.</typeparam>
/// <param name="Problem">The problem; made when the rest of the command line has been found in order.</param>
/// <param name="Name">Its name, as folders and displays have it.</param>
/// <param name="Identity">What names it in records: to be equal when a run is resumed.</param>
internal sealed record StatedProblem<TProblem>(TProblem Problem, string Name, IReadOnlyList<(string Name, string Value)> Identity);

/// <summary>
/// What makes a command of a kind of problem; folder, resume, budget, display, metrics, record, <c>--json</c>, <c>show</c> and Ctrl-C are the same for all.
/// </summary>
/// <typeparam name="TProblem">The kind's problem.</typeparam>
/// <typeparam name="TResult">What its methods make.</typeparam>
internal sealed record RunKind<TProblem, TResult>
{
    /// <summary>The kind.</summary>
    public required MethodKind Kind { get; init; }

    /// <summary>What the command does, for its help.</summary>
    public required string Description { get; init; }

    /// <summary>The method that is taken when none is named.</summary>
    public required string DefaultMethod { get; init; }

    /// <summary>Whether, when none is named, another method is taken where that one doesn't apply to the problem: the first that does.</summary>
    public bool TakesWhatApplies { get; init; }

    /// <summary>The methods.</summary>
    public required Func<IReadOnlyList<MethodEntry<TProblem, TResult>>> Methods { get; init; }

    /// <summary>Arguments and options of the kind's own, those that state the problem first.</summary>
    public required IReadOnlyList<Symbol> Symbols { get; init; }

    /// <summary>States the problem, with a number of threads for what that takes.</summary>
    public required Func<ParseResult, int, StatedProblem<TProblem>> Problem { get; init; }

    /// <summary>From what a method made to what is written and told: the method's name, the problem, the result, and the run.</summary>
    public required Func<ParseResult, string, TProblem, TResult, Run, IRunResult> Report { get; init; }

    /// <summary>
    /// Sets runs of several methods on one problem side by side: what is shown, and a row of figures for each method. Null where methods can't be compared.
    /// </summary>
    public Func<IReadOnlyList<ComparedRun>, (IReadOnlyList<SummaryBlock> Blocks, JsonArray Rows)>? Comparison { get; init; }

    /// <summary>What is said last to a person.</summary>
    public required string Closing { get; init; }

    /// <summary>Options of the method that flags of the kind's own give; they override those of files and presets.</summary>
    public Func<ParseResult, JsonObject> Flags { get; init; } = _ => [];

    /// <summary>Options of the method where neither flags, files nor presets give them.</summary>
    public Func<ParseResult, JsonObject> Defaults { get; init; } = _ => [];

    /// <summary>Whether a finished run and a model that are there already are replaced.</summary>
    public Func<ParseResult, bool> Replaces { get; init; } = _ => false;

    /// <summary>What else the record says of what was asked for.</summary>
    public Func<ParseResult, JsonObject> Settings { get; init; } = _ => [];

    /// <summary>Writes what else was asked for into the run's folder, and gives its path; null for nothing.</summary>
    public Func<ParseResult, IRunResult, string, string?> Draws { get; init; } = (_, _, _) => null;

    /// <summary>A problem on which the defaults of options can be shown resolved; null shows them unresolved.</summary>
    public Func<TProblem>? Example { get; init; }

    /// <summary>Command lines and what they do.</summary>
    public required IReadOnlyList<(string Line, string Meaning)> Examples { get; init; }
}
