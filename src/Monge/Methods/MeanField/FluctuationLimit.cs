using Monge.Dynamics;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.References;

namespace Monge.Methods;

/// <summary>
/// What the dynamical central limit theorem says of networks of m neurons on their way: m E |f_m - f|^2 tends to the fluctuation E |g|^2, norms being those of
/// the data, and it would be the resampling error if neurons were drawn anew at each time.
/// </summary>
/// <param name="Times">The times.</param>
/// <param name="Loss">L of the mean field at each.</param>
/// <param name="Fluctuation">E |g_t|^2.</param>
/// <param name="Resampling">E |gbar_t|^2 = E |phi(theta_t, .)|^2 - |f_t|^2.</param>
public sealed record FluctuationCurve(double[] Times, double[] Loss, double[] Fluctuation, double[] Resampling);

/// <summary>A smooth unit s(x.z) with its derivatives.</summary>
/// <param name="Value">s.</param>
/// <param name="Slope">s'.</param>
/// <param name="Curvature">s''.</param>
public sealed record SmoothUnit(Func<double, double> Value, Func<double, double> Slope, Func<double, double> Curvature)
{
    /// <summary>The hyperbolic tangent.</summary>
    public static SmoothUnit Tanh { get; } = new(
        Math.Tanh, u => 1 - (Math.Tanh(u) * Math.Tanh(u)), u => -2 * Math.Tanh(u) * (1 - (Math.Tanh(u) * Math.Tanh(u))));
}

/// <summary>
/// The dynamical central limit theorem for shallow networks on data (Z. Chen, G. Rotskoff, J. Bruna and E. Vanden-Eijnden, arXiv:2008.09623): the fluctuation g
/// of f_m = f + m^(-1/2) g is the average of one function for each neuron, its influence, by
/// <code>
/// g_t(x) + int_0^t int Gamma_ts(x, x') g_s(x') nu(dx') ds = gbar_t(x),                                                                               (1)
/// Gamma_ts(x, x') = E grad phi(theta_t, x) . J_ts grad phi(theta_s, x'),    dJ_ts/dt = -Hess V(theta_t) J_ts,    J_ss = I,                           (2)
/// </code>
/// gbar being what neurons moved by the mean field alone make of the chance of their start.
/// </summary>
public static class FluctuationLimit
{
    // Rows of Gamma between which it can be stopped: enough for a product that packs its factor again for each.
    private const int RowsAtOnce = 512;

    /// <summary>
    /// The limit with fixed features, of which only the output weights are trained: dr/dt = -K r for the residuals and, for a neuron with the features Phi and
    /// the weight c at the start, exp(-K t) (c Phi - f_0) - int_0^t exp(-K (t - s)) (Phi Phi^T / n - K) exp(-K s) r_0 ds, in closed form by K's eigenvectors.
    /// </summary>
    /// <param name="features">Phi [M, n], row-major, of many neurons drawn from the start: their averages stand for expectations.</param>
    /// <param name="outputs">c [M].</param>
    /// <param name="targets">y [n].</param>
    /// <param name="times">Times, at least 0.</param>
    /// <exception cref="ArgumentException">The features don't fit the weights and targets.</exception>
    public static FluctuationCurve OfFixedFeatures(double[] features, double[] outputs, double[] targets, double[] times)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(outputs);
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(times);
        var (count, n) = (outputs.Length, targets.Length);
        if (count == 0 || features.Length != (long)count * n)
        {
            throw new ArgumentException($"{features.Length} features don't fit {count} neurons on {n} points.", nameof(features));
        }

        var kernel = new double[n * n];
        HostProduct.Multiply(features, features, kernel, n, count, n, isLeftTransposed: true);
        var mean = new double[n];
        for (var j = 0; j < count; j++)
        {
            HostVectors.AddScaled(outputs[j] / count, features.AsSpan(j * n, n), mean);
        }

