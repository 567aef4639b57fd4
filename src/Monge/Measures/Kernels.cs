using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Pairwise;

namespace Monge.Measures;

/// <summary>
/// A named kernel k(x, y) with what methods of interacting particles ask of it: values, gradients, weighted sums over sets of points, matrices, and Stein sums.
/// All in float64; <see cref="PairwiseSums{T}"/> does the same for kernels of one's own, in float32 too, without allocating.
/// </summary>
public sealed class Kernel : IKernel
{
    private readonly ISums _sums;
    private readonly Func<double[], double[], int, double[]?, int, double[]>? _stein;

    private Kernel(string name, ISums sums, Func<double[], double[], int, double[]?, int, double[]>? stein = null) =>
        (Name, _sums, _stein) = (name, sums, stein);

    /// <summary>Its name, such as "gaussian".</summary>
    public string Name { get; }

    /// <summary>Whether <see cref="SteinSums"/> can be computed: whether it is smooth enough.</summary>
    public bool HasSteinKernel => _stein is not null;

    /// <summary>exp(-|x - y|^2 / (2 h^2)).</summary>
    /// <param name="bandwidth">h, above 0, in the unit of the coordinates.</param>
    public static Kernel Gaussian(double bandwidth) => WithStein("gaussian", new GaussianKernel<double>(Positive(bandwidth, nameof(bandwidth))));

    /// <summary>(c^2 + |x - y|^2)^(-1/2).</summary>
    /// <param name="scale">c, above 0, in the unit of the coordinates.</param>
    public static Kernel InverseMultiquadric(double scale) =>
        WithStein("inverse-multiquadric", new InverseMultiquadricKernel<double>(Positive(scale, nameof(scale))));

    /// <summary>exp(-|x - y| / l); its gradient at y = x counts as 0.</summary>
    /// <param name="length">l, above 0, in the unit of the coordinates.</param>
    public static Kernel Laplace(double length) => Plain("laplace", new LaplaceKernel<double>(Positive(length, nameof(length))));

    /// <summary>Matern's kernel of smoothness 3/2, once differentiable: (1 + z) exp(-z), z = sqrt(3) |x - y| / l.</summary>
    /// <param name="length">l, above 0, in the unit of the coordinates.</param>
    public static Kernel Matern32(double length) => Plain("matern-3/2", new Matern32Kernel<double>(Positive(length, nameof(length))));

    /// <summary>Matern's kernel of smoothness 5/2, twice differentiable: (1 + z + z^2 / 3) exp(-z), z = sqrt(5) |x - y| / l.</summary>
    /// <param name="length">l, above 0, in the unit of the coordinates.</param>
    public static Kernel Matern52(double length) => Plain("matern-5/2", new Matern52Kernel<double>(Positive(length, nameof(length))));

    /// <summary>|x - y|, whose negative makes the energy distance; its gradient at y = x counts as 0.</summary>
    public static Kernel Distance() => Plain("distance", default(DistanceKernel<double>));

    /// <summary>(x.y + c)^p.</summary>
    /// <param name="degree">p, at least 1.</param>
    /// <param name="constant">c, at least 0.</param>
    public static Kernel Polynomial(int degree, double constant)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(degree, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(constant);
        return Plain("polynomial", new PolynomialKernel<double>(degree, constant));
    }

    /// <summary>max(x.y, 0): the output at x of a rectified linear neuron with the weights y.</summary>
    public static Kernel Relu() => Plain("relu", default(ReluKernel<double>));

    /// <summary>tanh(x.y).</summary>
    public static Kernel Tanh() => Plain("tanh", default(TanhKernel<double>));

    /// <summary>1 / (1 + exp(-x.y)).</summary>
    public static Kernel Sigmoid() => Plain("sigmoid", default(SigmoidKernel<double>));

    /// <summary>log(1 + exp(x.y)).</summary>
    public static Kernel Softplus() => Plain("softplus", default(SoftplusKernel<double>));

    /// <summary>
    /// E max(u.x, 0) max(u.y, 0) over the uniform law of the unit sphere, (sin a + (pi - a) cos a) / (2 pi d) with a the angle of x and y, which must have
    /// length 1. Source: Y. Cho and L. Saul (2009), eq. 6.
    /// </summary>
    /// <param name="dimension">d, at least 1.</param>
    public static Kernel ArcCosine(int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        return Plain("arc-cosine", new ArcCosineKernel<double>(dimension));
    }

    /// <summary>
    /// E exp(-alpha |u - x|^2 / 2) exp(-alpha |u - y|^2 / 2) over the uniform law of the sphere of radius sqrt(d), on which x and y must lie. Source: the
    /// theorem of Funk and Hecke.
    /// </summary>
    /// <param name="dimension">d, at least 2.</param>
    /// <param name="alpha">alpha, above 0.</param>
    public static Kernel SphericalGaussian(int dimension, double alpha) => Plain("spherical-gaussian", new SphericalGaussianKernel<double>(dimension, alpha));

