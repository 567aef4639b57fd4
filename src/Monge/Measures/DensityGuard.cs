using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Stands between a sampler and a density that is zero, or not finite in the number format, in some places: behind a wall of minus infinity, beyond the places
/// where exponentials underflow, where a formula has no value. There the density is a low constant without a score, so that nothing that is not finite enters
/// a path, a loss or a derivative. Weights are always those of the density itself.
/// </summary>
/// <param name="Position">A position [d] where all is finite; formulas are evaluated there in place of the others.</param>
/// <param name="Low">The log density that stands for all lower ones.</param>
/// <param name="Share">The share of the draws from the density's base at which it is zero or not finite.</param>
internal sealed record DensityGuard(double[] Position, double Low, double Share)
{
    // Squares of larger values and slopes overflow in float32.
    private const double Largest = 1e15;

    // No log density is so large; some write it for minus infinity.
    private const double Infinite = 1e30;
    private const int Draws = 1024;
    private const double Widening = 3;
    private const double Depth = 50;

    /// <summary>The guard of a density that needs one; null if it has finite values and gradients at all draws from its base, or nowhere.</summary>
    /// <param name="density">The density.</param>
    /// <param name="always">Whether to make one in any case.</param>
    /// <param name="options">How to execute.</param>
    /// <typeparam name="T">The number format.</typeparam>
    public static DensityGuard? TryFind<T>(Density density, bool always, ExecutionOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (d, suggestion, random) = (density.Dimension, density.Base, new RandomStream(0, MeasureStreams.Guard));
        double[] positions =
        [
            .. suggestion.ToGaussian().Sample(Draws, random), .. suggestion.ToGaussian(Widening).Sample(Draws, random), .. suggestion.Center,
            .. suggestion.Modes?.Modes.SelectMany(m => m.Mode) ?? [],
        ];
        var (n, x) = (positions.Length / d, Expr.Input("x", d));
        var value = density.LogDensity(x);
        using var program = new CompiledProgram<T>(new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, x))), options);
        var (inputs, values, gradients) = (new NdArray<T>(n, d), new NdArray<T>(n), new NdArray<T>(n, d));
        for (var at = 0; at < positions.Length; at++)
        {
            inputs[at] = T.CreateChecked(positions[at]);
        }

        program.BindIfUsed("x", inputs);
        (program["value"], program["gradient"]) = (values, gradients);
        program.Run(n);
        var (best, outside, outsideBase) = (-1, 0, 0);
        for (var i = 0; i < n; i++)
        {
            var finite = double.CreateChecked(T.Abs(values[i])) < Infinite;
            foreach (var slope in gradients.Row(i))
            {
                finite &= T.IsFinite(slope);
            }

            best = finite && (best < 0 || values[i] > values[best]) ? i : best;
            outside += finite || i >= 2 * Draws ? 0 : 1;
            outsideBase += finite || i >= Draws ? 0 : 1;
        }

        return best >= 0 && (always || outside > 0)
            ? new DensityGuard(positions[(best * d)..((best + 1) * d)], double.CreateChecked(values[best]) - Depth - (2 * d), (double)outsideBase / Draws)
            : null;
    }

    /// <summary>1 where the log density and its gradient are finite, else 0.</summary>
    /// <param name="logDensity">The log density of a position [d].</param>
    /// <param name="x">The position [d].</param>
    public static Expr IsUsable(Func<Expr, Expr> logDensity, Expr x)
    {
        var position = x.StopGradient();
        var value = logDensity(position);
        var slopes = Derivative.Gradient(value, position);
        return value.Abs().Less(Largest) * slopes.Abs().Less(Largest).Sum().Greater(x.Size - 0.5);
    }

    /// <summary>The guarded log density, a scalar.</summary>
    /// <param name="logDensity">The log density of a position [d].</param>
    /// <param name="x">The position [d].</param>
    public Expr LogDensity(Func<Expr, Expr> logDensity, Expr x)
    {
        // Where the density can't be used even its derivatives are taken elsewhere: zero times what is not finite would be not finite.
        var usable = IsUsable(logDensity, x);
        var position = Expr.Select(usable, x, Expr.Constant(Position, x.Size));
        return Expr.Select(usable, logDensity(position), Low);
    }
}
