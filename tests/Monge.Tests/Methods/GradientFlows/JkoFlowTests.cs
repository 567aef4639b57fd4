using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;
using Monge.Tests.Data;
using Monge.Training;

namespace Monge.Tests.Methods.GradientFlows;

/// <summary>Gradient flows by JKO steps against exact steps and exact laws.</summary>
public sealed class JkoFlowTests
{
    private static readonly JkoOptions s_quick = new() { Width = 16, Iterations = 150, BatchSize = 512, Pool = 8192, Step = 0.1 };

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void One_step_is_the_exact_one_of_Gaussians(ulong seed)
    {
        var problem = EvolutionLibrary.Get("ou-2@draw=3");
        var evolution = new JkoFlow(problem, s_quick with { Until = 0.1, Iterations = 400 }).Follow(new Run { Seed = seed });
        var target = problem.Facts.Stationary!;
        var (mean, covariance) = GaussianJkoStep.Take([0, 0], new double[,] { { 1, 0 }, { 0, 1 } }, target.Mean!, Inverse(target.Covariance!), 1, 0.1);
        Assert.InRange(Divergence(evolution, 1, LawFacts.Gaussian(mean, covariance)).Value, 0, 2e-3);
    }

    [Theory]
    [InlineData(11, 1)]
    [InlineData(12, 1)]
    [InlineData(13, 1)]
    [InlineData(11, 4)]
    public void Log_determinants_by_Lanczos_steps_give_the_law_as_exact_ones_do(ulong seed, int pieces)
    {
        var problem = EvolutionLibrary.Get("ou-6@draw=3");
        double Off(LogDeterminantForm form, int probes)
        {
            var options = s_quick with { Until = 0.3, LogDeterminant = form, LanczosProbes = probes, LanczosSteps = 4, Pieces = pieces };
            return Divergence(new JkoFlow(problem, options).Follow(new Run { Seed = seed }), 3, problem.Facts.Law!(0.3)).Value;
        }

        var exact = Off(LogDeterminantForm.Exact, 1);
        Assert.InRange(exact, 0, 0.02);
        Assert.InRange(Off(LogDeterminantForm.Lanczos, 1), 0, exact + 0.01);
        Assert.InRange(Off(LogDeterminantForm.Lanczos, 2), 0, exact + 0.01);
    }

