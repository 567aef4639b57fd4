#!/usr/bin/env dotnet
// Posteriors of posteriordb with moments from long chains and, but for one, a known log evidence: a table of how far a method is off.
//   dotnet run bench/reference-posteriors.cs -- [--method nuts|pinn] [--seeds 1,2,3] [--part K/N] [--only NAME]
// A mean or deviation is off by its difference over both errors together: the run's and that of the 10,000 reference draws.
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using System.Globalization;
using Monge.Diagnostics;
using Monge.Measures;
using Monge.Methods;
using Monge.MonteCarlo;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var method = Value("--method", "nuts");
var part = Value("--part", "1/1").Split('/').Select(int.Parse).ToArray();
var only = Value("--only", "");
ulong[] seeds = [.. Value("--seeds", "1,2,3").Split(',').Select(ulong.Parse)];
var models = PosteriorLibrary.All.Where(m => m.PosteriorDbName is not null && (only.Length == 0 || m.Name == only)).ToArray();
var counts = new int[2, 3];
var (meansBeyond, worstMean, deviationsBeyond, worstDeviation, parameters) = (new int[2], 0.0, new int[2], 0.0, 0);
foreach (var model in models.Where((_, i) => i % part[1] == part[0] - 1))
{
    var target = model.Posterior();
    var facts = target.Facts;
    foreach (var seed in seeds)
    {
        ISamplingMethod sampler = method == "nuts" ? new NutsSampler(target, Options(model.Name)) : new PinnTransport(target);
        var draws = await sampler.SampleAsync(10_000, seed, threads: 1);
        var (rows, moments) = (draws.MomentRows(), facts.Moments!);
        double means = 0, deviations = 0, relative = 0, shift = 0;
        for (var j = 0; j < rows.Count; j++)
        {
            var row = rows[j];
            var off = Math.Abs(row.Mean - moments.Mean[j]);
            var z = off / double.Hypot(row.MeanError, moments.MeanError![j]);

            // No error of the references' deviations is published: a run's own, for as many draws as the mean's error says there were.
            var ratio = moments.MeanError[j] / row.MeanError;
            var error = row.StandardDeviationError * Math.Sqrt(1 + (ratio * ratio));
            var s = Math.Abs(row.StandardDeviation - moments.StandardDeviation[j]);
            (means, deviations, relative) = (Math.Max(means, z), Math.Max(deviations, s / error), Math.Max(relative, s / moments.StandardDeviation[j]));
            shift = Math.Max(shift, off / moments.StandardDeviation[j]);
            meansBeyond[0] += z > 3 ? 1 : 0;
            meansBeyond[1] += z > 4 ? 1 : 0;
            deviationsBeyond[0] += s / error > 3 ? 1 : 0;
            deviationsBeyond[1] += s / error > 4 ? 1 : 0;
            if (z > 3 || s / error > 3)
            {
                Console.WriteLine(
                    $"    {target.Names[j]}: mean {row.Mean:g5} beside {moments.Mean[j]:g5}, {z:f2} errors; deviation {row.StandardDeviation:g4} "
                    + $"beside {moments.StandardDeviation[j]:g4}, {s / error:f2} errors");
            }
        }

        parameters += rows.Count;
        (worstMean, worstDeviation) = (Math.Max(worstMean, means), Math.Max(worstDeviation, deviations));
        var gap = draws.LogZ - (facts.LogZ ?? draws.LogZ);
        var errors = Math.Abs(gap) / double.Hypot(draws.LogZError, facts.LogZError);
        var evidence = $"log Z {draws.LogZ:f4} +- {draws.LogZError:g2}" + (facts.LogZ is null ? "" : $", off by {gap:f4} = {errors:f1} errors");
        var right = shift <= 0.2 && errors <= 4;
        var level = draws.Status.Code switch { StatusCode.Success => 0, StatusCode.Failed => 2, _ => 1 };
        counts[right ? 0 : 1, level]++;
        var chains = draws.Chains is { } c
            ? $"R-hat {c.LargestRHat:f3}, ESS {c.LeastBulkEffectiveDraws:f0}, {c.Divergences} divergences" : $"ESS {draws.EffectiveSampleSize:p1}";
        Console.WriteLine(
            $"{model.Name}, d = {target.Dimension}, seed {seed}: {(right ? "right" : "WRONG")}; means within {means:f2} errors, deviations within "
            + $"{deviations:f2} and {relative:p1}; {evidence}; {chains}; {draws.TrainSeconds:f1} + {draws.SampleSeconds:f1} s; "
            + $"{(level == 0 ? "success" : $"{(level == 1 ? "warned" : "failed")}: {draws.Status.Message}")}");
    }
}

Console.WriteLine(
    $"{parameters} parameters: means beyond 3 errors {meansBeyond[0]}, beyond 4 {meansBeyond[1]}, at most {worstMean:f2}; deviations beyond 3 errors "
    + $"{deviationsBeyond[0]}, beyond 4 {deviationsBeyond[1]}, at most {worstDeviation:f2}");
Console.WriteLine("          success  warned  failed");
Console.WriteLine($"right     {counts[0, 0],7} {counts[0, 1],7} {counts[0, 2],7}");
Console.WriteLine($"wrong     {counts[1, 0],7} {counts[1, 1],7} {counts[1, 2],7}");
return 0;

// The defaults, but where the posterior has a tail that only small steps enter (chosen on seed 11).
static NutsOptions Options(string name) =>
    name == "gp-poisson" ? new NutsOptions { Metric = MetricKind.Diagonal, TargetAcceptance = 0.95, Draws = 1000 } : new NutsOptions();

string Value(string name, string otherwise) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;
