using Monge.Data;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A network at a step of its training, as its tangent kernel sees it.</summary>
/// <param name="Step">Steps taken.</param>
/// <param name="Loss">L = (1 / 2n) sum (f - y)^2 of the standardised target.</param>
/// <param name="SchurBound">L(0) exp(-int r) with the rate of Schur's bound; not a number where it isn't certified.</param>
/// <param name="EigenvalueBound">L(0) exp(-(2/n) int lambda_min(K)); not a number where it isn't certified.</param>
/// <param name="SmallestEigenvalue">That of the tangent kernel.</param>
/// <param name="FeatureMovement">|H_t - H_0| / |H_0| of pre-activations.</param>
/// <param name="KernelDrift">|K_t - K_0| / |K_0|.</param>
/// <param name="Alignment">y.K_t y / (|K_t| |y|^2).</param>
/// <param name="LongestStep">2 / lambda_max(K / n): longer steps of gradient descent make the loss grow or swing.</param>
public sealed record NetworkCoursePoint(
    long Step, double Loss, double SchurBound, double EigenvalueBound, double SmallestEigenvalue, double FeatureMovement, double KernelDrift, double Alignment,
    double LongestStep);

/// <summary>What the tangent kernel says of a training (Z. Chen, E. Vanden-Eijnden, J. Bruna, arXiv:2204.10782), and how many neurons differ in kind.</summary>
/// <param name="Points">The course of the first network; empty where the kernel can't be decomposed.</param>
/// <param name="Rows">Rows on which the kernel was decomposed.</param>
/// <param name="Absent">Why no rate is certified, a sentence; empty where one is.</param>
/// <param name="Remark">What holds of the certified rate with limits, a sentence; empty for nothing.</param>
/// <param name="Atoms">Neurons of the first network that differ in the signs of their output and of their pre-activations at the rows.</param>
public sealed record NetworkCertificate(IReadOnlyList<NetworkCoursePoint> Points, int Rows, string Absent, string Remark, int Atoms)
{
    // Bounds are integrals over time of what is known at some steps only.
    private const double Tolerance = 1e-3;

    /// <summary>Whether the loss is certified to fall at a rate.</summary>
    public bool Holds => Absent.Length == 0;

    /// <summary>The first step at which the loss is above its bound, as where the steps of descent are too long for the flow; null for none.</summary>
    public NetworkCoursePoint? Above =>
        Points.FirstOrDefault(p => p.Loss > (1 + Tolerance) * p.EigenvalueBound || p.Loss > (1 + Tolerance) * p.SchurBound);
}

/// <summary>Decomposes tangent kernels of networks at rows of a table.</summary>
internal sealed class NetworkCertifier
{
    // Neurons of float32 leave a loss of about 1e-13 of its start.
    private const double Rounding = 1e-11;

    private readonly NetworkTrainingOptions _options;
    private readonly int _threads;
    private readonly double[] _inputs;
    private readonly double[] _targets;
    private readonly string _repeated;
    private readonly bool _isWhole;

    /// <summary>Chooses rows, all of them where they are few and differ.</summary>
    public NetworkCertifier(double[] inputs, double[] targets, int dimension, NetworkTrainingOptions options, int threads)
    {
        (_options, _threads) = (options, threads);
        var copies = RowCopies.Of(inputs, dimension);
        var firsts = new Dictionary<int, int>();
        (int First, int Second)? repeat = null;
        for (var row = 0; row < targets.Length; row++)
        {
            if (!firsts.TryAdd(copies.Groups[row], row))
            {
                repeat ??= (firsts[copies.Groups[row]], row);
            }
        }

        _repeated = repeat is var (first, second)
            ? FormattableString.Invariant($"rows {first + 1} and {second + 1} have equal inputs, where a rate needs distinct ones; drop one of them") : "";
        int[] distinct = [.. firsts.Values];
        var count = Math.Min(options.CertificateRows, distinct.Length);
        int[] rows = [.. Enumerable.Range(0, count).Select(k => distinct[(int)((long)k * distinct.Length / count)])];
        _isWhole = count == targets.Length;
        (_inputs, _targets) = ([.. rows.SelectMany(row => inputs[(row * dimension)..((row + 1) * dimension)])], [.. rows.Select(row => targets[row])]);
    }

    private Kernel Unit => NetworkModel.UnitOf(_options.Unit);

    /// <summary>2 / lambda_max(K / n) of a network: the mean-field time that a step of gradient descent must stay below.</summary>
    public double LongestStep(NeuronEnsemble neurons, RandomFirstLayer? first)
    {
        var points = Lift(first);
        var kernel = new TangentKernel(Products(points), _targets.Length, Unit) { Threads = _threads };
        var values = SymmetricEigen.Decompose(kernel.Of(FunctionEnsemble.OfNeurons(neurons, points, _threads)).Square(), _targets.Length).Values;
        return 2 * _targets.Length / values[^1];
    }

