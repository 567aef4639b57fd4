using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// Lattice phi^4 with the non-equilibrium transport sampler (arXiv:2410.02711): from the free field of Hartree's mass, mass and coupling moving with time, with
/// an odd local drift that commutes with translations and sees the magnetisation. It uses the symmetries of the action, which the formula shows, and no
/// knowledge of where the modes are.
/// </summary>
internal static class LatticeFieldTheory
{
    private const int Samples = 10_000;

    // Small lattices are cheap: the standard error of log Z then lies well below the stretch.
    private const int ManySamples = 160_000;
    private const int Bins = 20;
    private const int Steps = 64;
    private const int WholeLattice = 8;
    private const string TransferMatrix = "transfer matrix";

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        Exact([16], -1, 0.8, 8.20454621),
        Exact([2, 2], -1, 0.8, 1.27966907),
        Exact([2, 2], -1, 0.9, 1.13712554),
        Exact([3, 3], -1, 0.8, 1.708387),
        Exact([3, 3], -1, 0.9, 1.449711),
        Exact([4, 4], -1, 0.8, 2.40196),
        Exact([4, 4], -1, 0.9, 1.9905),
        Exact([4, 4], -4.75, 5.1, 8.9329),
        BesideAnnealing(8, 0.8, 0.5, 0.9),
        BesideAnnealing(8, 0.9, 0.5, 0.9),
        BesideAnnealing(16, 0.8, 0.05, 0.3),
        BesideAnnealing(20, 0.9, 0.02, 0.3),
    ];

    /// <summary>The drift: a perceptron of each site's patch and the magnetisation, and rates for all plane waves.</summary>
    /// <param name="sizes">The lattice.</param>
    /// <param name="radius">The patch's radius.</param>
    /// <param name="width">Hidden units at each site.</param>
    internal static NetsDriftFactory Drift(int[] sizes, int radius, int width)
    {
        var lattice = new PeriodicLattice(sizes);
        var options = new SiteNetworkOptions { Patches = lattice.Patches(radius), Embedded = false, Odd = true, MeanField = true, Width = width };
        return (parameters, initializer, _) => new SumField(
            new SiteNetwork(parameters, initializer, lattice.Sites, options),
            new SpectralField(parameters, initializer, lattice));
    }

    private static Experiment Exact(int[] sizes, double massSquared, double coupling, double logZ)
    {
        var name = Name(sizes, massSquared, coupling);
        return new Experiment(
            name,
            FormattableString.Invariant($"The field on {string.Join(" x ", sizes)} sites, m^2 = {massSquared}, lambda = {coupling}."),
            Quick: false,
            [
                FigureReference.Within("log Z", logZ, 0.01, TransferMatrix, stretchTolerance: 0.001),
                FigureReference.AtMost("relative error of <phi^2>", 0.02, TransferMatrix),
                FigureReference.AtMost("relative error of <M^2>", 0.03, TransferMatrix),
                FigureReference.AtMost("|<M>| in standard deviations of M", 0.04, "symmetry"),
                FigureReference.AtMost("largest asymmetry of the magnetisation's histogram", 0.02, "symmetry"),
            ],
            async (settings, cancellation) =>
            {
                var options = new NetsOptions { Training = new() { Iterations = 1500 }, ScoreGate = false, ResidualScale = 5 };
                var draws = await Sample(sizes, massSquared, coupling, options, Drift(sizes, WholeLattice, 16), ManySamples, settings, cancellation);
                var exact = LatticeReference.Compute(new LatticeField(sizes, massSquared, coupling), 10, 28, settings.Threads);
                var moments = new Magnetisation(draws);
                settings.Remark(
                    $"{name}: <phi^2> {moments.MeanSquare:f5} (exact {exact.MeanSquare:f5}), <M^2> {moments.Square:f5} (exact {exact.MagnetisationSquare:f5}), "
                    + $"<M> {moments.Mean:f5}");
                return
                [
                    draws.LogZ, Math.Abs((moments.MeanSquare / exact.MeanSquare) - 1), Math.Abs((moments.Square / exact.MagnetisationSquare) - 1),
                    Math.Abs(moments.Mean) / Math.Sqrt(moments.Square), moments.Asymmetry,
                ];
            });
    }

    private static Experiment BesideAnnealing(int length, double coupling, double bar, double stretch)
    {
        int[] sizes = [length, length];
        var name = Name(sizes, -1, coupling);
        return new Experiment(
            name,
            FormattableString.Invariant(
                $"The field on {length} x {length} sites, m^2 = -1, lambda = {coupling}, beside annealed importance sampling with as many steps."),
            Quick: false,
            [
                FigureReference.AtLeast("ESS", bar, "the sheet's works and stretch", stretchBound: stretch),
                FigureReference.AtLeast("ESS over that of annealed importance sampling", 5, "the sheet"),
                FigureReference.AtMost("largest asymmetry of the magnetisation's histogram", 0.02, "symmetry"),
            ],
            async (settings, cancellation) =>
            {
                var options = new NetsOptions
                {
                    Training = new() { Iterations = 1500, BatchSize = 256 },
                    ScoreGate = false,
                    ResidualScale = 10,
                    Carry = new() { SamplerSteps = Steps },
                    Simulation = new() { Walkers = 256 },
                };
                var draws = await Sample(sizes, -1, coupling, options, Drift(sizes, 2, 24), Samples, settings, cancellation);
                var annealing = await Annealing(sizes, coupling, Steps, settings, cancellation);

                // A step of the ODE asks for the drift four times: annealing with as many evaluations of the score, for comparison.
                await Annealing(sizes, coupling, 4 * Steps, settings, cancellation);
                return [draws.EffectiveSampleSize, draws.EffectiveSampleSize / annealing.EffectiveSampleSize, new Magnetisation(draws).Asymmetry];
            });
    }

    // Annealed importance sampling is the sampler without a drift: the same path, and the best of the same scan over the diffusion. Rates of plane waves
    // start at zero, and a training of one step at no rate leaves them there.
    private static Task<SampleSet> Annealing(int[] sizes, double coupling, int steps, ExperimentSettings settings, CancellationToken cancellation)
    {
        var options = new NetsOptions
        {
            Training = new() { Iterations = 1, LearningRate = 1e-12, BatchSize = 16 },
            Simulation = new() { Walkers = 16 },
            ScoreGate = false,
            Carry = new() { SamplerSteps = steps, Sampler = SamplerChoice.Sde },
        };
        var lattice = new PeriodicLattice(sizes);
        return Sample(
            sizes, -1, coupling, options, (parameters, initializer, _) => new SpectralField(parameters, initializer, lattice), Samples, settings, cancellation);
    }

    private static async Task<SampleSet> Sample(
        int[] sizes, double massSquared, double coupling, NetsOptions options, NetsDriftFactory drift, int samples, ExperimentSettings settings,
        CancellationToken cancellation)
    {
        var field = new LatticeField(sizes, massSquared, coupling);
        var name = Name(sizes, massSquared, coupling);
        var path = PathLibrary.Lattice(field).Path;
        var draws = await new NetsTransport(TargetLibrary.Get(name, settings.Threads), options, path, drift).SampleAsync(
            samples, settings.Seed, null, cancellation, settings.Threads);
        settings.Remark(
            $"{name}, {(options.Training.Iterations == 1 ? "annealed importance sampling" : $"{options.Training.Iterations} iterations")}, seed "
            + $"{settings.Seed}: log Z {draws.LogZ:f5} +- {draws.LogZError:f5}, ELBO {draws.Elbo:f3}, ESS {draws.EffectiveSampleSize:p1}, "
            + $"{draws.TargetCalls:n0} target calls, {draws.Sampler}, {draws.TrainSeconds:f0} s of training");
        return draws;
    }

    private static string Name(int[] sizes, double massSquared, double coupling)
    {
        var lattice = sizes.Length == 1 ? $"phi4-chain-{sizes[0]}" : $"phi4-{string.Join('x', sizes)}";
        string[] settings =
        [
            .. massSquared == -1 ? Array.Empty<string>() : [FormattableString.Invariant($"m2={massSquared}")],
            .. coupling == 0.8 ? Array.Empty<string>() : [FormattableString.Invariant($"lambda={coupling}")],
        ];
        return settings.Length == 0 ? lattice : $"{lattice}@{string.Join(',', settings)}";
    }

    /// <summary>Weighted moments of the site mean M, and the largest difference between a bin of its histogram and the mirrored one.</summary>
    private sealed class Magnetisation
    {
        public Magnetisation(SampleSet draws)
        {
            var (d, weights) = (draws.Dimension, draws.NormalizedWeights());
            var values = new double[weights.Length];
            for (var i = 0; i < values.Length; i++)
            {
                foreach (var phi in draws.UnconstrainedPositions.AsSpan(i * d, d))
                {
                    values[i] += phi / d;
                    MeanSquare += weights[i] * phi * phi / d;
                }

                Mean += weights[i] * values[i];
                Square += weights[i] * values[i] * values[i];
            }

            var reach = 3 * Math.Sqrt(Square);
            var histogram = new double[Bins];
            for (var i = 0; i < values.Length; i++)
            {
                histogram[Math.Clamp((int)Math.Floor((values[i] + reach) / (2 * reach) * Bins), 0, Bins - 1)] += weights[i];
            }

            Asymmetry = Enumerable.Range(0, Bins).Max(k => Math.Abs(histogram[k] - histogram[Bins - 1 - k]));
        }

        public double Mean { get; }

        public double Square { get; }

        public double MeanSquare { get; }

        public double Asymmetry { get; }
    }
}
