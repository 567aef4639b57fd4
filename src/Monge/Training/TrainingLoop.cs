using System.Diagnostics;
using System.Globalization;

namespace Monge.Training;

/// <summary>What one step reports.</summary>
/// <param name="Loss">The batch's loss; null for an algorithm without one.</param>
/// <param name="GradientNorm">The gradient's norm before clipping; null for an algorithm without one.</param>
public readonly record struct StepInfo(double? Loss = null, double? GradientNorm = null);

/// <summary>An iterative algorithm, as the loop sees it: the owner has the state, the loop only calls.</summary>
/// <param name="Step">Takes the step of a number (from 0) in a run of a total length.</param>
/// <param name="Validate">Figures on a validation batch, asked for at equal numbers of steps; null for algorithms without.</param>
/// <param name="Save">Writes a checkpoint after a number of steps, with the total and the time used; null writes none.</param>
public sealed record TrainingTask(
    Func<long, long, StepInfo> Step, Func<IReadOnlyList<Figure>>? Validate = null, Action<long, long, TimeSpan>? Save = null)
{
    /// <summary>Whether to end before the total, asked after each validation; null never does.</summary>
    public Func<bool>? IsDone { get; init; }

    /// <summary>From the steps taken and the total to the total from then on, asked after each step without a budget; null leaves it as it is.</summary>
    public Func<long, long, long>? Total { get; init; }

    /// <summary>Whether a step that was cancelled in its middle may be taken again from the state that it left, which is then saved.</summary>
    public bool IsRepeatable { get; init; }
}

/// <summary>When the loop ends and how often it reports.</summary>
public sealed record TrainingPlan
{
    /// <summary>Total steps, those before a resume included; ignored with a budget.</summary>
    public required long Iterations { get; init; }

    /// <summary>The total as it was known when the run was stopped; null for that of a new run.</summary>
    public long? Total { get; init; }

    /// <summary>Time of training, that before a resume included; the total of steps then follows from the measured speed.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Steps taken before.</summary>
    public long FirstIteration { get; init; }

    /// <summary>Time used before.</summary>
    public TimeSpan ElapsedBefore { get; init; }

    /// <summary>Seconds between checkpoints.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    /// <summary>Validations in a whole run, at equal numbers of steps.</summary>
    public int Validations { get; init; } = 10;

    /// <summary>What is being done, for reports.</summary>
    public string Phase { get; init; } = "train";
}

/// <summary>How a training ended.</summary>
/// <param name="Iterations">Steps taken in all.</param>
/// <param name="Elapsed">Time used in all.</param>
/// <param name="Figures">The last validation; empty without one.</param>
/// <param name="Loss">The mean loss of the last steps; not a number without one.</param>
public sealed record TrainingOutcome(long Iterations, TimeSpan Elapsed, IReadOnlyList<Figure> Figures, double Loss);

/// <summary>The one loop of all methods: it steps, times, validates, saves, reports and stops.</summary>
public static class TrainingLoop
{
    private const double ReportSeconds = 0.2;

    // Steps whose duration is not counted (compilation, first touches), and steps until the first estimate of the speed.
    private const int WarmSteps = 5;
    private const int ProbeSteps = 25;

    /// <summary>Runs until the total of steps or the budget is reached.</summary>
    /// <param name="task">What is trained.</param>
    /// <param name="plan">When to end.</param>
    /// <param name="progress">Receives reports.</param>
    /// <param name="cancellation">Stops after the current step, or in a repeatable one; a checkpoint is written first.</param>
    /// <exception cref="ArithmeticException">A loss or gradient is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static TrainingOutcome Run(TrainingTask task, TrainingPlan plan, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var total = plan.Total ?? plan.Iterations;
        var iteration = plan.FirstIteration;
        var (lossSum, lossCount, lastLoss) = (0.0, 0, double.NaN);
        var (lastReport, lastSave, speedFrom) = (double.NegativeInfinity, 0.0, 0.0);
        IReadOnlyList<Figure> figures = [];

        TimeSpan Elapsed() => plan.ElapsedBefore + clock.Elapsed;
        double PerStep() => (clock.Elapsed.TotalSeconds - speedFrom) / Math.Max(1, iteration - plan.FirstIteration - WarmSteps);
        void Report(bool force)
        {
            if (!force && clock.Elapsed.TotalSeconds - lastReport < ReportSeconds)
            {
                return;
            }

            lastReport = clock.Elapsed.TotalSeconds;
            lastLoss = lossCount > 0 ? lossSum / lossCount : lastLoss;
            (lossSum, lossCount) = (0, 0);

            // The first steps compile: until they are over nothing is known of the time that is left.
            var isWarm = iteration - plan.FirstIteration > WarmSteps;
            var remaining = isWarm ? TimeSpan.FromSeconds(Math.Max(0, total - iteration) * PerStep()) : TimeSpan.Zero;
            progress?.Report(
                new TrainingProgress(iteration, total, lastLoss, Elapsed(), remaining, plan.Phase) { Figures = figures, IsCourse = iteration > 0 });
        }

        while (iteration < total)
        {
            if (cancellation.IsCancellationRequested)
            {
                task.Save?.Invoke(iteration, total, Elapsed());
                cancellation.ThrowIfCancellationRequested();
            }

            StepInfo info;
            try
            {
                info = task.Step(iteration, total);
            }
            catch (OperationCanceledException) when (task.IsRepeatable)
            {
                task.Save?.Invoke(iteration, total, Elapsed());
                throw;
            }

            if (!double.IsFinite(info.Loss ?? 0) || !double.IsFinite(info.GradientNorm ?? 0))
            {
                throw new ArithmeticException(string.Create(CultureInfo.InvariantCulture,
                    $"Training stopped at iteration {iteration}: the loss is {info.Loss} and the gradient's norm {info.GradientNorm}; lower the learning "
                    + $"rate, or write the density so that it is finite where particles go (a support, a prior, LogSumExp)."));
            }

            iteration++;
            if (info.Loss is { } loss)
            {
                lossSum += loss;
                lossCount++;
            }

            var taken = iteration - plan.FirstIteration;
            if (taken == WarmSteps)
            {
                speedFrom = clock.Elapsed.TotalSeconds;
            }

            if (plan.Budget is not { } budget)
            {
                var known = total;
                total = Math.Max(iteration, task.Total?.Invoke(iteration, total) ?? total);
                if (total != known)
                {
                    Report(true);
                }
            }
            else if (taken >= ProbeSteps)
            {
                total = iteration + (long)Math.Max(0, (budget - Elapsed()).TotalSeconds / PerStep());
            }

            if (task.Validate is not null && (iteration == total || iteration % Math.Max(1, plan.Iterations / plan.Validations) == 0))
            {
                figures = task.Validate();
                total = task.IsDone?.Invoke() == true ? iteration : total;
                Report(true);
            }

            if (task.Save is not null && clock.Elapsed.TotalSeconds - lastSave >= plan.CheckpointSeconds)
            {
                task.Save(iteration, total, Elapsed());
                lastSave = clock.Elapsed.TotalSeconds;
            }

            Report(false);
        }

        Report(true);
        task.Save?.Invoke(iteration, total, Elapsed());
        return new TrainingOutcome(iteration, Elapsed(), figures, lastLoss);
    }
}