        var eigen = SymmetricEigen.Decompose([.. kernel.Select(v => v / count / n)], n);
        var (rates, basis) = (eigen.Values, Basis(eigen.Vectors, n));
        double[] start = Turned(mean), residual = Turned([.. mean.Zip(targets, (f, y) => f - y)]), target = Turned(targets);
        var turned = new double[features.Length];
        HostProduct.Multiply(features, HostMatrices.Transposed(basis, n, n), turned, count, n, n);
        var curve = new FluctuationCurve(times, new double[times.Length], new double[times.Length], new double[times.Length]);
        for (var k = 0; k < times.Length; k++)
        {
            var t = times[k];
            // w_ij = r_j int_0^t exp(-l_i (t - s) - l_j s) ds.
            var weights = new double[n * n];
            var decays = rates.Select(l => Math.Exp(-l * t)).ToArray();
            for (var at = 0; at < weights.Length; at++)
            {
                var (i, j) = (at / n, at % n);
                var gap = Math.Abs(rates[i] - rates[j]) * t;
                weights[at] = residual[j] * t * Math.Max(decays[i], decays[j]) * (gap < 1e-8 ? 1 - (gap / 2) : (1 - Math.Exp(-gap)) / gap);
            }

            curve.Loss[k] = residual.Zip(decays, (r, e) => r * r * e * e).Sum() / (2 * n);
            double[] network = [.. residual.Zip(decays, (r, e) => r * e).Zip(target, (r, y) => r + y)];

            // Neurons with trained weights: c_t = c_0 - (1/n) Phi . int_0^t r_s ds, in the eigenvectors' coordinates.
            double[] past = [.. residual.Zip(rates, (r, l) => r * (l * t < 1e-12 ? t : (1 - Math.Exp(-l * t)) / l))];
            var (sum, resampled) = (0.0, 0.0);
            var images = new double[turned.Length];
            HostProduct.Multiply(turned, HostMatrices.Transposed(weights, n, n), images, count, n, n);
            for (var j = 0; j < count; j++)
            {
                var u = turned.AsSpan(j * n, n);
                var image = images.AsSpan(j * n, n);
                var output = outputs[j] - (HostVectors.Dot(u, past) / n);
                for (var i = 0; i < n; i++)
                {
                    var influence = (decays[i] * ((outputs[j] * u[i]) - start[i])) - (u[i] * image[i] / n) + (rates[i] * residual[i] * t * decays[i]);
                    var single = (output * u[i]) - network[i];
                    (sum, resampled) = (sum + (influence * influence), resampled + (single * single));
                }
            }

            (curve.Fluctuation[k], curve.Resampling[k]) = (sum / count / n, resampled / count / n);
        }

        return curve;

