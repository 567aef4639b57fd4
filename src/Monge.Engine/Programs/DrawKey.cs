using Monge.Engine.Random;

namespace Monge.Engine.Programs;

/// <summary>
/// The place of a call in the random streams: sample i of the call is sample <c>FirstSample + i</c> of step <c>Step</c> of the streams of <c>Seed</c>.
/// </summary>
/// <param name="Seed">The seed.</param>
/// <param name="Step">The step.</param>
/// <param name="FirstSample">The number of the call's first sample.</param>
public readonly record struct DrawKey(ulong Seed, ulong Step = 0, long FirstSample = 0)
{
    internal unsafe double[] Draw(RandomLaw law, int stream, int sample, int elements)
    {
        var values = new double[elements];
        fixed (double* p = values)
        {
            Fill(law, stream, p, elements, 1, FirstSample + sample, 1, Step);
        }

        return values;
    }

    internal unsafe void Fill<T>(RandomLaw law, int stream, T* to, int elements, int stride, long sample, int lanes, ulong step)
        where T : unmanaged
    {
        var tiles = law switch
        {
            RandomLaw.Uniform => TileLaw.Uniform,
            RandomLaw.Normal => TileLaw.Normal,
            RandomLaw.Rademacher => TileLaw.Rademacher,
            RandomLaw.Exponential => TileLaw.Exponential,
            _ => throw new ArgumentOutOfRangeException(nameof(law)),
        };
        TileRandom.Fill(tiles, to, elements, stride, sample, lanes, Seed, (uint)stream, step);
    }
}
