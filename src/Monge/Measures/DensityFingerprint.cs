using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Tells problems of one name apart: their formulas and their data show in values at a few positions, which are the same on every machine to the digits that
/// count here.
/// </summary>
internal static class DensityFingerprint
{
    private const int PositionsOfAScale = 2;
    private const string Digits = "E9";

    private static readonly double[] s_scales = [0.1, 1, 10];

    /// <summary>A short word of a density: equal for equal ones.</summary>
    public static string Of(Density density) => Word(Positions(density.Dimension).Select(position => density.LogDensityAt(position)[0]));

    /// <summary>A short word of an evolution, of its drift, diffusion, energies, initial law and observations: equal for equal ones.</summary>
    public static string Of(EvolutionProblem problem)
    {
        var (d, energy) = (problem.Dimension, problem.Energy);
        double[] positions = [.. Positions(d).SelectMany(p => p)];
        using var drift = new PointFunction(problem.Drift, d);
        return Word(
        [
            .. drift.At(positions),
            .. drift.At(positions, 0.7),
            .. problem.Diffusion.Matrix,
            .. PointFunction.At(problem.Initial.LogDensity, positions, d),
            .. energy?.Potential is { } potential ? PointFunction.At(potential, positions, d) : [],
            .. energy?.Interaction is { } interaction ? PointFunction.At(interaction, positions, d) : [],
            .. problem.Observations.SelectMany(o => PointFunction.At(o.LogLikelihood, positions, d).Prepend(o.Time)),
            .. energy is null ? Array.Empty<double>() : [energy.Temperature, energy.PorousFactor, energy.PorousExponent],
        ]);
    }

    private static IEnumerable<double[]> Positions(int d)
    {
        var random = new RandomStream(0, MeasureStreams.Fingerprint);
        return s_scales.SelectMany(scale => Enumerable.Range(0, PositionsOfAScale)
            .Select(_ => Enumerable.Range(0, d).Select(_ => scale * random.NextNormal()).ToArray())).ToArray();
    }

    private static string Word(IEnumerable<double> values)
    {
        var text = new StringBuilder();
        foreach (var value in values)
        {
            text.Append(value.ToString(Digits, CultureInfo.InvariantCulture)).Append(' ');
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
        return BinaryPrimitives.ReadUInt64BigEndian(hash).ToString("x16", CultureInfo.InvariantCulture);
    }
}
