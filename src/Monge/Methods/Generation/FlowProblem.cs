using Monge.Data;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.OptimalTransport;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>Rows in the model's coordinates with their conditions.</summary>
/// <param name="Rows">Their number n.</param>
/// <param name="Values">Values [n, d].</param>
/// <param name="Conditions">Conditions [n, c + 1], the last entry the flag 1; empty without.</param>
/// <param name="Labels">One number [n] for each combination of classes; empty without classes.</param>
internal sealed record FlowRows(int Rows, float[] Values, float[] Conditions, int[] Labels)
{
    /// <summary>The probabilities of a mixture base's components given the rows, summed up [n, K]; empty for another base.</summary>
    public float[] Shares { get; init; } = [];
}

/// <summary>A fit's data made ready: coordinates, the split into rows to learn from and to judge by, and the ends' moments.</summary>
internal sealed class FlowProblem
{
    private const int MomentDraws = 16_384;

    private FlowProblem(FlowData data, InterpolantOptions options, InterpolantForm form, Standardisation standardisation)
    {
        (Data, Options, Form, Standardisation) = (data, options, form, standardisation);
        Inputs = data.Conditions.Sum(c => c.Inputs);
    }

    public FlowData Data { get; }

    public InterpolantOptions Options { get; }

    /// <summary>The form, not automatic.</summary>
    public InterpolantForm Form { get; }

    public Standardisation Standardisation { get; }

    /// <summary>Inputs of the condition without its flag.</summary>
    public int Inputs { get; }

    public int Dimension => Data.Dimension;

    /// <summary>The ends' moments.</summary>
    public EndMoments Moments { get; private set; } = null!;

    /// <summary>The table's rows to learn from; null for samplers.</summary>
    public FlowRows? Train { get; private set; }

    /// <summary>The table's rows to judge by; null for samplers or without a validation share.</summary>
    public FlowRows? Validation { get; private set; }

    /// <summary>The base table's rows.</summary>
    public float[]? BaseRows { get; private set; }

    /// <summary>The base table's rows that belong to <see cref="Validation"/>, or all.</summary>
    public float[]? BaseValidationRows { get; private set; }

    /// <summary>The base, if it is a Gaussian mixture.</summary>
    public FlowMixture? Mixture { get; private set; }

    /// <summary>Whether base points reach the program as an input, not as draws inside it.</summary>
    public bool HasBaseInput => Form == InterpolantForm.TwoSided && (!Data.HasGaussianBase || Options.Coupling != CouplingKind.Independent);

    /// <summary>Names the data in checkpoints.</summary>
    public string Fingerprint => $"{Data.Table?.Fingerprint() ?? "sampler"}/{Data.Base?.Fingerprint() ?? (Data.HasGaussianBase ? "gaussian" : Data.BaseMixture is { } mixture ? $"mixture {MethodOptions.Format(mixture)} {Data.BroadShare}" : "sampler")}";

    /// <summary>Makes a fit's data ready.</summary>
    /// <exception cref="ArgumentException">Data and options don't go together; the message says what to change.</exception>
    /// <exception cref="DataFormatException">The table has too few rows, or a constant column.</exception>
    public static FlowProblem Prepare(FlowData data, InterpolantOptions options, ulong seed, int threads = 0, CancellationToken cancellation = default)
    {
        Check(data, options);
        var form = options.Form != InterpolantForm.Automatic ? options.Form
            : data.HasGaussianBase && options.Coupling == CouplingKind.Independent ? InterpolantForm.OneSided
            : InterpolantForm.TwoSided;
        if (form == InterpolantForm.OneSided && !(data.HasGaussianBase && options.Coupling == CouplingKind.Independent))
        {
            throw new ArgumentException("A one-sided interpolant has a Gaussian base drawn independently of the data; choose the form 'twoSided' for another base or coupling.");
        }

        var random = new RandomStream(seed, GenerationStreams.Moments);
        var table = data.Table is null ? null : DataTable.From(
            data.Table.Select([.. data.Names]).Values, data.Dimension, data.Names, data.Table.Source, new DataTableOptions { MinimumRows = 10, RefuseConstantColumns = true });
        var (x0, x1) = Ends(data, table, random);
        var fitted = x0 is null ? x1 : [.. x1, .. x0];
        Standardisation standardisation;
        try
        {
            standardisation = Standardisation.Of(fitted, data.Dimension, options.Standardisation);
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"{data.Table?.Source ?? "The data"}: {error.Message}", error);
        }

