namespace Monge.Engine.LinearAlgebra;

/// <summary>How <see cref="Lasso"/> searches.</summary>
public sealed record LassoOptions
{
    /// <summary>The largest violation of the optimality conditions that counts as none, as a share of the penalty; above 0.</summary>
    public double Tolerance { get; init; } = 1e-8;

    /// <summary>Sweeps of coordinate descent over the active set in each round; at least 1.</summary>
    public int Sweeps { get; init; } = 3;

    /// <summary>Rounds for each penalty, of which every one lets new columns into the active set; at least 1.</summary>
    public int Rounds { get; init; } = 20_000;
}

/// <summary>A solution with its proof: the violation of the optimality conditions is computed anew from the weights.</summary>
/// <param name="Penalty">lambda.</param>
/// <param name="Weights">w [p].</param>
/// <param name="Residuals">y - Phi w [n].</param>
/// <param name="Violation">The largest of | |phi_j . r| - lambda | for w_j other than 0, with the sign that w_j must have, and of |phi_j . r| - lambda for
/// the others, over lambda; at least 0.</param>
/// <param name="Rounds">Rounds of the search.</param>
public sealed record LassoSolution(double Penalty, double[] Weights, double[] Residuals, double Violation, int Rounds)
{
    /// <summary>Number of weights other than 0: at most the rank of Phi.</summary>
    public int Support => Weights.Count(w => w != 0);

    /// <summary>(1/2) |y - Phi w|^2 + lambda |w|_1.</summary>
    public double Objective => (0.5 * HostVectors.Dot(Residuals, Residuals)) + (Penalty * Weights.Sum(Math.Abs));
}

/// <summary>
/// Least squares with an absolute penalty, min_w (1/2) |y - Phi w|^2 + lambda |w|_1, whose solutions are those with
/// <code>
/// phi_j . r = lambda sign w_j  where w_j is not 0,     |phi_j . r| at most lambda elsewhere,     r = y - Phi w.                                        (1)
/// </code>
/// Coordinate descent over an active set finds which weights aren't 0 (J. Friedman, T. Hastie, R. Tibshirani, 2010); it would take ages to tell columns apart
/// that are nearly parallel, so Newton's steps on the set, each cut where a weight changes its sign, end each round exactly (H. Lee et al., "Efficient sparse
/// coding algorithms", 2007). A column that depends on those of the set takes the place of one of them, along the direction that leaves the fit as it is.
/// </summary>
public sealed class Lasso
{
    // A column whose square beside the set is this small, next to its whole square, is a combination of the set.
    private const double Dependence = 1e-13;

    // Of columns that would enter together none may be this parallel to another: they do the same work.
    private const double Parallel = 0.95;

    // Rounds without a smaller violation after which rounding has the last word: columns come and go that are the same but for it.
    private const int Patience = 500;

    private readonly double[] _columns;
    private readonly double[] _targets;
    private readonly double[] _squares;
    private readonly double[] _weights;
    private readonly double[] _residuals;
    private readonly double[] _products;
    private readonly List<int> _members = [];
    private readonly UpdatedCholesky _factor;
    private readonly LassoOptions _options;

    /// <summary>Makes the problem.</summary>
    /// <param name="columns">The columns of Phi one after the other, [p, n].</param>
    /// <param name="targets">y [n].</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <exception cref="ArgumentException">The columns don't fit the targets, or a number isn't finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public Lasso(double[] columns, double[] targets, LassoOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentNullException.ThrowIfNull(targets);
        if (targets.Length == 0 || columns.Length == 0 || columns.Length % targets.Length != 0)
        {
            throw new ArgumentException($"{columns.Length} numbers are no columns of {targets.Length} rows.", nameof(columns));
        }

