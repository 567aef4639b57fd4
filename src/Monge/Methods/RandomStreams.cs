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
    public const int BentSearch = 20;
}