        var problem = new FlowProblem(data, options, form, standardisation);
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
    private static (double[]? X0, double[] X1) Ends(FlowData data, DataTable? table, RandomStream random)
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
        Mixture = FlowMixture.Fit(Train!.Values, Validation?.Values, Dimension, options, Data.BroadShare, cancellation);
        Train = Train with { Shares = Mixture.CumulativeShares(Train.Values, options.Threads) };
        Validation = Validation is null ? null : Validation with { Shares = Mixture.CumulativeShares(Validation.Values, options.Threads) };
    }

    private EndMoments Measure(double[]? x0, double[] x1, RandomStream random)
    {
        var d = Dimension;
        x0 ??= [.. Enumerable.Range(0, x1.Length).Select(_ => random.NextNormal())];
        var (mean0, covariance0) = Standardisation.Moments(x0, d);
        var (mean1, covariance1) = Standardisation.Moments(x1, d);
        double Variance(double[] covariance) => Enumerable.Range(0, d).Average(i => covariance[(i * d) + i]);
        if (Data.HasGaussianBase)
        {
            (mean0, covariance0) = (new double[d], [.. Enumerable.Range(0, d * d).Select(i => i % (d + 1) == 0 ? 1.0 : 0.0)]);
        }

        return new EndMoments(mean0, Variance(covariance0), mean1, Variance(covariance1), PairCovariance(x0, x1, mean0, mean1, random));
    }

    private double PairCovariance(double[] x0, double[] x1, double[] mean0, double[] mean1, RandomStream random)
    {
        var d = Dimension;
        var isTransport = Options.Coupling is CouplingKind.OptimalTransport or CouplingKind.Sinkhorn;
        if (!isTransport && Options.Coupling != CouplingKind.Paired && Data.Pairs is null)
        {
            return 0;
        }

        var pairs = Math.Min(Math.Min(x0.Length, x1.Length) / d, isTransport ? 4 * Options.CouplingSize : MomentDraws);
        float[] base0 = [.. x0.Take(pairs * d).Select(v => (float)v)];
        float[] data1 = [.. x1.Take(pairs * d).Select(v => (float)v)];
        if (isTransport)
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
            BaseRows = Data.Base is null ? null : Narrow(Standardisation.Apply(Data.Base.Values));
            BaseValidationRows = BaseRows;
            return;
        }

        var held = Options.ValidationShare == 0 ? 0 : Math.Clamp((int)Math.Round(Options.ValidationShare * table.Rows), 1, table.Rows - 2);
        var order = new RandomStream(seed, GenerationStreams.Split).Permutation(table.Rows);
        var values = Narrow(Standardisation.Apply(table.Values));
        var (conditions, labels) = Encode(Data.Table!);
        FlowRows Take(ReadOnlySpan<int> rows) => new(
            rows.Length, Gather(values, rows, Dimension), Gather(conditions, rows, conditions.Length / table.Rows), labels.Length == 0 ? [] : Gather(labels, rows, 1));
        Train = Take(order.AsSpan(held));
        Validation = held == 0 ? null : Take(order.AsSpan(0, held));
        if (Data.Base is { } source)
        {
            var all = Narrow(Standardisation.Apply(source.Values));
            var paired = Options.Coupling == CouplingKind.Paired;
            BaseRows = paired ? Gather(all, order.AsSpan(held), Dimension) : all;
            BaseValidationRows = paired ? Gather(all, order.AsSpan(0, held), Dimension) : all;
        }
    }

    /// <summary>A table's conditions [n, c + 1] with the flag, and one label for each combination of classes.</summary>
    public (float[] Conditions, int[] Labels) Encode(DataTable table)
    {
        if (Inputs == 0)
        {
            return ([], []);
        }

        var stride = Inputs + 1;
        var conditions = new float[table.Rows * stride];
        var at = 0;
        foreach (var condition in Data.Conditions)
        {
            condition.Encode(table, conditions.AsSpan(at), stride);
            at += condition.Inputs;
        }

        for (var row = 0; row < table.Rows; row++)
        {
            conditions[(row * stride) + Inputs] = 1;
        }

        if (!Data.Conditions.Any(c => c.IsClass))
        {
            return (conditions, []);
        }

        var labels = new int[table.Rows];
        for (var row = 0; row < table.Rows; row++)
        {
            at = 0;
            foreach (var condition in Data.Conditions)
            {
                labels[row] = condition.IsClass ? (labels[row] * condition.Inputs) + conditions.AsSpan((row * stride) + at, condition.Inputs).IndexOf(1f) : labels[row];
                at += condition.Inputs;
            }
        }

        return (conditions, labels);
    }

    private static void Check(FlowData data, InterpolantOptions options)
    {
        if (options.Coupling == CouplingKind.Paired && data.Base is null && data.Pairs is null)
        {
            throw new ArgumentException("The coupling 'paired' needs a second table as the base, with as many rows.");
        }

        if (options.Coupling == CouplingKind.Paired && data.Base is { } source && source.Rows != data.Table?.Rows)
        {
            throw new ArgumentException($"Pairs need as many rows on both sides, but {source.Source} has {source.Rows} and {data.Table?.Source ?? "the sampler"} {data.Table?.Rows.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"}.");
        }

        if (options.Coupling is CouplingKind.OptimalTransport or CouplingKind.Sinkhorn && data.Conditions.Any(c => !c.IsClass))
        {
            throw new ArgumentException($"A transport coupling would make the base depend on the continuous condition '{data.Conditions.First(c => !c.IsClass).Name}'; use the coupling 'independent' with it (classes are paired within themselves).");
        }

        if (data.BaseMixture is not null)
        {
            CheckMixture(data, options);
        }

        if (options.Form == InterpolantForm.Mirror && !data.HasGaussianBase)
        {
            throw new ArgumentException("A mirror interpolant has the data on both sides; give it no base.");
        }
    }

    private static void CheckMixture(FlowData data, InterpolantOptions options)
    {
        var schedule = InterpolantSchedules.Get(options.Schedule);
        var (start, end) = (schedule.At(0), schedule.At(1));
        var isExact = Math.Abs(start.Alpha - 1) + Math.Abs(start.Beta) + Math.Abs(end.Alpha) + Math.Abs(end.Beta - 1) < 1e-9;
        var problem = data.Table is null || data.Base is not null || data.BaseSampler is not null ? "it is fitted to the rows of one table"
            : data.Conditions.Count > 0 ? "it can't depend on conditions; use a Gaussian base with them"
            : options.Coupling != CouplingKind.Independent ? "rows are paired within its components; leave the coupling 'independent'"
            : options.Form is not (InterpolantForm.Automatic or InterpolantForm.TwoSided) ? "the interpolant is two-sided; leave the form 'automatic'"
            : options.Learn != LearnedFields.Velocity ? "the velocity alone is learned; choose learn 'velocity'"
            : schedule.HasLatent || !isExact ? $"the schedule leads from base to data without a latent, which '{options.Schedule}' does not; choose 'trigonometric' or 'linear'"
            : null;
        if (problem is not null)
        {
            throw new ArgumentException($"With a mixture base {problem}.");
        }
    }

    internal static float[] Narrow(double[] values) => Array.ConvertAll(values, v => (float)v);

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
