#!/usr/bin/env dotnet
// Posteriors of posteriordb with a known log evidence and moments from long chains, a command line each and a table of all:
//   dotnet run bench/reference-posteriors.cs -- NAME sample --seed 1
//   dotnet run bench/reference-posteriors.cs -- all [--seeds 1,2,3] [--part K/N]
// NAME is a row of log_evidence.csv up to the '-', as in 'earnings' or 'kidiq-interaction'. Data are read from ../shared/data/posteriordb, or from the folder
// that POSTERIORDB names.
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using System.Globalization;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Monge.Cli;
using Monge.Diagnostics;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var folder = Environment.GetEnvironmentVariable("POSTERIORDB") ?? Path.Combine("..", "shared", "data", "posteriordb");
if (!Directory.Exists(folder))
{
    Console.Error.WriteLine($"There is no folder '{folder}': nothing to compare with. Name it in POSTERIORDB.");
    return 2;
}

string[] names = ["arK", "arma", "kidiq", "kidiq-interaction", "earnings", "low_dim_gauss_mix", "hmm_example", "kilpisjarvi", "mesquite", "sblrc", "sblri",
    "eight_schools", "gp_pois_regr", "diamonds"];
if (args.Length > 0 && args[0] != "all")
{
    if (!names.Contains(args[0]))
    {
        Console.Error.WriteLine($"There is no posterior '{args[0]}'; there are {string.Join(", ", names)}.");
        return 2;
    }

    return await MongeCommand.RunAsync(args[1..], Posterior(args[0]));
}

var part = Value("--part", "1/1").Split('/').Select(int.Parse).ToArray();
ulong[] seeds = [.. Value("--seeds", "1,2,3").Split(',').Select(ulong.Parse)];
var counts = new int[2, 3];
foreach (var name in names.Where((_, i) => i % part[1] == part[0] - 1))
{
    var (evidence, evidenceError, means, deviations) = Reference(name);
    foreach (var seed in seeds)
    {
        var draws = await new PinnTransport(Posterior(name)).SampleAsync(10_000, seed, threads: 1);
        var errors = Math.Abs(draws.LogZ - evidence) / double.Hypot(draws.LogZError, evidenceError);
        var mean = draws.Mean();
        var shift = Enumerable.Range(0, mean.Length).Max(i => double.IsNaN(means[i]) ? 0 : Math.Abs(mean[i] - means[i]) / deviations[i]);
        var (right, level) = (errors <= 4 && shift <= 0.2, draws.Status.Code switch { StatusCode.Success => 0, StatusCode.Failed => 2, _ => 1 });
        counts[right ? 0 : 1, level]++;
        Console.WriteLine(
            $"{name}, d = {mean.Length}, seed {seed}: {(right ? "right" : "WRONG")} (log Z {draws.LogZ:f4} +- {draws.LogZError:g2}, off by " +
            $"{draws.LogZ - evidence:g2} = {errors:f1} errors, a mean by {shift:f3} deviations); ESS {draws.EffectiveSampleSize:p1}, " +
            $"{draws.TrainSeconds + draws.SampleSeconds:f1} s, " +
            $"{(level == 0 ? "success" : $"{(level == 1 ? "warned" : "failed")}: {draws.Status.Message}")}");
    }
}

Console.WriteLine("          success  warned  failed");
Console.WriteLine($"right     {counts[0, 0],7} {counts[0, 1],7} {counts[0, 2],7}");
Console.WriteLine($"wrong     {counts[1, 0],7} {counts[1, 1],7} {counts[1, 2],7}");
return 0;

string Value(string name, string otherwise) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;

