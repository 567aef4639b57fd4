using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Tells densities of one name apart: their formula and their data show in the values of log rho at a few positions, which are the same on every machine to
/// the digits that count here.
/// </summary>
internal static class DensityFingerprint
{
    private const int PositionsOfAScale = 2;
    private const string Digits = "E9";

    private static readonly double[] s_scales = [0.1, 1, 10];

    /// <summary>A short word of a density: equal for equal ones.</summary>
    public static string Of(Density density)
    {
        var random = new RandomStream(0, MeasureStreams.Fingerprint);
        var text = new StringBuilder();
        foreach (var scale in s_scales)
        {
            for (var k = 0; k < PositionsOfAScale; k++)
            {
                double[] position = [.. Enumerable.Range(0, density.Dimension).Select(_ => scale * random.NextNormal())];
                text.Append(density.LogDensityAt(position)[0].ToString(Digits, CultureInfo.InvariantCulture)).Append(' ');
            }
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
        return BinaryPrimitives.ReadUInt64BigEndian(hash).ToString("x16", CultureInfo.InvariantCulture);
    }
}
