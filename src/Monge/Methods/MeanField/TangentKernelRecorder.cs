using Monge.Engine.LinearAlgebra;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>What the tangent kernel says of a training run at a time.</summary>
/// <param name="Time">The time.</param>
/// <param name="Loss">L.</param>
/// <param name="LossRate">dL/dt = -(1/n^2) e.K_t e.</param>
/// <param name="SmallestEigenvalue">That of K_t.</param>
/// <param name="SmallestSchurEigenvalue">That of k0 o S.</param>
/// <param name="SchurBound">lambda_min(k0) min_a S_aa, which that is never below (I. Schur).</param>
/// <param name="CertifiedBound">L(0) exp(-int r) with the certified rate r = (2/n) lambda_min(k0) min_a S_aa.</param>
/// <param name="EigenvalueBound">L(0) exp(-(2/n) int lambda_min(K)).</param>
/// <param name="FeatureMovement">|H_t - H_0| / |H_0| of pre-activations at the data; NaN from a start at 0.</param>
/// <param name="KernelDrift">|K_t - K_0| / |K_0|.</param>
/// <param name="Alignment">y.K_t y / (|K_t| |y|^2).</param>
/// <param name="LongestStep">2 n / lambda_max(K_t): longer steps of gradient descent make the loss grow or swing.</param>
public sealed record TangentKernelRecord(
    double Time, double Loss, double LossRate, double SmallestEigenvalue, double SmallestSchurEigenvalue, double SchurBound, double CertifiedBound,
    double EigenvalueBound, double FeatureMovement, double KernelDrift, double Alignment, double LongestStep);

/// <summary>
/// Watches a gradient flow by its tangent kernel: the certificate of a linear rate by Schur's bound, L(t) no more than L(0) exp(-int r) with r = (2/n)
/// lambda_min(k0) min_a S_aa, the same bound with the kernel's own smallest eigenvalue, and how far features and kernel move (arXiv:2204.10782). The bounds
/// hold for flows without penalty. Integrals over time are trapezoids between records, so record often enough.
/// </summary>
public sealed class TangentKernelRecorder
{
    // Two functions whose cosine is so near to 1 or -1 make the kernel singular.
    private const double ParallelTolerance = 1e-12;
    private const double RankTolerance = 1e-13;

    private readonly TangentKernel _tangent;
    private readonly double[] _square;
    private readonly double[] _targets;
    private readonly List<TangentKernelRecord> _records = [];
    private double[] _firstKernel = [];
    private double[] _firstFunctions = [];
    private double _certified;
    private double _exact;
    private double _rateBefore;
    private double _eigenvalueBefore;

    /// <summary>Makes the recorder and checks that the data have a certificate.</summary>
    /// <param name="kernel">k0 at the data [n, n]: x.x' for shallow networks.</param>
    /// <param name="targets">y [n].</param>
    /// <param name="activation">s.</param>
    /// <param name="trainsOutputs">Whether output weights are trained.</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    /// <exception cref="ArgumentException">
    /// The kernel has another size, or two points are repeated or (anti)parallel to it, so that no rate is certified.
    /// </exception>
    public TangentKernelRecorder(double[] kernel, double[] targets, Kernel activation, bool trainsOutputs = true, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(targets);
        var n = targets.Length;
        if (n == 0 || kernel.Length != (long)n * n)
        {
            throw new ArgumentException($"The kernel has {kernel.Length} numbers; that of {n} points has {(long)n * n}.", nameof(kernel));
        }

        CheckDistinct(kernel, n);
        (_square, _targets) = ([.. kernel], [.. targets]);
        _tangent = new TangentKernel(kernel, n, activation) { TrainsOutputs = trainsOutputs, Threads = threads };
        var values = SymmetricEigen.Decompose(kernel, n).Values;
        HasCertificate = values[0] > RankTolerance * n * values[^1];
        InputEigenvalue = HasCertificate ? values[0] : 0;
    }

    /// <summary>lambda_min(k0); 0 where it is 0 but for rounding.</summary>
    public double InputEigenvalue { get; }

    /// <summary>Whether k0 is positive definite at the data, so that r is above 0.</summary>
    public bool HasCertificate { get; }

