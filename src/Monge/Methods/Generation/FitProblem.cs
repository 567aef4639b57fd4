using Monge.Measures;

namespace Monge.Methods;

/// <summary>Data to learn from.</summary>
/// <param name="Data">The rows and the base.</param>
public sealed record FitProblem(FlowData Data);
