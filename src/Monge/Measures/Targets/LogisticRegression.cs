using Monge.Engine.Programs;

namespace Monge.Measures.Targets;

/// <summary>
/// Bayesian logistic regression with weights ~ N(0, 1) on standardised columns: P(y = +1) = 1 / (1 + exp(-x.w)). One evaluation is one product of the
/// constant matrix of signed rows y_i x_i with w.
/// </summary>
internal static class LogisticRegression
{
    /// <summary>Radar returns from the ionosphere (UCI): 351 rows, ones first, then 34 columns.</summary>
    public static Density Ionosphere()
    {
        var rows = ShippedData.Numbers("logistic/ionosphere.csv");
        double[][] features = [.. rows.Select(r => r[..^1])];
        string[] names = ["intercept", .. Enumerable.Range(0, features[0].Length).Select(i => $"x{i}")];
        var reference = ShippedData.Table("logistic/ionosphere_reference.csv").ToDictionary(r => r["parameter"]);
        double[] Column(string column) => [.. names.Select(n => ShippedData.Parse(reference[n][column]))];
        return Create(
            "ionosphere", "Logistic regression: good and bad radar returns from the ionosphere, 351 rows, 34 features and an intercept, weights ~ N(0, 1).",
            Standardised(features, onesFirst: true), [.. rows.Select(r => r[^1])], names, new TargetFacts
            {
                LogZ = -111.607,
                LogZError = 0.003,
                LogZSource = "log evidence: importance and bridge sampling",
                Moments = new ReferenceMoments(Column("mean"), Column("standard_deviation"), "Hamiltonian Monte Carlo, 1.2 million iterations")
                {
                    MeanError = Column("mean_standard_error"),
                    StandardDeviationError = Column("standard_deviation_standard_error"),
                },
            });
    }

    /// <summary>German credit, numeric form (UCI), as in the Inference Gym: 24 columns, ones last, +1 is bad credit.</summary>
    public static Density GermanCredit()
    {
        double[][] rows = [.. ShippedData.Lines("logistic/german.data-numeric").Select(
            l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(ShippedData.Parse).ToArray())];
        double[] labels = [.. rows.Select(r => r[^1] == 2 ? 1.0 : -1.0)];
        var reference = ShippedData.Table("logistic/german_credit_reference.csv").Where(r => r["quantity"] == "params").OrderBy(
            r => ShippedData.Parse(r["index"])).ToArray();
        double[] Column(string column) => [.. reference.Select(r => ShippedData.Parse(r[column]))];
        return Create("german-credit", "Logistic regression: good and bad credit, 1000 rows, 24 features and an intercept (last), weights ~ N(0, 1).",
            Standardised([.. rows.Select(r => r[..^1])], onesFirst: false), labels,
            [.. Enumerable.Range(0, reference.Length).Select(i => $"params[{i}]")], new TargetFacts
            {
                LogZ = -529.1769,
                LogZError = 0.001,
                LogZSource = "log evidence: importance sampling",
                Moments = new ReferenceMoments(
                Column("mean"), Column("standard_deviation"), "Inference Gym: long Stan runs")
                { MeanError = Column("mean_standard_error") },
            });
    }

    private static Density Create(string name, string description, double[][] rows, double[] labels, string[] names, TargetFacts facts)
    {
        var (n, d) = (rows.Length, rows[0].Length);
        var signed = Expr.Constant([.. rows.Zip(labels, (row, label) => row.Select(v => -label * v)).SelectMany(v => v)], n, d);
        return Density.Create(
            name, d, w => -Expr.MatrixProduct(signed, w).Softplus().Sum() - (0.5 * w.SquaredNorm()) - (d * Posteriors.HalfLogTwoPi),
            new DensityOptions { Description = description, Names = names, Facts = facts });
    }

    // Columns with mean 0 and population standard deviation 1 (constant columns become 0), and a column of ones.
    private static double[][] Standardised(double[][] rows, bool onesFirst)
    {
        var columns = rows[0].Length;
        double[] mean = [.. Enumerable.Range(0, columns).Select(j => rows.Average(r => r[j]))];
        double[] scale = [.. Enumerable.Range(0, columns).Select(j => Math.Sqrt(rows.Average(r => (r[j] - mean[j]) * (r[j] - mean[j]))))];
        IEnumerable<double> Scaled(double[] row) => row.Select((v, j) => scale[j] == 0 ? 0 : (v - mean[j]) / scale[j]);
        return [.. rows.Select(r => onesFirst ? (double[])[1, .. Scaled(r)] : [.. Scaled(r), 1])];
    }
}