    /// <summary>The course of a network.</summary>
    /// <param name="course">The network at steps, the first at its start.</param>
    /// <param name="end">The network that is kept.</param>
    /// <param name="stepTime">Mean-field time of a step.</param>
    /// <param name="exponent">g of the network's scale.</param>
    public NetworkCertificate Describe(IReadOnlyList<(long Step, NeuronEnsemble Neurons)> course, NetworkMember end, double stepTime, double exponent)
    {
        var points = Lift(end.FirstLayer);
        var atoms = Atoms(FunctionEnsemble.OfNeurons(end.Neurons, points, _threads));
        var absent = _options.Optimiser != NetworkOptimiser.Flow
            ? "rates are certified for gradient flow; train by the optimiser 'flow' for one"
            : _options.BirthDeath > 0 ? "birth and death move neurons by chance; train without them for a rate"
            : _options.Penalty > 0 ? "the penalty's pull is no part of the tangent kernel; train without penalty for a rate"
            : _repeated.Length > 0 ? _repeated
            : !_isWhole ? FormattableString.Invariant($"the kernel of {_targets.Length} rows certifies no rate for all; raise certificateRows") : "";
        TangentKernelRecorder recorder;
        try
        {
            recorder = new TangentKernelRecorder(Products(points), _targets, Unit, threads: _threads);
        }
        catch (ArgumentException error)
        {
            return new NetworkCertificate([], _targets.Length, absent.Length > 0 ? absent : error.Message, "", atoms);
        }

        List<NetworkCoursePoint> found = [];
        List<string> remarks = absent.Length == 0 && recorder.Advice.Length > 0 ? [recorder.Advice] : [];
        foreach (var (step, neurons) in course)
        {
            var functions = FunctionEnsemble.OfNeurons(neurons, points, _threads);
            var residuals = functions.Predict(Unit, exponent);
            HostVectors.AddScaled(-1, _targets, residuals);
            if (found.Count > 0 && HostVectors.Dot(residuals, residuals) < Rounding * 2 * residuals.Length * found[0].Loss)
            {
                remarks.Add(ResultText.Of($"from step {step} on the loss is that of rounding"));
                break;
            }

            var record = recorder.Record(step * stepTime, functions, residuals);
            found.Add(new NetworkCoursePoint(
                step, record.Loss, absent.Length == 0 && recorder.HasCertificate ? record.CertifiedBound : double.NaN,
                absent.Length == 0 ? record.EigenvalueBound : double.NaN, record.SmallestEigenvalue, record.FeatureMovement, record.KernelDrift,
                record.Alignment, record.LongestStep));
        }

        return new NetworkCertificate(found, _targets.Length, absent, string.Join("; ", remarks), atoms);
    }

    /// <summary>|H_t - H_0| / |H_0| of a network's pre-activations H at the rows.</summary>
    /// <param name="start">The neurons at the start.</param>
    /// <param name="end">The network that is kept.</param>
    public double Movement(NeuronEnsemble start, NetworkMember end)
    {
        var points = Lift(end.FirstLayer);
        var (from, to) = (FunctionEnsemble.OfNeurons(start, points, _threads).Values, FunctionEnsemble.OfNeurons(end.Neurons, points, _threads).Values);
        var (moved, size) = (0.0, 0.0);
        for (var k = 0; k < from.Length; k++)
        {
            (moved, size) = (moved + ((to[k] - from[k]) * (to[k] - from[k])), size + (from[k] * from[k]));
        }

        return Math.Sqrt(moved / size);
    }

    private double[] Lift(RandomFirstLayer? first) => first?.Features(_inputs, _threads) ?? _inputs;

    private double[] Products(double[] points)
    {
        var n = _targets.Length;
        var (q, products) = (points.Length / n, new double[n * n]);
        HostProduct.Multiply(points, HostMatrices.Transposed(points, n, q), products, n, q, n, threads: _threads);
        return products;
    }

    private static int Atoms(FunctionEnsemble neurons)
    {
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        var signs = new char[neurons.Points + 1];
        for (var i = 0; i < neurons.Count; i++)
        {
            for (var a = 0; a < neurons.Points; a++)
            {
                signs[a] = neurons.Values[(i * neurons.Points) + a] > 0 ? '+' : '-';
            }

            signs[^1] = neurons.Outputs[i] > 0 ? '+' : '-';
            kinds.Add(new string(signs));
        }

        return kinds.Count;
    }
}
