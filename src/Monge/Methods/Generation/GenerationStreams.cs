using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>The random streams of flows learned from data.</summary>
internal static class GenerationStreams
{
    public static readonly StreamName Noise = StreamName.Numbered("flow noise", 730);
    public static readonly StreamName Times = StreamName.Numbered("flow times", 731);
    public static readonly StreamName Base = StreamName.Numbered("flow base", 732);
    public static readonly StreamName Rows = StreamName.Numbered("flow rows", 733);
    public static readonly StreamName BaseRows = StreamName.Numbered("flow base rows", 734);
    public static readonly StreamName Pairs = StreamName.Numbered("flow pairs", 735);
    public static readonly StreamName Split = StreamName.Numbered("flow split", 736);
    public static readonly StreamName Validation = StreamName.Numbered("flow validation", 737);
    public static readonly StreamName Start = StreamName.Numbered("flow start", 738);
    public static readonly StreamName SdeNoise = StreamName.Numbered("flow sde noise", 739);
    public static readonly StreamName Probes = StreamName.Numbered("flow probes", 740);
    public static readonly StreamName Moments = StreamName.Numbered("flow moments", 741);
    public static readonly StreamName Importance = StreamName.Numbered("flow importance", 742);
    public static readonly StreamName PathNoise = StreamName.Numbered("flow path noise", 743);
    public static readonly StreamName Priming = StreamName.Numbered("flow priming", 744);
    public static readonly StreamName Coupling = StreamName.Numbered("flow coupling", 745);
    public static readonly StreamName RowNoise = StreamName.Numbered("flow row noise", 746);
}
