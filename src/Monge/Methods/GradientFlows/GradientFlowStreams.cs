using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>The random streams of gradient flows.</summary>
internal static class GradientFlowStreams
{
    public static readonly StreamName Pool = StreamName.Of("gradient flow pool");
}
