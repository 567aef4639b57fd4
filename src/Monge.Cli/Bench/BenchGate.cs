using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Data;
using Monge.Engine.Execution;
using ElementType = Monge.Engine.Lanes.ElementType;

namespace Monge.Cli.Bench;

/// <summary>
/// <c>monge bench --gate FILE</c>: the speed of each case as a ratio to a plain loop of known work that is timed in the same run, in turns with the case,
/// and held against the ratios of a file. No time of a clock is in the file, so it serves every machine whose vectors are as wide.
/// </summary>
internal static class BenchGate
{
    private const int Rounds = 9;
    private const int TurnMilliseconds = 20;

    // The runtime compiles anew what has run for a while.
    private const int WarmUpMilliseconds = 250;
    private const int LoopLength = 20_000;
    private const double DefaultTolerance = 0.08;

    // A result that the loop leaves behind, so that it can't be left out.
    private static double s_sink;

    /// <summary>Measures all cases. Reports those that are slower than the file allows, or writes their ratios to the file.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string path, bool update, TextWriter output)
    {
        var width = (Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128).ToString(CultureInfo.InvariantCulture);
        var file = Read(path, update);
        if (file[width] is not JsonObject known)
        {
            known = update
                ? []
                : throw CommandException.Failure(
                    $"{path} has no ratios for vectors of {width} bits, as this machine has them; add them with --update on a commit that is fast enough.");
            file[width] = known;
        }

        var slower = 0;
        foreach (var (name, create, yardstick) in Cases())
        {
            var measured = Measure(create(), yardstick);
            var tolerance = Number(path, known, name, "tolerance") ?? DefaultTolerance;
            if (update)
            {
                known[name] = new JsonObject { ["ratio"] = Math.Round(measured, 4), ["tolerance"] = tolerance };
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-24} {measured,8:F3}"));
                continue;
            }

            var ratio = Number(path, known, name, "ratio")
                ?? throw CommandException.Failure($"{path} has no ratio for '{name}'; add it with --update on a commit that is fast enough.");
            var isSlower = measured < ratio * (1 - tolerance);
            slower += isSlower ? 1 : 0;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-24} {measured,8:F3}   file {ratio:F3}   {(measured / ratio) - 1:+0.0%;-0.0%} (down to -{tolerance:P0} holds)   "
                + $"{(isSlower ? "slower" : "holds")}"));
        }

        if (update)
        {
            using var target = new AtomicFile(path);
            using (var writer = new StreamWriter(target.Stream, leaveOpen: true))
            {
                writer.Write(JsonOutput.Indented(file));
            }

            target.Commit();
        }

        return slower == 0 ? ExitCodes.Success : ExitCodes.Failure;
    }

    // Training and networks stand beside the multiply-add peak of one core, the Langevin steps beside a chain of scalar multiply-adds, two threads beside one.
    private static IEnumerable<(string Name, Func<BenchWork> Create, Func<double> Yardstick)> Cases()
    {
        static BenchSettings Sizes(int batch, int dimension, int width, int depth, int steps = 1, int threads = 1) =>
            new(batch, dimension, width, depth, steps, 1, threads);
        static double Peak() => MachinePeak.MeasureFmaGflops(ElementType.Float32, TurnMilliseconds / 3000.0) * 1e9;
        yield return ("gemm", () => GemmCase<float>.Create(Sizes(256, 2, 256, 4)), Peak);
        yield return ("regression-small", () => BenchCases<float>.Regression(Sizes(256, 2, 64, 3)), Peak);
        yield return ("regression", () => BenchCases<float>.Regression(Sizes(256, 2, 256, 4)), Peak);
        yield return ("laplacian", () => BenchCases<float>.Laplacian(Sizes(64, 10, 128, 4)), Peak);
        yield return ("ode", () => BenchCases<float>.Ode(Sizes(256, 2, 256, 4, 4)), Peak);
        var langevin = Sizes(1024, 10, 1, 1, 20);
        yield return ("langevin", () => BenchCases<float>.Langevin(langevin) with { FloatingPointOperations = 1024 * 10 * 20 }, ScalarChain);
        if (Environment.ProcessorCount > 1)
        {
            var alone = BenchCases<float>.Regression(Sizes(256, 2, 64, 3));
            yield return (
                "regression-small-pair", () => BenchCases<float>.Regression(Sizes(256, 2, 64, 3, threads: 2)),
                () => alone.FloatingPointOperations!.Value / Fastest(alone.Step));
            alone.Release();
        }
    }

    // Work a second over that of the yardstick, in turns. Of each the fastest turn counts: other programs on the machine only ever make one slower.
    private static double Measure(BenchWork work, Func<double> yardstick)
    {
        try
        {
            Fastest(work.Step, WarmUpMilliseconds);
            var (rate, known) = (0.0, 0.0);
            for (var k = 0; k < Rounds; k++)
            {
                known = Math.Max(known, yardstick());
                rate = Math.Max(rate, work.FloatingPointOperations!.Value / Fastest(work.Step));
            }

            return rate / known;
        }
        finally
        {
            work.Release();
        }
    }

    // Seconds of the fastest step of a turn.
    private static double Fastest(Action step, int milliseconds = TurnMilliseconds)
    {
        var fastest = double.PositiveInfinity;
        var turn = Stopwatch.GetTimestamp();
        do
        {
            var start = Stopwatch.GetTimestamp();
            step();
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        while (Stopwatch.GetElapsedTime(turn).TotalMilliseconds < milliseconds);
        return fastest;
    }

    private static double ScalarChain() => LoopLength / Fastest(RunScalarChain);

    // Compiled once and for all, so that it takes the same time in every turn.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunScalarChain()
    {
        var value = 1.0;
        for (var i = 0; i < LoopLength; i++)
        {
            value = Math.FusedMultiplyAdd(value, 0.999, 0.001);
        }

        s_sink = value;
    }

    private static JsonObject Read(string path, bool update)
    {
        if (!File.Exists(path))
        {
            return update ? [] : throw CommandException.Failure($"{path}: there is no such file; write one with --update on a commit that is fast enough.");
        }

        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new JsonException("not an object.");
        }
        catch (JsonException error)
        {
            throw CommandException.Failure($"{path} is not a file of ratios: {error.Message}");
        }
    }

    private static double? Number(string path, JsonObject known, string name, string field)
    {
        if (known[name]?[field] is not { } node)
        {
            return null;
        }

        return node is JsonValue value && value.TryGetValue(out double number) && number > 0
            ? number
            : throw CommandException.Failure($"{path}: the {field} of '{name}' is not a positive number.");
    }
}
