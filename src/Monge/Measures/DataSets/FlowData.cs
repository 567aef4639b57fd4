using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>Draws rows.</summary>
/// <param name="count">Number of rows n.</param>
/// <param name="random">Where they are drawn from.</param>
/// <returns>The rows [n, d], row-major.</returns>
public delegate double[] RowSampler(int count, RandomStream random);

/// <summary>Draws pairs of a base row and a data row, with what the model shall be conditioned on.</summary>
/// <param name="random">Where they are drawn from.</param>
/// <param name="x0">Receives base rows [n, d].</param>
/// <param name="x1">Receives data rows [n, d].</param>
/// <param name="condition">Receives conditions [n, c]; empty without.</param>
public delegate void PairSampler(RandomStream random, Span<double> x0, Span<double> x1, Span<double> condition);

/// <summary>What a model is fitted to: a table or a sampler of data rows, and the base that they are carried from.</summary>
public sealed record FlowData
{
    private FlowData(int dimension, IReadOnlyList<string> names) => (Dimension, Names) = (dimension, names);

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>The coordinates' names [d].</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The rows; null for a sampler.</summary>
    public DataTable? Table { get; private init; }

    /// <summary>Fresh rows for each step; null for a table.</summary>
    public RowSampler? Sampler { get; private init; }

    /// <summary>Fresh pairs for each step; null for all else.</summary>
    public PairSampler? Pairs { get; private init; }

    /// <summary>Length of the condition that <see cref="Pairs"/> fills.</summary>
    public int PairConditions { get; private init; }

    /// <summary>The columns that the model is conditioned on.</summary>
    public IReadOnlyList<Condition> Conditions { get; private init; } = [];

    /// <summary>The types of the columns of <see cref="Typed"/>; null where all columns are continuous.</summary>
    public ColumnTypes? Types { get; private init; }

    /// <summary>The rows of a table with types as they are; <see cref="Table"/> holds what a transport sees of them.</summary>
    public DataTable? Typed { get; private init; }

    /// <summary>What has a probability in the rows, as <see cref="ColumnTypes.Codes"/> gives it [n, m]; empty without types.</summary>
    public IReadOnlyList<double> Codes { get; private init; } = [];

    /// <summary>As <see cref="FlowEnds.Presence"/>.</summary>
    public IReadOnlyList<int> Presence { get; private init; } = [];

    /// <summary>The base's rows; null for a Gaussian base or a sampler.</summary>
    public DataTable? Base { get; private init; }

    /// <summary>Fresh base rows for each step.</summary>
    public RowSampler? BaseSampler { get; private init; }

    /// <summary>How the Gaussian mixture is fitted that is the base; null for another.</summary>
    public GaussianMixtureOptions? BaseMixture { get; private init; }

    /// <summary>The weight of a mixture base's broad component; null chooses it.</summary>
    public double? BroadShare { get; private init; }

    /// <summary>Whether the base is a standard Gaussian.</summary>
    public bool HasGaussianBase => Base is null && BaseSampler is null && Pairs is null && BaseMixture is null;

    /// <summary>The rows of a table, all columns but the conditions.</summary>
    /// <param name="table">The table.</param>
    /// <param name="conditions">The columns to condition on.</param>
    /// <exception cref="ArgumentException">A column is missing, or none is left to learn.</exception>
    public static FlowData From(DataTable table, params IReadOnlyList<string> conditions)
    {
        Condition[] described = [.. conditions.Select(name => Condition.Of(table, name))];
        string[] names = [.. table.Names.Where(name => !conditions.Contains(name))];
        return names.Length > 0
            ? new FlowData(names.Length, names) { Table = table, Conditions = described }
            : throw new ArgumentException($"{table.Source} has no column left to learn beside the conditions {string.Join(", ", conditions)}.");
    }

