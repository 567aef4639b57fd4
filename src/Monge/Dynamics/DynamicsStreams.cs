using Monge.Engine.Random;

namespace Monge.Dynamics;

/// <summary>The random streams of fields that carry rows.</summary>
internal static class DynamicsStreams
{
    public static readonly StreamName SdeNoise = StreamName.Numbered("flow sde noise", 739);
    public static readonly StreamName Probes = StreamName.Numbered("flow probes", 740);
    public static readonly StreamName PathNoise = StreamName.Numbered("flow path noise", 743);
}
