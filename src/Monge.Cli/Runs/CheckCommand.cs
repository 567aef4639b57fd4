using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary><c>monge check MODEL</c>: data that a model makes beside those that were observed.</summary>
internal static class CheckCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var model = new ModelArgument(
            "A model that says how data are drawn; `monge targets --json` says which do.", "Data to check it against. [default: the model's own]",
            m => m.CanObserve);
        var replicates = CommandOptions.Integer(
            "--replicates", "Sets of data to make, at draws of the posterior and of the prior each.", new PredictiveOptions().Replicates, 20, 1_000_000);

        StatedProblem<PredictiveProblem> Problem(ParseResult parsed, int threads)
        {
            var (asked, data, identity) = model.Of(parsed, "doesn't say how data are drawn");
            return new StatedProblem<PredictiveProblem>(
                new PredictiveProblem(asked, new PredictiveOptions { Replicates = parsed.GetValue(replicates) }, data), $"check-{asked.Name}", identity);
        }

        return RunCommand<PredictiveProblem, PredictiveResult>.Create(new RunKind<PredictiveProblem, PredictiveResult>
        {
            Kind = MethodKind.Check,
            Description = "Check a model against data: what it makes at draws of the posterior and of the prior, beside what was observed.",
            DefaultMethod = "nuts",
            Methods = () => MethodRegistry.PredictiveChecks,
            Symbols = [.. model.Symbols, replicates],
            Problem = Problem,
            Report = (_, _, _, result, _) => result,
            Closing = "figures of the replicates and record",
            Settings = parsed => new JsonObject { ["replicates"] = parsed.GetValue(replicates) },
            Examples =
            [
                ("monge check eight-schools", "1000 replicates of the posterior by nuts, and of the prior"),
                ("monge check arma --data series.csv", "your own series"),
                ("monge check seeds --method smc --replicates 5000", "another sampler, more replicates"),
            ],
        });
    }
}
