namespace Monge.Measures;

/// <summary>Draws an exact or held-out sample set.</summary>
/// <param name="count">Number of samples n.</param>
/// <param name="seed">Seed; different seeds give independent sets.</param>
/// <returns>Samples, [n, d] row-major.</returns>
public delegate double[] ExactSampler(int count, int seed);
