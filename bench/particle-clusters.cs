#!/usr/bin/env dotnet
// Clusters of particles: mean energy, virial and the 2-Wasserstein distance of energies to reference draws, beside its floor (that of as many reference draws
// to as many others).
// The virial spreads so widely (DW-4: by 37 from draw to draw, of a mean of 6) that it needs many draws; the energies compared are 5,000 of them.
//   dotnet run bench/particle-clusters.cs -- [--method pt|smc|nuts] [--seeds 1,2,3] [--samples 5000] [--only NAME] [--references ../shared/data/particle-samples]
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int Compared = 5000;
var method = Value("--method", "pt");
var samples = int.Parse(Value("--samples", "5000"));
var folder = Value("--references", "../shared/data/particle-samples");
ulong[] seeds = [.. Value("--seeds", "1,2,3").Split(',').Select(ulong.Parse)];
var entry = MethodRegistry.Samplers.Single(m => m.Facts.Name == method);
foreach (var (name, file, space, virial) in (ReadOnlySpan<(string, string, int, int)>)[
    ("double-well-4", "dw4_hmc_reference_10000x8_f32.npy", 2, 6), ("lennard-jones-13", "lj13_val_10000x39_f32.npy", 3, 36)])
{
    if (Value("--only", name) != name)
    {
        continue;
    }

    var target = TargetLibrary.Get(name);
    double[]? reference = null;
    if (File.Exists(Path.Combine(folder, file)))
    {
        var rows = NumpyFile.Read(Path.Combine(folder, file)).ToDoubles();
        reference = EnergiesOf(target, rows, space);
        Console.WriteLine(
            $"{name}: reference mean energy {reference.Average():f3}, W2 of its first {Compared} energies to the next: "
            + $"{Distance(reference[..Compared], reference[Compared..(2 * Compared)]):f3}");
    }

    foreach (var seed in seeds)
    {
        var clock = Stopwatch.StartNew();
        var options = method == "smc" ? null : new JsonObject { ["thinning"] = 5 };
        var draws = entry.Bind(new SamplingProblem(target, samples), options).Run(new() { Seed = seed, Threads = 1 });
        var (energies, product) = Figures(target, draws.UnconstrainedPositions!);
        double[] some = [.. Enumerable.Range(0, Compared).Select(k => energies[(int)((long)k * energies.Length / Compared)])];
        var row = draws.MomentRows()[0];
        Console.WriteLine(
            $"{name} {method} seed {seed}: mean energy {row.Mean:f3} +- {row.MeanError:f3}, virial {product:f3} (exact {virial}), log Z {draws.LogZ:f3} +- "
            + $"{draws.LogZError:f3}" + (reference is null ? "" : $", W2 of {Compared} energies {Distance(some, reference[..Compared]):f3}")
            + $", {clock.Elapsed.TotalSeconds:f1} s, {draws.Status.Message}");
    }
}

// Energies, and the mean of x . grad E.
static (double[] Energies, double Virial) Figures(Density target, double[] positions)
{
    var d = target.Dimension;
    using var both = new PointFunction(
        (x, _) => Expr.Concat(0, (-target.LogDensity(x)).Reshape(1), (-Expr.Dot(x, Derivative.Gradient(target.LogDensity(x), x))).Reshape(1)), d);
    var values = both.At(positions);
    return ([.. values.Where((_, i) => i % 2 == 0)], values.Where((_, i) => i % 2 == 1).Average());
}

// Energies of positions of particles: what a report gives for their coordinates with the centre at rest.
static double[] EnergiesOf(Density target, double[] rows, int space)
{
    var width = target.Dimension + space;
    var particles = width / space;
    var coordinates = new double[rows.Length / width * target.Dimension];
    for (var r = 0; r < rows.Length / width; r++)
    {
        for (var m = 1; m < particles; m++)
        {
            for (var c = 0; c < space; c++)
            {
                var sum = 0.0;
                for (var i = 0; i < m; i++)
                {
                    sum += rows[(r * width) + (i * space) + c];
                }

                coordinates[(r * target.Dimension) + ((m - 1) * space) + c] = (sum - (m * rows[(r * width) + (m * space) + c])) / Math.Sqrt(m * (m + 1.0));
            }
        }
    }

    return Figures(target, coordinates).Energies;
}

static double Distance(double[] first, double[] second)
{
    var (a, b) = (first.Order().ToArray(), second.Order().ToArray());
    return Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Average());
}

string Value(string option, string otherwise)
{
    var at = Array.IndexOf(args, option);
    return at < 0 || at + 1 == args.Length ? otherwise : args[at + 1];
}
