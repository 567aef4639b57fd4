using System.Numerics;
using Monge.Engine.Arrays;

namespace Monge.Dynamics;

/// <summary>Particles at t = 1 with their log-weights.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Positions">[n, d].</param>
/// <param name="LogWeights">[n]; minus infinity for a particle that was lost.</param>
public sealed record WeightedParticles<T>(NdArray<T> Positions, double[] LogWeights)
    where T : unmanaged, IFloatingPointIeee754<T>;

/// <summary>Log-weights of transported particles.</summary>
public static class WeightedParticles
{
    /// <summary>log rho(x_1) - log p0(x_0) + gain for each particle; minus infinity where that isn't finite (a lost particle weighs nothing).</summary>
    /// <param name="logTarget">log rho at the ends [n].</param>
    /// <param name="logBase">log p0 at the starts [n].</param>
    /// <param name="gains">The accumulated divergences or kernel log-ratios, n or more.</param>
    public static double[] LogWeights<T>(double[] logTarget, double[] logBase, NdArray<T> gains)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var weights = new double[logTarget.Length];
        for (var i = 0; i < weights.Length; i++)
        {
            var weight = logTarget[i] - logBase[i] + double.CreateChecked(gains[i]);
            weights[i] = double.IsFinite(weight) ? weight : double.NegativeInfinity;
        }

        return weights;
    }
}
