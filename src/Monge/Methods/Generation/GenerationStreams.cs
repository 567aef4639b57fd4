using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>The random streams of flows learned from data.</summary>
internal static class GenerationStreams
{
    public static readonly StreamName Noise = StreamName.Numbered("flow noise", 730);
    public static readonly StreamName Base = StreamName.Numbered("flow base", 732);
    public static readonly StreamName RowNoise = StreamName.Numbered("flow row noise", 746);
    public static readonly StreamName DiscreteStart = StreamName.Of("discrete law start");
    public static readonly StreamName DiscreteRows = StreamName.Of("discrete law rows");
}
