using Monge.Engine.Execution;

namespace Monge.OptimalTransport;

/// <summary>Settings of the Sinkhorn iteration.</summary>
public sealed record SinkhornOptions
{
    /// <summary>The entropic regularisation, in the unit of the ground cost; positive.</summary>
    public double Epsilon { get; init; } = 1e-2;

    /// <summary>The ground cost.</summary>
    public GroundCost Cost { get; init; } = GroundCost.SquaredEuclidean;

    /// <summary>Largest number of iterations (each updates both potentials) over all temperatures.</summary>
    public int MaximumIterations { get; init; } = 5000;

    /// <summary>The iteration ends when the row marginals of the plan are wrong by less than this in total (L1).</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>Factor between consecutive temperatures on the way from the largest cost down to <see cref="Epsilon"/>; in (0, 1).</summary>
    public double ScalingFactor { get; init; } = 0.5;

    /// <summary>Up to this many points in the larger set the costs are kept in memory; above, they are computed anew in each sweep.</summary>
    public int StoredCostLimit { get; init; } = 4000;

    /// <summary>Threads; 0 is one for each processor. Results are the same to the bit for any number.</summary>
    public int Threads { get; init; }

    internal void Validate()
    {
        Check(Epsilon > 0 && double.IsFinite(Epsilon), nameof(Epsilon), Epsilon, "a positive number");
        Check(MaximumIterations >= 1, nameof(MaximumIterations), MaximumIterations, "at least 1");
        Check(Tolerance > 0, nameof(Tolerance), Tolerance, "a positive number");
        Check(ScalingFactor is > 0 and < 1, nameof(ScalingFactor), ScalingFactor, "between 0 and 1");
        Check(Threads >= 0, nameof(Threads), Threads, "0 (all processors) or more");
        Check(StoredCostLimit is >= 0 and <= 30_000, nameof(StoredCostLimit), StoredCostLimit, "between 0 and 30000");
    }

    private static void Check(bool holds, string name, double value, string wanted)
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, $"The Sinkhorn option {name} must be {wanted}.");
    }
}

/// <summary>An entropic transport between two weighted point sets.</summary>
/// <param name="TransportCost">Mean ground cost under the plan, without the entropy.</param>
/// <param name="EntropicCost">Minimum of the mean cost plus epsilon times KL(plan | product of the marginals), taken from the dual and
/// so a lower bound when not converged.</param>
/// <param name="MarginalError">Total (L1) error of the plan's row marginals; the column marginals are exact.</param>
/// <param name="Converged">Whether the marginal error is below the tolerance.</param>
/// <param name="Iterations">Iterations done.</param>
/// <param name="Epsilon">The regularisation.</param>
/// <param name="RowPotentials">Dual potential f at the points of x, in the unit of the cost.</param>
/// <param name="ColumnPotentials">Dual potential g at the points of y.</param>
public sealed record SinkhornResult(
    double TransportCost,
    double EntropicCost,
    double MarginalError,
    bool Converged,
    int Iterations,
    double Epsilon,
    double[] RowPotentials,
    double[] ColumnPotentials);

/// <summary>The debiased entropic divergence, zero exactly when both measures agree.</summary>
/// <param name="Value">OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2, in the unit of the cost.</param>
/// <param name="Cross">The transport between x and y.</param>
/// <param name="SelfCostX">Entropic cost of x with itself.</param>
/// <param name="SelfCostY">Entropic cost of y with itself.</param>
/// <param name="Converged">Whether all three transports converged.</param>
public sealed record SinkhornDivergence(double Value, SinkhornResult Cross, double SelfCostX, double SelfCostY, bool Converged);

