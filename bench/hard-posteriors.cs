#!/usr/bin/env dotnet
// Posteriors that break samplers, with a command line each:
//   dotnet run bench/hard-posteriors.cs -- NAME sample --seed 1
// NAME: brownian, brownian-steps (the same walk by its steps over their scale), volatility, volatility-centred, counts (a Gaussian process with Poisson
// counts), cox-process (the same on a grid of 12 x 12 cells, centred), lennard-jones-13, schools-centred, radon, radon-centred, hidden-markov, one-compartment.
// Data are made here from fixed numbers, so that everyone has the same.
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using Monge.Cli;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

if (args.Length < 2)
{
    Console.Error.WriteLine("Name a posterior and a command, as in: hard-posteriors.cs -- brownian sample --seed 1");
    return 2;
}

Density? density = args[0] switch
{
    "brownian" => Brownian(bySteps: false),
    "brownian-steps" => Brownian(bySteps: true),
    "volatility" => Volatility(centred: false),
    "volatility-centred" => Volatility(centred: true),
    "counts" => Counts(),
    "cox-process" => CoxProcess(),
    "lennard-jones-13" => LennardJones(13),
    "schools-centred" => Schools(),
    "radon" => Radon(centred: false),
    "radon-centred" => Radon(centred: true),
    "hidden-markov" => HiddenMarkov(),
    "one-compartment" => OneCompartment(),
    _ => null,
};
if (density is null)
{
    Console.Error.WriteLine($"There is no posterior '{args[0]}'.");
    return 2;
}

return await MongeCommand.RunAsync(args[1..], density);

static Expr LogNormal(Expr x, Expr mean, Expr sd) => (-0.5 * ((x - mean) / sd).Square()) - sd.Log() - (0.5 * Math.Log(2 * Math.PI));

// A random walk of 30 steps whose middle third is unobserved; both scales are log-normal with log-deviation 2.
static Density Brownian(bool bySteps)
{
    var random = new RandomStream(1, StreamName.Of("brownian"));
    var (place, observed) = (0.0, new double[30]);
    for (var t = 0; t < 30; t++)
    {
        place += 0.1 * random.NextNormal();
        observed[t] = place + (0.15 * random.NextNormal());
    }

    var sums = Expr.Constant([.. Enumerable.Range(0, 900).Select(k => k % 30 <= k / 30 ? 1.0 : 0.0)], 30, 30);
    return Density.Create(bySteps ? "brownian-steps" : "brownian", 32, x =>
    {
        var (step, noise, rest) = (x[0], x[1], x.Slice(0, 2, 30));
        var at = bySteps ? step * Expr.MatrixProduct(sums, rest) : rest;
        var moves = bySteps ? rest : at - Expr.Concat(0, Expr.Constant([0.0], 1), at.Slice(0, 0, 29));
        int[] seen = [.. Enumerable.Range(0, 30).Where(t => t is < 10 or >= 20)];
        var early = at.Slice(0, 0, 10) - Expr.Constant(observed[..10]);
        var late = at.Slice(0, 20, 10) - Expr.Constant(observed[20..]);
        var scales = LogNormal(step.Log(), 0, 2) - step.Log() + LogNormal(noise.Log(), 0, 2) - noise.Log();
        return scales + LogNormal(moves, 0, bySteps ? 1 : step).Sum() + LogNormal(early, 0, noise).Sum() + LogNormal(late, 0, noise).Sum();
    }, new DensityOptions { Support = [SupportTransform.Positive(2), SupportTransform.Real(30)] });
}

// 60 daily returns with a log-volatility that is an autoregression: mean, persistence, its deviation, and 60 states.
static Density Volatility(bool centred)
{
    const int days = 60;
    var random = new RandomStream(2, StreamName.Of("volatility"));
    var (state, returns) = (0.0, new double[days]);
    for (var t = 0; t < days; t++)
    {
        state = (0.95 * state) + (0.25 * random.NextNormal());
        returns[t] = Math.Exp(0.5 * (state - 1)) * random.NextNormal();
    }

    return Density.Create(centred ? "volatility-centred" : "volatility", 3 + days, x =>
    {
        var (mean, persistence, deviation, z) = (x[0], x[1], x[2], x.Slice(0, 3, days));
        var start = deviation / (1 - persistence.Square()).Sqrt();
        var prior = LogNormal(mean, -1, 1) + (19.0 * (0.5 * (1 + persistence)).Log()) + (0.5 * (0.5 * (1 - persistence)).Log()) - (4.0 * deviation)
            + deviation.Log();
        var (h, states) = (new Expr[days], (Expr)0);
        for (var t = 0; t < days; t++)
        {
            var (from, scale) = t == 0 ? (mean, start) : (mean + (persistence * (h[t - 1] - mean)), deviation);
            h[t] = centred ? z[t] : from + (scale * z[t]);
            states += centred ? LogNormal(z[t], from, scale) : LogNormal(z[t], 0, 1);
            states += LogNormal(returns[t], 0, (0.5 * h[t]).Exp());
        }

        return prior + states;
    }, new DensityOptions { Support = [SupportTransform.Real(), SupportTransform.Interval(-1, 1), SupportTransform.Positive(), SupportTransform.Real(days)] });
}