        VectorKernels.CheckMatrix(columns, columns.Length / targets.Length, targets.Length, nameof(columns));
        VectorKernels.CheckMatrix(targets, 1, targets.Length, nameof(targets));
        _options = options ?? new LassoOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.Tolerance, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Sweeps, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Rounds, 1, nameof(options));
        (_columns, _targets, Rows, Columns) = (columns, targets, targets.Length, columns.Length / targets.Length);
        _squares = [.. Enumerable.Range(0, Columns).Select(j => VectorKernels.Dot(Column(j), Column(j)))];
        (_weights, _residuals, _products) = (new double[Columns], [.. targets], new double[Columns]);
        _factor = new UpdatedCholesky(Rows);
    }

    /// <summary>n.</summary>
    public int Rows { get; }

    /// <summary>p.</summary>
    public int Columns { get; }

    /// <summary>max_j |phi_j . y|: the least penalty for which all weights are 0.</summary>
    public double LargestPenalty => Enumerable.Range(0, Columns).Max(j => Math.Abs(VectorKernels.Dot(Column(j), _targets)));

    /// <summary>Penalties that fall by equal factors from <see cref="LargestPenalty"/> to a share of it.</summary>
    /// <param name="share">The last penalty over the largest, between 0 and 1.</param>
    /// <param name="decade">Penalties in each factor of 10; at least 1.</param>
    public double[] Penalties(double share, int decade = 5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(decade, 1);
        if (!(share > 0 && share < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(share), share, "A path ends at a share of the largest penalty that is between 0 and 1.");
        }

        var (largest, steps) = (LargestPenalty, Math.Max(1, (int)Math.Round(-Math.Log10(share) * decade)));
        return [.. Enumerable.Range(1, steps).Select(k => largest * Math.Pow(share, (double)k / steps))];
    }

    /// <summary>Solves for each penalty in turn, from the solution before it.</summary>
    /// <param name="penalties">Penalties, each above 0; best descending.</param>
    /// <param name="cancellation">Stops between rounds.</param>
    public IReadOnlyList<LassoSolution> Path(IReadOnlyList<double> penalties, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(penalties);
        return [.. penalties.Select(penalty => Solve(penalty, cancellation))];
    }

    /// <summary>Solves for one penalty, from the last solution of this object, or from <see cref="Start"/>.</summary>
    /// <param name="penalty">lambda, above 0.</param>
    /// <param name="cancellation">Stops between rounds.</param>
    /// <returns>The solution; its violation is above the tolerance if all rounds were used up, or the last 500 of them made it no smaller.</returns>
    public LassoSolution Solve(double penalty, CancellationToken cancellation = default)
    {
        if (!(penalty > 0 && double.IsFinite(penalty)))
        {
            throw new ArgumentOutOfRangeException(nameof(penalty), penalty, "The penalty of absolute values must be above 0 and finite.");
        }

        Polish(penalty);
        var (best, since) = (new LassoSolution(penalty, [], [], double.PositiveInfinity, 0), 0);
        for (var round = 0; ; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            Refresh();
            var violation = Violation(penalty);
            (best, since) = violation < best.Violation
                ? (new LassoSolution(penalty, [.. _weights], [.. _residuals], violation, round), 0) : (best, since + 1);
            if (best.Violation <= _options.Tolerance || round == _options.Rounds || since == Patience)
            {
                if (since > 0)
                {
                    Start(best.Weights);
                }

                return best;
            }

            Descend(penalty, [.. _members, .. Entering(penalty)]);
            Polish(penalty);
        }
    }

    /// <summary>Sets the weights from which the next search goes on.</summary>
    /// <param name="weights">w [p].</param>
    /// <exception cref="ArgumentException">There is not one finite weight for each column.</exception>
    public void Start(ReadOnlySpan<double> weights)
    {
        VectorKernels.CheckMatrix(weights, 1, Columns, nameof(weights));
        weights.CopyTo(_weights);
        _members.Clear();
        _factor.Clear();
        Refresh();
    }

    private ReadOnlySpan<double> Column(int j) => _columns.AsSpan(j * Rows, Rows);

    private void Refresh()
    {
        _targets.CopyTo(_residuals, 0);
        for (var j = 0; j < Columns; j++)
        {
            if (_weights[j] != 0)
            {
                VectorKernels.AddScaled(-_weights[j], Column(j), _residuals);
            }
        }

        for (var j = 0; j < Columns; j++)
        {
            _products[j] = VectorKernels.Dot(Column(j), _residuals);
        }
    }

    private double Violation(double penalty)
    {
        var worst = 0.0;
        for (var j = 0; j < Columns; j++)
        {
            worst = Math.Max(worst, _weights[j] == 0 ? Math.Abs(_products[j]) - penalty : Math.Abs(_products[j] - (penalty * Math.Sign(_weights[j]))));
        }

        return worst / penalty;
    }

    // The columns outside the set that would lower the objective most, one of each bundle.
    private List<int> Entering(double penalty)
    {
        var chosen = new List<int>();
        var limit = Math.Max(4, Rows / 8);
        double Gain(int j) => Square(Math.Abs(_products[j]) - penalty) / _squares[j];
        var candidates = Enumerable.Range(0, Columns)
            .Where(j => _weights[j] == 0 && Math.Abs(_products[j]) > penalty * (1 + (0.5 * _options.Tolerance))).OrderByDescending(Gain);
        foreach (var j in candidates)
        {
            if (chosen.TrueForAll(k => Math.Abs(VectorKernels.Dot(Column(j), Column(k))) < Parallel * Math.Sqrt(_squares[j] * _squares[k])))
            {
                chosen.Add(j);
                if (chosen.Count == limit)
                {
                    break;
                }
            }
        }

        return chosen;
    }

    private void Descend(double penalty, List<int> active)
    {
        for (var sweep = 0; sweep < _options.Sweeps; sweep++)
        {
            foreach (var j in active)
            {
                var product = VectorKernels.Dot(Column(j), _residuals) + (_squares[j] * _weights[j]);
                var weight = Math.Sign(product) * Math.Max(0, Math.Abs(product) - penalty) / _squares[j];
                if (weight != _weights[j])
                {
                    VectorKernels.AddScaled(_weights[j] - weight, Column(j), _residuals);
                    _weights[j] = weight;
                }
            }
        }
    }

    // The minimum over the weights that aren't 0, all of which keep their signs or leave.
    private void Polish(double penalty)
    {
        Collect();
        var isExact = false;
        while (_members.Count > 0)
        {
            double[] step = [.. _members.Select(j => VectorKernels.Dot(Column(j), _residuals) - (penalty * Math.Sign(_weights[j])))];
            _factor.Solve(step);
            var (length, leaving) = Reach(step, 1);
            Move(step, length);
            if (leaving >= 0)
            {
                Leave(leaving);
                isExact = false;
            }
            else if (isExact)
            {
                return;
            }
            else
            {
                // Once more, which takes off the rounding of the first.
                isExact = true;
            }
        }
    }

    // The first member whose weight a step brings to 0, and the share of the step that does.
    private (double Length, int Leaving) Reach(double[] step, double most)
    {
        var (length, leaving) = (most, -1);
        for (var k = 0; k < step.Length; k++)
        {
            var weight = _weights[_members[k]];
            if (step[k] * weight < 0 && Math.Abs(weight) <= length * Math.Abs(step[k]))
            {
                (length, leaving) = (Math.Abs(weight / step[k]), k);
            }
        }

        return (length, leaving);
    }

    private void Move(double[] step, double length)
    {
        for (var k = 0; k < step.Length; k++)
        {
            var j = _members[k];
            _weights[j] += length * step[k];
            VectorKernels.AddScaled(-length * step[k], Column(j), _residuals);
        }
    }

    private void Leave(int k)
    {
        _weights[_members[k]] = 0;
        _members.RemoveAt(k);
        _factor.Remove(k);
    }

    // Makes the set that of the weights that aren't 0, with independent columns.
    private void Collect()
    {
        for (var k = _members.Count - 1; k >= 0; k--)
        {
            if (_weights[_members[k]] == 0)
            {
                Leave(k);
            }
        }

        var isMember = new bool[Columns];
        _members.ForEach(j => isMember[j] = true);
        for (var j = 0; j < Columns; j++)
        {
            while (_weights[j] != 0 && !isMember[j])
            {
                double[] products = [.. _members.Select(k => VectorKernels.Dot(Column(k), Column(j)))];
                isMember[j] = _factor.Append(products, _squares[j], Dependence * _squares[j]);
                if (isMember[j])
                {
                    _members.Add(j);
                }
                else
                {
                    Exchange(j, products);
                }
            }
        }
    }

    // phi_j = sum_k a_k phi_k: weights move from j to the others, or back, whichever doesn't raise the sum of their magnitudes, until one is 0.
    private void Exchange(int j, double[] combination)
    {
        _factor.Solve(combination);
        var change = Enumerable.Range(0, combination.Length).Sum(k => combination[k] * Math.Sign(_weights[_members[k]])) - Math.Sign(_weights[j]);
        var direction = change > 0 ? -1 : 1;
        double[] step = [.. combination.Select(a => direction * a)];
        var own = direction * _weights[j] > 0 ? Math.Abs(_weights[j]) : double.PositiveInfinity;
        var (length, leaving) = Reach(step, own);
        Move(step, length);
        VectorKernels.AddScaled(direction * length, Column(j), _residuals);
        _weights[j] = leaving < 0 ? 0 : _weights[j] - (direction * length);
        if (leaving >= 0)
        {
            Leave(leaving);
        }
    }

    private static double Square(double value) => value * value;
}
