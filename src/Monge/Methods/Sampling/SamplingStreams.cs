using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>The random streams of sampling methods.</summary>
internal static class SamplingStreams
{
    public static readonly StreamName Batch = StreamName.Numbered("batch", 2);
    public static readonly StreamName Probes = StreamName.Numbered("probes", 3);
    public static readonly StreamName WalkerStart = StreamName.Numbered("walker start", 4);
    public static readonly StreamName WalkerNoise = StreamName.Numbered("walker noise", 5);
    public static readonly StreamName PreparationStart = StreamName.Numbered("preparation start", 6);
    public static readonly StreamName PreparationNoise = StreamName.Numbered("preparation noise", 7);
    public static readonly StreamName SampleStart = StreamName.Numbered("sample start", 8);
    public static readonly StreamName SampleNoise = StreamName.Numbered("sample noise", 9);
    public static readonly StreamName CheckNoise = StreamName.Numbered("check noise", 10);
    public static readonly StreamName CheckAcceptance = StreamName.Numbered("check acceptance", 11);
    public static readonly StreamName ExactDraws = StreamName.Numbered("exact draws", 12);
    public static readonly StreamName BackwardNoise = StreamName.Numbered("backward noise", 13);
    public static readonly StreamName Resampling = StreamName.Numbered("resampling", 14);
    public static readonly StreamName RefineNoise = StreamName.Numbered("refine noise", 15);
    public static readonly StreamName RefineAcceptance = StreamName.Numbered("refine acceptance", 16);
    public static readonly StreamName BentSearch = StreamName.Numbered("bent search", 20);
    public static readonly StreamName ControlledStart = StreamName.Numbered("controlled start", 30);
    public static readonly StreamName ControlledNoise = StreamName.Numbered("controlled noise", 31);
    public static readonly StreamName GridTimes = StreamName.Numbered("grid times", 60);
    public static readonly StreamName ReplayChoice = StreamName.Numbered("replay choice", 61);
    public static readonly StreamName ReplaySpread = StreamName.Numbered("replay spread", 62);
    public static readonly StreamName IslandResampling = StreamName.Numbered("island resampling", 63);
    public static readonly StreamName ProfileStart = StreamName.Numbered("profile start", 64);
    public static readonly StreamName ProfileNoise = StreamName.Numbered("profile noise", 65);
    public static readonly StreamName PilotStart = StreamName.Numbered("pilot start", 66);
    public static readonly StreamName PilotNoise = StreamName.Numbered("pilot noise", 67);
    public static readonly StreamName SampleMomenta = StreamName.Numbered("sample momenta", 68);
    public static readonly StreamName NumberRange = StreamName.Of("number range");
    public static readonly StreamName JkoStart = StreamName.Of("jko sampler start");
    public static readonly StreamName JkoGauge = StreamName.Of("jko sampler gauge");
    public static readonly StreamName JkoValidation = StreamName.Of("jko sampler validation");
    public static readonly StreamName JkoPreparation = StreamName.Of("jko sampler preparation");
}