// Poisson counts at 20 places with a log-rate that is a Gaussian process of unknown amplitude, its length being known.
static Density Counts()
{
    const int places = 20;
    var random = new RandomStream(3, StreamName.Of("counts"));
    var factor = new double[places * places];
    for (var at = 0; at < factor.Length; at++)
    {
        factor[at] = Math.Exp(-0.5 * Math.Pow(((at / places) - (at % places)) / 3.0, 2)) + (at % (places + 1) == 0 ? 1e-6 : 0);
    }

    Cholesky.Factor(factor, places);
    for (var at = 0; at < factor.Length; at++)
    {
        factor[at] = at % places > at / places ? 0 : factor[at];
    }

    double[] noise = [.. Enumerable.Range(0, places).Select(_ => random.NextNormal())];
    double Rate(int i) => Math.Exp(1 + Enumerable.Range(0, i + 1).Sum(j => factor[(i * places) + j] * noise[j]));
    double[] counts = [.. Enumerable.Range(0, places).Select(i => Math.Floor(Rate(i) + 0.5))];
    var matrix = Expr.Constant(factor, places, places);
    return Density.Create("counts", places + 2, x =>
    {
        var rate = x[1] + (x[0] * Expr.MatrixProduct(matrix, x.Slice(0, 2, places)));
        var data = ((Expr.Constant(counts) * rate) - rate.Exp()).Sum();
        return data - (0.5 * x.Slice(0, 2, places).SquaredNorm()) - (0.5 * (x[1] / 3).Square()) - (0.5 * x[0].Square());
    }, new DensityOptions { Support = [SupportTransform.Positive(), SupportTransform.Real(places + 1)] });
}

// Counts in the cells of a grid with a log-rate that is a Gaussian process, as it is written: the values of the process themselves.
static Density CoxProcess()
{
    const int side = 12;
    const int cells = side * side;
    var random = new RandomStream(4, StreamName.Of("cox process"));
    var covariance = new double[cells * cells];
    for (var at = 0; at < covariance.Length; at++)
    {
        var (i, j) = (at / cells, at % cells);
        covariance[at] = 1.91 * Math.Exp(-33.0 / side * double.Hypot((i / side) - (j / side), (i % side) - (j % side)) / 4);
    }

    var factor = (double[])covariance.Clone();
    Cholesky.Factor(factor, cells);
    for (var at = 0; at < factor.Length; at++)
    {
        factor[at] = at % cells > at / cells ? 0 : factor[at];
    }

    double[] noise = [.. Enumerable.Range(0, cells).Select(_ => random.NextNormal())];
    double[] counts = [.. Enumerable.Range(0, cells).Select(i =>
    {
        var rate = Math.Exp(1 + Enumerable.Range(0, i + 1).Sum(j => factor[(i * cells) + j] * noise[j]));
        var (count, product) = (0, random.NextDouble());
        for (var least = Math.Exp(-rate); product > least; count++)
        {
            product *= random.NextDouble();
        }

        return (double)count;
    })];
    var lower = Expr.Constant(factor, cells, cells);
    return Density.Create("cox-process", cells, x =>
        LogDensities.MultivariateNormalCholesky(x, Expr.Constant([.. Enumerable.Repeat(1.0, cells)], cells), lower)
        + ((Expr.Constant(counts) * x) - x.Exp()).Sum());
}

// Houses in 40 counties, few in most: a mean and a slope for the floor, the counties' effects, their deviation and that of a house.
static Density Radon(bool centred)
{
    const int counties = 40;
    var random = new RandomStream(5, StreamName.Of("radon"));
    double[] effects = [.. Enumerable.Range(0, counties).Select(_ => 0.3 * random.NextNormal())];
    int[] county = [.. Enumerable.Range(0, counties).SelectMany(j => Enumerable.Repeat(j, 2 + random.NextInt(8)))];
    double[] floor = [.. county.Select(_ => random.NextDouble() < 0.2 ? 1.0 : 0.0)];
    double[] level = [.. county.Select((j, i) => 1.4 + effects[j] - (0.7 * floor[i]) + (0.75 * random.NextNormal()))];
    return Density.Create(centred ? "radon-centred" : "radon", counties + 4, x =>
    {
        var (mean, slope, spread, noise, rest) = (x[0], x[1], x[2], x[3], x.Slice(0, 4, counties));
        var effect = centred ? rest : mean + (spread * rest);
        var expected = effect.Gather(0, county) + (slope * Expr.Constant(floor));
        return LogNormal(mean, 0, 10) + LogNormal(slope, 0, 10) - (0.5 * spread.Square()) - (0.5 * noise.Square())
            + (centred ? LogNormal(rest, mean, spread) : LogNormal(rest, 0, 1)).Sum() + LogNormal(Expr.Constant(level), expected, noise).Sum();
    }, new DensityOptions { Support = [SupportTransform.Real(2), SupportTransform.Positive(2), SupportTransform.Real(counties)] });
}

