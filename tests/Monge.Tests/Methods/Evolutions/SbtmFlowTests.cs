using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;
using Monge.Tests.Data;
using Monge.Training;

namespace Monge.Tests.Methods.Evolutions;

/// <summary>Laws in time by learned scores, against exact laws.</summary>
public sealed class SbtmFlowTests
{
    private const int Samples = 20_000;

    private static readonly SbtmOptions s_wells = new() { Step = 0.01, Particles = 4096, Iterations = 50, Until = 0.5 };

    private static readonly SbtmOptions s_quick = new() { Step = 0.02, Particles = 8192, HeldOut = 2048, Width = 16, Depth = 2, Iterations = 10 };

    [Theory]
    [InlineData(11, SbtmLoss.Carried, true, 1e-3)]
    [InlineData(12, SbtmLoss.Carried, true, 1e-3)]
    [InlineData(13, SbtmLoss.Carried, true, 1e-3)]
    [InlineData(11, SbtmLoss.Carried, false, 0.02)]
    [InlineData(11, SbtmLoss.Exact, true, 1e-3)]
    [InlineData(11, SbtmLoss.Exact, false, 0.02)]
    public void The_law_of_an_Ornstein_Uhlenbeck_process_is_followed(ulong seed, SbtmLoss loss, bool hasGaussianPart, double error)
    {
        var problem = EvolutionLibrary.Get("ou-2");
        var options = s_quick with { Loss = loss, GaussianPart = hasGaussianPart, DriftPart = loss == SbtmLoss.Carried };
        var evolution = new SbtmFlow(problem, options).Follow(new Run { Seed = seed });
        Assert.Equal(51, evolution.Times.Count);
        var exact = problem.Facts.Law!(1);
        var result = EvolutionResult.Of(evolution, "sbtm", Samples, 2, new Run { Seed = seed });
        var (end, point) = (result.Stored[^1], result.Points[^1]);
        Assert.InRange(RelativeError(end.LearnedScore, At(exact.LogDensity!, end.Positions)), 0, error);
        Assert.InRange(point.Divergence!.Value.Value, 0, error);
        Assert.InRange(point.Entropy.Value - exact.Entropy!.Value, -0.03, 0.03);

        // The bound holds, and densities told backward are those carried forward.
        Assert.InRange(point.DivergenceBound, point.Divergence.Value.Value - 1e-4, 2 * error);
        var told = evolution.LogDensity([.. end.Positions.Take(200)], evolution.Times.Count - 1);
        Assert.All(told.Zip(end.LogDensity), pair => Assert.Equal(pair.Second, pair.First, 2e-3));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void The_entropy_production_of_a_current_is_that_of_finite_volumes(ulong seed)
    {
        var problem = EvolutionLibrary.Get("swirling-wells-2");
        var evolution = new SbtmFlow(problem, s_wells).Follow(new Run { Seed = seed });
        var result = EvolutionResult.Of(evolution, "sbtm", Samples, 2, new Run { Seed = seed });
        var (end, point) = (result.Stored[^1], result.Points[^1]);
        var (axis, start) = (new CellAxis(-3.5, 3.5, 140), (GaussianBase)problem.Initial);
        var density = new PlaneDensity(axis, axis, (x, y) => Math.Exp(-2 * (Square(x - start.Mean[0]) + Square(y - start.Mean[1]))));
        using var solver = new FiniteVolumePlane(axis, axis, new FormulaField(2, problem.Drift), 0.5, 0.5);
        solver.Advance(density, 0, 0.5, 200);
        Assert.InRange(point.EntropyProduction!.Value.Value / solver.EntropyProduction(density, 0.5), 0.95, 1.05);
        Assert.InRange(point.Entropy.Value - density.Entropy, -0.03, 0.03);
        Assert.InRange(RelativeError(end.LearnedScore, end.Score), 0, 0.02);
        Assert.InRange(point.DivergenceBound, 0, 0.02);

        // Whatever is that far out the wells have long pulled in: no density there, and no harm to another point.
        var told = evolution.LogDensityAt([50, 0, .. end.Positions[..2]], 0.5);
        Assert.Equal(double.NegativeInfinity, told[0]);
        Assert.Equal(end.LogDensity[0], told[1], 2e-3);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Places_alone_move_mean_and_covariance_as_they_should_where_the_noise_is_in_one_direction(ulong seed)
    {
        var options = new SbtmOptions { Until = 2, Step = 0.02, Particles = 8192, HeldOut = 2048, Iterations = 20, Width = 32, Depth = 2 };
        var evolution = new SbtmFlow(EvolutionLibrary.Get("swimmer"), options).Follow(new Run { Seed = seed });

        // Over the particles Stein's identity makes E v^2 = 1 stay; W is lower triangular, so that its last row is that of v given x.
        foreach (var score in evolution.Scores)
        {
            var (first, cross, second) = (score.Whitener[0], score.Whitener[2], score.Whitener[3]);
            var (xx, xv) = (1 / (first * first), -cross / (first * first * second));
            Assert.Equal(1, (1 / (second * second)) + (xv * xv / xx), 2e-4);
        }

        // Fresh samples see what the network has learned by heart: a few hundredths. E x^2 = 0.666 at t = 2 by 40,000 paths.
        var end = EvolutionResult.Of(evolution, "sbtm", Samples, 2, new Run { Seed = seed }).Points[^1];
        Assert.InRange(Square(end.Deviation[1]), 0.9, 1.1);
        Assert.InRange(Square(end.Deviation[0]) / 0.666, 0.93, 1.07);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Fresh_samples_go_where_the_particles_went_where_the_drift_contracts(ulong seed)
    {
        var problem = EvolutionLibrary.Get("soft-spheres-2");
        var options = s_quick with { Step = 0.01, Until = 0.5, Particles = 4096, HeldOut = 1024, Loss = SbtmLoss.Exact };
        var result = EvolutionResult.Of(new SbtmFlow(problem, options).Follow(new Run { Seed = seed }), "sbtm", Samples, 3, new Run { Seed = seed });

        // Over the particles E s = 0 and E s (x - m) = -d to rounding; samples that met other scores on their way would be off by a tenth.
        Assert.All(result.Stored, at =>
        {
            var (score, d, size) = (at.LearnedScore, problem.Dimension, at.LearnedScore.Sum(Square));
            double[] Mean(double[] rows) => [.. Enumerable.Range(0, d).Select(j => Enumerable.Range(0, Samples).Average(i => rows[(i * d) + j]))];
            var mean = Mean(at.Positions);
            Assert.InRange(Math.Sqrt(Mean(score).Sum(Square) * Samples / size), 0, 0.03);
            Assert.InRange(score.Select((s, i) => s * (at.Positions[i] - mean[i % d])).Sum() / Samples / d, -1.03, -0.97);
        });
    }

    [Theory]
    [InlineData(SbtmLoss.Exact)]
    [InlineData(SbtmLoss.Hutchinson)]
    [InlineData(SbtmLoss.Denoising)]
    public void Scores_can_be_learned_on_the_particles_of_the_diffusion(SbtmLoss loss)
    {
        var problem = EvolutionLibrary.Get("ou-2");
        var options = s_quick with { Loss = loss, LearnOn = SbtmSamples.Diffusion };
        var result = EvolutionResult.Of(new SbtmFlow(problem, options).Follow(new Run { Seed = 11 }), "sbtm", Samples, 2, new Run { Seed = 11 });

        // Of 8192 particles of the diffusion's the variances are off by 1 / 64 each.
        Assert.InRange(result.Points[^1].Divergence!.Value.Value, 0, 5e-3);
        var refused = Assert.Throws<ArgumentException>(() => new SbtmFlow(problem, options with { Loss = SbtmLoss.Carried }));
        Assert.Contains("carry no score", refused.Message);
    }

    [Fact]
    public void Affine_scores_of_like_particles_follow_the_recursion_of_two_variances()
    {
        const int particles = 4;
        var options = new SbtmOptions
        {
            Until = 0.5,
            Step = 0.01,
            Stepper = SbtmStepper.Euler,
            Particles = 7,
            HeldOut = 0,
            BatchSize = 7,
            Iterations = 0,
            Loss = SbtmLoss.Exact,
            MomentPart = false,
        };
        var evolution = new SbtmFlow(EvolutionLibrary.Get($"harmonic-trap-{particles}"), options).Follow(new Run { Seed = 11 });
        var (relative, common) = (1.0 / 16, 1.0 / 16);
        foreach (var score in evolution.Scores)
        {
            var (own, other) = (score.Whitener[0], score.Whitener[2]);
            Assert.Equal(relative, 1 / Square(own - other), 1e-12);
            Assert.Equal(common, 1 / Square(own + ((particles - 1) * other)), 1e-12);
            relative *= Square(1 - 0.005 + (0.01 * 0.25 / relative));
            common *= Square(1 - 0.01 + (0.01 * 0.25 / common));
        }
    }

    [Fact]
    public void The_score_of_like_particles_does_not_depend_on_their_order()
    {
        var options = new SbtmOptions { Until = 0.02, Step = 0.01, Particles = 512, BatchSize = 256, Iterations = 5, Width = 8 };
        var problem = EvolutionLibrary.Get("soft-spheres-3");
        var evolution = new SbtmFlow(problem, options).Follow(new Run { Seed = 11 });
        double[] points = [.. evolution.DrawAt(20, 0.02).Positions];
        static double[] Turned(double[] rows) => [.. Enumerable.Range(0, rows.Length).Select(i => rows[(i / 6 * 6) + ((i + 2) % 6)])];
        var scores = evolution.LearnedScore(points, 2);
        Assert.All(Turned(scores).Zip(evolution.LearnedScore(Turned(points), 2)), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
        Assert.Equal(evolution.LogDensity(points, 2), evolution.LogDensity(Turned(points), 2), (a, b) => Math.Abs(a - b) < 1e-9);

        // Not because it is that of a Gaussian: the network has learned something.
        var affine = new ScoreEvolution(
            problem, new ScoreNetworkOptions { Width = 8, Depth = 3, IsPotential = true, HasDriftPart = true, ParticleDimension = 2 }, evolution.Times,
            [.. evolution.Scores.Select(s => s with { Parameters = new float[s.Parameters.Length] })]);
        Assert.NotInRange(RelativeError(affine.LearnedScore(points, 2), scores), 0, 1e-8);
    }

    [Fact]
    public void A_run_that_was_stopped_ends_with_the_same_scores_whatever_the_threads()
    {
        // Without a Gaussian part there is a first fit too.
        var problem = EvolutionLibrary.Get("ou-2") with { Initial = GaussianBase.Diagonal([0, 1], [1, 0.5]) };
        var options = s_quick with { Until = 0.4, GaussianPart = false, InitialIterations = 200, Loss = SbtmLoss.Denoising };
        var whole = new SbtmFlow(problem, options).Follow(new Run { Threads = 1 });
        foreach (var (phase, step) in ((string, long)[])[("initial", 60), ("evolve", 7)])
        {
            using var folder = new Scratch();
            using var stop = new CancellationTokenSource();
            var run = new Run { Folder = folder.Directory, Progress = new Stopper(phase, step, stop), Cancellation = stop.Token, Threads = 2 };
            Assert.Throws<OperationCanceledException>(() => new SbtmFlow(problem, options).Follow(run));
            var resumed = new SbtmFlow(problem, options).Follow(new Run { Folder = folder.Directory, Resume = true, Threads = 2 });
            Assert.Equal(21, resumed.Scores.Count);
            Assert.All(whole.Scores.Zip(resumed.Scores), pair =>
            {
                Assert.Equal(pair.First.Parameters, pair.Second.Parameters);
                Assert.Equal(pair.First.Whitener, pair.Second.Whitener);
            });
        }
    }

    [Theory]
    [InlineData("ou-2", SbtmLoss.Carried, false, 0.02)]
    [InlineData("ou-2", SbtmLoss.Exact, false, 0.03)]
    [InlineData("harmonic-trap-2", SbtmLoss.Carried, true, 0.01)]
    public void One_network_can_be_that_of_all_times(string name, SbtmLoss loss, bool hasGaussianPart, double error)
    {
        var problem = EvolutionLibrary.Get(name);
        var options = s_quick with { TimeDependent = true, Until = 0.5, Iterations = 20, Loss = loss, GaussianPart = hasGaussianPart, DriftPart = false };
        using var folder = new Scratch();
        using var stop = new CancellationTokenSource();
        var run = new Run { Folder = folder.Directory, Progress = new Stopper("replay", 60, stop), Cancellation = stop.Token, Seed = 11, Threads = 2 };
        Assert.Throws<OperationCanceledException>(() => new SbtmFlow(problem, options).Follow(run));
        var resumed = new SbtmFlow(problem, options).Follow(new Run { Folder = folder.Directory, Resume = true, Seed = 11 });
        var whole = new SbtmFlow(problem, options).Follow(new Run { Seed = 11, Threads = 1 });
        Assert.All(whole.Scores, score => Assert.Same(whole.Scores[0].Parameters, score.Parameters));
        Assert.Equal(whole.Scores[0].Parameters, resumed.Scores[0].Parameters);
        var result = EvolutionResult.Of(whole, "sbtm", Samples, 3, new Run { Seed = 11 });
        Assert.All(result.Points, point => Assert.InRange(point.Divergence!.Value.Value, -1e-3, error));

        // The file has the parameters once, and tells the same law.
        var read = EvolutionModel.TryLoad(folder.File(RunSession.ModelName), EvolutionLibrary.Get)!;
        var points = result.Stored[^1].Positions[..(10 * problem.Dimension)];
        Assert.Equal(whole.LogDensityAt(points, 0.33), read.LogDensityAt(points, 0.33));
        Assert.InRange(new FileInfo(folder.File(RunSession.ModelName)).Length, 1, 8 * whole.Scores[0].Parameters.Length + 40_000);
    }

    [Fact]
    public void A_lost_particle_is_named_with_its_time()
    {
        var problem = new EvolutionProblem
        {
            Name = "explosion",
            Initial = GaussianBase.Isotropic(2),
            Drift = (x, _) => x * x.SquaredNorm().Square(),
            Diffusion = EvolutionDiffusion.Isotropic(2, 0.1),
        };
        var error = Assert.Throws<ArithmeticException>(() => new SbtmFlow(problem, s_quick).Follow(new Run { Seed = 11 }));
        Assert.Matches(@"^(Particle \d+ is lost at t = 0\.\d+|The particles have no positive definite covariance at t = 0\.\d+)", error.Message);
    }

    [Fact]
    public void What_is_no_diffusion_is_refused_in_a_sentence()
    {
        Assert.StartsWith("'aggregation-2' has an interaction", Refusal("aggregation-2"), StringComparison.Ordinal);
        Assert.StartsWith("'porous-medium' has an interaction or a porous medium", Refusal("porous-medium"), StringComparison.Ordinal);
        static string Refusal(string name) => Assert.Throws<ArgumentException>(() => new SbtmFlow(EvolutionLibrary.Get(name))).Message;
    }

    private static double Square(double x) => x * x;

    private static double[] At(Func<Expr, Expr> logDensity, double[] points) => PointFunction.At(x => Derivative.Gradient(logDensity(x), x), points, 2);

    // E |mine - exact|^2 / E |exact|^2.
    private static double RelativeError(double[] mine, double[] exact) => mine.Zip(exact, (a, b) => Square(a - b)).Sum() / exact.Sum(Square);

    private sealed class Stopper(string phase, long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == phase && value.Iteration >= step)
            {
                stop.Cancel();
            }
        }
    }
}
