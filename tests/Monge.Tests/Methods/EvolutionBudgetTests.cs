using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Tests.Data;
using Monge.Training;

namespace Monge.Tests.Methods;

/// <summary>Budgets of time of methods that follow laws: the iterations are found once, kept, and repeatable by their number.</summary>
public sealed class EvolutionBudgetTests
{
    private static readonly JkoOptions s_jko = new() { Width = 16, BatchSize = 256, Pool = 4096, Step = 0.1, Until = 0.4 };
    private static readonly SbtmOptions s_sbtm = new() { Width = 16, Particles = 1024, BatchSize = 128, Step = 0.05, Until = 0.4 };

    [Fact]
    public void A_budget_of_jko_is_kept_and_ends_as_its_number_of_iterations_does() => Check(
        options => new JkoFlow(EvolutionLibrary.Get("ou-2"), s_jko with { Budget = options.Budget, Iterations = options.Iterations ?? s_jko.Iterations }),
        method => ((JkoOptions)method.Options).Iterations);

    [Fact]
    public void A_budget_of_sbtm_is_kept_and_ends_as_its_number_of_iterations_does() => Check(
        options => new SbtmFlow(
            EvolutionLibrary.Get("ou-2"), s_sbtm with { Budget = options.Budget, Iterations = options.Iterations ?? s_sbtm.Iterations }),
        method => ((SbtmOptions)method.Options).Iterations!.Value);

    [Fact]
    public void A_budget_that_is_too_short_is_refused_with_the_time_it_takes()
    {
        var problem = EvolutionLibrary.Get("ou-12");
        var error = Assert.Throws<InvalidOperationException>(
            () => new SbtmFlow(problem, new SbtmOptions { Step = 1e-4, Budget = TimeSpan.FromSeconds(1) }).Follow(new Run { Threads = 1 }));
        Assert.Matches(@"^The budget is too short for 10000 steps in time: with a single iteration each they take about \d", error.Message);
    }

    private static void Check(Func<(TimeSpan? Budget, int? Iterations), IMethod<IEvolution>> bind, Func<IMethod<IEvolution>, int> iterations)
    {
        using var folder = new Scratch();
        using var stop = new CancellationTokenSource();
        var budget = (TimeSpan.FromSeconds(3), (int?)null);
        Assert.Throws<OperationCanceledException>(() => bind(budget).Run(
            new Run { Folder = folder.Directory, Cancellation = stop.Token, Progress = new Stopper(stop), Threads = 1 }));
        var resumed = bind(budget);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var ended = resumed.Run(new Run { Folder = folder.Directory, Resume = true, Threads = 1 });
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
        var found = iterations(resumed);
        Assert.InRange(found, 2, 1_000_000);
        var counted = bind((null, found)).Run(new Run { Threads = 1 });
        Assert.Equal(counted.Carry(100).Last().Positions, ended.Carry(100).Last().Positions);
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == "evolve" && value.IsCourse)
            {
                stop.Cancel();
            }
        }
    }
}
