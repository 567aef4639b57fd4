using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.MonteCarlo;

/// <summary>
/// The free energy F_t = -log Z_t of a path at equally spaced times, from kernel weights along it: each is an exact estimate with the delta method's error.
/// </summary>
internal static class FreeEnergyProfile
{
    /// <summary>Segments of a path, at whose ends particles are weighed; a walk takes at least as many steps.</summary>
    public const int Segments = 32;

    /// <summary>Carries particles along a path and weighs them at the end of each of 32 segments; ends early where all weights vanish.</summary>
    /// <param name="sde">The walk with the state "gain" (<see cref="TransportSde.Forward"/>).</param>
    /// <param name="parameters">The drift's parameters [P].</param>
    /// <param name="seed">The seed.</param>
    /// <param name="steps">Steps over [0, 1], at least as many as segments.</param>
    /// <param name="grid">The grid of the steps from the first to before the second number.</param>
    /// <param name="values">V_t [n] at positions at a time.</param>
    /// <param name="offset">What log Z_t has besides the normaliser of V_t.</param>
    public static IReadOnlyList<FreeEnergyPoint> Along<T>(
        ParticleWalk<T> sde, NdArray<T> parameters, ulong seed, int steps, Func<int, int, TimeGrid> grid, Func<NdArray<T>, int, double, double[]> values,
        Func<double, double> offset)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var n = sde.Capacity;
        var profile = new List<FreeEnergyPoint> { new(0, 0, 0) };
        sde.Start(parameters, n, new DrawKey(seed));
        var start = values(sde.Positions, n, 0);
        for (var (s, first) = (1, 0); s <= Segments; s++)
        {
            var end = (int)((long)s * steps / Segments);
            sde.Advance(parameters, n, grid(first, end), new DrawKey(seed, (ulong)first));
            var t = (double)end / steps;
            var logWeights = WeightedParticles.LogWeights(values(sde.Positions, n, t), start, sde["gain"]);
            if (logWeights.All(double.IsNegativeInfinity))
            {
                break;
            }

            var weights = ImportanceWeights.FromLogWeights(logWeights);
            profile.Add(new FreeEnergyPoint(t, -(weights.LogNormaliser + offset(t)), weights.LogNormaliserError));
            first = end;
        }

        return profile;
    }
}
