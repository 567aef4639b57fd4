using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.OptimalTransport;
using Monge.Paths;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 27, images whose conditional laws are known exactly: Gaussian fields on a periodic 16 x 16 lattice, restored from the means of 2 x 2 blocks,
/// or from the tiles that a mask has left. What the observation m tells is in both ends of a pair, so the interpolant need not move it: x_t = m +
/// cos(pi t / 2) sigma zeta + sin(pi t / 2) (x_1 - m). With sigma near the deviation of what the observation leaves open the residual keeps its
/// variance on the way, and a few Euler steps are enough.
/// </summary>
internal static class FieldRestoration
{
    private const int Side = 16;
    private const int Sites = Side * Side;
    private const int Block = 2;
    private const int Cells = Sites / (Block * Block);
    private const int CoarseNyquist = Side / Block / 2;
    private const double MaskedShare = 0.3;

    // The noise on the up-sampled means. With exact velocities, which are linear here, 5 Euler steps leave the unseen band off by .089, .063, .048 and .045 at
    // .57, .66, .75 and .90, and 20 steps by .020, .015, .012 and .018; a Gaussian base has .069 and .025.
    private const double Sigma = 0.75;
    private static readonly StreamName s_fieldStream = StreamName.Numbered("field restoration: field", 774);
    private static readonly StreamName s_noiseStream = StreamName.Numbered("field restoration: noise", 775);
    private static readonly StreamName s_timeStream = StreamName.Numbered("field restoration: time", 776);
    private static readonly StreamName s_maskStream = StreamName.Numbered("field restoration: mask", 777);
    private const int Observations = 16;
    private const int DrawsEach = 128;
    private const string Exact = "exact conditional law of the Gaussian field";

