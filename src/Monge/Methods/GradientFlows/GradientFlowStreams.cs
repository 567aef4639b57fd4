using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>The random streams of gradient flows.</summary>
internal static class GradientFlowStreams
{
    public static readonly StreamName Pool = StreamName.Of("gradient flow pool");
    public static readonly StreamName Conditioning = StreamName.Of("gradient flow conditioning");
    public static readonly StreamName Probes = StreamName.Of("gradient flow probes");
}
