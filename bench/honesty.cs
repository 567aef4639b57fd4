#!/usr/bin/env dotnet
// How often a run of `sample` at its defaults is wrong and says nothing, or right and in grave doubt: 67 targets whose log Z and means are known, three seeds
// each.
//   dotnet run bench/honesty.cs -- [--part K/N] [--seeds 1,2,3]
// Wrong: log Z off by more than four stated errors, or a mean by more than a fifth of a deviation.
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var part = Value("--part", "1/1").Split('/').Select(int.Parse).ToArray();
ulong[] seeds = [.. Value("--seeds", "1,2,3").Split(',').Select(ulong.Parse)];
var counts = new int[2, 3];
foreach (var (problem, number) in Problems().Select((p, i) => (p, i)).Where(p => p.i % part[1] == part[0] - 1))
{
    foreach (var seed in seeds)
    {
        string verdict, told;
        try
        {
            var draws = await new PinnTransport(problem.Target).SampleAsync(10_000, seed, threads: 1);
            var (errors, shift) = (Math.Abs(draws.LogZ - problem.LogZ) / Math.Max(draws.LogZError, 1e-12), Shift(problem, draws.Mean()));
            var isRight = errors <= 4 && shift <= 0.2;
            var level = draws.Status.Code switch { StatusCode.Success => 0, StatusCode.Failed => 2, _ => 1 };
            counts[isRight ? 0 : 1, level]++;
            (verdict, told) = (
                $"{(isRight ? "right" : "WRONG")} (log Z off by {draws.LogZ - problem.LogZ:g3} = {errors:f1} errors, a mean by {shift:f2} deviations)",
                level == 0 ? "success" : $"{(level == 1 ? "warned" : "failed")}: {draws.Status.Message}");
            told = $"ESS {draws.EffectiveSampleSize:p1}, {draws.TrainSeconds + draws.SampleSeconds:f1} s, {told}";
        }
        catch (Exception error) when (error is DensityException or ArithmeticException)
        {
            counts[1, 2]++;
            (verdict, told) = ("refused", error.Message);
        }

        Console.WriteLine($"{number + 1,3} {problem.Target.Name}, d = {problem.Target.Dimension}, seed {seed}: {verdict}; {told}");
    }
}

Console.WriteLine("          success  warned  failed");
Console.WriteLine($"right     {counts[0, 0],7} {counts[0, 1],7} {counts[0, 2],7}");
Console.WriteLine($"wrong     {counts[1, 0],7} {counts[1, 1],7} {counts[1, 2],7}");

string Value(string name, string otherwise) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;

static double Shift(Problem problem, double[] means)
{
    var worst = 0.0;
    for (var i = 0; i < problem.Mean.Length; i++)
    {
        worst = double.IsFinite(problem.Deviation[i]) ? Math.Max(worst, Math.Abs(means[i] - problem.Mean[i]) / problem.Deviation[i]) : worst;
    }

    return worst;
}

static IEnumerable<Problem> Problems()
{
    foreach (var name in (string[])["gmm9", "gmm40", "student-t-mixture-2", "double-well", "rings", "banana", "many-well-5", "funnel-10",
        "hierarchical-funnel-10", "shifted-gaussian-10", "gaussian-10", "eight-schools", "kidscore"])
    {
        var target = TargetLibrary.Get(name);
        yield return new Problem(target, target.Facts.LogZ!.Value, target.Facts.Mean ?? [], target.Facts.StandardDeviation ?? []);
    }

    var random = new RandomStream(20, StreamName.Of("honesty"));
    int[] dimensions = [2, 5, 10, 20];
    for (var k = 0; k < 18; k++)
    {
        yield return Mixture($"mixture-{k}", dimensions[k % 4], 2 + (k % 5), 5 * Math.Pow(200, random.NextDouble()), k % 2 == 0 ? 1 : 3, random);
    }

    for (var k = 0; k < 10; k++)
    {
        yield return k % 2 == 0
            ? Ridge($"ridge-{k}", dimensions[k % 4], 0.05 + (0.5 * random.NextDouble())) : Funnel($"funnel-{k}", 2 + k, 0.5 + random.NextDouble());
    }

    for (var k = 0; k < 5; k++)
    {
        yield return Student($"student-{k}", 2 + k, 2.5 + k);
    }

    for (var k = 0; k < 10; k++)
    {
        yield return k % 2 == 0 ? Gammas($"gammas-{k}", 1 + k, 0.6 + (0.5 * k)) : Betas($"betas-{k}", k, 0.7 + (0.3 * k), 2);
    }

    for (var k = 0; k < 5; k++)
    {
        yield return Correlated($"correlated-{k}", 4 * (k + 1), Math.Pow(10, 1 + k), random);
    }

    for (var k = 0; k < 6; k++)
    {
        yield return Counts($"counts-{k}", 2 + k, random);
    }
}

