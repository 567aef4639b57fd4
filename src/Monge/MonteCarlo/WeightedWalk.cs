using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>
/// Walkers along a path of densities exp(V_t) from t = 0 to 1 with log-weights since their start or last selection; for each n of them exp of these has the
/// mean of the ratio of the normalisers. Walkers that became uneven can be resampled among themselves on the way.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="walk">Moves them; disposed by its owner.</param>
/// <param name="weight">The state that holds what the steps add to a log-weight.</param>
/// <param name="values">
/// V_t [n] of the first n positions at a time, where weights are V_t less V at the start and the kernels' log-ratios; null where the state is the whole weight.
/// </param>
internal sealed class WeightedWalk<T>(ParticleWalk<T> walk, string weight, Func<NdArray<T>, int, double, double[]>? values = null)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Segments = 32;

    private double[] _reference = [];

    /// <summary>Carries walkers from t = 0 to 1.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="particles">Number n of walkers.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <param name="steps">Steps over [0, 1].</param>
    /// <param name="grid">The grid of the steps from the first to before the second number.</param>
    /// <param name="threshold">The effective sample size (fraction) below which walkers are resampled, at most between 32 segments; 0 for never.</param>
    /// <param name="resampling">The random stream of the resampling.</param>
    /// <param name="logNormaliser">What is added to all log-weights.</param>
    /// <returns>Positions and log-weights, which hold the normalisers of all resamplings, and how often walkers were resampled.</returns>
    public (WeightedParticles<T> Particles, int Resamplings) Carry(
        NdArray<T>? parameters, int particles, DrawKey draw, int steps, Func<int, int, TimeGrid> grid, double threshold, StreamName resampling,
        double logNormaliser)
    {
        var (n, resamplings, segments) = (particles, 0, threshold > 0 ? Math.Min(Segments, steps) : 1);
        walk.Start(parameters, n, draw);
        Refer(n, 0);
        for (var s = 0; s < segments; s++)
        {
            var (first, end) = ((int)((long)s * steps / segments), (int)((long)(s + 1) * steps / segments));
            walk.Advance(parameters, n, grid(first, end), draw with { Step = draw.Step + (ulong)first });
            if (s == segments - 1)
            {
                break;
            }

            var t = (double)end / steps;
            var now = LogWeights(n, t);
            if (now.All(double.IsNegativeInfinity))
            {
                return (new WeightedParticles<T>(walk.Positions, now), resamplings);
            }

            var weights = ImportanceWeights.FromLogWeights(now);
            if (weights.EffectiveSampleFraction >= threshold)
            {
                continue;
            }

            // A stream of its own for each group of walkers and each segment.
            var random = new RandomStream(draw.Seed ^ (0x9E3779B97F4A7C15UL * (ulong)((draw.FirstSample * Segments) + s + 1)), resampling);
            logNormaliser += weights.LogNormaliser;
            resamplings++;
            walk.Select(Resampling.Systematic([.. weights.Normalised], n, random), weight);
            Refer(n, t);
        }

        return (new WeightedParticles<T>(walk.Positions, [.. LogWeights(n, 1).Select(w => w + logNormaliser)]), resamplings);
    }

    private void Refer(int particles, double t) => _reference = values?.Invoke(walk.Positions, particles, t) ?? new double[particles];

    private double[] LogWeights(int particles, double t) =>
        WeightedParticles.LogWeights(values?.Invoke(walk.Positions, particles, t) ?? new double[particles], _reference, walk[weight]);
}