    /// <summary>a k(x, y), without a Stein kernel.</summary>
    /// <param name="factor">a, finite.</param>
    public Kernel Times(double factor)
    {
        return double.IsFinite(factor)
            ? new Kernel(Name, new ScaledSums(_sums, factor))
            : throw new ArgumentOutOfRangeException(nameof(factor), factor, "The factor of a kernel must be finite.");
    }

    /// <summary>k(x, y).</summary>
    /// <param name="x">A point [d].</param>
    /// <param name="y">A point [d].</param>
    public double Value(double[] x, double[] y) => Sums(x, y, x.Length, null, 1)[0];

    /// <summary>The gradient of k(x, y) in x, [d].</summary>
    /// <param name="x">A point [d].</param>
    /// <param name="y">A point [d].</param>
    public double[] Gradient(double[] x, double[] y) => SumsWithGradients(x, y, x.Length, null, 1).Gradients;

    /// <summary>For each x_i the sum over j of weights[j] k(x_i, y_j).</summary>
    /// <param name="x">Points [n, d], row-major.</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Weights [m]; null for one each.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>n sums.</returns>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public double[] Sums(double[] x, double[] y, int dimension, double[]? weights = null, int threads = 0)
    {
        var values = new double[x.Length / dimension];
        _sums.Sum(Memory(threads), x, y, dimension, weights, values, default);
        return values;
    }

    /// <summary>For each x_i the sum over j of weights[j] k(x_i, y_j) and its gradient in x_i, in one pass.</summary>
    /// <param name="x">Points [n, d], row-major.</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Weights [m]; null for one each.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>n sums and their gradients [n, d].</returns>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public (double[] Values, double[] Gradients) SumsWithGradients(double[] x, double[] y, int dimension, double[]? weights = null, int threads = 0)
    {
        var (values, gradients) = (new double[x.Length / dimension], new double[x.Length]);
        _sums.Sum(Memory(threads), x, y, dimension, weights, values, gradients);
        return (values, gradients);
    }

