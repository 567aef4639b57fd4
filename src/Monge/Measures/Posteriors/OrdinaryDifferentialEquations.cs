using Monge.Data;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Posteriors;

/// <summary>Models whose mean solves an ordinary differential equation.</summary>
internal static class OrdinaryDifferentialEquations
{
    private const int StepsBetween = 10;
    private const ulong DataSeed = 20_153;

    // Concentrations are positive, but for the error of the solver; this many times the dose's own keeps their logarithm finite.
    private const double LeastShare = 1e-8;

    /// <summary>
    /// Hares and lynxes (posteriordb hudson_lynx_hare): u' = (a - b v) u, v' = (d u - g) v for theta = (a, b, g, d), a, g ~ N(1, 0.5), b, d ~ N(0.05, 0.05),
    /// z_init ~ LogNormal(log 10, 1), sigma ~ LogNormal(-1, 1), y ~ LogNormal(log z, sigma), all positive. Solved in logarithms.
    /// </summary>
    public static PosteriorModel LotkaVolterra { get; } = new(
        "lotka-volterra", "prey and predators: y of two columns at times ts, y_init at time 0",
        data =>
        {
            var times = data.Vector("ts");
            var y = data.Matrix("y", times.Length, "as of 'ts'");
            data.Stated("N", times.Length, $"'ts' holds {times.Length} times");
            if (y.GetLength(1) != 2)
            {
                throw data.Wrong($"'y' must have two columns, prey and predators, but has {y.GetLength(1)}");
            }

            _ = data.Each("y", [.. y.Cast<double>()], v => v > 0, "must be above 0");
            Increasing(data, times);
            var first = Logs(data.Positive("y_init", 2));
            var logs = Expr.Constant(Logs([.. y.Cast<double>()]), times.Length, 2);
            var constant = -logs.Sum() - PosteriorParts.Constant(first).Sum();
            string[] names = [.. Enumerable.Range(1, 4).Select(i => $"theta[{i}]"), "z_init[1]", "z_init[2]", "sigma[1]", "sigma[2]"];
            return Density.Create("lotka-volterra", 8, x =>
            {
                var (theta, start, sigma) = (x[..4], x[4..6], x[6..8]);
                var states = Populations(x, times);
                return LogDensities.Normal(theta, Expr.Constant([1, 0.05, 1, 0.05], 4), Expr.Constant([0.5, 0.05, 0.5, 0.05], 4)).Sum()
                    + LogDensities.LogNormal(start, Math.Log(10), 1).Sum() + LogDensities.LogNormal(sigma, -1, 1).Sum()
                    + LogDensities.Normal(PosteriorParts.Constant(first), start.Log(), sigma).Sum() + LogDensities.Normal(logs, states, sigma).Sum() + constant;
            }, new DensityOptions
            {
                Description = "Hares and lynxes of the Hudson Bay, the equations of Lotka and Volterra, as in posteriordb (hudson_lynx_hare).",
                Support = [SupportTransform.Positive(8)],
                Names = names,
                Facts = PosteriorParts.PosteriorDbFacts("hudson_lynx_hare-lotka_volterra", names),
            });
        },
        () => PosteriorParts.Shipped("posteriordb/hudson_lynx_hare.json"),
        new ModelSimulation(null, (design, p, random) =>
        {
            var times = design.Vector("ts");
            var logs = PointFunction.At(x => Populations(x, times).Reshape(2 * times.Length), p, p.Length);
            double Seen(double log, int kind) => Math.Exp(log + (p[6 + kind] * random.NextNormal()));
            return design.With("y", [.. logs.Select((log, i) => Seen(log, i % 2))])
                .With("y_init", Seen(Math.Log(p[4]), 0), Seen(Math.Log(p[5]), 1));
        }))
    { PosteriorDbName = "hudson_lynx_hare-lotka_volterra" };

