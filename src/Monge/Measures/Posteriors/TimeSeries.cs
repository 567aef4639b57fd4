using Monge.Data;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Posteriors;

/// <summary>Series in time: autoregression, moving averages and changing variances.</summary>
internal static class TimeSeries
{
    private const int Length = 200;
    private const ulong DataSeed = 20_151;

    /// <summary>
    /// Autoregression of order 5 or K (posteriordb arK): alpha, beta_k ~ N(0, 10), sigma ~ half-Cauchy(2.5), y_t ~ N(alpha + sum_k beta_k y_(t-k), sigma).
    /// The first K values are given.
    /// </summary>
    public static PosteriorModel Autoregression { get; } = new(
        "autoregression", "autoregression of the series y, of order K (5)",
        data =>
        {
            var y = data.Vector("y");
            var order = Order(data, y);
            double[][] lags = [PosteriorParts.Ones(y.Length - order), .. Enumerable.Range(1, order).Select(k => y[(order - k)..^k])];
            var fit = PosteriorParts.Fit(
                data, PosteriorParts.Columns(lags), y[order..], ["the intercept", .. Enumerable.Range(1, order).Select(k => $"'y' {k} steps before")]);
            string[] names = ["alpha", .. Enumerable.Range(1, order).Select(k => $"beta[{k}]"), "sigma"];
            return Density.Create("autoregression", order + 2, x => LogDensities.Normal(x[..(order + 1)], 0, 10).Sum()
                + LogDensities.HalfCauchy(x[order + 1], 2.5) + LinearRegression.Likelihood(fit, y.Length - order, x[..(order + 1)], x[order + 1]),
                new DensityOptions
                {
                    Description = "Autoregression, as in posteriordb (arK).",
                    Support = [SupportTransform.Real(order + 1), SupportTransform.Positive()],
                    Names = names,
                    Facts = order == 5 ? PosteriorParts.PosteriorDbFacts("arK-arK", names) : TargetFacts.None,
                });
        },
        () => PosteriorParts.Shipped("posteriordb/arK.json"),
        new ModelSimulation(null, (design, p, random) =>
        {
            // The model is one of what follows the first values, which stay.
            var y = design.Vector("y");
            for (var t = p.Length - 2; t < y.Length; t++)
            {
                y[t] = p[0] + (p[^1] * random.NextNormal());
                for (var k = 1; k < p.Length - 1; k++)
                {
                    y[t] += p[k] * y[t - k];
                }
            }

            return design.With("y", y);
        }))
    { PosteriorDbName = "arK-arK" };

    /// <summary>
    /// ARMA(1, 1) (posteriordb arma): mu ~ N(0, 10), phi, theta ~ N(0, 2), sigma ~ half-Cauchy(2.5); e_1 = y_1 - mu - phi mu,
    /// e_t = y_t - mu - phi y_(t-1) - theta e_(t-1), all ~ N(0, sigma).
    /// </summary>
    public static PosteriorModel MovingAverage { get; } = new(
        "arma", "ARMA(1, 1) of the series y",
        data =>
        {
            var y = data.Vector("y");
            if (y.Length < 2)
            {
                throw data.Wrong("'y' must hold two numbers at least");
            }

            data.Stated("T", y.Length, $"'y' holds {y.Length} numbers");
            string[] names = ["mu", "phi", "theta", "sigma"];
            var (later, before) = (PosteriorParts.Constant(y[1..]), PosteriorParts.Constant(y[..^1]));
            return Density.Create("arma", 4, x =>
            {
                var (mean, phi, theta, sigma) = (x[0], x[1], x[2], x[3]);
                var first = y[0] - mean - (phi * mean);
                var (_, errors) = Expr.Scan(first, later - mean - (phi * before), (error, known) =>
                {
                    var next = known - (theta * error);
                    return (next, next);
                });
                return LogDensities.Normal(mean, 0, 10) + LogDensities.Normal(x[1..3], 0, 2).Sum() + LogDensities.HalfCauchy(sigma, 2.5)
                    + LogDensities.Normal(first, 0, sigma) + LogDensities.Normal(errors, 0, sigma).Sum();
            }, new DensityOptions
            {
                Description = "ARMA(1, 1) of 200 observations, as in posteriordb.",
                Support = [SupportTransform.Real(3), SupportTransform.Positive()],
                Names = names,
                Facts = PosteriorParts.PosteriorDbFacts("arma-arma11", names),
            });
        },
        () => PosteriorParts.Shipped("posteriordb/arma.json"),
        new ModelSimulation(null, (design, p, random) =>
        {
            var (y, error) = (design.Vector("y"), 0.0);
            for (var t = 0; t < y.Length; t++)
            {
                y[t] = p[0] + (p[1] * (t == 0 ? p[0] : y[t - 1])) + (p[2] * error);
                error = p[3] * random.NextNormal();
                y[t] += error;
            }

            return design.With("y", y);
        }))
    { PosteriorDbName = "arma-arma11" };