    /// <summary>
    /// The rows of a table whose columns have types. The law of what has a probability (words, whole numbers, zeros) is learned exactly, by the chain rule, and
    /// the coordinates with a density are carried given it.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="types">The types of its columns, such as <see cref="ColumnTypeRule.Find"/> finds.</param>
    /// <exception cref="DataFormatException">A value isn't of its column's type.</exception>
    public static FlowData From(DataTable table, ColumnTypes types)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(types);
        var codes = types.Codes(table);
        var (coordinates, isThere) = types.Coordinates(table);
        var names = TypedRows.Names(types);
        double[][] numbers = [.. types.Numbers.Select(t => table.Column(t.Name))];
        return new FlowData(names.Length, names)
        {
            Table = TypedRows.Table(types, codes, coordinates, isThere, numbers, table.Rows, table.Source),
            Conditions = TypedRows.Conditions(types),
            Presence = TypedRows.Presence(types),
            Types = types,
            Typed = table,
            Codes = codes,
        };
    }

    /// <summary>Rows that are drawn anew for each step.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="sampler">Draws them.</param>
    /// <param name="names">The coordinates' names [d]; null for x[0], x[1], ...</param>
    public static FlowData From(int dimension, RowSampler sampler, IReadOnlyList<string>? names = null) =>
        new(dimension, names ?? Default(dimension)) { Sampler = sampler };

    /// <summary>Pairs that are drawn anew for each step.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="pairs">Draws them.</param>
    /// <param name="conditions">Length c of the condition; 0 for none. Conditions reach the model as they are drawn, so they should be of size 1.</param>
    public static FlowData FromPairs(int dimension, PairSampler pairs, int conditions = 0) => new(dimension, Default(dimension))
    {
        Pairs = pairs,
        PairConditions = conditions,
        Conditions = [.. Enumerable.Range(0, conditions).Select(k => new Condition { Name = FormattableString.Invariant($"c[{k}]") })],
    };

    /// <summary>
    /// The same data carried from the rows of another table with the same columns, which are matched by name, or by place where one of the tables has no names.
    /// </summary>
    /// <exception cref="ArgumentException">A column is missing there.</exception>
    public FlowData FromBase(DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var isByPlace = !Names.All(table.Has) && table.Columns == Dimension && (!table.HasNames || DataTable.AreMadeUp(Names));
        return this with { Base = isByPlace ? DataTable.From(table.Values, Dimension, Names, table.Source) : table.Select([.. Names]) };
    }

    /// <summary>The same data carried from rows drawn anew for each step.</summary>
    public FlowData FromBase(RowSampler sampler) => this with { BaseSampler = sampler };

    /// <summary>
    /// The same data carried from a Gaussian mixture that is fitted to them first, tuned on the held-out rows: the transport learns what the mixture lacks.
    /// Columns of few distinct values, which no smooth transport from one Gaussian makes, are in the mixture already. Each row is paired with a draw of the
    /// component that it belongs to. This is a construction of the project's, a data-dependent coupling in the sense of arXiv:2310.03725.
    /// </summary>
    /// <param name="options">
    /// What is tried; null for the defaults with one start and 50 iterations. One number of components and one ridge are taken as they are. At most 10,000 rows
    /// are used.
    /// </param>
    /// <param name="broadShare">
    /// The weight, at least 0 and below 1, of a last component with the moments of all rows, so that rows far from all others keep a density; null chooses it
    /// on the held-out rows, or takes 0.01 without such.
    /// </param>
    public FlowData FromMixture(GaussianMixtureOptions? options = null, double? broadShare = null) => broadShare is null or (>= 0 and < 1)
        ? this with { BaseMixture = options ?? new GaussianMixtureOptions { Starts = 1, MostIterations = 50 }, BroadShare = broadShare }
        : throw new ArgumentOutOfRangeException(nameof(broadShare), broadShare, "The weight of the broad component must be at least 0 and below 1.");

    private static string[] Default(int dimension) => [.. Enumerable.Range(0, dimension).Select(k => FormattableString.Invariant($"x[{k}]"))];
}
