using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>What all evolutions carry samples from, and their times.</summary>
internal static class EvolutionStart
{
    // Times that differ by less, beside the last, are one: multiples of a step's length carry rounding.
    private const double Rounding = 1e-9;

    /// <summary>Independent draws of the initial law [n * d], with its log density [n] and score [n * d] at each.</summary>
    public static (double[] Positions, double[] Logs, double[] Scores) Draw(EvolutionProblem problem, int samples, ulong seed, ExecutionOptions execution)
    {
        var (d, law) = (problem.Dimension, problem.Initial);
        var positions = law.Sample(samples, new RandomStream(seed, EvolutionStreams.Draws));
        return (positions, PointFunction.At(law.LogDensity, positions, d, execution),
            PointFunction.At(x => Derivative.Gradient(law.LogDensity(x), x), positions, d, execution));
    }

    /// <summary>Refuses the number of a time that there is not.</summary>
    public static void CheckTime(this IEvolution evolution, int time)
    {
        if (time < 0 || time >= evolution.Times.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(time), time, $"There are {evolution.Times.Count} times, numbered from 0.");
        }
    }

    /// <summary>The number of the last time at or before a time, and how far on towards the next that is, 0 to below 1.</summary>
    public static (int Step, double Share) Locate(this IEvolution evolution, double time)
    {
        var times = evolution.Times;
        var rounding = Rounding * times[^1];
        if (!(time >= -rounding) || !(time <= times[^1] + rounding))
        {
            throw new ArgumentOutOfRangeException(nameof(time), FormattableString.Invariant(
                $"The law of '{evolution.Problem.Name}' was followed from t = 0 to t = {times[^1]:g6}, in {times.Count - 1} steps; t = {time:g6} is outside."));
        }

        var step = 0;
        while (step < times.Count - 1 && times[step + 1] <= time + rounding)
        {
            step++;
        }

        return step == times.Count - 1 || time - times[step] <= rounding ? (step, 0) : (step, (time - times[step]) / (times[step + 1] - times[step]));
    }
}
