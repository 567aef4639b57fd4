namespace Monge.Engine.Execution;

/// <summary>The kernels of a tile with a certain number of lanes.</summary>
internal sealed class TileBody
{
    public required int Lanes { get; init; }

    public required long ArenaSize { get; init; }

    public int TableBytes { get; set; }

    public List<TileKernel> Kernels { get; } = [];

    public List<(string Name, LoadKernel Kernel)> Loads { get; } = [];

    public List<(string Name, StoreKernel Kernel)> Stores { get; } = [];

    public List<FeedbackKernel> Feedbacks { get; } = [];

    /// <summary>Whether its runs are worth sharing among threads.</summary>
    public ThreadChoice Choice { get; } = new();
}
