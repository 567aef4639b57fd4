using System.Diagnostics;

namespace Monge.Runs;

/// <summary>
/// How many optimiser steps fit into a budget of time, where a run takes equally many for each of its parts: maps, steps in time, or networks. The number is
/// found once, before the first part, and then kept, so that equal numbers give equal results.
/// </summary>
internal static class StepBudget
{
    // Steps that compile and touch memory first, those that are timed at least, and how long they go on for.
    private const int WarmSteps = 5;
    private const int LeastSteps = 15;
    private const double TimedSeconds = 0.3;

    // What is left of the budget for the machine's moods and for checkpoints.
    private const double Share = 0.95;

    /// <summary>The steps for each part; in a run that is resumed those that were found before.</summary>
    /// <param name="session">The run.</param>
    /// <param name="budget">The time of the whole run.</param>
    /// <param name="parts">The parts.</param>
    /// <param name="step">Takes the step of a number on a copy of the state.</param>
    /// <param name="rest">
    /// Does once, on a copy of the state, what each part takes beside its steps, and gives the share of it that was done; null for nothing beside them.
    /// </param>
    /// <param name="words">What the parts are, and what else than more time would do, for the message of a budget that is too short.</param>
    /// <exception cref="InvalidOperationException">Not even one step each fits into the budget; the message says what would.</exception>
    public static int Iterations(
        RunSession session, TimeSpan budget, int parts, Action<int> step, Func<double>? rest = null, (string Parts, string Advice)? words = null) =>
        session.Once(
            "budget",
            () => Find(budget - session.Elapsed, parts, step, rest ?? (() => 1), words ?? ("steps in time", "longer steps by the option 'step'")),
            (found, state) => state.Put("iterations", found), state => (int)state.Number("iterations"));

    private static int Find(TimeSpan left, int parts, Action<int> step, Func<double> rest, (string Parts, string Advice) words)
    {
        var number = 0;
        while (number < WarmSteps)
        {
            step(number++);
        }

        _ = rest();
        var clock = Stopwatch.StartNew();
        while (number < WarmSteps + LeastSteps || clock.Elapsed.TotalSeconds < Math.Min(TimedSeconds, 0.02 * left.TotalSeconds))
        {
            step(number++);
        }

        var each = clock.Elapsed.TotalSeconds / (number - WarmSteps);
        clock.Restart();
        var done = rest();
        var beside = clock.Elapsed.TotalSeconds / done;
        var found = ((Share * left.TotalSeconds / parts) - beside) / each;
        return found >= 1 ? (int)Math.Min(found, int.MaxValue / parts) : throw new InvalidOperationException(FormattableString.Invariant(
            $"The budget is too short for {parts} {words.Parts}: with a single iteration each they take about {parts * (beside + each) / Share:g2} s beyond ")
            + $"the start; give more time, or {words.Advice}.");
    }
}
