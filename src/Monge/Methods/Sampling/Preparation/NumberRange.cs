using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>Whether positions of a target can be told apart, and its values and slopes held, in single precision.</summary>
internal static class NumberRange
{
    private const int Draws = 256;

    // A float32 has 24 bits: so far from zero neighbouring numbers are a thousandth of a deviation apart.
    private const double Farthest = (1 << 24) / 1024.0;
    private const double LeastBeyond = 0.01;

    /// <summary>Why a target needs double precision, in words; null if it doesn't.</summary>
    /// <param name="target">The density, whose base says where its mass lies.</param>
    public static string? NeedsDouble(Density target)
    {
        var suggestion = target.Base;
        var reported = target.ReportAt(suggestion.ToGaussian().Sample(Draws, new RandomStream(0, SamplingStreams.NumberRange)));
        if (reported.Length == Draws * target.Names.Count && reported.All(double.IsFinite))
        {
            var rows = MomentTable.Compute(reported, target.Names.Count, new double[Draws], target.Names).Rows;
            if (rows.FirstOrDefault(r => r.StandardDeviation > 0 && Math.Abs(r.Mean) > Farthest * r.StandardDeviation) is { } far)
            {
                return Told(far.Name, Math.Abs(far.Mean) / far.StandardDeviation);
            }
        }

        var laws = (suggestion.Modes?.Modes ?? []).Select(m => (m.Position, (double[])[.. m.Gaussian.StandardDeviation]))
            .Prepend((suggestion.Center, suggestion.Scale));
        foreach (var (centre, deviation) in laws)
        {
            for (var i = 0; i < centre.Length; i++)
            {
                var ratio = Math.Abs(centre[i]) / deviation[i];
                if (ratio > Farthest)
                {
                    var name = target.Names.Count == centre.Length ? target.Names[i] : $"unconstrained coordinate {i}";
                    return Told(name, ratio);
                }
            }
        }

        return DensityGuard.ShareBeyondSingle(target) is var beyond and > LeastBeyond
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"in double precision, as the density or its gradient leaves the range of single precision at {beyond:P0} of the places looked at")
            : null;
    }

    private static string Told(string name, double ratio) => string.Create(
        CultureInfo.InvariantCulture,
        $"in double precision, as {name} lies {ratio:g2} of its deviations from zero and single precision can't tell such numbers apart");
}
