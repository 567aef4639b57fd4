namespace Monge.Diagnostics;

/// <summary>The free energy of a path of densities at one time.</summary>
/// <param name="Time">t.</param>
/// <param name="Value">F_t = -log Z_t.</param>
/// <param name="Error">Its standard error.</param>
public sealed record FreeEnergyPoint(double Time, double Value, double Error);