        double[] Turned(double[] at) => HostMatrices.Product(basis, at, n, n, 1);
    }

    /// <summary>
    /// The limit with all of a neuron trained, by many neurons that follow the mean field, their Jacobians, and the equation (1) by the trapezoid rule.
    /// </summary>
    /// <param name="start">Many neurons of the start, by which the mean field is made.</param>
    /// <param name="inputs">x [n, d], row-major.</param>
    /// <param name="targets">y [n].</param>
    /// <param name="unit">s of phi = c s(x.z).</param>
    /// <param name="until">The last time, above 0.</param>
    /// <param name="points">Equal steps of (1), at least 1; memory grows with their square.</param>
    /// <param name="substeps">Steps of the flow within each, at least 1.</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    /// <param name="cancellation">Stops it within seconds.</param>
    /// <exception cref="ArgumentException">The table doesn't fit the neurons.</exception>
    /// <exception cref="ArithmeticException">The flow is no longer finite.</exception>
    public static FluctuationCurve Follow(
        NeuronEnsemble start, double[] inputs, double[] targets, SmoothUnit unit, double until, int points, int substeps = 4, int threads = 0,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(until);
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(substeps, 1);
        var flow = new Characteristics(inputs, targets, unit, start);
        var (m, n, size) = (start.Count, targets.Length, flow.Size);
        var times = Enumerable.Range(0, points + 1).Select(k => until * k / points).ToArray();
        var curve = new FluctuationCurve(times, new double[times.Length], new double[times.Length], new double[times.Length]);

        // Rows (t, x): J_t0^T grad phi and J_t0^-1 grad phi of each neuron, whose products are Gamma, and what neurons say.
        var rows = times.Length * n;
        var (left, right, forcing) = (new double[rows * m * size], new double[rows * m * size], new double[rows * m]);
        var state = flow.Start(start);
        var ode = new HostOde(RungeKuttaTableau.RungeKutta4, state.Length, flow.Slope);
        for (var k = 0; k < times.Length; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (k > 0)
            {
                ode.Run(state, times[k - 1], times[k], substeps);
            }

            curve.Loss[k] = flow.Record(state, left, right, forcing, k * n);
            curve.Resampling[k] = HostVectors.Dot(forcing.AsSpan(k * n * m, n * m), forcing.AsSpan(k * n * m, n * m)) / m / n;
        }

        var kernel = new double[rows * rows];
        right = HostMatrices.Transposed(right, rows, m * size);
        for (var first = 0; first < rows; first += RowsAtOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(RowsAtOnce, rows - first);
            HostProduct.Multiply(
                left.AsSpan(first * m * size, count * m * size), right, kernel.AsSpan(first * rows, count * rows), count, m * size, rows, threads: threads);
        }

        foreach (ref var value in kernel.AsSpan())
        {
            value /= (double)m * n;
        }

        var influence = VolterraEquation.Solve(kernel, forcing, n, until / points, threads, cancellation);
        for (var k = 0; k < times.Length; k++)
        {
            var at = influence.AsSpan(k * n * m, n * m);
            curve.Fluctuation[k] = HostVectors.Dot(at, at) / m / n;
        }

        return curve;
    }

    // Rows of the basis are eigenvectors.
    private static double[] Basis(double[] vectors, int n) => HostMatrices.Transposed(vectors, n, n);

    // Neurons theta = (c, z) of size D with their Jacobians J_t0 [D, D], one after the other: states [m, D + D^2].
    private sealed class Characteristics
    {
        private readonly double[] _inputs;
        private readonly double[] _targets;
        private readonly SmoothUnit _unit;
        private readonly int _count;
        private readonly int _stride;
        private readonly double[] _residuals;
        private readonly double[] _curvature;
        private readonly double[] _values;

        public Characteristics(double[] inputs, double[] targets, SmoothUnit unit, NeuronEnsemble start)
        {
            if (targets.Length == 0 || inputs.Length != (long)targets.Length * start.Dimension || start.Features.Length != start.Count * start.Dimension)
            {
                throw new ArgumentException(
                    $"{inputs.Length} numbers are no inputs of {targets.Length} points for neurons of {start.Dimension} coordinates.", nameof(inputs));
            }

            (_inputs, _targets, _unit, _count) = (inputs, targets, unit, start.Count);
            Size = start.Dimension + 1;
            _stride = Size + (Size * Size);
            (_residuals, _curvature, _values) = (new double[targets.Length], new double[Size * Size], new double[start.Count * targets.Length]);
        }

        public int Size { get; }

        public double[] Start(NeuronEnsemble start)
        {
            var state = new double[_count * _stride];
            for (var i = 0; i < _count; i++)
            {
                var at = state.AsSpan(i * _stride, _stride);
                at[0] = start.Outputs[i];
                start.Features.AsSpan(i * (Size - 1), Size - 1).CopyTo(at[1..]);
                for (var k = 0; k < Size; k++)
                {
                    at[Size + (k * (Size + 1))] = 1;
                }
            }

            return state;
        }

        public void Slope(double t, ReadOnlySpan<double> state, Span<double> slope)
        {
            SetResiduals(state);
            var n = _targets.Length;
            for (var i = 0; i < _count; i++)
            {
                var neuron = state.Slice(i * _stride, Size);
                var velocity = slope.Slice(i * _stride, Size);
                velocity.Clear();
                Array.Clear(_curvature);
                for (var a = 0; a < n; a++)
                {
                    // grad V = (U, c grad U) and its Jacobian [[0, grad U], [grad U, c Hess U]].
                    var x = _inputs.AsSpan(a * (Size - 1), Size - 1);
                    var product = _values[(i * n) + a];
                    var weight = _residuals[a] / n;
                    var (value, first, second) = (_unit.Value(product), weight * _unit.Slope(product), weight * neuron[0] * _unit.Curvature(product));
                    velocity[0] -= weight * value;
                    for (var k = 1; k < Size; k++)
                    {
                        velocity[k] -= neuron[0] * first * x[k - 1];
                        _curvature[k] += first * x[k - 1];
                        HostVectors.AddScaled(second * x[k - 1], x, _curvature.AsSpan((k * Size) + 1, Size - 1));
                    }
                }

                for (var k = 1; k < Size; k++)
                {
                    _curvature[k * Size] = _curvature[k];
                }

                var jacobian = state.Slice((i * _stride) + Size, Size * Size);
                var change = slope.Slice((i * _stride) + Size, Size * Size);
                change.Clear();
                for (var at = 0; at < Size * Size; at++)
                {
                    HostVectors.AddScaled(-_curvature[at], jacobian.Slice(at % Size * Size, Size), change.Slice(at / Size * Size, Size));
                }
            }
        }

        // Writes the rows of a time; returns the loss.
        public double Record(double[] state, double[] left, double[] right, double[] forcing, int row)
        {
            SetResiduals(state);
            var n = _targets.Length;
            var (gradient, moved) = (new double[Size], new double[Size]);
            for (var i = 0; i < _count; i++)
            {
                var jacobian = state.AsSpan((i * _stride) + Size, Size * Size);
                var inverse = new LuSolver(jacobian, Size).Inverse();
                var output = state[i * _stride];
                for (var a = 0; a < n; a++)
                {
                    var product = _values[(i * n) + a];
                    gradient[0] = _unit.Value(product);
                    var slope = output * _unit.Slope(product);
                    for (var k = 1; k < Size; k++)
                    {
                        gradient[k] = slope * _inputs[(a * (Size - 1)) + k - 1];
                    }

                    var at = (((row + a) * _count) + i) * Size;
                    moved.AsSpan().Clear();
                    for (var k = 0; k < Size; k++)
                    {
                        HostVectors.AddScaled(gradient[k], jacobian.Slice(k * Size, Size), moved);
                        right[at + k] = HostVectors.Dot(inverse.AsSpan(k * Size, Size), gradient);
                    }

                    moved.CopyTo(left, at);
                    forcing[((row + a) * _count) + i] = (output * gradient[0]) - (_residuals[a] + _targets[a]);
                }
            }

            return HostVectors.Dot(_residuals, _residuals) / (2 * n);
        }

        // Products x.z of all neurons and points, and residuals of their mean.
        private void SetResiduals(ReadOnlySpan<double> state)
        {
            var n = _targets.Length;
            for (var a = 0; a < n; a++)
            {
                _residuals[a] = -_targets[a];
            }

            for (var i = 0; i < _count; i++)
            {
                var neuron = state.Slice(i * _stride, Size);
                for (var a = 0; a < n; a++)
                {
                    var product = HostVectors.Dot(_inputs.AsSpan(a * (Size - 1), Size - 1), neuron[1..]);
                    _values[(i * n) + a] = product;
                    _residuals[a] += neuron[0] * _unit.Value(product) / _count;
                }
            }
        }
    }
}