    /// <summary>The same sums in memory of one's own, where a call that isn't the first allocates nothing.</summary>
    /// <param name="memory">The memory, used for one kind of call of one kernel.</param>
    /// <param name="x">Points [n, d], row-major.</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Weights [m]; empty for one each.</param>
    /// <param name="values">Receives n sums.</param>
    /// <param name="gradients">Receives their gradients [n, d]; empty if they aren't needed.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void Sums(
        PairwiseSums<double> memory, ReadOnlySpan<double> x, ReadOnlySpan<double> y, int dimension, ReadOnlySpan<double> weights, Span<double> values,
        Span<double> gradients = default)
    {
        ArgumentNullException.ThrowIfNull(memory);
        _sums.Sum(memory, x, y, dimension, weights, values, gradients);
    }

    /// <summary>A kernel f(x.y) as the function f of numbers: a unit's outputs and slopes at known pre-activations. Allocates nothing.</summary>
    /// <param name="products">q, any number of them.</param>
    /// <param name="values">Receives f(q), as many; may be the same memory.</param>
    /// <param name="slopes">Receives f'(q); empty if they aren't needed.</param>
    /// <exception cref="InvalidOperationException">The kernel is a function of distances.</exception>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void AtProducts(ReadOnlySpan<double> products, Span<double> values, Span<double> slopes = default)
    {
        if (values.Length != products.Length || (slopes.Length != products.Length && !slopes.IsEmpty))
        {
            throw new ArgumentException(
                $"{products.Length} numbers have as many values and slopes, not {values.Length} and {slopes.Length}.", nameof(values));
        }

        if (!_sums.OfInnerProduct)
        {
            throw new InvalidOperationException($"The kernel '{Name}' is a function of distances, not of inner products; use a unit such as tanh.");
        }

        _sums.AtNumbers(products, values, slopes);
    }

    /// <summary>The matrix k(x_i, y_j).</summary>
    /// <param name="x">Points [n, d], row-major.</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>n m values, row by row.</returns>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public double[] Matrix(double[] x, double[] y, int dimension, int threads = 0)
    {
        var matrix = new double[checked(x.Length / dimension * (y.Length / dimension))];
        _sums.Matrix(Memory(threads), x, y, dimension, matrix);
        return matrix;
    }

    double[] IKernel.Matrix(double[] x, double[] y, int dimension) => Matrix(x, y, dimension);

    /// <summary>
    /// For each x_i the sum over j other than i of weights[j] u(x_i, x_j), u the Stein kernel of <see cref="ISteinKernel{T}"/>: what the
    /// kernel Stein discrepancy is the mean of.
    /// </summary>
    /// <param name="x">Points [n, d], row-major.</param>
    /// <param name="scores">The gradient of the log density at each point, [n, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Weights [n]; null for one each.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>n sums.</returns>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    /// <exception cref="InvalidOperationException">The kernel has no Stein kernel here.</exception>
    public double[] SteinSums(double[] x, double[] scores, int dimension, double[]? weights = null, int threads = 0) => _stein is { } stein
        ? stein(x, scores, dimension, weights, threads)
        : throw new InvalidOperationException($"The kernel '{Name}' has no Stein kernel; use the Gaussian or the inverse multiquadric one.");

    private static PairwiseSums<double> Memory(int threads) => new(new ExecutionOptions { Threads = threads });

    private static Kernel Plain<TKernel>(string name, TKernel kernel)
        where TKernel : struct, IPairKernel<double> => new(name, new SumsOf<TKernel>(kernel));

    private static Kernel WithStein<TKernel>(string name, TKernel kernel)
        where TKernel : struct, ISteinKernel<double> => new(name, new SumsOf<TKernel>(kernel), (x, scores, d, weights, threads) =>
        {
            var values = new double[x.Length / d];
            Memory(threads).SteinSums(kernel, x, scores, d, weights, values);
            return values;
        });

    private static double Positive(double value, string name) => value > 0 && double.IsFinite(value)
        ? value
        : throw new ArgumentOutOfRangeException(name, value, "The length of a kernel must be positive and finite.");

    // A kernel's struct behind one call for a whole set of points.
    private interface ISums
    {
        bool OfInnerProduct { get; }

        void AtNumbers(ReadOnlySpan<double> q, Span<double> values, Span<double> slopes);

        void Sum(
            PairwiseSums<double> memory, ReadOnlySpan<double> x, ReadOnlySpan<double> y, int d, ReadOnlySpan<double> weights, Span<double> values,
            Span<double> gradients);

        void Matrix(PairwiseSums<double> memory, double[] x, double[] y, int d, double[] matrix);
    }

    private sealed class SumsOf<TKernel>(TKernel kernel) : ISums
        where TKernel : struct, IPairKernel<double>
    {
        public bool OfInnerProduct => TKernel.OfInnerProduct;

        public void AtNumbers(ReadOnlySpan<double> q, Span<double> values, Span<double> slopes)
        {
            var lanes = Vector<double>.Count;
            var done = 0;
            for (; done + lanes <= q.Length; done += lanes)
            {
                var value = kernel.ValueAndSlope(new Vector<double>(q[done..]), out var slope);
                value.CopyTo(values[done..]);
                if (!slopes.IsEmpty)
                {
                    slope.CopyTo(slopes[done..]);
                }
            }

            if (done == q.Length)
            {
                return;
            }

            // The rest fills the first lanes of a vector.
            Span<double> last = stackalloc double[lanes];
            last.Clear();
            q[done..].CopyTo(last);
            var atLast = kernel.ValueAndSlope(new Vector<double>(last), out var slopeAtLast);
            atLast.CopyTo(last);
            last[..(q.Length - done)].CopyTo(values[done..]);
            if (!slopes.IsEmpty)
            {
                slopeAtLast.CopyTo(last);
                last[..(q.Length - done)].CopyTo(slopes[done..]);
            }
        }

        public void Sum(
            PairwiseSums<double> memory, ReadOnlySpan<double> x, ReadOnlySpan<double> y, int d, ReadOnlySpan<double> weights, Span<double> values,
            Span<double> gradients)
        {
            if (gradients.IsEmpty)
            {
                memory.Values(kernel, x, y, d, weights, values);
            }
            else
            {
                memory.ValuesAndGradients(kernel, x, y, d, weights, values, gradients);
            }
        }

        public void Matrix(PairwiseSums<double> memory, double[] x, double[] y, int d, double[] matrix) => memory.Matrix(kernel, x, y, d, matrix);
    }

    private sealed class ScaledSums(ISums inner, double factor) : ISums
    {
        public bool OfInnerProduct => inner.OfInnerProduct;

        public void AtNumbers(ReadOnlySpan<double> numbers, Span<double> values, Span<double> slopes)
        {
            inner.AtNumbers(numbers, values, slopes);
            Scale(values);
            Scale(slopes);
        }

        public void Sum(
            PairwiseSums<double> memory, ReadOnlySpan<double> x, ReadOnlySpan<double> y, int d, ReadOnlySpan<double> weights, Span<double> values,
            Span<double> gradients)
        {
            inner.Sum(memory, x, y, d, weights, values, gradients);
            Scale(values);
            Scale(gradients);
        }

        public void Matrix(PairwiseSums<double> memory, double[] x, double[] y, int d, double[] matrix)
        {
            inner.Matrix(memory, x, y, d, matrix);
            Scale(matrix);
        }

        private void Scale(Span<double> values)
        {
            foreach (ref var value in values)
            {
                value *= factor;
            }
        }
    }
}
