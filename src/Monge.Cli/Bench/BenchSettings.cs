namespace Monge.Cli.Bench;

/// <summary>Sizes of a bench case; the defaults are those of the peer in bench/torch_peer.py.</summary>
/// <param name="Batch">Samples.</param>
/// <param name="Dimension">Dimension d of a sample.</param>
/// <param name="Width">Width of the hidden layers.</param>
/// <param name="Depth">Number of hidden layers.</param>
/// <param name="Steps">Time steps of the ode, langevin and neuron-runs cases.</param>
/// <param name="Repeats">Timed repetitions, of which the median counts.</param>
/// <param name="Threads">Threads; 0 is one for each processor.</param>
internal sealed record BenchSettings(int Batch, int Dimension, int Width, int Depth, int Steps, int Repeats, int Threads);

/// <summary>What a case measured.</summary>
/// <param name="Name">The case.</param>
/// <param name="MedianMilliseconds">Median time of one repetition.</param>
/// <param name="Gflops">Useful matrix-product work in 10^9 floating-point operations a second; null where there is no matrix product.</param>
/// <param name="PeakGflops">Measured multiply-add peak of as many cores; null where there is no matrix product.</param>
internal sealed record BenchResult(string Name, double MedianMilliseconds, double? Gflops, double? PeakGflops = null);

/// <summary>A case made ready: one repetition of its work, and how many floating-point operations its matrix products need.</summary>
/// <param name="Step">Runs one repetition.</param>
/// <param name="FloatingPointOperations">Multiplications and additions in the matrix products of one repetition; null where there are none.</param>
/// <param name="Release">Frees what the case holds.</param>
internal sealed record BenchWork(Action Step, double? FloatingPointOperations, Action Release);