    /// <summary>
    /// GARCH(1, 1): y_t ~ N(mu, s_t), s_t^2 = alpha0 + alpha1 (y_(t-1) - mu)^2 + beta1 s_(t-1)^2, s_1 given; mu ~ N(0, 1), alpha0 ~ half-normal(1),
    /// (alpha1, beta1) uniform where their sum is below 1.
    /// </summary>
    public static PosteriorModel Garch { get; } = new(
        "garch", "GARCH(1, 1) of the series y with a first deviation sigma1 (1)",
        data =>
        {
            var y = data.Vector("y");
            if (y.Length < 2)
            {
                throw data.Wrong("'y' must hold two numbers at least");
            }

            data.Stated("T", y.Length, $"'y' holds {y.Length} numbers");
            var start = data.Each("sigma1", [data.Number("sigma1", 1)], s => s > 0, "must be above 0")[0];
            var series = PosteriorParts.Constant(y);
            return Density.Create("garch", 5, x =>
            {
                var (mean, level, share, memory) = (x[0], x[1], x[2], x[3]);
                var squares = (series - mean).Square();
                var (_, later) = Expr.Scan(Expr.Constant(start * start), level + (share * squares[..^1]), (variance, known) =>
                {
                    var next = known + (memory * variance);
                    return (next, next);
                });
                var variances = Expr.Concat(0, Expr.Constant([start * start], 1), later);
                return LogDensities.StandardNormal(mean) + LogDensities.HalfNormal(level, 1) + Math.Log(2)
                    - (0.5 * ((squares / variances) + variances.Log()).Sum()) - (y.Length * LogDensities.HalfLogTwoPi);
            }, new DensityOptions
            {
                Description = "GARCH(1, 1): variances that follow squares and themselves.",
                Support = [SupportTransform.Real(), SupportTransform.Positive(), SupportTransform.Simplex(3)],
                Names = ["mu", "alpha0", "alpha1", "beta1"],
                Report = x => x[..4],
            });
        },
        () => GarchSeries(0.1, 0.2, 0.3, 0.5, 1, Length, new RandomStream(DataSeed)),
        new ModelSimulation(
            (_, random) =>
            {
                // The last two are uniform on a triangle: two of the three pieces that two uniform numbers cut.
                var (mean, level, u, v) = (random.NextNormal(), Math.Abs(random.NextNormal()), random.NextDouble(), random.NextDouble());
                return [mean, level, Math.Min(u, v), Math.Abs(u - v)];
            },
            (design, p, random) => GarchSeries(p[0], p[1], p[2], p[3], design.Number("sigma1", 1), design.Vector("y").Length, random)));

