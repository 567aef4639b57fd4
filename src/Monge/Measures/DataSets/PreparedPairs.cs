using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Random;
using Monge.OptimalTransport;

namespace Monge.Measures;

/// <summary>How rows of base and data are made ready and paired.</summary>
/// <param name="Coupling">How base and data are paired.</param>
/// <param name="CouplingSize">Points of one mini-batch transport; divides the batch.</param>
/// <param name="SinkhornEpsilon">The regularisation of a Sinkhorn coupling, as a share of the mean squared distance.</param>
/// <param name="Standardisation">How the data are scaled.</param>
/// <param name="ValidationShare">The share of rows that are held out to judge by.</param>
/// <param name="ConditionDropout">The share of samples whose condition is hidden.</param>
public sealed record PairingOptions(
    CouplingKind Coupling, int CouplingSize, double SinkhornEpsilon, StandardisationKind Standardisation, double ValidationShare, double ConditionDropout)
{
    /// <summary>Whether pairs are made by mini-batch transport.</summary>
    public bool IsTransport => Coupling is CouplingKind.OptimalTransport or CouplingKind.Sinkhorn;
}

/// <summary>
/// The first two moments of both ends in the model's coordinates, one variance for all of them: what makes the linear part of the fields, which is exact for
/// Gaussian ends, so that networks see inputs of size 1 and learn the rest (the idea of preconditioning in T. Karras et al., arXiv:2206.00364).
/// </summary>
/// <param name="BaseMean">The base's mean [d].</param>
/// <param name="BaseVariance">The base's variance, averaged over coordinates.</param>
/// <param name="DataMean">The data's mean [d].</param>
/// <param name="DataVariance">The data's variance.</param>
/// <param name="Covariance">The covariance of pairs, coordinate by coordinate, averaged.</param>
public sealed record EndMoments(
    IReadOnlyList<double> BaseMean, double BaseVariance, IReadOnlyList<double> DataMean, double DataVariance, double Covariance);

/// <summary>Rows in the model's coordinates with their conditions.</summary>
/// <param name="Rows">Their number n.</param>
/// <param name="Values">Values [n, d].</param>
/// <param name="Conditions">Conditions [n, c + 1], the last entry the flag 1; empty without.</param>
/// <param name="Labels">One number [n] for each combination of classes; empty without classes.</param>
internal sealed record PreparedRows(int Rows, float[] Values, float[] Conditions, int[] Labels)
{
    /// <summary>The probabilities of a mixture base's components given the rows, summed up [n, K]; empty for another base.</summary>
    public float[] Shares { get; init; } = [];
}

/// <summary>Data made ready for a fit: coordinates, the split into rows to learn from and to judge by, and the ends' moments.</summary>
internal sealed class PreparedPairs
{
    private const int MomentDraws = 16_384;

    private PreparedPairs(FlowData data, PairingOptions options, bool needsBase, Standardisation standardisation)
    {
        (Data, Options, Standardisation) = (data, options, standardisation);
        HasBaseRows = needsBase && (!data.HasGaussianBase || options.Coupling != CouplingKind.Independent);
        Inputs = data.Conditions.Sum(c => c.Inputs);
    }

    public FlowData Data { get; }

    public PairingOptions Options { get; }

    public Standardisation Standardisation { get; }

    /// <summary>Inputs of the condition without its flag.</summary>
    public int Inputs { get; }

    public int Dimension => Data.Dimension;

    /// <summary>The ends' moments.</summary>
    public EndMoments Moments { get; private set; } = null!;

    /// <summary>The table's rows to learn from; null for samplers.</summary>
    public PreparedRows? Train { get; private set; }

    /// <summary>The table's rows to judge by; null for samplers or without a validation share.</summary>
    public PreparedRows? Validation { get; private set; }

    /// <summary>The base table's rows.</summary>
    public float[]? BaseRows { get; private set; }

