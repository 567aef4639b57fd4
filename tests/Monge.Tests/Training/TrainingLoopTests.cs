using Monge.Training;

namespace Monge.Tests.Training;

public class TrainingLoopTests
{
    [Fact]
    public void TakesTheStepsItWasAskedForAndSavesAtTheEnd()
    {
        var steps = new List<long>();
        (long Iteration, long Total) saved = default;
        var reports = new List<TrainingProgress>();
        var task = new TrainingTask(
            (i, _) => { steps.Add(i); return new StepInfo(1.0 / (i + 1), 1); }, () => [Figure.ValidationEss(0.5)], (i, total, _) => saved = (i, total));
        var outcome = TrainingLoop.Run(task, new TrainingPlan { Iterations = 20, FirstIteration = 5 }, new Collect(reports), default);
        Assert.Equal([.. Enumerable.Range(5, 15).Select(i => (long)i)], steps);
        Assert.Equal((20, 20), saved);
        Assert.Equal(20, outcome.Iterations);
        Assert.Equal(Figure.ValidationEss(0.5), Assert.Single(outcome.Figures));
        Assert.Equal(20, reports[^1].Iteration);
    }

    [Fact]
    public void BudgetEndsTheRunInTime()
    {
        var task = new TrainingTask((_, _) => { Thread.Sleep(2); return new StepInfo(1, 1); }, null, null);
        var outcome = TrainingLoop.Run(task, new TrainingPlan { Iterations = 1_000_000, Budget = TimeSpan.FromMilliseconds(400) }, null, default);
        // All steps would take more than half an hour; a busy machine sleeps longer than it is asked to.
        Assert.InRange(outcome.Elapsed.TotalSeconds, 0.3, 60);
        Assert.InRange(outcome.Iterations, 20, 250);
    }

    [Fact]
    public void NonFiniteLossStopsWithTheIteration()
    {
        var task = new TrainingTask((i, _) => new StepInfo(i == 7 ? double.NaN : 1, 1), null, null);
        var error = Assert.Throws<ArithmeticException>(() => TrainingLoop.Run(task, new TrainingPlan { Iterations = 20 }, null, default));
        Assert.Contains("iteration 7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CancellationSavesFirst()
    {
        using var source = new CancellationTokenSource();
        long saved = -1;
        var task = new TrainingTask(
            (i, _) =>
            {
                if (i == 3)
                {
                    source.Cancel();
                }

                return new StepInfo(1, 1);
            },
            null,
            (i, _, _) => saved = i);
        Assert.Throws<OperationCanceledException>(() => TrainingLoop.Run(task, new TrainingPlan { Iterations = 20 }, null, source.Token));
        Assert.Equal(4, saved);
    }

    private sealed class Collect(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reports.Add(value);
    }
}
