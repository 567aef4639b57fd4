using System.CommandLine;
using Monge.Data;
using Monge.Dynamics;
using Monge.Runs;

namespace Monge.Cli.Generation;

/// <summary>The options for how a model carries rows, shared by its commands.</summary>
internal sealed class CarryOptions(bool withSde)
{
    private readonly Option<int> _steps = WithoutDefault(
        CommandOptions.Integer("--steps", "Equal Runge-Kutta steps. [default: chosen by the tolerance; 200 with --sde]", 0, 1, 1_000_000));
    private readonly Option<string> _solver = Solver("The Runge-Kutta method of equal steps of the ODE. [default: rk4]");
    private readonly Option<double?> _tolerance = GenerationFiles.Positive("--tolerance", "Tolerance of the adaptive steps. [default: 1e-5]", "TOL");
    private readonly Option<double?> _sde = GenerationFiles.Positive("--sde", "Go along the SDE with this diffusion instead of the ODE.", "EPS", zeroToo: true);
    private readonly Option<string[]> _given = GenerationFiles.Given();
    private readonly Option<double?> _guidance = GenerationFiles.Positive(
        "--guidance", "Classifier-free guidance: 1 is the conditional law, more sharpens it. [default: 1]", "W", zeroToo: true);
    private readonly Option<int> _threads = CommandOptions.Threads();

    /// <summary>Options that only a transport has.</summary>
    public IEnumerable<Option> OfTransports => [_steps, _solver, _tolerance, .. withSde ? new Option[] { _sde } : [], _given, _guidance];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in OfTransports.Append(_threads))
        {
            command.Add(option);
        }
    }

    /// <summary>The number of threads.</summary>
    public int Threads(ParseResult parsed) => parsed.GetValue(_threads);

    /// <summary>The settings.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="model">The model.</param>
    /// <param name="table">A table that may hold the conditions.</param>
    public FlowSettings Settings(ParseResult parsed, FlowModel model, DataTable? table)
    {
        var (steps, tolerance) = (parsed.GetValue(_steps), parsed.GetValue(_tolerance));
        if (steps > 0 && tolerance is not null)
        {
            throw CommandException.Usage("--steps and --tolerance exclude each other; give one of them.");
        }

        var diffusion = withSde ? parsed.GetValue(_sde) ?? 0 : 0;
        if (diffusion > 0 && tolerance is not null)
        {
            throw CommandException.Usage("An SDE takes --steps, not --tolerance.");
        }

        var tableau = parsed.GetValue(_solver) is { } solver ? RungeKuttaTableau.All.First(t => t.Name == Tableau(solver)) : null;
        if (tableau is not null && (steps == 0 || diffusion > 0))
        {
            throw CommandException.Usage("--solver is the method of equal steps of the ODE; give their number with --steps, and no --sde.");
        }

        if (model.Table is not null && (parsed.GetValue(_guidance) ?? 1) != 1)
        {
            throw CommandException.Usage("A model of a table with types has no --guidance: what is given is exact.");
        }

        return new FlowSettings
        {
            Tableau = tableau,
            Steps = steps > 0 ? steps : null,
            Tolerance = tolerance ?? 1e-5,
            Diffusion = diffusion,
            Given = model.Table is null ? GenerationFiles.Conditions(model, parsed.GetValue(_given), table) : null,
            Guidance = parsed.GetValue(_guidance) ?? 1,
            Threads = parsed.GetValue(_threads),
        };
    }

    /// <summary>The Runge-Kutta method of an ODE, by its name on the command line; null when not given.</summary>
    internal static Option<string> Solver(string description)
    {
        var option = CommandOptions.Word("--solver", description, "", "rk4", "heun", "euler");
        option.DefaultValueFactory = null;
        return option;
    }

    private static string Tableau(string solver) => solver switch { "euler" => "Euler", "heun" => "Heun", _ => "Runge-Kutta 4" };

    /// <summary>What is given of a model with types, by column.</summary>
    public IReadOnlyDictionary<string, string> Given(ParseResult parsed) => GenerationFiles.Given(parsed.GetValue(_given));

    private static Option<int> WithoutDefault(Option<int> option)
    {
        option.DefaultValueFactory = null;
        return option;
    }
}