// The rows of the tables that belong to a posterior, in the order of the density's coordinates; NaN where a coordinate isn't among the parameters drawn.
(double Evidence, double Error, double[] Means, double[] Deviations) Reference(string name)
{
    var full = name switch
    {
        "kidiq" => "kidiq-kidscore_momhsiq",
        "kidiq-interaction" => "kidiq-kidscore_interaction",
        "kilpisjarvi" => "kilpisjarvi_mod-kilpisjarvi",
        _ => name + "-",
    };
    var row = File.ReadLines(Path.Combine(folder, "log_evidence.csv")).First(r => r.StartsWith(full, StringComparison.Ordinal)).Split(',');
    var moments = File.ReadLines(Path.Combine(folder, "moments.csv")).Where(r => r.StartsWith(full, StringComparison.Ordinal)).Select(r => r.Split(','))
        .ToDictionary(r => r[1], r => (Mean: double.Parse(r[3]), Deviation: double.Parse(r[4])));
    IEnumerable<string> coordinates = name switch
    {
        "hmm_example" => ["theta1[1]", "theta2[1]", "mu[1]", "mu[2]"],
        "eight_schools" => ["mu", "tau", .. Enumerable.Repeat("", 8)],
        "gp_pois_regr" => ["rho", "alpha", .. Enumerable.Repeat("", 11)],
        _ => moments.Keys,
    };
    var pairs = coordinates.Select(c => moments.GetValueOrDefault(c, (Mean: double.NaN, Deviation: double.NaN))).ToArray();
    return (double.Parse(row[2]), double.TryParse(row[3], out var error) ? error : 1e-6, [.. pairs.Select(p => p.Mean)], [.. pairs.Select(p => p.Deviation)]);
}

Density Posterior(string name) => name switch
{
    "arK" => Autoregression(),
    "arma" => MovingAverage(),
    "kidiq" => Scores(interaction: false),
    "kidiq-interaction" => Scores(interaction: true),
    "earnings" => Earnings(),
    "low_dim_gauss_mix" => TwoNormals(),
    "hmm_example" => HiddenMarkov(),
    "kilpisjarvi" => Kilpisjarvi(),
    "mesquite" => Mesquite(),
    "sblrc" or "sblri" => Regression(name),
    "eight_schools" => Schools(),
    "gp_pois_regr" => GaussianProcess(),
    _ => Diamonds(),
};

JsonNode Data(string name)
{
    var path = Path.Combine(folder, "data", name + ".json");
    if (File.Exists(path))
    {
        return JsonNode.Parse(File.ReadAllText(path))!;
    }

    using var archive = ZipFile.OpenRead(path + ".zip");
    using var entry = archive.Entries[0].Open();
    return JsonNode.Parse(entry)!;
}

static double[] Column(JsonNode data, string name) => [.. data[name]!.AsArray().Select(v => (double)v!)];

static double Half() => Math.Log(2);

static Expr Normal(Expr x, Expr mean, Expr sd) => (-0.5 * ((x - mean) / sd).Square()) - sd.Log() - (0.5 * Math.Log(2 * Math.PI));

static Expr Cauchy(Expr x, double scale) => -(1 + (x / scale).Square()).Log() - Math.Log(Math.PI * scale);

static DensityOptions Supports(params SupportTransform[] supports) => new() { Support = supports };

// The rows of columns as a matrix [rows, columns].
static Expr Matrix(params double[][] columns) =>
    Expr.Constant([.. Enumerable.Range(0, columns[0].Length).SelectMany(i => columns.Select(c => c[i]))], columns[0].Length, columns.Length);

static double[] Ones(int n) => [.. Enumerable.Repeat(1.0, n)];

Density Autoregression()
{
    var y = Column(Data("arK"), "y");
    var before = Matrix([Ones(y.Length - 5), .. Enumerable.Range(1, 5).Select(k => y[(5 - k)..^k])]);
    return Density.Create("arK", 7, x => Normal(x[..6], 0, 10).Sum() + Cauchy(x[6], 2.5) + Half()
        + Normal(Expr.Constant(y[5..]), Expr.MatrixProduct(before, x[..6]), x[6]).Sum(), Supports(SupportTransform.Real(6), SupportTransform.Positive()));
}

Density MovingAverage()
{
    var y = Column(Data("arma"), "y");
    return Density.Create("arma", 4, x =>
    {
        var (mean, phi, theta, sigma) = (x[0], x[1], x[2], x[3]);
        var error = y[0] - mean - (phi * mean);
        var sum = error.Square();
        for (var t = 1; t < y.Length; t++)
        {
            error = y[t] - mean - (phi * y[t - 1]) - (theta * error);
            sum += error.Square();
        }

        return Normal(mean, 0, 10) + Normal(phi, 0, 2) + Normal(theta, 0, 2) + Cauchy(sigma, 2.5) + Half()
            - (0.5 * sum / sigma.Square()) - (y.Length * sigma.Log()) - (0.5 * y.Length * Math.Log(2 * Math.PI));
    }, Supports(SupportTransform.Real(3), SupportTransform.Positive()));
}

