using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Engine.Execution;
using Monge.Engine.Lanes;
using Monge.Runs;

namespace Monge.Cli.Bench;

/// <summary><c>monge bench CASE ...</c>: times the engine at the work of bench/torch_peer.py.</summary>
internal static class BenchCommand
{
    private const int WarmUps = 3;
    private static readonly string[] s_cases =
        ["gemm", "regression", "fit", "fit-ot", "laplacian", "jko", "score", "ode", "langevin", "pairwise", "pairwise-plain",
            .. NeuronCase.Names];

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var cases = new Argument<string[]>(
            "case")
        { Description = $"{string.Join(", ", s_cases)}, or all.", HelpName = "CASE", Arity = ArgumentArity.ZeroOrMore };
        cases.CompletionSources.Add([.. s_cases, "all"]);
        var batch = CommandOptions.Integer("--batch", "Samples in a batch.", 1024, 1);
        var dimension = CommandOptions.Integer("--dim", "Dimension of a sample.", 2, 1, 4096);
        var width = CommandOptions.Integer("--width", "Width of the hidden layers.", 128, 1, 1 << 16);
        var depth = CommandOptions.Integer("--depth", "Number of hidden layers.", 4, 1, 1024);
        var steps = CommandOptions.Integer("--steps", "Time steps of ode, langevin and neuron-runs.", 100, 1);
        var repeats = CommandOptions.Integer("--repeats", "Timed repetitions; the median counts.", 9, 1);
        var threads = CommandOptions.Threads();
        var precision = CommandOptions.Word("--precision", "Precision of all values.", "f32", "f32", "f64");
        var json = CommandOptions.Json("one object a line for each case");
        var gate = new Option<string?>("--gate")
        {
            Description = "Instead of cases: compare speeds with a file of ratios to plain loops of the same run; exit code 1 when one is worse.",
            HelpName = "FILE",
        };
        var update = new Option<bool>("--update") { Description = "With --gate: write the ratios of this commit and machine to the file." };
        var command = new Command("bench", "Time the engine at the work of the PyTorch peer in bench/, with the same sizes.")
        {
            cases, batch, dimension, width, depth, steps, repeats, threads, precision, json, gate, update,
        };
        HelpExamples.Add(
            command,
            ("monge bench gemm", "matrix products against the machine's peak"),
            ("monge bench regression --batch 4096 --width 256", "one Adam step of velocity matching"),
            ("monge bench regression fit fit-ot --batch 4096 --width 256", "what reading rows and pairing them adds to a step"),
            ("monge bench laplacian --dim 10 --json", "one step on a second-order residual, as JSON"),
            ("monge bench jko --batch 512 --dim 12 --width 64", "one step on a map whose Jacobian's log-determinant is in the loss"),
            ("monge bench pairwise pairwise-plain --batch 10000 --dim 50 --repeats 3", "kernel sums over all pairs of particles, beside plain loops"),
            ("monge bench neurons --batch 4096 --width 4096 --dim 10", "one step of rectified neurons on a table"),
            ("monge bench neuron-runs neuron-runs-plain --batch 30 --width 256 --dim 3", "a hundred small networks at once, and one after the other"),
            ("monge bench ode --batch 16384 --width 256 --steps 20", "an ensemble of trajectories through a network"),
            ("monge bench --gate bench/gate.json", "is this commit as fast as the file says?"));
        command.SetAction(result =>
        {
            if (result.GetValue(gate) is { } file)
            {
                return BenchGate.Run(file, result.GetValue(update), result.InvocationConfiguration.Output);
            }

            if (result.GetRequiredValue(cases).Length == 0)
            {
                throw CommandException.Usage("Name a case to time, such as gemm, or all; or give --gate FILE.");
            }

            var settings = new BenchSettings(
                result.GetValue(batch), result.GetValue(dimension), result.GetValue(width), result.GetValue(depth),
                result.GetValue(steps), result.GetValue(repeats), result.GetValue(threads));
            var named = result.GetRequiredValue(cases).SelectMany(c => c == "all" ? s_cases : [c]).ToArray();
            foreach (var name in named.Where(n => !s_cases.Contains(n)))
            {
                throw CommandException.Usage(UnknownName.Sentence("bench case", name, s_cases, "monge bench --help"));
            }

            foreach (var name in named)
            {
                var numbers = NeuronCase.Names.Contains(name) ? "f64" : result.GetRequiredValue(precision);
                var measured = numbers == "f64" ? Measure<double>(name, settings) : Measure<float>(name, settings);
                result.InvocationConfiguration.Output.WriteLine(
                    result.GetValue(json) ? Describe(measured, settings, numbers) : Sentence(measured, settings));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static BenchResult Measure<T>(string name, BenchSettings settings)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var work = name switch
        {
            "gemm" => GemmCase<T>.Create(settings),
            "regression" => BenchCases<T>.Regression(settings),
            "fit" => BenchCases<T>.Fit(settings, OptimalTransport.CouplingKind.Independent),
            "fit-ot" => BenchCases<T>.Fit(settings, OptimalTransport.CouplingKind.OptimalTransport),
            "laplacian" => BenchCases<T>.Laplacian(settings),
            "jko" => BenchCases<T>.Jko(settings),
            "score" => BenchCases<T>.Score(settings),
            "ode" => BenchCases<T>.Ode(settings),
            "pairwise" => PairwiseCase<T>.Create(settings),
            "pairwise-plain" => PairwiseCase<T>.CreatePlain(settings),
            "neurons" => NeuronCase.Regression(settings),
            "neurons-population" => NeuronCase.Population(settings),
            "neuron-runs" => NeuronCase.Lanes(settings),
            "neuron-runs-plain" => NeuronCase.OneByOne(settings),
            _ => BenchCases<T>.Langevin(settings),
        };
        try
        {
            var milliseconds = MedianMilliseconds(work.Step, settings.Repeats);
            return work.FloatingPointOperations is { } operations
                ? new BenchResult(name, milliseconds, operations / (milliseconds * 1e6), PeakGflops<T>(ThreadsUsed(settings)))
                : new BenchResult(name, milliseconds, null);
        }
        finally
        {
            work.Release();
        }
    }

    /// <summary>The median time of a step after three that are not timed, as the peer takes it.</summary>
    internal static double MedianMilliseconds(Action step, int repeats)
    {
        for (var k = 0; k < WarmUps; k++)
        {
            step();
        }

        var times = new double[repeats];
        for (var k = 0; k < repeats; k++)
        {
            var start = Stopwatch.GetTimestamp();
            step();
            times[k] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        return times[repeats / 2];
    }

    /// <summary>The machine's multiply-add peak with as many cores busy as the case had, measured right after it.</summary>
    private static double PeakGflops<T>(int threads)
    {
        var peaks = new double[threads];
        var workers = new Thread[threads];
        for (var k = 0; k < threads; k++)
        {
            var own = k;
            workers[k] = new Thread(
                () => peaks[own] = MachinePeak.MeasureFmaGflops(typeof(T) == typeof(float) ? ElementType.Float32 : ElementType.Float64, 0.2));
            workers[k].Start();
        }

        Array.ForEach(workers, w => w.Join());
        return peaks.Sum();
    }

    private static int ThreadsUsed(BenchSettings settings) => settings.Threads == 0 ? Environment.ProcessorCount : settings.Threads;

    private static string Describe(BenchResult measured, BenchSettings settings, string precision)
    {
        var node = new JsonObject
        {
            ["case"] = measured.Name,
            ["batch"] = settings.Batch,
            ["dim"] = settings.Dimension,
            ["width"] = settings.Width,
            ["depth"] = settings.Depth,
            ["steps"] = settings.Steps,
            ["repeats"] = settings.Repeats,
            ["median_ms"] = ResultText.Json(Math.Round(measured.MedianMilliseconds, 4)),
            ["gflops"] = ResultText.Json(measured.Gflops is { } rate ? Math.Round(rate, 2) : null),
            ["threads"] = ThreadsUsed(settings),
            ["precision"] = precision,
        };
        if (measured.PeakGflops is { } peak)
        {
            node["peak_gflops"] = ResultText.Json(Math.Round(peak, 2));
            node["peak_fraction"] = ResultText.Json(Math.Round((measured.Gflops ?? 0) / peak, 4));
        }

        return JsonOutput.Line(node);
    }

    private static string Sentence(BenchResult measured, BenchSettings settings)
    {
        var rate = measured.Gflops is { } gflops ? string.Create(CultureInfo.InvariantCulture, $"   {gflops,8:F1} GFLOP/s") : "";
        var peak = measured.PeakGflops is { } top
            ? string.Create(CultureInfo.InvariantCulture, $"   {(measured.Gflops ?? 0) / top:P1} of the measured peak {top:F1}") : "";
        return string.Create(
            CultureInfo.InvariantCulture, $"{measured.Name,-11} {measured.MedianMilliseconds,10:F3} ms{rate}   {ThreadsUsed(settings)} threads{peak}");
    }
}