    [Fact]
    public void Lanczos_steps_are_the_default_of_many_coordinates_and_refused_by_a_porous_medium()
    {
        var many = EvolutionProblem.ToTarget(TargetLibrary.Get("shifted-gaussian-80"), GaussianBase.Isotropic(80));
        Assert.Equal(LogDeterminantForm.Lanczos, ((JkoOptions)new JkoFlow(many).Options).LogDeterminant);
        Assert.Equal(LogDeterminantForm.Exact, ((JkoOptions)new JkoFlow(EvolutionLibrary.Get("ou-64")).Options).LogDeterminant);
        var error = Assert.Throws<ArgumentException>(
            () => new JkoFlow(EvolutionLibrary.Get("porous-medium"), new JkoOptions { LogDeterminant = LogDeterminantForm.Lanczos }));
        Assert.Contains("'logDeterminant' must be exact", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_law_of_an_Ornstein_Uhlenbeck_process_is_followed_and_its_energy_falls()
    {
        var problem = EvolutionLibrary.Get("ou-3");
        var evolution = new JkoFlow(problem, s_quick with { Until = 0.5 }).Follow(new Run { Seed = 11 });
        Assert.Equal([0, 0.1, 0.2, 0.3, 0.4, 0.5], evolution.Times.Select(t => Math.Round(t, 12)));
        Assert.InRange(Divergence(evolution, 5, problem.Facts.Law!(0.5)).Value, 0, 0.01);
        var before = double.PositiveInfinity;
        for (var k = 0; k < evolution.Times.Count; k++)
        {
            var (positions, logs) = evolution.Draw(4000, k, 5);
            var energy = PointFunction.At(problem.Energy!.Potential!, positions, 3).Average() + logs.Average();
            Assert.True(energy < before);
            before = energy;
        }
    }

    [Fact]
    public void Porous_medium_and_aggregation_have_their_exact_moments()
    {
        foreach (var name in (string[])["porous-medium", "aggregation-2"])
        {
            var problem = EvolutionLibrary.Get(name);
            var evolution = new JkoFlow(problem, s_quick with { Until = 0.2, Step = 0.05 }).Follow(new Run { Seed = 11 });
            var (positions, _) = evolution.Draw(20_000, evolution.Times.Count - 1, 3);
            var exact = problem.Facts.Law!(0.2);
            for (var axis = 0; axis < 2; axis++)
            {
                var values = positions.Where((_, at) => at % 2 == axis).ToArray();
                var mean = values.Average();
                var variance = values.Average(v => (v - mean) * (v - mean));
                Assert.InRange(mean, exact.Mean![axis] - 0.05, exact.Mean[axis] + 0.05);
                Assert.InRange(variance / exact.Covariance![axis, axis], 0.95, 1.05);
            }
        }
    }

    [Fact]
    public void A_run_that_was_stopped_ends_with_the_same_maps_whatever_the_threads()
    {
        var problem = EvolutionLibrary.Get("ou-2");
        var options = s_quick with { Until = 0.3, Iterations = 40 };
        var whole = new JkoFlow(problem, options).Follow(new Run { Threads = 1 });
        using var folder = new Scratch();
        using var stop = new CancellationTokenSource();
        var progress = new Stopper(60, stop);
        Assert.Throws<OperationCanceledException>(
            () => new JkoFlow(problem, options).Follow(new Run { Folder = folder.Directory, Progress = progress, Cancellation = stop.Token, Threads = 2 }));
        var resumed = new JkoFlow(problem, options).Follow(new Run { Folder = folder.Directory, Resume = true, Threads = 2 });
        Assert.Equal(3, resumed.Maps.Count);
        Assert.All(whole.Maps.Zip(resumed.Maps), pair => Assert.Equal(pair.First, pair.Second));
    }

    [Fact]
    public void A_drift_that_is_no_gradient_is_refused_in_a_sentence()
    {
        var error = Assert.Throws<ArgumentException>(() => new JkoFlow(EvolutionLibrary.Get("swirling-wells-2")));
        Assert.Matches(@"the drift of 'swirling-wells-2' is no gradient: d b_\d/dx_\d - d b_\d/dx_\d = [\d.]+ at \(-?[\d.]+, -?[\d.]+\)", error.Message);
    }

    [Fact]
    public void A_drift_or_a_diffusion_beside_another_energy_is_refused()
    {
        var problem = EvolutionLibrary.Get("ou-2");
        string Refusal(EvolutionProblem other) => Assert.Throws<ArgumentException>(() => new JkoFlow(other)).Message;
        Assert.Contains("is not its potential's descent: coordinate", Refusal(problem with { Drift = (x, _) => -2 * x }), StringComparison.Ordinal);
        Assert.Contains(
            "is not the temperature of its energy", Refusal(problem with { Diffusion = EvolutionDiffusion.Isotropic(2, 0.5) }), StringComparison.Ordinal);
        Assert.Contains("give its potential as Energy", Refusal(problem with { Energy = null, Drift = (x, _) => -x }), StringComparison.Ordinal);
    }

    private static SymmetricDivergence Divergence(JkoEvolution evolution, int time, LawFacts exact)
    {
        const int samples = 8192;
        var d = evolution.Problem.Dimension;
        var (mine, logs) = evolution.Draw(samples, time, 17);
        var theirs = exact.Sampler!(samples, new RandomStream(18, StreamName.Of("jko test")));
        return SymmetricDivergence.Estimate(
            [.. logs.Zip(PointFunction.At(exact.LogDensity!, mine, d), (a, b) => a - b)],
            [.. evolution.LogDensity(theirs, time).Zip(PointFunction.At(exact.LogDensity!, theirs, d), (a, b) => a - b)]);
    }

    private static double[,] Inverse(double[,] m)
    {
        var determinant = (m[0, 0] * m[1, 1]) - (m[0, 1] * m[1, 0]);
        return new[,] { { m[1, 1] / determinant, -m[0, 1] / determinant }, { -m[1, 0] / determinant, m[0, 0] / determinant } };
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
