using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>The random streams of methods that follow laws by particles.</summary>
internal static class EvolutionMethodStreams
{
    public static readonly StreamName Particles = StreamName.Of("sbtm particles");
    public static readonly StreamName Diffusion = StreamName.Of("sbtm diffusion");
    public static readonly StreamName Probes = StreamName.Of("sbtm probes");
}
