using Monge.Data;

namespace Monge.Runs;

/// <summary>What a model of a table with types has beside its transport: the types, and the law of what has a probability.</summary>
/// <param name="Types">The types of the columns.</param>
/// <param name="Discrete">The law of words, whole numbers and zeros.</param>
public sealed record TableLaw(ColumnTypes Types, DiscreteLaw Discrete);
