#!/usr/bin/env dotnet
// Whether a run of `sample` at its defaults has all modes of a target, however far apart: 60 random targets, 15 for each of 2, 5, 20 and 50 coordinates, of 2
// to 8 modes that lie 5 to 1,000 deviations apart, with weights to 1:20 and unequal widths; in one of three targets a mode is a ridge, in another a funnel.
//   dotnet run bench/far-modes.cs -- [--part K/N] [--seed 1] [--search]      (--search: the search alone, without runs)
// Widths range to 1:3 up to five coordinates and to 1:1.2 above: beside a wider mode the places from which a climb reaches a narrow one have the share
// (narrow / wide)^d of the directions, and its contribution elsewhere is below the last digit, so that no search by values and gradients can find it.
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using System.Diagnostics;
using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var part = Value("--part", "1/1").Split('/').Select(int.Parse).ToArray();
var seed = ulong.Parse(Value("--seed", "1"));
var (complete, few, trusted, counts) = (0, 0, 0, new int[2, 3]);
int[] dimensions = [2, 5, 20, 50];
foreach (var number in Enumerable.Range(0, 60).Where(k => k % part[1] == part[0] - 1))
{
    var d = dimensions[number % 4];
    var family = Family.Random(d, number / 4, seed);
    var target = Density.Create($"far-{number}", d, family.LogDensity);
    var clock = Stopwatch.StartNew();
    var found = target.Base.Modes;
    var search = clock.Elapsed.TotalSeconds;
    var missing = Enumerable.Range(0, family.Count).Count(k => family.Weights[k] >= 0.05
        && found?.Modes.Any(m => Distance(m.Position, family.Modes[k]) < 0.5 * family.Widths[k]) != true);
    complete += d <= 20 && missing == 0 ? 1 : 0;
    few += d <= 20 ? 1 : 0;
    var told = $"{number + 1,3} d = {d}, {family.Kind}, {family.Count} modes about {family.Radius:f0} apart: search "
        + $"{(missing == 0 ? "all" : $"{missing} missing")} ({found}, {search:f1} s)";
    if (args.Contains("--search"))
    {
        Console.WriteLine(told);
        continue;
    }

    clock.Restart();
    var draws = await new PinnTransport(target).SampleAsync(10_000, seed, threads: 1);
    var run = clock.Elapsed.TotalSeconds;
    var shares = family.Shares(draws.Positions, ImportanceWeights.FromLogWeights(draws.LogWeights).Normalised);
    var lost = Enumerable.Range(0, family.Count).Count(k => family.Weights[k] >= 0.05 && shares[k] < 0.5 * family.Weights[k]);
    var level = draws.Status.Code switch { StatusCode.Success => 0, StatusCode.Failed => 2, _ => 1 };
    counts[lost == 0 ? 0 : 1, level]++;
    trusted += search < 0.1 * (search + run) ? 1 : 0;
    Console.WriteLine($"{told}; run {run:f1} s, log Z {draws.LogZ:f4} ± {draws.LogZError:f4}, ESS {draws.EffectiveSampleSize:p1}, "
        + $"{(lost == 0 ? "all drawn" : $"{lost} LOST")}, {(level == 0 ? "success" : $"{(level == 1 ? "warned" : "failed")}: {draws.Status.Message}")}");
}

Console.WriteLine($"up to 20 coordinates: all modes of weight 0.05 and more found in {complete} of {few}; search below a tenth of the time in {trusted}");
Console.WriteLine("           success  warned  failed");
Console.WriteLine($"all drawn  {counts[0, 0],7} {counts[0, 1],7} {counts[0, 2],7}");
Console.WriteLine($"some lost  {counts[1, 0],7} {counts[1, 1],7} {counts[1, 2],7}");

string Value(string name, string otherwise) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;

static double Distance(double[] one, double[] other) => Math.Sqrt(one.Zip(other, (a, b) => (a - b) * (a - b)).Sum());

/// <summary>A mixture whose parts are Gaussians, ridges or funnels, each with its share of the mass.</summary>
internal sealed class Family
{
    private const double Bend = 0.3;
    private const double RidgeLength = 3;
    private const double FunnelScale = 0.5;
    private const double FarOut = 60;

    private readonly int _dimension;
    private double[][] _centres = [];
    private int _shaped = -1;

    private Family(int dimension) => _dimension = dimension;

    public string Kind { get; private set; } = "Gaussians";

    public double Radius { get; private set; }

    public double[] Weights { get; private set; } = [];

    public double[] Widths { get; private set; } = [];

    /// <summary>Where each part is densest.</summary>
    public double[][] Modes { get; private set; } = [];

