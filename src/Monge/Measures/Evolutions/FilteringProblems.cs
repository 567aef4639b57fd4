using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>Evolutions of which something is seen: the law of the position given all observations up to a time.</summary>
internal static class FilteringProblems
{
    private const int Count = 9;
    private const double Until = 5;
    private const double NoiseVariance = 1;
    private const double PathStep = 1e-3;

    private static readonly StreamName s_path = StreamName.Of("filtered path");
    private static readonly StreamName s_noise = StreamName.Of("filtered path: noise of what is seen");

    /// <summary>
    /// A path down the rippled potential sin(2 pi x) / pi + x^2 / 4 at temperature 1, from N(0, 1), that is seen at t = .5, 1, ..., 4.5 with noise of variance
    /// 1 (arXiv:2106.00736, section 5.4); path and noise are the draw's, the path by Euler and Maruyama's method in steps of .001.
    /// </summary>
    public static EvolutionProblem Rippled(int draw)
    {
        var random = new RandomStream((ulong)draw, s_path);
        var (x, deviation) = (random.NextNormal(), Math.Sqrt(2 * PathStep));
        double Path(double length)
        {
            for (var step = 0; step < (int)Math.Round(length / PathStep); step++)
            {
                x += (-PathStep * ((2 * Math.Cos(2 * Math.PI * x)) + (x / 2))) + (deviation * random.NextNormal());
            }

            return x;
        }

        return new EvolutionProblem
        {
            Name = TargetName.Write("filtering", ("draw", draw, 1)),
            Description = "A particle in a rippled potential on the line, seen nine times with noise of variance 1: its law given what was seen.",
            Initial = GaussianBase.Isotropic(1),
            Energy = new FreeEnergy { Potential = p => ((2 * Math.PI * p[0]).Sin() / Math.PI) + (0.25 * p[0].Square()), Temperature = 1 },
            Until = Until,
            Observations = Seen(Path, draw).Observations,
        };
    }

    /// <summary>The same without ripples, an Ornstein-Uhlenbeck process, whose law is exactly Kalman's.</summary>
    public static EvolutionProblem Linear(int draw)
    {
        const double variance = 2;
        var random = new RandomStream((ulong)draw, s_path);
        var x = random.NextNormal();
        static (double Share, double Noise) Step(double length)
        {
            var share = Math.Exp(-length / variance);
            return (share, variance * (1 - (share * share)));
        }

        double Path(double length)
        {
            var (share, noise) = Step(length);
            return x = (share * x) + (Math.Sqrt(noise) * random.NextNormal());
        }

        var (observations, values) = Seen(Path, draw);
        LawFacts Law(double t)
        {
            var (filter, at) = (new KalmanFilter([0], new double[,] { { 1 } }), 0.0);
            void Move(double to)
            {
                var (share, noise) = Step(to - at);
                filter.Predict(new[,] { { share } }, [0], new[,] { { noise } });
                at = to;
            }

            for (var k = 0; k < Count && observations[k].Time <= t; k++)
            {
                Move(observations[k].Time);
                filter.Observe(new double[,] { { 1 } }, [values[k]], NoiseVariance);
            }

            Move(t);
            return LawFacts.Gaussian(filter.Mean, filter.Covariance);
        }

        return new EvolutionProblem
        {
            Name = TargetName.Write("filtering-linear", ("draw", draw, 1)),
            Description = "An Ornstein-Uhlenbeck process on the line, seen nine times with noise of variance 1: its law given what was seen.",
            Initial = GaussianBase.Isotropic(1),
            Energy = new FreeEnergy { Potential = p => 0.25 * p[0].Square(), Temperature = 1 },
            Until = Until,
            Observations = observations,
            Facts = new EvolutionFacts { Law = Law, Source = "exact: R. E. Kalman (1960)" },
        };
    }

    // Of a path, in equal times.
    private static (Observation[] Observations, double[] Values) Seen(Func<double, double> path, int draw)
    {
        const double length = Until / (Count + 1);
        var noise = new RandomStream((ulong)draw, s_noise);
        double[] values = [.. Enumerable.Range(0, Count).Select(_ => path(length) + (Math.Sqrt(NoiseVariance) * noise.NextNormal()))];
        return ([.. values.Select((value, k) => Observation.Linear((k + 1) * length, [value], NoiseVariance))], values);
    }
}
