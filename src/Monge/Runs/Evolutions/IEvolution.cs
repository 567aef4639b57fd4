using Monge.Diagnostics;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>A law in time, as a method has found it.</summary>
public interface IEvolution
{
    /// <summary>What it solves.</summary>
    EvolutionProblem Problem { get; }

    /// <summary>The times at which the law is known, ascending from 0.</summary>
    IReadOnlyList<double> Times { get; }

    /// <summary>What is to be said of the law as it was made, apart from what a table over time tells.</summary>
    IReadOnlyList<Status> Warnings => [];

    /// <summary>Draws independent samples of the initial law and carries them through all times.</summary>
    /// <param name="samples">Their number n.</param>
    /// <param name="seed">The seed: equal seeds give equal paths.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>The samples at each of <see cref="Times"/>, made one after the other.</returns>
    IEnumerable<EvolvedSamples> Carry(int samples, ulong seed = 1, int threads = 0);

    /// <summary>The log density of the law at a time at points.</summary>
    /// <param name="points">Points [n * d], row-major.</param>
    /// <param name="time">Which of <see cref="Times"/>, by its number.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>Log densities [n].</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such time.</exception>
    /// <exception cref="ArithmeticException">The way back to time 0 isn't found from a point.</exception>
    double[] LogDensity(double[] points, int time, int threads = 0);

    /// <summary>The log density of the law at any time of the run at points; between two of <see cref="Times"/>, of the law on the way.</summary>
    /// <param name="points">Points [n * d], row-major.</param>
    /// <param name="time">The time, from 0 to the last of <see cref="Times"/>.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>Log densities [n].</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is outside the run.</exception>
    /// <exception cref="ArithmeticException">The way back to time 0 isn't found from a point.</exception>
    double[] LogDensityAt(double[] points, double time, int threads = 0);

    /// <summary>Draws independent samples of the law at any time of the run, each with its log density.</summary>
    /// <param name="samples">Their number n.</param>
    /// <param name="time">The time, from 0 to the last of <see cref="Times"/>.</param>
    /// <param name="seed">The seed: equal seeds give the same paths at all times, independent of those of <see cref="Carry"/>.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>Positions [n * d], row-major, and log densities [n].</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is outside the run.</exception>
    (double[] Positions, double[] LogDensity) DrawAt(int samples, double time, ulong seed = 1, int threads = 0);
}

/// <summary>Samples of a law in time, at one time.</summary>
/// <param name="Time">The time.</param>
/// <param name="Positions">Positions [n * d], row-major.</param>
/// <param name="LogDensity">The log density of the law at each [n].</param>
/// <param name="Score">The law's score at each [n * d].</param>
/// <param name="VelocityBefore">The velocity by which the samples came here, at the end of the step [n * d]; empty at time 0.</param>
public sealed record EvolvedSamples(double Time, double[] Positions, double[] LogDensity, double[] Score, double[] VelocityBefore)
{
    /// <summary>The velocity at which they leave, at the start of the next step [n * d]; empty at the last time.</summary>
    public double[] VelocityAfter { get; init; } = [];

    /// <summary>
    /// The method's estimate of the true law's score at each [n * d], by which currents and entropy production are told; empty where that is
    /// <see cref="Score"/>, the score of the law as it was made. A learned score is smoother than that of the law it has moved, whose small ripples have large
    /// slopes.
    /// </summary>
    public double[] LearnedScore { get; init; } = [];
}
