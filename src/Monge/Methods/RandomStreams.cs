namespace Monge.Methods;

/// <summary>The random streams of a seed, one for each purpose.</summary>
internal static class RandomStreams
{
    public const int Parameters = 1;
    public const int Batch = 2;
    public const int Probes = 3;
    public const int WalkerStart = 4;
    public const int WalkerNoise = 5;
    public const int PreparationStart = 6;
    public const int PreparationNoise = 7;
    public const int SampleStart = 8;
    public const int SampleNoise = 9;
    public const int CheckNoise = 10;
    public const int CheckAcceptance = 11;
    public const int ExactDraws = 12;
    public const int BackwardNoise = 13;
    public const int Resampling = 14;
    public const int RefineNoise = 15;
    public const int RefineAcceptance = 16;
    public const int DistanceDraws = 17;
    public const int DistanceResampling = 18;
    public const int Projections = 19;
    public const int BentSearch = 20;
    public const int ControlledStart = 30;
    public const int ControlledNoise = 31;
    public const int GridTimes = 60;
    public const int ReplayChoice = 61;
    public const int ReplaySpread = 62;
    public const int IslandResampling = 63;
    public const int ProfileStart = 64;
    public const int ProfileNoise = 65;
    public const int PilotStart = 66;
    public const int PilotNoise = 67;
    public const int SampleMomenta = 68;
    public const int DataSetDraws = 760;
    public const int TableSplits = 761;
    public const int ClassifierBatches = 762;
    public const int ClassifierSplit = 763;
    public const int MixtureStart = 764;
    public const int TableHalves = 765;
    public const int FlowNoise = 730;
    public const int FlowTimes = 731;
    public const int FlowBase = 732;
    public const int FlowRows = 733;
    public const int FlowBaseRows = 734;
    public const int FlowPairs = 735;
    public const int FlowSplit = 736;
    public const int FlowValidation = 737;
    public const int FlowStart = 738;
    public const int FlowSdeNoise = 739;
    public const int FlowProbes = 740;
    public const int FlowMoments = 741;
    public const int FlowImportance = 742;
    public const int FlowPathNoise = 743;
    public const int FlowPriming = 744;
    public const int FlowCoupling = 745;
}