Density Scores(bool interaction)
{
    var data = Data("kidiq");
    var (school, iq) = (Column(data, "mom_hs"), Column(data, "mom_iq"));
    double[][] columns = [Ones(iq.Length), school, iq];
    var design = Matrix(interaction ? [.. columns, [.. school.Zip(iq, (a, b) => a * b)]] : columns);
    var d = interaction ? 4 : 3;
    return Density.Create(interaction ? "kidiq-interaction" : "kidiq", d + 1, x => Cauchy(x[d], 2.5) + Half()
        + Normal(Expr.Constant(Column(data, "kid_score")), Expr.MatrixProduct(design, x[..d]), x[d]).Sum(),
        Supports(SupportTransform.Real(d), SupportTransform.Positive()));
}

Density Earnings()
{
    var data = Data("earnings");
    var height = Column(data, "height");
    var earnings = Expr.Constant([.. Column(data, "earn").Select(v => Math.Log(v))], height.Length);
    return Density.Create("earnings", 3, x => Normal(earnings, x[0] + (x[1] * Expr.Constant(height, height.Length)), x[2]).Sum(),
        Supports(SupportTransform.Real(2), SupportTransform.Positive()));
}

Density TwoNormals()
{
    var seen = Column(Data("low_dim_gauss_mix"), "y");
    var y = Expr.Constant(seen, seen.Length);
    return Density.Create("low_dim_gauss_mix", 5, x =>
    {
        var (mean, sd, share) = (x[..2], x[2..4], x[4]);
        var first = share.Log() + Normal(y, mean[0], sd[0]);
        var second = (1 - share).Log() + Normal(y, mean[1], sd[1]);
        var prior = Normal(mean, 0, 2).Sum() + Normal(sd, 0, 2).Sum() + (2 * Half()) + (4 * share.Log()) + (4 * (1 - share).Log()) + Math.Log(630);
        return prior + Expr.Stack(0, first, second).LogSumExp(0).Sum();
    }, Supports(SupportTransform.Ordered(2), SupportTransform.Positive(2), SupportTransform.Interval(0, 1)));
}

Density HiddenMarkov()
{
    var y = Column(Data("hmm_example"), "y");
    return Density.Create("hmm_example", 4, x =>
    {
        var (low, high) = (x[2], x[3]);
        var (a, b) = (Normal(y[0], low, 1), Normal(y[0], high, 1));
        for (var t = 1; t < y.Length; t++)
        {
            var next = Expr.Stack(0, a + x[0].Log(), b + x[1].Log()).LogSumExp() + Normal(y[t], low, 1);
            b = Expr.Stack(0, a + (1 - x[0]).Log(), b + (1 - x[1]).Log()).LogSumExp() + Normal(y[t], high, 1);
            a = next;
        }

        return Normal(low, 3, 1) + Normal(high, 10, 1) + Expr.Stack(0, a, b).LogSumExp();
    }, Supports(SupportTransform.Interval(0, 1, 2), SupportTransform.Ordered(2)));
}

Density Kilpisjarvi()
{
    var data = Data("kilpisjarvi_mod");
    double One(string name) => (double)data[name]!;
    var (year, y) = (Column(data, "x"), Column(data, "y"));
    return Density.Create("kilpisjarvi", 3, x => Normal(x[0], One("pmualpha"), One("psalpha")) + Normal(x[1], One("pmubeta"), One("psbeta"))
        + Normal(Expr.Constant(y, y.Length), x[0] + (x[1] * Expr.Constant(year, year.Length)), x[2]).Sum(),
        Supports(SupportTransform.Real(2), SupportTransform.Positive()));
}

