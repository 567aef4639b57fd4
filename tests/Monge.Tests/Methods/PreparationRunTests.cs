using Monge.Engine.Execution;
using Monge.Measures;
using Monge.Methods;
using Monge.Training;

namespace Monge.Tests.Methods;

public class PreparationRunTests
{
    private sealed class Reports : List<TrainingProgress>, IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Add(value);
    }

    [Fact]
    public void WithoutABudgetThereIsAlwaysTime() => Assert.True(new PreparationRun(new ExecutionOptions(), 1).HasTime);

    [Fact]
    public void ABudgetUsedUpEndsTheSearchBeforeAnyShortTraining()
    {
        var reports = new Reports();
        var run = new PreparationRun(new ExecutionOptions { Threads = 1 }, 1, default, TimeSpan.FromTicks(1), reports);
        Assert.False(run.HasTime);
        var problem = new TransportPreparation<double>(TargetLibrary.Get("double-well"), new PreparationOptions(), run, _ => throw new InvalidOperationException("raced")).Run();
        Assert.True(double.IsFinite(problem.Offset));
        Assert.Equal((1.0, 1.0), (problem.TargetExponent, problem.BaseExponent));
        Assert.All(reports, r => Assert.Equal("prepare", r.Phase));
        Assert.Contains(reports, r => r.Detail == "annealed importance sampling");
    }

    [Fact]
    public void WithTimeTheExponentsRace()
    {
        var raced = 0;
        var run = new PreparationRun(new ExecutionOptions { Threads = 1 }, 1);
        _ = new TransportPreparation<double>(TargetLibrary.Get("double-well"), new PreparationOptions(), run, _ => ++raced).Run();
        Assert.True(raced > 1, $"{raced} races");
    }

    [Fact]
    public void CancellationStopsAtTheNextReport()
    {
        using var source = new CancellationTokenSource();
        var run = new PreparationRun(new ExecutionOptions(), 1, source.Token);
        run.Report("anything");
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => run.Report("anything"));
    }
}
