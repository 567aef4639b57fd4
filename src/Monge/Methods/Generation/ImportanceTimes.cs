using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>
/// Times under a density proportional to the root of the mean squared residual, which the spread of a gradient follows, mixed with a uniform one; each time has the weight
/// 1 / density, so the objective stays the same.
/// </summary>
internal sealed class ImportanceTimes(ulong seed)
{
    public const int Bins = 32;
    private const double Memory = 0.99;
    private const double UniformShare = 0.3;

    private readonly double[] _density = new double[Bins];
    private readonly double[] _sum = new double[Bins];
    private readonly int[] _count = new int[Bins];

    /// <summary>Draws stratified times in (0, 1) with their weights.</summary>
    /// <param name="spread">The mean squared residual of each bin.</param>
    /// <param name="times">Receives times [n].</param>
    /// <param name="weights">Receives weights [n].</param>
    /// <param name="step">The step.</param>
    public void Draw(double[] spread, Span<float> times, Span<float> weights, long step)
    {
        var random = new RandomStream(new RandomState(new RandomKey(seed, GenerationStreams.Importance).PhiloxKey, (ulong)step << 32));
        var total = spread.Sum(Math.Sqrt);
        for (var k = 0; k < Bins; k++)
        {
            _density[k] = UniformShare + ((1 - UniformShare) * Bins * Math.Sqrt(spread[k]) / total);
        }

        var (bin, below) = (0, 0.0);
        for (var i = 0; i < times.Length; i++)
        {
            var level = (i + random.NextDouble()) / times.Length * Bins;
            while (bin < Bins - 1 && below + _density[bin] < level)
            {
                below += _density[bin++];
            }

            times[i] = (float)Math.Clamp((bin + ((level - below) / _density[bin])) / Bins, 0, 1);
            weights[i] = (float)(1 / _density[bin]);
        }
    }

    /// <summary>Follows the residuals of a step.</summary>
    public void Observe(double[] spread, ReadOnlySpan<float> times, ReadOnlySpan<float> residuals)
    {
        Array.Clear(_sum);
        Array.Clear(_count);
        for (var i = 0; i < times.Length; i++)
        {
            var bin = Math.Min(Bins - 1, (int)(times[i] * Bins));
            _sum[bin] += residuals[i];
            _count[bin]++;
        }

        for (var k = 0; k < Bins; k++)
        {
            spread[k] = _count[k] == 0 ? spread[k] : (Memory * spread[k]) + ((1 - Memory) * _sum[k] / _count[k]);
        }
    }
}
