using Monge.Engine.Random;

namespace Monge.Runs;

/// <summary>The random streams of draws from evolutions.</summary>
internal static class EvolutionStreams
{
    public static readonly StreamName Draws = StreamName.Of("evolution draws");

    /// <summary>Of the paths by which proposals of filters are found.</summary>
    public static readonly StreamName Proposals = StreamName.Of("evolution path proposals");

    /// <summary>Of draws at one time: independent of the samples that a run of the same seed has carried.</summary>
    public static readonly StreamName FurtherDraws = StreamName.Of("evolution further draws");

    /// <summary>Of simulated particles: where they start.</summary>
    public static readonly StreamName SimulationStart = StreamName.Of("evolution simulation start");

    /// <summary>Of simulated particles: their noise.</summary>
    public static readonly StreamName Simulation = StreamName.Of("evolution simulation");
}