static Problem Mixture(string name, int d, int modes, double distance, double ratio, RandomStream random)
{
    double[] weights = [.. Enumerable.Range(0, modes).Select(_ => 0.1 + random.NextDouble())];
    var sum = weights.Sum();
    weights = [.. weights.Select(w => w / sum)];
    double[] Place() => [.. Enumerable.Range(0, d).Select(_ => distance * random.NextNormal() / Math.Sqrt(d))];
    double[][] means = [.. Enumerable.Range(0, modes).Select(_ => Place())];
    double[] variances = [.. Enumerable.Range(0, modes).Select(_ => Math.Pow(ratio, 2 * random.NextDouble()))];
    var law = GaussianMixtureLaw.Isotropic(weights, means, variances);
    double[] mean = [.. Enumerable.Range(0, d).Select(i => weights.Zip(means, (w, m) => w * m[i]).Sum())];
    double[] deviation = [.. Enumerable.Range(0, d).Select(i => Math.Sqrt(Enumerable.Range(0, modes).Sum(
        m => weights[m] * (variances[m] + ((means[m][i] - mean[i]) * (means[m][i] - mean[i]))))))];
    return new Problem(Density.Create(name, d, law.LogDensity), 0, mean, deviation);
}

// The second coordinate follows the square of the first: volume is kept, so log Z is that of standard normals.
static Problem Ridge(string name, int d, double bend)
{
    var target = Density.Create(name, d, x =>
    {
        var rest = x[1] - (bend * (x[0].Square() - 9));
        Expr sum = (x[0].Square() / 9) + rest.Square();
        for (var i = 2; i < d; i++)
        {
            sum += x[i].Square();
        }

        return -0.5 * sum;
    });
    double[] deviation = [3, Math.Sqrt(1 + (bend * bend * 2 * 81)), .. Enumerable.Repeat(1.0, d - 2)];
    return new Problem(target, (0.5 * d * Math.Log(2 * Math.PI)) + Math.Log(3), new double[d], deviation);
}

static Problem Funnel(string name, int d, double scale)
{
    var target = Density.Create(name, d, x =>
    {
        Expr sum = x[0].Square() / (scale * scale);
        for (var i = 1; i < d; i++)
        {
            sum += (x[i].Square() * (-x[0]).Exp()) + x[0];
        }

        return -0.5 * sum;
    });
    double[] deviation = [scale, .. Enumerable.Repeat(Math.Exp(0.25 * scale * scale), d - 1)];
    return new Problem(target, (0.5 * d * Math.Log(2 * Math.PI)) + Math.Log(scale), new double[d], deviation);
}

static Problem Student(string name, int d, double freedom)
{
    var target = Density.Create(name, d, x => -0.5 * (freedom + 1) * (1 + (x.Square() / freedom)).Log().Sum());
    var logZ = LogGamma(0.5 * freedom) - LogGamma(0.5 * (freedom + 1)) + (0.5 * Math.Log(Math.PI * freedom));
    return new Problem(target, d * logZ, new double[d], [.. Enumerable.Repeat(freedom > 2 ? Math.Sqrt(freedom / (freedom - 2)) : double.PositiveInfinity, d)]);
}

