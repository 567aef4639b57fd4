#!/usr/bin/env dotnet
// log Z of posteriors by sequential Monte Carlo and its kin, from several runs: their mean and its standard error beside what is known.
//   dotnet run bench/normalisers.cs -- [--method smc|ais|pt] [--seeds 1,2,...,10] [--samples 10000] [--only NAME,NAME]
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using System.Diagnostics;
using System.Globalization;
using Monge.Measures;
using Monge.Methods;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var method = Value("--method", "smc");
var samples = int.Parse(Value("--samples", "10000"));
ulong[] seeds = [.. Value("--seeds", "1,2,3,4,5,6,7,8,9,10").Split(',').Select(ulong.Parse)];
var entry = MethodRegistry.Samplers.Single(m => m.Facts.Name == method);
foreach (var name in Value("--only", "sonar,ionosphere,german-credit,seeds,brownian-unknown-scales").Split(','))
{
    var target = TargetLibrary.Get(name);
    var clock = Stopwatch.StartNew();
    var runs = new List<double>();
    var errors = new List<double>();
    var warnings = 0;
    foreach (var seed in seeds)
    {
        var draws = entry.Bind(new SamplingProblem(target, samples)).Run(new() { Seed = seed, Threads = 1 });
        runs.Add(draws.LogZ);
        errors.Add(draws.LogZError);
        warnings += draws.Warnings.Count;
    }

    var mean = runs.Average();
    var error = Math.Sqrt(runs.Sum(r => (r - mean) * (r - mean)) / (runs.Count - 1) / runs.Count);
    var known = target.Facts.LogZ;
    Console.WriteLine(
        $"{name,-26} log Z {mean:f4} +- {error:f4} (stated for one run {errors.Average():f4}, seen {error * Math.Sqrt(runs.Count):f4})"
        + (known is { } z ? $"   known {z:f4} +- {target.Facts.LogZError:f4}: off by {(mean - z) / double.Hypot(error, target.Facts.LogZError):f2} errors" : "")
        + $"   {clock.Elapsed.TotalSeconds / runs.Count:f1} s a run, {warnings} warnings");
}

string Value(string option, string otherwise)
{
    var at = Array.IndexOf(args, option);
    return at < 0 || at + 1 == args.Length ? otherwise : args[at + 1];
}
