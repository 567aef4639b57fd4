using Monge.Dynamics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>
/// A law in time as a row of maps from its initial law: at time t_k it is that of (grad psi_k o ... o grad psi_1)(X_0). It is sampled at no cost but the maps',
/// with the log density of each sample, and its density is told at any point by inverting the maps.
/// </summary>
public sealed class JkoEvolution : IEvolution
{
    /// <summary>What a model file calls this form of an evolution.</summary>
    internal const string FormName = "convex maps";

    private readonly ConvexNetworkOptions _network;
    private readonly IReadOnlyList<double[]> _maps;

    /// <summary>Makes it of its maps.</summary>
    /// <param name="problem">The evolution.</param>
    /// <param name="network">How the maps' network is built.</param>
    /// <param name="times">The times t_0 = 0, t_1, ..., ascending.</param>
    /// <param name="maps">The parameters of each map, one less than times.</param>
    /// <exception cref="ArgumentException">Times and maps don't go together.</exception>
    public JkoEvolution(EvolutionProblem problem, ConvexNetworkOptions network, IReadOnlyList<double> times, IReadOnlyList<double[]> maps)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(times);
        ArgumentNullException.ThrowIfNull(maps);
        var size = Declare(problem, network).Parameters.Count;
        if (times.Count != maps.Count + 1 || times[0] != 0 || maps.Any(m => m.Length != size))
        {
            throw new ArgumentException(
                $"{maps.Count} maps of {size} parameters lead from time 0 to {maps.Count} later times; {times.Count} times were given.", nameof(times));
        }

