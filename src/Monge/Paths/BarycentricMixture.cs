using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Paths;

/// <summary>
/// The barycentric interpolant of independent Gaussian mixtures in closed form: the law of sum_k a_k x_k is the mixture over tuples of components with means
/// m = sum_k a_k m_k and covariances C = sum_k a_k^2 C_k, and g_k = E(x_k | x) averages m_k + a_k C_k C^-1 (x - m) with the tuples' responsibilities
/// (arXiv:2310.03695).
/// </summary>
public sealed class BarycentricMixture
{
    private readonly GaussianMixtureLaw[] _marginals;
    private readonly List<int[]> _tuples = [];
    private readonly bool _isDiagonal;

    /// <summary>Makes the closed forms.</summary>
    /// <param name="marginals">The laws at the vertices, two or more.</param>
    /// <exception cref="ArgumentException">There are fewer than two laws, or they differ in dimension.</exception>
    public BarycentricMixture(params GaussianMixtureLaw[] marginals)
    {
        if (marginals.Length < 2 || marginals.Any(m => m.Dimension != marginals[0].Dimension))
        {
            throw new ArgumentException("A barycentric interpolant needs two or more laws of one dimension.", nameof(marginals));
        }

        _marginals = marginals;
        _isDiagonal = marginals.All(m => m.Covariances.All(LowerTriangle.IsDiagonal));
        var tuple = new int[marginals.Length];
        void Fill(int k)
        {
            if (k == tuple.Length)
            {
                _tuples.Add([.. tuple]);
                return;
            }

            for (tuple[k] = 0; tuple[k] < marginals[k].Count; tuple[k]++)
            {
                Fill(k + 1);
            }
        }

        Fill(0);
    }

    /// <summary>d.</summary>
    public int Dimension => _marginals[0].Dimension;

    /// <summary>The number K + 1 of laws.</summary>
    public int Count => _marginals.Length;

    /// <summary>The laws at the vertices.</summary>
    public IReadOnlyList<GaussianMixtureLaw> Marginals => _marginals;

    /// <summary>The normalised log density of x(a).</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="weights">a [K + 1].</param>
    public Expr LogDensity(Expr x, Expr weights)
    {
        var logs = Logs(Components(x, weights));
        return logs.Size == 1 ? logs[0] : logs.LogSumExp();
    }

    /// <summary>The score of x(a) [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="weights">a [K + 1].</param>
    public Expr Score(Expr x, Expr weights)
    {
        var components = Components(x, weights);
        return Average(components, c => -c.Solved);
    }

    /// <summary>g_k(a, x) = E(x_k | x(a) = x), each [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="weights">a [K + 1].</param>
    public Expr[] Means(Expr x, Expr weights)
    {
        var components = Components(x, weights);
        return [.. Enumerable.Range(0, Count).Select(k => Average(components, c => MeanOf(k, c, weights)))];
    }

    /// <summary>The velocity along a path.</summary>
    /// <param name="path">The path, of as many vertices as there are laws.</param>
    public IVectorField Velocity(SimplexPath path) => path.Count == Count
        ? BarycentricInterpolant.Velocity(Dimension, path, Means)
        : throw new ArgumentException($"The path has {path.Count} vertices and there are {Count} laws; they must agree.", nameof(path));

    private Expr MeanOf(int k, Component c, Expr weights)
    {
        var (law, at) = (_marginals[k], c.Tuple[k]);
        var covariance = law.Covariances[at];
        var spread = _isDiagonal
            ? Expr.Constant([.. Enumerable.Range(0, Dimension).Select(i => covariance[i, i])], Dimension) * c.Solved
            : Expr.MatrixProduct(Expr.Constant([.. covariance.Cast<double>()], Dimension, Dimension), c.Solved);
        return Expr.Constant(law.Means[at], Dimension) + (weights[k] * spread);
    }

    private Component[] Components(Expr x, Expr weights) => [.. _tuples.Select(tuple =>
    {
        Expr mean = 0;
        var logWeight = 0.0;
        for (var k = 0; k < Count; k++)
        {
            mean += weights[k] * Expr.Constant(_marginals[k].Means[tuple[k]], Dimension);
            logWeight += Math.Log(_marginals[k].Weights[tuple[k]]);
        }

        var y = x - mean;
        if (_isDiagonal)
        {
            Expr variances = 0;
            for (var k = 0; k < Count; k++)
            {
                var covariance = _marginals[k].Covariances[tuple[k]];
                variances += weights[k].Square() * Expr.Constant([.. Enumerable.Range(0, Dimension).Select(i => covariance[i, i])], Dimension);
            }

            var scaled = y / variances;
            return new Component(tuple, logWeight - (0.5 * (Expr.Dot(y, scaled) + variances.Log().Sum())), scaled);
        }

        Expr spread = 0;
        for (var k = 0; k < Count; k++)
        {
            spread += weights[k].Square() * Expr.Constant([.. _marginals[k].Covariances[tuple[k]].Cast<double>()], Dimension, Dimension);
        }

        var solved = spread.SolvePositiveDefinite(y);
        return new Component(tuple, logWeight - (0.5 * (Expr.Dot(y, solved) + spread.LogDeterminant())), solved);
    })];

    private Expr Logs(Component[] components) => Expr.Vector([.. components.Select(c => c.LogWeight)]) - (0.5 * Dimension * Math.Log(2 * Math.PI));

    private Expr Average(Component[] components, Func<Component, Expr> value)
    {
        if (components.Length == 1)
        {
            return value(components[0]);
        }

        var responsibilities = Logs(components).Softmax(0);
        Expr sum = 0;
        for (var k = 0; k < components.Length; k++)
        {
            sum += responsibilities[k] * value(components[k]);
        }

        return sum;
    }

    private sealed record Component(int[] Tuple, Expr LogWeight, Expr Solved);
}
