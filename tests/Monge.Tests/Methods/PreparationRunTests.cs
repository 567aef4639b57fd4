using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods;

public class PreparationRunTests
{
    private sealed class Reports : List<TrainingProgress>, IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Add(value);
    }

    [Fact]
    public void WithoutABudgetThereIsAlwaysTime() => Assert.True(new PreparationRun(new Run()).HasTime);

    [Fact]
    public void ABudgetUsedUpEndsTheSearchBeforeAnyShortTraining()
    {
        var reports = new Reports();
        var run = new PreparationRun(new Run { Threads = 1, Progress = reports }, TimeSpan.FromTicks(1));
        Assert.False(run.HasTime);
        var candidates = new TransportPreparation<double>(TargetLibrary.Get("double-well"), new PreparationOptions(), run).Candidates();
        var problem = TransportRun<double>.Best(candidates, run, _ => throw new InvalidOperationException("raced")).Problem;
        Assert.True(double.IsFinite(problem.Offset));
        Assert.Equal((1.0, 1.0), (problem.TargetExponent, problem.BaseExponent));
        Assert.All(reports, r => Assert.Equal("prepare", r.Phase));
        Assert.Contains(reports, r => r.Detail == "annealed importance sampling");
    }

    [Fact]
    public void WithTimeTheExponentsRace()
    {
        var raced = 0;
        var run = new PreparationRun(new Run { Threads = 1 });
        var candidates = new TransportPreparation<double>(TargetLibrary.Get("double-well"), new PreparationOptions(), run).Candidates();
        var best = TransportRun<double>.Best(candidates, run, _ => ++raced);
        Assert.Same(candidates[^1], best);
        Assert.True(raced > 1, $"{raced} races");
    }

    [Fact]
    public void CancellationStopsAtTheNextReport()
    {
        using var source = new CancellationTokenSource();
        var run = new PreparationRun(new Run { Cancellation = source.Token });
        run.Report("anything");
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => run.Report("anything"));
    }
}
