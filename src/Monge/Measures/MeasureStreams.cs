using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>The random streams of laws and fits.</summary>
internal static class MeasureStreams
{
    public static readonly StreamName DataSetDraws = StreamName.Numbered("data set draws", 760);
    public static readonly StreamName MixtureStart = StreamName.Numbered("mixture start", 764);
}
