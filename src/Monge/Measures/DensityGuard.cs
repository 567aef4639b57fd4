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
    private const int DrawsOfAMode = 64;
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
        var (d, positions) = (density.Dimension, Positions(density));
        var values = UsableValues<T>(density, positions, options);
        var best = Enumerable.Range(0, values.Length).Aggregate(-1, (k, i) => values[i] is { } value && (k < 0 || value > values[k]) ? i : k);
        var (outside, outsideBase) = (values.Take(2 * Draws).Count(v => v is null), values.Take(Draws).Count(v => v is null));
        return best >= 0 && (always || outside > 0)
            ? new DensityGuard(positions[(best * d)..((best + 1) * d)], values[best]!.Value - Depth - (2 * d), (double)outsideBase / Draws)
            : null;
    }

    /// <summary>
    /// The share of draws from the base and about the modes at which a density and its gradient are finite in double precision but not in single.
    /// </summary>
    /// <param name="density">The density.</param>
    public static double ShareBeyondSingle(Density density)
    {
        var positions = Positions(density);
        var single = UsableValues<float>(density, positions, new ExecutionOptions());
        if (single.All(v => v is not null))
        {
            return 0;
        }

        var both = UsableValues<double>(density, positions, new ExecutionOptions()).Zip(single);
        return both.Average(v => v.First is not null && v.Second is null ? 1.0 : 0);
    }

    // Draws from the base, the same widened, its centre, the modes, and draws about these.
    private static double[] Positions(Density density)
    {
        var (suggestion, random) = (density.Base, new RandomStream(0, MeasureStreams.Guard));
        var modes = suggestion.Modes?.Modes ?? [];
        return
        [
            .. suggestion.ToGaussian().Sample(Draws, random), .. suggestion.ToGaussian(Widening).Sample(Draws, random), .. suggestion.Center,
            .. modes.SelectMany(m => m.Position), .. modes.Count > 1 ? modes.SelectMany(m => m.Gaussian.Sample(DrawsOfAMode, random)) : [],
        ];
    }

    // The values at positions [n, d] at which they and the gradient are finite; null at the others.
    private static double?[] UsableValues<T>(Density density, double[] positions, ExecutionOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var d = density.Dimension;
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
        var usable = new double?[n];
        for (var i = 0; i < n; i++)
        {
            var finite = double.CreateChecked(T.Abs(values[i])) < Infinite;
            foreach (var slope in gradients.Row(i))
            {
                finite &= T.IsFinite(slope);
            }

            usable[i] = finite ? double.CreateChecked(values[i]) : null;
        }

        return usable;
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