    /// <summary>The base table's rows that belong to <see cref="Validation"/>, or all.</summary>
    public float[]? BaseValidationRows { get; private set; }

    /// <summary>The base, if it is a Gaussian mixture.</summary>
    public MixtureBase? Mixture { get; private set; }

    /// <summary>What the transport leads from and to.</summary>
    public FlowEnds Ends => new(
        Data.Names, Standardisation, Data.HasGaussianBase ? FlowBase.Gaussian : Mixture is null ? FlowBase.Rows : FlowBase.Of(Mixture))
    {
        Conditions = Data.Conditions,
        Moments = Moments,
        Presence = Data.Presence,
    };

    /// <summary>The rows to judge by, in the data's coordinates; null without such.</summary>
    public double[]? HeldOutRows => Validation is null ? null : Standardisation.Undo(Array.ConvertAll(Validation.Values, v => (double)v));

    /// <summary>Their conditions; null without.</summary>
    public ConditionValues? HeldOutGiven => Validation is null || Inputs == 0 ? null : ConditionValues.Encoded(Validation.Conditions, Inputs);

    /// <summary>The table's rows in the order in which they were split: those held out first; empty for samplers.</summary>
    public int[] Order { get; private set; } = [];

    /// <summary>Whether base points are given row by row, not drawn as standard normal numbers by whoever uses the rows.</summary>
    public bool HasBaseRows { get; }

    /// <summary>Makes data ready.</summary>
    /// <param name="data">The data.</param>
    /// <param name="options">How.</param>
    /// <param name="needsBase">Whether base points are used at all, which those of a mirror are not.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="threads">Threads of the fit of a mixture, 0 for all.</param>
    /// <param name="cancellation">Stops the fit of a mixture.</param>
    /// <exception cref="ArgumentException">Data and options don't go together; the message says what to change.</exception>
    /// <exception cref="DataFormatException">The table has too few rows, or a constant column.</exception>
    public static PreparedPairs Prepare(
        FlowData data, PairingOptions options, bool needsBase, ulong seed, int threads = 0, CancellationToken cancellation = default)
    {
        Check(data, options);
        var random = new RandomStream(seed, MeasureStreams.Moments);
        var checks = new DataTableOptions { MinimumRows = 10, RefuseConstantColumns = true };
        var table = data.Table is null ? null
            : DataTable.From(data.Table.Select([.. data.Names]).Values, data.Dimension, data.Names, data.Table.Source, checks);
        var (x0, x1) = DrawEnds(data, table, random);
        var fitted = x0 is null ? x1 : [.. x1, .. x0];
        Standardisation standardisation;
        try
        {
            // Where distances between rows count, or two tables share the coordinates, these stay straight; zeros have their own place.
            var canCurve = table is not null && x0 is null && options is { Standardisation: StandardisationKind.Columns, Coupling: CouplingKind.Independent };
            bool IsContinuous(string name) => data.Types?.Continuous.Any(type => type.Name == name && type.Kind == ColumnKind.Continuous) != false;
            standardisation = canCurve ? Standardisation.OfTails(fitted, data.Names, [.. data.Names.Select(IsContinuous)])
                : Standardisation.Of(fitted, data.Dimension, options.Standardisation, data.Names);
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"{data.Table?.Source ?? "The data"}: {error.Message}", error);
        }

        var problem = new PreparedPairs(data, options, needsBase, standardisation);
        problem.Split(table, seed);
        if (data.BaseMixture is { } mixture)
        {
            problem.FitMixture(mixture with { Threads = threads }, cancellation);
        }