static Problem Gammas(string name, int d, double shape)
{
    var target = Density.Create(name, d, x => (((shape - 1) * x.Log()) - (2 * x)).Sum(), new DensityOptions { Support = [SupportTransform.Positive(d)] });
    return new Problem(
        target, d * (LogGamma(shape) - (shape * Math.Log(2))), [.. Enumerable.Repeat(shape / 2, d)], [.. Enumerable.Repeat(Math.Sqrt(shape) / 2, d)]);
}

static Problem Betas(string name, int d, double a, double b)
{
    var target = Density.Create(
        name, d, x => (((a - 1) * x.Log()) + ((b - 1) * (1 - x).Log())).Sum(), new DensityOptions { Support = [SupportTransform.Interval(0, 1, d)] });
    var (mean, deviation) = (a / (a + b), Math.Sqrt(a * b / (a + b + 1)) / (a + b));
    return new Problem(
        target, d * (LogGamma(a) + LogGamma(b) - LogGamma(a + b)), [.. Enumerable.Repeat(mean, d)], [.. Enumerable.Repeat(deviation, d)]);
}

// x_i = s_i z_i + x_(i-1) / 2: a chain whose deviations range over a condition's root.
static Problem Correlated(string name, int d, double condition, RandomStream random)
{
    double[] scales = [.. Enumerable.Range(0, d).Select(i => Math.Pow(condition, 0.5 * ((double)i / Math.Max(1, d - 1))))];
    double[] center = [.. Enumerable.Range(0, d).Select(_ => 3 * random.NextNormal())];
    var target = Density.Create(name, d, x =>
    {
        Expr sum = 0;
        for (var i = 0; i < d; i++)
        {
            var z = x[i] - center[i] - (i > 0 ? 0.5 * (x[i - 1] - center[i - 1]) : 0);
            sum += (z / scales[i]).Square();
        }

        return -0.5 * sum;
    });
    var (deviation, variance) = (new double[d], 0.0);
    for (var i = 0; i < d; i++)
    {
        variance = (scales[i] * scales[i]) + (0.25 * variance);
        deviation[i] = Math.Sqrt(variance);
    }

    return new Problem(target, (0.5 * d * Math.Log(2 * Math.PI)) + scales.Sum(Math.Log), center, deviation);
}

// Poisson counts with a gamma prior of the rate, each group by itself: the posterior is a gamma.
static Problem Counts(string name, int d, RandomStream random)
{
    int[] sums = [.. Enumerable.Range(0, d).Select(_ => (int)(20 * random.NextDouble() * random.NextDouble()))];
    var shapes = Expr.Constant([.. sums.Select(s => s + 1.5)]);
    var target = Density.Create(name, d, x => (((shapes - 1) * x.Log()) - (4.0 * x)).Sum(), new DensityOptions { Support = [SupportTransform.Positive(d)] });
    return new Problem(
        target, sums.Sum(s => LogGamma(s + 1.5) - ((s + 1.5) * Math.Log(4))), [.. sums.Select(s => (s + 1.5) / 4)],
        [.. sums.Select(s => Math.Sqrt(s + 1.5) / 4)]);
}

static double LogGamma(double x)
{
    // Stirling's series beyond 12, reached by the recurrence.
    var shift = 0.0;
    for (; x < 12; x++)
    {
        shift -= Math.Log(x);
    }

    var (inverse, square) = (1 / x, 1 / (x * x));
    return shift + ((x - 0.5) * Math.Log(x)) - x + (0.5 * Math.Log(2 * Math.PI))
        + (inverse * ((1.0 / 12) - (square * ((1.0 / 360) - (square * ((1.0 / 1260) - (square / 1680)))))));
}

internal sealed record Problem(Density Target, double LogZ, double[] Mean, double[] Deviation);