    /// <summary>
    /// One compartment with absorption of first order and elimination by Michaelis and Menten: C' = k_a D / V exp(-k_a t) - V_m / V C / (K_m + C), C(t0) = 0;
    /// k_a, K_m, V_m ~ LogNormal(0, 0.5), sigma ~ LogNormal(-2, 0.5), C_hat ~ LogNormal(log C, sigma). What is absorbed is known in closed form, so the
    /// equation that is solved is that of what is eliminated.
    /// </summary>
    public static PosteriorModel OneCompartment { get; } = new(
        "one-compartment", "concentrations C_hat at times, after a dose D into a volume V at t0, Michaelis-Menten elimination",
        data =>
        {
            var times = data.Vector("times");
            var seen = data.Positive("C_hat", times.Length, "as of 'times'");
            data.Stated("N_t", times.Length, $"'times' holds {times.Length} numbers");
            Increasing(data, times);
            var concentrations = Concentrations(data, times);
            var constant = -seen.Sum(Math.Log);
            var logs = PosteriorParts.Constant(Logs(seen));
            return Density.Create("one-compartment", 4, x => LogDensities.LogNormal(x[..3], 0, 0.5).Sum() + LogDensities.LogNormal(x[3], -2, 0.5)
                + LogDensities.Normal(logs, concentrations(x).Log(), x[3]).Sum() + constant, new DensityOptions
                {
                    Description = "Pharmacokinetics of one compartment with Michaelis-Menten elimination.",
                    Support = [SupportTransform.Positive(4)],
                    Names = ["k_a", "K_m", "V_m", "sigma"],
                });
        },
        () =>
        {
            double[] times = [.. Enumerable.Range(1, 20).Select(i => 0.5 * i)];
            var design = ModelData.Of("simulated concentrations", ("t0", [0]), ("D", [30]), ("V", [2]), ("times", times));
            return Doses(design, [0.75, 0.8, 1.5, 0.1], new RandomStream(DataSeed));
        },
        new ModelSimulation(
            (_, random) => [.. Enumerable.Range(0, 3).Select(_ => Math.Exp(0.5 * random.NextNormal())), Math.Exp(-2 + (0.5 * random.NextNormal()))],
            Doses));

    // Logarithms of prey and predators [times, 2].
    private static Expr Populations(Expr x, double[] times) => OdeTrajectory.Solve(
        (_, z) => Expr.Vector(x[0] - (x[1] * z[1].Exp()), (x[3] * z[0].Exp()) - x[2]), x[4..6].Log(), 0, times, StepsBetween);

    private static ModelData Doses(ModelData design, double[] parameters, RandomStream random)
    {
        var concentrations = Concentrations(design, design.Vector("times"));
        var exact = PointFunction.At(concentrations, parameters, parameters.Length);
        return design.With("C_hat", [.. exact.Select(c => c * Math.Exp(parameters[3] * random.NextNormal()))]);
    }

    private static Func<Expr, Expr> Concentrations(ModelData data, double[] times)
    {
        var (start, dose) = (data.Number("t0", 0), data.Each("D", [data.Number("D")], d => d > 0, "must be above 0")[0]);
        var volume = data.Each("V", [data.Number("V")], v => v > 0, "must be above 0")[0];
        if (!(times[0] > start))
        {
            throw data.Wrong(FormattableString.Invariant($"the first of 'times', {times[0]}, isn't after 't0', {start}"));
        }

        return x =>
        {
            var (absorption, half, most) = (x[0], x[1], x[2]);
            Expr Left(Expr t, Expr gone) => Expr.Max((dose / volume * (1 - (-absorption * (t - start)).Exp())) - gone, LeastShare * dose / volume);
            var gone = OdeTrajectory.Solve(
                (t, e) =>
                {
                    var c = Left(t, e);
                    return most / volume * c / (half + c);
                }, Expr.Constant([0], 1), start, times, StepsBetween);
            return Left(PosteriorParts.Constant(times), gone.Reshape(times.Length));
        };
    }

    private static void Increasing(ModelData data, double[] times)
    {
        var wrong = Enumerable.Range(1, times.Length - 1).FirstOrDefault(i => !(times[i] > times[i - 1]));
        if (wrong > 0 || !(times[0] > 0))
        {
            throw data.Wrong(wrong > 0 ? $"time {wrong + 1} isn't after the one before it; times must increase" : "the first time must be above 0");
        }
    }

    private static double[] Logs(double[] values) => Array.ConvertAll(values, Math.Log);
}
