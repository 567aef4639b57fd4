using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// Bayesian logistic regression with an unknown scale of the weights, as the literature on particle and gradient-flow samplers has it,
/// <code>
/// w | a ~ N(0, I / a),   a ~ Gamma(1, rate 100),   P(y | x, w) = max(1 / (1 + exp(-y x . w)), 1e-5),   positions (w, log a)                            (1)
/// </code>
/// with log a clipped to 8 in size where it scales the weights. The prior is that of the published code: its precision a is about 0.01. Sources: Q. Liu and
/// D. Wang, "Stein variational gradient descent", arXiv:1608.04471; P. Mokrov et al., arXiv:2106.00736, section 4.2 and code.
/// </summary>
public static class LogisticPosterior
{
    private const double Rate = 100;
    private const double LargestLogPrecision = 8;
    private const double LeastProbability = 1e-5;

    // Where a flow to the posterior may start: weights of standardised features, and the prior's precision with room on both sides.
    private const double BaseLogPrecision = -3;
    private const double BaseLogPrecisionDeviation = 2;

    /// <summary>The posterior of (w, log a) given rows.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rows">The rows, as a rule standardised and with a feature of ones.</param>
    /// <param name="batchRows">Rows of a mini-batch; null trains on all.</param>
    public static RowPosterior Create(string name, LabelledRows rows, int? batchRows = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var p = rows.Columns;

        // As only products of label and features are read, they are the table.
        double[] signed = [.. rows.Features.Select((v, i) => v * rows.Labels[i / p])];
        Expr LogPrior(Expr x)
        {
            var (weights, logPrecision) = (x.Slice(0, 0, p), x[p]);
            var clipped = logPrecision.Clamp(-LargestLogPrecision, LargestLogPrecision);
            return (0.5 * p * clipped) - (0.5 * clipped.Exp() * weights.SquaredNorm()) - (0.5 * p * Math.Log(2 * Math.PI))
                + Math.Log(Rate) + logPrecision - (Rate * logPrecision.Exp());
        }

        static Expr LogLikelihood(Expr margins) => (-(-margins).Softplus()).Clamp(Math.Log(LeastProbability), 0).Sum();
        double[] scale = [.. Enumerable.Repeat(1.0, p), BaseLogPrecisionDeviation];
        var options = new DensityOptions
        {
            Description = $"Logistic regression with an unknown scale of the weights, {rows.Count} rows, {p} features.",
            Names = [.. Enumerable.Range(0, p).Select(j => $"w[{j}]"), "log a"],
            Base = new BaseSuggestion([.. new double[p], BaseLogPrecision], scale, "unit normal weights"),
        };
        return new RowPosterior(
            name, p + 1, LogPrior, signed, p, (x, table) => LogLikelihood(Expr.MatrixProduct(table, x.Slice(0, 0, p))), options)
        {
            BatchRows = batchRows,
        };
    }

    /// <summary>How well draws of a posterior predict rows: by the mean over the draws of P(y | x, w).</summary>
    /// <param name="rows">The rows, standardised as those of the posterior.</param>
    /// <param name="draws">Draws of (w, log a) [n * (columns + 1)], row-major.</param>
    /// <param name="weights">Their weights [n]; null for equal ones.</param>
    /// <returns>The share of rows whose label is the likelier one, and the mean log probability of the labels.</returns>
    /// <exception cref="ArgumentException">The sizes don't go together.</exception>
    public static (double Accuracy, double LogLikelihood) Predict(LabelledRows rows, double[] draws, double[]? weights = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(draws);
        var (p, n) = (rows.Columns, draws.Length / (rows.Columns + 1));
        if (n == 0 || draws.Length != n * (p + 1) || (weights is not null && weights.Length != n))
        {
            throw new ArgumentException(
                $"{draws.Length} numbers and {weights?.Length ?? n} weights are no draws of {p} weights and a precision.", nameof(draws));
        }

        var sum = weights?.Sum() ?? n;
        var (right, log) = (0, 0.0);
        for (var i = 0; i < rows.Count; i++)
        {
            var probability = 0.0;
            for (var k = 0; k < n; k++)
            {
                var margin = rows.Labels[i] * HostVectors.Dot(rows.Features.AsSpan(i * p, p), draws.AsSpan(k * (p + 1), p));
                probability += (weights?[k] ?? 1) * Math.Max(1 / (1 + Math.Exp(-margin)), LeastProbability) / sum;
            }

            right += probability > 0.5 ? 1 : 0;
            log += Math.Log(probability) / rows.Count;
        }

        return ((double)right / rows.Count, log);
    }
}
