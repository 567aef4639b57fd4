using Monge.Data;
using Monge.Engine.Programs;

namespace Monge.Measures.Posteriors;

/// <summary>
/// Bayesian logistic regression with weights ~ N(0, 1) on standardised columns: P(y = +1) = 1 / (1 + exp(-x.w)). One evaluation is one product of the
/// constant matrix of signed rows y_i x_i with w.
/// </summary>
internal static class LogisticRegression
{
    /// <summary>Radar returns from the ionosphere (UCI): 351 rows, ones first, then 34 columns.</summary>
    public static PosteriorModel Ionosphere { get; } = Model(
        "ionosphere", "logistic regression: good and bad radar returns from the ionosphere", onesFirst: true,
        () => ShippedData.Columns("logistic/ionosphere.csv"),
        names => new TargetFacts
        {
            LogZ = -111.607,
            LogZError = 0.003,
            LogZSource = "log evidence: importance and bridge sampling",
            Moments = IonosphereMoments(names),
        });

    /// <summary>Sonar echoes of rocks and mines (UCI): 208 rows, ones first, then 60 columns.</summary>
    public static PosteriorModel Sonar { get; } = Model(
        "sonar", "logistic regression: sonar echoes of rocks and mines", onesFirst: true,
        () => ShippedData.Columns("logistic/sonar.csv"),
        _ => new TargetFacts { LogZ = -108.379, LogZError = 0.005, LogZSource = "log evidence: importance and bridge sampling" });

    /// <summary>German credit, numeric form (UCI), as in the Inference Gym: 24 columns, ones last, +1 is bad credit.</summary>
    public static PosteriorModel GermanCredit { get; } = Model(
        "german-credit", "logistic regression: good and bad credit", onesFirst: false,
        () =>
        {
            double[][] rows = [.. ShippedData.Lines("logistic/german.data-numeric").Select(
                l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(ShippedData.Parse).ToArray())];
            string[] names = [.. Enumerable.Range(0, rows[0].Length - 1).Select(j => $"params[{j}]"), "y"];
            return ModelData.FromTable(DataTable.From(
                [.. rows.SelectMany(r => r[..^1].Append(r[^1] == 2 ? 1 : -1))], names.Length, names, "logistic/german.data-numeric"));
        },
        names =>
        {
            var reference = ShippedData.Table("logistic/german_credit_reference.csv").Where(r => r["quantity"] == "params").OrderBy(
                r => ShippedData.Parse(r["index"])).ToArray();
            double[] Column(string column) => [.. reference.Select(r => ShippedData.Parse(r[column]))];
            return new TargetFacts
            {
                LogZ = -529.1769,
                LogZError = 0.001,
                LogZSource = "log evidence: importance sampling",
                Moments = new ReferenceMoments(Column("mean"), Column("standard_deviation"), "Inference Gym: long Stan runs")
                { MeanError = Column("mean_standard_error") },
            };
        });

    private static PosteriorModel Model(
        string name, string description, bool onesFirst, Func<ModelData> usual, Func<IReadOnlyList<string>, TargetFacts> facts)
    {
        var full = $"{description}; labels y of 1 and 0 or -1, features in the matrix X or all other columns, weights ~ N(0, 1)";
        Lazy<ModelData> shipped = new(usual);
        return new PosteriorModel(
            name, full, data =>
            {
                var labels = Labels(data);
                var features = data.Features("X", labels.Length, "y");
                var rows = Standardised(features, onesFirst);
                var (n, d) = (rows.GetLength(0), rows.GetLength(1));
                var isUsual = ReferenceEquals(data, shipped.Value);
                var columns = data.FeatureNames("X", "y") ?? [.. Enumerable.Range(0, d - 1).Select(i => $"x{i}")];
                string[] names = onesFirst ? ["intercept", .. columns] : [.. columns, "intercept"];
                var signed = Expr.Constant([.. Enumerable.Range(0, n).SelectMany(i => Enumerable.Range(0, d).Select(j => -labels[i] * rows[i, j]))], n, d);
                return Density.Create(
                    name, d, w => LogDensities.StandardNormal(w).Sum() - Expr.MatrixProduct(signed, w).Softplus().Sum(),
                    new DensityOptions
                    {
                        Description = $"Logistic regression of {n} rows on {d - 1} standardised features and an intercept, weights ~ N(0, 1).",
                        Names = names,
                        Facts = isUsual ? facts(names) : TargetFacts.None,
                    });
            },
            () => shipped.Value,
            new ModelSimulation(
                (design, random) => [.. Enumerable.Range(0, Rows(design).GetLength(1)).Select(_ => random.NextNormal())],
                (design, weights, random) => design.With("y", [.. PosteriorParts.Times(Rows(design), weights).Select(
                    logit => random.NextDouble() < 1 / (1 + Math.Exp(-logit)) ? 1.0 : -1)])));

        double[,] Rows(ModelData design) => Standardised(design.Features("X", design.Vector("y").Length, "y"), onesFirst);
    }

    // 1 and 0 are read as 1 and -1.
    private static double[] Labels(ModelData data)
    {
        var labels = data.Vector("y");
        var least = labels.Min();
        _ = data.Each("y", labels, v => v == 1 || v == least && least is 0 or -1, "must be 1, or else 0 or -1, the same for all");
        return labels.All(v => v == labels[0])
            ? throw data.Wrong(FormattableString.Invariant($"all values of 'y' are {labels[0]}; there must be both kinds"))
            : Array.ConvertAll(labels, v => v == 1 ? 1.0 : -1);
    }

    // Columns with mean 0 and population standard deviation 1 (constant columns become 0), and a column of ones.
    private static double[,] Standardised(double[,] rows, bool onesFirst)
    {
        var (n, d) = (rows.GetLength(0), rows.GetLength(1));
        var (result, skip) = (new double[n, d + 1], onesFirst ? 1 : 0);
        for (var j = 0; j < d; j++)
        {
            double mean = 0, square = 0;
            for (var i = 0; i < n; i++)
            {
                mean += rows[i, j] / n;
            }

            for (var i = 0; i < n; i++)
            {
                square += (rows[i, j] - mean) * (rows[i, j] - mean) / n;
            }

            var scale = square > 1e-24 * (1 + (mean * mean)) ? 1 / Math.Sqrt(square) : 0;
            for (var i = 0; i < n; i++)
            {
                result[i, j + skip] = scale * (rows[i, j] - mean);
            }
        }

        for (var i = 0; i < n; i++)
        {
            result[i, onesFirst ? 0 : d] = 1;
        }

        return result;
    }

    private static ReferenceMoments IonosphereMoments(IReadOnlyList<string> names)
    {
        var reference = ShippedData.Table("logistic/ionosphere_reference.csv").ToDictionary(r => r["parameter"]);
        double[] Column(string column) => [.. names.Select(n => ShippedData.Parse(reference[n][column]))];
        return new ReferenceMoments(Column("mean"), Column("standard_deviation"), "Hamiltonian Monte Carlo, 1.2 million iterations")
        {
            MeanError = Column("mean_standard_error"),
            StandardDeviationError = Column("standard_deviation_standard_error"),
        };
    }
}
