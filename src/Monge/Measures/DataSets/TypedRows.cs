using Monge.Data;

namespace Monge.Measures;

/// <summary>
/// Rows of a table with types as a transport sees them: the coordinates with a density are carried, and all that has a probability, or is a condition, is what
/// they are conditioned on. Where a zero-inflated column is zero its coordinate isn't there: it neither moves nor is it seen.
/// </summary>
internal static class TypedRows
{
    /// <summary>The coordinate of tables without a density, which nobody looks at.</summary>
    private const string NoCoordinate = "(no density)";
    private const string Zero = "zero";
    private const string Other = "other";

    /// <summary>The names of the coordinates [d], at least one.</summary>
    public static string[] Names(ColumnTypes types) => types.Continuous.Count == 0 ? [NoCoordinate] : [.. types.Continuous.Select(t => t.Name)];

    /// <summary>The conditions of the transport: numbers that are given, then the columns with probabilities.</summary>
    public static Condition[] Conditions(ColumnTypes types) =>
        [.. types.Numbers.Select(Number), .. types.Discrete.Select(OfDiscrete)];

    /// <summary>For each coordinate the input of the conditions that is 1 where it is there; -1 where it always is.</summary>
    public static int[] Presence(ColumnTypes types)
    {
        if (types.Continuous.Count == 0)
        {
            return [FlowEnds.AlwaysThere];
        }

        var at = 0;
        var inputs = new Dictionary<string, int>();
        foreach (var condition in Conditions(types))
        {
            inputs.TryAdd(condition.Name, at + 1);
            at += condition.Inputs;
        }

        return [.. types.Continuous.Select(t => t.Kind == ColumnKind.ZeroInflated ? inputs[ConditionName(t)] : FlowEnds.AlwaysThere)];
    }

    /// <summary>The table of coordinates and conditions.</summary>
    /// <param name="types">The types.</param>
    /// <param name="codes">Codes [n, m].</param>
    /// <param name="coordinates">Coordinates [n, d]; null for those that are yet to be drawn.</param>
    /// <param name="isThere">Whether each is there.</param>
    /// <param name="numbers">A column [n] for each condition that is a number.</param>
    /// <param name="rows">n.</param>
    /// <param name="source">What messages call the table.</param>
    public static DataTable Table(
        ColumnTypes types, double[] codes, double[]? coordinates, bool[]? isThere, IReadOnlyList<double[]> numbers, int rows, string source)
    {
        List<TableColumn> columns = [];
        var names = Names(types);
        for (var k = 0; k < names.Length; k++)
        {
            columns.Add(new TableColumn(names[k], Coordinate(types, coordinates, isThere, rows, k), null));
        }

        var given = types.Numbers;
        for (var k = 0; k < given.Count; k++)
        {
            columns.Add(new TableColumn(given[k].Name, numbers[k], null));
        }

        var m = types.Discrete.Count;
        for (var k = 0; k < m; k++)
        {
            var type = types.Discrete[k];
            double Code(int row) => codes[(row * m) + k];
            columns.Add(type.Kind == ColumnKind.Integer
                ? new TableColumn(type.Name, [.. Enumerable.Range(0, rows).Select(Code)], null)
                : new TableColumn(ConditionName(type), null, [.. Enumerable.Range(0, rows).Select(row => Class(type, Code(row)))]));
        }

        return DataTable.Of(source, columns);
    }

    private static Condition OfDiscrete(ColumnType type) => type.Kind == ColumnKind.Integer ? Number(type)
        : new Condition { Name = ConditionName(type), Classes = type.Kind == ColumnKind.ZeroInflated ? [Zero, Other] : type.Values };

    private static Condition Number(ColumnType type) => new() { Name = type.Name, Mean = type.Centre, Scale = type.Scale };

    private static string ConditionName(ColumnType type) => type.Kind == ColumnKind.ZeroInflated ? $"{type.Name} (zero or other)" : type.Name;

    private static string Class(ColumnType type, double code) => type.Kind == ColumnKind.ZeroInflated ? code == 0 ? Zero : Other : type.Values[(int)code];

    // What isn't there takes the values of other rows in turn, which keeps mean and deviation; no network sees it.
    private static double[] Coordinate(ColumnTypes types, double[]? coordinates, bool[]? isThere, int rows, int k)
    {
        if (coordinates is null || types.Continuous.Count == 0)
        {
            // Numbers of some spread, no two of them equal.
            return [.. Enumerable.Range(0, rows).Select(row => ((row * 0.6180339887498949) % 1) - 0.5 + (1e-9 * row))];
        }

        var d = types.Continuous.Count;
        int[] there = [.. Enumerable.Range(0, rows).Where(row => isThere![(row * d) + k])];
        var (result, next) = (new double[rows], 0);
        for (var row = 0; row < rows; row++)
        {
            var from = isThere![(row * d) + k] ? row : there.Length == 0 ? -1 : there[next++ % there.Length];
            result[row] = from < 0 ? 0 : coordinates[(from * d) + k];
        }

        return result;
    }
}
