namespace Monge.Engine.LinearAlgebra;

/// <summary>A matrix does not have the property that a factorisation or a solver needs; the message says which and where.</summary>
/// <param name="message">One sentence: what failed, at which row or column, and what to do.</param>
public sealed class LinearAlgebraException(string message) : Exception(message);
