using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary><c>monge sample TARGET</c>: draws weighted samples from a density.</summary>
internal static class SampleCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="own">The density of the program that runs, if it brings one.</param>
    public static Command Create(Density? own)
    {
        var target = new Argument<string?>("target")
        {
            Description = own is null ? "The density to sample; `monge targets` lists them." : $"The density to sample. [default: {own.Name}]",
            HelpName = "TARGET",
            Arity = own is null ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
        };
        target.CompletionSources.Add(_ => TargetLibrary.All.Select(t => t.Name));
        var samples = CommandOptions.Integer("--samples", "Samples to draw.", 10_000, 2, 100_000_000);
        var precision = CommandOptions.Word("--precision", "Precision of networks and particles. [default: the method's]", "", "f32", "f64");
        var resample = new Option<bool>("--resample") { Description = "Resample to equal weights before writing samples.npy." };
        var refine = CommandOptions.Integer(
            "--refine", "Resample, then take N Metropolis-adjusted Langevin steps, which leave the target invariant, before writing samples.npy.", 0, 1);
        var solver = Generation.CarryOptions.Solver("The Runge-Kutta method where samples follow an ODE. [default: rk4]");
        var force = Force();
        var chains = new ChainFlags();
        var data = new Option<string?>("--data")
        {
            Description = "Data for a model in place of its own: a JSON object as Stan reads it, or a table. `monge targets` says what each takes.",
            HelpName = "FILE",
        };
        var format = DrawOutput.FormatOfSamples();
        (precision.DefaultValueFactory, refine.DefaultValueFactory) = (null, null);
        samples.Aliases.Add("-n");

        StatedProblem<SamplingProblem> Problem(ParseResult parsed, int threads)
        {
            var file = parsed.GetValue(data);
            var density = file is null ? Target(parsed.GetValue(target), own, threads) : Posterior(parsed.GetValue(target), file);

            // What isn't learned finds its way by itself, so that nothing need be searched for it.
            if (Methods(parsed).All(m => !m.Trains))
            {
                density.CheckTails();
            }
            else
            {
                density.Check();
            }

            var name = file is null ? density.Name : $"{density.Name}-{Path.GetFileName(file).Split('.')[0]}";
            return new StatedProblem<SamplingProblem>(
                new SamplingProblem(density, parsed.GetValue(samples)), name,
                [("target", density.Name), .. file is null ? [] : new[] { ("data", Path.GetFullPath(file)) }]);
        }

        JsonObject Flags(ParseResult parsed)
        {
            JsonObject flags = [];
            if (parsed.GetValue(precision) is { Length: > 0 } bits)
            {
                flags["precision"] = bits == "f64" ? "float64" : "float32";
            }

            if (parsed.GetValue(solver) is { Length: > 0 } method)
            {
                flags["solver"] = method == "rk4" ? "rungeKutta4" : method;
            }

            chains.Check(parsed, Methods(parsed));
            DrawOutput.Check(parsed.GetValue(format), Methods(parsed));
            chains.AddTo(flags, parsed);
            return flags;
        }

        // Estimates are always those of the weighted samples; only the positions that are written change.
        IRunResult Report(ParseResult parsed, string method, SamplingProblem problem, SampleSet draws, Run run)
        {
            var kept = parsed.GetValue(refine) is > 0 and var steps ? draws.Refine(
                problem.Target, steps, threads: run.Threads, progress: run.Progress, cancellation: run.Cancellation)
                : parsed.GetValue(resample) ? draws.Resample() : draws;
            return SampleReport.Of(draws, problem.Target, kept, run.Threads, parsed.GetValue(force));
        }

        return RunCommand<SamplingProblem, SampleSet>.Create(new RunKind<SamplingProblem, SampleSet>
        {
            Kind = MethodKind.Sample,
            Description = "Learn a transport to a density, or run another sampler, and draw weighted samples, with log Z and its error.",
            DefaultMethod = "pinn",
            Methods = () => MethodRegistry.Samplers,
            Symbols = [target, data, samples, .. chains.Symbols, precision, solver, resample, refine, format, force],
            Problem = Problem,
            Report = Report,
            Draws = (parsed, result, folder) => DrawOutput.Write(parsed.GetValue(format), (SampleReport)result, folder),
            Closing = "samples, weights, model and record",
            Flags = Flags,
            Settings = parsed => new JsonObject { ["samples"] = parsed.GetValue(samples) },
            Example = () => new SamplingProblem(TargetLibrary.Get("gmm9"), 2),
            Examples =
            [
                ("monge sample gmm9 --seed 1", "nine separated Gaussians, a few minutes"),
                ("monge sample many-well-5 --budget 2m --out runs/wells", "train for two minutes"),
                ("monge sample eight-schools --samples 100000 --json", "a posterior; results as one JSON object"),
                ("monge sample arma --data series.csv --method nuts --chains 8", "a model with your own data, by chains"),
                ("monge sample gmm9 --refine 50", "samples.npy equally weighted, after 50 Metropolis steps"),
                ("monge sample gmm9 --seed 1 --resume", "go on after Ctrl-C or a crash"),
            ],
        });
    }

    /// <summary>Whether to tell estimates of useless draws.</summary>
    internal static Option<bool> Force() =>
        new("--force") { Description = "Tell means, deviations and quantiles also of draws that are of no use." };

    // The methods that the command line names; unknown names are left to the command.
    private static IEnumerable<MethodFacts> Methods(ParseResult parsed)
    {
        var names = parsed.GetValue<string?>("--compare")?.Split(',', StringSplitOptions.TrimEntries) ?? [parsed.GetValue<string>("--method")!];
        return MethodRegistry.Samplers.Select(m => m.Facts).Where(m => names.Contains(m.Name));
    }

    // The posterior of a model of the library for a file of data.
    private static Density Posterior(string? name, string file)
    {
        string[] models = [.. PosteriorLibrary.All.Select(m => m.Name)];
        return name is null ? throw CommandException.Usage("--data goes with the name of a model; `monge targets` says which take data.")
            : PosteriorLibrary.Find(name) is { } model ? model.Posterior(ModelData.Read(file))
            : throw CommandException.Usage(TargetLibrary.All.Any(t => t.Name == name)
                ? $"'{name}' takes no data; models that do are {string.Join(", ", models)}." : UnknownName.Sentence("model", name, models, "monge targets"));
    }

    /// <summary>The density of a name: the program's own, or the library's.</summary>
    internal static Density Target(string? name, Density? own, int threads)
    {
        if (own is not null && (name is null || name == own.Name))
        {
            return own;
        }

        try
        {
            return TargetLibrary.Get(name!, threads);
        }
        catch (UnknownTargetException error)
        {
            var known = error.Message.EndsWith('.') ? $"{error.Message[..^1]};" : error.Message;
            throw CommandException.Usage($"{known} `monge targets` lists them all.");
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }
}
