namespace Monge.Tests.OptimalTransport;

/// <summary>Exact samples for the tests of distances and diagnostics.</summary>
internal static class Gaussians
{
    public static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    public static double[] Standard(int count, int dimension, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count * dimension).Select(_ => Normal(random))];
    }

    /// <summary>Nine equal Gaussians of variance 0.3 at {-5, 0, 5}^2.</summary>
    public static double[] NineModes(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, 2 * count).Select(_ => 5.0 * (random.Next(3) - 1) + Math.Sqrt(0.3) * Normal(random))];
    }
}
