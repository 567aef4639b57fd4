using Monge.Engine.Arrays;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Looks for bent coordinates in which a target is nearly normal, by adaptive importance sampling alone: draw from the image of a widened normal law under the
/// present map, weight, flatten the weights until enough draws count, fit the next map to them (Koblents and Miguez, "A population Monte Carlo scheme with
/// transformed weights", 2015, with a triangular map in place of a Gaussian). Where scales differ by orders of magnitude, as in a funnel, Langevin steps of one
/// size fail at one end, and this doesn't.
/// </summary>
internal static class BentSearch
{
    private const int Samples = 8192;
    private const int Rounds = 30;
    private const int Patience = 8;
    private const double Widening = 1.2;
    private const double Even = 0.5;

    /// <summary>The best map found and the effective sample size (fraction) of its weights; null if no round had enough draws that count.</summary>
    /// <param name="plain">Coordinates y without a bend, in which the search starts from the standard normal.</param>
    /// <param name="inflation">What the standard deviations of the map found are multiplied by.</param>
    /// <param name="run">Seed and threads; cancellation stops between two rounds.</param>
    public static (TriangularMap Map, double Ess)? Find(TransportProblem plain, double inflation, Run run)
    {
        var d = plain.Base.Dimension;
        var random = new RandomStream(run.Seed, SamplingStreams.BentSearch);
        using var evaluation = new TargetEvaluation(plain, run.Execution);
        var positions = new NdArray<double>(Samples, d);
        var (noise, position, log) = (new double[d], new double[d], new double[Samples]);
        TriangularMap? map = null;
        (TriangularMap Map, double Ess)? best = null;
        var last = 0;
        for (var round = 0; round < Rounds && round - last <= Patience; round++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            for (var s = 0; s < Samples; s++)
            {
                log[s] = 0;
                for (var i = 0; i < d; i++)
                {
                    noise[i] = random.NextNormal();
                    log[s] += 0.5 * noise[i] * noise[i];
                }

                noise.CopyTo(position, 0);
                log[s] += map?.Apply(noise, position) ?? 0;
                position.CopyTo(positions.Row(s));
            }

            var values = evaluation.At(positions, Samples).LogTarget;
            for (var s = 0; s < Samples; s++)
            {
                log[s] = double.IsFinite(values[s] + log[s]) ? values[s] + log[s] : double.NegativeInfinity;
            }

            if (AdaptiveMoments.Temper(log, Math.Max(200, 20 * d)) is not { } tempered)
            {
                break;
            }

            var draws = positions.Span.ToArray();
            map = TriangularMap.TryFit(draws, tempered.Weights, d, Widening, worth: 0);
            if (map is null)
            {
                break;
            }

            if (tempered.Power == 1 && tempered.Effective / Samples > (best?.Ess ?? 0)
                && TriangularMap.TryFit(draws, tempered.Weights, d, inflation) is { } found)
            {
                // A gain of less than a tenth doesn't keep the search alive.
                last = tempered.Effective / Samples > 1.1 * (best?.Ess ?? 0) ? round : last;
                best = (found, tempered.Effective / Samples);
            }
            else if (best?.Ess > Even)
            {
                break;
            }
            else if (tempered.Power < 1)
            {
                last = best is null ? round : last;
            }
        }

        return best;
    }
}
