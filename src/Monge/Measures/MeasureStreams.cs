using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>The random streams of laws, tables and fits.</summary>
internal static class MeasureStreams
{
    public static readonly StreamName Symmetry = StreamName.Of("symmetry");
    public static readonly StreamName Rows = StreamName.Numbered("flow rows", 733);
    public static readonly StreamName BaseRows = StreamName.Numbered("flow base rows", 734);
    public static readonly StreamName Pairs = StreamName.Numbered("flow pairs", 735);
    public static readonly StreamName Split = StreamName.Numbered("flow split", 736);
    public static readonly StreamName Validation = StreamName.Numbered("flow validation", 737);
    public static readonly StreamName Start = StreamName.Numbered("flow start", 738);
    public static readonly StreamName Moments = StreamName.Numbered("flow moments", 741);
    public static readonly StreamName Priming = StreamName.Numbered("flow priming", 744);
    public static readonly StreamName Coupling = StreamName.Numbered("flow coupling", 745);
    public static readonly StreamName DataSetDraws = StreamName.Numbered("data set draws", 760);
    public static readonly StreamName MixtureStart = StreamName.Numbered("mixture start", 764);
    public static readonly StreamName ModeSearch = StreamName.Numbered("mode search", 766);
    public static readonly StreamName Guard = StreamName.Of("density guard");
    public static readonly StreamName IntegralCheck = StreamName.Of("integral check");
    public static readonly StreamName Fingerprint = StreamName.Of("density fingerprint");
    public static readonly StreamName RowBatches = StreamName.Of("row batches");
}
