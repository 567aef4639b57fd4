#!/usr/bin/env dotnet
// Memory and time of one gradient through whole paths, in a process that does nothing else:
//   dotnet run examples/trajectory-memory.cs -- STEPS DIMENSION [BATCH] [SEGMENTS]
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using System.Diagnostics;
using System.Globalization;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Objectives;

int Argument(int place, int otherwise) => args.Length > place ? int.Parse(args[place], CultureInfo.InvariantCulture) : otherwise;
var (steps, dimension, batch) = (Argument(0, 200), Argument(1, 2), Argument(2, 2048));
int? segments = args.Length > 3 ? Argument(3, 0) : null;

// Brownian motion from one point, controlled by a network and the clipped score of an annealing, to a double well in each coordinate.
var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
var network = new DriftNetwork(parameters, initializer, dimension, width: 64, depth: 3);
Expr LogTarget(Expr x) => -(x.Square() - 2).Square().Sum();
Expr Score(Expr x, Expr t) => (t * Derivative.Gradient(LogTarget(x), x)) - ((1 - t) * x);
var kernels = new ControlledKernels
{
    Dimension = dimension,
    Parameters = parameters,
    Schedule = KernelSchedule.PinnedBrownian(steps, variance: 1),
    Forward = (x, t, volatility, clip) => network.Apply(x, t) + (volatility * Score(x, t).Clamp(-clip, clip)),
    TargetCallsPerStep = 1,
};
using var gradient = new PathGradient<float>(kernels, LogTarget, PathSpaceLoss.Kl, batch, segments, startStream: 1, noiseStream: 2);
var values = new NdArray<float>(parameters.Count);
initializer.Fill(values.Span, new RandomKey(1, 0));
gradient.Run(values, new DrawKey(1));

// Processor time, which other programs on the machine disturb less than wall time.
using var process = Process.GetCurrentProcess();
var seconds = double.PositiveInfinity;
for (var k = 1; k <= 3; k++)
{
    process.Refresh();
    var before = process.TotalProcessorTime;
    gradient.Run(values, new DrawKey(1, (ulong)(k * steps)));
    process.Refresh();
    seconds = Math.Min(seconds, (process.TotalProcessorTime - before).TotalSeconds);
}

process.Refresh();
Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
    $"steps {steps}, d {dimension}, batch {batch}: states {gradient.StateBytes / 1048576.0:F2} MiB, peak working set "
    + $"{process.PeakWorkingSet64 / 1048576.0:F0} MiB, {seconds:F3} processor seconds for a gradient"));