    public int Count => Weights.Length;

    public static Family Random(int dimension, int number, ulong seed)
    {
        var random = new RandomStream(seed, StreamName.Of($"far modes {dimension} {number}"));
        var count = 2 + random.NextInt(7);
        var radius = 5 * Math.Pow(200, random.NextDouble());
        double[] weights = [.. Enumerable.Range(0, count).Select(_ => Math.Pow(20, random.NextDouble()))];
        weights = [.. weights.Select(w => w / weights.Sum())];
        double[] widths = [.. Enumerable.Range(0, count).Select(_ => Math.Pow(dimension > 5 ? 1.2 : 3, -random.NextDouble()))];
        var centres = new List<double[]>();
        for (var tried = 0; centres.Count < count; tried++)
        {
            radius *= tried % 100 == 99 ? 1.1 : 1;
            double[] direction = [.. Enumerable.Range(0, dimension).Select(_ => random.NextNormal())];
            var length = radius * Math.Pow(random.NextDouble(), 1.0 / dimension) / Math.Sqrt(direction.Sum(v => v * v));
            double[] centre = [.. direction.Select(v => length * v)];
            if (centres.All(other => Math.Sqrt(centre.Zip(other, (a, b) => (a - b) * (a - b)).Sum()) > Math.Max(5, 0.3 * radius)))
            {
                centres.Add(centre);
            }
        }

        // A funnel of 50 coordinates has its mode twelve deviations from its mass.
        var shape = number % 3 == 2 && dimension > 20 ? 1 : number % 3;
        var family = new Family(dimension)
        {
            _centres = [.. centres],
            Radius = radius,
            Weights = weights,
            Widths = widths,
            Kind = ((string[])["Gaussians", "a ridge", "a funnel"])[shape],
            _shaped = shape == 0 ? -1 : 0,
        };
        family.Modes = [.. centres.Select((c, k) => family.Densest(k))];
        return family;
    }

    public Expr LogDensity(Expr x) => Expr.Stack(0, [.. Enumerable.Range(0, Count).Select(k => Part(k, x))]).LogSumExp();

    /// <summary>Share of weighted positions [n, d] that belong to each part: to the one most probable there.</summary>
    public double[] Shares(double[] positions, IReadOnlyList<double> weights)
    {
        var (d, shares) = (_dimension, new double[Count]);
        var x = Expr.Input("x", d);
        using var program = new CompiledProgram<double>(new TracedProgram(null, [.. Enumerable.Range(0, Count).Select(k => ($"part {k}", Part(k, x)))]));
        program["x"] = NdArray<double>.From(positions, weights.Count, d);
        for (var k = 0; k < Count; k++)
        {
            program[$"part {k}"] = new NdArray<double>(weights.Count);
        }

        program.Run(weights.Count);
        for (var i = 0; i < weights.Count; i++)
        {
            shares[Enumerable.Range(0, Count).MaxBy(k => program[$"part {k}"][i])] += weights[i];
        }

        return shares;
    }

    // The log density of one part, its weight among it.
    private Expr Part(int k, Expr x)
    {
        var d = _dimension;
        var y = (x - Expr.Constant(_centres[k], d)) / Widths[k];
        var constant = Math.Log(Weights[k]) - (0.5 * d * Math.Log(2 * Math.PI)) - (d * Math.Log(Widths[k]));
        if (k != _shaped)
        {
            return constant - (0.5 * y.SquaredNorm());
        }

        if (Kind == "a ridge")
        {
            var across = y[1] - (Bend * (y[0].Square() - (RidgeLength * RidgeLength)));
            return constant - Math.Log(RidgeLength)
                - (0.5 * ((y[0] / RidgeLength).Square() + across.Square() + (d > 2 ? y.Slice(0, 2, d - 2).SquaredNorm() : 0)));
        }

        // Far from the funnel its exponential is held, as one that overflows has no gradient.
        var rest = y.Slice(0, 1, d - 1).SquaredNorm() * (-y[0]).Clamp(-FarOut, FarOut).Exp();
        return constant - Math.Log(FunnelScale) - (0.5 * ((y[0] / FunnelScale).Square() + rest + ((d - 1) * y[0])));
    }

    private double[] Densest(int k)
    {
        var mode = (double[])_centres[k].Clone();
        if (k == _shaped && Kind == "a ridge")
        {
            mode[1] -= Widths[k] * Bend * RidgeLength * RidgeLength;
        }
        else if (k == _shaped)
        {
            mode[0] -= Widths[k] * 0.5 * (_dimension - 1) * FunnelScale * FunnelScale;
        }

        return mode;
    }
}
