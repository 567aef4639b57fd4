#!/usr/bin/env dotnet
// Whether the error that a run of `evolve` states of itself is honest: problems whose law at the end is known, in closed form or by finite volumes, followed by
// every method that applies, at good and at deliberately poor settings.
//   dotnet run bench/evolution-honesty.cs -- [--part K/N] [--seeds 1,2,3] [--only TEXT]
// True error: KL(rho_T | law) from the run's samples, by the exact law or by finite volumes. Stated: the run's bound on it. Honest: the true error is below
// twice the stated one, or within its own sampling error. A run is good where the true error is below the bar of .01 nats, and bad where it is above three
// bars, or where an estimate of it is as far below 0, which no divergence is, or where the run breaks off; bad runs must be warned, good ones not. Told: how
// often a classifier tells the run's samples from simulated particles.
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using System.Globalization;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;

const double Bar = 0.01;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var part = Value("--part", "1/1").Split('/').Select(int.Parse).ToArray();
ulong[] seeds = [.. Value("--seeds", "1,2,3").Split(',').Select(ulong.Parse)];
var only = Value("--only", "");
var (runs, honest, bad, badWarned, good, goodWarned) = (0, 0, 0, 0, 0, 0);
Console.WriteLine("| problem | method | setting | seed | stated | true | told | CPU s | warned |");
Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
foreach (var (law, name, setting, options, number) in Cases().Select((c, i) => (c.Law, c.Method, c.Setting, c.Options, i)))
{
    var title = $"{law.Problem.Name} {name} {setting}";
    if (number % part[1] != part[0] - 1 || !title.Contains(only, StringComparison.Ordinal))
    {
        continue;
    }

    foreach (var seed in seeds)
    {
        var before = Environment.CpuUsage.TotalTime;
        double stated = double.NaN, error = double.PositiveInfinity, noise = 0, accuracy = double.NaN;
        string told;
        try
        {
            var run = new Run { Seed = seed, Threads = 1 };
            var entry = MethodRegistry.Evolutions.Single(m => m.Facts.Name == name);
            var evolution = entry.Bind(law.Problem, options).Run(run);
            var result = EvolutionResult.Of(evolution, name, 10_000, 2, run);
            (stated, accuracy) = (result.Points[^1].DivergenceBound, result.Simulated?.Accuracy ?? double.NaN);
            (error, noise) = law.Divergence(result);
            told = string.Join("; ", result.Warnings.Select(w => w.Message));
        }
        catch (ArithmeticException broken)
        {
            told = $"broke off: {broken.Message}";
        }

        var seconds = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        var isBroken = told.StartsWith("broke off", StringComparison.Ordinal);
        var isHonest = isBroken || error < Math.Max(2 * stated, 4 * noise);
        (runs, honest) = (runs + 1, honest + (isHonest ? 1 : 0));
        if (isBroken || !(Math.Abs(error) <= 3 * Bar))
        {
            (bad, badWarned) = (bad + 1, badWarned + (told.Length > 0 ? 1 : 0));
        }
        else if (Math.Abs(error) <= Bar)
        {
            (good, goodWarned) = (good + 1, goodWarned + (told.Length > 0 ? 1 : 0));
        }

        Console.WriteLine(
            $"| {law.Problem.Name} | {name} | {setting} | {seed} | {stated:g2} | {error:g2}{(isHonest ? "" : " (!)")} | {accuracy:p1} | {seconds:f1} | "
            + $"{told} |");
    }
}

Console.WriteLine();
Console.WriteLine($"{honest} of {runs} runs have a true error below twice the stated one; {badWarned} of {bad} bad runs are warned,");
Console.WriteLine($"{goodWarned} of {good} good ones.");

string Value(string name, string otherwise) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;

static IEnumerable<(Law Law, string Method, string Setting, System.Text.Json.Nodes.JsonObject Options)> Cases()
{
    foreach (var law in Laws())
    {
        foreach (var (setting, options) in Jko())
        {
            if (law.Problem.Energy is not null)
            {
                yield return (law, JkoFlow.Name, setting, MethodOptions.Changes(options));
            }
        }

        foreach (var (setting, options) in Sbtm())
        {
            yield return (law, SbtmFlow.Name, setting, MethodOptions.Changes(options));
        }
    }
}

static IEnumerable<(string Setting, JkoOptions Options)> Jko()
{
    var quick = new JkoOptions { Iterations = 150, BatchSize = 512, Pool = 16_384, Width = 32 };
    yield return ("default", new JkoOptions());
    yield return ("quick", quick);
    yield return ("10 iterations", quick with { Iterations = 10 });
    yield return ("steps of 0.25", quick with { Step = 0.25 });
    yield return ("pool of 256", quick with { Pool = 256, BatchSize = 128, Iterations = 500 });
    yield return ("rate 0.1", quick with { LearningRate = 0.1, FinalLearningRateShare = 1 });
    yield return ("rate 1e-5", quick with { LearningRate = 1e-5 });
}

