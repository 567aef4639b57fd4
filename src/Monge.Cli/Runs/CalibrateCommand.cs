using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary><c>monge calibrate MODEL</c>: checks a model and a sampler on data simulated from the model.</summary>
internal static class CalibrateCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var model = new ModelArgument(
            "A model that can simulate; `monge targets --json` says which do.",
            "Data whose covariates, times and numbers of observations are taken. [default: the model's own]", m => m.CanSimulate);
        var simulations = CommandOptions.Integer("--simulations", "Sets of data to simulate.", new CalibrationOptions().Simulations, 10, 1_000_000);

        StatedProblem<CalibrationProblem> Problem(ParseResult parsed, int threads)
        {
            var (asked, design, identity) = model.Of(parsed, "has a flat or very wide prior, from which nothing is simulated");
            return new StatedProblem<CalibrationProblem>(
                new CalibrationProblem(asked, new CalibrationOptions { Simulations = parsed.GetValue(simulations) }, design), $"calibrate-{asked.Name}",
                identity);
        }

        return RunCommand<CalibrationProblem, CalibrationResult>.Create(new RunKind<CalibrationProblem, CalibrationResult>
        {
            Kind = MethodKind.Calibrate,
            Description = "Check a model and a sampler on data simulated from the model: ranks of the true parameters are uniform if both are right.",
            DefaultMethod = "nuts",
            Methods = () => MethodRegistry.Calibrations,
            Symbols = [.. model.Symbols, simulations],
            Problem = Problem,
            Report = (_, _, _, result, _) => new CalibrationReport(result),
            Closing = "ranks and record",

            // A simulation needs a hundred draws or so: few chains are then long enough to be judged, and leave each core a simulation of its own.
            Defaults = _ => new JsonObject { ["chains"] = 8 },
            Settings = parsed => new JsonObject { ["simulations"] = parsed.GetValue(simulations) },
            Examples =
            [
                ("monge calibrate eight-schools", "300 simulated sets of data, by nuts"),
                ("monge calibrate garch --simulations 1000 --method smc", "another sampler, more simulations"),
                ("monge calibrate gp-regression --data mine.json", "with the points of your own data"),
                ("monge calibrate eight-schools --resume", "go on after Ctrl-C or a crash"),
            ],
        });
    }
}
