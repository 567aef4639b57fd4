using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Cli.Bench;

/// <summary>
/// A step of gradient descent of <c>width</c> neurons in mean-field scale, and a hundred runs of their flow at once and one after the other, in float64 always,
/// as training and the experiments do it.
/// </summary>
internal static class NeuronCase
{
    /// <summary>The cases' names.</summary>
    public static readonly string[] Names = ["neurons", "neurons-population", "neuron-runs", "neuron-runs-plain"];

    private const int Teachers = 10;
    private const int Runs = 100;
    private const double Rate = 1e-2;

    /// <summary>Rectified neurons on a table of <c>batch</c> points.</summary>
    public static BenchWork Regression(BenchSettings s)
    {
        var random = new RandomStream(1, 7);
        var inputs = Sphere.Uniform(s.Batch, s.Dimension, random);
        double[] targets = [.. Enumerable.Range(0, s.Batch).Select(_ => random.NextNormal())];
        var loss = new RegressionLoss(inputs, targets, Kernel.Relu(), new ExecutionOptions { Threads = s.Threads });
        return Descent(loss, NeuronEnsemble.Normal(s.Width, s.Dimension, random), 8.0 * s.Batch * s.Width * s.Dimension, isSpherical: false);
    }

    /// <summary>Rectified neurons on the sphere against a teacher of ten, on the population loss by arc-cosine kernels.</summary>
    public static BenchWork Population(BenchSettings s)
    {
        var random = new RandomStream(1, 8);
        var teacher = Sphere.Uniform(Teachers, s.Dimension, random);
        double[] masses = [.. Enumerable.Range(0, Teachers).Select(_ => random.NextNormal())];
        var loss = PopulationLoss.OfTeacher(Kernel.ArcCosine(s.Dimension), s.Dimension, teacher, masses, new ExecutionOptions { Threads = s.Threads });
        var start = NeuronEnsemble.Spherical(s.Width, s.Dimension, random, r => r.NextNormal());
        return Descent(loss, start, 4.0 * s.Width * (s.Width + Teachers) * s.Dimension, isSpherical: true);
    }

    /// <summary>
    /// A hundred networks of tanh neurons on a table of <c>batch</c> points through <c>steps</c> steps, a network being a sample of one program.
    /// </summary>
    public static BenchWork Lanes(BenchSettings s)
    {
        var (inputs, targets, starts) = Networks(s);
        var runs = new NeuronRuns(inputs, targets, x => x.Tanh(), null, new ExecutionOptions { Threads = s.Threads });
        return new BenchWork(() => runs.Run(starts, [s.Steps * Rate], Rate, static (_, _) => { }), null, static () => { });
    }

    /// <summary>The same networks one after the other.</summary>
    public static BenchWork OneByOne(BenchSettings s)
    {
        var (inputs, targets, starts) = Networks(s);
        var flow = new NeuronFlow(new RegressionLoss(inputs, targets, Kernel.Tanh(), new ExecutionOptions { Threads = s.Threads }));
        return new BenchWork(
            () => Array.ForEach(starts, start => flow.Run(start, [s.Steps * Rate], Rate, static (_, _, _) => { })), null, static () => { });
    }

    private static (double[] Inputs, double[] Targets, NeuronEnsemble[] Starts) Networks(BenchSettings s)
    {
        var random = new RandomStream(1, 9);
        var inputs = Sphere.Uniform(s.Batch, s.Dimension, random);
        double[] targets = [.. Enumerable.Range(0, s.Batch).Select(_ => random.NextNormal())];
        return (inputs, targets, [.. Enumerable.Range(0, Runs).Select(_ => NeuronEnsemble.Normal(s.Width, s.Dimension, random))]);
    }

    private static BenchWork Descent(INeuronLoss loss, NeuronEnsemble start, double operations, bool isSpherical)
    {
        var (m, d) = (start.Count, start.Dimension);
        var (outputs, features) = (start.Outputs, start.Features);
        var (masses, potential, slopes) = (new double[m], new double[m], new double[m * d]);
        return new BenchWork(Step, operations, static () => { });

        void Step()
        {
            for (var i = 0; i < m; i++)
            {
                masses[i] = outputs[i] / m;
            }

            loss.Evaluate(features, masses, potential, slopes);
            for (var i = 0; i < m; i++)
            {
                var z = features.AsSpan(i * d, d);
                var slope = slopes.AsSpan(i * d, d);
                if (isSpherical)
                {
                    Sphere.Project(z, slope);
                }

                HostVectors.AddScaled(-Rate * outputs[i], slope, z);
                outputs[i] -= Rate * potential[i];
                if (isSpherical)
                {
                    var length = Math.Sqrt(HostVectors.Dot(z, z));
                    foreach (ref var value in z)
                    {
                        value /= length;
                    }
                }
            }
        }
    }
}