        var start = problem.Mixture?.Law.Sample(MomentDraws, random) ?? (x0 is null ? null : standardisation.Apply(x0));
        problem.Moments = problem.Measure(start, standardisation.Apply(x1), random);
        return problem;
    }

    // Rows (or draws) of both ends; for paired data row by row.
    private static (double[]? X0, double[] X1) DrawEnds(FlowData data, DataTable? table, RandomStream random)
    {
        if (data.Pairs is not null)
        {
            var (x0, x1) = (new double[MomentDraws * data.Dimension], new double[MomentDraws * data.Dimension]);
            data.Pairs(random, x0, x1, new double[MomentDraws * data.PairConditions]);
            return (x0, x1);
        }

        var rows = table?.Values ?? data.Sampler!(MomentDraws, random);
        return (data.Base?.Values ?? data.BaseSampler?.Invoke(MomentDraws, random), rows);
    }

    private void FitMixture(GaussianMixtureOptions options, CancellationToken cancellation)
    {
        Mixture = MixtureBase.Fit(Train!.Values, Validation?.Values, Dimension, options, Data.BroadShare, cancellation);
        Train = Train with { Shares = Mixture.CumulativeShares(Train.Values, options.Threads) };
        Validation = Validation is null ? null : Validation with { Shares = Mixture.CumulativeShares(Validation.Values, options.Threads) };
    }

    private EndMoments Measure(double[]? x0, double[] x1, RandomStream random)
    {
        var d = Dimension;
        x0 ??= [.. Enumerable.Range(0, x1.Length).Select(_ => random.NextNormal())];
        var (mean0, variance0, _) = ColumnMoments.Of(x0, d);
        var (mean1, variance1, _) = ColumnMoments.Of(x1, d);
        double Mean(double[] variance) => Enumerable.Range(0, d).Average(i => variance[i]);
        if (Data.HasGaussianBase)
        {
            (mean0, variance0) = (new double[d], [.. Enumerable.Repeat(1.0, d)]);
        }

        return new EndMoments(mean0, Mean(variance0), mean1, Mean(variance1), PairCovariance(x0, x1, mean0, mean1, random));
    }

    private double PairCovariance(double[] x0, double[] x1, double[] mean0, double[] mean1, RandomStream random)
    {
        var d = Dimension;
        if (!Options.IsTransport && Options.Coupling != CouplingKind.Paired && Data.Pairs is null)
        {
            return 0;
        }

        var pairs = Math.Min(Math.Min(x0.Length, x1.Length) / d, Options.IsTransport ? 4 * Options.CouplingSize : MomentDraws);
        var base0 = Numbers.Singles(x0.AsSpan(0, pairs * d));
        var data1 = Numbers.Singles(x1.AsSpan(0, pairs * d));
        if (Options.IsTransport)
        {
            new MiniBatchCoupling(Options.Coupling, Math.Min(Options.CouplingSize, pairs), d, Options.SinkhornEpsilon).Apply(base0, data1, random);
        }

        var sum = 0.0;
        for (var i = 0; i < pairs * d; i++)
        {
            sum += (base0[i] - mean0[i % d]) * (data1[i] - mean1[i % d]);
        }

        return sum / (pairs * d);
    }

    private void Split(DataTable? table, ulong seed)
    {
        if (table is null)
        {
            BaseRows = Data.Base is null ? null : Numbers.Singles(Standardisation.Apply(Data.Base.Values));
            BaseValidationRows = BaseRows;
            return;
        }

        var held = Options.ValidationShare == 0 ? 0 : Math.Clamp((int)Math.Round(Options.ValidationShare * table.Rows), 1, table.Rows - 2);
        var order = new RandomStream(seed, MeasureStreams.Split).Permutation(table.Rows);
        held = KeepCopiesTogether(order, held, Copies(Data));
        Order = order;
        var values = Numbers.Singles(Standardisation.Apply(table.Values));
        var conditions = Condition.Encode(Data.Conditions, Data.Table!);
        var labels = Condition.Combinations(Data.Conditions, conditions);
        PreparedRows Take(ReadOnlySpan<int> rows) => new(
            rows.Length,
            Gather(values, rows, Dimension),
            Gather(conditions, rows, conditions.Length / table.Rows),
            Gather(labels, rows, labels.Length / table.Rows));
        Train = Take(order.AsSpan(held));
        Validation = held == 0 ? null : Take(order.AsSpan(0, held));
        if (Data.Base is { } source)
        {
            var all = Numbers.Singles(Standardisation.Apply(source.Values));
            var paired = Options.Coupling == CouplingKind.Paired;
            BaseRows = paired ? Gather(all, order.AsSpan(held), Dimension) : all;
            BaseValidationRows = paired ? Gather(all, order.AsSpan(0, held), Dimension) : all;
        }
    }

    // Rows of words and whole numbers alone are often equal, and each says something of how often.
    private static RowCopies Copies(FlowData data)
    {
        var table = data.Table!;
        if (data.Types is null)
        {
            return RowCopies.Of(table.Values, table.Columns);
        }

        var (d, m) = (table.Columns, data.Types.Discrete.Count);
        var rows = new double[table.Rows * (d + m)];
        for (var row = 0; row < table.Rows; row++)
        {
            table.Values.AsSpan(row * d, d).CopyTo(rows.AsSpan(row * (d + m)));
            for (var k = 0; k < m; k++)
            {
                rows[(row * (d + m)) + d + k] = data.Codes[(row * m) + k];
            }
        }

        return RowCopies.Of(rows, d + m);
    }

    // A row that is held out says nothing when a copy of it is learned from: kinds of rows are held out as wholes, in the order in which they come, as long as
    // they fit in. Without copies nothing changes.
    private static int KeepCopiesTogether(int[] order, int held, RowCopies copies)
    {
        if (!copies.Any || held == 0)
        {
            return held;
        }

        var sizes = new int[copies.Distinct];
        foreach (var group in copies.Groups)
        {
            sizes[group]++;
        }

        var (isSeen, isHeld, count) = (new bool[copies.Distinct], new bool[copies.Distinct], 0);
        foreach (var row in order)
        {
            var group = copies.Groups[row];
            isHeld[group] |= !isSeen[group] && count + sizes[group] <= held;
            count += !isSeen[group] && isHeld[group] ? sizes[group] : 0;
            isSeen[group] = true;
        }

        // One kind that is larger than the share is better than none, if others are left to learn from.
        if (count == 0 && copies.Distinct > 2)
        {
            var smallest = Array.IndexOf(sizes, sizes.Min());
            (isHeld[smallest], count) = (true, sizes[smallest]);
        }

        var groups = copies.Groups.ToArray();
        int[] sorted = [.. order.Where(row => isHeld[groups[row]]), .. order.Where(row => !isHeld[groups[row]])];
        sorted.CopyTo(order, 0);
        return count;
    }

    private static void Check(FlowData data, PairingOptions options)
    {
        if (options.Coupling == CouplingKind.Paired && data.Base is null && data.Pairs is null)
        {
            throw new ArgumentException("The coupling 'paired' needs a second table as the base, with as many rows.");
        }

        if (options.Coupling == CouplingKind.Paired && data.Base is { } source && source.Rows != data.Table?.Rows)
        {
            var rows = data.Table is { } table ? FormattableString.Invariant($"{table.Source} {table.Rows}") : "the sampler none";
            throw new ArgumentException($"Pairs need as many rows on both sides, but {source.Source} has {source.Rows} and {rows}.");
        }

        if (options.IsTransport && data.Conditions.FirstOrDefault(c => !c.IsClass) is { } continuous)
        {
            throw new ArgumentException(
                $"A transport coupling would make the base depend on the continuous condition '{continuous.Name}'; use the coupling 'independent' with it "
                + "(classes are paired within themselves).");
        }
    }

    private static T[] Gather<T>(T[] values, ReadOnlySpan<int> rows, int length)
    {
        var result = new T[rows.Length * length];
        for (var i = 0; i < rows.Length && length > 0; i++)
        {
            values.AsSpan(rows[i] * length, length).CopyTo(result.AsSpan(i * length));
        }

        return result;
    }
}
