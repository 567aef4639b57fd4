using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>What all evolutions carry samples from.</summary>
internal static class EvolutionStart
{
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
}