        (Problem, _network, Times, _maps) = (problem, network, [.. times], [.. maps]);
    }

    /// <inheritdoc/>
    public EvolutionProblem Problem { get; }

    /// <inheritdoc/>
    public IReadOnlyList<double> Times { get; }

    /// <summary>The parameters of each map.</summary>
    public IReadOnlyList<double[]> Maps => _maps;

    /// <summary>How the maps' network is built.</summary>
    internal ConvexNetworkOptions Network => _network;

    /// <summary>The maps as a model file keeps them: the parameters of each, the times, and how the network is built.</summary>
    /// <param name="form">What the file calls its form.</param>
    internal RunState ToState(string form = FormName)
    {
        var state = new RunState();
        state.Put(EvolutionModel.FormName, form);
        state.Put("times", [.. Times]);
        for (var k = 0; k < _maps.Count; k++)
        {
            state.Put($"map.{k}", _maps[k]);
        }

        state.Put("network", MethodOptions.Format(_network));
        return state;
    }

    /// <summary>The evolution of a state that <see cref="ToState"/> wrote.</summary>
    /// <exception cref="Training.CheckpointException">Something is missing.</exception>
    /// <exception cref="ArgumentException">The parts don't go together.</exception>
    internal static JkoEvolution Load(EvolutionProblem problem, RunState state)
    {
        var times = state.Doubles("times");
        return new JkoEvolution(
            problem, MethodOptions.Parse<ConvexNetworkOptions>(state.Word("network")), times,
            [.. Enumerable.Range(0, times.Length - 1).Select(k => state.Doubles($"map.{k}"))]);
    }

    /// <inheritdoc/>
    public IEnumerable<EvolvedSamples> Carry(int samples, ulong seed = 1, int threads = 0)
    {
        var execution = new ExecutionOptions { Threads = threads };
        var (positions, logs, scores) = EvolutionStart.Draw(Problem, samples, seed, execution);
        using var maps = Compile(execution);
        double[] velocity = [];
        for (var k = 0; k < Times.Count; k++)
        {
            var here = new EvolvedSamples(Times[k], [.. positions], [.. logs], [.. scores], velocity);
            if (k < _maps.Count)
            {
                var length = Times[k + 1] - Times[k];
                _maps[k].CopyTo(maps.Values);
                maps.Push(positions, logs, scores);

                // Mass moves along straight lines from the start of a step to its end.
                velocity = [.. positions.Zip(here.Positions, (to, from) => (to - from) / length)];
                here = here with { VelocityAfter = velocity };
            }

            yield return here;
        }
    }

    /// <summary>Draws independent samples of the law at a time, each with its log density.</summary>
    /// <param name="samples">Their number n.</param>
    /// <param name="time">Which of <see cref="Times"/>, by its number.</param>
    /// <param name="seed">The seed: equal seeds give the same paths at all times.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>Positions [n * d], row-major, and log densities [n].</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such time.</exception>
    public (double[] Positions, double[] LogDensity) Draw(int samples, int time, ulong seed = 1, int threads = 0)
    {
        this.CheckTime(time);
        return Draw(samples, (time, 0), new RandomStream(seed, EvolutionStreams.Draws), threads);
    }

    /// <inheritdoc/>
    /// <remarks>Between two times mass moves along straight lines, by a part of the map.</remarks>
    public (double[] Positions, double[] LogDensity) DrawAt(int samples, double time, ulong seed = 1, int threads = 0) =>
        Draw(samples, this.Locate(time), new RandomStream(seed, EvolutionStreams.FurtherDraws), threads);

    /// <inheritdoc/>
    public double[] LogDensity(double[] points, int time, int threads = 0)
    {
        this.CheckTime(time);
        return LogDensity(points, (time, 0.0), threads);
    }

    /// <inheritdoc/>
    /// <remarks>Between two times mass moves along straight lines, by a part of the map.</remarks>
    public double[] LogDensityAt(double[] points, double time, int threads = 0) => LogDensity(points, this.Locate(time), threads);

    /// <summary>Where points of the law at a time come from, and how the maps stretch on the way.</summary>
    /// <param name="points">Points [n * d], row-major.</param>
    /// <param name="time">Which of <see cref="Times"/>, by its number.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>Positions at time 0 [n * d], and the logarithms of the Jacobian determinants of the way from there [n].</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such time.</exception>
    /// <exception cref="ArithmeticException">A map can't be inverted at a point.</exception>
    public (double[] Positions, double[] LogDeterminant) PullBack(double[] points, int time, int threads = 0)
    {
        this.CheckTime(time);
        return PullBack(points, (time, 0.0), threads);
    }

    private (double[] Positions, double[] LogDensity) Draw(int samples, (int Step, double Share) at, RandomStream random, int threads)
    {
        var execution = new ExecutionOptions { Threads = threads };
        var positions = Problem.Initial.Sample(samples, random);
        var logs = PointFunction.At(Problem.Initial.LogDensity, positions, Problem.Dimension, execution);
        using var maps = Compile(execution);
        foreach (var (map, share) in Way(at))
        {
            _maps[map].CopyTo(maps.Values);
            maps.Push(positions, logs, share: share);
        }

        return (positions, logs);
    }

    private double[] LogDensity(double[] points, (int Step, double Share) at, int threads)
    {
        var (starts, determinants) = PullBack(points, at, threads);
        var logs = PointFunction.At(Problem.Initial.LogDensity, starts, Problem.Dimension, new ExecutionOptions { Threads = threads });
        return [.. logs.Zip(determinants, (log, determinant) => log - determinant)];
    }

    private (double[] Positions, double[] LogDeterminant) PullBack(double[] points, (int Step, double Share) at, int threads)
    {
        ArgumentNullException.ThrowIfNull(points);
        var (positions, determinants) = ((double[])[.. points], new double[points.Length / Problem.Dimension]);
        using var maps = Compile(new ExecutionOptions { Threads = threads });
        foreach (var (map, share) in Way(at).Reverse())
        {
            _maps[map].CopyTo(maps.Values);
            maps.Invert(positions, determinants, share: share);
        }

        return (positions, determinants);
    }

    // The maps to a place between two times, and how much of each.
    private static IEnumerable<(int Map, double Share)> Way((int Step, double Share) at) =>
        [.. Enumerable.Range(0, at.Step).Select(k => (k, 1.0)), .. at.Share > 0 ? [(at.Step, at.Share)] : Array.Empty<(int, double)>()];

    private ConvexMaps Compile(ExecutionOptions execution)
    {
        var (parameters, network) = Declare(Problem, _network);
        return new ConvexMaps(parameters, network, execution);
    }

    private static (ParameterSet Parameters, ConvexNetwork Network) Declare(EvolutionProblem problem, ConvexNetworkOptions options)
    {
        var parameters = new ParameterSet();
        return (parameters, new ConvexNetwork(parameters, new ParameterInitializer(), "psi", problem.Dimension, options));
    }
}
