#!/usr/bin/env dotnet
// Posteriors that break samplers, with a command line each:
//   dotnet run bench/hard-posteriors.cs -- NAME sample --seed 1
// NAME: brownian, volatility, volatility-centred, counts (a Gaussian process with Poisson counts), lennard-jones-13, schools-centred, one-compartment.
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
    "brownian" => Brownian(),
    "volatility" => Volatility(centred: false),
    "volatility-centred" => Volatility(centred: true),
    "counts" => Counts(),
    "lennard-jones-13" => LennardJones(13),
    "schools-centred" => Schools(),
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
static Density Brownian()
{
    var random = new RandomStream(1, StreamName.Of("brownian"));
    var (place, observed) = (0.0, new double[30]);
    for (var t = 0; t < 30; t++)
    {
        place += 0.1 * random.NextNormal();
        observed[t] = place + (0.15 * random.NextNormal());
    }

    return Density.Create("brownian", 32, x =>
    {
        var (step, noise, at) = (x[0], x[1], x.Slice(0, 2, 30));
        var moves = at - Expr.Concat(0, Expr.Constant([0.0], 1), at.Slice(0, 0, 29));
        int[] seen = [.. Enumerable.Range(0, 30).Where(t => t is < 10 or >= 20)];
        var early = at.Slice(0, 0, 10) - Expr.Constant(observed[..10]);
        var late = at.Slice(0, 20, 10) - Expr.Constant(observed[20..]);
        var scales = LogNormal(step.Log(), 0, 2) - step.Log() + LogNormal(noise.Log(), 0, 2) - noise.Log();
        return scales + LogNormal(moves, 0, step).Sum() + LogNormal(early, 0, noise).Sum() + LogNormal(late, 0, noise).Sum();
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