    /// <summary>What to know before the run, in a sentence; empty where all is well.</summary>
    public string Advice => HasCertificate
        ? ""
        : $"The kernel of the {_targets.Length} inputs is singular, as inner products of more points than coordinates are: the certified rate is 0, and only "
        + "the bound by the tangent kernel's own eigenvalues holds; use d of at least n, or a random first layer.";

    /// <summary>The records so far.</summary>
    public IReadOnlyList<TangentKernelRecord> Records => _records;

    /// <summary>Adds a record; the first is the start.</summary>
    /// <param name="time">The time, not before the last record's.</param>
    /// <param name="network">The network; only its values at the first n points are read.</param>
    /// <param name="residuals">f(x_a) - y_a [n].</param>
    /// <exception cref="ArgumentException">The times descend, or a length doesn't fit.</exception>
    public TangentKernelRecord Record(double time, FunctionEnsemble network, ReadOnlySpan<double> residuals)
    {
        ArgumentNullException.ThrowIfNull(network);
        var n = _targets.Length;
        if (residuals.Length != n || network.Points < n || (_records.Count > 0 && !(time >= _records[^1].Time)))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"A record needs {n} residuals, as many points, and a time not before the last; it has {residuals.Length}, {network.Points} and {time}."),
                nameof(residuals));
        }

        var atData = network.Points == n ? network : new FunctionEnsemble(network.Outputs, network.First(n), n);
        var kernel = _tangent.Of(atData);
        var square = kernel.Square();
        var values = SymmetricEigen.Decompose(square, n).Values;
        var schurBound = InputEigenvalue * kernel.LeastSlope;
        var loss = HostVectors.Dot(residuals, residuals) / (2 * n);
        if (_records.Count == 0)
        {
            (_firstKernel, _firstFunctions) = (square, [.. atData.Values]);
        }
        else
        {
            var span = time - _records[^1].Time;
            _certified += 0.5 * span * 2 / n * (schurBound + _rateBefore);
            _exact += 0.5 * span * 2 / n * (values[0] + _eigenvalueBefore);
        }

        (_rateBefore, _eigenvalueBefore) = (schurBound, values[0]);
        var first = _records.Count == 0 ? loss : _records[0].Loss;
        var record = new TangentKernelRecord(
            time, loss, -Form(square, residuals) / ((double)n * n), values[0], SymmetricEigen.Decompose(Schur(kernel), n).Values[0], schurBound,
            first * Math.Exp(-_certified), first * Math.Exp(-_exact), Change(atData.Values, _firstFunctions), Change(square, _firstKernel),
            Form(square, _targets) / (Norm(square) * HostVectors.Dot(_targets, _targets)), 2.0 * n / values[^1]);
        _records.Add(record);
        return record;
    }

    private static void CheckDistinct(double[] kernel, int n)
    {
        for (var a = 0; a < n; a++)
        {
            for (var b = 0; b < a; b++)
            {
                var cosine = kernel[(a * n) + b] / Math.Sqrt(kernel[a * (n + 1)] * kernel[b * (n + 1)]);
                if (!(Math.Abs(cosine) < 1 - ParallelTolerance))
                {
                    throw new ArgumentException(
                        $"Rows {b} and {a} of the inputs are repeated or parallel to the kernel, which is singular then: no rate is certified; "
                        + "drop one of them.",
                        nameof(kernel));
                }
            }
        }
    }

    private double[] Schur(TangentKernelValues kernel)
    {
        var n = _targets.Length;
        var schur = new double[n * n];
        for (var a = 0; a < n; a++)
        {
            for (var b = 0; b <= a; b++)
            {
                schur[(a * n) + b] = schur[(b * n) + a] = _square[(a * n) + b] * kernel.Slopes[(a * n) + b];
            }
        }

        return schur;
    }

    private static double Form(double[] matrix, ReadOnlySpan<double> vector)
    {
        var sum = 0.0;
        for (var a = 0; a < vector.Length; a++)
        {
            sum += vector[a] * HostVectors.Dot(vector, matrix.AsSpan(a * vector.Length, vector.Length));
        }

        return sum;
    }

    private static double Norm(ReadOnlySpan<double> values) => Math.Sqrt(HostVectors.Dot(values, values));

    private static double Change(double[] now, double[] before) => Math.Sqrt(HostVectors.SquaredDistance(now, before)) / Norm(before);
}
