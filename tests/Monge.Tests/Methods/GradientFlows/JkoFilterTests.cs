using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;
using Monge.Tests.Data;
using Monge.Training;

namespace Monge.Tests.Methods.GradientFlows;

/// <summary>Filters by JKO steps against exact ones.</summary>
public sealed class JkoFilterTests
{
    private static readonly JkoOptions s_quick = new()
    {
        Width = 16,
        Iterations = 200,
        BatchSize = 512,
        Pool = 8192,
        Step = 0.1,
        Until = 1.2,
        LearningRate = 0.01,
    };

    [Theory]
    [InlineData(Conditioning.Importance)]
    [InlineData(Conditioning.Metropolis)]
    public void Where_all_is_linear_it_is_Kalmans(Conditioning conditioning)
    {
        var problem = EvolutionLibrary.Get("filtering-linear@draw=11");
        var evolution = new JkoFilter(problem, s_quick with { Conditioning = conditioning, WarmUpMoves = 60 }).Follow(new Run { Seed = 11 });
        foreach (var time in (double[])[0.3, 0.5, 0.7, 1, 1.2])
        {
            var exact = problem.Facts.Law!(time);
            Assert.InRange(Divergence(evolution, time, points => PointFunction.At(exact.LogDensity!, points, 1)), 0, 0.01);
            var (positions, logs) = evolution.DrawAt(20_000, time, 5);
            var mean = positions.Average();
            Assert.Equal(exact.Mean![0], mean, 0.06);
            Assert.Equal(exact.Covariance![0, 0], positions.Average(x => (x - mean) * (x - mean)), 0.06);
            Assert.All(evolution.LogDensityAt(positions[..200], time).Zip(logs), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        }

        var grid = GridFilter.Run(problem, new CellAxis(-9, 9, 1800), 1.2, 4e-3);
        Assert.Equal(grid.LogEvidence, evolution.LogEvidence, 0.05);
        Assert.All(evolution.EffectiveShares, share => Assert.InRange(share, 0.5, 1));
        Assert.Equal(conditioning == Conditioning.Metropolis ? 2 : 0, evolution.Acceptance.Count);
        Assert.All(evolution.Acceptance, share => Assert.InRange(share, 0.1, 0.9));
        Assert.Empty(evolution.Warnings);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Weighted_draws_have_the_law_and_reach_far_into_its_tails(ulong seed)
    {
        // Without parameters the maps are the identity, so the law is the initial one times the likelihoods.
        var problem = EvolutionLibrary.Get("filtering-linear");
        var network = new ConvexNetworkOptions { Width = 2, HasAffinePart = true };
        var parameters = new ParameterSet();
        _ = new ConvexNetwork(parameters, new ParameterInitializer(), "psi", 1, network);
        double[][] maps = [new double[parameters.Count], new double[parameters.Count]];
        double[] times = [0, problem.Observations[0].Time, problem.Observations[1].Time];
        using var observed = new ObservedMaps(problem, network, times, maps, [], new ExecutionOptions());
        const int count = 40_000;
        var (positions, weights) = observed.DrawWeighted(count, 2, new RandomStream(seed, StreamName.Of("jko filter tests")));

        double[] grid = [.. Enumerable.Range(0, 4001).Select(k => (k - 2000) * 0.005)];
        Expr Log(Expr x) => problem.Initial.LogDensity(x) + problem.Observations[0].LogLikelihood(x) + problem.Observations[1].LogLikelihood(x);
        double[] density = [.. PointFunction.At(Log, grid, 1).Select(Math.Exp)];
        double Exact(Func<double, double> f) => grid.Zip(density, (x, p) => f(x) * p).Sum() / density.Sum();
        double Drawn(Func<double, double> f) => positions.Zip(weights, (x, w) => f(x) * w).Sum() / count;
        var mean = Exact(x => x);
        var deviation = Math.Sqrt(Exact(x => (x - mean) * (x - mean)));
        Assert.Equal(1, weights.Average(), 1e-9);
        Assert.Equal(mean, Drawn(x => x), 0.02 * deviation);
        Assert.Equal(deviation * deviation, Drawn(x => (x - mean) * (x - mean)), 0.03 * deviation * deviation);
        bool IsFar(double x) => Math.Abs(x - mean) > 3 * deviation;
        Assert.Equal(Exact(x => IsFar(x) ? 1 : 0), Drawn(x => IsFar(x) ? 1 : 0), 4e-4);
        Assert.InRange(positions.Count(IsFar) / (double)count, 0.03, 0.2);
    }

    [Fact]
    public void A_run_carries_samples_of_the_filtered_law_with_density_and_score()
    {
        var problem = EvolutionLibrary.Get("filtering-linear@draw=11");
        var evolution = new JkoFilter(problem, s_quick).Follow(new Run { Seed = 12 });
        Assert.Equal(13, evolution.Times.Count);
        Assert.Contains(0.5, evolution.Times);
        foreach (var at in evolution.Carry(2000, seed: 5).Where(at => at.Time is 0.5 or > 0.85))
        {
            var logs = evolution.LogDensityAt(at.Positions, at.Time);
            Assert.All(logs.Zip(at.LogDensity), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
            const double small = 1e-4;
            double[] Beside(double by) => evolution.LogDensityAt([.. at.Positions[..50].Select(x => x + by)], at.Time);
            Assert.All(Beside(small).Zip(Beside(-small), (a, b) => (a - b) / (2 * small)).Zip(at.Score), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
        }

        var table = EvolutionResult.Of(evolution, JkoFlow.Name, 4000, 13, new Run { Seed = 3 });
        Assert.Empty(table.Warnings);
        Assert.All(table.Points, point => Assert.True(double.IsNaN(point.DivergenceBound)));
        Assert.All(table.Points, point => Assert.InRange(point.Divergence!.Value.Value, -0.01, 0.02));
    }

    [Fact]
    public void Chains_that_stall_are_told_and_importance_samples_take_what_they_miss()
    {
        var problem = EvolutionLibrary.Get("filtering-linear") with { Observations = [Observation.Linear(0.5, [3.8], 0.01)] };
        var options = s_quick with { Until = 0.6, Iterations = 100, Conditioning = Conditioning.Metropolis, WarmUpMoves = 800 };
        var stalled = new JkoFilter(problem, options).Follow(new Run { Seed = 11 });

        // A chain on its way to the law still takes about the n-th part of moves at its n-th.
        Assert.InRange(stalled.Acceptance[0], 0, 0.02);
        Assert.Contains(stalled.Warnings, w => w.Message.StartsWith("the Metropolis chains stall: after the observation at t = 0.5", StringComparison.Ordinal));
        Assert.Contains(
            EvolutionResult.Of(stalled, JkoFlow.Name, 100, 2, new Run()).Warnings, w => w.Message.Contains("chains stall", StringComparison.Ordinal));

        var other = new JkoFilter(problem, options with { Conditioning = Conditioning.Importance }).Follow(new Run { Seed = 11 });
        Assert.Empty(other.Warnings);
        Assert.InRange(other.EffectiveShares[0], 0.5, 1);
    }

    [Fact]
    public void A_run_that_was_stopped_ends_with_the_same_maps_and_its_file_is_the_evolution()
    {
        var problem = EvolutionLibrary.Get("filtering-linear@draw=12");
        var options = s_quick with { Until = 0.8, Step = 0.25, Iterations = 40, Conditioning = Conditioning.Metropolis, WarmUpMoves = 20 };
        var whole = new JkoFilter(problem, options).Follow(new Run { Threads = 1 });
        using var folder = new Scratch();
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => new JkoFilter(problem, options).Follow(
            new Run { Folder = folder.Directory, Progress = new Stopper(100, stop), Cancellation = stop.Token, Threads = 2 }));
        var resumed = new JkoFilter(problem, options).Follow(new Run { Folder = folder.Directory, Resume = true, Threads = 2 });
        double[] points = [-1, 0, 0.5, 2];
        Assert.Equal(whole.Acceptance, resumed.Acceptance);
        var read = EvolutionModel.TryLoad(folder.File(RunSession.ModelName), EvolutionLibrary.Get)!;
        foreach (var time in (double[])[0.4, 0.5, 0.8])
        {
            Assert.Equal(whole.LogDensityAt(points, time), resumed.LogDensityAt(points, time));
            Assert.Equal(whole.LogDensityAt(points, time), read.LogDensityAt(points, time));
            Assert.Equal(whole.DrawAt(500, time, 7).Positions, read.DrawAt(500, time, 7).Positions);
        }
    }

    [Fact]
    public void What_cannot_be_filtered_is_refused_in_a_sentence()
    {
        static string Told(Action make) => Assert.Throws<ArgumentException>(make).Message;
        var (seen, unseen) = (EvolutionLibrary.Get("filtering"), EvolutionLibrary.Get("ou-1"));
        Assert.Contains("Nothing was observed of 'ou-1'", Told(() => _ = new JkoFilter(unseen)), StringComparison.Ordinal);
        Assert.Contains("Of 'filtering' something was observed", Told(() => _ = new JkoFlow(seen)), StringComparison.Ordinal);
        Assert.Contains("Of 'filtering' something was observed", Told(() => _ = new SbtmFlow(seen)), StringComparison.Ordinal);
        var flock = EvolutionLibrary.Get("aggregation-1") with { Observations = [Observation.Linear(0.5, [0], 1)] };
        Assert.Contains("has an interaction", Told(() => _ = new JkoFilter(flock)), StringComparison.Ordinal);
    }

    // By a sum over a grid.
    private static double Divergence(FilteredEvolution evolution, double time, Func<double[], double[]> exact)
    {
        const double width = 0.01;
        double[] grid = [.. Enumerable.Range(-700, 1400).Select(i => (i + 0.5) * width)];
        var (mine, right) = (evolution.LogDensityAt(grid, time), exact(grid));
        Assert.Equal(1, width * mine.Sum(Math.Exp), 1e-3);
        return width * mine.Zip(right, (a, b) => (Math.Exp(a) - Math.Exp(b)) * (a - b)).Sum();
    }

    private sealed class Stopper(long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == "evolve" && value.Iteration >= step)
            {
                stop.Cancel();
            }
        }
    }
}