// Two hidden states by the forward recursion: the chances to stay, ordered means, and normal emissions.
static Density HiddenMarkov()
{
    const int times = 100;
    var random = new RandomStream(6, StreamName.Of("hidden markov"));
    var (state, seen) = (0, new double[times]);
    for (var t = 0; t < times; t++)
    {
        state = random.NextDouble() < (state == 0 ? 0.7 : 0.9) ? state : 1 - state;
        seen[t] = (state == 0 ? 3 : 8) + random.NextNormal();
    }

    return Density.Create("hidden-markov", 4, x =>
    {
        var (first, second, low, high) = (x[0], x[1], x[2], x[3]);
        var (a, b) = ((Expr)LogNormal(seen[0], low, 1), (Expr)LogNormal(seen[0], high, 1));
        for (var t = 1; t < times; t++)
        {
            var next = Expr.Stack(0, a + first.Log(), b + (1 - second).Log()).LogSumExp() + LogNormal(seen[t], low, 1);
            b = Expr.Stack(0, a + (1 - first).Log(), b + second.Log()).LogSumExp() + LogNormal(seen[t], high, 1);
            a = next;
        }

        return Expr.Stack(0, a, b).LogSumExp() + LogNormal(low, 3, 1) + LogNormal(high, 10, 1);
    }, new DensityOptions { Support = [SupportTransform.Interval(0, 1, 2), SupportTransform.Ordered(2)] });
}

// Atoms in a harmonic trap with the energy of Lennard and Jones, at temperature 1.
static Density LennardJones(int atoms) => Density.Create($"lennard-jones-{atoms}", 3 * atoms, x =>
{
    var places = x.Reshape(atoms, 3);
    var apart = places.Reshape(atoms, 1, 3) - places.Reshape(1, atoms, 3);
    var squares = apart.Square().Sum(2) + Expr.Constant([.. Enumerable.Range(0, atoms * atoms).Select(k => k % (atoms + 1) == 0 ? 1.0 : 0.0)], atoms, atoms);
    var inverse = (1 / squares).Square() / squares;
    var pairs = (inverse.Square() - (2.0 * inverse)).Sum() + atoms;
    return (-0.5 * pairs) - (0.5 * x.SquaredNorm());
});

// Eight schools as first written down: the effects themselves, whose spread may be near zero.
static Density Schools() => Density.Create("schools-centred", 10, x =>
{
    var (mean, spread, effects) = (x[0], x[1], x.Slice(0, 2, 8));
    var y = Expr.Constant([28.0, 8, -3, 7, -1, 1, 18, 12]);
    var s = Expr.Constant([15.0, 10, 16, 11, 9, 11, 10, 18]);
    return LogNormal(mean, 0, 5) - (1 + (spread / 5).Square()).Log() + LogNormal(effects, mean, spread).Sum() + LogNormal(y, effects, s).Sum();
}, new DensityOptions { Support = [SupportTransform.Real(), SupportTransform.Positive(), SupportTransform.Real(8)] });

// A drug's concentration after a dose: absorption, elimination, volume and noise, from nine measurements; the tails of the ratio are heavy.
static Density OneCompartment()
{
    double[] times = [0.5, 1, 2, 3, 4, 6, 8, 12, 24];
    double[] measured = [1.2, 2.1, 2.9, 2.7, 2.6, 1.9, 1.6, 0.9, 0.2];
    return Density.Create("one-compartment", 4, x =>
    {
        var (absorption, elimination, volume, noise) = (x[0], x[1], x[2], x[3]);
        var t = Expr.Constant(times);
        var scale = 20 * absorption / (volume * (absorption - elimination));
        var concentration = scale * ((-elimination * t).Exp() - (-absorption * t).Exp());
        var prior = LogNormal(absorption.Log(), 0, 2) - absorption.Log() + LogNormal(elimination.Log(), -2, 2) - elimination.Log()
            + LogNormal(volume.Log(), 2, 2) - volume.Log() - (1 + noise.Square()).Log();
        return prior + LogNormal(Expr.Constant(measured), concentration, noise).Sum();
    }, new DensityOptions { Support = [SupportTransform.Positive(4)] });
}
