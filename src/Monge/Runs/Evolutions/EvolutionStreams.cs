using Monge.Engine.Random;

namespace Monge.Runs;

/// <summary>The random streams of draws from evolutions.</summary>
internal static class EvolutionStreams
{
    public static readonly StreamName Draws = StreamName.Of("evolution draws");
}