Density Mesquite()
{
    var data = Data("mesquite");
    double[] Logs(string name) => [.. Column(data, name).Select(v => Math.Log(v))];
    var weight = Logs("weight");
    var design = Matrix(Ones(weight.Length), Logs("diam1"), Logs("diam2"), Logs("canopy_height"), Logs("total_height"), Logs("density"), Column(data, "group"));
    return Density.Create("mesquite", 8, x => Normal(Expr.Constant(weight, weight.Length), Expr.MatrixProduct(design, x[..7]), x[7]).Sum(),
        Supports(SupportTransform.Real(7), SupportTransform.Positive()));
}

Density Regression(string name)
{
    var data = Data(name);
    var y = Column(data, "y");
    var design = Expr.Constant([.. data["X"]!.AsArray().SelectMany(r => r!.AsArray()).Select(v => (double)v!)], y.Length, 5);
    return Density.Create(name, 6, x => Normal(x[..5], 0, 10).Sum() + Normal(x[5], 0, 10) + Half()
        + Normal(Expr.Constant(y, y.Length), Expr.MatrixProduct(design, x[..5]), x[5]).Sum(), Supports(SupportTransform.Real(5), SupportTransform.Positive()));
}

Density Schools()
{
    var data = Data("eight_schools");
    var (y, s) = (Expr.Constant(Column(data, "y"), 8), Expr.Constant(Column(data, "sigma"), 8));
    return Density.Create("eight_schools", 10, x => Normal(x[0], 0, 5) + Cauchy(x[1], 5) + Half() + Normal(x[2..], 0, 1).Sum()
        + Normal(y, x[0] + (x[1] * x[2..]), s).Sum(), Supports(SupportTransform.Real(), SupportTransform.Positive(), SupportTransform.Real(8)));
}

// rho ~ Gamma(25, 4) and alpha ~ half-normal(2) of a kernel alpha^2 exp(-(x - x')^2 / (2 rho^2)).
Density GaussianProcess()
{
    var data = Data("gp_pois_regr");
    var (at, count) = (Column(data, "x"), Column(data, "k"));
    var n = at.Length;
    var squares = Expr.Constant([.. at.SelectMany(a => at.Select(b => (a - b) * (a - b)))], n, n);
    var factorials = count.Sum(k => Enumerable.Range(1, (int)k).Sum(i => Math.Log(i)));
    return Density.Create("gp_pois_regr", n + 2, x =>
    {
        var (rho, alpha, w) = (x[0], x[1], x[2..]);
        var kernel = (alpha.Square() * (-0.5 * squares / rho.Square()).Exp()) + (1e-10 * Expr.Identity(n));
        var rate = Expr.MatrixProduct(kernel.Cholesky(), w);
        var prior = (25 * Math.Log(4)) - Enumerable.Range(1, 24).Sum(i => Math.Log(i)) + (24 * rho.Log()) - (4 * rho) + Normal(alpha, 0, 2) + Half();
        return prior + Normal(w, 0, 1).Sum() + ((Expr.Constant(count, n) * rate) - rate.Exp()).Sum() - factorials;
    }, Supports(SupportTransform.Positive(2), SupportTransform.Real(n)));
}

Density Diamonds()
{
    var data = Data("diamonds");
    var y = Column(data, "Y");
    double[][] rows = [.. data["X"]!.AsArray().Select(r => r!.AsArray().Skip(1).Select(v => (double)v!).ToArray())];
    double[][] columns = [.. Enumerable.Range(0, rows[0].Length).Select(j => rows.Select(r => r[j]).ToArray())];
    var design = Matrix([.. columns.Select(c => (Column: c, Mean: c.Average())).Select(c => c.Column.Select(v => v - c.Mean).ToArray())]);
    static Expr Student(Expr x, double location) =>
        (-2.0 * (1 + (((x - location) / 10).Square() / 3)).Log()) + Math.Log(2 / (Math.PI * Math.Sqrt(3) * 10));
    return Density.Create("diamonds", 26, x => Normal(x[..24], 0, 1).Sum() + Student(x[24], 8) + Student(x[25], 0) + Half()
        + Normal(Expr.Constant(y, y.Length), x[24] + Expr.MatrixProduct(design, x[..24]), x[25]).Sum(),
        Supports(SupportTransform.Real(25), SupportTransform.Positive()));
}