    private static readonly GaussianField s_field = new(new PeriodicLattice(Side, Side).PlaneWaves(), k => Math.Pow(k + 1, -2));
    private static readonly int[] s_steps = [5, 10, 20];

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "super-resolution",
            "Gaussian fields from the means of 2 x 2 blocks by a small convolutional network: base up-sampled means plus noise, and a Gaussian base "
            + "conditioned on the same means, at equal training.",
            Quick: false,
            [
                FigureReference.AtMost("RMS error of the posterior mean, in standard deviations of the field", 0.1, Exact),
                FigureReference.Within("posterior variance over the exact one", 1, 0.1, Exact),
                FigureReference.AtMost("largest relative error of the spectrum in the unseen band, 20 Euler steps", 0.05, Exact),
                FigureReference.AtMost("the same with 5 Euler steps", 0.2, "own bar; the sheet's stretch is 0.1", stretchBound: 0.1),
                FigureReference.AtLeast("error of the Gaussian base over that of the coupling, least of 5, 10 and 20 Euler steps", 1,
                    "the coupling beats the Gaussian base on the same budget").OverSeeds(),
            ],
            Experiment.InBackground(SuperResolution)),
        new Experiment(
            "in-painting",
            "Gaussian fields from the tiles of 2 x 2 sites that a mask with probability 0.3 has left; what is kept must not move.",
            Quick: false,
            [
                FigureReference.AtMost("largest change of a kept value", 0, "the velocity is zero there"),
                FigureReference.AtMost("RMS error of the posterior mean on masked sites, in standard deviations of the field", 0.1, Exact),
                FigureReference.Within("posterior variance on masked sites over the exact one", 1, 0.1, Exact),
            ],
            Experiment.InBackground(InPainting)),
    ];

    // Images as channels of the coarse lattice: the four sites of a block side by side.
    private static Expr ToBlocks(Expr image) => image.Reshape(Side / Block, Block, Side / Block, Block).Transpose(1, 3, 0, 2).Reshape(Sites);

    private static Expr FromBlocks(Expr blocks) => blocks.Reshape(Block, Block, Side / Block, Side / Block).Transpose(2, 0, 3, 1).Reshape(Sites);

    // The interpolant runs between x0 - held and x1 - held. With a mask the network also sees what it keeps apart from the rest: how a kept value counts
    // depends on its neighbours being kept.
    private static RestorationModel Train(
        InterpolantSchedule schedule, Expr x0, Expr x1, Expr held, Expr side, Expr? keep, int iterations, ExperimentSettings settings,
        CancellationToken cancellation)
    {
        var (set, initializer, masked) = (new ParameterSet(), new ParameterInitializer(), keep is not null);
        var shape = new LatticeConvolutionOptions { Channels = Block * Block, SideChannels = 1, Width = 24, Depth = 2, Frequencies = 2 };
        shape = masked ? shape with { SideChannels = 1 + (Block * Block), Width = 32 } : shape;
        var network = new LatticeConvolution(set, initializer, new PeriodicLattice(Side / Block, Side / Block), shape);
        Expr Velocity(Expr x, Expr t, Expr known)
        {
            var seen = masked ? Expr.Concat(0, known, ToBlocks(Corruption.UpSample(known, Side, Side, Block) * x)) : known;
            return FromBlocks(network.Apply(ToBlocks(x), t, seen));
        }

        var (t, interpolant, none) = (Expr.Random(RandomLaw.Uniform, s_timeStream), new Interpolant(schedule), Expr.Constant(0));
        var velocity = Velocity(held + interpolant.At(t, x0 - held, x1 - held, none), t, side);
        var error = velocity - interpolant.Rate(t, x0 - held, x1 - held, none);
        var loss = (keep is null ? error : (1 - keep) * error).SquaredNorm() / Sites;
        var options = new LossMinimiserOptions { Iterations = iterations, BatchSize = 128, LearningRate = 2e-3 };
        using var minimiser = new LossMinimiser<float>(set, initializer, loss, options, settings.Seed, settings.Execution);
        var outcome = minimiser.Run(cancellation: cancellation);
        settings.Remark($"{set.Count} parameters, {outcome.Iterations} steps in {outcome.Elapsed.TotalSeconds:F0} s, last loss {outcome.Loss:F5}");
        return new RestorationModel(set, NdArray<float>.From(minimiser.State.Average.Span, set.Count), Velocity);
    }

    private static double[] SuperResolution(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int iterations = 4000;
        var x1 = s_field.Draw(Expr.Random(RandomLaw.Normal, s_fieldStream, Sites));
        var coarse = Corruption.BlockMean(x1, Side, Side, Block);
        var noise = Expr.Random(RandomLaw.Normal, s_noiseStream, Sites);
        var conditional = BlockConditional();
        settings.Remark(
            $"sigma = {Sigma}, the conditional standard deviation of a site is "
            + $"{Math.Sqrt(Enumerable.Range(0, Sites).Average(i => conditional.Covariance[i * (Sites + 1)])):F4}; trigonometric schedule for both bases");
        var (schedule, known) = (InterpolantSchedules.Trigonometric, Corruption.UpSample(coarse, Side, Side, Block));
        var coupled = Train(schedule, Corruption.WithNoise(known, noise, Sigma), x1, known, coarse, null, iterations, settings, cancellation);
        var gaussian = Train(schedule, noise, x1, 0, coarse, null, iterations, settings, cancellation);

        // The same observations and noise for both.
        var (fields, observed) = (Fields(settings.Seed), new float[Observations * Cells]);
        var noises = Noise(Observations * DrawsEach, settings.Seed);
        for (var o = 0; o < Observations; o++)
        {
            for (var i = 0; i < Sites; i++)
            {
                observed[(o * Cells) + CellOf(i)] += (float)(fields[(o * Sites) + i] / (Block * Block));
            }
        }

        var side = NdArray<float>.From(
            [.. Enumerable.Range(0, Observations * DrawsEach).SelectMany(s => observed[(s / DrawsEach * Cells)..((s / DrawsEach * Cells) + Cells)])],
            Observations * DrawsEach, Cells);
        var corrupted = new NdArray<float>(Observations * DrawsEach, Sites);
        for (var i = 0; i < corrupted.Length; i++)
        {
            corrupted[i] = side[(i / Sites * Cells) + CellOf(i % Sites)] + ((float)Sigma * noises[i]);
        }

        var (scores, others) = (new RestorationScore[s_steps.Length + 1], new RestorationScore[s_steps.Length + 1]);
        foreach (var (model, start, into, name) in new[] { (coupled, corrupted, scores, "up-sampled base"), (gaussian, noises, others, "Gaussian base") })
        {
            using var paths = model.Paths(settings.Threads, ("side", side), Cells);
            for (var k = 0; k <= s_steps.Length; k++)
            {
                var euler = k < s_steps.Length;
                var end = paths.Run(start, euler ? s_steps[k] : 8, euler);
                into[k] = Judge(end, o => conditional.Mean(Numbers.Doubles(observed.AsSpan(o * Cells, Cells))), conditional.Covariance);
                settings.Remark(
                    $"{name}, {(euler ? $"{s_steps[k]} Euler" : "8 Runge-Kutta")} steps: posterior mean off by {into[k].MeanError:F4}, variance ratio "
                    + $"{into[k].VarianceRatio:F4}, unseen band off by {into[k].BandError:F4}");
            }
        }

        var least = Enumerable.Range(0, s_steps.Length).Min(k => others[k].BandError / scores[k].BandError);
        return [scores[^1].MeanError, scores[^1].VarianceRatio, scores[2].BandError, scores[0].BandError, least];
    }

    private static double[] InPainting(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int iterations = 5000;
        var x1 = s_field.Draw(Expr.Random(RandomLaw.Normal, s_fieldStream, Sites));
        var keep = Corruption.KeptTiles(Expr.Random(RandomLaw.Uniform, s_maskStream, Cells), MaskedShare, Side, Side, Block);
        var x0 = Corruption.InPaint(x1, keep, Expr.Random(RandomLaw.Normal, s_noiseStream, Sites));
        var model = Train(InterpolantSchedules.Linear, x0, x1, 0, Corruption.BlockMean(keep, Side, Side, Block), keep, iterations, settings, cancellation);

        var (fields, noises, random) = (Fields(settings.Seed), Noise(Observations * DrawsEach, settings.Seed), new RandomStream(settings.Seed, s_maskStream));
        bool[] kept = [.. Enumerable.Range(0, Observations * Cells).Select(_ => random.NextDouble() >= MaskedShare)];
        var n = Observations * DrawsEach;
        var (side, start) = (new NdArray<float>(n, Cells), new NdArray<float>(n, Sites));
        for (var i = 0; i < n * Sites; i++)
        {
            var (o, site) = (i / Sites / DrawsEach, i % Sites);
            var known = kept[(o * Cells) + CellOf(site)];
            side[(i / Sites * Cells) + CellOf(site)] = known ? 1 : 0;
            start[i] = known ? (float)fields[(o * Sites) + site] : noises[i];
        }

        Expr Restored(Expr x, Expr t, Expr known) =>
            new MaskedField(Corruption.UpSample(known, Side, Side, Block), new FormulaField(Sites, (at, time) => model.Velocity(at, time, known))).Apply(x, t);
        using var paths = (model with { Velocity = Restored }).Paths(settings.Threads, ("side", side), Cells);
        var end = paths.Run(start, 16);
        var (moved, error, masked, found, exact) = (0.0, 0.0, 0, 0.0, 0.0);
        var covariance = s_field.Covariance();
        for (var o = 0; o < Observations; o++)
        {
            cancellation.ThrowIfCancellationRequested();
            int[] known = [.. Enumerable.Range(0, Sites).Where(i => kept[(o * Cells) + CellOf(i)])];
            var observation = new double[known.Length * Sites];
            for (var k = 0; k < known.Length; k++)
            {
                observation[(k * Sites) + known[k]] = 1;
            }

            var conditional = new GaussianConditional(new double[Sites], covariance, observation, 1e-10);
            var mean = conditional.Mean([.. known.Select(i => fields[(o * Sites) + i])]);
            for (var i = 0; i < Sites; i++)
            {
                var draws = Enumerable.Range(0, DrawsEach).Select(s => (double)end[(((o * DrawsEach) + s) * Sites) + i]).ToArray();
                if (kept[(o * Cells) + CellOf(i)])
                {
                    moved = Math.Max(moved, draws.Max(v => Math.Abs(v - (float)fields[(o * Sites) + i])));
                    continue;
                }

                var average = draws.Average();
                masked++;
                error += Math.Pow(average - mean[i], 2);
                found += draws.Sum(v => (v - average) * (v - average)) / (DrawsEach - 1);
                exact += conditional.Covariance[(i * Sites) + i];
            }
        }

        return [moved, Math.Sqrt(error / masked), found / exact];
    }

    private static int CellOf(int site) => (site / Side / Block * (Side / Block)) + (site % Side / Block);

    private static GaussianConditional BlockConditional()
    {
        var observation = new double[Cells * Sites];
        for (var i = 0; i < Sites; i++)
        {
            observation[(CellOf(i) * Sites) + i] = 1.0 / (Block * Block);
        }

        return new GaussianConditional(new double[Sites], s_field.Covariance(), observation);
    }

    private static double[] Fields(ulong seed)
    {
        var draw = s_field.Draw(Expr.Random(RandomLaw.Normal, s_fieldStream, Sites));
        using var program = new CompiledProgram<float>(
            new TracedProgram(null, ("x", draw)), new ExecutionOptions { Threads = 1 })
        { ["x"] = new NdArray<float>(Observations, Sites) };
        program.Run(Observations, new DrawKey(seed, 1UL << 39));
        return Numbers.Doubles(program["x"].Span);
    }

    private static NdArray<float> Noise(int count, ulong seed)
    {
        using var program = new CompiledProgram<float>(new TracedProgram(null, ("x", Expr.Random(RandomLaw.Normal, s_noiseStream, Sites) * 1)),
            new ExecutionOptions { Threads = 1 })
        { ["x"] = new NdArray<float>(count, Sites) };
        program.Run(count, new DrawKey(seed, 1UL << 39));
        return program["x"];
    }

    // Means and variances over the draws of each observation beside the exact ones, and the spectrum above the coarse lattice's highest frequency beside what
    // it is given these observations: with sixteen of them, their own scatter about the field's spectrum is larger than a good sampler's error.
    private static RestorationScore Judge(NdArray<float> draws, Func<int, double[]> exactMean, double[] exactCovariance)
    {
        var (error, found, exact) = (0.0, 0.0, 0.0);
        var (power, exactPower) = (new double[Sites], AmplitudeVariances(exactCovariance));
        for (var o = 0; o < Observations; o++)
        {
            var (sum, squares, mean) = (new double[Sites], new double[Sites], exactMean(o));
            var meanAmplitudes = s_field.Amplitudes(mean);
            for (var wave = 0; wave < Sites; wave++)
            {
                exactPower[wave] += meanAmplitudes[wave] * meanAmplitudes[wave] / Observations;
            }

            for (var s = 0; s < DrawsEach; s++)
            {
                var row = Numbers.Doubles(draws.Row((o * DrawsEach) + s));
                for (var i = 0; i < Sites; i++)
                {
                    sum[i] += row[i] / DrawsEach;
                    squares[i] += row[i] * row[i] / DrawsEach;
                }

                var amplitudes = s_field.Amplitudes(row);
                for (var wave = 0; wave < Sites; wave++)
                {
                    power[wave] += amplitudes[wave] * amplitudes[wave] / (Observations * DrawsEach);
                }
            }

            for (var i = 0; i < Sites; i++)
            {
                error += Math.Pow(sum[i] - mean[i], 2) / (Observations * Sites);
                found += (squares[i] - (sum[i] * sum[i])) * DrawsEach / (DrawsEach - 1);
                exact += exactCovariance[(i * Sites) + i];
            }
        }

        static int Frequency(int wave) => Math.Max((wave / Side + 1) / 2, (wave % Side + 1) / 2);
        var band = Enumerable.Range(CoarseNyquist + 1, (Side / 2) - CoarseNyquist)
            .Max(f => Math.Abs(
                (Enumerable.Range(0, Sites).Where(w => Frequency(w) == f).Sum(w => power[w]) / Enumerable.Range(0, Sites).Where(w => Frequency(w) == f).Sum(
                    w => exactPower[w])) - 1));
        return new RestorationScore(Math.Sqrt(error), found / exact, band);
    }

    // The variances of the amplitudes of a law with this covariance.
    private static double[] AmplitudeVariances(double[] covariance)
    {
        double[][] columns = [.. Enumerable.Range(0, Sites).Select(i => s_field.Amplitudes(covariance[(i * Sites)..((i + 1) * Sites)]))];
        return [.. Enumerable.Range(0, Sites).Select(wave => s_field.Amplitudes([.. columns.Select(c => c[wave])])[wave])];
    }

    private readonly record struct RestorationScore(double MeanError, double VarianceRatio, double BandError);

    private sealed record RestorationModel(ParameterSet Set, NdArray<float> Parameters, Func<Expr, Expr, Expr, Expr> Velocity)
    {
        public FieldPaths<float> Paths(int threads, (string Name, NdArray<float> Values) side, int size)
        {
            var known = Expr.Input(side.Name, size);
            return new FieldPaths<float>(Set, Parameters, Sites, (x, t) => Velocity(x, t, known), threads, side);
        }
    }
}
