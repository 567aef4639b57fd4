using Monge.Engine.Random;

namespace Monge.Objectives;

/// <summary>The random streams of the times of regressions.</summary>
internal static class ObjectiveStreams
{
    public static readonly StreamName Times = StreamName.Numbered("flow times", 731);
    public static readonly StreamName Importance = StreamName.Numbered("flow importance", 742);
}