/// <summary>Entropic optimal transport in the log domain, with a falling temperature.</summary>
/// <remarks>
/// f(i) = -eps log sum_j b(j) exp((g(j) - c(i, j)) / eps), and g likewise with a; plan(i, j) = a(i) b(j) exp((f(i) + g(j) - c(i, j)) / eps).
/// Sources: M. Cuturi (arXiv 1306.0895); B. Schmitzer on stabilised scaling (arXiv 1610.06519); A. Genevay, G. Peyre and M. Cuturi
/// (arXiv 1706.00292) and J. Feydy et al. (arXiv 1810.08278) for the divergence and its symmetric self-transport.
/// </remarks>
public static class Sinkhorn
{
    // Loose error and cap for the temperatures above the last: they only provide a start.
    private const double WarmError = 1e-2;
    private const int WarmIterations = 100;

    /// <summary>Solves the entropic transport from x to y.</summary>
    /// <param name="x">Points, [n, d] row-major.</param>
    /// <param name="y">Points, [m, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="logWeightsX">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="logWeightsY">m log-weights, up to a constant; null for equal weights.</param>
    /// <param name="cancellation">Stops the iteration.</param>
    /// <exception cref="ArgumentException">Points, weights or options are unusable.</exception>
    /// <exception cref="OperationCanceledException">The iteration was stopped.</exception>
    public static SinkhornResult Solve(double[] x, double[] y, int dimension, SinkhornOptions? options = null, double[]? logWeightsX = null,
        double[]? logWeightsY = null, CancellationToken cancellation = default)
    {
        options ??= new SinkhornOptions();
        options.Validate();
        int countX = PointSets.Check(x, dimension, nameof(x));
        int countY = PointSets.Check(y, dimension, nameof(y));
        double[] logA = PointSets.NormaliseLogWeights(logWeightsX, countX, nameof(logWeightsX));
        double[] logB = PointSets.NormaliseLogWeights(logWeightsY, countY, nameof(logWeightsY));
        bool store = Math.Max(countX, countY) <= options.StoredCostLimit;
        var rows = new CostRows(x, y, dimension, options.Cost, store, options.Threads);
        var columns = new CostRows(y, x, dimension, options.Cost, store, options.Threads);
        double[] f = new double[countX], nextF = new double[countX], g = new double[countY], nextG = new double[countY];
        double error = double.PositiveInfinity;
        int iterations = 0;
        foreach (double epsilon in Temperatures(rows, options))
        {
            bool last = epsilon == options.Epsilon;
            double tolerance = last ? options.Tolerance : Math.Max(options.Tolerance, WarmError);
            int cap = last ? options.MaximumIterations : Math.Min(options.MaximumIterations, iterations + WarmIterations);
            var relaxation = new Relaxation();
            // A new temperature needs g in equilibrium with f before the error means anything.
            Update(columns, f, logA, g, epsilon);
            bool columnsExact = true;
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                Update(rows, g, logB, nextF, epsilon);
                error = MarginalError(f, nextF, logA, epsilon).Error;
                // While over-relaxed, the columns are off too and the row error overstates; now and then the exact one is looked up.
                bool lookUp = !columnsExact && relaxation.AtWindowEnd && error <= 100 * tolerance;
                bool done = error <= tolerance || iterations >= cap || lookUp;
                if (done && columnsExact)
                    break;
                if (done)
                {
                    Update(columns, f, logA, g, epsilon);
                    columnsExact = true;
                    continue;
                }
                relaxation.Observe(error);
                Move(f, nextF, relaxation.Factor);
                Update(columns, f, logA, nextG, epsilon);
                Move(g, nextG, relaxation.Factor);
                columnsExact = relaxation.Factor == 1;
                iterations++;
            }
        }
        // The column marginals are exact, so the plan has mass one and the dual value is the sum of the mean potentials.
        double entropicCost = Mean(f, logA) + Mean(g, logB);
        return new SinkhornResult(
            TransportCost(rows, f, g, logA, logB, options.Epsilon), entropicCost, error, error <= options.Tolerance, iterations, options.Epsilon, f, g);
    }

    /// <summary>The debiased divergence between x and y.</summary>
    /// <param name="x">Points, [n, d] row-major.</param>
    /// <param name="y">Points, [m, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="logWeightsX">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="logWeightsY">m log-weights, up to a constant; null for equal weights.</param>
    /// <param name="cancellation">Stops the iteration.</param>
    /// <exception cref="ArgumentException">Points, weights or options are unusable.</exception>
    /// <exception cref="OperationCanceledException">The iteration was stopped.</exception>
    public static SinkhornDivergence Divergence(double[] x, double[] y, int dimension, SinkhornOptions? options = null, double[]? logWeightsX = null,
        double[]? logWeightsY = null, CancellationToken cancellation = default)
    {
        options ??= new SinkhornOptions();
        SinkhornResult cross = Solve(x, y, dimension, options, logWeightsX, logWeightsY, cancellation);
        (double selfX, bool convergedX) = SelfCost(x, dimension, options, logWeightsX, cancellation);
        (double selfY, bool convergedY) = SelfCost(y, dimension, options, logWeightsY, cancellation);
        return new SinkhornDivergence(cross.EntropicCost - (selfX + selfY) / 2, cross, selfX, selfY, cross.Converged && convergedX && convergedY);
    }

    private static void Move(double[] potential, double[] updated, double factor)
    {
        for (int index = 0; index < potential.Length; index++)
            potential[index] += factor * (updated[index] - potential[index]);
    }

    /// <summary>
    /// Over-relaxation learned from the observed rate. Near the solution the iteration is a Gauss-Seidel sweep whose eigenvalues are real and in [0, 1),
    /// so Young's classical formula gives the best factor from the rate seen at the present one; a growing error pulls the factor back to 1.
    /// </summary>
    /// <remarks>Source: A. Thibault, L. Chizat, C. Dossal and N. Papadakis, "Overrelaxed Sinkhorn-Knopp algorithm for regularized optimal
    /// transport" (arXiv 1711.01851).</remarks>
    private sealed class Relaxation
    {
        private const double Largest = 1.98;
        private double windowError;
        private int inWindow;
        private int window = 20;
        private bool settling;

        public double Factor { get; private set; } = 1;

        public bool AtWindowEnd => inWindow == window;

        public void Observe(double error)
        {
            if (inWindow == 0)
                windowError = error;
            if (inWindow++ < window)
                return;
            inWindow = 0;
            // A new factor first makes a transient, which says nothing about its rate.
            if (settling)
            {
                settling = false;
                return;
            }
            double rate = Math.Pow(error / windowError, 1.0 / window);
            double before = Factor;
            if (rate >= 1)
            {
                Factor = 1 + (Factor - 1) / 2;
            }
            else if (rate > Factor - 1)
            {
                double eigenvalue = Math.Min(1, (rate + Factor - 1) * (rate + Factor - 1) / (rate * Factor * Factor));
                Factor = Math.Min(Largest, 2 / (1 + Math.Sqrt(1 - eigenvalue)));
            }
            settling = Factor != before;
            window = Math.Max(20, (int)(4 / (2 - Factor)));
        }
    }

    /// <summary>Entropic cost of a measure with itself: one potential, averaged with its own update, which converges fast.</summary>
    private static (double Cost, bool Converged) SelfCost(
        double[] x, int dimension, SinkhornOptions options, double[]? logWeights, CancellationToken cancellation)
    {
        int count = x.Length / dimension;
        double[] logA = PointSets.NormaliseLogWeights(logWeights, count, nameof(logWeights));
        var rows = new CostRows(x, x, dimension, options.Cost, count <= options.StoredCostLimit, options.Threads);
        double[] f = new double[count], nextF = new double[count];
        double error = 0, mass = 1;
        int iterations = 0;
        foreach (double epsilon in Temperatures(rows, options))
        {
            bool last = epsilon == options.Epsilon;
            int cap = last ? options.MaximumIterations : Math.Min(options.MaximumIterations, iterations + WarmIterations);
            double tolerance = last ? options.Tolerance : Math.Max(options.Tolerance, WarmError);
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                Update(rows, f, logA, nextF, epsilon);
                (error, mass) = MarginalError(f, nextF, logA, epsilon);
                if (error <= tolerance || iterations >= cap)
                    break;
                for (int index = 0; index < count; index++)
                    f[index] = (f[index] + nextF[index]) / 2;
                iterations++;
            }
        }
        return (2 * Mean(f, logA) - options.Epsilon * (mass - 1), error <= options.Tolerance);
    }

    private static IEnumerable<double> Temperatures(CostRows rows, SinkhornOptions options)
    {
        for (double epsilon = LargestCost(rows); epsilon > options.Epsilon; epsilon *= options.ScalingFactor)
            yield return epsilon;
        yield return options.Epsilon;
    }

    private static double LargestCost(CostRows rows)
    {
        var buffer = new double[rows.Columns];
        double largest = 0;
        // A quarter of all rows at most: the start temperature need not be exact.
        for (int row = 0; row < rows.Rows; row += 4)
        {
            foreach (double cost in rows.Row(row, buffer))
                largest = Math.Max(largest, cost);
        }
        return double.IsFinite(largest) ? largest : throw new ArithmeticException("The costs overflow double precision; scale the points down.");
    }

    /// <summary>target(i) = -eps log sum_j exp(logWeights(j) + (potential(j) - c(i, j)) / eps).</summary>
    private static void Update(CostRows rows, double[] potential, double[] logWeights, double[] target, double epsilon)
    {
        double scale = 1 / epsilon;
        var shift = new double[potential.Length];
        for (int index = 0; index < shift.Length; index++)
            shift[index] = logWeights[index] + potential[index] * scale;
        ForRows(rows, (row, costs) => target[row] = -epsilon * LogSumExp.Of(shift, costs, scale));
    }

    private static (double Error, double Mass) MarginalError(double[] f, double[] nextF, double[] logA, double epsilon)
    {
        double error = 0, mass = 0;
        for (int index = 0; index < f.Length; index++)
        {
            double weight = Math.Exp(logA[index]);
            double marginal = Math.Exp(logA[index] + (f[index] - nextF[index]) / epsilon);
            error += Math.Abs(marginal - weight);
            mass += marginal;
        }
        return double.IsNaN(error) ? throw new ArithmeticException("The Sinkhorn iteration became NaN; scale the points or raise epsilon.") : (error, mass);
    }

    private static double Mean(double[] potential, double[] logWeights)
    {
        double sum = 0;
        for (int index = 0; index < potential.Length; index++)
            sum += Math.Exp(logWeights[index]) * potential[index];
        return sum;
    }

    private static double TransportCost(CostRows rows, double[] f, double[] g, double[] logA, double[] logB, double epsilon)
    {
        var shift = new double[g.Length];
        for (int index = 0; index < g.Length; index++)
            shift[index] = logB[index] + g[index] / epsilon;
        var costs = new double[rows.Rows];
        ForRows(rows, (row, of) => costs[row] = LogSumExp.MeanCost(shift, of, 1 / epsilon, logA[row] + f[row] / epsilon));
        return costs.Sum();
    }

    /// <summary>Visits the rows of costs, on several threads when there is enough to do; each row is computed alone, so threads don't change a bit.</summary>
    private static void ForRows(CostRows rows, RowVisitor visit)
    {
        const long parallelFrom = 1 << 16;
        int threads = (long)rows.Rows * rows.Columns < parallelFrom ? 1 : rows.Threads;
        Workers.For(rows.Rows, threads, () => new double[rows.Stored is null ? rows.Columns : 0], (row, buffer) => visit(row, rows.Row(row, buffer)));
    }

    private delegate void RowVisitor(int row, ReadOnlySpan<double> costs);
}
