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
/// The density at t = 1 of dX = f dt + sqrt(2 eps) dW by the Feynman-Kac formula (arXiv:2303.08797, theorem 2.22): rho(1, x) = E[exp(-int_0^1 div f(t, Y_t) dt)
/// rho_0(Y_0)], where Y walks from x at t = 1 back to 0 along the same f with noise sqrt(2 eps). The mean of the weights is unbiased up to the step; its
/// logarithm is biased downward by about half its relative variance.
/// </summary>
public sealed class FeynmanKacDensity : IDisposable
{
    private readonly ParticleWalk<double> _walk;
    private readonly Func<ReadOnlySpan<double>, double> _logBase;
    private readonly Dictionary<string, NdArray<double>> _bound = [];

    /// <summary>Compiles the walk.</summary>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">The forward drift f(x, t) [d].</param>
    /// <param name="logBase">The normalised log density of the base at a position [d].</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public FeynmanKacDensity(
        ParameterSet? parameters, IVectorField drift, Func<ReadOnlySpan<double>, double> logBase, int noiseStream, ExecutionOptions? options = null) =>
        (_walk, _logBase) = (FieldSde.Walk<double>(parameters, drift, SdeScheme.Heun, noiseStream, withDivergence: true, options), logBase);

    /// <summary>Binds a further input of the drift, such as a condition.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its values [n, k] at the positions.</param>
    public void Bind(string name, NdArray<double> values) => _bound[name] = values;

    /// <summary>Estimates the log density at positions.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="positions">The positions [n, d].</param>
    /// <param name="paths">Paths for each position, at least 2.</param>
    /// <param name="steps">Steps of a path.</param>
    /// <param name="diffusion">eps of the step between two times.</param>
    /// <param name="draw">The place in the random streams.</param>
    public DensityEstimate[] Evaluate(
        NdArray<double>? parameters, NdArray<double> positions, int paths, int steps, Func<double, double, double> diffusion, DrawKey draw)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(paths, 2);
        foreach (var (name, values) in _bound)
        {
            _walk.Bind(name, Repeated(values, paths));
        }

        var ends = _walk.Carry(parameters, Repeated(positions, paths), new TimeGrid(TimeGrid.EqualTimes(1, 0, steps), diffusion), draw);
        var divergence = _walk["divergence"];
        var estimates = new DensityEstimate[positions.Rows];
        var weights = new double[paths];
        for (var i = 0; i < estimates.Length; i++)
        {
            for (var k = 0; k < paths; k++)
            {
                // The integral was taken down in time, so its sign is that of the weight's exponent.
                weights[k] = _logBase(ends.Row((i * paths) + k)) + divergence[(i * paths) + k];
            }

            var top = weights.Max();
            var mean = weights.Average(w => Math.Exp(w - top));
            var square = weights.Average(w => Math.Exp(2 * (w - top)));
            estimates[i] = new DensityEstimate(top + Math.Log(mean), Math.Sqrt(Math.Max(0, (square / (mean * mean)) - 1) / (paths - 1)));
        }

        return estimates;
    }

    /// <inheritdoc/>
    public void Dispose() => _walk.Dispose();

    private static NdArray<double> Repeated(NdArray<double> rows, int times)
    {
        var result = new NdArray<double>(rows.Rows * times, rows.RowLength);
        for (var i = 0; i < result.Rows; i++)
        {
            rows.Row(i / times).CopyTo(result.Row(i));
        }

        return result;
    }
}
