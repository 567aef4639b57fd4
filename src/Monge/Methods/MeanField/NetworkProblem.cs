using Monge.Data;

namespace Monge.Methods;

/// <summary>A regression on a table: from its other columns to the target.</summary>
/// <param name="Table">The rows.</param>
/// <param name="Target">The column to predict.</param>
public sealed record NetworkProblem(DataTable Table, string Target)
{
    /// <summary>What names the problem in a <see cref="Monge.Runs.RunIdentity"/>: the table's fingerprint and the target.</summary>
    public IReadOnlyList<(string Name, string Value)> Identity() => [("data", Table.Fingerprint()), ("target", Target)];
}
