using Monge.Engine.LinearAlgebra;

namespace Monge.Methods;

/// <summary>
/// The gradient flow that a network would follow if its tangent kernel stayed what it is: de/dt = -(1/n) K e, exactly at any time. At infinite time it is
/// kernel regression without a ridge; networks in the scale of the tangent kernel approach it as they widen (A. Jacot, F. Gabriel,
/// C. Hongler, arXiv:1806.07572).
/// </summary>
public sealed class LinearisedFlow
{
    private readonly double[] _rates;
    private readonly double[] _first;
    private readonly double[] _beside;
    private readonly int _n;
    private readonly int _p;

    /// <summary>Makes the flow from a tangent kernel and the residuals at time 0.</summary>
    /// <param name="kernel">K at n data points and all points, such as <see cref="TangentKernel.Of"/> of the start.</param>
    /// <param name="residuals">f(x_a) - y_a [n] at time 0.</param>
    /// <exception cref="ArgumentException">The residuals are of another number, or K isn't positive definite.</exception>
    public LinearisedFlow(TangentKernelValues kernel, double[] residuals)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(residuals);
        (_n, _p) = (kernel.Count, kernel.Points - kernel.Count);
        if (residuals.Length != _n)
        {
            throw new ArgumentException($"There are {residuals.Length} residuals; the kernel has {_n} data points.", nameof(residuals));
        }

        var eigen = SymmetricEigen.Decompose(kernel.Square(), _n);
        if (!(eigen.Values[0] > 0))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The tangent kernel's smallest eigenvalue is {eigen.Values[0]:g3}, so that its flow doesn't reach every target; drop repeated points."),
                nameof(kernel));
        }

        _rates = [.. eigen.Values.Select(value => value / _n)];
        _first = HostMatrices.Product(residuals, eigen.Vectors, 1, _n, _n);
        _beside = _p == 0 ? [] : HostMatrices.Product(HostMatrices.Transposed(eigen.Vectors, _n, _n), kernel.Beside(), _n, _n, _p);
    }

    /// <summary>L at a time.</summary>
    /// <param name="time">The time, at least 0.</param>
    public double Loss(double time) => _rates.Zip(_first, (rate, e) => e * e * Math.Exp(-2 * rate * time)).Sum() / (2 * _n);

    /// <summary>The time at which L has come down to a level.</summary>
    /// <param name="loss">The level, above 0.</param>
    public double TimeOfLoss(double loss)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(loss);
        var (early, late) = (0.0, 1.0);
        while (Loss(late) > loss)
        {
            (early, late) = (late, 2 * late);
        }

        while (late - early > 1e-12 * late)
        {
            var middle = 0.5 * (early + late);
            (early, late) = Loss(middle) > loss ? (middle, late) : (early, middle);
        }

        return late;
    }

    /// <summary>What f has gained at the points beside the data.</summary>
    /// <param name="time">The time, at least 0; infinite for regression without a ridge.</param>
    /// <returns>f(x, time) - f(x, 0) [N - n].</returns>
    public double[] Gain(double time)
    {
        double[] weights = [.. _rates.Zip(_first, (rate, e) => -e * (1 - Math.Exp(-rate * time)) / (rate * _n))];
        return HostMatrices.Product(weights, _beside, 1, _n, _p);
    }
}
