using Monge.Engine.Random;

namespace Monge.Runs;

/// <summary>The random streams of the diagnostics of a run.</summary>
internal static class RunStreams
{
    public static readonly StreamName DistanceDraws = StreamName.Numbered("distance draws", 17);
    public static readonly StreamName DistanceResampling = StreamName.Numbered("distance resampling", 18);
    public static readonly StreamName DiscreteDraws = StreamName.Of("discrete law draws");
}
