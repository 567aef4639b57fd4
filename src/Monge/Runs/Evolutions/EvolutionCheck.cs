using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>
/// The last law of an evolution beside particles that are simulated by the diffusion itself, which knows nothing of the method: how well a classifier tells the
/// run's samples from the particles (<see cref="ClassifierTest"/>). The stated bound says what a law is off by at most, this says by how much at least.
/// </summary>
/// <param name="Accuracy">Share of held-out rows that are told right; one half is guessing.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="Steps">Steps of the simulation, by Heun's method with one noise for both stages, of weak order 2.</param>
public sealed record EvolutionCheck(double Accuracy, double Error, int Steps)
{
    // Fewer samples say too little, more rows than this are not needed.
    private const int LeastSamples = 2000;
    private const int MostSamples = 10_000;

    // The drift's largest slope times a step's length, the fewest steps, and the most: simulations beyond are not made.
    private const double StepTimesSlope = 0.1;
    private const int LeastSteps = 100;
    private const int MostSteps = 20_000;
    private const int MostDimensions = 64;
    private const int Probes = 64;

    // The accuracy that two Gaussians of one shape have when they are .02 nats apart; guessing's standard deviations that make a lower one no chance; and the
    // bound from which on that counts.
    private const double DoubtfulAccuracy = 0.54;
    private const double Chance = 3;
    private const double NotableBound = 0.03;

    /// <summary>
    /// What the laws differ by at least, in nats, twice the accuracy's standard error left out: by Pinsker's inequality KL is at least 2 TV^2, and twice the
    /// accuracy less 1 is at most the total variation TV.
    /// </summary>
    public double LeastDivergence => 2 * Math.Pow(Math.Max(0, (2 * (Accuracy - (2 * Error))) - 1), 2);

    /// <summary>Whether the samples are not those of the diffusion: told apart clearly, or beyond chance where the stated bound allows for it.</summary>
    internal bool Fails(double bound) => Accuracy >= 0.5 + (Chance * Error) && (Accuracy >= DoubtfulAccuracy || bound > NotableBound);

    /// <summary>
    /// Compares the last law with simulated particles; null where too few samples are there, or a simulation is not made: with an interaction, a porous medium
    /// or observations, in a box, in many dimensions, or with a drift that is too stiff.
    /// </summary>
    internal static EvolutionCheck? Of(EvolutionProblem problem, EvolvedSamples end, Run run)
    {
        var (d, n) = (problem.Dimension, end.LogDensity.Length);
        if (n < LeastSamples || d > MostDimensions || problem.Domain is not WholeSpaceDomain
            || problem.Observations.Count > 0 || problem.Energy is { Interaction: not null } or { PorousFactor: > 0 })
        {
            return null;
        }

        var steps = StepsFor(problem, end, run);
        if (steps > MostSteps || Simulate(problem, Math.Min(n, MostSamples), end.Time, (int)steps, run) is not { } particles)
        {
            return null;
        }

        var options = new ClassifierTestOptions { MostRows = MostSamples, Seed = run.Seed, Threads = run.Threads };
        var test = ClassifierTest.Compute(end.Positions[..(Math.Min(n, MostSamples) * d)], particles, d, options, run.Cancellation);
        return new EvolutionCheck(test.Accuracy, test.Error, (int)steps);
    }

    private static double StepsFor(EvolutionProblem problem, EvolvedSamples end, Run run)
    {
        var d = problem.Dimension;
        using var jacobian = new PointFunction((x, t) => Derivative.Jacobian(problem.Drift(x, t), x), d, run.Execution);
        double[] starts = problem.Initial.Sample(Probes, new RandomStream(run.Seed, EvolutionStreams.SimulationStart));
        double[] slopes = [.. jacobian.At(starts), .. jacobian.At(end.Positions.AsSpan(0, Math.Min(Probes * d, end.Positions.Length)), end.Time)];
        var largest = 0.0;
        for (var row = 0; row < slopes.Length; row += d)
        {
            var sum = slopes.AsSpan(row, d).ToArray().Sum(Math.Abs);
            largest = sum <= largest ? largest : sum;
        }

        return double.IsFinite(largest) ? Math.Max(LeastSteps, Math.Ceiling(end.Time * largest / StepTimesSlope)) : double.PositiveInfinity;
    }

    // Null where a particle runs off: the simulation is of no use then.
    private static double[]? Simulate(EvolutionProblem problem, int particles, double until, int steps, Run run)
    {
        var d = problem.Dimension;
        var (x, t, h) = (Expr.Input("x", d), Expr.PerStep("t"), Expr.PerStep("h"));
        var root = Expr.Constant([.. problem.Diffusion.Root], d, d);
        var noise = Expr.PerStep("deviation") * Expr.MatrixProduct(root, Expr.Random(RandomLaw.Normal, EvolutionStreams.Simulation, d));
        var slope = problem.Drift(x, t);
        var next = x + (0.5 * h * (slope + problem.Drift(x + (h * slope) + noise, t + h))) + noise;
        using var walk = new ParticleWalk<double>(null, [new WalkState(x, next, IsGiven: true)], options: run.Execution);
        var start = new NdArray<double>(particles, d);
        problem.Initial.Sample(particles, new RandomStream(run.Seed, EvolutionStreams.SimulationStart)).CopyTo(start.Span);
        var grid = new TimeGrid(TimeGrid.EqualTimes(0, until, steps), (_, _) => 1);
        double[] ends = [.. walk.Carry(null, start, grid, new DrawKey(run.Seed)).Span];
        return ends.All(double.IsFinite) ? ends : null;
    }
}
