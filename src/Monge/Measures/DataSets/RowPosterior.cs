using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// A posterior whose log likelihood is a sum over the rows of a table,
/// <code>
/// log rho(x) = log prior(x) + sum_i l(x; row_i),      and its estimate from S rows,   log prior(x) + (n / S) sum_s l(x; row_s)                          (1)
/// </code>
/// which is unbiased for a random choice of rows: a loss into which the log density enters linearly may be trained on mini-batches, however long the table.
/// </summary>
public sealed class RowPosterior
{
    internal const string RowsName = "dataRows";

    private readonly Func<Expr, Expr> _logPrior;
    private readonly Func<Expr, Expr, Expr> _logLikelihood;
    private readonly DensityOptions? _options;

    /// <summary>Makes it of its parts.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="dimension">Number of coordinates the formulas see.</param>
    /// <param name="logPrior">From a position [dimension] to the logarithm of the prior density, a scalar.</param>
    /// <param name="rows">The table [n * columns], row-major.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="logLikelihood">From a position [dimension] and any number of rows [m, columns] to the sum of their log likelihoods, a scalar.</param>
    /// <param name="options">Supports, names, facts, a suggested base.</param>
    /// <exception cref="ArgumentException">The table is empty or ragged, a number in it is not finite, or a formula doesn't fit.</exception>
    public RowPosterior(
        string name, int dimension, Func<Expr, Expr> logPrior, double[] rows, int columns, Func<Expr, Expr, Expr> logLikelihood, DensityOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(logPrior);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(logLikelihood);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        if (rows.Length == 0 || rows.Length % columns != 0)
        {
            throw new ArgumentException($"The table of '{name}' has {rows.Length} numbers, which are no whole rows of {columns} columns.", nameof(rows));
        }

        if (Array.FindIndex(rows, v => !double.IsFinite(v)) is >= 0 and var bad)
        {
            throw new ArgumentException(
                $"The table of '{name}' holds {rows[bad]} in row {bad / columns}, column {bad % columns}; fill gaps or leave such rows out.", nameof(rows));
        }

        (_logPrior, _logLikelihood, _options, Rows, Columns) = (logPrior, logLikelihood, options, [.. rows], columns);
        var table = Expr.Constant(Rows, Count, columns);
        Density = Density.Create(name, dimension, x => logPrior(x) + logLikelihood(x, table), options);
    }

    /// <summary>The posterior of all rows, unnormalised.</summary>
    public Density Density { get; }

    /// <summary>Columns of the table.</summary>
    public int Columns { get; }

    /// <summary>Rows n of the table.</summary>
    public int Count => Rows.Length / Columns;

    /// <summary>Rows S of a mini-batch, 1 to below n; null or n trains on all.</summary>
    public int? BatchRows { get; init; }

    /// <summary>The table [n * columns], row-major.</summary>
    internal double[] Rows { get; }

    /// <summary>Whether a training reads mini-batches.</summary>
    internal bool IsBatched => BatchRows is { } batch && batch < Count;

    /// <summary>The estimate of (1) from the rows of an input that is shared by all samples of a step, <see cref="RowsName"/> [S, columns].</summary>
    internal Density Batched()
    {
        var (size, count) = (BatchRows!.Value, Count);
        return Density.Create(
            Density.Name, Density.Dimension,
            x => _logPrior(x) + ((double)count / size * _logLikelihood(x, Expr.Shared(RowsName, size, Columns))), _options);
    }
}