static IEnumerable<(string Setting, SbtmOptions Options)> Sbtm()
{
    var quick = new SbtmOptions { Step = 0.02, Particles = 4096, Width = 32, Iterations = 50 };
    yield return ("default", new SbtmOptions());
    yield return ("quick", quick);
    yield return ("1 iteration", quick with { Iterations = 1 });
    yield return ("steps of 0.25", quick with { Step = 0.25, Iterations = 400 });
    yield return ("64 particles", quick with { Particles = 64, BatchSize = 32 });
    yield return ("rate 0.3", quick with { LearningRate = 0.3, FinalLearningRateShare = 1 });
    yield return ("rate 1e-6", quick with { LearningRate = 1e-6 });
    yield return ("implicit", quick with { Loss = SbtmLoss.Exact, Particles = 1024, HeldOut = 0 });
}

static IEnumerable<Law> Laws()
{
    foreach (var (name, until) in ((string, double)[])[("heat-2", 0.5), ("ou-2", 0.5), ("ou-4", 0.5), ("ou-12", 0.4)])
    {
        yield return new Law(EvolutionLibrary.Get(name) with { Until = until });
    }

    yield return new Law(EvolutionLibrary.Get("double-well") with { Until = 0.5 });
    yield return new Law(EvolutionLibrary.Get("mixture-2") with { Until = 1 }) { HalfWidth = 22, Cells = 440 };
    yield return new Law(new EvolutionProblem
    {
        Name = "planar-wells",
        Initial = GaussianBase.Diagonal([0.3, 0], [0.4, 0.6]),
        Energy = new FreeEnergy
        {
            Potential = x => (x[0].Square() - 1).Square() + (0.5 * x[1].Square()) + (0.5 * x[0] * x[1]),
            Temperature = 0.5,
        },
        Until = 0.5,
    });
    yield return new Law(EvolutionLibrary.Get("swirling-wells-2") with { Until = 0.4 });
    yield return new Law(EvolutionLibrary.Get("harmonic-trap-2") with { Until = 0.4 });
}

internal sealed class Law(EvolutionProblem problem)
{
    private Func<double[], double[]>? _reference;

    public EvolutionProblem Problem => problem;

    public double HalfWidth { get; init; } = 6;

    public int Cells { get; init; } = 480;

    public (double Value, double Error) Divergence(EvolutionResult result)
    {
        if (problem.Facts.Law is not null)
        {
            return result.Points[^1].Divergence!.Value;
        }

        _reference ??= problem.Dimension == 1 ? Line() : Plane();
        var (end, exact) = (result.Stored[^1], _reference(result.Stored[^1].Positions));
        double[] differences = [.. end.LogDensity.Zip(exact, (mine, right) => mine - right)];
        var mean = differences.Average();
        return (mean, Math.Sqrt(differences.Average(v => (v - mean) * (v - mean)) / differences.Length));
    }

    private Func<double[], double[]> Line()
    {
        var axis = new CellAxis(-HalfWidth, HalfWidth, 4 * Cells);
        using var initial = new PointFunction((x, _) => problem.Initial.LogDensity(x), 1);
        using var potential = new PointFunction((x, _) => problem.Energy!.Potential!(x), 1);
        using var solver = new FiniteVolumeLine(axis, null, problem.Diffusion.Scalar!.Value, x => potential.At([x])[0]);
        var density = new LineDensity(axis, x => Math.Exp(initial.At([x])[0]));
        density.Normalise();
        solver.Advance(density, 0, problem.Until, 2000);
        return points => [.. points.Select(x => Math.Log(Math.Max(density.At(x), 1e-300)))];
    }

    private Func<double[], double[]> Plane()
    {
        var axis = new CellAxis(-HalfWidth, HalfWidth, Cells);
        var eps = problem.Diffusion.Scalar!.Value;
        using var initial = new PointFunction((x, _) => problem.Initial.LogDensity(x), 2);
        using var potential = problem.Energy?.Potential is { } p ? new PointFunction((x, _) => p(x), 2) : null;
        using var solver = potential is not null
            ? new FiniteVolumePlane(axis, axis, null, eps, eps, (x, y) => potential.At([x, y])[0])
            : new FiniteVolumePlane(axis, axis, new FormulaField(2, problem.Drift), eps, eps);
        var density = new PlaneDensity(axis, axis, (x, y) => Math.Exp(initial.At([x, y])[0]));
        density.Normalise();
        solver.Advance(density, 0, problem.Until, 400);
        return points => [.. Enumerable.Range(0, points.Length / 2).Select(i => Math.Log(Math.Max(density.At(points[2 * i], points[(2 * i) + 1]), 1e-300)))];
    }
}
