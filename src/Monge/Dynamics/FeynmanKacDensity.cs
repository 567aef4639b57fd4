using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>A log density estimated at a position.</summary>
/// <param name="LogDensity">The logarithm of the mean weight.</param>
/// <param name="StandardError">Its standard error, the relative error of the mean weight.</param>
public readonly record struct DensityEstimate(double LogDensity, double StandardError);

/// <summary>
/// The density at t = 1 of dX = f dt + sqrt(2 eps) dW by the Feynman-Kac formula (arXiv:2303.08797, section 2.5): rho(1, x) = E[exp(-int_0^1 div f(t, Y_t) dt) rho_0(Y_0)], where Y walks
/// from x at t = 1 back to 0 along the same f with noise sqrt(2 eps). The mean of the weights is unbiased up to the step; its logarithm is a lower bound in mean.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class FeynmanKacDensity<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly FieldSde<T> _walk;
    private readonly CompiledProgram<T> _base;

    /// <summary>Compiles the walk.</summary>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">The forward drift f(x, t) [d].</param>
    /// <param name="logBase">The normalised log density of the base at a position [d].</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public FeynmanKacDensity(ParameterSet? parameters, IVectorField drift, Func<Expr, Expr> logBase, int noiseStream, ExecutionOptions? options = null)
    {
        _walk = new FieldSde<T>(parameters, drift, SdeScheme.Heun, noiseStream, withDivergence: true, options);
        _base = new CompiledProgram<T>(new TracedProgram(null, ("log", logBase(Expr.Input("x", drift.Dimension)))), options);
    }

    /// <summary>Estimates the log density at positions.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="positions">The positions [n, d].</param>
    /// <param name="paths">Paths for each position, at least 2.</param>
    /// <param name="steps">Steps of a path.</param>
    /// <param name="diffusion">eps of the step between two times.</param>
    /// <param name="draw">The place in the random streams.</param>
    public DensityEstimate[] Evaluate(NdArray<T>? parameters, NdArray<T> positions, int paths, int steps, Func<double, double, double> diffusion, DrawKey draw)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(paths, 2);
        var (n, d) = (positions.Rows, _walk.Dimension);
        var starts = new NdArray<T>(n * paths, d);
        for (var i = 0; i < n * paths; i++)
        {
            positions.Row(i / paths).CopyTo(starts.Row(i));
        }

        var (ends, divergence) = _walk.Run(parameters, starts, FieldSde<T>.EqualTimes(1, 0, steps), diffusion, draw);
        var logs = new NdArray<T>(n * paths);
        (_base["x"], _base["log"]) = (ends, logs);
        _base.Run(n * paths);
        var estimates = new DensityEstimate[n];
        for (var i = 0; i < n; i++)
        {
            // The integral was taken down in time, so its sign is that of the weight's exponent.
            double[] weights = [.. Enumerable.Range(i * paths, paths).Select(k => double.CreateChecked(logs[k]) + double.CreateChecked(divergence![k]))];
            var top = weights.Max();
            var mean = weights.Average(w => Math.Exp(w - top));
            var square = weights.Average(w => Math.Exp(2 * (w - top)));
            estimates[i] = new DensityEstimate(top + Math.Log(mean), Math.Sqrt(Math.Max(0, (square / (mean * mean)) - 1) / (paths - 1)));
        }

        return estimates;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _walk.Dispose();
        _base.Dispose();
    }
}