    /// <summary>
    /// Stochastic volatility (Stan User's Guide): mu ~ Cauchy(0, 10), phi ~ U(-1, 1), sigma ~ half-Cauchy(5), h_1 ~ N(mu, sigma / sqrt(1 - phi^2)),
    /// h_t ~ N(mu + phi (h_(t-1) - mu), sigma), y_t ~ N(0, exp(h_t / 2)). Centred: coordinates h; else the innovations, from which a loop makes h.
    /// </summary>
    public static PosteriorModel StochasticVolatility(bool isCentred)
    {
        var name = isCentred ? "stochastic-volatility-centred" : "stochastic-volatility";
        return new PosteriorModel(
            name, $"stochastic volatility of the series y, {(isCentred ? "centred" : "non-centred")}",
            data =>
            {
                var y = data.Vector("y");
                var n = y.Length;
                if (n < 2)
                {
                    throw data.Wrong("'y' must hold two numbers at least");
                }

                data.Stated("T", n, $"'y' holds {n} numbers");
                var series = PosteriorParts.Constant(y);
                Expr Heights(Expr x)
                {
                    var (mean, phi, sigma, noise) = (x[0], x[1], x[2], x[3..]);
                    if (isCentred)
                    {
                        return noise;
                    }

                    var first = sigma * noise[0] / (1 - phi.Square()).Sqrt();
                    var (_, later) = Expr.Scan(first, sigma * noise[1..], (height, innovation) =>
                    {
                        var next = (phi * height) + innovation;
                        return (next, next);
                    });
                    return mean + Expr.Concat(0, first.Reshape(1), later);
                }

                Expr Prior(Expr x)
                {
                    var (mean, phi, sigma, h) = (x[0], x[1], x[2], x[3..]);
                    return isCentred
                        ? LogDensities.Normal(h[0], mean, sigma / (1 - phi.Square()).Sqrt())
                            + LogDensities.Normal(h[1..], mean + (phi * (h[..^1] - mean)), sigma).Sum()
                        : LogDensities.StandardNormal(h).Sum();
                }

                return Density.Create(name, n + 3, x =>
                {
                    var heights = Heights(x);
                    return LogDensities.Cauchy(x[0], 0, 10) - Math.Log(2) + LogDensities.HalfCauchy(x[2], 5) + Prior(x)
                        - (0.5 * ((series.Square() * (-heights).Exp()) + heights).Sum()) - (n * LogDensities.HalfLogTwoPi);
                }, new DensityOptions
                {
                    Description = "Stochastic volatility, as in the Stan User's Guide.",
                    Support = [SupportTransform.Real(), SupportTransform.Interval(-1, 1), SupportTransform.Positive(), SupportTransform.Real(n)],
                    Names = ["mu", "phi", "sigma", .. Enumerable.Range(1, n).Select(t => $"h[{t}]")],
                    Report = x => Expr.Concat(0, x[..3], Heights(x)),
                });
            },
            () => VolatileSeries(-1, 0.95, 0.25, Length, new RandomStream(DataSeed + 1)),
            new ModelSimulation(null, (design, p, random) => design.With("y", [.. p[3..].Select(h => Math.Exp(0.5 * h) * random.NextNormal())])));
    }

    private static int Order(ModelData data, double[] y)
    {
        var order = (int)data.Each("K", [data.Number("K", 5)], k => k >= 1 && k == Math.Floor(k), "must be a whole number from 1 on")[0];
        data.Stated("T", y.Length, $"'y' holds {y.Length} numbers");
        return order < y.Length / 2 ? order : throw data.Wrong($"'y' holds {y.Length} numbers, too few for the order {order}");
    }

    private static ModelData GarchSeries(double mean, double level, double share, double memory, double start, int n, RandomStream random)
    {
        var (y, variance) = (new double[n], start * start);
        for (var t = 0; t < n; t++)
        {
            y[t] = mean + (Math.Sqrt(variance) * random.NextNormal());
            variance = level + (share * (y[t] - mean) * (y[t] - mean)) + (memory * variance);
        }

        return ModelData.Of("a simulated series", ("y", y), ("sigma1", [start]));
    }

    private static ModelData VolatileSeries(double mean, double phi, double sigma, int n, RandomStream random)
    {
        var (y, height) = (new double[n], sigma / Math.Sqrt(1 - (phi * phi)) * random.NextNormal());
        for (var t = 0; t < n; t++)
        {
            y[t] = Math.Exp(0.5 * (mean + height)) * random.NextNormal();
            height = (phi * height) + (sigma * random.NextNormal());
        }

        return ModelData.Of("a simulated series", ("y", y));
    }
}
