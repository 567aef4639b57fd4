using Monge.Engine.Random;

namespace Monge.Training;

/// <summary>The random streams of parameters of networks and what trains them.</summary>
internal static class TrainingStreams
{
    public static readonly StreamName Parameters = StreamName.Numbered("parameters", 1);
}
