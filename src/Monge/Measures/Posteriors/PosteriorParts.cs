using Monge.Data;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Posteriors;

/// <summary>What the models share: the references of posteriordb, shipped data, least squares and draws.</summary>
internal static class PosteriorParts
{
    /// <summary>Data that come with the library.</summary>
    public static ModelData Shipped(string path) => ShippedData.Model(path);

    /// <summary>Log evidence and moments of a posterior of posteriordb, the moments in the order of the names.</summary>
    public static TargetFacts PosteriorDbFacts(string posterior, IReadOnlyList<string> names)
    {
        var rows = ShippedData.Table("posteriordb/moments.csv").Where(r => r["posterior"] == posterior).ToDictionary(r => r["parameter"]);
        var evidence = ShippedData.Table("posteriordb/log_evidence.csv").SingleOrDefault(r => r["posterior"] == posterior);
        double[] Column(string column) => [.. names.Select(n => ShippedData.Parse(rows[n][column]))];
        return new TargetFacts
        {
            LogZ = evidence is null ? null : ShippedData.Parse(evidence["log_evidence"]),
            LogZError = evidence is null || evidence["standard_error"].StartsWith('<') ? 0 : ShippedData.Parse(evidence["standard_error"]),
            LogZSource = evidence is null ? null : "log evidence: " + evidence["method"],
            Moments = new ReferenceMoments(Column("mean"), Column("sd"), "posteriordb: 10000 reference draws") { MeanError = Column("mcse_mean") },
        };
    }

    /// <summary>A row vector of a constant.</summary>
    public static Expr Constant(double[] values) => Expr.Constant(values, values.Length);

    /// <summary>A matrix as a constant.</summary>
    public static Expr Constant(double[,] matrix) =>
        Expr.Constant([.. matrix.Cast<double>()], matrix.GetLength(0), matrix.GetLength(1));

    /// <summary>The matrix of columns of equal length.</summary>
    public static double[,] Columns(params double[][] columns)
    {
        var matrix = new double[columns[0].Length, columns.Length];
        for (var i = 0; i < matrix.GetLength(0); i++)
        {
            for (var j = 0; j < columns.Length; j++)
            {
                matrix[i, j] = columns[j][i];
            }
        }

        return matrix;
    }

    /// <summary>Ones.</summary>
    public static double[] Ones(int n)
    {
        var ones = new double[n];
        Array.Fill(ones, 1);
        return ones;
    }

    /// <summary>A matrix times a vector.</summary>
    public static double[] Times(double[,] matrix, ReadOnlySpan<double> vector)
    {
        var product = new double[matrix.GetLength(0)];
        for (var i = 0; i < product.Length; i++)
        {
            for (var j = 0; j < vector.Length; j++)
            {
                product[i] += matrix[i, j] * vector[j];
            }
        }

        return product;
    }

    /// <summary>A half-Cauchy draw.</summary>
    public static double HalfCauchy(RandomStream random, double scale) => scale * Math.Abs(Math.Tan(Math.PI * (random.NextDouble() - 0.5)));

    /// <summary>
    /// A number of events at a rate: by the times between them where they are few, else by transformed rejection (W. Hoermann, Insurance: Mathematics and
    /// Economics 12 (1993), algorithm PTRS).
    /// </summary>
    public static double Poisson(RandomStream random, double rate)
    {
        const double few = 10;
        if (rate < few)
        {
            var (count, time) = (0, random.NextExponential());
            while (time < rate)
            {
                time += random.NextExponential();
                count++;
            }

            return count;
        }

        var b = 0.931 + (2.53 * Math.Sqrt(rate));
        var a = -0.059 + (0.02483 * b);
        var inverse = 1.1239 + (1.1328 / (b - 3.4));
        var squeeze = 0.9277 - (3.6224 / (b - 2));
        while (true)
        {
            var (u, v) = (random.NextDouble() - 0.5, random.NextDouble());
            var edge = 0.5 - Math.Abs(u);
            var k = Math.Floor((((2 * a / edge) + b) * u) + rate + 0.43);
            if (edge >= 0.07 && v <= squeeze)
            {
                return k;
            }

            if (k >= 0 && (edge >= 0.013 || v <= edge)
                && Math.Log(v * inverse / ((a / (edge * edge)) + b)) <= (k * Math.Log(rate)) - rate - SpecialFunctions.LogGamma(k + 1))
            {
                return k;
            }
        }
    }

    /// <summary>Covariance of points on a line: deviation^2 exp(-(x - x')^2 / (2 length^2)), with a nugget on the diagonal.</summary>
    public static Expr SquaredExponential(double[] points, Expr length, Expr deviation, Expr nugget)
    {
        var n = points.Length;
        var squares = Expr.Constant([.. points.SelectMany(a => points.Select(b => (a - b) * (a - b)))], n, n);
        return (deviation.Square() * (-0.5 * squares / length.Square()).Exp()) + (nugget * Expr.Identity(n));
    }

    /// <summary>A draw of N(0, K) with K as <see cref="SquaredExponential"/>.</summary>
    public static double[] GaussianProcess(RandomStream random, double[] points, double length, double deviation, double nugget)
    {
        var n = points.Length;
        double[] factor = [.. points.SelectMany((a, i) => points.Select(
            (b, j) => (deviation * deviation * Math.Exp(-0.5 * (a - b) * (a - b) / (length * length))) + (i == j ? nugget : 0)))];
        Cholesky.Factor(factor, n);
        double[] normals = [.. Enumerable.Range(0, n).Select(_ => random.NextNormal())];
        return [.. Enumerable.Range(0, n).Select(i => Enumerable.Range(0, i + 1).Sum(j => factor[(i * n) + j] * normals[j]))];
    }

    /// <summary>The least-squares fit of a design, whose columns must be independent.</summary>
    /// <exception cref="DataFormatException">There are fewer rows than columns, or a column depends on those before it.</exception>
    public static LeastSquaresResult Fit(ModelData data, double[,] design, double[] y, IReadOnlyList<string> columns)
    {
        var (n, k) = (design.GetLength(0), design.GetLength(1));
        if (n <= k)
        {
            throw data.Wrong($"{n} observations are too few for {k} weights with flat priors");
        }

        try
        {
            return QrLeastSquares.Solve([.. design.Cast<double>()], n, k, y);
        }
        catch (LinearAlgebraException)
        {
            var dependent = Enumerable.Range(1, k - 1).First(j => IsDependent(design, j));
            throw data.Wrong($"{columns[dependent]} is a constant or a combination of the columns before it, so its weight has no posterior; leave it out");
        }
    }

    private static bool IsDependent(double[,] design, int column)
    {
        double[] head = [.. Enumerable.Range(0, design.GetLength(0)).SelectMany(i => Enumerable.Range(0, column + 1).Select(j => design[i, j]))];
        try
        {
            _ = QrLeastSquares.Solve(head, design.GetLength(0), column + 1, new double[design.GetLength(0)]);
            return false;
        }
        catch (LinearAlgebraException)
        {
            return true;
        }
    }
}
