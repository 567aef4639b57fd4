using Monge.Engine.Random;

namespace Monge.Diagnostics;

/// <summary>The random streams of distances and tests.</summary>
internal static class DiagnosticStreams
{
    public static readonly StreamName Projections = StreamName.Numbered("projections", 19);
    public static readonly StreamName TableSplits = StreamName.Numbered("table splits", 761);
    public static readonly StreamName ClassifierBatches = StreamName.Numbered("classifier batches", 762);
    public static readonly StreamName ClassifierSplit = StreamName.Numbered("classifier split", 763);
    public static readonly StreamName TableHalves = StreamName.Numbered("table halves", 765);
}
